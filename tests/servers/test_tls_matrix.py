# SPDX-License-Identifier: MIT
"""Each line of tests/tls/matrix.txt: OpenSSL's s_server shows a certificate, a
client of ours looks for a host, and takes it or says why not."""
import os
import re
import shutil
import unittest

import harness
import tls_harness
import unit
from tls_harness import made

PRIORITY = {"-tls1_2": "NORMAL:-VERS-TLS1.3:%PROFILE_MEDIUM",
            "-tls1_3": "NORMAL:%PROFILE_MEDIUM"}


def matrix():
    """For each certificate the hosts, and what is said of them."""
    lines = {}
    with open(os.path.join(unit.top_srcdir, "tests/tls/matrix.txt"),
              encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#") and line.strip():
                name, host, words = map(str.strip, line.split("|"))
                lines.setdefault(name, []).append((host, words))
    return lines


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Matrix(tls_harness.TlsTest):
    def s_server(self, name, option):
        port = harness.free_port()
        server = self.server(
            port, "openssl", "s_server", "-accept", "127.0.0.1:%d" % port,
            "-cert", made(name), "-cert_chain", made(name), option, "-rev",
            "-cipher", "DEFAULT:@SECLEVEL=0")
        return server, port

    def check(self, port, option, host, words):
        peer = self.connect(port, host=host, priority=PRIORITY[option],
                            end="lose")
        ending = peer.ending()
        if words == "verified":
            self.assertEqual(peer.event("open")["verified"], 1)
            self.assert_ended_well(ending)
            return
        self.assertEqual(peer.events("open"), [])
        self.assert_refused(ending, words)
        self.assertEqual(ending["why"][-1]["domain"], "tls")

    def check_anyone(self, port, option, host, words):
        """Who trusts anyone goes on, and is told why it should not have."""
        peer = self.connect(port, host=host, anyone=1,
                            priority=PRIORITY[option], end="lose")
        facts = peer.event("open")
        self.assert_ended_well(peer.ending())
        self.assertEqual(facts["verified"], int(words == "verified"))
        if words != "verified":
            self.assertIn(words, facts["unverified"])

    def test_each_line_in_both_versions(self):
        tried = 0
        for name, hosts in matrix().items():
            for option in PRIORITY:
                server, port = self.s_server(name, option)
                for host, words in hosts:
                    with self.subTest(name=name, host=host, option=option):
                        self.check(port, option, host, words)
                        self.check_anyone(port, option, host, words)
                        tried += 1
                server.end()
        self.assertGreater(tried, 100)

    def test_the_peer_hears_that_it_was_refused(self):
        server, port = self.s_server("expired", "-tls1_3")
        peer = self.connect(port)
        self.assert_refused(peer.ending(), "has expired")
        self.assertTrue(server.hears(b"alert certificate expired"),
                        server.told())

    def test_by_default_the_system_is_trusted_and_not_our_own_ca(self):
        _, port = self.s_server("good", "-tls1_3")
        peer = self.connect(port, trust=None)
        self.assert_refused(peer.ending(),
                            "nobody trusted issued its certificate")

    def test_sni_is_the_name_that_is_verified(self):
        """T12, T11: none for an address in figures, an A-label for a U-label;
        a server that insists upon another name is heard."""
        port = harness.free_port()
        server = self.server(
            port, "openssl", "s_server", "-accept", "127.0.0.1:%d" % port,
            "-cert", made("good"), "-tlsextdebug", "-msg", "-debug", "-cert2",
            made("idn"), "-key2", made("idn"), "-servername",
            "xn--bcher-kva.test")
        peer = self.connect(port, host="b\u00fccher.test", end="lose")
        facts = peer.event("open")
        self.assertEqual(facts["peer"], "CN=thrum test idn")
        self.assert_ended_well(peer.ending())
        self.assertTrue(server.hears(b"xn--bcher-kva.test"))
        before = len(re.findall(rb'extension "server name"', server.out))
        peer = self.connect(port, host="127.0.0.1", anyone=1, end="lose")
        self.assert_ended_well(peer.ending())
        self.assertTrue(server.until(lambda: server.out.count(
            b"CIPHER is") == 2), server.told())
        self.assertEqual(len(re.findall(rb'extension "server name"',
                                        server.out)), before)


if __name__ == "__main__":
    tls_harness.main()
