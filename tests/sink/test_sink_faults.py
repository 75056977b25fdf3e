# SPDX-License-Identifier: MIT
"""Faults that `thrum sink` is asked for: --reply, --drop, --delay and
--read-rate, as a client sees them."""
import os
import select
import signal
import smtplib
import socket
import tempfile
import time
import unittest

from sink import (ENVELOPE, NO_CERTTOOL, OK, TAKEN, WATCHDOG, Client, Sink,
                  certificate, dumped, thrum_sink, trusting, unit)


class Raw(Client):
    """A client that is not greeted as others are."""

    # pylint: disable=super-init-not-called
    def __init__(self, sink):
        self.socket = socket.create_connection(('127.0.0.1', sink.port),
                                               timeout=WATCHDOG)


class Replies(unittest.TestCase):
    def test_every_nth_over_all_connections(self):
        with Sink('--reply', 'MAIL:451:1/3', '--reply', '.:554:1/2') as sink:
            heard = []
            for _ in range(6):
                with Client(sink) as client:
                    client.hello()
                    client.say(b'MAIL FROM:<a@x.org>\r\n')
                    heard.append(client.read(3))
            self.assertEqual(heard, [b'250', b'250', b'451'] * 2)
            with Client(sink) as client:
                client.hello()
                for wanted in (OK, b'554 5.0.0 Injected\r\n'):
                    client.ask(ENVELOPE, TAKEN)
                    client.ask(b'x\r\n.\r\n', wanted)
            totals = sink.end(signal.SIGTERM)[1]
        self.assertEqual(totals['messages'], 1)

    def test_a_greeting_that_is_a_refusal(self):
        with Sink('--reply', 'CONNECT:554') as sink:
            with self.assertRaises(smtplib.SMTPConnectError) as caught:
                smtplib.SMTP('127.0.0.1', sink.port)
            self.assertEqual(caught.exception.smtp_code, 554)
            with Raw(sink) as client:
                client.ask(b'EHLO c\r\nQUIT\r\n',
                           b'554 5.0.0 Injected\r\n'
                           b'503 5.5.1 There is no service here\r\n'
                           b'221 2.0.0 Bye\r\n')
                client.expect_end()

    def test_a_fault_of_421_closes(self):
        with Sink('--reply', 'RCPT:421') as sink, Client(sink) as client:
            client.hello()
            client.ask(ENVELOPE, b'250 2.1.0 Ok\r\n421 4.0.0 Injected\r\n')
            client.expect_end()

    def test_faults_that_cannot_be(self):
        for option, words in (('--reply=MAIL:250', '--reply takes CMD:CODE'),
                              ('--reply=x', "not 'x'"),
                              ('--drop=VRFY', '--drop takes CMD'),
                              ('--delay=MAIL', '--delay takes CMD:MS'),
                              ('--read-rate=0', '--read-rate takes'),
                              ('--read-rate=1k', '--read-rate takes'),
                              ('--read-rate=1/m', '--read-rate takes'),
                              ('--read-rate=1000000001', 'from 1 to')):
            done = thrum_sink('--listen', '127.0.0.1:0', option)
            self.assertEqual(done.returncode, 64, option)
            self.assertIn(words, done.stderr)


class Drops(unittest.TestCase):
    def setUp(self):
        # Closed by the clean-up. pylint: disable=consider-using-with
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.name = os.path.join(folder.name, 'dump.ndjson')

    def test_the_answers_before_it_are_sent(self):
        with Sink('--drop', 'RCPT') as sink, Client(sink) as client:
            client.hello()
            client.ask(ENVELOPE, b'250 2.1.0 Ok\r\n')
            client.expect_end()

    def test_a_text_whose_answer_is_dropped_was_taken(self):
        with Sink('--drop', '.', '--dump', self.name) as sink, \
                Client(sink) as client:
            client.hello()
            client.ask(ENVELOPE, TAKEN)
            client.say(b'x\r\n.\r\n')
            client.expect_end()
            self.assertEqual(sink.end(signal.SIGTERM)[1]['messages'], 1)
        self.assertEqual(len(dumped(self.name)), 1)

    def test_at_the_connection(self):
        with Sink('--drop', 'CONNECT:1/2') as sink:
            with Client(sink) as client:
                client.hello()
            with Raw(sink) as client:
                client.expect_end()

    @unittest.skipUnless(os.path.exists(certificate()), NO_CERTTOOL)
    def test_within_tls(self):
        with Sink('--tls-cert', certificate(), '--implicit-tls', '--drop',
                  'EHLO') as sink, Raw(sink) as client, \
                trusting().wrap_socket(client.socket, server_hostname=(
                    'mail.test')) as secure:
            secure.sendall(b'EHLO c\r\n')
            talk = secure.makefile('rb')
            self.assertEqual(talk.read(),
                             b'220 localhost ESMTP thrum sink\r\n')


def is_silent(client):
    return not select.select([client.socket], [], [], 0)[0]


class Delays(unittest.TestCase):
    """A delay is compared with what others do meanwhile, and with nothing
    finer: a busy machine makes everything late, and nothing early."""

    def test_an_answer_is_late_and_holds_back_no_other_connection(self):
        with Sink('--delay', '.:400') as sink, Client(sink) as one, \
                Client(sink) as two:
            for client in (one, two):
                client.hello()
            one.ask(ENVELOPE, TAKEN)
            began = time.monotonic()
            one.say(b'x\r\n.\r\nNOOP\r\n' + ENVELOPE)
            two.say(b'RSET\r\nNOOP\r\n')
            two.expect(OK + OK)
            if time.monotonic() - began < 0.4:
                self.assertTrue(is_silent(one))
            one.expect(OK + OK + TAKEN)
            self.assertGreaterEqual(time.monotonic() - began, 0.4)

    def test_delays_add_up_in_their_order(self):
        with Sink('--delay', 'RCPT:50', '--delay', 'CONNECT:50') as sink:
            began = time.monotonic()
            with Client(sink) as client:
                self.assertGreaterEqual(time.monotonic() - began, 0.05)
                client.hello()
                began = time.monotonic()
                client.say(b'MAIL FROM:<a@x.org>\r\n' +
                           b'RCPT TO:<b@y.org>\r\n' * 4 + b'QUIT\r\n')
                client.expect(b'250 2.1.0 Ok\r\n' + b'250 2.1.5 Ok\r\n' * 4 +
                              b'221 2.0.0 Bye\r\n')
                client.expect_end()
                self.assertGreaterEqual(time.monotonic() - began, 0.2)

    def test_a_client_that_has_said_all_gets_its_late_answers(self):
        with Sink('--delay', 'NOOP:30') as sink, Client(sink) as client:
            client.say(b'NOOP\r\nNOOP\r\n')
            client.socket.shutdown(socket.SHUT_WR)
            client.expect(OK + OK)
            client.expect_end()

    def test_a_client_that_leaves_is_not_waited_for(self):
        with Sink('--delay', 'NOOP:86400000') as sink:
            with Client(sink) as client:
                client.say(b'NOOP\r\n')
            with Client(sink) as client:
                client.hello()
            self.assertEqual(sink.end(signal.SIGTERM)[0], 0)

    @unittest.skipUnless(os.path.exists(certificate()), NO_CERTTOOL)
    def test_a_late_starttls(self):
        with Sink('--tls-cert', certificate(), '--delay', 'STARTTLS:50',
                  '--delay', 'EHLO:20') as sink, \
                smtplib.SMTP('127.0.0.1', sink.port) as client:
            # The name to be verified. pylint: disable=protected-access
            client._host = 'mail.test'
            client.starttls(context=trusting())
            client.sendmail('a@x.org', ['b@y.org'], 'x')


class Reading(unittest.TestCase):
    def test_a_slow_sink_takes_its_time_and_all_of_it(self):
        with Sink('--read-rate', '20000/s') as sink, Client(sink) as client:
            client.hello()
            client.ask(ENVELOPE, TAKEN)
            began = time.monotonic()
            client.say(b'x' * 10000 + b'\r\n.\r\nQUIT\r\n')
            client.socket.shutdown(socket.SHUT_WR)
            client.expect(OK + b'221 2.0.0 Bye\r\n')
            self.assertGreaterEqual(time.monotonic() - began, 0.4)
            client.expect_end()
            self.assertEqual(sink.end(signal.SIGTERM)[1]['bytes'], 10002)

    def test_it_holds_back_who_sends_and_nobody_else(self):
        with Sink('--read-rate', '1000/s') as sink, Client(sink) as one:
            one.hello()
            one.ask(ENVELOPE, TAKEN)
            one.socket.setblocking(False)
            sent = 0
            with self.assertRaises(BlockingIOError):
                while sent < 2 ** 30:
                    sent += one.socket.send(b'x' * 1000000)
            self.assertGreater(sent, 0)
            with Client(sink) as two:
                two.hello()
                two.ask(ENVELOPE, TAKEN)

    @unittest.skipUnless(os.path.exists(certificate()), NO_CERTTOOL)
    def test_it_reads_tls_slowly_as_well(self):
        with Sink('--tls-cert', certificate(), '--read-rate', '100000') as \
                sink, smtplib.SMTP('127.0.0.1', sink.port) as client:
            # The name to be verified. pylint: disable=protected-access
            client._host = 'mail.test'
            client.starttls(context=trusting())
            client.sendmail('a@x.org', ['b@y.org'], 'x\r\n' * 10000)


if __name__ == '__main__':
    unit.main()
