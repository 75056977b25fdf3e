# SPDX-License-Identifier: MIT
"""TLS with OpenSSL at the other end: s_server and s_client, and the ssl module
of Python where an end is to be made in a way that those do not."""
import contextlib
import re
import shutil
import socket
import ssl
import struct
import threading
import unittest

import harness
import tls_harness
from tls_harness import LARGE, READ, TRUNCATED, VERSIONS, codes, made

OPTIONS = {"TLS1.2": "-tls1_2", "TLS1.3": "-tls1_3"}


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class OpensslTest(tls_harness.TlsTest):
    def s_server(self, *options, certificate="good"):
        port = harness.free_port()
        program = self.server(
            port, "stdbuf", "-oL", "openssl", "s_server", "-accept",
            "127.0.0.1:%d" % port, "-cert", made(certificate),
            "-cert_chain", made(certificate),
            "-naccept", 20, *options)
        program.port = port
        return program

    def s_client(self, port, *options):
        return self.program(
            "openssl", "s_client", "-connect", "127.0.0.1:%d" % port,
            "-servername", "mail.test", "-verify_hostname", "mail.test",
            "-verify_return_error", "-CAfile", made("ca"), *options)

    def in_both_versions(self, check):
        for version, option in OPTIONS.items():
            with self.subTest(version):
                check(version, option)


class Server(OpensslTest):
    """s_server, and a client of ours."""

    def test_what_was_agreed_upon_is_told(self):
        def check(version, option):
            server = self.s_server(option, "-rev")
            path, _ = self.payload(20)
            peer = self.connect(server.port, input=path, expect=20,
                                end="lose")
            facts = peer.event("open")
            self.assert_ended_well(peer.ending())
            self.assertEqual(facts["version"], version)
            self.assertEqual(facts["peer"], "CN=thrum test good")
            self.assertEqual(facts["issuer"], "CN=thrum test ca")
            self.assertEqual((facts["verified"], facts["resumed"]), (1, 0))
            self.assertIsNone(facts["alpn"])
        self.in_both_versions(check)

    def test_a_chain_with_a_middle(self):
        for certificate in "chain", "rsa", "many":
            with self.subTest(certificate):
                server = self.s_server("-rev", certificate=certificate)
                peer = self.connect(server.port, end="lose")
                self.assertEqual(peer.event("open")["verified"], 1)
                self.assert_ended_well(peer.ending())

    def test_alpn(self):
        def check(_, option):
            server = self.s_server(option, "-rev", "-alpn", "h2,smtp,http/1.1")
            peer = self.connect(server.port, alpn="xmpp,smtp,h2", end="lose")
            self.assertIn(peer.event("open")["alpn"], ("smtp", "h2"))
            self.assert_ended_well(peer.ending())
            peer = self.connect(server.port, end="lose")
            self.assertIsNone(peer.event("open")["alpn"])
            peer = self.connect(server.port, alpn="xmpp", end="lose")
            self.assert_refused(peer.ending(), "application protocol")
        self.in_both_versions(check)

    def test_a_client_certificate(self):
        def check(_, option):
            server = self.s_server(option, "-rev", "-Verify", 2, "-CAfile",
                                   made("ca"), "-verify_return_error")
            path, _ = self.payload(20)
            peer = self.connect(server.port, cert=made("client"), input=path,
                                expect=20, end="lose")
            self.assert_ended_well(peer.ending())
            for wrong in "client-unknown", "client-expired", None:
                cert = made(wrong) if wrong else None
                peer = self.connect(server.port, cert=cert, input=path,
                                    expect=20, end="lose")
                self.assert_refused(peer.ending(), "the peer says: ")
        self.in_both_versions(check)

    def test_a_session_is_resumed(self):
        def check(_, option):
            server = self.s_server(option, "-rev")
            path, _ = self.payload(20)
            for tickets, wanted in (None, [0, 1, 1]), (0, [0, 0, 0]):
                peer = self.connect(server.port, times=3, tickets=tickets,
                                    input=path, expect=20, end="lose")
                for at in range(3):
                    self.assert_ended_well(peer.ending(at))
                self.assertEqual([each["resumed"] for each
                                  in peer.events("open")], wanted)
        self.in_both_versions(check)

    def test_new_keys_in_mid_stream(self):
        for letter in b"K\n", b"k\n":
            with self.subTest(letter):
                server = self.s_server("-tls1_3")
                peer = self.connect(server.port, echo=1, expect=18,
                                    end="lose")
                peer.event("open")
                for at, line in enumerate((b"before\n", b"after\n")):
                    server.say(line)
                    self.assertTrue(server.hears(line), server.told())
                    server.say(letter)
                    self.assertTrue(server.until(lambda: server.out.count(
                        b"SSL_do_handshake -> 1") > at), server.told())
                server.say(b"last\n")
                closed = peer.ending()
                self.assert_ended_well(closed)
                self.assertEqual(closed["received"], 18)
                self.assertTrue(server.hears(b"last\n"), server.told())

    def test_much_both_ways(self):
        def check(_, option):
            server = self.s_server(option, "-quiet")
            path, data = self.payload(LARGE)
            output = self.folder / "output"
            peer = self.connect(server.port, input=path, output=output,
                                expect=LARGE, end="lose")
            server.say_beside(data)
            self.assert_ended_well(peer.ending())
            self.assert_same(output.read_bytes(), data)
            server.until(lambda: len(server.out) >= LARGE)
            self.assert_same(bytes(server.out), data)
        self.in_both_versions(check)

    def test_the_server_ends_it(self):
        """-rev does so, with a close_notify, when it reads this line."""
        def check(_, option):
            server = self.s_server(option, "-rev")
            path = self.folder / "close"
            path.write_bytes(b"CLOSE\n")
            peer = self.connect(server.port, input=path)
            peer.event("ended")
            self.assert_ended_well(peer.ending())
        self.in_both_versions(check)

    def test_the_client_ends_it(self):
        def check(_, option):
            server = self.s_server(option)
            peer = self.connect(server.port, end="lose")
            self.assert_ended_well(peer.ending())
            self.assertTrue(server.hears(b"DONE"), server.told())
            self.assertNotIn("unexpected eof", server.told())
        self.in_both_versions(check)

    def test_a_server_that_quits_or_is_killed_cuts_it_short(self):
        """"Q" closes the socket without a word."""
        def check(_, option):
            for how in "Q", "kill":
                server = self.s_server(option)
                path, data = self.payload(20)
                peer = self.connect(server.port, input=path)
                self.assertTrue(server.hears(data.strip()), server.told())
                if how == "Q":
                    server.say(b"Q\n")
                else:
                    server.process.kill()
                closed = peer.ending()
                self.assert_refused(closed, "without ending it", TRUNCATED)
                self.assertEqual(closed["sent"], 20)
        self.in_both_versions(check)


class Client(OpensslTest):
    """s_client, and a server of ours that echoes."""

    def test_both_versions(self):
        def check(version, option):
            peer = self.serve()
            client = self.s_client(peer.port, option, "-brief")
            client.say(b"hello\n")
            self.assertTrue(client.hears(b"hello\n"), client.told())
            self.assertEqual(peer.event("open")["version"], version)
            for words in b"Verification: OK", b"Verified peername: mail.test":
                self.assertTrue(client.hears(words), client.told())
            client.say(b"Q\n")
            self.assertEqual(client.wait(), 0)
            peer.event("ended")
            self.assert_ended_well(peer.ending())
        self.in_both_versions(check)

    def test_old_versions_are_refused(self):
        for option in "-tls1", "-tls1_1":
            peer = self.serve()
            client = self.s_client(peer.port, option, "-cipher",
                                   "ALL:@SECLEVEL=0")
            self.assertNotEqual(client.wait(), 0)
            self.assertIn("alert protocol version", client.told())
            self.assertIn("version", peer.event("log")["text"])

    def test_alpn(self):
        def check(_, option):
            peer = self.serve(alpn="smtp,h2")
            client = self.s_client(peer.port, option, "-alpn", "h2,smtp")
            self.assertEqual(peer.event("open")["alpn"], "smtp")
            self.assertTrue(client.hears(b"ALPN protocol: smtp"),
                            client.told())
            client = self.s_client(peer.port, option, "-alpn", "xmpp")
            self.assertNotEqual(client.wait(), 0)
            self.assertIn("no application protocol", client.told())
        self.in_both_versions(check)

    def test_a_client_certificate(self):
        def check(_, option):
            peer = self.serve(verify=1, trust=made("ca"))
            client = self.s_client(peer.port, option, "-cert", made("client"),
                                   "-quiet")
            client.say(b"hello\n")
            self.assertTrue(client.hears(b"hello\n"), client.told())
            facts = peer.event("open")
            self.assertEqual((facts["peer"], facts["verified"]),
                             ("CN=a client", 1))
            for wrong in "client-unknown", "client-expired", "good", None:
                shown = ["-cert", made(wrong)] if wrong else []
                client = self.s_client(peer.port, option, "-quiet", *shown)
                self.assertTrue(client.hears(b"alert"), (wrong, client.told()))
            self.assertEqual(len(peer.events("open")), 1)
        self.in_both_versions(check)

    def test_a_session_is_resumed(self):
        def check(_, option):
            for tickets, said in (({}, b"Reused, TLS"),
                                  ({"tickets": 0}, b"New, TLS")):
                peer = self.serve(**tickets)
                session = self.folder / ("session%s%d" % (option,
                                                          len(tickets)))
                client = self.s_client(peer.port, option, "-sess_out",
                                       session)
                client.say(b"hello\n")
                self.assertTrue(client.hears(b"\nhello\n"), client.told())
                client.say(b"Q\n")
                client.wait()
                if not session.exists():
                    self.assertEqual(tickets, {"tickets": 0})
                    continue
                client = self.s_client(peer.port, option, "-sess_in", session)
                client.say(b"again\n")
                self.assertTrue(client.hears(b"\nagain\n"), client.told())
                self.assertIn(said, bytes(client.out))
                self.assertEqual(peer.event("open", 1)["resumed"],
                                 0 if tickets else 1)
        self.in_both_versions(check)

    def test_new_keys_in_mid_stream(self):
        """GnuTLS bears eight a second."""
        peer = self.serve()
        client = self.s_client(peer.port, "-tls1_3", "-brief")
        for at in range(6):
            line = b"line %d\n" % at
            client.say(line)
            self.assertTrue(client.hears(line), client.told())
            client.say(b"K\n" if at % 2 else b"k\n")
            self.assertTrue(client.until(
                lambda: client.err.count(b"KEYUPDATE") > at), client.told())
        client.say(b"Q\n")
        self.assertEqual(client.wait(), 0)
        self.assert_ended_well(peer.ending())

    def test_another_handshake_is_refused_and_the_stream_goes_on(self):
        """TLS 1.2; s_client takes the refusal for the end."""
        peer = self.serve()
        client = self.s_client(peer.port, "-tls1_2", "-brief")
        client.say(b"hello\n")
        self.assertTrue(client.hears(b"hello\n"), client.told())
        client.say(b"R\n")
        client.wait()
        self.assertIn("no renegotiation", client.told())
        peer.ending()
        client = self.s_client(peer.port, "-tls1_2", "-brief")
        client.say(b"hello\n")
        self.assertTrue(client.hears(b"hello\n"), client.told())

    def test_much_both_ways(self):
        def check(_, option):
            peer = self.serve()
            client = self.s_client(peer.port, option, "-quiet")
            _, data = self.payload(LARGE)
            client.say_beside(data)
            client.until(lambda: len(client.out) >= LARGE)
            self.assert_same(bytes(client.out), data)
            client.process.kill()
            closed = peer.ending()
            self.assertEqual(closed["received"], LARGE)
            self.assert_refused(closed, "without ending it", TRUNCATED)
        self.in_both_versions(check)


class Ends(OpensslTest):
    """An end made in every way, by Python's ssl."""

    def context(self, version, side):
        context = ssl.SSLContext(side)
        context.minimum_version = context.maximum_version = {
            "TLS1.2": ssl.TLSVersion.TLSv1_2,
            "TLS1.3": ssl.TLSVersion.TLSv1_3}[version]
        if side == ssl.PROTOCOL_TLS_SERVER:
            context.load_cert_chain(made("good"))
        else:
            context.load_verify_locations(made("ca"))
        return context

    @contextlib.contextmanager
    def one_server(self, version, serve):
        """A server that serves one peer, in a thread; its port."""
        context = self.context(version, ssl.PROTOCOL_TLS_SERVER)
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(harness.PATIENCE)
        went = []

        def run():
            plain, _ = listener.accept()
            plain.settimeout(harness.PATIENCE)
            # What is written has left before a reset could drop it.
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(plain, server_side=True,
                                     suppress_ragged_eofs=False) as stream:
                try:
                    went.append(serve(stream))
                except OSError as why:
                    went.append(why)
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield listener.getsockname()[1], went
        finally:
            thread.join()
            listener.close()

    def call(self, version, port):
        plain = socket.create_connection(("127.0.0.1", port),
                                         harness.PATIENCE)
        context = self.context(version, ssl.PROTOCOL_TLS_CLIENT)
        stream = context.wrap_socket(plain, server_hostname="mail.test",
                                     suppress_ragged_eofs=False)
        self.addCleanup(stream.close)
        return stream

    @staticmethod
    def read_all(stream):
        data = bytearray()
        while more := stream.recv(1 << 16):
            data += more
        return bytes(data)

    def in_both(self, check):
        for version in VERSIONS:
            with self.subTest(version):
                check(version)

    def test_half_close_by_the_client(self):
        """It ends its half; the server answers at length after that. (In TLS
        1.2 OpenSSL ends both halves.)"""
        size = 1 << 20
        path, data = self.payload(size)
        output = self.folder / "output"

        def serve(stream):
            got = self.read_all(stream)
            stream.sendall(got[::-1])
            stream.unwrap()
            return got

        with self.one_server("TLS1.3", serve) as (port, went):
            peer = self.connect(port, input=path, output=output, end="half")
            peer.event("ended")
            self.assert_ended_well(peer.ending())
        self.assert_same(went[0], data)
        self.assert_same(output.read_bytes(), data[::-1])

    def test_half_close_by_the_server(self):
        """A server of ours ends its half, and is sent more after that."""
        size = 1 << 20
        path, data = self.payload(size)
        output = self.folder / "output"
        peer = self.serve(input=path, output=output, end="half")
        stream = self.call("TLS1.3", peer.port)
        self.assert_same(self.read_all(stream), data)
        stream.sendall(data[::-1])
        stream.unwrap()
        peer.event("ended")
        self.assert_ended_well(peer.ending())
        self.assert_same(output.read_bytes(), data[::-1])

    def test_each_side_ends_it_well(self):
        def check(version):
            with self.one_server(version, self.read_all) as (port, went):
                path, data = self.payload(5000)
                peer = self.connect(port, input=path, end="lose")
                self.assert_ended_well(peer.ending())
            self.assertEqual(went, [data])
            with self.one_server(version, lambda it: it.unwrap()) as (port, _):
                peer = self.connect(port)
                peer.event("ended")
                self.assert_ended_well(peer.ending())
        self.in_both(check)

    def test_a_line_cut_short_is_never_taken_for_an_end(self):
        """By a FIN; by a reset; whether or not bytes came before."""
        at_once = struct.pack("ii", 1, 0)

        def check(version, before, reset):
            def serve(stream):
                stream.sendall(before)
                stream.recv(5)
                if reset:
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                      at_once)
            path = self.folder / "hello"
            path.write_bytes(b"hello")
            with self.one_server(version, serve) as (port, _):
                peer = self.connect(port, input=path)
                closed = peer.ending()
            self.assertEqual(closed["received"], len(before))
            self.assertEqual(codes(closed)[0], READ if reset else TRUNCATED)
            self.assertEqual(peer.events("ended"), [])
        for version in VERSIONS:
            for before in b"", b"bytes":
                for reset in False, True:
                    with self.subTest((version, before, reset)):
                        check(version, before, reset)

    def test_a_client_cut_short_is_told_to_the_server(self):
        def check(version):
            peer = self.serve()
            stream = self.call(version, peer.port)
            stream.sendall(b"hello")
            self.assertEqual(stream.recv(5), b"hello")
            stream.close()
            self.assert_refused(peer.ending(), "without ending it", TRUNCATED)
        self.in_both(check)

    def test_plain_bytes_behind_the_end(self):
        """Nobody's: hazard T15."""
        def check(version):
            def serve(stream):
                plain = stream.unwrap()
                plain.sendall(b"250 injected\r\n")
                plain.close()
            with self.one_server(version, serve) as (port, _):
                peer = self.connect(port)
                closed = peer.ending()
            self.assertEqual(closed["received"], 0)
            return closed
        self.in_both(check)

    def test_an_abort_is_not_an_end_to_the_peer(self):
        def check(version):
            with self.one_server(version, self.read_all) as (port, went):
                path, _ = self.payload(5)
                peer = self.connect(port, input=path, end="abort")
                self.assertEqual(codes(peer.ending()), [-208])
            self.assertIsInstance(went[0], OSError)
        self.in_both(check)


class Words(tls_harness.TlsTest):
    def test_no_line_of_the_log_holds_what_was_sent(self):
        """Neither bytes nor keys: a peer that hangs up at each place."""
        peer = self.serve()
        for size in range(1, 40):
            with socket.create_connection(("127.0.0.1", peer.port)) as plain:
                plain.sendall((b"\x16\x03\x01" + b"secret" * 20)[:size])
            text = peer.event("log", size - 1)["text"]
            self.assertNotIn("secret", text)
            self.assertRegex(text, re.compile(r"\A[ -~]+\Z"))


if __name__ == "__main__":
    tls_harness.main()
