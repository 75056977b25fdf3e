# SPDX-License-Identifier: MIT
"""The command `thrum sink`, over sockets, as a client and a shell see it."""
import json
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import unittest

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
    """A sink that runs; its options come after --listen and --json."""

    def __init__(self, *options, host='127.0.0.1'):
        self.process = subprocess.Popen(
            [THRUM, 'sink', '--listen', f'{host}:0', '--json', *options],
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


class CommandLine(unittest.TestCase):
    def refused(self, status, words, *options):
        done = thrum_sink(*options)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, '')

    def test_help_is_data(self):
        done = thrum_sink('--help')
        self.assertEqual(done.returncode, 0)
        for option in ('--listen', '--count', '--dump', '--no-pipelining',
                       '--json'):
            self.assertIn(option, done.stdout)
        self.assertEqual(done.stderr, '')

    def test_the_man_page_tells_of_the_options_that_help_shows(self):
        name = os.path.join(unit.top_srcdir, 'man', 'thrum-sink.1')
        with open(name, encoding='ascii') as page:
            told = re.findall(r'^\.BI? "?\\-\\-([\w\\-]+)', page.read().split(
                '.SH OPTIONS')[1].split('.SH ENDING')[0], re.M)
        shown = re.findall(r'^  --([\w-]+)', thrum_sink('--help').stdout, re.M)
        self.assertEqual([option.replace('\\', '') for option in told], shown)

    def test_what_is_not_due_is_unknown(self):
        for option in ('--chunking', '--size=1', '--auth=a:b', '--reply=a:1',
                       '--implicit-tls', '--drop=MAIL', '--delay=MAIL:1'):
            self.refused(64, 'unknown option', option)

    def test_an_address_has_a_port(self):
        for address in ('127.0.0.1', ':25', '127.0.0.1:', '127.0.0.1:65536',
                        '127.0.0.1:2x', '::1:25', '[::1]', ''):
            self.refused(64, '--listen takes', '--listen', address)

    def test_a_count_is_a_number_from_1_on(self):
        for count in ('0', '-1', 'x', '', '1x'):
            self.refused(64, '--count takes a number', '--count', count)

    def test_a_place_that_cannot_be_listened_at_is_named(self):
        with socket.socket() as other:
            other.bind(('127.0.0.1', 0))
            other.listen()
            place = f'127.0.0.1:{other.getsockname()[1]}'
            self.refused(69, place.rsplit(':', 1)[1], '--listen', place)
            self.refused(69, 'in use', '--listen', place)

    def test_a_dump_that_cannot_be_made_is_named(self):
        self.refused(73, '/nowhere/x', '--listen', '127.0.0.1:0', '--dump',
                     '/nowhere/x')


class Serving(unittest.TestCase):
    def test_it_says_where_it_listens(self):
        with Sink() as sink:
            self.assertEqual(sink.said,
                             f'listening on 127.0.0.1:{sink.port}\n')

    def test_it_listens_on_ipv6(self):
        with Sink(host='[::1]') as sink:
            self.assertEqual(sink.said, f'listening on [::1]:{sink.port}\n')
            Client(sink, '::1').socket.close()

    def test_a_common_client_is_served(self):
        with Sink('--count', '1') as sink:
            with smtplib.SMTP('127.0.0.1', sink.port) as client:
                client.sendmail('a@x.org', ['b@y.org', 'c@z.org'],
                                b'Subject: x\r\n\r\n.dot\r\n')
                self.assertTrue(client.has_extn('pipelining'))
                self.assertTrue(client.has_extn('8bitmime'))
                self.assertFalse(client.has_extn('size'))
            status, totals = sink.end()
        self.assertEqual(status, 0)
        self.assertEqual(totals, {'connections': 1, 'messages': 1,
                                  'recipients': 2, 'bytes': 20, 'commands': 6})

    def test_pipelining_can_be_left_out(self):
        with Sink('--no-pipelining') as sink, \
                smtplib.SMTP('127.0.0.1', sink.port) as client:
            client.ehlo()
            self.assertFalse(client.has_extn('pipelining'))

    def test_messages_across_groups_are_answered_in_order(self):
        with Sink() as sink, Client(sink) as client:
            client.hello()
            client.ask(ENVELOPE, TAKEN)
            for _ in range(100):
                client.ask(b'x\r\n.\r\n' + ENVELOPE, OK + TAKEN)
            client.ask(b'.\r\nQUIT\r\n', OK + b'221 2.0.0 Bye\r\n')
            client.expect_end()
            self.assertEqual(sink.end(signal.SIGTERM)[1]['messages'], 101)

    def test_a_client_that_reads_nothing_is_not_read_on(self):
        with Sink() as sink, Client(sink) as client:
            client.hello()
            client.socket.setblocking(False)
            sent = 0
            with self.assertRaises(BlockingIOError):
                while sent < 2 ** 30:
                    sent += client.socket.send(b'NOOP\r\n' * 10000)
            client.socket.setblocking(True)
            whole = sent // 6
            client.say(b'NOOP\r\n'[sent % 6:] if sent % 6 else b'')
            for _ in range(whole + bool(sent % 6)):
                client.expect(OK)
            client.ask(b'QUIT\r\n', b'221 2.0.0 Bye\r\n')


class Ending(unittest.TestCase):
    def test_the_last_message_is_answered_and_the_client_may_quit(self):
        with Sink('--count', '2') as sink, Client(sink) as client:
            client.hello()
            client.ask(ENVELOPE, TAKEN)
            client.ask(b'1\r\n.\r\n' + ENVELOPE, OK + TAKEN)
            client.ask(b'2\r\n.\r\n', OK)
            client.ask(b'QUIT\r\n', b'221 2.0.0 Bye\r\n')
            client.expect_end()
            status, totals = sink.end()
        self.assertEqual((status, totals['messages']), (0, 2))

    def test_a_message_more_than_the_count_is_refused(self):
        with Sink('--count', '1') as sink, Client(sink) as one, \
                Client(sink) as two:
            for client in (one, two):
                client.hello()
                client.ask(ENVELOPE, TAKEN)
            one.ask(b'.\r\n', OK)
            two.ask(b'.\r\n', b'421 4.3.2 The sink is closing\r\n')
            one.ask(ENVELOPE, b'421 4.3.2 The sink is closing\r\n')
            status, totals = sink.end()
        self.assertEqual((status, totals['messages']), (0, 1))

    def test_a_client_that_stays_is_told_and_closed(self):
        with Sink('--count', '1') as sink, Client(sink) as client:
            client.hello()
            client.ask(ENVELOPE, TAKEN)
            client.ask(b'.\r\n', OK)
            client.expect(b'421 4.3.2 The sink is closing\r\n')
            client.expect_end()
            self.assertEqual(sink.end()[0], 0)

    def test_signals_end_it_with_its_totals(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with Sink() as sink, Client(sink) as client:
                client.hello()
                sink.process.send_signal(number)
                client.expect(b'421 4.3.2 The sink is closing\r\n')
                status, totals = sink.end()
            self.assertEqual(status, 0)
            self.assertEqual(totals, {'connections': 1, 'messages': 0,
                                      'recipients': 0, 'bytes': 0,
                                      'commands': 1})

    def test_totals_are_words_without_json(self):
        with subprocess.Popen([THRUM, 'sink', '--listen', '127.0.0.1:0'],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as process:
            process.stderr.readline()
            process.send_signal(signal.SIGTERM)
            out, said = process.communicate(timeout=WATCHDOG)
        self.assertEqual(out, '')
        self.assertEqual(said, '0 connections, 0 messages, 0 recipients, '
                               '0 bytes, 0 commands\n')


class Dump(unittest.TestCase):
    def setUp(self):
        # Closed by the clean-up. pylint: disable=consider-using-with
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.name = os.path.join(folder.name, 'dump.ndjson')

    def test_a_dump_holds_the_exact_bytes(self):
        text = bytes(range(256)) * 2 + b'\r\n..two\r\n.\nlone\r\n'
        with Sink('--count', '1', '--dump', self.name) as sink, \
                Client(sink) as client:
            client.hello()
            client.ask(ENVELOPE, TAKEN)
            client.ask(text.replace(b'\r\n.', b'\r\n..') + b'.\r\n', OK)
            client.ask(b'QUIT\r\n', b'221 2.0.0 Bye\r\n')
            sink.end()
        self.assertEqual(dumped(self.name),
                         [{'from': 'a@x.org', 'to': ['b@y.org'],
                           'body': text.decode('latin-1'), 'tls': None,
                           'auth': None}])
        self.assertEqual(os.stat(self.name).st_mode & 0o7777, 0o600)

    def test_it_is_on_the_disk_soon_after_the_answer(self):
        with Sink('--dump', self.name) as sink, Client(sink) as client:
            client.hello()
            client.ask(ENVELOPE, TAKEN)
            client.ask(b'x\r\n.\r\n', OK)
            while os.path.getsize(self.name) == 0:
                client.ask(b'NOOP\r\n', OK)
            self.assertEqual(len(dumped(self.name)), 1)

    def test_long_messages_at_the_same_time_do_not_mix(self):
        texts = [letter * 998 + b'\r\n' for letter in (b'a', b'b', b'c')]
        with Sink('--count', '3', '--dump', self.name) as sink, \
                Client(sink) as one, Client(sink) as two, \
                Client(sink) as three:
            clients = (one, two, three)
            for client in clients:
                client.hello()
                client.ask(ENVELOPE, TAKEN)
            for _ in range(1000):
                for client, text in zip(clients, texts):
                    client.say(text)
            for client in clients:
                client.ask(b'.\r\n', OK)
                client.ask(b'QUIT\r\n', b'221 2.0.0 Bye\r\n')
            sink.end()
        self.assertEqual([one['body'] for one in dumped(self.name)],
                         [text.decode() * 1000 for text in texts])

    def test_a_full_disk_is_said_and_refuses_the_message(self):
        with Sink('--dump', '/dev/full') as sink, Client(sink) as client:
            client.hello()
            client.ask(ENVELOPE, TAKEN)
            client.say(b'x' * 100000 + b'\r\n.\r\n')
            client.expect(b'452 4.3.1 The message was not kept\r\n')
            client.ask(b'QUIT\r\n', b'221 2.0.0 Bye\r\n')
            status, totals = sink.end()
        self.assertEqual((status, totals['messages']), (74, 0))
        self.assertIn('/dev/full: No space left on device', sink.said)


if __name__ == '__main__':
    unit.main()
