# SPDX-License-Identifier: MIT
"""The examples: what they print is compared with the files beside this one.
Those that send run against `thrum sink`, and what it got is compared with what
they should have sent."""
import contextlib
import json
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, 'support'))
import unit  # noqa: E402 pylint: disable=wrong-import-position

HERE = pathlib.Path(unit.top_srcdir, 'tests', 'examples')
BUILT = pathlib.Path(unit.top_builddir)
PATIENCE = 60  # seconds, after which a program hangs
PEOPLE = ''.join(f'{name}@example.org\n'
                 for name in ('ann', 'bob', 'cid', 'dee', 'eva'))


class Sink:
    """`thrum sink` at a port of its choice, ended by its process id."""

    def __init__(self, folder):
        self.dump = pathlib.Path(folder, 'dump.ndjson')
        self.process = subprocess.Popen(
            [BUILT / 'thrum', 'sink', '--listen', '127.0.0.1:0', '--dump',
             self.dump], stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        self.via = 'smtp://' + line.rpartition(' ')[2].strip()

    def end(self):
        """Answers the messages, in the order in which they came."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=PATIENCE)
        with open(self.dump, encoding='ascii') as lines:
            return [json.loads(line) for line in lines]


def run(program, **how):
    return subprocess.run([BUILT / 'examples' / program], text=True,
                          capture_output=True, timeout=PATIENCE, check=False,
                          **how)


def expected(name):
    return (HERE / name).read_text(encoding='utf-8')


class Examples(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = made.name

    def run_with_sink(self, program, text=''):
        sink = Sink(self.folder)
        try:
            done = run(program, input=text,
                       env=dict(os.environ, THRUM_VIA=sink.via))
        finally:
            messages = sink.end()
        return done, messages

    def assert_bodies(self, messages, text):
        for message in messages:
            self.assertTrue(message['body'].endswith('\r\n\r\n' + text),
                            message['body'])

    def test_chain_and_limits_print_the_same_each_time(self):
        for program in 'chain', 'limits':
            with self.subTest(program):
                done = run(program)
                self.assertEqual(done.stdout, expected(program + '.txt'))
                self.assertEqual((done.returncode, done.stderr), (0, ''))

    def test_limits_are_kept_and_reached(self):
        waiting, opened, working, seen = 0, 0, set(), set()
        for line in run('limits').stdout.splitlines():
            job, _, what = line.partition(':')
            what = what.split()[0]
            if what == 'ordered':
                waiting += 1
            elif what == 'open':
                waiting, opened = waiting - 1, opened + 1
            elif line.endswith('step 4'):
                working.discard(job)
                opened -= 1
            else:
                working.add(job)
            seen.add((waiting, opened, len(working)))
        waiting, opened, working = map(max, zip(*seen))
        self.assertEqual((opened, working), (3, 2))
        self.assertEqual(waiting, 3)  # two in the queue, one for a place there

    def test_deferred_list_mail_acts_once_after_all_three(self):
        done, messages = self.run_with_sink('deferred_list_mail')
        self.assertEqual(done.stdout, expected('deferred_list_mail.txt'))
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertEqual([each['to'] for each in messages],
                         [['ann@example.org'], ['bob@example.org']])
        self.assert_bodies(messages,
                           'Hello,\r\n\r\nthe party is on Saturday.\r\n')

    def test_deferred_list_mail_acts_once_when_no_server_is_there(self):
        done = run('deferred_list_mail', env=dict(
            os.environ, THRUM_VIA='smtp://127.0.0.1:1'))
        self.assertEqual(done.returncode, 0)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 3)
        self.assertIn('127.0.0.1:1', lines[0])

    def test_coiterate_mail_shows_the_turns(self):
        done, messages = self.run_with_sink('coiterate_mail', PEOPLE)
        self.assertEqual(done.stdout, expected('coiterate_mail.txt'))
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertEqual(sorted(each['to'] for each in messages),
                         [[name] for name in PEOPLE.split()])
        self.assert_bodies(messages, 'Hello!\r\n')

    def test_coiterate_mail_counts_who_is_refused(self):
        done, messages = self.run_with_sink('coiterate_mail',
                                            'ann@example.org\nnobody\n')
        self.assertIn('1 accepted, 1 refused\n', done.stdout)
        self.assertEqual(done.stderr, 'to: it has no "@"\n')
        self.assertEqual(len(messages), 1)

    def test_four_clients_leave_after_all_have_closed(self):
        """The four take turns as the server answers: sorted, but the end."""
        done, messages = self.run_with_sink('four_clients')
        lines = done.stdout.splitlines(keepends=True)
        self.assertEqual(''.join(sorted(lines[:-1]) + lines[-1:]),
                         expected('four_clients.txt'))
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertEqual([each['to'] for each in messages],
                         [['ann@example.org']] * 4)

    def test_four_clients_without_a_server_each_tell_why(self):
        done = run('four_clients', env=dict(os.environ, THRUM_VIA='nonsense'))
        self.assertEqual(done.stdout, 'all 4 closed\n')
        self.assertEqual(done.stderr.count('not a URL'), 4)

    def test_blocking_mail_is_sent_while_the_loop_counts(self):
        done, messages = self.run_with_sink('blocking_mail')
        self.assertEqual(done.stdout, expected('blocking_mail.txt'))
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertEqual(sorted(each['to'] for each in messages),
                         [['ann@example.org'], ['bob@example.org'],
                          ['cid@example.org']])

    def test_blocking_mail_says_that_no_server_is_there(self):
        done = run('blocking_mail', env=dict(os.environ, THRUM_VIA=''))
        self.assertEqual(done.stdout, expected('blocking_mail.txt').replace(
            'accepted', 'no server'))
        self.assertEqual((done.returncode, done.stderr), (0, ''))


class TestedService(unittest.TestCase):
    """A service, and the program that tests it."""

    def test_its_tests_pass_and_none_waits(self):
        done = run('test_tested_service')
        self.assertEqual(done.stdout, expected('test_tested_service.txt'))
        self.assertEqual((done.returncode, done.stderr), (0, ''))

    def test_it_serves_at_a_port(self):
        process = subprocess.Popen(
            [BUILT / 'examples' / 'tested_service'], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate, timeout=PATIENCE)
        self.addCleanup(process.kill)
        port = int(process.stdout.readline().rpartition(':')[2])
        with socket.create_connection(('127.0.0.1', port), PATIENCE) as peer:
            peer.sendall(b'add 2\nadd 3\nquit\n')
            with peer.makefile('rb') as lines:
                self.assertEqual(lines.read(), b'hello\n2\n5\nbye\n')
        process.terminate()
        out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, out, err), (0, '', ''))


class LineService(unittest.TestCase):
    def setUp(self):
        self.process = subprocess.Popen(
            [BUILT / 'examples' / 'line_service'], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.process.communicate, timeout=PATIENCE)
        self.addCleanup(self.process.kill)
        self.port = int(self.process.stdout.readline().split()[1])

    def call(self, text):
        """A peer that has said something, and had its answers."""
        peer = socket.create_connection(('127.0.0.1', self.port), PATIENCE)
        self.addCleanup(peer.close)
        peer.sendall(text)
        wanted = b''.join(b'%d octets\n' % len(line)
                          for line in text.split(b'\n')[:-1])
        self.assertEqual(self.take(peer, len(wanted)), wanted)
        return peer

    @staticmethod
    def take(peer, size):
        data = b''
        while len(data) < size:
            more = peer.recv(size - len(data))
            if not more:
                break
            data += more
        return data

    def wait(self):
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out, err

    def test_each_line_is_answered_by_its_length(self):
        self.call(b'hello\n\nwell\n')
        self.process.terminate()
        self.assertEqual(self.wait(), (0, '', ''))

    def test_a_line_past_the_cap_ends_the_connection(self):
        peer = self.call(b'')
        peer.sendall(b'x' * 1025)
        self.assertEqual(peer.recv(1), b'')

    def test_it_leaves_when_those_in_a_line_have_ended_it(self):
        idle, between, within = (self.call(text) for text in (
            b'', b'hello\n', b'one\ntw'))
        self.process.terminate()
        self.assertEqual((idle.recv(1), between.recv(1)), (b'', b''))
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(('127.0.0.1', self.port), PATIENCE)
        self.assertIsNone(self.process.poll())
        within.sendall(b'o\nthree\n')
        self.assertEqual(self.take(within, 100), b'3 octets\n5 octets\n')
        self.assertEqual(self.wait(), (0, '', ''))

    def test_a_second_signal_ends_it_at_once(self):
        peer = self.call(b'one\ntw')
        other = self.call(b'')
        self.process.terminate()
        self.assertEqual(other.recv(1), b'')  # it has begun to stop
        self.process.terminate()
        status, _, told = self.wait()
        self.assertEqual((status, told),
                         (1, 'thrum_react: the reactor was stopped\n'))
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(peer.recv(1), b'')


class Echo(unittest.TestCase):
    """The echo over each kind of endpoint, with its own client and OpenSSL's.
    """
    MADE = BUILT / 'tests' / 'tls' / 'made'

    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = made.name

    def serve(self, endpoint, *pem):
        process = subprocess.Popen(
            [BUILT / 'examples' / 'echo', 'serve', endpoint, *pem],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate, timeout=PATIENCE)
        self.addCleanup(process.terminate)
        return process.stdout.readline().split(' at ')[1].strip()

    def serve_tls(self):
        """The port of one whose certificate is for 127.0.0.1."""
        if not (self.MADE / 'ip.pem').exists():
            self.skipTest('certtool is not installed')
        name = self.serve('tls:127.0.0.1:0', self.MADE / 'ip.pem')
        return int(name.rpartition(':')[2])

    @staticmethod
    def call(endpoint, *pem):
        return subprocess.run(
            [BUILT / 'examples' / 'echo', 'call', endpoint, *pem],
            input='hello\n', text=True, capture_output=True,
            timeout=PATIENCE, check=False)

    def assert_echo(self, done):
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, 'hello\n', ''))

    def test_it_comes_back_over_tcp(self):
        self.assert_echo(self.call('tcp:' + self.serve('tcp:127.0.0.1:0')))

    def test_it_comes_back_over_a_unix_socket(self):
        self.assert_echo(self.call(self.serve(f'unix:{self.folder}/echo')))

    def test_it_comes_back_over_tls(self):
        port = self.serve_tls()
        self.assert_echo(self.call(f'tls:127.0.0.1:{port}',
                                   self.MADE / 'ca.pem'))

    def test_who_is_not_who_it_should_be_is_told_why(self):
        port = self.serve_tls()
        done = self.call(f'tls:127.0.0.1:{port}', self.MADE / 'other-ca.pem')
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        self.assertIn('nobody trusted issued its certificate', done.stderr)
        name = self.serve('tls:127.0.0.2:0', self.MADE / 'ip.pem')
        done = self.call('tls:' + name, self.MADE / 'ca.pem')
        self.assertEqual((done.returncode, done.stdout), (1, ''))
        self.assertIn('its certificate does not have this address',
                      done.stderr)

    def test_openssl_is_understood(self):
        port = self.serve_tls()
        trust = ssl.create_default_context(cafile=self.MADE / 'ca.pem')
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            with self.subTest(version), \
                    socket.create_connection(('127.0.0.1', port),
                                             PATIENCE) as plain:
                trust.minimum_version = ssl.TLSVersion.TLSv1_2
                trust.maximum_version = version
                with trust.wrap_socket(plain,
                                       server_hostname='127.0.0.1') as peer:
                    data, got = os.urandom(1 << 16), b''
                    peer.sendall(data)
                    while len(got) < len(data):
                        got += peer.recv(1 << 16)
                    self.assertEqual(got, data)
                    peer.unwrap()  # both say that it is over


class Proxy(unittest.TestCase):
    """A peer, the proxy, and a server."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def start(self, target, listen='tcp:127.0.0.1:0'):
        self.process = subprocess.Popen(
            [BUILT / 'examples' / 'proxy', listen, target],
            env=dict(os.environ, ASAN_OPTIONS=self.memory_is_reused()),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.process.communicate, timeout=PATIENCE)
        self.addCleanup(self.process.kill)
        return self.process.stdout.readline().split(' at ')[1].strip()

    @staticmethod
    def memory_is_reused():
        """AddressSanitizer keeps what was freed, 256 MiB of it; its memory is
        to be that of the proxy."""
        return ':'.join(filter(None, [os.environ.get('ASAN_OPTIONS'),
                                      'quarantine_size_mb=0',
                                      'thread_local_quarantine_size_kb=0']))

    def join(self):
        """Both ends of a connection through it."""
        listening = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listening.close)
        listening.settimeout(PATIENCE)
        name = self.start('tcp:127.0.0.1:%d' % listening.getsockname()[1])
        near = socket.create_connection(('127.0.0.1',
                                         int(name.rpartition(':')[2])))
        far, _ = listening.accept()
        for each in near, far:
            each.settimeout(PATIENCE)
            self.addCleanup(each.close)
        return near, far

    def stop(self):
        self.process.terminate()
        out, err = self.process.communicate(timeout=PATIENCE)
        self.assertEqual((self.process.returncode, out, err), (0, '', ''))

    @staticmethod
    def read_all(peer, piece=65536):
        parts = []
        while part := peer.recv(piece):
            parts.append(part)
        return b''.join(parts)

    def most(self):
        """The memory that the proxy has had at most, in KiB."""
        with open(f'/proc/{self.process.pid}/status',
                  encoding='ascii') as lines:
            return next(int(line.split()[1]) for line in lines
                        if line.startswith('VmHWM'))

    def test_a_question_ends_and_its_answer_still_comes(self):
        near, far = self.join()
        near.sendall(b'question')
        near.shutdown(socket.SHUT_WR)
        self.assertEqual(self.read_all(far), b'question')
        far.sendall(b'answer')
        far.close()
        self.assertEqual(self.read_all(near), b'answer')
        self.stop()

    def test_the_far_side_may_end_first(self):
        near, far = self.join()
        far.sendall(b'220 hello')
        far.shutdown(socket.SHUT_WR)
        self.assertEqual(self.read_all(near), b'220 hello')
        near.sendall(b'bye')
        near.close()
        self.assertEqual(self.read_all(far), b'bye')
        self.stop()

    def test_a_slow_reader_holds_the_writer_back(self):
        near, far = self.join()
        before, data = self.most(), os.urandom(1 << 20) * 32
        writer = threading.Thread(
            target=lambda: (near.sendall(data),
                            near.shutdown(socket.SHUT_WR)))
        writer.start()
        self.addCleanup(writer.join)
        self.assertEqual(hash(self.read_all(far, 4096)), hash(data))
        self.assertLess(self.most() - before, 2048)
        self.stop()

    def test_a_reset_passes_on(self):
        near, far = self.join()
        near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack('ii', 1, 0))
        near.close()
        with self.assertRaises(ConnectionResetError):
            self.read_all(far)
        self.stop()

    def test_who_meets_no_server_is_sent_away(self):
        path = os.path.join(self.folder.name, 'near')
        self.assertEqual(self.start('tcp:127.0.0.1:1', 'unix:' + path),
                         'unix:' + path)
        with socket.socket(socket.AF_UNIX) as near:
            near.settimeout(PATIENCE)
            near.connect(path)
            self.assertEqual(near.recv(1), b'')
        self.process.terminate()
        _, err = self.process.communicate(timeout=PATIENCE)
        self.assertIn('127.0.0.1:1', err)


if __name__ == '__main__':
    unit.main()
