# SPDX-License-Identifier: MIT
"""What the tests of TLS against peers that others wrote share: programs that
are spoken to and listened to, our own side (tls_peer.c), and certificates."""
import hashlib
import json
import os
import pathlib
import random
import subprocess
import threading
import time
import unittest

import harness
import unit

TLS_PEER = os.path.join(unit.top_builddir, "tests/servers/tls_peer")
MADE = pathlib.Path(unit.top_builddir, "tests/tls/made")
TLS, TRUNCATED, TIMEOUT, CONNECT = -210, -211, -203, -202
READ = -205
VERSIONS = {"TLS1.2": "NORMAL:-VERS-ALL:+VERS-TLS1.2",
            "TLS1.3": "NORMAL:-VERS-ALL:+VERS-TLS1.3"}
LARGE = 10 << 20


def made(name):
    return str(MADE / (name + ".pem"))


class Program:
    """A program whose output is collected while it runs. It is awaited by what
    it says, never by time alone."""

    def __init__(self, command, **how):
        self.process = subprocess.Popen(
            [str(each) for each in command], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how)
        self.out, self.err = bytearray(), bytearray()
        self.changed = threading.Condition()
        self.open = 2
        self.threads = [
            threading.Thread(target=self.collect, args=each, daemon=True)
            for each in ((self.process.stdout, self.out),
                         (self.process.stderr, self.err))]
        for each in self.threads:
            each.start()

    def collect(self, pipe, into):
        while data := pipe.read1(1 << 16):
            with self.changed:
                into += data
                self.changed.notify_all()
        with self.changed:
            self.open -= 1
            self.changed.notify_all()

    def say(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def say_beside(self, data):
        """What is larger than a pipe: while the answer is heard."""
        threading.Thread(target=self.say, args=(data,), daemon=True).start()

    def until(self, condition):
        """Waits until it holds; False: the program said no more, or hangs."""
        with self.changed:
            self.changed.wait_for(lambda: condition() or self.open == 0,
                                  harness.PATIENCE)
            return bool(condition())

    def hears(self, words):
        """Whether it says this, on either of its outputs."""
        return self.until(lambda: words in self.out or words in self.err)

    def wait(self):
        """Its exit status, when it has ended by itself."""
        status = self.process.wait(harness.PATIENCE)
        for each in self.threads:
            each.join()
        return status

    def end(self):
        """Ends it, if it has not ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for each in self.threads:
            each.join()
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        self.process.stderr.close()

    def told(self):
        return (self.out + self.err).decode(errors="replace")


def peer_command(verb, endpoint, options):
    return [TLS_PEER, verb, endpoint,
            *("%s=%s" % each for each in options.items())]


class Peer(Program):
    """Our own side; its events."""

    def events(self, name=None):
        whole = self.out[:self.out.rfind(b"\n") + 1].decode()
        found = [json.loads(line) for line in whole.splitlines()]
        return [each for each in found if name in (None, each["event"])]

    def event(self, name, at=0):
        """The event of that name, when it has come."""
        if not self.until(lambda: len(self.events(name)) > at):
            raise AssertionError("no %s: %s" % (name, self.told()))
        return self.events(name)[at]

    def ending(self, at=0):
        """How a connection ended: closed, or never opened."""
        self.until(lambda: len(self.events("closed") + self.events("failed"))
                   > at)
        found = [each for each in self.events()
                 if each["event"] in ("closed", "failed")]
        if len(found) <= at:
            raise AssertionError("no end: %s" % self.told())
        return found[at]


def codes(event):
    return [each["code"] for each in event["why"]]


def words(event):
    return "; ".join(each["text"] for each in event["why"])


@unittest.skipUnless(os.path.exists(made("ca")), "certtool is not installed")
class TlsTest(harness.ServerTest):
    # --- programs -----------------------------------------------------------

    def program(self, *command, **how):
        program = Program(command, **how)
        self.addCleanup(program.end)
        return program

    def server(self, port, *command, table="/proc/net"):
        """A program that listens. It is asked for by the kernel's table, not
        by a connection, which some would serve and count."""
        program = self.program(*command)
        until = time.monotonic() + harness.PATIENCE
        while program.process.poll() is None and time.monotonic() < until:
            if listens(port, table):
                return program
            time.sleep(0.01)
        return self.fail("no server at port %d: %s" % (port, program.told()))

    def peer(self, verb, endpoint, options):
        peer = Peer(peer_command(verb, endpoint, options))
        self.addCleanup(peer.end)
        return peer

    def connect(self, port, **options):
        """A client of ours that believes to be at mail.test, over TLS."""
        settings = {"tls": 1, "trust": made("ca"), "host": "mail.test"}
        settings.update(options)
        settings = {name: value for name, value in settings.items()
                    if value is not None}
        return self.peer("connect", "tcp:127.0.0.1:%d" % port, settings)

    def serve(self, kind="tls", **options):
        """A server of ours that shows that it is mail.test; it echoes."""
        settings = {}
        if kind == "tls":
            settings = {"tls": 1, "cert": made("good")}
        settings.update(options)
        peer = self.peer("serve", kind + ":127.0.0.1:0", settings)
        peer.port = peer.event("listening")["port"]
        return peer

    # --- what is sent -------------------------------------------------------

    def payload(self, size, name="input"):
        """Lines of text, for peers that take nothing else; the same each
        time. Returns the file and its bytes."""
        path = self.folder / name
        letters = b"abcdefghijklmnopqrstuvwxyz0123456789"
        source = random.Random(size)
        block = b"".join(
            bytes(source.choices(letters, k=source.randrange(200))) + b"\n"
            for _ in range(1000))
        data = (block * (size // len(block) + 1))[:size - 1] + b"\n"
        path.write_bytes(data)
        return path, data

    def assert_same(self, got, sent):
        """Two sequences of bytes, too long to be shown."""
        self.assertEqual(len(got), len(sent))
        self.assertEqual(hashlib.sha256(got).hexdigest(),
                         hashlib.sha256(sent).hexdigest())

    # --- how it ended -------------------------------------------------------

    def assert_ended_well(self, event):
        self.assertEqual(event["event"], "closed", event)
        self.assertEqual(event["why"], [], event)

    def assert_refused(self, event, text, code=TLS):
        """The reactor's failure, who and why in words, and what lies
        beneath."""
        self.assertNotEqual(event["why"], [], event)
        first = event["why"][0]
        self.assertEqual((first["domain"], first["code"]), ("reactor", code),
                         event)
        self.assertIn("127.0.0.1:", first["text"])
        self.assertIn(text, words(event))


def listens(port, table):
    """Whether anybody listens there (state 0A of /proc/net/tcp)."""
    wanted = ":%04X" % port
    for name in "tcp", "tcp6":
        with open(os.path.join(table, name), encoding="ascii") as lines:
            for line in lines:
                fields = line.split()
                if fields[1].endswith(wanted) and fields[3] == "0A":
                    return True
    return False


main = unit.main
