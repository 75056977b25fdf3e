# SPDX-License-Identifier: MIT
"""Postfix's smtp-sink, which takes everything and can be told to refuse, or to
hang up at, any command; and what it writes down."""
import os
import re
import shutil
import unittest

import harness

HEADERS = re.compile(
    rb"X-Client-Addr: .*\nX-Client-Proto: .*\n(?:X-Helo-Args: .*\n)?"
    rb"X-Mail-Args: <(.*)>(.*)\n((?:X-Rcpt-Args: .*\n)+)"
    rb"Received: .*\n(?:\t.*\n)*")


def read_file(path):
    """A file of smtp-sink -d: its own headers, the message, an empty line.
    None: a message of which it did not get so much as the beginning."""
    data = path.read_bytes()
    head = HEADERS.match(data)
    if head is None:
        return None
    to = re.findall(r"X-Rcpt-Args: <(.*?)>(.*)", head[3].decode("latin-1"))
    body = data[head.end():-1].replace(b"\n", b"\r\n")
    return {"from": head[1].decode("latin-1"),
            "to": [each for each, _ in to],
            "parameters": [head[2].decode("latin-1")] +
                          [each for _, each in to],
            "body": body.decode("latin-1")}


class SmtpSink:
    """Started with `options`, at a port of its own."""

    def __init__(self, test, *options, dump=True):
        if shutil.which("smtp-sink") is None:
            raise unittest.SkipTest("smtp-sink is not installed")
        test.folder.chmod(0o755)
        self.test = test
        self.port = harness.free_port()
        self.dump = test.folder / ("dump-%d" % self.port)
        self.dump.mkdir(exist_ok=True)
        user = []
        if os.getuid() == 0:
            shutil.chown(self.dump, "nobody")
            user = ["-u", "nobody"]
        if dump:
            options = [*options, "-d", self.dump / "%s."]
        self.program = test.start(
            ["smtp-sink", *user, *options, "127.0.0.1:%d" % self.port, 100],
            self.port)

    def stop(self):
        self.test.stop(self.program)

    def records(self):
        """What it got since this was asked last."""
        for path in self.dump.iterdir():
            record = read_file(path)
            path.unlink()
            if record is not None:
                yield record
