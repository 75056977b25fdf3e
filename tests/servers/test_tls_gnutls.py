# SPDX-License-Identifier: MIT
"""TLS with GnuTLS's own programs at the other end: gnutls-cli and gnutls-serv.
The latter cannot be told to listen on loopback alone, so it gets a network of
its own."""
import shutil
import subprocess
import unittest

import harness
import tls_harness
from tls_harness import LARGE, TRUNCATED, VERSIONS, made

NETWORK = ["unshare", "--map-root-user", "--net", "sh", "-c",
           "ip link set lo up && echo ready && exec cat"]


def network_can_be_made():
    try:
        done = subprocess.run(NETWORK, stdin=subprocess.DEVNULL,
                              capture_output=True, check=False)
        return done.stdout == b"ready\n"
    except FileNotFoundError:
        return False


class Both(tls_harness.TlsTest):
    def in_both_versions(self, check):
        for version, priority in VERSIONS.items():
            with self.subTest(version):
                check(version, priority)


@unittest.skipUnless(shutil.which("gnutls-cli"), "gnutls-bin is not installed")
class Client(Both):
    """gnutls-cli, and a server of ours that echoes."""

    def cli(self, port, *options):
        return self.program(
            "gnutls-cli", "--x509cafile", made("ca"), "--verify-hostname",
            "mail.test", "--sni-hostname", "mail.test", "-p", port,
            *options, "127.0.0.1")

    def end_input(self, client):
        """It then ends TLS on both sides."""
        client.process.stdin.close()
        self.assertEqual(client.wait(), 0, client.told())

    def test_both_versions(self):
        def check(version, priority):
            peer = self.serve()
            client = self.cli(peer.port, "--priority", priority)
            client.say(b"hello\n")
            self.assertTrue(client.hears(b"\nhello\n"), client.told())
            self.assertIn("certificate is trusted", client.told())
            self.assertEqual(peer.event("open")["version"], version)
            self.end_input(client)
            peer.event("ended")
            self.assert_ended_well(peer.ending())
        self.in_both_versions(check)

    def test_alpn(self):
        def check(_, priority):
            peer = self.serve(alpn="smtp,h2")
            client = self.cli(peer.port, "--priority", priority,
                              "--alpn", "h2")
            self.assertEqual(peer.event("open")["alpn"], "h2")
            self.assertTrue(client.hears(b"Application protocol: h2"),
                            client.told())
        self.in_both_versions(check)

    def test_a_client_certificate(self):
        def check(_, priority):
            peer = self.serve(verify=1, trust=made("ca"))
            client = self.cli(
                peer.port, "--priority", priority, "--x509certfile",
                made("client"), "--x509keyfile", made("client"))
            client.say(b"hello\n")
            self.assertTrue(client.hears(b"\nhello\n"), client.told())
            self.assertEqual(peer.event("open")["peer"], "CN=a client")
            client = self.cli(peer.port, "--priority", priority)
            self.assertIn("ertificate", peer.event("log")["text"])
            self.assertTrue(client.hears(b"alert"), client.told())
        self.in_both_versions(check)

    def test_a_session_is_resumed(self):
        def check(_, priority):
            peer = self.serve()
            client = self.cli(peer.port, "--priority", priority, "--resume",
                              "--waitresumption")
            client.say(b"hello\n")
            self.assertTrue(client.hears(b"\nhello\n"), client.told())
            self.assertIn("This is a resumed session", client.told())
            self.assertEqual([each["resumed"] for each
                              in peer.events("open")], [0, 1])
        self.in_both_versions(check)

    def test_new_keys_in_mid_stream(self):
        peer = self.serve()
        client = self.cli(peer.port, "--inline-commands", "--priority",
                          VERSIONS["TLS1.3"])
        for at, command in enumerate((b"^rekey^\n", b"^rekey1^\n") * 3):
            line = b"line %d\n" % at
            client.say(line)
            self.assertTrue(client.hears(line), client.told())
            client.say(command)
        client.say(b"last\n")
        self.assertTrue(client.hears(b"\nlast\n"), client.told())
        self.end_input(client)
        self.assert_ended_well(peer.ending())

    def test_much_both_ways(self):
        def check(_, priority):
            peer = self.serve()
            client = self.cli(peer.port, "--priority", priority, "--logfile",
                              self.folder / "log")
            _, data = self.payload(LARGE)
            client.say_beside(data)
            client.until(lambda: len(client.out) >= LARGE)
            self.assert_same(bytes(client.out), data)
            client.process.kill()
            self.assert_refused(peer.ending(), "without ending it", TRUNCATED)
        self.in_both_versions(check)


@unittest.skipUnless(shutil.which("gnutls-serv"),
                     "gnutls-bin is not installed")
@unittest.skipUnless(shutil.which("ip"), "iproute2 is not installed")
@unittest.skipUnless(network_can_be_made(),
                     "no network of its own can be made here")
class Server(Both):
    """gnutls-serv, and a client of ours."""

    def setUp(self):
        super().setUp()
        network = self.program(*NETWORK)
        self.assertTrue(network.hears(b"ready\n"), network.told())
        self.network = network.process.pid

    def program(self, *command, **how):
        if hasattr(self, "network"):
            command = ("nsenter", "--target", self.network, "--user", "--net",
                       "--preserve-credentials", *command)
        return super().program(*command, **how)

    def serv(self, *options):
        port = 7443
        program = self.server(
            port, "gnutls-serv", "--echo", "--port", port, "--x509certfile",
            made("good"), "--x509keyfile", made("good"), "--x509cafile",
            made("ca"), *options, table="/proc/%d/net" % self.network)
        program.port = port
        self.addCleanup(program.end)
        return program

    def peer(self, verb, endpoint, options):
        command = tls_harness.peer_command(verb, endpoint, options)
        peer = tls_harness.Peer(
            ["nsenter", "--target", str(self.network), "--user", "--net",
             "--preserve-credentials", *command])
        self.addCleanup(peer.end)
        return peer

    def test_both_versions(self):
        def check(version, priority):
            server = self.serv("--priority", priority, "-a")
            path, data = self.payload(100)
            output = self.folder / "output"
            peer = self.connect(server.port, input=path, output=output,
                                expect=100, end="lose")
            self.assert_ended_well(peer.ending())
            self.assertEqual(peer.event("open")["version"], version)
            self.assertEqual(output.read_bytes(), data)
            server.end()
        self.in_both_versions(check)

    def test_alpn(self):
        server = self.serv("-a", "--alpn", "smtp", "--alpn-fatal")
        peer = self.connect(server.port, alpn="h2,smtp", end="lose")
        self.assertEqual(peer.event("open")["alpn"], "smtp")
        peer = self.connect(server.port, alpn="h2")
        self.assert_refused(peer.ending(), "no TLS")

    def test_a_client_certificate(self):
        def check(_, priority):
            server = self.serv("--priority", priority, "--require-client-cert",
                               "--verify-client-cert")
            path, _ = self.payload(100)
            peer = self.connect(server.port, cert=made("client"), input=path,
                                expect=100, end="lose")
            self.assert_ended_well(peer.ending())
            peer = self.connect(server.port, input=path, expect=100,
                                end="lose")
            self.assert_refused(peer.ending(), "the peer says: ")
            server.end()
        self.in_both_versions(check)

    def test_a_session_is_resumed(self):
        def check(_, priority):
            server = self.serv("--priority", priority, "-a")
            path, _ = self.payload(100)
            peer = self.connect(server.port, times=3, input=path, expect=100,
                                end="lose")
            for at in range(3):
                self.assert_ended_well(peer.ending(at))
            self.assertEqual([each["resumed"] for each in peer.events("open")],
                             [0, 1, 1])
            server.end()
        self.in_both_versions(check)

    def test_much_both_ways(self):
        def check(_, priority):
            server = self.serv("--priority", priority, "-a", "--quiet")
            path, data = self.payload(LARGE)
            output = self.folder / "output"
            peer = self.connect(server.port, input=path, output=output,
                                expect=LARGE, end="lose")
            self.assert_ended_well(peer.ending())
            self.assert_same(output.read_bytes(), data)
            server.end()
        self.in_both_versions(check)

    def test_a_server_that_is_killed_cuts_it_short(self):
        """Nothing is sent, and the handshake is over on both sides: what a
        server has not read when it is killed makes a reset of the end."""
        def check(_, priority):
            server = self.serv("--priority", priority, "-a")
            peer = self.connect(server.port, expect=1)
            peer.event("open")
            self.assertTrue(server.hears(b"Description: "), server.told())
            server.end()
            self.assert_refused(peer.ending(), "without ending it", TRUNCATED)
        self.in_both_versions(check)


if __name__ == "__main__":
    tls_harness.main()
