# SPDX-License-Identifier: MIT
"""A server that refuses every 7th recipient and every 11th message: who got
their letter is known exactly, in every mode."""
import collections

import harness
from refuser import Refuser, Rules

PEOPLE = 400


class Refusals(harness.ServerTest):
    def compare(self, rules, options):
        """The server's lists and the totals are the same."""
        with Refuser(rules) as peer:
            sent = self.bulk(peer.port, PEOPLE, *options)
        self.assertEqual(peer.faults, [])
        got = self.assert_letters(PEOPLE, peer.records)
        refused = [address for address, _ in peer.refused]
        self.assertEqual(len(set(refused)), len(refused), "tried twice")
        self.assertEqual(got & set(refused), set())
        self.assertEqual(len(got) + len(refused), PEOPLE)
        self.assertEqual((sent.accepted, sent.failed),
                         (len(got), len(refused)), sent.errors)
        codes = collections.Counter(code for _, code in peer.refused)
        self.assertEqual(sent.codes(), dict(codes))
        self.assertEqual(sent.status, 1 if refused else 0, sent.errors)
        return peer

    def in_every_mode_compare(self, **rules):
        def check(options):
            peer = self.compare(Rules(**rules), options)
            self.assertEqual(len(peer.refused) > 0, len(rules) > 0)
        self.in_every_mode(check)

    def test_a_server_that_refuses_nobody_has_everybody(self):
        self.in_every_mode_compare()

    def test_every_7th_recipient_is_refused_for_good(self):
        self.in_every_mode_compare(refuse_rcpt_each=7)

    def test_every_7th_recipient_is_refused_for_now(self):
        self.in_every_mode_compare(refuse_rcpt_each=7, refuse_rcpt=450)

    def test_data_is_let_in_although_the_recipient_was_refused(self):
        self.in_every_mode_compare(refuse_rcpt_each=7, data_without_rcpt=354)

    def test_every_11th_message_is_refused_for_good(self):
        self.in_every_mode_compare(refuse_end_each=11)

    def test_every_11th_message_is_refused_for_now(self):
        self.in_every_mode_compare(refuse_end_each=11, refuse_end=451)

    def test_both_are_refused(self):
        self.in_every_mode_compare(refuse_rcpt_each=7, refuse_end_each=11)

    def test_both_are_refused_for_now_and_data_is_let_in(self):
        self.in_every_mode_compare(
            refuse_rcpt_each=7, refuse_rcpt=452, refuse_end_each=11,
            refuse_end=452, data_without_rcpt=354)

    def test_a_server_without_pipelining_gets_none(self):
        for name, options in harness.MODES.items():
            with self.subTest(name):
                self.compare(Rules(pipelining=False, refuse_rcpt_each=7,
                                   refuse_end_each=11), options)

    def test_a_server_without_ehlo_gets_helo(self):
        for name, options in harness.MODES.items():
            with self.subTest(name):
                self.compare(Rules(ehlo=502, pipelining=False,
                                   refuse_rcpt_each=7), options)


if __name__ == "__main__":
    harness.main()
