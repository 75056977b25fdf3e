# SPDX-License-Identifier: MIT
"""The command `thrum sink`, over sockets, as a client and a shell see it."""
import os
import re
import signal
import smtplib
import socket
import subprocess
import tempfile
import unittest

from sink import (ENVELOPE, OK, TAKEN, THRUM, WATCHDOG, Client, Sink, dumped,
                  thrum_sink, unit)


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

    def test_what_is_not_there_is_unknown(self):
        for option in ('--port-file=x', '--tls=x', '--rely=MAIL:451'):
            self.refused(64, 'unknown option', option)

    def test_an_address_has_a_port(self):
        for address in ('127.0.0.1', ':25', '127.0.0.1:', '127.0.0.1:65536',
                        '127.0.0.1:2x', '::1:25', '[::1]', ''):
            self.refused(64, '--listen takes', '--listen', address)

    def test_a_count_is_a_number_from_1_on(self):
        for count in ('0', '-1', 'x', '', '1x'):
            self.refused(64, '--count takes a number', '--count', count)

    def test_a_key_and_implicit_tls_need_a_certificate(self):
        self.refused(64, '--tls-key without --tls-cert', '--tls-key', 'x')
        self.refused(64, '--implicit-tls without', '--implicit-tls')

    def test_a_certificate_that_cannot_be_read_is_named(self):
        for options in (('--tls-cert', '/nowhere/x.pem'),
                        ('--tls-cert', '/dev/null', '--implicit-tls')):
            self.refused(66, options[1], '--listen', '127.0.0.1:0', *options)

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
                           'auth': None, 'chunked': False, '8bitmime': False,
                           'smtputf8': False, 'size': None, 'dsn': None}])
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
