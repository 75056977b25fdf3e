# SPDX-License-Identifier: MIT
"""What is wrong with a peer, with the way to it, or with what a program gives
us: a failure that names the stage, the peer and the reason."""
import os
import shutil
import socket
import unittest

import harness
import tls_harness
from tls_harness import CONNECT, TIMEOUT, TLS, made

OLD = {"-tls1": "TLS 1.0", "-tls1_1": "TLS 1.1"}
# What RFC 9325 rules out, as far as OpenSSL still serves it.
WEAK = ("NULL-SHA256", "AECDH-AES128-SHA", "ADH-AES128-SHA256",
        "PSK-AES128-CBC-SHA", "ECDHE-ECDSA-NULL-SHA")
# Servers that speak something else.
PLAIN = {
    "a greeting of SMTP": b"220 mail.test ESMTP\r\n",
    "HTTP": b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    "SSH": b"SSH-2.0-OpenSSH_9.2\r\n",
    "zeroes": b"\0" * 100,
    "a line without an end": b"2" * 100000,
    "an alert in the clear": b"\x15\x03\x01\x00\x02\x02\x28",
    "a record that is too long": b"\x16\x03\x03\xff\xff" + b"x" * 70000,
    "an echo of what it is told": None,
}


class Stubborn:
    """Listens, says one thing, and then does nothing, or closes."""

    def __init__(self, says, close=False):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.says, self.close, self.peers = says, close, []

    def serve(self, answers=False):
        """Says it first, or when it was spoken to."""
        plain, _ = self.listener.accept()
        self.peers.append(plain)
        heard = plain.recv(4096) if answers or self.says is None else b""
        plain.sendall(heard if self.says is None else self.says)
        if self.close:
            plain.shutdown(socket.SHUT_WR)

    def end(self):
        for each in [self.listener, *self.peers]:
            each.close()


class Way(tls_harness.TlsTest):
    def stubborn(self, *how):
        server = Stubborn(*how)
        self.addCleanup(server.end)
        return server

    def test_a_peer_that_speaks_something_else(self):
        for name, says in PLAIN.items():
            for close, answers in (False, False), (True, False), (False, True):
                with self.subTest(name=name, close=close, answers=answers):
                    server = self.stubborn(says, close)
                    peer = self.connect(server.port)
                    server.serve(answers)
                    ending = peer.ending()
                    self.assertEqual(ending["event"], "failed")
                    self.assert_refused(ending, "no TLS")

    def test_a_client_that_speaks_something_else(self):
        peer = self.serve()
        for at, said in enumerate((b"EHLO client.test\r\n", b"GET / HTTP/1.1"
                                   b"\r\nHost: mail.test\r\n\r\n",
                                   b"\0" * 100, b"\x15\x03\x01\x00\x02\x02\x28",
                                   b"\x16\x03\x03\xff\xff" + b"x" * 70000)):
            with self.subTest(said[:20]), socket.create_connection(
                    ("127.0.0.1", peer.port)) as plain:
                plain.sendall(said)
                log = peer.event("log", at)
                self.assertIn("no TLS", log["text"])
                self.assertNotIn("mail.test", log["text"])
        self.assertEqual(peer.events("open"), [])

    def test_a_peer_that_closes_at_once(self):
        server = self.stubborn(b"", True)
        peer = self.connect(server.port)
        server.serve()
        self.assert_refused(peer.ending(), "the peer closed the connection")

    def test_a_peer_that_never_answers_is_left_in_time(self):
        """In the handshake, both ways to begin it, both sides; the one limit
        is a second, and the time that it takes is not looked at."""
        server = self.stubborn(b"")
        peer = self.connect(server.port, within=1)
        self.assert_refused(peer.ending(), "in the handshake", TIMEOUT)
        peer = self.peer("connect", "tls:127.0.0.1:%d" % server.port,
                         {"within": 1})
        self.assert_refused(peer.ending(), "handshake", TIMEOUT)
        peer = self.serve(within=1)
        with socket.create_connection(("127.0.0.1", peer.port)):
            log = peer.event("log")
        self.assertIn("the time is over in the handshake", log["text"])

    def test_a_peer_that_answers_by_drops_is_left_in_time_too(self):
        server = self.stubborn(b"\x16\x03\x03\x00\x7a")
        peer = self.connect(server.port, within=1)
        server.serve(answers=True)
        self.assert_refused(peer.ending(), "in the handshake", TIMEOUT)

    def test_nobody_is_there(self):
        peer = self.peer("connect", "tls:127.0.0.1:%d" % harness.free_port(),
                         {})
        self.assert_refused(peer.ending(), "Connection refused", CONNECT)


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Weak(tls_harness.TlsTest):
    def s_server(self, *options):
        port = harness.free_port()
        server = self.server(
            port, "openssl", "s_server", "-accept", "127.0.0.1:%d" % port,
            "-cert", made("good"), *options)
        return server, port

    def test_old_versions_are_refused(self):
        for option, name in OLD.items():
            with self.subTest(name):
                _, port = self.s_server(option, "-cipher",
                                        "DEFAULT:@SECLEVEL=0")
                self.assert_refused(self.connect(port).ending(), "no TLS")

    def test_an_old_version_is_really_what_was_offered(self):
        """Else the test above would refuse anything."""
        _, port = self.s_server("-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0",
                                "-rev")
        program = self.program("gnutls-cli", "--x509cafile", made("ca"),
                               "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.1",
                               "--verify-hostname", "mail.test", "-p", port,
                               "127.0.0.1")
        self.assertTrue(program.hears(b"(TLS1.1-"), program.told())

    def test_weak_ciphers_are_refused(self):
        served = 0
        for cipher in WEAK:
            with self.subTest(cipher):
                _, port = self.s_server("-tls1_2", "-psk", "00112233",
                                        "-cipher", cipher + ":@SECLEVEL=0")
                self.assert_refused(self.connect(port).ending(), "no TLS")
                served += 1
        self.assertEqual(served, len(WEAK))


class Files(tls_harness.TlsTest):
    """What a program names and we cannot use; the file is named."""

    def check(self, named, *said, **options):
        peer = self.connect(1, **options)
        ending = peer.ending()
        self.assertEqual(ending["event"], "failed")
        first = ending["why"][0]
        self.assertEqual((first["domain"], first["code"]), ("reactor", TLS))
        if named is not None:
            self.assertIn(str(named), first["text"])
        for each in said:
            self.assertIn(each, tls_harness.words(ending))
        self.assertNotIn("PRIVATE", tls_harness.words(ending))

    def write(self, name, *parts):
        path = self.folder / name
        path.write_text("".join(parts), encoding="ascii")
        return path

    def test_files_that_are_not_there(self):
        gone = self.folder / "gone.pem"
        for option in "trust", "cert":
            with self.subTest(option):
                self.check(gone, "No such file", **{option: gone})
        self.check(gone, "No such file", cert=made("client"), key=gone)
        self.check(self.folder, "directory", trust=self.folder)

    @unittest.skipIf(os.getuid() == 0 and shutil.which("setpriv") is None,
                     "root may read every file")
    def test_a_file_that_may_not_be_read(self):
        """What root may read all the same is no test, so a user runs it."""
        path = self.write("secret.pem", "nothing")
        path.chmod(0)
        self.folder.chmod(0o755)
        command = ["setpriv", "--reuid=65534", "--regid=65534",
                   "--clear-groups"] if os.getuid() == 0 else []
        program = self.program(*command, tls_harness.TLS_PEER, "connect",
                               "tcp:127.0.0.1:1", "tls=1", "cert=%s" % path)
        self.assertTrue(program.hears(b"Permission denied"), program.told())
        self.assertIn(str(path), program.told())

    def test_files_that_are_something_else(self):
        text = self.write("text.pem", "no certificate\n")
        empty = self.write("empty.pem")
        for path in text, empty:
            for option in "trust", "cert":
                with self.subTest(path=path.name, option=option):
                    self.check(path, **{option: path})
        with open(made("client"), encoding="ascii") as file:
            whole = file.read()
        half = self.write("half.pem", whole[:300])
        self.check(half, cert=half)

    def test_a_key_that_is_missing_or_anothers(self):
        with open(made("client"), encoding="ascii") as file:
            whole = file.read()
        at = whole.index("-----END CERTIFICATE-----\n") + 26
        leaf = self.write("leaf.pem", whole[:at])
        self.check(leaf, cert=leaf)
        self.check(None, cert=leaf, key=made("rsa"))

    def test_a_priority_that_is_none(self):
        self.check(None, "NONSENSE", priority="NONSENSE")
        self.check(None, priority="NORMAL:+VERS-TLS1.4")


if __name__ == "__main__":
    tls_harness.main()
