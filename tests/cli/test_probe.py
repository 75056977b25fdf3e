# SPDX-License-Identifier: MIT
"""`thrum probe`: what it finds at servers of every kind, for a person and as
JSON, and its exit status."""
import json
import os
import re
import socket
import subprocess
import unittest

import campaign
import relay
from relay import LOGIN, PATIENCE, TLS, environment, needs_certificates

FIELDS = ['sends', 'server', 'greeting', 'before_tls', 'tls', 'within_tls',
          'login', 'mode', 'window', 'failure']
MANY = ('PIPELINING', 'CHUNKING', 'SIZE 1000', '8BITMIME', 'SMTPUTF8', 'DSN',
        'ENHANCEDSTATUSCODES')


class Test(campaign.Test):
    def probe(self, *words, password=None, **more):
        done = subprocess.run([campaign.THRUM, 'probe', *words],
                              capture_output=True, check=False,
                              timeout=PATIENCE,
                              env=environment(password, **more))
        return campaign.Ended(done.returncode, done.stdout, done.stderr)

    def found(self, status, *words, **more):
        """What is told as JSON; the text has the same status."""
        text = self.probe(*words, **more)
        done = self.probe('--json', *words, **more)
        for each in done, text:
            self.assertEqual((each.status, each.errors), (status, ''),
                             each.out)
            self.assertNotRegex(each.out, rb'[\0-\x09\x0b-\x1f\x7f]')
        self.text = text.out.decode()
        facts = json.loads(done.out)
        self.assertEqual(list(facts), FIELDS)
        self.assertEqual(facts['sends'], status == 0)
        self.assertEqual(facts['failure'] is None, status == 0)
        self.assertIn('would be sent: ' if status == 0 else
                      'would not be sent: ', self.text)
        return facts

    def line(self, label):
        """What the text says of something."""
        return re.search(rf'^ *{label} +(.*)$', self.text, re.M)[1]


class Plain(Test):
    def test_a_server_without_tls(self):
        with relay.Relay(plain=MANY, leaf=None) as server:
            facts = self.found(0, server.via())
        self.assertEqual(facts, {
            'sends': True, 'server': f'127.0.0.1:{server.port}',
            'greeting': {'code': 220, 'text': 'relay.test ESMTP'},
            'before_tls': {'hello': 'EHLO', 'extensions': [
                'PIPELINING', 'CHUNKING', 'SIZE', '8BITMIME', 'SMTPUTF8',
                'DSN', 'ENHANCEDSTATUSCODES'], 'size': 1000, 'mechanisms': []},
            'tls': None, 'within_tls': None, 'login': None, 'mode': 'chunked',
            'window': 4, 'failure': None})
        self.assertEqual(self.line('greeting'), '220 relay.test ESMTP')
        self.assertEqual(self.line('server'), f'127.0.0.1:{server.port}')
        self.assertEqual(
            self.line('before TLS'), 'PIPELINING, CHUNKING, SIZE 1000, '
            '8BITMIME, SMTPUTF8, DSN, ENHANCEDSTATUSCODES')
        self.assertEqual(self.line('mail'), 'would be sent: chunked, 4 '
                         'messages in flight')
        self.assertEqual(set(server.commands), {'EHLO', 'QUIT'})

    def test_the_mode_is_that_of_bulk(self):
        for offers, options, mode, window in (
                ((), (), 'lockstep', None),
                (('PIPELINING',), (), 'across messages', None),
                (MANY, ('--window', '9'), 'chunked', 9),
                (MANY, ('--window', '1'), 'across messages', None),
                (MANY, ('--no-pipelining',), 'lockstep', None)):
            with self.subTest(mode), \
                    relay.Relay(plain=offers, leaf=None) as server:
                facts = self.found(0, server.via(), *options)
                self.assertEqual((facts['mode'], facts['window']),
                                 (mode, window))

    def test_a_server_that_knows_helo_alone(self):
        with relay.Relay(leaf=None,
                         replies={'EHLO': (b'502 what?',)}) as server:
            facts = self.found(0, server.via())
        self.assertEqual(facts['before_tls']['hello'], 'HELO')
        self.assertEqual(facts['mode'], 'lockstep')
        self.assertEqual(self.line('before TLS'),
                         'nothing: it knows HELO alone')

    def test_the_environment_names_the_server(self):
        with relay.Relay(leaf=None) as server:
            self.found(0, THRUM_VIA=server.via())

    def test_no_server(self):
        with socket.socket() as other:
            other.bind(('127.0.0.1', 0))
            via = f'smtp://127.0.0.1:{other.getsockname()[1]}'
            facts = self.found(69, via)
        self.assertEqual([facts[name] for name in FIELDS[1:-1]], [None] * 8)
        self.assertIn(via[7:], facts['failure']['text'])

    def test_a_server_that_gives_no_service(self):
        with relay.Relay(leaf=None,
                         greeting=(b'554 no \x1b[2J service',)) as server:
            facts = self.found(69, server.via())
        self.assertEqual(facts['greeting']['code'], 554)
        self.assertEqual(facts['failure']['reply']['code'], 554)
        self.assertEqual(facts['failure']['stage'], 'greeting')

    def test_what_is_no_smtp(self):
        for greeting in (b'SSH-2.0-OpenSSH_9.2', b'\x1b]0;you\x07',
                         b'\0' * 5000, b'HTTP/1.1 400 Bad Request',
                         b'220\xff\xfe \xc2\x9b31m'):
            with self.subTest(greeting[:20]), relay.Relay(
                    leaf=None, greeting=(greeting,),
                    replies={'EHLO': (b'421 bye',)}) as server:
                self.found(69, server.via())


@needs_certificates
class Secured(Test):
    def assert_certificate(self, tls, name):
        self.assertRegex(tls['version'], r'^TLS1\.[23]$')
        shown = tls['certificate']
        self.assertEqual(shown['subject'], f'CN=thrum test {name}')
        self.assertEqual(shown['issuer'], 'CN=thrum test ca')
        self.assertEqual(shown['not_before'], '2020-01-01T00:00:00Z')
        self.assertEqual(shown['not_after'], '2120-01-01T00:00:00Z')
        self.assertRegex(shown['sha256'], r'^[0-9a-f]{64}$')
        self.assertEqual(self.line('valid'), '2020-01-01 to 2120-01-01')
        self.assertEqual(self.line('sha256'), shown['sha256'])

    def test_starttls_shows_what_is_offered_before_and_within(self):
        with relay.Relay(plain=('STARTTLS', 'SIZE'),
                         within=('PIPELINING',)) as server:
            facts = self.found(0, server.via(), *TLS)
        self.assertEqual(facts['before_tls']['extensions'],
                         ['SIZE', 'STARTTLS'])
        self.assertEqual(facts['within_tls']['extensions'], ['PIPELINING'])
        self.assertEqual(facts['mode'], 'across messages')
        self.assertTrue(facts['tls']['trusted'])
        self.assertIsNone(facts['tls']['untrusted'])
        self.assert_certificate(facts['tls'], 'ip')
        self.assertEqual(self.line('trusted'), 'yes')

    def test_implicit_tls_has_nothing_before_it(self):
        with relay.Relay(implicit=True, within=MANY) as server:
            facts = self.found(0, server.via(), *TLS)
        self.assertIsNone(facts['before_tls'])
        self.assertEqual(facts['within_tls']['size'], 1000)

    def test_a_certificate_that_nobody_vouches_for_is_shown(self):
        for leaf, words in (('unknown-ca', 'nobody trusted'),
                            ('wrong-name', 'www.example.test'),
                            ('cn-address', 'this address'),
                            ('expired', 'expired')):
            for implicit in False, True:
                with self.subTest(leaf), relay.Relay(
                        plain=('STARTTLS',), leaf=leaf,
                        implicit=implicit) as server:
                    facts = self.found(69, server.via(), *TLS)
                self.assertFalse(facts['tls']['trusted'])
                self.assertRegex(facts['tls']['untrusted'], words)
                self.assertEqual(self.line('subject'),
                                 facts['tls']['certificate']['subject'])
                self.assertIn(facts['tls']['untrusted'], self.line('trusted'))
                self.assertNotIn('MAIL', server.commands)

    def test_where_nobody_is_asked_for_one_mail_would_be_sent(self):
        with relay.Relay(plain=('STARTTLS',), leaf='unknown-ca') as server:
            facts = self.found(0, server.via())
        self.assertFalse(facts['tls']['trusted'])

    def test_required_and_not_offered(self):
        with relay.Relay(leaf=None) as server:
            facts = self.found(69, server.via(), '--tls', 'required')
        self.assertEqual(facts['failure']['stage'], 'STARTTLS')
        self.assertIsNone(facts['tls'])

    def test_starttls_that_is_refused(self):
        with relay.Relay(plain=('STARTTLS',), replies={
                'STAR': (b'454 4.7.0 not today',)}) as server:
            facts = self.found(69, server.via(), '--tls', 'required')
        self.assertEqual(facts['failure']['reply'],
                         {'code': 454, 'enhanced': '4.7.0',
                          'text': 'not today'})

    def test_a_server_that_speaks_in_the_clear_is_no_server_of_smtps(self):
        with relay.Relay(leaf=None) as server:
            facts = self.found(69, server.via(scheme='smtps'))
        self.assertIsNone(facts['tls'])


@needs_certificates
class Logins(Test):
    def test_a_login_is_tried(self):
        for password, status in ('sesame', 0), ('wrong', 69):
            with relay.Relay(implicit=True, within=LOGIN) as server:
                facts = self.found(status, server.via('ann@'), *TLS,
                                   password=password)
            self.assertEqual(facts['login'], {'mechanism': 'PLAIN',
                                              'accepted': status == 0})
            self.assertEqual(facts['within_tls']['mechanisms'],
                             ['PLAIN', 'LOGIN'])
            self.assertEqual(len(server.logins), 2)
        self.assertEqual(facts['failure']['reply']['code'], 535)
        self.assertEqual(facts['failure']['verdict'], 'account')
        self.assertEqual(facts['failure']['stage'], 'AUTH')

    def test_a_mechanism_that_is_not_offered(self):
        with relay.Relay(implicit=True, within=LOGIN) as server:
            facts = self.found(69, server.via('ann;AUTH=XOAUTH2@'), *TLS,
                               password='token')
        self.assertEqual((facts['login'] or {}).get('accepted', False), False)
        self.assertEqual(server.logins, [])


class Wrong(Test):
    def refused(self, status, words, *line, **more):
        done = self.probe(*line, **more)
        self.assertEqual((done.status, done.out), (status, b''), done.errors)
        self.assertIn(words, done.errors)

    def test_a_command_line_that_is_wrong(self):
        for words, line in (
                ('the URL is missing', ()),
                ("'more' is one word too many", ('smtp://h', 'more')),
                ('unknown option --to', ('--to', 'x')),
                ('unknown option --connections', ('--connections', '3')),
                ('one or the other', ('smtp://h', '--password-file', 'x',
                                      '--password-command', 'y')),
                ('1 to 1024', ('smtp://h', '--window', '0'))):
            with self.subTest(line):
                self.refused(64, words, *line)

    def test_a_url_that_cannot_be_served(self):
        for via, words in (('smtp://127.0.0.1:465', 'smtps'),
                           ('127.0.0.1', 'the URL: '),
                           ('smtps://ann@127.0.0.1',
                            'THRUM_SMTP_PASSWORD is not set'),
                           ('smtps://ann:secret@127.0.0.1', 'the URL: ')):
            self.refused(78, words, via)

    def test_a_secret_that_others_may_read(self):
        path = self.write('secret', 'sesame')
        path.chmod(0o644)
        self.refused(77, 'secret', 'smtps://ann@127.0.0.1:1',
                     '--password-file', str(path))
        self.refused(66, 'No such file', 'smtps://ann@127.0.0.1:1',
                     '--password-file', str(self.folder / 'missing'))

    def test_output_that_cannot_be_written(self):
        with relay.Relay(leaf=None) as server, open('/dev/full', 'wb') as full:
            for options in (), ('--json',):
                done = subprocess.run(
                    [campaign.THRUM, 'probe', server.via(), *options],
                    stdout=full, stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 74, done.stderr)


class Manual(unittest.TestCase):
    def test_the_man_page_tells_of_options_and_fields(self):
        name = os.path.join(campaign.unit.top_srcdir, 'man', 'thrum-probe.1')
        with open(name, encoding='ascii') as page:
            text = page.read().replace('\\-', '-')
        options, _, fields = text.partition('.SH OPTIONS')[2].partition(
            '.SH JSON')
        shown = re.findall(r'^  --([\w-]+)', subprocess.run(
            [campaign.THRUM, 'probe', '--help'], capture_output=True,
            text=True, check=True).stdout, re.M)
        self.assertEqual(re.findall(r'^\.BI? "?--([\w-]+)', options, re.M),
                         shown)
        for field in FIELDS:
            self.assertRegex(fields.partition('.SH EXIT')[0],
                             rf'\.TP\n\.BR? [\w", ]*\b{field}\b')


if __name__ == '__main__':
    campaign.main()
