# SPDX-License-Identifier: MIT
"""`thrum bulk` from the list to the server: what arrives, what is counted, and
what is said when servers or people interfere."""
import email
import email.policy
import os
import re
import signal
import socket
import subprocess
import threading
import unittest

import campaign


def parsed(message):
    return email.message_from_string(message['body'].replace('\r\n', '\n'),
                                     policy=email.policy.default)


class Sending(campaign.Test):
    def test_everybody_gets_their_own_letter(self):
        via, messages = self.sink()
        self.people(500)
        done = self.bulk('--via', via)
        self.assertEqual((done.status, done.counts()),
                         (0, {'accepted': 500}), done.errors)
        found = {each['to'][0]: parsed(each) for each in messages()}
        self.assertEqual(len(found), 500)
        for i in range(1, 501):
            letter = found[f'p{i}@example.org']
            self.assertEqual(letter['Subject'], f'For Person {i}')
            self.assertEqual(letter['To'], f'p{i}@example.org')
            self.assertEqual(letter.get_content(),
                             f'Dear Person {i},\nhello!\n')

    def test_lists_of_every_kind_are_read(self):
        for content, stdin in (
                (b'\xef\xbb\xbfemail,name\r\nz@x.org,"A, ""B""\r\nC"\r\n',
                 False),
                (b'email,name\nz@x.org,"A, ""B""\r\nC"', False),
                (b'"name","email"\n"A, ""B""\r\nC","z@x.org"\n', True)):
            via, messages = self.sink()
            path = self.write('people.csv', content)
            text = self.write('t.txt', '{{name}}\n')
            more = {'input': content, 'to': '-'} if stdin else {'to': path}
            # A line break may stand in a text, not in a subject.
            done = self.bulk('--via', via, text=text, subject='Hello', **more)
            self.assertEqual((done.status, done.counts()),
                             (0, {'accepted': 1}), done.errors)
            self.assertEqual(parsed(messages()[0]).get_content(),
                             'A, "B"\nC\n')

    def test_a_file_on_standard_input_is_read_from_where_it_stands(self):
        path = self.write('in.csv', b'junk\nemail,name\na@x.org,Ann\n')
        with open(path, 'rb', buffering=0) as file:
            file.read(5)
            done = self.bulk('--dry-run', to='-', stdin=file)
        self.assertEqual(done.counts(), {'waiting': 1}, done.errors)

    def test_a_letter_of_two_parts_and_all_headers_arrive(self):
        via, messages = self.sink()
        self.people(1)
        self.write('l.txt', 'Dear {{name}}\n')
        self.write('l.html', '<p>Dear {{name}}</p>\n')
        command = self.command(
            '--letter', str(self.folder / 'l'), '--header', 'X-Id: {{email}}',
            '--header', 'X-Two: 2', '--reply-to', 'Answers <r@x.org>',
            '--envelope-from', 'b+{{name}}@x.org', '--via', via)
        at = command.index('--text')
        del command[at:at + 2]
        self.write('people.csv', 'email,name\na@x.org,Ann\n')
        done = subprocess.run(command, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, b''), done.stderr)
        message = messages()[0]
        letter = parsed(message)
        self.assertEqual(message['from'], 'b+Ann@x.org')
        self.assertEqual(letter['X-Id'], 'a@x.org')
        self.assertEqual(letter['X-Two'], '2')
        self.assertEqual(letter['Reply-To'], 'Answers <r@x.org>')
        parts = [part.get_content() for part in letter.iter_parts()]
        self.assertEqual(parts, ['Dear Ann\n', '<p>Dear Ann</p>\n'])

    def test_bounces_go_to_an_address_for_each(self):
        for options in (), ('--no-pipelining',), ('--window', '9'):
            via, messages = self.sink('--chunking')
            self.write('people.csv', 'email,name,id\n' + ''.join(
                f'p{i}@example.org,Person {i},{i}\n' for i in range(1, 41))
                + 'bad@example.org,Bad,a b>\nlong@example.org,Long,'
                + 'x' * 70 + '\n')
            done = self.bulk('--via', via, '--envelope-from',
                             'bounces+{{id}}@example.org', *options)
            self.assertEqual((done.status, done.counts()),
                             (1, {'accepted': 40, 'invalid': 2}), done.errors)
            for number in 42, 43:
                self.assertIn(f'people.csv:{number}: invalid: ', done.errors)
            found = {each['to'][0]: each['from'] for each in messages()}
            self.assertEqual(found, {
                f'p{i}@example.org': f'bounces+{i}@example.org'
                for i in range(1, 41)})

    def test_invalid_rows_are_left_out(self):
        via, messages = self.sink()
        self.write('people.csv', 'email,name\na@x.org,A\nb,B\nc@x.org,C\n'
                                 'd@x.org,\ne@x.org,E\0\nf@x.org,F\n')
        done = self.bulk('--via', via)
        self.assertEqual((done.status, done.counts()),
                         (1, {'accepted': 3, 'invalid': 3}))
        self.assertEqual(sorted(each['to'][0] for each in messages()),
                         ['a@x.org', 'c@x.org', 'f@x.org'])

    def test_a_turkish_locale_changes_nothing(self):
        via, messages = self.sink()
        self.write('people.csv', 'email,name,I\na@x.org,IiIı,1\n')
        env = dict(os.environ, LC_ALL='tr_TR.UTF-8', LANG='tr_TR')
        done = self.bulk('--via', via.upper().replace('SMTP', 'smtp'), env=env)
        self.assertEqual((done.status, done.counts()), (0, {'accepted': 1}))
        self.assertRegex(done.out, rb'"seconds":\d+\.\d')
        self.assertEqual(parsed(messages()[0])['Subject'], 'For IiIı')

    def test_the_environment_names_sender_and_server(self):
        via, messages = self.sink()
        self.people(1)
        done = subprocess.run(
            [campaign.THRUM, 'bulk', '--to', self.folder / 'people.csv',
             '--subject', 's', '--text', self.letter], capture_output=True,
            env=dict(os.environ, THRUM_VIA=via, THRUM_FROM='e@x.org'),
            check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(messages()[0]['from'], 'e@x.org')


class OneRow(campaign.Test):
    def setUp(self):
        super().setUp()
        self.people(3)

    def test_a_preview_is_printed_and_needs_no_server(self):
        done = self.bulk('--preview', '2')
        self.assertEqual(done.status, 0, done.errors)
        letter = email.message_from_bytes(done.out,
                                          policy=email.policy.default)
        self.assertEqual(letter['To'], 'p2@example.org')
        self.assertEqual(letter.get_content(), 'Dear Person 2,\r\nhello!\r\n')
        self.assertEqual(done.errors, '')

    def test_a_row_past_the_end_is_said_to_be_missing(self):
        done = self.bulk('--preview', '4')
        self.assertEqual((done.status, done.out), (65, b''))
        self.assertIn('there is no row 4, the list has 3', done.errors)

    def test_an_invalid_row_cannot_be_shown(self):
        self.write('people.csv', 'email,name\na@x.org,A\nb,B\n')
        done = self.bulk('--preview', '2')
        self.assertEqual(done.status, 65)
        self.assertIn('people.csv:3: invalid: ', done.errors)

    def test_a_test_goes_to_its_address_alone(self):
        via, messages = self.sink()
        for options, name in (((), 'Person 1'), (('--preview', '3'),
                                                 'Person 3')):
            done = self.bulk('--via', via, '--test', 'me@x.org', *options)
            self.assertEqual((done.status, done.counts()),
                             (0, {'accepted': 1}), done.errors)
        found = messages()
        self.assertEqual([each['to'] for each in found], [['me@x.org']] * 2)
        self.assertEqual(sorted(parsed(each)['Subject'] for each in found),
                         ['For Person 1', 'For Person 3'])

    def test_a_test_to_nobody_is_refused(self):
        done = self.bulk('--via', 'smtp://127.0.0.1:1', '--test', 'nobody')
        self.assertEqual(done.status, 65, done.errors)

    def test_a_test_that_is_refused_counts_as_failed(self):
        def talk(line, number):
            return b'550 5.1.1 no such user\r\n' if line[:4] == b'RCPT' \
                else campaign.takes(line, number)
        with campaign.Server(talk) as server:
            done = self.bulk('--via', server.via, '--test', 'me@x.org')
        self.assertEqual((done.status, done.counts()), (1, {'failed': 1}))

    def test_a_test_in_doubt_names_its_row(self):
        def talk(line, number):
            if line == b'.\r\n':
                raise EOFError
            return campaign.takes(line, number)
        with campaign.Server(talk) as server:
            done = self.bulk('--via', server.via, '--preview', '2', '--test',
                             'me@x.org')
        self.assertEqual((done.status, done.counts()), (1, {'in_doubt': 1}))
        self.assertIn('people.csv:3: in doubt: ', done.errors)


class Servers(campaign.Test):
    def test_a_server_that_is_not_there_fails_them_all(self):
        self.people(100)
        with socket.socket() as other:
            other.bind(('127.0.0.1', 0))
            port = other.getsockname()[1]
            done = self.bulk('--via', f'smtp://127.0.0.1:{port}')
        self.assertEqual((done.status, done.counts()), (69, {'failed': 100}))
        self.assertIn(f'127.0.0.1:{port}', done.errors)
        self.assertEqual(len(done.totals()['failures']), 1)

    def test_a_server_that_answers_garbage_is_said_to(self):
        self.people(50)
        for greeting in (b'SSH-2.0-OpenSSH_9.2\r\n', b'\0' * 5000,
                         b'x' * 100000):
            with campaign.Server(campaign.takes, greeting) as server:
                done = self.bulk('--via', server.via)
            self.assertEqual(done.counts(), {'failed': 50}, done.errors)
            self.assertEqual(done.status, 69)
            self.assertIn(server.via[7:], done.errors)

    def test_a_server_that_refuses_service_is_quoted_without_its_escapes(self):
        self.people(5)
        greeting = b'554 no service \x1b[31mhere\r\n'
        with campaign.Server(campaign.takes, greeting) as server:
            done = self.bulk('--via', server.via)
        self.assertEqual((done.status, done.counts()), (69, {'failed': 5}))
        self.assertIn('no service', done.errors)
        self.assertNotIn('\x1b', done.errors)
        self.assertNotIn(b'\x1b', done.out)
        self.assertEqual(done.totals()['failures'][0]['code'], 554)

    def test_a_server_that_dies_has_taken_what_it_answered(self):
        self.people(200)

        def talk(line, number):
            if line == b'.\r\n' and number > 40:
                server.close()
                raise EOFError
            if number > 40:
                raise EOFError
            return campaign.takes(line, number)
        with campaign.Server(talk) as server:
            done = self.bulk('--via', server.via)
        counts = done.counts()
        self.assertEqual(done.status, 1, done.errors)
        self.assertEqual(counts['accepted'], 40)
        self.assertGreaterEqual(counts['in_doubt'], 1)
        self.assertLessEqual(counts['in_doubt'], 10)
        shown = re.findall(r'people\.csv:\d+: in doubt: ', done.errors)
        self.assertEqual(len(shown), counts['in_doubt'])

    def test_refusals_are_counted_by_what_was_said(self):
        self.people(90)

        def talk(line, number):
            found = re.match(rb'RCPT TO:<p(\d+)@', line)
            if found and int(found[1]) % 9 == 0:
                return b'550 5.1.1 no such user\r\n'
            if found and int(found[1]) % 10 == 0:
                return b'450 4.2.1 later\r\n'
            return campaign.takes(line, number)
        with campaign.Server(talk) as server:
            done = self.bulk('--via', server.via, '--connections', '3')
        self.assertEqual((done.status, done.counts()),
                         (1, {'accepted': 72, 'failed': 18}))
        kinds = sorted((kind['code'], kind['enhanced'], kind['text'],
                        kind['count']) for kind in done.totals()['failures'])
        self.assertEqual([kind[0] for kind in kinds], [450, 550])
        self.assertEqual([kind[1] for kind in kinds], ['4.2.1', '5.1.1'])
        self.assertEqual([kind[3] for kind in kinds], [8, 10])
        self.assertIn('no such user', kinds[1][2])


class Interrupted(campaign.Test):
    def blocked(self):
        """A server that keeps the answer to every body until it is let."""
        self.allowed = threading.Event()

        def talk(line, number):
            if line == b'.\r\n':
                self.allowed.wait()
            return campaign.takes(line, number)
        server = campaign.Server(talk)
        self.addCleanup(server.close)
        self.addCleanup(self.allowed.set)
        return server

    def test_the_first_signal_finishes_what_is_under_way(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            self.people(1000)
            server = self.blocked()
            process = self.start('--via', server.via, '--connections', '2')
            server.seen.wait()
            process.send_signal(number)
            self.assertIn(b'interrupted', process.stderr.readline())
            self.allowed.set()
            done = self.finish(process)
            counts = done.counts()
            self.assertEqual(done.status, status)
            self.assertEqual(set(counts), {'accepted', 'waiting'})
            self.assertEqual(counts['accepted'], server.bodies)
            # Two connections, and twice a window of four.
            self.assertLessEqual(counts['accepted'], 16)

    def test_the_second_signal_ends_at_once(self):
        self.people(1000)
        server = self.blocked()
        process = self.start('--via', server.via, '--connections', '1')
        server.seen.wait()
        process.send_signal(signal.SIGINT)
        self.assertIn(b'interrupted', process.stderr.readline())
        process.send_signal(signal.SIGINT)
        done = self.finish(process)
        self.assertEqual(done.status, 130)
        counts = done.counts()
        self.assertEqual(set(counts) - {'in_doubt'}, {'waiting'})
        self.assertLessEqual(counts.get('in_doubt', 0), 1)

    def test_a_list_that_changes_meanwhile_stops_it(self):
        people = self.people(10000)
        server = self.blocked()
        process = self.start('--via', server.via)
        server.seen.wait()
        with open(people, 'a', encoding='ascii') as file:
            file.write('late@example.org,Late\n')
        self.allowed.set()
        done = self.finish(process)
        counts = done.counts()
        self.assertEqual(done.status, 74)
        self.assertIn('people.csv: the file was changed', done.errors)
        self.assertEqual(set(counts), {'accepted', 'waiting'})
        self.assertEqual(counts['accepted'], server.bodies)

    def test_a_list_that_is_still_coming_can_be_interrupted(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            process = subprocess.Popen(
                self.command('--dry-run', to='-'), stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            process.stdin.write(b'email,name\n' + b'a@x.org,Ann\n' * 100000)
            process.stdin.flush()
            process.send_signal(number)
            process.wait()
            self.assertEqual(process.returncode, status)
            process.communicate()


class Output(campaign.Test):
    def test_totals_that_cannot_be_written_are_an_error(self):
        self.people(1)
        with open('/dev/full', 'wb') as full:
            for option in (('--json', '--dry-run'), ('--preview', '1'),
                           ('--help',)):
                done = subprocess.run(self.command(*option), stdout=full,
                                      stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 74, done.stderr)

    def test_a_closed_standard_output_is_an_error(self):
        self.people(1)
        done = subprocess.run(
            ['sh', '-c', 'exec "$@" >&-', 'sh', *self.command('--json',
                                                              '--dry-run')],
            stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 74, done.stderr)

    def test_a_full_disk_under_the_spool_stops_it(self):
        env = dict(os.environ, TMPDIR='/nowhere')
        done = self.bulk('--dry-run', to='-', input=b'email\n', env=env)
        self.assertEqual(done.status, 73)
        limit = 'ulimit -f 8; exec "$@"'
        done = subprocess.run(
            ['bash', '-c', 'trap "" XFSZ; ' + limit, 'sh',
             *self.command('--dry-run', to='-')],
            input=b'email,name\n' + b'a@x.org,Ann\n' * 10000,
            capture_output=True, check=False)
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertIn(b'nothing was sent', done.stderr)

    def test_without_a_terminal_progress_comes_only_when_asked_for(self):
        self.people(1)
        for option in ('auto', 'never', 'always'):
            done = self.bulk('--dry-run', '--progress', option)
            self.assertNotIn('\r', done.errors)
            self.assertEqual(done.errors.count('\n'), 1, done.errors)

    def test_a_terminal_gets_a_line_that_is_rewritten(self):
        via, _ = self.sink()
        self.people(20000)
        ours, theirs = os.openpty()
        process = subprocess.Popen(
            self.command('--via', via, '--progress', 'auto'), stderr=theirs,
            stdout=subprocess.DEVNULL, env=dict(os.environ, TERM='xterm'))
        os.close(theirs)
        shown = b''
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            shown += piece
        os.close(ours)
        self.assertEqual(process.wait(), 0)
        self.assertIn(b'20000 recipients: 20000 accepted', shown)
        self.assertNotIn(b'\x1b', shown)


class Manual(unittest.TestCase):
    def test_the_man_page_tells_of_the_options_that_help_shows(self):
        name = os.path.join(campaign.unit.top_srcdir, 'man', 'thrum-bulk.1')
        with open(name, encoding='ascii') as page:
            told = re.findall(r'^\.BI? "?\\-\\-([\w\\-]+)', page.read().split(
                '.SH OPTIONS')[1].split('.SH TOTALS')[0], re.M)
        help_text = subprocess.run([campaign.THRUM, 'bulk', '--help'],
                                   capture_output=True, text=True,
                                   check=True).stdout
        shown = re.findall(r'^  --([\w-]+)', help_text, re.M)
        self.assertEqual([option.replace('\\', '') for option in told], shown)


if __name__ == '__main__':
    campaign.main()
