# SPDX-License-Identifier: MIT
"""A password that is looked for wherever it must not be: what the command says
and writes, its command line and environment and those of its children, the
files and sockets that it writes to, and a core. It is looked for as it is, as
base64 at each of three offsets, as hexadecimal, and as it was sent to log in.
The server, in its answers, says all that it was told."""
import base64
import hmac
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import unittest

import campaign
import relay
from relay import PATIENCE, TLS, environment, needs_certificates

CANARY = 'Xq7ZcanaryW9rT4wB2kJ'
VARIABLE = 'THRUM_SMTP_PASSWORD'
PASSWORDS = ('SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN', 'CRAM-MD5')
TOKENS = ('XOAUTH2', 'OAUTHBEARER')
COMMANDS = ('bulk', 'probe')
# What writes, opens or sends; what is read may well be the password.
CALLS = ('%file,prctl,write,writev,pwrite64,pwritev,sendto,sendmsg,sendmmsg,'
         'sendfile,splice,fork,vfork,clone,clone3')


def needles():
    """The forms of the password that do not depend on the login."""
    found = {CANARY.encode(), CANARY.encode().hex().encode(),
             CANARY.encode()[::-1]}
    for before in range(3):
        coded = base64.b64encode(b'\0' * before + CANARY.encode() + b'\0\0\0')
        # Without the characters that what stands beside it has a part in.
        found.add(coded[4 if before else 0:][:20])
    found.add(hmac.new(CANARY.encode(), b'<1896.697170952@relay.test>',
                       'md5').hexdigest().encode())
    return found


def sent(server):
    """What a login was sent, its user's name alone excepted."""
    user = base64.b64encode(b'ann')
    words = [word for word in server.told if len(word) > 8 and word != user]
    # Of SCRAM the first message is a name and a random number.
    if server.logins and server.logins[-1][0].startswith('SCRAM'):
        proofs = [(re.search(rb',p=([^,]*)', base64.b64decode(word)), word)
                  for word in words]
        words = [word for proof, word in proofs if proof] + [
            proof[1] for proof, _ in proofs if proof]
    return set(words)


def traces():
    """Whether strace can read what the command writes: only root looks into a
    program that cannot be dumped, and not everywhere."""
    return os.geteuid() == 0 and shutil.which('strace') is not None and \
        subprocess.run(['strace', '-o', '/dev/null', 'true'],
                       stderr=subprocess.DEVNULL,
                       check=False).returncode == 0


class Canary(campaign.Test):
    def setUp(self):
        super().setUp()
        self.people(3)
        self.seen = []

    # ---- Where it comes from ----

    def source(self, where):
        """Options and environment that bring the password."""
        secret = self.write('secret', CANARY + '\n')
        secret.chmod(0o600)
        if where == 'environment':
            return (), environment(CANARY)
        if where == 'file':
            return ('--password-file', str(secret)), environment()
        # The command looks at itself, and at who called it.
        told = self.folder / 'told'
        return ('--password-command',
                f'cat /proc/$$/environ /proc/$PPID/environ /proc/$$/cmdline '
                f'/proc/$PPID/cmdline > {told} 2>/dev/null; cat {secret}'
                ), environment(CANARY + 'of the environment')

    # ---- Where it is looked for ----

    def look(self, process, traced):
        """Keeps what all may read of the process and its children."""
        pids = self.family(process.pid)
        for pid in pids[1:] if traced else pids:
            for name in 'cmdline', 'environ':
                try:
                    data = pathlib.Path(f'/proc/{pid}/{name}').read_bytes()
                except PermissionError:  # as is due to all but root
                    data = b''
                except OSError:  # it has ended
                    continue
                self.seen.append((f'{name} of {pid}', data))

    def family(self, pid):
        pids = [pid]
        for task in pathlib.Path(f'/proc/{pid}/task').glob('*/children'):
            for child in task.read_text(encoding='ascii').split():
                pids += self.family(int(child))
        return pids

    def writes(self):
        """What was written by anybody, except into pipes: a password goes
        through one when a command prints it, and what the test reads from its
        own is looked at by itself."""
        with open(self.folder / 'trace', 'rb') as lines:
            return b''.join(line for line in lines
                            if not re.search(rb'write\(\d+<pipe:', line))

    def run_one(self, words, where, server, tool):
        options, env = self.source(where)
        if tool:  # LeakSanitizer cannot look where somebody else looks already
            env['ASAN_OPTIONS'] = ':'.join(filter(None, [
                env.get('ASAN_OPTIONS'), 'detect_leaks=0']))
        process = subprocess.Popen(
            [*tool, *words, *options, *TLS], env=env, cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        server.meanwhile = lambda: self.look(process, bool(tool))
        try:
            out, errors = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        self.seen += [('stdout', out), ('stderr', errors)]
        return process.returncode, out, errors

    def assert_unseen(self, server):
        looked = needles() | sent(server)
        for path in self.folder.iterdir():
            if path.name == 'told':
                # The shell's own command line names the file, not more.
                self.seen.append(('the command', path.read_bytes()))
            elif path.name not in ('secret', 'trace', 'letter.txt',
                                   'people.csv'):
                self.seen.append((path.name, path.read_bytes()))
        for name, data in self.seen:
            for each in looked:
                self.assertNotIn(each, data, f'{name}: {data!r}')
        self.assertTrue(any('environ' in name for name, _ in self.seen))

    def check(self, command, mechanism, where, refuses):
        tool, self.seen = [], []
        if traces():
            tool = ['strace', '-f', '-y', '-s', '100000', '-e',
                    'trace=' + CALLS, '-o', str(self.folder / 'trace')]
        with relay.Relay(implicit=True, within=(f'AUTH {mechanism}',),
                         password=CANARY, refuses=refuses,
                         echoes=True) as server:
            via = server.via(f'ann;AUTH={mechanism}@')
            words = [campaign.THRUM, 'probe', via, '--json'] if \
                command == 'probe' else self.command('--json', '--via', via)
            status, out, errors = self.run_one(words, where, server, tool)
        self.assertEqual(status, 69 if refuses else 0, (out, errors))
        self.assertEqual([each for each, _ in server.logins[:1]], [mechanism])
        if tool:
            self.seen.append(('the calls', self.writes()))
        self.assert_unseen(server)


@needs_certificates
class Logins(Canary):
    def test_no_login_shows_it(self):
        for mechanism in PASSWORDS + TOKENS:
            for refuses in False, True:
                for command in COMMANDS:
                    with self.subTest(mechanism, refuses=refuses,
                                      command=command):
                        self.check(command, mechanism, 'environment', refuses)

    def test_wherever_it_comes_from_it_is_not_shown(self):
        for where in 'file', 'command':
            for mechanism in 'PLAIN', 'SCRAM-SHA-256':
                for refuses in False, True:
                    with self.subTest(where, mechanism=mechanism,
                                      refuses=refuses):
                        self.check('bulk', mechanism, where, refuses)

    @unittest.skipUnless(traces(), 'strace may not look into the command')
    def test_the_calls_are_looked_at(self):
        self.check('bulk', 'PLAIN', 'file', False)
        calls = self.writes()
        opened = re.search(rb'open\w*\([^"]*"[^"]*/secret"', calls)
        self.assertIsNotNone(opened, calls)
        before = calls[:opened.start()]
        self.assertIn(b'prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE)', before)
        self.assertRegex(calls, rb'send(to|msg)\(')


@needs_certificates
class Wrong(Canary):
    def test_what_can_be_no_password_is_not_shown_either(self):
        secret = self.write('secret', f'{CANARY}\n{CANARY}\n')
        secret.chmod(0o600)
        for options, env in (
                (('--password-file', str(secret)), environment()),
                (('--password-command', f'cat {secret}'), environment()),
                (('--password-command', f'cat {secret}; exit 1'),
                 environment()),
                ((), environment(CANARY + '\n' + CANARY)),
                (('--password', CANARY), environment()),
                ((f'--password={CANARY}',), environment()),
                ((f'--secret={CANARY}',), environment())):
            for words in (self.command('--via', 'smtps://ann@127.0.0.1:1'),
                          [campaign.THRUM, 'probe', 'smtps://ann@127.0.0.1:1']):
                done = subprocess.run([*words, *options], env=env,
                                      capture_output=True, check=False)
                self.assertIn(done.returncode, (64, 78), done.stderr)
                self.assertNotIn(CANARY.encode(), done.stdout + done.stderr)

    def test_a_url_with_a_password_is_not_shown(self):
        for via in (f'smtps://ann:{CANARY}@127.0.0.1',
                    f'smtp://ann:{CANARY}@', f'smtp://{CANARY}:x@[::1',
                    f'smtp://ann:{CANARY}@h:99999',
                    f'http://ann:{CANARY}@h/'):
            for words in (self.command('--via', via),
                          [campaign.THRUM, 'probe', via, '--json']):
                done = subprocess.run(words, env=environment(),
                                      capture_output=True, check=False)
                self.assertEqual(done.returncode, 78, done.stderr)
                self.assertNotIn(CANARY.encode(), done.stdout + done.stderr)


@needs_certificates
class Core(Canary):
    @staticmethod
    def may_dump():
        """Where a shell runs tests in the background it ignores SIGQUIT."""
        resource.setrlimit(resource.RLIMIT_CORE,
                           (resource.RLIM_INFINITY,) * 2)
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)

    def test_there_is_none(self):
        with relay.Relay(implicit=True, within=('AUTH PLAIN',),
                         password=CANARY) as server:
            process = subprocess.Popen(
                [*self.command('--via', server.via('ann@')), *TLS],
                env=environment(CANARY), cwd=self.folder,
                preexec_fn=self.may_dump,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # While it logs in it has the password.
            server.meanwhile = lambda: os.kill(process.pid, signal.SIGQUIT)
            _, status = os.waitpid(process.pid, 0)
            process.returncode = status
        self.assertEqual(os.WTERMSIG(status), signal.SIGQUIT)
        self.assertFalse(os.WCOREDUMP(status))
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()),
                         ['letter.txt', 'people.csv'])


if __name__ == '__main__':
    campaign.main()
