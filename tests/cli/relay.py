# SPDX-License-Identifier: MIT
"""A server that asks for TLS and a login, and answers as a test needs it: it
takes everything, or it refuses, with all that it was told in its words."""
import base64
import hashlib
import hmac
import os
import re
import socket
import ssl
import threading
import unittest

import campaign

MADE = os.path.join(campaign.unit.top_builddir, 'tests', 'tls', 'made')


def certificate(name):
    return os.path.join(MADE, name + '.pem')


def are_made():
    """Whether there are certificates."""
    return os.path.exists(certificate('ca'))


LOGIN = ('AUTH PLAIN LOGIN',)
PATIENCE = 60  # seconds, after which it hangs
TLS = ('--ca-file', certificate('ca'))
needs_certificates = unittest.skipUnless(are_made(), 'certtool is not '
                                         'installed')


def environment(password=None, **more):
    env = {name: value for name, value in os.environ.items()
           if not name.startswith('THRUM_')}
    if password is not None:
        env['THRUM_SMTP_PASSWORD'] = password
    return dict(env, **more)


class Test(campaign.Test):
    def setUp(self):
        super().setUp()
        self.people(3)

    def secret(self, content, mode=0o600, name='secret'):
        path = self.write(name, content)
        path.chmod(mode)
        return str(path)

    def through(self, via, *options, password=None, **more):
        return self.bulk('--via', via, *options, timeout=PATIENCE,
                         env=environment(password), **more)

    def assert_all(self, done, state, status):
        self.assertEqual(done.status, status, done.errors)
        self.assertEqual(done.counts(), {state: 3}, done.errors)


def coded(data):
    return base64.b64encode(data)


class Lines:
    """A connection by its lines; none is read ahead of TLS."""

    def __init__(self, peer):
        self.peer = peer
        self.rest = b''
        self.answers = b''
        self.bodies = 0
        self.told = []  # by the login under way

    def read(self):
        while b'\n' not in self.rest:
            data = self.peer.recv(65536)
            if not data:
                raise EOFError
            self.rest += data
        line, _, self.rest = self.rest.partition(b'\n')
        return line.rstrip(b'\r')

    def read_bytes(self, count):
        while len(self.rest) < count:
            data = self.peer.recv(65536)
            if not data:
                raise EOFError
            self.rest += data
        data, self.rest = self.rest[:count], self.rest[count:]
        return data

    def secure(self, context):
        if self.rest:
            raise EOFError  # somebody said more than STARTTLS
        self.peer = context.wrap_socket(self.peer, server_side=True)

    def say(self, *lines):
        """One reply, of so many lines."""
        for line in lines[:-1]:
            self.answers += line[:3] + b'-' + line[4:] + b'\r\n'
        self.answers += lines[-1] + b'\r\n'

    def flush(self):
        self.peer.sendall(self.answers)
        self.answers = b''


class Relay:
    """Serves each connection in a thread of its own.

    `plain` and `within` are what it offers before and within TLS; `leaf` is its
    certificate; `implicit` begins with TLS. A login by any mechanism takes
    `user` and `password`; `refuses` takes none; `echoes` tells back all that it
    was told. `replies` replaces answers by how a command begins.
    With `holds` it answers to so many messages of BDAT at a time; `meanwhile`
    is called when a login awaits its last answer; the first connection `ends`
    when it has had so many messages, the last ones without an answer."""

    def __init__(self, plain=(), within=(), leaf='ip', **more):
        self.plain, self.within = plain, within
        self.implicit = more.pop('implicit', False)
        self.user = more.pop('user', 'ann').encode()
        self.password = more.pop('password', 'sesame').encode()
        self.refuses = more.pop('refuses', False)
        self.echoes = more.pop('echoes', False)
        self.replies = more.pop('replies', {})
        self.greeting = more.pop('greeting', (b'220 relay.test ESMTP',))
        self.holds = more.pop('holds', 1)
        self.meanwhile = more.pop('meanwhile', None)
        self.ends = more.pop('ends', None)
        if more:
            raise TypeError(more)
        self.context = None
        if leaf is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate(leaf))
        self.logins, self.messages, self.commands = [], 0, []
        self.told, self.lines = [], []
        self.lock = threading.Lock()
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def via(self, user='', scheme=None):
        scheme = scheme or ('smtps' if self.implicit else 'smtp')
        return f'{scheme}://{user}127.0.0.1:{self.port}'

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,),
                             daemon=True).start()

    def serve(self, peer):
        lines = Lines(peer)
        try:
            if self.implicit:
                lines.secure(self.context)
            lines.say(*self.greeting)
            lines.flush()
            while self.command(lines, lines.read()):
                pass
        except (OSError, EOFError):
            pass
        finally:
            lines.peer.close()

    def command(self, lines, line):
        """Answers one command. Returns whether more may come."""
        word = line[:4].upper()
        with self.lock:
            self.commands.append(word.decode('latin-1'))
            self.lines.append(line.decode('latin-1'))
        reply = [self.replies[begin] for begin in self.replies
                 if line.startswith(begin.encode())]
        if reply:
            lines.say(*reply[0])
        elif word == b'EHLO':
            secure = isinstance(lines.peer, ssl.SSLSocket)
            offers = self.within if secure else self.plain
            lines.say(b'250 relay.test',
                      *(b'250 ' + each.encode() for each in offers))
        elif word == b'STAR':
            lines.say(b'220 go on')
            lines.flush()
            lines.secure(self.context)
        elif word == b'AUTH':
            self.auth(lines, line)
        elif word == b'BDAT':
            self.bdat(lines, line.split())
        elif word == b'DATA':
            lines.say(b'354 go on')
            lines.flush()
            while lines.read() != b'.':
                pass
            with self.lock:
                self.messages += 1
            lines.say(b'250 2.0.0 taken')
        else:
            lines.say(b'221 bye' if word == b'QUIT' else b'250 ok')
        if not self.holding(lines, word):
            lines.flush()
        return word != b'QUIT'

    def bdat(self, lines, words):
        lines.read_bytes(int(words[1]))
        with self.lock:
            self.messages += 1
            if self.messages == self.ends:
                raise EOFError
        lines.bodies += 1
        lines.say(b'250 2.0.0 taken')

    def holding(self, lines, word):
        """Whether an answer waits for those to the messages behind it."""
        if word == b'BDAT':
            return lines.bodies % self.holds != 0
        return self.holds > 1 and word in (b'MAIL', b'RCPT', b'RSET')

    # ---- Logins ----

    def auth(self, lines, line):
        words = line.split(b' ')
        mechanism = words[1].decode().upper()
        lines.told = list(words[2:])
        initial = words[2] if len(words) > 2 else None
        how = re.sub(r'-SHA.*', '', mechanism).replace('-', '_').lower()
        good = getattr(self, 'auth_' + how)(lines, initial, mechanism)
        said = b' '.join(lines.told + [self.decoded(each)
                                       for each in lines.told])
        said = re.sub(rb'[\r\n\0\x01]', b'?', said)[:1500]
        good = good and not self.refuses
        said = b', I was told ' + said if self.echoes else b''
        if self.meanwhile is not None:
            self.meanwhile()
        with self.lock:
            self.logins.append((mechanism, bool(good)))
            self.told += lines.told
        lines.say((b'235 2.7.0 welcome' if good
                   else b'535 5.7.8 refused') + said)

    @staticmethod
    def decoded(word):
        try:
            return base64.b64decode(word)
        except ValueError:
            return b''

    def ask(self, lines, challenge):
        """The decoded answer to a challenge."""
        lines.say(b'334 ' + coded(challenge))
        lines.flush()
        line = lines.read()
        lines.told.append(line)
        return self.decoded(line)

    def first(self, lines, initial):
        return self.decoded(initial) if initial else self.ask(lines, b'')

    def auth_plain(self, lines, initial, _):
        _, user, password = self.first(lines, initial).split(b'\0')
        return (user, password) == (self.user, self.password)

    def auth_login(self, lines, initial, _):
        user = (self.decoded(initial) if initial
                else self.ask(lines, b'Username:'))
        password = self.ask(lines, b'Password:')
        return (user, password) == (self.user, self.password)

    def auth_cram_md5(self, lines, _, __):
        challenge = b'<1896.697170952@relay.test>'
        user, _, digest = self.ask(lines, challenge).partition(b' ')
        right = hmac.new(self.password, challenge, 'md5').hexdigest()
        return user == self.user and digest.decode() == right

    def auth_xoauth2(self, lines, initial, _):
        return self.bearer(lines, self.first(lines, initial))

    def auth_oauthbearer(self, lines, initial, _):
        return self.bearer(lines, self.first(lines, initial))

    def bearer(self, lines, said):
        good = b'auth=Bearer ' + self.password + b'\1' in said
        if not good or self.refuses:
            self.ask(lines, b'{"status":"401","schemes":"bearer"}')
        return good

    def auth_scram(self, lines, initial, mechanism):
        """RFC 5802, section 5; without channel binding."""
        name = mechanism[len('SCRAM-'):].replace('-', '').lower()
        first = self.first(lines, initial)
        bare = first.partition(b',')[2].partition(b',')[2]
        nonce = re.search(rb'r=([^,]*)', bare)[1] + b'relay'
        salt, rounds = b'0123456789abcdef', 4096
        challenge = b'r=%s,s=%s,i=%d' % (nonce, coded(salt), rounds)
        final = self.ask(lines, challenge)
        without, _, proof = final.rpartition(b',p=')
        salted = hashlib.pbkdf2_hmac(name, self.password, salt, rounds)
        key = hmac.digest(salted, b'Client Key', name)
        whole = b','.join((bare, challenge, without))
        signature = hmac.digest(hashlib.new(name, key).digest(), whole, name)
        right = bytes(a ^ b for a, b in zip(key, signature))
        if base64.b64decode(proof) != right or self.refuses:
            return False
        server = hmac.digest(salted, b'Server Key', name)
        self.ask(lines, b'v=' + coded(hmac.digest(server, whole, name)))
        return True
