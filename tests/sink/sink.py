# SPDX-License-Identifier: MIT
"""A `thrum sink` that runs, and clients for it."""
import json
import os
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, 'support'))
import unit  # noqa: E402 pylint: disable=wrong-import-position

THRUM = os.path.join(unit.top_builddir, 'thrum')
ENVELOPE = b'MAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\nDATA\r\n'
TAKEN = b'250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n' \
        b'354 End with a dot alone on its line\r\n'
OK = b'250 2.0.0 Ok\r\n'

# Seconds after which something hangs: a test says so instead of waiting.
WATCHDOG = 60


def thrum_sink(*options):
    return subprocess.run([THRUM, 'sink', *options], capture_output=True,
                          text=True, check=False, timeout=WATCHDOG)


class Sink:
    """A sink that runs, under a tool that counts if one is named; its options
    come after --listen and --json."""

    def __init__(self, *options, host='127.0.0.1', under=()):
        self.process = subprocess.Popen(
            [*under, THRUM, 'sink', '--listen', f'{host}:0', '--json',
             *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = self.process.stderr.readline()
        self.port = int(self.said.rsplit(':', 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate(timeout=WATCHDOG)

    def end(self, number=None):
        """Its status and totals, after a signal or by itself."""
        if number is not None:
            self.process.send_signal(number)
        out, self.said = self.process.communicate(timeout=WATCHDOG)
        return self.process.returncode, json.loads(out)


class Client:
    """A connection without manners of its own."""

    def __init__(self, sink, host='127.0.0.1'):
        self.socket = socket.create_connection((host, sink.port),
                                               timeout=WATCHDOG)
        self.expect(b'220 localhost ESMTP thrum sink\r\n')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def say(self, data):
        self.socket.sendall(data)

    def read(self, size):
        got = b''
        while len(got) < size:
            piece = self.socket.recv(size - len(got))
            if not piece:
                break
            got += piece
        return got

    def expect(self, wanted):
        got = self.read(len(wanted))
        if got != wanted:
            raise AssertionError(f'{got!r} instead of {wanted!r}')

    def expect_end(self):
        try:
            got = self.socket.recv(1)
        except ConnectionResetError:
            got = b''
        if got:
            raise AssertionError(f'{got!r} instead of the end')

    def ask(self, command, wanted):
        self.say(command)
        self.expect(wanted)

    def hello(self):
        self.ask(b'HELO c\r\n', b'250 localhost\r\n')


def dumped(name):
    with open(name, encoding='ascii') as lines:
        return [json.loads(line) for line in lines]


def certificate(name='good'):
    """The file of a certificate and its key; see tests/tls."""
    return os.path.join(unit.top_builddir, 'tests', 'tls', 'made',
                        name + '.pem')


def trusting():
    """What a client needs to trust the certificate `good`, as mail.test."""
    return ssl.create_default_context(cafile=certificate('ca'))


NO_CERTTOOL = 'certtool is not there to make certificates'
