# SPDX-License-Identifier: MIT
"""Postfix and its smtp-sink get every letter just as it passed on the wire."""
import os
import re
import shutil
import unittest

import harness
from postfix import Postfix
from tap import Tap

def is_here(program):
    return shutil.which(program) is not None


SINK_HEADERS = re.compile(
    rb"X-Client-Addr: .*\nX-Client-Proto: .*\n(?:X-Helo-Args: .*\n)?"
    rb"X-Mail-Args: <(.*)>.*\n((?:X-Rcpt-Args: .*\n)+)"
    rb"Received: .*\n(?:\t.*\n)*")


def read_sink_file(path):
    """A file of smtp-sink -d: its own headers, the message, an empty line."""
    data = path.read_bytes()
    head = SINK_HEADERS.match(data)
    to = re.findall(rb"X-Rcpt-Args: <(.*)>", head[2])
    body = data[head.end():-1].replace(b"\n", b"\r\n")
    return {"from": head[1].decode("latin-1"),
            "to": [each.decode("latin-1") for each in to],
            "body": body.decode("latin-1")}


@unittest.skipUnless(is_here("smtp-sink"), "smtp-sink is not installed")
class SmtpSink(harness.ServerTest):
    COUNT = 1000

    def check(self, folder, given, options):
        dump = self.folder / folder
        self.folder.chmod(0o755)
        dump.mkdir()
        user = []
        if os.getuid() == 0:
            shutil.chown(dump, "nobody")
            user = ["-u", "nobody"]
        port = harness.free_port()
        self.start(["smtp-sink", *user, *given, "-d", dump / "%s.",
                    "127.0.0.1:%d" % port, 100], port)
        with Tap(port) as tap:
            sent = self.bulk(tap.port, self.COUNT, *options)
        records = [read_sink_file(path) for path in dump.iterdir()]
        self.assert_all_delivered(self.COUNT, sent, records)
        self.assert_same_bytes(tap, records)

    def assert_same_bytes(self, tap, records):
        self.assertEqual(sorted(tap.messages()), sorted(
            record["body"].encode("latin-1") for record in records))

    def test_with_pipelining(self):
        for at, (name, options) in enumerate(harness.MODES.items()):
            with self.subTest(name):
                self.check("with-%d" % at, [], options)

    def test_without_pipelining(self):
        self.check("without", ["-p"], [])

    def test_without_esmtp(self):
        self.check("plain", ["-e"], [])

    def test_every_command_refused_or_cut_off(self):
        """-q, -Q, -r and -f of each command: all is told, nothing hangs."""
        for how in "-q", "-Q", "-r", "-f":
            for command in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", ".",
                            "QUIT"):
                with self.subTest(how=how, command=command):
                    self.check_fault(how, command)

    def check_fault(self, how, command):
        port = harness.free_port()
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        program = self.start(["smtp-sink", *user, how, command,
                              "127.0.0.1:%d" % port, 100], port)
        sent = self.bulk(port, 20)
        self.stop(program)
        good = command == "QUIT" or (how, command) == ("-f", "EHLO")
        self.assertEqual(sent.accepted, 20 if good else 0, sent.errors)
        self.assertEqual(sent.status == 0, good, sent.errors)
        doubtful = how == "-q" and command == "."
        self.assertEqual(sent.in_doubt > 0, doubtful, sent.errors)


class PostfixOnTheWire(harness.ServerTest):
    COUNT = 500

    def test_every_letter_arrives_as_it_was_sent(self):
        self.folder.chmod(0o755)
        server = Postfix(self)
        server.start()
        for name, options in harness.MODES.items():
            with self.subTest(name):
                self.check(server, options)

    def check(self, server, options):
        server.forget()
        with Tap(server.port) as tap:
            sent = self.bulk(tap.port, self.COUNT, *options)
        complaints = server.complaints(server.said())
        self.assertEqual(complaints, [], sent.errors)
        records = server.take()
        self.assert_all_delivered(self.COUNT, sent, records)
        self.assertEqual(sorted(tap.messages()), sorted(
            record["body"].encode("latin-1") for record in records))


if __name__ == "__main__":
    harness.main()
