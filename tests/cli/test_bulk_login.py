# SPDX-License-Identifier: MIT
"""`thrum bulk` with a user in its URL: where the password is taken from, how it
logs in, and that nothing is sent when the account is refused."""
import os

import campaign
import relay
from relay import LOGIN, TLS, needs_certificates


@needs_certificates
class Logins(relay.Test):
    def logs_in(self, *options, password=None, user='ann@', **more):
        with relay.Relay(implicit=True, within=LOGIN, **more) as server:
            done = self.through(server.via(user), *TLS, *options,
                                password=password)
            self.assert_all(done, 'accepted', 0)
            self.assertEqual({good for _, good in server.logins}, {True})
        return server.logins[0][0]

    def test_the_password_comes_from_the_environment(self):
        self.assertEqual(self.logs_in(password='sesame'), 'PLAIN')

    def test_the_password_comes_from_a_file(self):
        for content in 'sesame', 'sesame\n', 'sesame\r\n':
            for mode in 0o600, 0o400:
                self.logs_in('--password-file', self.secret(content, mode))
                os.unlink(self.folder / 'secret')

    def test_the_password_comes_from_a_command(self):
        for command in 'echo sesame', 'printf sesame':
            self.logs_in('--password-command', command)

    def test_a_login_without_tls_is_refused(self):
        done = self.through('smtp://ann@127.0.0.1:1', '--tls', 'none',
                            password='sesame')
        self.assertEqual((done.status, done.out), (78, b''), done.errors)
        self.assertIn('TLS', done.errors)

    def test_an_option_goes_before_the_environment(self):
        self.logs_in('--password-file', self.secret('sesame'), password='no')
        self.logs_in('--password-command', 'echo sesame', password='no')

    def test_a_command_does_not_see_the_environment_s_password(self):
        self.logs_in('--password-command',
                     'echo ${THRUM_SMTP_PASSWORD-sesame}', password='no')

    def test_the_url_picks_the_mechanism(self):
        self.assertEqual(self.logs_in(password='sesame',
                                      user='ann;AUTH=LOGIN@'), 'LOGIN')

    def test_a_user_is_decoded(self):
        with relay.Relay(implicit=True, within=LOGIN,
                         user='ann@example.org') as server:
            done = self.through(server.via('ann%40example.org@'), *TLS,
                                password='sesame')
        self.assert_all(done, 'accepted', 0)

    def refused(self, words, via, *options, password='sesame'):
        done = self.through(via, *options, password=password)
        self.assert_all(done, 'failed', 69)
        self.assertIn(words, done.errors)
        return done

    def test_an_account_that_is_refused_sends_nothing(self):
        with relay.Relay(implicit=True, within=LOGIN) as server:
            done = self.refused('535 5.7.8 refused', server.via('ann@'), *TLS,
                                '--connections', '1', password='wrong')
        self.assertIn('(account)', done.errors)
        self.assertEqual(done.totals()['failures'][0]['code'], 535)
        self.assertEqual((server.messages, 'MAIL' in server.commands),
                         (0, False))
        self.assertEqual(len(server.logins), 1)

    def test_a_login_that_is_put_off_sends_nothing(self):
        with relay.Relay(implicit=True, within=LOGIN, replies={
                'AUTH': (b'454 4.7.0 not now',)}) as server:
            self.refused('454 4.7.0 not now', server.via('ann@'), *TLS)
        self.assertEqual(server.messages, 0)

    def test_a_mechanism_that_is_not_offered_is_not_replaced(self):
        for user, offers in (('ann;AUTH=SCRAM-SHA-256@', LOGIN),
                             ('ann@', ()), ('ann@', ('AUTH CRAM-MD5',))):
            with relay.Relay(implicit=True, within=offers) as server:
                self.refused('', server.via(user), *TLS)
            self.assertEqual((server.logins, server.messages), ([], 0))

    def test_a_user_requires_it(self):
        with relay.Relay(plain=LOGIN) as server:
            done = self.through(server.via('ann@'), password='sesame')
            self.assert_all(done, 'failed', 69)
        self.assertEqual((server.logins, server.messages), ([], 0))
        with relay.Relay(plain=('STARTTLS',), within=LOGIN) as server:
            done = self.through(server.via('ann@'), *TLS, password='sesame')
            self.assert_all(done, 'accepted', 0)

    def test_the_sink_s_every_way_to_log_in_is_known(self):
        """With TLS, chunks, a window of them, and a sender for each."""
        self.write('people.csv', 'email,name,id\n' + ''.join(
            f'p{i}@example.org,Person {i},{i}\n' for i in range(40)))
        for mechanism in ('SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN',
                          'CRAM-MD5', 'XOAUTH2', 'OAUTHBEARER'):
            for implicit in (), ('--implicit-tls',):
                with self.subTest(mechanism, implicit=implicit):
                    self.meets_sink(mechanism, implicit)

    def meets_sink(self, mechanism, implicit):
        via, messages = self.sink(
            '--tls-cert', relay.certificate('ip'), '--chunking', '--auth',
            'ann:' + self.secret('sesame'), *implicit)
        user = ('smtps' if implicit else 'smtp') + f'://ann;AUTH={mechanism}@'
        done = self.through(via.replace('smtp://', user), *TLS,
                            '--envelope-from', 'b+{{id}}@example.org',
                            password='sesame')
        self.assertEqual((done.status, done.counts()), (0, {'accepted': 40}),
                         done.errors)
        found = messages()
        self.assertEqual(len(found), 40)
        for each in found:
            self.assertEqual(each['auth'],
                             {'mechanism': mechanism, 'user': 'ann'})
            self.assertRegex(each['tls']['version'], 'TLS1')
            self.assertEqual([each['from'].replace('b+', 'p')], each['to'])
            self.assertTrue(each['chunked'])


if __name__ == '__main__':
    campaign.main()
