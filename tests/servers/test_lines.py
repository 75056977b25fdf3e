# SPDX-License-Identifier: MIT
"""A server that is not there, talks nonsense, dies, or cuts the line: what was
accepted, what failed and what is in doubt is told exactly, nobody gets two."""
import harness
from refuser import Refuser, Rules

PEOPLE = 400
LIVES = 123  # messages after which the server dies
NONSENSE = (
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\x15\x03\x01\x00\x02\x02\x46",
    b"999 what\r\n",
    b"220",
    b"\r\n",
    b"220-one\r\n221 two\r\n",
    b"220 " + b"x" * 100000 + b"\r\n",
    b"\0\0\0\0\r\n",
)


class NoServer(harness.ServerTest):
    def test_a_server_that_is_not_there(self):
        sent = self.bulk(harness.free_port(), PEOPLE)
        self.assertEqual((sent.status, sent.accepted), (69, 0), sent.errors)
        self.assertIn("127.0.0.1:", sent.told())

    def test_a_server_that_closes_at_once(self):
        with Refuser(Rules(greeting=b"")) as peer:
            peer.dead = True
            sent = self.bulk(peer.port, PEOPLE)
        self.assertEqual((sent.status, sent.accepted), (69, 0), sent.errors)

    def test_a_server_that_gives_no_service(self):
        greeting = b"554 5.3.2 no service\r\n"
        with Refuser(Rules(greeting=greeting)) as peer:
            sent = self.bulk(peer.port, PEOPLE)
        self.assertEqual((sent.status, sent.accepted), (69, 0), sent.errors)
        self.assertIn("no service", sent.told())

    def test_a_name_that_is_none(self):
        sent = self.bulk("host.invalid", 3)
        self.assertEqual((sent.status, sent.accepted), (69, 0), sent.errors)
        self.assertIn("host.invalid", sent.told())

    def test_nonsense_instead_of_a_greeting(self):
        for nonsense in NONSENSE:
            with self.subTest(nonsense[:30]):
                with Server(nonsense) as peer:
                    sent = self.bulk(peer.port, 5)
                self.assertEqual((sent.status, sent.accepted), (69, 0),
                                 sent.errors)
                self.assertIn("127.0.0.1:%d" % peer.port, sent.told())
                self.assertRegex(sent.told(), r"\A[\n -~]*\Z")


class Server(Refuser):
    """Says one thing to everybody, then that is all."""

    def __init__(self, says):
        super().__init__(Rules(greeting=says, cut_after=len(says),
                               cut="mute"))


class Death(harness.ServerTest):
    """The server dies in the middle, and nothing listens afterwards."""

    def run_to_death(self, options, **rules):
        with Refuser(Rules(die_after=LIVES, **rules)) as peer:
            sent = self.bulk(peer.port, PEOPLE, *options)
        self.assertEqual(peer.faults, [])
        self.assert_letters(PEOPLE, peer.records)
        self.assertEqual(len(peer.records), LIVES)
        self.assertLessEqual(sent.accepted, LIVES)
        self.assertLessEqual(LIVES, sent.accepted + sent.in_doubt)
        self.assertNotEqual(sent.status, 0)
        return sent

    def test_all_that_it_answered_is_accepted(self):
        def check(options):
            sent = self.run_to_death(options)
            self.assertEqual(sent.accepted, LIVES, sent.errors)
        self.in_every_mode(check)

    def test_what_it_did_not_answer_is_in_doubt(self):
        def check(options):
            sent = self.run_to_death(options, answer_last=False)
            self.assertEqual(sent.accepted, LIVES - 1, sent.errors)
            self.assertGreaterEqual(sent.in_doubt, 1)
        self.in_every_mode(check)

    def test_its_machine_resets_the_line(self):
        self.in_every_mode(
            lambda options: self.run_to_death(options, drop="reset"))

    def test_one_connection_is_in_doubt_of_one_message(self):
        for more in [], ["--no-pipelining"]:
            sent = self.run_to_death(["--connections", "1", *more],
                                     answer_last=False)
            self.assertEqual(sent.in_doubt, 1, sent.errors)


class Drops(harness.ServerTest):
    """The line ends after every 50th message, and another one is there."""

    MANY = 1200  # some two drops on each of ten connections

    def check_all_delivered(self, options, **rules):
        with Refuser(Rules(drop_after=50, **rules)) as peer:
            sent = self.bulk(peer.port, self.MANY, *options)
        self.assertEqual(peer.faults, [])
        self.assert_all_delivered(self.MANY, sent, peer.records)
        self.assertGreaterEqual(
            peer.connections, self.MANY // 50 if "1" in options else 20)

    def test_after_the_answer(self):
        self.in_every_mode(self.check_all_delivered)

    def test_with_421_to_the_next_command(self):
        self.in_every_mode(
            lambda options: self.check_all_delivered(options, drop="421"))

    def test_without_the_answer_one_is_in_doubt_each_time(self):
        def check(options):
            rules = Rules(drop_after=50, answer_last=False)
            with Refuser(rules) as peer:
                sent = self.bulk(peer.port, self.MANY, *options)
            self.assertEqual(peer.faults, [])
            got = self.assert_letters(self.MANY, peer.records)
            self.assertEqual(sent.accepted + sent.in_doubt, self.MANY,
                             sent.errors)
            self.assertEqual(len(got), self.MANY)
            self.assertEqual(sent.status, 1, sent.errors)
        self.in_every_mode(check)


class Cuts(harness.ServerTest):
    """Three letters, and the line ends after every single octet that the
    server sends, on the first connection or on each."""

    COUNT = 3

    def dialogue(self, options):
        """How many octets the server sends when nothing is cut."""
        with Refuser() as peer:
            sent = self.bulk(peer.port, self.COUNT, *options)
        self.assertEqual(sent.accepted, self.COUNT, sent.errors)
        return peer.most_sent

    def check_cut(self, options, cut, at, cuts):
        rules = Rules(cut_after=at, cut=cut, cuts=cuts)
        with Refuser(rules) as peer:
            sent = self.bulk(peer.port, self.COUNT, *options)
        self.assertEqual(peer.faults, [])
        got = self.assert_letters(self.COUNT, peer.records)
        self.assertLessEqual(sent.accepted, len(got), sent.errors)
        self.assertLessEqual(len(got), sent.accepted + sent.in_doubt)
        self.assertEqual(sent.status == 0, sent.accepted == self.COUNT)
        return sent

    def sweep(self, options, cut, cuts):
        options = ["--connections", "1", *options]
        for at in range(1, self.dialogue(options) + 1):
            with self.subTest(cut=cut, at=at, cuts=cuts, options=options):
                self.check_cut(options, cut, at, cuts)

    def test_the_first_line_is_reset(self):
        self.sweep([], "reset", 1)

    def test_the_first_line_falls_silent(self):
        self.sweep([], "mute", 1)

    def test_every_line_is_reset(self):
        self.sweep([], "reset", 1 << 30)

    def test_the_first_line_is_reset_in_step(self):
        self.sweep(["--no-pipelining"], "reset", 1)

    def test_the_first_line_falls_silent_in_step(self):
        self.sweep(["--no-pipelining"], "mute", 1)


if __name__ == "__main__":
    harness.main()
