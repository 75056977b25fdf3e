# SPDX-License-Identifier: MIT
"""`thrum sink --auth`: who says the password gets in, and nobody else."""
import base64
import hashlib
import hmac
import os
import shutil
import signal
import smtplib
import subprocess
import tempfile
import unittest

from sink import (NO_CERTTOOL, WATCHDOG, Sink, certificate, dumped, thrum_sink,
                  trusting, unit)

USER, PASSWORD = 'tim@x.org', 'pen\xe4cil, =s'


def password_file(folder, text=PASSWORD + '\n', mode=0o600):
    name = os.path.join(folder, 'password')
    with open(name, 'w', encoding='utf-8') as file:
        file.write(text)
    os.chmod(name, mode)
    return name


class Scram:
    """The client of RFC 5802, to be smtplib's authobject."""

    def __init__(self, algorithm, user, password):
        self.algorithm = algorithm
        self.user = user.replace('=', '=3D').replace(',', '=2C')
        self.password = password.encode()
        self.first = f'n={self.user},r=rOprNGfwEbeRWgbNEkqO'
        self.verified = False

    def sign(self, key, text):
        return hmac.digest(key, text, self.algorithm)

    def final(self, challenge):
        words = dict(word.split('=', 1) for word in challenge.split(','))
        if int(words['i']) < 4096 or not words['r'].startswith(
                'rOprNGfwEbeRWgbNEkqO'):
            raise AssertionError(challenge)
        salted = hashlib.pbkdf2_hmac(self.algorithm, self.password,
                                     base64.b64decode(words['s']),
                                     int(words['i']))
        key = self.sign(salted, b'Client Key')
        bare = 'c=biws,r=' + words['r']
        told = ','.join((self.first, challenge, bare)).encode()
        stored = hashlib.new(self.algorithm, key).digest()
        proof = bytes(a ^ b for a, b in zip(key, self.sign(stored, told)))
        self.server = self.sign(self.sign(salted, b'Server Key'), told)
        return f'{bare},p={base64.b64encode(proof).decode()}'

    def __call__(self, challenge=None):
        if challenge is None:
            return 'n,,' + self.first
        if isinstance(challenge, bytes):
            challenge = challenge.decode()
        if challenge.startswith('r='):
            return self.final(challenge)
        self.verified = challenge == 'v=' + base64.b64encode(
            self.server).decode()
        return ''


class Base(unittest.TestCase):
    def setUp(self):
        # Closed by the clean-up. pylint: disable=consider-using-with
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.name = os.path.join(folder.name, 'dump.ndjson')

    def sink(self, *options, text=PASSWORD + '\n', user=USER):
        return Sink('--auth', f'{user}:{password_file(self.folder, text)}',
                    '--dump', self.name, *options)

    def mechanisms(self):
        return sorted(one['auth']['mechanism'] for one in dumped(self.name))


class Auth(Base):
    def test_the_client_of_python_gets_in(self):
        # smtplib knows no passwords beyond ASCII.
        with self.sink(text='pencil') as sink:
            for mechanism in ('plain', 'login', 'cram_md5'):
                with smtplib.SMTP('127.0.0.1', sink.port) as client:
                    client.ehlo()
                    client.user, client.password = USER, 'pencil'
                    client.auth(mechanism.upper().replace('_', '-'),
                                getattr(client, 'auth_' + mechanism))
                    client.sendmail('a@x.org', ['b@y.org'], 'x')
            sink.end(signal.SIGTERM)
        self.assertEqual(self.mechanisms(), ['CRAM-MD5', 'LOGIN', 'PLAIN'])
        self.assertEqual({one['auth']['user'] for one in dumped(self.name)},
                         {USER})

    def test_scram_proves_both_sides(self):
        with self.sink() as sink:
            for mechanism, algorithm in (('SCRAM-SHA-1', 'sha1'),
                                         ('SCRAM-SHA-256', 'sha256')):
                with smtplib.SMTP('127.0.0.1', sink.port) as client:
                    client.ehlo()
                    scram = Scram(algorithm, USER, PASSWORD)
                    self.assertEqual(client.auth(mechanism, scram)[0], 235)
                    self.assertTrue(scram.verified)
                    client.sendmail('a@x.org', ['b@y.org'], 'x')
            sink.end(signal.SIGTERM)
        self.assertEqual(self.mechanisms(), ['SCRAM-SHA-1', 'SCRAM-SHA-256'])

    def test_a_user_with_commas_and_equals_signs(self):
        with self.sink(user='a,b=c') as sink, \
                smtplib.SMTP('127.0.0.1', sink.port) as client:
            client.ehlo()
            scram = Scram('sha256', 'a,b=c', PASSWORD)
            self.assertEqual(client.auth('SCRAM-SHA-256', scram)[0], 235)

    def test_a_wrong_password_is_told_at_the_end(self):
        with self.sink() as sink:
            for user, password in ((USER, 'other'), ('tom', PASSWORD)):
                for make in (lambda user, password: (
                        'SCRAM-SHA-256', Scram('sha256', user, password)),
                             lambda user, password: (
                        'PLAIN', lambda challenge=None:
                        f'\0{user}\0{password}'.encode('ascii', 'replace')
                        .decode())):
                    with smtplib.SMTP('127.0.0.1', sink.port) as client:
                        client.ehlo()
                        with self.assertRaises(
                                smtplib.SMTPAuthenticationError) as caught:
                            client.auth(*make(user, password))
                        self.assertEqual(caught.exception.smtp_code, 535)
                        self.assertEqual(client.mail('a@x.org')[0], 530)

    def test_tokens(self):
        good = (('XOAUTH2', f'user={USER}\1auth=Bearer tok.en\1\1'),
                ('OAUTHBEARER', f'n,a={USER},\1auth=Bearer tok.en\1\1'))
        with self.sink(text='tok.en') as sink:
            for mechanism, first in good:
                with smtplib.SMTP('127.0.0.1', sink.port) as client:
                    client.ehlo()
                    words = base64.b64encode(
                        first.replace('tok', 'tik').encode()).decode()
                    code, text = client.docmd('AUTH', f'{mechanism} {words}')
                    self.assertEqual(code, 334)
                    self.assertIn(b'status', base64.b64decode(text))
                    answer = '' if mechanism == 'XOAUTH2' else 'AQ=='
                    self.assertEqual(client.docmd(answer)[0], 535)
                    words = base64.b64encode(first.encode()).decode()
                    self.assertEqual(
                        client.docmd('AUTH', f'{mechanism} {words}')[0], 235)

    @unittest.skipUnless(os.path.exists(certificate()), NO_CERTTOOL)
    def test_where_there_could_be_tls_a_password_waits_for_it(self):
        with self.sink('--tls-cert', certificate(), text='pencil') as sink, \
                smtplib.SMTP('127.0.0.1', sink.port) as client:
            client.ehlo()
            self.assertFalse(client.has_extn('auth'))
            self.assertEqual(client.docmd('AUTH', 'PLAIN AGEAYg==')[0], 538)
            # The name to be verified. pylint: disable=protected-access
            client._host = 'mail.test'
            client.starttls(context=trusting())
            self.assertEqual(client.login(USER, 'pencil')[0], 235)
            client.sendmail('a@x.org', ['b@y.org'], 'x')
            client.quit()
            sink.end(signal.SIGTERM)
        told = dumped(self.name)[0]
        self.assertIsNotNone(told['tls'])
        self.assertEqual(told['auth'], {'mechanism': 'CRAM-MD5', 'user': USER})

    def test_nothing_tells_the_password(self):
        with self.sink(text='pencil') as sink:
            with open(f'/proc/{sink.process.pid}/cmdline', 'rb') as words:
                self.assertNotIn(b'pencil', words.read())
            with smtplib.SMTP('127.0.0.1', sink.port) as client:
                client.login(USER, 'pencil')
                client.sendmail('a@x.org', ['b@y.org'], 'x')
            sink.end(signal.SIGTERM)
            self.assertNotIn('pencil', sink.said)
        with open(self.name, encoding='ascii') as told:
            self.assertNotIn('pencil', told.read())


@unittest.skipUnless(shutil.which('curl'), 'curl is not there')
class Curl(Base):
    """A second client."""

    def send(self, sink, *options):
        letter = os.path.join(self.folder, 'letter')
        with open(letter, 'w', encoding='ascii') as file:
            file.write('Subject: x\r\n\r\nx\r\n')
        return subprocess.run(
            ['curl', '-sS', '--url', f'smtp://127.0.0.1:{sink.port}',
             '--mail-from', 'a@x.org', '--mail-rcpt', 'b@y.org', '-T', letter,
             *options], capture_output=True, text=True, check=False,
            timeout=WATCHDOG).returncode

    def test_curl_gets_in_by_what_it_knows(self):
        with self.sink(text='pencil') as sink:
            for mechanism in ('PLAIN', 'LOGIN', 'CRAM-MD5'):
                with self.subTest(mechanism):
                    self.assertEqual(self.send(
                        sink, '-u', f'{USER}:pencil', '--login-options',
                        f'AUTH={mechanism}'), 0)
            for mechanism in ('XOAUTH2', 'OAUTHBEARER'):
                with self.subTest(mechanism):
                    self.assertEqual(self.send(
                        sink, '-u', USER, '--oauth2-bearer', 'pencil',
                        '--login-options', f'AUTH={mechanism}'), 0)
            sink.end(signal.SIGTERM)
        self.assertEqual(len(self.mechanisms()), 5)

    def test_curl_is_refused(self):
        with self.sink(text='pencil') as sink:
            self.assertEqual(self.send(sink, '-u', f'{USER}:other'), 67)
            self.assertEqual(self.send(sink, '-u', USER, '--oauth2-bearer',
                                       'other', '--login-options',
                                       'AUTH=XOAUTH2'), 67)


class Files(unittest.TestCase):
    def refused(self, status, words, option):
        done = thrum_sink('--listen', '127.0.0.1:0', '--auth', option)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertIn(words, done.stderr)

    def test_a_password_that_cannot_be_used_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            self.refused(66, 'No such file', f'u:{folder}/none')
            self.refused(66, 'Invalid argument', 'u:/dev/null')
            self.refused(77, 'others may read',
                         'u:' + password_file(folder, 'x', 0o644))
            self.refused(65, 'one line', 'u:' + password_file(folder, ''))
            self.refused(65, 'one line', 'u:' + password_file(folder, 'a\nb'))

    def test_an_account_is_a_user_and_a_file(self):
        for option in ('u', 'u:', ':f', '', 'x' * 256 + ':f'):
            self.refused(64, '--auth takes USER:FILE', option)


if __name__ == '__main__':
    unit.main()
