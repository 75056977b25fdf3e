# SPDX-License-Identifier: MIT
"""The example relay_mail: two recipients by way of a relay that asks for TLS
and a login, and takes one of them."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, 'cli'))
import campaign  # noqa: E402 pylint: disable=wrong-import-position
import relay  # noqa: E402 pylint: disable=wrong-import-position

REFUSES = {'RCPT TO:<carl@': (b'550 5.1.1 no such user',)}


@relay.needs_certificates
class RelayMail(campaign.unittest.TestCase):
    def send(self, server, via, password='sesame', ca_file='ca'):
        program = os.path.join(campaign.unit.top_builddir, 'examples',
                               'relay_mail')
        done = subprocess.run(
            [program, 'eve@example.org', 'carl@example.org'],
            capture_output=True, text=True, check=False,
            timeout=relay.PATIENCE, env=relay.environment(
                password, THRUM_VIA=via,
                THRUM_CA_FILE=relay.certificate(ca_file)))
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        first, *rest = done.stdout.splitlines()
        self.assertEqual(first, 'thank you: a mail is on its way')
        self.assertLessEqual(server.messages, 1)
        return rest

    def test_one_is_taken_and_one_is_not_to_be_written_to_again(self):
        for more in ({'implicit': True}, {'plain': ('STARTTLS',)}):
            with self.subTest(more), relay.Relay(
                    within=('DSN', 'PIPELINING', 'AUTH PLAIN'),
                    replies=REFUSES, **more) as server:
                told = self.send(server, server.via('ann@'))
            self.assertEqual(len(told), 3, told)
            self.assertEqual(told[0], 'eve@example.org: 250 taken')
            self.assertRegex(told[1], '^carl@example.org: .*no such user')
            self.assertEqual(told[2],
                             '  do not write to this address again')
            self.assertEqual(server.logins, [('PLAIN', True)])
            self.assertEqual(server.messages, 1)

    def test_bounces_are_asked_for_with_headers_alone(self):
        with relay.Relay(implicit=True, within=('DSN', 'AUTH PLAIN'),
                         replies=REFUSES) as server:
            self.send(server, server.via('ann@'))
        mail = [line for line in server.lines if line.startswith('MAIL')]
        self.assertEqual(len(mail), 1)
        self.assertIn(' RET=HDRS', mail[0])
        for line in server.lines:
            if line.startswith('RCPT'):
                self.assertIn(' NOTIFY=FAILURE', line)
                self.assertIn(' ORCPT=rfc822;', line)

    def test_an_account_that_is_refused_sends_to_nobody(self):
        with relay.Relay(implicit=True, within=('AUTH PLAIN',)) as server:
            told = self.send(server, server.via('ann@'), password='wrong')
        self.assertEqual(len(told), 4, told)
        self.assertRegex(told[0], '^eve@example.org: .*535')
        self.assertEqual(told[1], '  so: account')
        self.assertEqual(server.messages, 0)

    def test_a_relay_that_nobody_vouches_for_is_told_nothing(self):
        with relay.Relay(implicit=True, within=('AUTH PLAIN',)) as server:
            told = self.send(server, server.via('ann@'), ca_file='other-ca')
        self.assertRegex(told[0], '^eve@example.org: .*127.0.0.1')
        self.assertEqual((server.logins, server.messages), ([], 0))


if __name__ == '__main__':
    campaign.main()
