# SPDX-License-Identifier: MIT
"""TLS by a program that stands in between, stunnel or haproxy: before a plain
server of ours, before a plain client of ours, and passing TLS on as it is."""
import os
import shutil
import unittest

import harness
import tls_harness
from tls_harness import LARGE, TRUNCATED, VERSIONS, made

os.environ["PATH"] += ":/usr/sbin:/sbin"

STUNNEL = """foreground = quiet
pid =
debug = notice
syslog = no
[front]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{to}
"""
STUNNEL_SERVER = "cert = {good}\n"
STUNNEL_CLIENT = ("client = yes\nverifyChain = yes\nCAfile = {ca}\n"
                  "checkHost = {name}\nsni = {name}\n")

HAPROXY = """global
    log stdout format raw local0
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    mode tcp
    timeout connect 30s
    timeout client 60s
    timeout server 60s
listen front
    bind 127.0.0.1:{port} {bind}
    server peer 127.0.0.1:{to} {server}
"""


class Fronts:
    """What both are tried with. `front` starts one that passes on to a port,
    with TLS towards its "client", its "server", or "neither"."""

    def talk(self, port, size=LARGE, **options):
        """A client of ours sends, and hears the echo of it."""
        path, data = self.payload(size)
        output = self.folder / "output"
        peer = self.connect(port, input=path, output=output, expect=size,
                            end="lose", **options)
        ending = peer.ending()
        self.assert_ended_well(ending)
        self.assert_same(output.read_bytes(), data)
        return peer

    def test_tls_in_front_of_a_plain_server(self):
        server = self.serve("tcp")
        port = self.front("client", server.port)
        for version, priority in VERSIONS.items():
            with self.subTest(version):
                peer = self.talk(port, priority=priority)
                facts = peer.event("open")
                self.assertEqual((facts["version"], facts["verified"]),
                                 (version, 1))

    def test_a_session_is_resumed_by_the_front(self):
        server = self.serve("tcp")
        port = self.front("client", server.port)
        for version, priority in VERSIONS.items():
            with self.subTest(version):
                path, _ = self.payload(20)
                peer = self.connect(port, priority=priority, times=3,
                                    input=path, expect=20, end="lose")
                for at in range(3):
                    self.assert_ended_well(peer.ending(at))
                self.assertEqual([each["resumed"] for each
                                  in peer.events("open")], [0, 1, 1])

    def test_a_front_is_verified_as_any_server(self):
        server = self.serve("tcp")
        port = self.front("client", server.port)
        peer = self.connect(port, host="other.test")
        self.assert_refused(peer.ending(), 'certificate is for "mail.test"')

    def test_tls_towards_a_server_of_ours(self):
        server = self.serve()
        port = self.front("server", server.port)
        self.talk(port, tls=None, host=None, trust=None)
        facts = server.event("open")
        self.assertIn(facts["version"], VERSIONS)

    def test_a_server_of_ours_that_is_somebody_else(self):
        server = self.serve()
        port = self.front("server", server.port, "other.test")
        peer = self.connect(port, tls=None, host=None, trust=None)
        ending = peer.ending()
        self.assertEqual(ending["received"], 0)
        self.assertTrue(server.until(lambda: server.events("log")),
                        server.told())
        self.assertEqual(server.events("open"), [])

    def test_a_front_that_is_killed_cuts_it_short(self):
        server = self.serve("tcp")
        port = self.front("client", server.port)
        peer = self.connect(port)
        peer.event("open")
        server.event("open")
        self.fronts[-1].process.kill()
        self.assert_refused(peer.ending(), "without ending it", TRUNCATED)


@unittest.skipUnless(shutil.which("stunnel4"), "stunnel4 is not installed")
class Stunnel(Fronts, tls_harness.TlsTest):
    def front(self, tls, to, name="mail.test"):
        port = harness.free_port()
        text = STUNNEL + (STUNNEL_SERVER if tls == "client"
                          else STUNNEL_CLIENT)
        path = self.folder / ("stunnel-%d.conf" % port)
        path.write_text(text.format(port=port, to=to, good=made("good"),
                                    ca=made("ca"), name=name))
        path.chmod(0o600)
        self.fronts = [self.server(port, "stunnel4", path)]
        return port


@unittest.skipUnless(shutil.which("haproxy"), "haproxy is not installed")
class Haproxy(Fronts, tls_harness.TlsTest):
    def front(self, tls, to, name="mail.test"):
        port = harness.free_port()
        how = {"client": ("ssl crt " + made("good"), ""),
               "server": ("", "ssl verify required ca-file %s sni str(%s) "
                          "verifyhost %s" % (made("ca"), name, name)),
               "neither": ("", "")}[tls]
        path = self.folder / ("haproxy-%d.cfg" % port)
        path.write_text(HAPROXY.format(port=port, to=to, bind=how[0],
                                       server=how[1]))
        self.fronts = [self.server(port, "haproxy", "-db", "-f", path)]
        return port

    def test_tls_passed_on_as_it_is(self):
        server = self.serve()
        peer = self.talk(self.front("neither", server.port))
        self.assertEqual(peer.event("open")["verified"], 1)

    def test_both_sides_of_it_speak_tls(self):
        server = self.serve()
        plain = self.front("server", server.port)
        peer = self.talk(self.front("client", plain))
        self.assertEqual(peer.event("open")["verified"], 1)
        self.assertEqual(server.event("open")["version"], "TLS1.3")


if __name__ == "__main__":
    tls_harness.main()
