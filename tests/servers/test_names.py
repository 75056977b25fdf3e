# SPDX-License-Identifier: MIT
"""Names as resolvers that others wrote answer for them: unbound, which follows
a zone of its own, and dnsmasq."""
import collections
import os
import shutil
import socket
import subprocess
import unittest

import harness
import unit

os.environ["PATH"] += ":/usr/sbin:/sbin"
LOOK_UP = os.path.join(unit.top_builddir, "tests/servers/look_up")
RESOLVE, TIMEOUT, NO_RECORDS, NOT_OFFERED = -201, -203, -212, -216
LONG = ["%03d" % each * 80 for each in range(12)]  # 12 strings of 240 octets

ZONE = """
$ORIGIN t.example.
$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A 127.0.0.1
one 77 IN A 127.0.0.1
two IN A 127.0.0.1
two IN AAAA ::1
empty IN HINFO a b
alias 20 IN CNAME one
ring IN CNAME rang
rang IN CNAME ring
dangling IN CNAME nowhere
mx IN MX 20 b
mx IN MX 10 a
mx IN MX 30 c
null IN MX 0 .
text IN TXT "v=spf1 " "-all"
long IN TXT %s
_it._tcp IN SRV 10 60 5222 big
_it._tcp IN SRV 10 0 5221 small
_it._tcp IN SRV 20 0 5223 spare
_off._tcp IN SRV 0 0 0 .
xn--bcher-kva IN A 127.0.0.7
%s
""" % (" ".join('"%s"' % each for each in LONG),
       "\n".join("many IN MX %d mx%02d" % (each * 7 % 40, each * 7 % 40)
                 for each in range(40)))

UNBOUND = """
server:
    directory: "%(folder)s"
    username: ""
    chroot: ""
    pidfile: ""
    logfile: ""
    use-syslog: no
    interface: 127.0.0.1@%(port)d
    port: %(port)d
    do-daemonize: no
    do-not-query-localhost: no
    do-not-query-address: 192.0.2.1
    module-config: "iterator"
    outgoing-range: 64
    num-threads: 1
    max-udp-size: 512
remote-control:
    control-enable: no
auth-zone:
    name: "t.example."
    zonefile: "%(folder)s/zone"
    for-downstream: no
    for-upstream: yes
forward-zone:
    name: "closed.example."
    forward-addr: 192.0.2.1
forward-zone:
    name: "silent.example."
    forward-addr: 127.0.0.1@%(silent)d
"""

Found = collections.namedtuple("Found", "records ttl")
Failed = collections.namedtuple("Failed", "code beneath text")


class Resolver(harness.ServerTest):
    """Each is asked on 127.0.0.1, at a port of its own."""

    def setUp(self):
        super().setUp()
        self.port = harness.free_port()

    def look_up(self, kind, name, within=20000):
        told = subprocess.run(
            [LOOK_UP, "127.0.0.1:%d" % self.port, kind, name, str(within)],
            capture_output=True, text=True, timeout=harness.PATIENCE,
            check=True)
        lines = told.stdout.splitlines()
        self.assertTrue(lines, told.stderr)
        if lines[-1].startswith("ttl "):
            return Found(lines[:-1], int(lines[-1][4:]))
        code, beneath, text = lines[-1].split(" ", 2)
        return Failed(int(code), int(beneath), text)

    def found(self, kind, name, *records):
        found = self.look_up(kind, name)
        self.assertIsInstance(found, Found, found)
        self.assertEqual(found.records, list(records))
        return found

    def failed(self, kind, name, code, beneath=0, **how):
        failed = self.look_up(kind, name, **how)
        self.assertIsInstance(failed, Failed, failed)
        self.assertEqual((failed.code, failed.beneath), (code, beneath),
                         failed.text)
        self.assertIn(name, failed.text)
        return failed


@unittest.skipUnless(shutil.which("unbound"), "unbound is not installed")
class Unbound(Resolver):
    def setUp(self):
        super().setUp()
        self.silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.silent.close)
        self.silent.bind(("127.0.0.1", 0))
        (self.folder / "zone").write_text(ZONE)
        (self.folder / "unbound.conf").write_text(UNBOUND % {
            "folder": self.folder, "port": self.port,
            "silent": self.silent.getsockname()[1]})
        self.start(["unbound", "-d", "-c", self.folder / "unbound.conf"],
                   self.port)

    def test_addresses(self):
        found = self.found("address", "one.t.example", "127.0.0.1")
        self.assertTrue(75 <= found.ttl <= 77, found)
        self.found("address", "two.t.example", "::1", "127.0.0.1")
        self.found("address", "bücher.t.example", "127.0.0.7")
        found = self.found("address", "alias.t.example", "127.0.0.1")
        self.assertTrue(18 <= found.ttl <= 20, found)

    def test_mail_hosts(self):
        self.found("MX", "mx.t.example", "10 a.t.example", "20 b.t.example",
                   "30 c.t.example")
        self.failed("MX", "null.t.example", NO_RECORDS, NOT_OFFERED)

    def test_forty_mail_hosts_come_over_tcp(self):
        self.found("MX", "many.t.example",
                   *["%d mx%02d.t.example" % (each, each)
                     for each in range(40)])

    def test_texts(self):
        self.found("TXT", "text.t.example", "v=spf1 -all")
        self.found("TXT", "long.t.example", "".join(LONG))

    def test_services(self):
        found = self.look_up("SRV", "_it._tcp.t.example")
        self.assertEqual(set(found.records[:2]),
                         {"10 60 5222 big.t.example",
                          "10 0 5221 small.t.example"})
        self.assertEqual(found.records[2:], ["20 0 5223 spare.t.example"])
        self.failed("SRV", "_off._tcp.t.example", NO_RECORDS, NOT_OFFERED)

    def test_no_such_name_and_nothing_of_the_kind(self):
        failed = self.failed("address", "none.t.example", NO_RECORDS)
        self.assertIn("there is no such name", failed.text)
        failed = self.failed("MX", "one.t.example", NO_RECORDS)
        self.assertIn("no records of this type", failed.text)
        self.failed("address", "empty.t.example", NO_RECORDS)
        self.failed("address", "dangling.t.example", NO_RECORDS)

    def test_aliases_in_a_circle(self):
        self.failed("address", "ring.t.example", RESOLVE)
        self.failed("MX", "ring.t.example", RESOLVE)

    def test_a_failure_of_the_server_is_a_failure_to_resolve(self):
        self.failed("address", "any.closed.example", RESOLVE)

    def test_a_server_that_is_silent_ends_with_the_time(self):
        self.failed("address", "any.silent.example", TIMEOUT, within=300)
        self.failed("TXT", "any.silent.example", TIMEOUT, within=300)

    def test_a_name_is_connected_to(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        endpoint = "tcp:two.t.example:%d" % listener.getsockname()[1]
        told = subprocess.run(
            [LOOK_UP, "127.0.0.1:%d" % self.port, "connect", endpoint, "20000"],
            capture_output=True, text=True, timeout=harness.PATIENCE,
            check=True)
        self.assertEqual(told.stdout, "connected to 127.0.0.1:%d\n"
                         % listener.getsockname()[1])


@unittest.skipUnless(shutil.which("dnsmasq"), "dnsmasq is not installed")
class Dnsmasq(Resolver):
    def setUp(self):
        super().setUp()
        many = ["--mx-host=many.t.example,mx%02d.t.example,%d" % (each, each)
                for each in range(39, -1, -1)]
        self.start(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null",
                    "--no-resolv", "--no-hosts", "--pid-file=",
                    "--log-facility=-", "--user=" if os.getuid() else
                    "--user=root", "--port=%d" % self.port,
                    "--listen-address=127.0.0.1", "--bind-interfaces",
                    "--edns-packet-max=512", "--local=/t.example/",
                    "--host-record=one.t.example,127.0.0.1,55",
                    "--cname=alias.t.example,one.t.example",
                    "--txt-record=text.t.example,v=spf1 ,-all",
                    "--srv-host=_it._tcp.t.example,big.t.example,5222,10,60",
                    "--mx-host=mx.t.example,b.t.example,20",
                    "--mx-host=mx.t.example,a.t.example,10", *many], self.port)

    def test_records(self):
        self.found("address", "one.t.example", "127.0.0.1")
        self.found("address", "alias.t.example", "127.0.0.1")
        self.found("MX", "mx.t.example", "10 a.t.example", "20 b.t.example")
        self.found("TXT", "text.t.example", "v=spf1 -all")
        self.found("SRV", "_it._tcp.t.example", "10 60 5222 big.t.example")

    def test_forty_mail_hosts_come_over_tcp(self):
        self.found("MX", "many.t.example",
                   *["%d mx%02d.t.example" % (each, each)
                     for each in range(40)])

    def test_what_there_is_not(self):
        self.failed("address", "none.t.example", NO_RECORDS)
        self.failed("MX", "one.t.example", NO_RECORDS)
        self.failed("address", "elsewhere.example", RESOLVE)


if __name__ == "__main__":
    harness.main()
