# SPDX-License-Identifier: MIT
"""What the tests of `thrum bulk` share: a folder with a letter and a list, the
command, and servers that are as good or as bad as a test needs them."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, 'support'))
import unit  # noqa: E402 pylint: disable=wrong-import-position

THRUM = os.path.join(unit.top_builddir, 'thrum')
STATES = ('accepted', 'failed', 'invalid', 'suppressed', 'waiting', 'in_doubt')


class Ended:
    """How a campaign ended."""

    def __init__(self, status, out, errors):
        self.status = status
        self.out = out
        self.errors = errors.decode()

    def totals(self):
        return json.loads(self.out)

    def counts(self):
        """The states that are not 0, which sum to the total."""
        totals = self.totals()
        if totals['total'] != sum(totals[state] for state in STATES):
            raise AssertionError(f'{totals} do not sum up')
        return {state: totals[state] for state in STATES if totals[state]}


class Test(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        # Closed by the clean-up. pylint: disable=consider-using-with
        folder = tempfile.TemporaryDirectory(prefix='thrum-cli-')
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.letter = self.write('letter.txt', 'Dear {{name}},\nhello!\n')

    def write(self, name, content):
        path = self.folder / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path

    def people(self, count, name='people.csv'):
        """A list of so many people, each with a name of its own."""
        rows = (f'p{i}@example.org,Person {i}\n' for i in range(1, count + 1))
        return self.write(name, 'email,name\n' + ''.join(rows))

    def command(self, *options, to=None, text=None, subject='For {{name}}'):
        """The command line."""
        return [THRUM, 'bulk', '--from', 'News <news@example.org>', '--to',
                str(to or self.folder / 'people.csv'), '--subject',
                subject, '--text', str(text or self.letter), *options]

    def bulk(self, *options, **more):
        """Runs it to its end, with --json."""
        words = {name: more.pop(name) for name in ('to', 'text', 'subject')
                 if name in more}
        done = subprocess.run(self.command('--json', *options, **words),
                              capture_output=True, check=False, **more)
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *options, **more):
        """Starts it, with --json."""
        process = subprocess.Popen(self.command('--json', *options),
                                   stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **more)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def finish(self, process):
        out, errors = process.communicate()
        return Ended(process.returncode, out, errors)

    def sink(self, *options):
        """A `thrum sink`; answers its URL and what reads its messages."""
        dump = self.folder / 'dump.ndjson'
        process = subprocess.Popen(
            [THRUM, 'sink', '--listen', '127.0.0.1:0', '--json', '--dump',
             str(dump), *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        port = process.stderr.readline().rsplit(':', 1)[1].strip()

        def messages():
            process.terminate()
            process.communicate()
            with open(dump, encoding='ascii') as lines:
                return [json.loads(line) for line in lines]
        return f'smtp://127.0.0.1:{port}', messages


class Server:
    """An SMTP server without PIPELINING whose connections are each served by
    `talk(line, number)`: the answer to a line, None for silence, or an
    exception for the end of the connection. `number` counts the bodies that
    were taken, all connections together."""

    def __init__(self, talk, greeting=b'220 test\r\n'):
        self.talk = talk
        self.greeting = greeting
        self.bodies = 0
        self.connections = 0
        self.lock = threading.Lock()
        self.seen = threading.Event()  # the first body was begun
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.via = f'smtp://127.0.0.1:{self.listener.getsockname()[1]}'
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(peer,),
                             daemon=True).start()

    def serve(self, peer):
        with peer, peer.makefile('rb') as lines:
            try:
                peer.sendall(self.greeting)
                self.dialogue(peer, lines)
            except (OSError, EOFError):
                pass

    def dialogue(self, peer, lines):
        body = False
        for line in lines:
            if body and line != b'.\r\n':
                continue
            with self.lock:
                if body:
                    self.bodies += 1
                answer = self.talk(line, self.bodies)
            body = answer is not None and answer.startswith(b'354')
            if body:
                self.seen.set()
            if answer is not None:
                peer.sendall(answer)
            if line == b'QUIT\r\n':
                return


def takes(line, _):
    """A server that takes everything."""
    if line == b'DATA\r\n':
        return b'354 go on\r\n'
    return b'221 bye\r\n' if line == b'QUIT\r\n' else b'250 ok\r\n'


def main():
    unit.main()
