# SPDX-License-Identifier: MIT
"""What `thrum sink` offers when it is asked to: CHUNKING, SIZE, DSN and TLS."""
import os
import signal
import smtplib
import socket
import tempfile
import unittest

from sink import (ENVELOPE, NO_CERTTOOL, OK, TAKEN, WATCHDOG, Client, Sink,
                  certificate, dumped, trusting, unit)

PEOPLE = b'MAIL FROM:<a@x.org>\r\nRCPT TO:<b@y.org>\r\n'
WELCOME = b'250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n'


def offers(words):
    return (b'250-localhost\r\n250-PIPELINING\r\n' + words +
            b'250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n'
            b'250 ENHANCEDSTATUSCODES\r\n')


class Offers(unittest.TestCase):
    def setUp(self):
        # Closed by the clean-up. pylint: disable=consider-using-with
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.name = os.path.join(folder.name, 'dump.ndjson')


class Chunking(Offers):
    def test_chunks_of_every_kind_come_out_whole(self):
        text = bytes(range(256)) * 4096
        with Sink('--chunking', '--dump', self.name) as sink, \
                Client(sink) as client:
            client.ask(b'EHLO c\r\n', offers(b'250-CHUNKING\r\n'))
            client.ask(PEOPLE + b'BDAT %d LAST\r\n' % len(text) + text,
                       WELCOME + OK)
            client.ask(PEOPLE + b'BDAT 100000\r\n' + text[:100000] +
                       b'BDAT %d\r\n' % (len(text) - 100000) +
                       text[100000:] + b'BDAT 0 LAST\r\n', WELCOME + OK * 3)
            client.ask(ENVELOPE, TAKEN)
            client.ask(b'x\r\n.\r\n', OK)
            client.ask(b'QUIT\r\n', b'221 2.0.0 Bye\r\n')
            _, totals = sink.end(signal.SIGTERM)
        told = dumped(self.name)
        self.assertEqual([one['body'].encode('latin-1') for one in told],
                         [text, text, b'x\r\n'])
        self.assertEqual([one['chunked'] for one in told],
                         [True, True, False])
        self.assertEqual(totals, {'connections': 1, 'messages': 3,
                                  'recipients': 3, 'commands': 13,
                                  'bytes': 2 * len(text) + 3})

    def test_a_window_of_messages_is_answered_with_one_write(self):
        letter = PEOPLE + b'BDAT 5 LAST\r\nabc\r\n'
        with Sink('--chunking') as sink, Client(sink) as client:
            client.ask(b'EHLO c\r\n', offers(b'250-CHUNKING\r\n'))
            for _ in range(20):
                client.say(letter * 8)
                self.assertEqual(client.socket.recv(65536),
                                 (WELCOME + OK) * 8)

    def test_the_size_is_a_bound_for_both(self):
        large = b'552 5.3.4 The message is too large\r\n'
        with Sink('--chunking', '--size', '1000') as sink, \
                Client(sink) as client:
            client.ask(b'EHLO c\r\n',
                       offers(b'250-SIZE 1000\r\n250-CHUNKING\r\n'))
            client.ask(b'MAIL FROM:<a@x> SIZE=1001\r\n', large)
            client.ask(PEOPLE + b'BDAT 1001 LAST\r\n' + b'x' * 1001,
                       WELCOME + large)
            client.ask(ENVELOPE, TAKEN)
            client.ask(b'x' * 999 + b'\r\n.\r\n', large)
            client.ask(PEOPLE + b'BDAT 1000 LAST\r\n' + b'x' * 1000,
                       WELCOME + OK)
            self.assertEqual(sink.end(signal.SIGTERM)[1]['messages'], 1)


class Envelope(Offers):
    def test_what_was_asked_for_stands_in_the_dump(self):
        with Sink('--count', '1', '--size', '99', '--dump', self.name) as sink:
            with smtplib.SMTP('127.0.0.1', sink.port) as client:
                client.sendmail(
                    'a@x.org', ['b@y.org', 'c@z.org'], 'x\r\n',
                    mail_options=['BODY=8BITMIME', 'RET=HDRS', 'ENVID=a+2Bb'],
                    rcpt_options=['NOTIFY=SUCCESS,DELAY',
                                  'ORCPT=rfc822;d+2B@y.org'])
                self.assertTrue(client.has_extn('dsn'))
                self.assertTrue(client.has_extn('smtputf8'))
            sink.end()
        asked = {'notify': 'SUCCESS,DELAY', 'orcpt': 'rfc822;d+@y.org'}
        self.assertEqual(dumped(self.name), [
            {'from': 'a@x.org', 'to': ['b@y.org', 'c@z.org'],
             'body': 'x\r\n', 'tls': None, 'auth': None, 'chunked': False,
             '8bitmime': True, 'smtputf8': False, 'size': 3,
             'dsn': {'ret': 'HDRS', 'envid': 'a+b', 'rcpt': [asked, asked]}}])

    def test_addresses_in_utf8(self):
        with Sink('--count', '1', '--dump', self.name) as sink:
            with smtplib.SMTP('127.0.0.1', sink.port) as client:
                client.sendmail('\xe4@x.org', ['\u732b@y.org'], 'x\r\n',
                                mail_options=['SMTPUTF8', 'BODY=8BITMIME'])
            sink.end()
        told = dumped(self.name)[0]
        self.assertTrue(told['smtputf8'])
        self.assertEqual([one.encode('latin-1').decode()
                          for one in (told['from'], *told['to'])],
                         ['\xe4@x.org', '\u732b@y.org'])


@unittest.skipUnless(os.path.exists(certificate()), NO_CERTTOOL)
class Tls(Offers):
    def test_a_common_client_starts_it(self):
        with Sink('--tls-cert', certificate(), '--dump', self.name) as sink:
            with smtplib.SMTP('127.0.0.1', sink.port) as client:
                # The name to be verified. pylint: disable=protected-access
                client._host = 'mail.test'
                client.ehlo()
                self.assertTrue(client.has_extn('starttls'))
                client.starttls(context=trusting())
                client.ehlo()
                self.assertFalse(client.has_extn('starttls'))
                client.sendmail('a@x.org', ['b@y.org'], 'x\r\n' * 100000)
                version, cipher = client.sock.version(), client.sock.cipher()
            sink.end(signal.SIGTERM)
        told = dumped(self.name)[0]
        self.assertEqual(told['body'], 'x\r\n' * 100000)
        self.assertEqual((told['tls']['version'].replace('TLS', 'TLSv'),
                          told['tls']['cipher']), (version, cipher[0]))

    def test_it_may_be_there_from_the_first_word_on(self):
        with Sink('--tls-cert', certificate(), '--implicit-tls', '--dump',
                  self.name) as sink:
            with socket.create_connection(('127.0.0.1', sink.port),
                                          timeout=WATCHDOG) as plain, \
                    trusting().wrap_socket(
                        plain, server_hostname='mail.test') as secure:
                talk = secure.makefile('rwb')
                talk.write(b'EHLO c\r\n' + ENVELOPE)
                talk.flush()
                lines = [talk.readline() for _ in range(10)]
                self.assertNotIn(b'250-STARTTLS\r\n', lines)
                talk.write(b'x\r\n.\r\nQUIT\r\n')
                talk.flush()
                self.assertEqual(talk.read(), OK + b'221 2.0.0 Bye\r\n')
            sink.end(signal.SIGTERM)
        self.assertEqual(dumped(self.name)[0]['tls']['version'], 'TLS1.3')

    def test_a_key_may_stand_in_a_file_of_its_own(self):
        with Sink('--tls-cert', certificate(), '--tls-key',
                  certificate()) as sink, Client(sink) as client:
            client.ask(b'EHLO c\r\n', offers(b'250-STARTTLS\r\n'))

    def test_bytes_behind_starttls_are_refused(self):
        with Sink('--tls-cert', certificate()) as sink, \
                Client(sink) as client:
            client.ask(b'EHLO c\r\n', offers(b'250-STARTTLS\r\n'))
            client.ask(b'STARTTLS\r\nMAIL FROM:<a@x>\r\n',
                       b'554 5.5.0 Bytes behind STARTTLS\r\n')
            client.expect_end()

    def test_what_is_no_handshake_ends_that_connection_alone(self):
        with Sink('--tls-cert', certificate()) as sink, \
                Client(sink) as one, Client(sink) as two:
            one.ask(b'EHLO c\r\n', offers(b'250-STARTTLS\r\n'))
            one.ask(b'STARTTLS\r\n', b'220 2.0.0 Go on with TLS\r\n')
            one.say(b'NOOP\r\n' * 10)
            while True:
                try:
                    if not one.socket.recv(4096):
                        break
                except ConnectionResetError:
                    break
            two.hello()
            two.ask(ENVELOPE, TAKEN)

    def test_a_client_that_leaves_within_the_handshake_is_forgotten(self):
        with Sink('--tls-cert', certificate()) as sink:
            with Client(sink) as client:
                client.ask(b'EHLO c\r\n', offers(b'250-STARTTLS\r\n'))
                client.ask(b'STARTTLS\r\n', b'220 2.0.0 Go on with TLS\r\n')
            with Client(sink) as client:
                client.hello()
            self.assertEqual(sink.end(signal.SIGTERM)[0], 0)

    def test_sessions_in_the_handshake_end_with_the_sink(self):
        with Sink('--tls-cert', certificate()) as sink, \
                Client(sink) as client:
            client.ask(b'EHLO c\r\n', offers(b'250-STARTTLS\r\n'))
            client.ask(b'STARTTLS\r\n', b'220 2.0.0 Go on with TLS\r\n')
            self.assertEqual(sink.end(signal.SIGTERM)[0], 0)


if __name__ == '__main__':
    unit.main()
