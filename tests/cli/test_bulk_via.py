# SPDX-License-Identifier: MIT
"""`thrum bulk` by way of a relay: where passwords come from, and TLS; and what
is said, with nothing sent, when one of these is not to be had."""
import os
import pathlib

import campaign
import relay
from relay import TLS, needs_certificates


class Passwords(relay.Test):
    """There is no server: what is wrong is said before one is looked for."""
    VIA = 'smtps://ann@127.0.0.1:1'

    def refused(self, status, words, *options, via=VIA, password=None):
        done = self.through(via, *options, password=password)
        self.assertEqual((done.status, done.out), (status, b''), done.errors)
        self.assertIn(words, done.errors)

    def test_a_user_without_a_password_is_told_where_one_belongs(self):
        for password in None, '':
            self.refused(78, 'THRUM_SMTP_PASSWORD is not set',
                         password=password)
        self.refused(78, 'THRUM_SMTP_PASSWORD is not set', '--dry-run')

    def test_a_preview_asks_for_no_password(self):
        done = self.through(self.VIA, '--preview', '1')
        self.assertEqual((done.status, done.errors), (0, ''))

    def test_a_password_without_a_user_is_refused(self):
        for option in '--password-file', '--password-command':
            self.refused(78, 'names no user', option, 'x',
                         via='smtps://127.0.0.1:1')

    def test_a_password_in_the_url_is_refused_and_not_shown(self):
        done = self.through('smtps://ann:opensesame@127.0.0.1:1')
        self.assertEqual((done.status, done.out), (78, b''), done.errors)
        self.assertNotIn('opensesame', done.errors)

    def test_a_file_that_is_not_there_is_named(self):
        missing = str(self.folder / 'missing')
        self.refused(66, f'{missing} cannot be read: No such file',
                     '--password-file', missing)

    def test_a_file_that_others_may_read_or_write_is_refused(self):
        for mode in 0o644, 0o640, 0o604, 0o620, 0o602, 0o666:
            with self.subTest(oct(mode)):
                self.refused(77, 'secret', '--password-file',
                             self.secret('sesame\n', mode))

    def test_a_file_that_is_no_plain_one_is_refused(self):
        pipe = self.folder / 'pipe'
        os.mkfifo(pipe, 0o600)
        for path in self.folder, pipe, pathlib.Path('/dev/null'):
            with self.subTest(path):
                done = self.through(self.VIA, '--password-file', str(path))
                self.assertIn(done.status, (66, 77, 78), done.errors)
                self.assertIn(str(path), done.errors)

    def test_what_can_be_no_password_is_refused(self):
        for content in b'', b'\n', b'two\nlines\n', b'a\0b', b'x' * 20000:
            with self.subTest(content[:10]):
                self.refused(78, 'secret', '--password-file',
                             self.secret(content))
                self.refused(78, '--password-command: ',
                             '--password-command',
                             f'cat {self.folder}/secret')

    def test_a_command_that_fails_is_said_to(self):
        for command, words in (('exit 3', '3'), ('kill -9 $$', '9'),
                               ('/nowhere/there', '127')):
            with self.subTest(command):
                self.refused(78, words, '--password-command', command)

    def test_what_a_command_says_stands_on_standard_error(self):
        self.refused(78, 'the store is locked', '--password-command',
                     'echo the store is locked >&2; exit 1')

    def test_an_authority_that_cannot_be_read_is_refused(self):
        missing = str(self.folder / 'missing.pem')
        self.refused(66, 'missing.pem', '--ca-file', missing,
                     password='sesame')
        self.refused(78, 'letter.txt', '--ca-file', str(self.letter),
                     password='sesame')

    def test_options_that_do_not_go_together_are_refused(self):
        for options, words in (
                (('--password-file', 'x', '--password-command', 'y'),
                 'one or the other'),
                (('--no-pipelining', '--window', '8'), 'one or the other'),
                (('--ca-file', 'x', '--tls', 'opportunistic'),
                 '--tls required'),
                (('--ca-file', 'x', '--tls', 'none'), '--tls required'),
                (('--window', '0'), '1 to 1024'),
                (('--window', '1025'), '1 to 1024'),
                (('--window', 'x'), '1 to 1024'),
                (('--tls', 'yes'), 'none|opportunistic|required'),
                (('--tls',), 'needs a value'),
                (('--ca-file',), 'needs a value'),
                (('--password-file',), 'needs a value'),
                (('--password-command',), 'needs a value'),
                (('--tls', 'none', '--tls', 'none'), 'given twice')):
            with self.subTest(options):
                self.refused(64, words, *options)


@needs_certificates
class Encryption(relay.Test):
    def test_starttls_is_used_wherever_it_is_offered(self):
        for leaf in 'ip', 'unknown-ca', 'expired', 'wrong-name':
            with relay.Relay(plain=('STARTTLS',), leaf=leaf) as server:
                self.assert_all(self.through(server.via()), 'accepted', 0)
            self.assertIn('STAR', server.commands)

    def test_without_it_mail_goes_in_the_clear_unless_it_is_required(self):
        for options, status in (((), 0), (('--tls', 'opportunistic'), 0),
                                (('--tls', 'required'), 69), (TLS, 69)):
            with self.subTest(options), relay.Relay() as server:
                done = self.through(server.via(), *options)
                self.assert_all(done, 'failed' if status else 'accepted',
                                status)
                self.assertEqual(server.messages, 0 if status else 3)

    def test_none_leaves_it_alone(self):
        with relay.Relay(plain=('STARTTLS',)) as server:
            done = self.through(server.via(), '--tls', 'none')
        self.assert_all(done, 'accepted', 0)
        self.assertNotIn('STAR', server.commands)

    def test_whom_nobody_vouches_for_is_sent_nothing(self):
        for leaf in ('unknown-ca', 'expired', 'future', 'wrong-name',
                     'cn-address', 'self-signed', 'client-only'):
            for implicit in False, True:
                with self.subTest(leaf), relay.Relay(
                        plain=('STARTTLS',), leaf=leaf,
                        implicit=implicit) as server:
                    done = self.through(server.via(), *TLS)
                    self.assert_all(done, 'failed', 69)
                    self.assertIn('certificate', done.errors)
                    self.assertEqual(server.messages, 0)

    def test_a_server_that_speaks_in_the_clear_is_none_of_smtps(self):
        with relay.Relay() as server:
            done = self.through(server.via(scheme='smtps'), *TLS)
            self.assert_all(done, 'failed', 69)
        self.assertEqual(server.messages, 0)

    def test_starttls_that_is_refused_stops_what_requires_it(self):
        for reply in (b'454 4.7.0 TLS not available', b'502 what?'):
            with relay.Relay(plain=('STARTTLS',),
                             replies={'STAR': (reply,)}) as server:
                done = self.through(server.via(), '--tls', 'required')
                self.assert_all(done, 'failed', 69)
                self.assertIn(reply.decode(), done.errors)
            self.assertEqual(server.messages, 0)

    def test_a_server_that_asks_for_a_login_stops_it(self):
        with relay.Relay(leaf=None, replies={
                'MAIL': (b'530 5.7.0 log in first',)}) as server:
            self.people(1000)
            done = self.through(server.via())
        self.assertEqual((done.status, done.counts()),
                         (69, {'failed': 1000}), done.errors)
        self.assertIn('530 5.7.0 log in first (account)', done.errors)
        self.assertLess(len(server.commands), 500)
        self.assertEqual(server.messages, 0)


if __name__ == '__main__':
    campaign.main()
