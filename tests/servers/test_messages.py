# SPDX-License-Identifier: MIT
"""Messages that are empty, nothing but dots, of long lines, of 20 MiB ... by a
service (relay_peer.c): each server has them just as they were written, byte for
byte; what is asked of bounces; several recipients, some of them refused; and
messages that are given up."""
import email
import email.policy
import json
import os
import pathlib
import re
import subprocess

import account
import harness
import relay
import unit
import ways
from dovecot import Dovecot
from exim import Exim
from ledger import Aiosmtpd, SmtpServer
from postfix import Postfix
from smtp_sink import SmtpSink

RELAY_PEER = os.path.join(unit.top_builddir, "tests/servers/relay_peer")
REFUSED, LATER, DOUBT, CANCELLED = -401, -402, -405, -102
BEST, LOCKSTEP, PIPELINED, ACROSS = range(4)
PLAIN, REQUIRED = 1, 3

# A message ends, or might seem to, at these (CVE-2023-51764 and its likes).
SMUGGLED = ("\n.\n", "\n.\r", "\r.\n", "\r.\r", "\n.\r\n", "\r.\r\n",
            "\r\n.\r\r\n", "\r\r\n.\r\r\n", "\r\n.\n", "\r\n.\r")
TEXTS = {
    "empty": "",
    "a lone dot": ".",
    "a dot and a line end": ".\n",
    "two dots": "..",
    "dots and lines": ".\n..\n...\n\n.\n",
    "lines of 998 octets": ("x" * 998 + "\n") * 300,
    "lines of 998 dots": ("." * 998 + "\n") * 300,
    "a line of 999 octets": "x" * 999 + "\n",
    "8-bit": "äöü € 😀\n.\n" * 300,
    "8-bit lines of 998 octets": ("ä" * 499 + "\n") * 20,
    "smuggling": "".join("a" + each + "QUIT\r\n" for each in SMUGGLED),
    # Whatever is cut off where: a dot begins some line at each offset.
    **{"a dot on every line, from octet %d" % at: "x" * at + "\n" +
       ".\n" * 25000 for at in range(4)},
}
LARGE = ("." + "y" * 75 + "\n") * (20 * 1024 * 1024 // 77)


def normal(text):
    """Mail carries lines, and the last one has an end."""
    return "\n".join(text.replace("\r\n", "\n").replace(
        "\r", "\n").split("\n")).rstrip("\n")


class Service(ways.OneServer):
    def texts(self, texts):
        """The files in which they stand."""
        for at, text in enumerate(texts):
            path = self.folder / ("text-%d" % at)
            path.write_bytes(text.encode())
            yield str(path)

    def mail(self, where, *options, texts=("Hello.\n",), **how):
        """Runs relay_peer; how each of its messages ended, by Message-ID, and
        what of them is to arrive, in their order."""
        wire = self.folder / "wire"
        wire.mkdir(exist_ok=True)
        for each in wire.iterdir():
            each.unlink()
        done = subprocess.run(
            [RELAY_PEER, where, "text=" + ",".join(self.texts(texts)),
             "wire=%s" % wire, *options,
             *("%s=%s" % each for each in how.items())],
            capture_output=True, text=True, timeout=2 * harness.PATIENCE,
            check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        events = [json.loads(line) for line in done.stdout.splitlines()]
        ended = {each["id"]: each for each in events[:-1]}
        self.assertEqual(len(ended), len(events) - 1, "one ended twice")
        self.stats = events[-1]
        written = {}
        for path in sorted(wire.iterdir(), key=lambda path: int(path.name)):
            data = path.read_bytes()
            written[message_id(data)] = data
        self.assertEqual(set(written), set(ended))
        return ended, written

    def way(self, tls):
        """The options of one way to the server."""
        mechanism = "PLAIN" if self.server.needs_login else None
        way = ways.Way(tls, mechanism)
        if tls == ways.CLEAR:
            return self.url(way), "tls=%d" % PLAIN
        options = ["ca=%s" % relay.AUTHORITY, "tls=%d" % REQUIRED]
        if mechanism:
            options.append("secret=%s" % self.secret(account.PASSWORD))
        return (self.url(way), *options)

    def assert_arrived(self, ended, written):
        for each in ended.values():
            self.assertNotIn("why", each)
        got = {}
        for record in self.server.take():
            data = record["body"].encode("latin-1")
            got[message_id(data)] = data
        self.assertEqual(set(got), set(written))
        for name, data in written.items():
            self.assertTrue(got[name] == data, "other bytes than were written")
        return [got[name] for name in written]

    def assert_no_more_than_doubt(self, ended):
        """What was accepted is there, and beside it nothing but what is in
        doubt. Returns both."""
        accepted = {name for name, each in ended.items() if "code" in each}
        doubtful = {name for name, each in ended.items()
                    if each.get("why", {}).get("error") == DOUBT}
        got = [message_id(each["body"].encode("latin-1"))
               for each in self.server.take()]
        self.assertEqual(len(set(got)), len(got), "one came twice")
        self.assertLessEqual(accepted, set(got))
        self.assertLessEqual(set(got), accepted | doubtful)
        return accepted, doubtful

    def check_texts(self, tls, mode, texts):
        """Each is sent, one after the other and all over again."""
        arrived = self.assert_arrived(*self.mail(
            *self.way(tls), texts=texts, mode=mode, times=2 * len(texts)))
        self.assertEqual(len(arrived), 2 * len(texts))
        for data, text in zip(arrived, 2 * list(texts)):
            read = email.message_from_bytes(data, policy=email.policy.default)
            self.assertEqual(read.defects, [])
            self.assertTrue(normal(read.get_content()) == normal(text))


def message_id(data):
    return re.search(rb"(?m)^Message-ID: (<\S+>)\r$", data)[1].decode()


class EveryText:
    modes = (BEST, LOCKSTEP, PIPELINED, ACROSS)

    def test_every_text_in_every_mode(self):
        where = [ways.STARTTLS] if self.server.needs_login else [
            ways.CLEAR, ways.STARTTLS]
        for tls in where:
            for mode in self.modes:
                with self.subTest(tls=tls, mode=mode):
                    self.check_texts(tls, mode, TEXTS.values())

    def test_20_mib(self):
        self.check_texts(ways.STARTTLS, BEST, [LARGE])


class PostfixTest(EveryText, Service):
    relay = Postfix

    def test_a_name_outside_of_ascii_without_smtputf8(self):
        """I4: the address is at fault, and nothing is tried."""
        ended, _ = self.mail(*self.way(ways.CLEAR), to="jürgen@example.org")
        [why] = [each["why"] for each in ended.values()]
        self.assertEqual((why["error"], why["code"]), (REFUSED, 0), why)
        self.assertIn("SMTPUTF8", why["text"])
        self.assertEqual(self.server.take(), [])

    def test_a_domain_outside_of_ascii(self):
        ended, _ = self.mail(*self.way(ways.CLEAR), to="ann@bücher.example")
        self.assertNotIn("why", str(ended))
        self.assertEqual([each["to"] for each in self.server.take()],
                         [["ann@xn--bcher-kva.example"]])


class EximTest(EveryText, Service):
    relay = Exim

    def test_some_recipients_are_refused(self):
        """P3: the others have it, and each knows."""
        for mode in BEST, LOCKSTEP, PIPELINED, ACROSS:
            with self.subTest(mode=mode):
                ended, _ = self.mail(
                    *self.way(ways.STARTTLS), mode=mode, times=5,
                    to="ann@a.example,nobody@a.example,later@b.example,"
                       "carl@b.example")
                for each in ended.values():
                    self.check_refusals(each["refusals"])
                self.assertEqual(
                    sorted(each["to"] for each in self.server.take()),
                    5 * [["ann@a.example"]] + 5 * [["carl@b.example"]])

    def check_refusals(self, refusals):
        self.assertEqual([refusals[0], refusals[3]], [None, None])
        self.assertEqual((refusals[1]["error"], refusals[1]["code"]),
                         (REFUSED, 550))
        self.assertIn("nobody of that name lives here", refusals[1]["text"])
        self.assertEqual((refusals[2]["error"], refusals[2]["code"]),
                         (LATER, 451))

    def test_all_recipients_are_refused(self):
        """P2: nothing is sent, and the connection serves on."""
        for mode in BEST, LOCKSTEP, PIPELINED, ACROSS:
            with self.subTest(mode=mode):
                self.server.forget()
                ended, _ = self.mail(
                    *self.way(ways.CLEAR), mode=mode, times=5, connections=1,
                    to="nobody@a.example,nobody@b.example")
                self.assertEqual(
                    {(each["why"]["error"], each["why"]["code"])
                     for each in ended.values()}, {(REFUSED, 550)})
                self.assertEqual(self.stats["connections"], 1)
                self.assertEqual(self.server.take(), [])

    def test_a_name_outside_of_ascii(self):
        """RFC 6531: as it is, where SMTPUTF8 is offered."""
        ended, _ = self.mail(*self.way(ways.STARTTLS),
                             to="jürgen@bücher.example")
        self.assertNotIn("why", str(ended))
        self.assertEqual(len(self.server.take()), 1)


class DovecotTest(EveryText, Service):
    """Dovecot 2.3.19 dies by an assertion of its own where an envelope comes
    behind a dot that it has not answered (ACROSS)."""
    relay = Dovecot
    modes = (BEST, LOCKSTEP, PIPELINED)

    def test_a_server_that_dies(self):
        """R12: nobody has it twice, and one is in doubt: the first, behind
        which nothing is sent ahead any more."""
        ended, _ = self.mail(*self.way(ways.STARTTLS), mode=ACROSS, times=20)
        accepted, doubtful = self.assert_no_more_than_doubt(ended)
        self.assertLessEqual(len(doubtful), 1)
        self.assertEqual(len(accepted) + len(doubtful), len(ended))


class SmtpServerTest(EveryText, Service):
    relay = SmtpServer

    def test_messages_are_given_up(self):
        """Each ends once; what was given up before its end is not there."""
        for mode in BEST, LOCKSTEP, PIPELINED:
            for cancel in 0, 1, 7:
                with self.subTest(mode=mode, cancel=cancel):
                    self.check_cancel(mode, cancel)

    def check_cancel(self, mode, cancel):
        ended, _ = self.mail(*self.way(ways.STARTTLS), mode=mode, times=40,
                             cancel=cancel, connections=3,
                             texts=["x\n" * 20000])
        accepted, doubtful = self.assert_no_more_than_doubt(ended)
        self.assertEqual({each["why"]["error"] for name, each in ended.items()
                          if name not in accepted | doubtful}, {CANCELLED})
        self.assertGreaterEqual(len(accepted), cancel)


class AiosmtpdTest(EveryText, Service):
    relay = Aiosmtpd

    def test_a_name_outside_of_ascii(self):
        ended, _ = self.mail(*self.way(ways.STARTTLS),
                             to="jürgen@bücher.example")
        self.assertNotIn("why", str(ended))
        [record] = self.server.take()
        self.assertEqual(record["to"], ["jürgen@xn--bcher-kva.example"])


class Dsn(Service):
    """RFC 3461: just as it was asked for, and not where it is not offered."""

    @classmethod
    def setUpClass(cls):
        cls.owner = harness.ServerTest()
        cls.owner.setUp()
        cls.addClassCleanup(cls.owner.doCleanups)

    def parameters(self, *options):
        sink = SmtpSink(self.owner, *options)
        ended, _ = self.mail(
            "smtp://127.0.0.1:%d" % sink.port, dsn="QQ+314159",
            sender="bounces+7@example.org", to="ann@a.example,carl@b.example")
        self.assertNotIn("why", str(ended))
        [record] = sink.records()
        self.assertEqual((record["from"], record["to"]), (
            "bounces+7@example.org", ["ann@a.example", "carl@b.example"]))
        return [set(each.split()) for each in record["parameters"]]

    def test_what_is_asked_of_bounces(self):
        sender, *recipients = self.parameters()
        self.assertLessEqual({"RET=HDRS", "ENVID=QQ+2B314159"}, sender)
        for each, name in zip(recipients, ("ann@a.example", "carl@b.example")):
            self.assertEqual(each, {"NOTIFY=SUCCESS,FAILURE,DELAY",
                                    "ORCPT=rfc822;" + name})

    def test_nothing_where_it_is_not_offered(self):
        sender, *recipients = self.parameters("-N")
        self.assertFalse([each for each in sender
                          if each.startswith(("RET", "ENVID"))])
        self.assertEqual(recipients, [set(), set()])


if __name__ == "__main__":
    harness.main()
