# SPDX-License-Identifier: MIT
"""The ways in which a server is sent to: three of TLS, each with every
mechanism by which it lets people log in, and every mode. A class of tests has
one server, and one test for each way."""
import collections
import json

import account
import harness
import relay
from refuser import Refuser

Way = collections.namedtuple("Way", "tls mechanism options",
                             defaults=(None, ()))
CLEAR, STARTTLS, IMPLICIT = "clear", "STARTTLS", "implicit"
CHUNKS = {"window of 1": ["--window", "1"], "window of 16": ["--window", "16"]}


def offered(server):
    """All ways in which a server takes mail."""
    for tls in (CLEAR, STARTTLS, IMPLICIT) if server.has_tls else (CLEAR,):
        if not server.needs_login:
            yield Way(tls)
        if tls != CLEAR:
            for mechanism in server.mechanisms:
                yield Way(tls, mechanism)


def modes(server):
    """All modes, in one way in which it takes mail."""
    mechanism = server.mechanisms[0] if server.needs_login else None
    for name, options in {**harness.MODES, **CHUNKS}.items():
        if name == "window of 1" and server.dies_of_pipelining:
            continue
        yield name, Way(STARTTLS if server.has_tls else CLEAR, mechanism,
                        tuple(options))


def every_way(server):
    """A decorator: a test for each way, mode, and mechanism refused."""
    def add(tests, name, check, way):
        name = "test_" + name.replace(" ", "_").replace(",", "")
        setattr(tests, name, lambda self: check(self, way))

    def decorate(tests):
        tests.relay = server
        for way in offered(server):
            add(tests, "%s %s" % (way.tls, way.mechanism), tests.check, way)
        for name, way in modes(server):
            add(tests, name, tests.check, way)
        for mechanism in server.mechanisms:
            add(tests, "wrong secret " + mechanism, tests.check_wrong,
                Way(STARTTLS, mechanism))
        return tests
    return decorate


class OneServer(harness.ServerTest):
    relay = None

    @classmethod
    def setUpClass(cls):
        """One server for all tests of the class; what it needs of a test is
        done by one that runs nothing."""
        cls.owner = harness.ServerTest()
        cls.owner.setUp()
        cls.addClassCleanup(cls.owner.doCleanups)
        cls.owner.folder.chmod(0o755)
        cls.server = cls.relay(cls.owner)
        cls.server.start()

    def setUp(self):
        self.folder = self.owner.folder

    def secret(self, text):
        path = self.folder / "secret"
        path.unlink(missing_ok=True)
        path.touch(0o600)
        path.write_text(text + "\n", encoding="ascii")
        return path

    def url(self, way):
        secure = way.tls == IMPLICIT
        return account.url("smtps" if secure else "smtp", way.mechanism,
                           self.server.secure_port if secure
                           else self.server.port)


class RelayTest(OneServer):
    COUNT = 40

    # --- a way --------------------------------------------------------------

    def via(self, way, secret):
        """The URL, and the options that go with it."""
        options = list(way.options)
        if way.tls == CLEAR:
            options += ["--tls", "none"]
        else:
            options += ["--ca-file", relay.AUTHORITY]
        if way.tls == STARTTLS and way.mechanism is None:
            options += ["--tls", "required"]
        if way.mechanism is not None:
            options += ["--password-file", self.secret(secret)]
        return self.url(way), options

    def send(self, way, secret):
        self.server.forget()
        url, options = self.via(way, secret)
        return self.bulk(url, self.COUNT, *options)

    # --- what came of it ----------------------------------------------------

    reference = {}

    def expected(self):
        """The letter of everybody, as a server of ours got it."""
        letters = self.reference.setdefault(self.COUNT, {})
        if not letters:
            with Refuser() as peer:
                self.bulk(peer.port, self.COUNT)
            for record in peer.records:
                letters[record["to"][0]] = harness.essence(record)
        return letters

    def assert_letters_arrived(self, sent, records):
        """Everybody has one, and but for Date, Message-ID and boundary it is
        what it should be, byte for byte."""
        expected = self.expected()
        takes = {each for each in expected if not (
            self.server.refuses and each.startswith(self.server.refuses))}
        self.assertEqual(sent.accepted, len(takes), sent.errors)
        self.assertEqual(sent.failed, self.COUNT - len(takes), sent.errors)
        self.assertEqual(sent.status, 0 if sent.failed == 0 else 1)
        self.assertEqual(self.assert_letters(self.COUNT, records), takes)
        for record in records:
            self.assertEqual(harness.essence(record),
                             expected[record["to"][0]])

    def check(self, way):
        sent = self.send(way, account.secret(way.mechanism))
        records = self.server.take()
        self.assert_letters_arrived(sent, records)
        wanted = ({way.tls != CLEAR}, {way.mechanism} - {None})
        said = self.server.said_until(lambda said: wanted == (
            self.server.secured(said), self.server.logins(said)))
        self.assertEqual(self.server.complaints(said), [])

    def check_wrong(self, way):
        """A8: the account, not the recipient, is at fault; all of it stops."""
        sent = self.send(way, account.wrong(way.mechanism))
        self.assertEqual(sent.status, 69, sent.told())
        self.assertEqual((sent.accepted, sent.in_doubt), (0, 0))
        self.assertEqual(self.server.take(), [])
        self.assertNotIn(account.wrong(way.mechanism), json.dumps(sent.totals))
        self.assertNotIn(account.wrong(way.mechanism), sent.errors)


main = harness.main
