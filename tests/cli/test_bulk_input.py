# SPDX-License-Identifier: MIT
"""Bad input to `thrum bulk`: what each is said to be, and that nothing is sent
when it stops the campaign."""
import re
import select
import socket
import subprocess

import campaign

GOOD = 'email,name\na@example.org,Ann\nb@example.org,Bob\n'


class Refusing(campaign.Test):
    """A server is there, but nobody may come to it."""

    def setUp(self):
        super().setUp()
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(self.listener.close)
        self.via = f'smtp://127.0.0.1:{self.listener.getsockname()[1]}'
        self.write('people.csv', GOOD)

    def refused(self, status, words, *options, to=None, text=None, **more):
        """The campaign stops with the status and the words, unsent."""
        options = ('--via', self.via) + options
        done = self.bulk(*options, to=to, text=text, **more)
        self.assertEqual(done.status, status, done.errors)
        self.assertIn(words, done.errors)
        came, _, _ = select.select([self.listener], [], [], 0)
        self.assertEqual(came, [], 'a connection was made')
        return done


class Lists(Refusing):
    def test_what_is_not_csv_stops_it_with_its_place(self):
        for content, words in (
                ('email,name\na@x.org,"Ann\nb@x.org,Bob\n',
                 ':2:9: the quote is never closed (column "name")'),
                ('email,name\na@x.org,"Ann"x\n',
                 ':2:14: text after the quote that closes the field'),
                ('email,name\na@x.org,An"n\n', ':2:11: a quote within'),
                ('email,name\na@x.org\n', ':2: the row has fewer fields'),
                ('email,name\na@x.org,b,c\n', ':2:11: the row has more'),
                ('email,name\na@x.org,b\rc@x.org,d\r',
                 ':2:10: a carriage return'),
                (b'email,name\na@x.org,J\xf6rg\n',
                 ':2:10: byte 0xf6 is not UTF-8'),
                ('email,name\n'.encode('utf-16'), ':1:1: the list is UTF-16'),
                ('email,name\n'.encode('utf-16le'), ':1: a NUL in the header'),
                ('', ':1: there is no header line'),
                ('name\nAnn\n', ':1: the header line has no column "email"'),
                ('email,name,email\na,b,c\n',
                 ':1: two columns are named "email"'),
                ('email,name,\na,b,c\n', ':1: a column has no name')):
            with self.subTest(words):
                self.list_refused(content, words)

    def test_the_caps_are_said(self):
        columns = ','.join(f'c{i}' for i in range(4998))
        for content, words in (
                (f'email,name,{columns}\n', ': more than 1024 columns'),
                ('email,name\na@x.org,' + 'x' * (10 << 20) + '\n',
                 ':2:9: a field of more than 1 MiB (column "name")'),
                ('email,name\na@x.org,"' + 'x,\n' * (4 << 20) + '"\n',
                 ':2:9: a field of more than 1 MiB: was a quote left open?')):
            done = self.list_refused(content, '')
            self.assertIn(words, done.errors)

    def test_a_list_that_is_not_there_is_named(self):
        missing = self.folder / 'missing.csv'
        self.refused(66, f'{missing}: No such file', to=missing)
        self.refused(66, ': it is a folder', to=self.folder)

    def test_a_list_that_cannot_be_opened_is_named(self):
        loop = self.folder / 'loop.csv'
        loop.symlink_to(loop)
        self.refused(66, 'loop.csv: Too many levels', to=loop)

    def test_a_longer_list_than_asked_for_is_refused(self):
        self.refused(65, 'more than 1 recipients', '--max-recipients', '1')

    def test_strict_refuses_an_invalid_row(self):
        self.list_refused(GOOD + 'nobody,Carl\n', ':4: invalid: ')
        self.refused(65, 'nothing was sent', '--strict')

    def test_a_place_is_shown_without_control_characters(self):
        path = self.write('x\x1b[2J.csv', 'name\n')
        done = self.refused(65, 'x\\x1b[2J.csv:1: the header', to=path)
        self.assertNotIn('\x1b', done.errors)

    def list_refused(self, content, words, status=65):
        options = ('--strict',) if 'invalid' in words else ()
        path = self.write('people.csv', content)
        return self.refused(status, 'people.csv' + words if words else '',
                            *options, to=path)


class Letters(Refusing):
    def test_a_letter_that_is_wrong_is_named(self):
        for content, status, words in (
                ('Hello {{nmae}}\n', 65, 'nmae'),
                ('one\ntwo {{name\n', 65, 'line 2'),
                (b'J\xf6rg\n', 65, 'letter.txt: '),
                (b'a\0b\n', 65, 'letter.txt: '),
                ('Hello\n'.encode('utf-16'), 65, 'it is UTF-16'),
                ('x' * (9 << 20), 65, 'longer than 8 MiB')):
            with self.subTest(words):
                self.refused(status, words,
                             text=self.write('letter.txt', content))

    def test_a_letter_that_is_not_there_is_named(self):
        self.refused(66, 'nowhere.txt: No such file',
                     text=self.folder / 'nowhere.txt')
        self.refused(66, ': Is a directory', text=self.folder)

    def test_an_unknown_name_in_a_header_is_named(self):
        for option, value in (('--header', 'X-Id: {{nmae}}'),
                              ('--envelope-from', 'b+{{nmae}}@example.org')):
            self.refused(65, 'nmae', option, value)

    def test_headers_cannot_be_injected(self):
        for option, value, words in (
                ('--header', 'X-A: b\nBcc: x@y.org', "--header 'X-A': "),
                ('--header', 'X-A\n: b', "--header 'X-A\\x0a': "),
                ('--header', 'no colon', 'not of the form'),
                ('--header', ': empty', 'not of the form'),
                ('--header', 'Date: now', "--header 'Date': "),
                ('--reply-to', 'a@x.org\nBcc: x@y.org', '--reply-to: '),
                ('--reply-to', 'nobody', '--reply-to: '),
                ('--envelope-from', 'a@x.org>\nRCPT', '--envelope-from: ')):
            with self.subTest(value):
                self.refused(65, words, option, value)

    def test_a_sender_that_is_none_is_refused(self):
        command = [campaign.THRUM, 'bulk', '--via', self.via, '--to',
                   self.folder / 'people.csv', '--text', self.letter,
                   '--subject', 's', '--from']
        for sender in ('nobody', 'News <a@x.org>\nBcc: b@x.org', ''):
            done = subprocess.run([*command, sender], capture_output=True,
                                  check=False)
            self.assertEqual(done.returncode, 65, done.stderr)
            self.assertIn(b'--from: ', done.stderr)


class Urls(Refusing):
    def test_what_cannot_be_served_is_said(self):
        for via, words in (
                ('smtp://user@127.0.0.1', 'user'),
                ('smtp://user:secret@127.0.0.1', 'password'),
                ('smtps:127.0.0.1', '//host'),
                ('smtp://127.0.0.1:465', '465'),
                ('smtp://', 'URL'), ('sendgrid:', 'URL'),
                ('smtp://127.0.0.1:99999', '65535'),
                ('127.0.0.1:25', 'URL')):
            with self.subTest(via):
                done = self.bulk('--via', via)
                self.assertEqual(done.status, 78, done.errors)
                self.assertIn(words, done.errors)
                self.assertNotIn('secret', done.errors)
                self.assertEqual(done.out, b'')


class InvalidRows(campaign.Test):
    def checked(self, content, *options):
        self.write('people.csv', content)
        return self.bulk('--dry-run', *options)

    def test_they_are_shown_with_line_and_reason_and_counted(self):
        done = self.checked('email,name\na@x.org,Ann\n\nno body,Bob\n'
                            'c@x.org,\nd@x.org,"two\nlines"\n'
                            ',Eve\ng@x.org,Gus\n')
        self.assertEqual(done.status, 1)
        self.assertEqual(done.counts(), {'invalid': 4, 'waiting': 2})
        shown = re.findall(r'people\.csv:(\d+): invalid: .', done.errors)
        self.assertEqual(shown, ['4', '5', '6', '8'])

    def test_a_nul_in_a_row_makes_it_invalid(self):
        done = self.checked(b'email,name\na@x.org,An\0n\nb@x.org,Bob\n')
        self.assertEqual(done.counts(), {'invalid': 1, 'waiting': 1})

    def test_no_address_is_shown(self):
        done = self.checked('email,name\nsecret.person@@x.org,Ann\n')
        self.assertEqual(done.counts(), {'invalid': 1})
        self.assertNotIn('secret.person', done.errors)

    def test_after_ten_only_their_number_is_told(self):
        done = self.checked('email,name\n' + 'x,y\n' * 25)
        self.assertEqual(done.errors.count(': invalid: '), 10)
        self.assertIn('\nand 15 more\n', done.errors)
        self.assertEqual(done.counts(), {'invalid': 25})

    def test_a_header_line_alone_is_done_at_once(self):
        done = self.checked('email,name\n')
        self.assertEqual((done.status, done.counts()), (0, {}))

    def test_a_good_list_is_said_to_be_good(self):
        done = self.checked(GOOD)
        self.assertEqual((done.status, done.counts()), (0, {'waiting': 2}))


if __name__ == '__main__':
    campaign.main()
