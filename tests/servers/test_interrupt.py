# SPDX-License-Identifier: MIT
"""SIGINT and SIGTERM while letters are on their way: the totals are exact."""
import signal

import harness
from refuser import Refuser, Rules

PEOPLE = 2000
BEFORE = 300  # letters taken before the server falls silent


class Interrupt(harness.ServerTest):
    def interrupted(self, options, signals, goes_on):
        """The server falls silent, the signals come, the server goes on."""
        with Refuser(Rules(hold_after=BEFORE)) as peer:
            process = self.start_bulk(peer.port, PEOPLE, *options)
            self.addCleanup(self.stop, process)
            while not peer.holds.wait(0.1):
                self.assertIsNone(process.poll(), "it ended by itself")
            process.send_signal(signals[0])
            self.await_word(process)
            for each in signals[1:]:
                process.send_signal(each)
            if goes_on:
                peer.release()
            sent = self.end_bulk(process, PEOPLE)
        got = self.assert_letters(PEOPLE, peer.records)
        self.assertEqual(peer.faults, [])
        self.assertLessEqual(sent.accepted, len(got), sent.errors)
        self.assertLessEqual(len(got), sent.accepted + sent.in_doubt)
        self.assertGreater(sent.waiting, 0, sent.errors)
        return sent, got

    def await_word(self, process):
        """Two signals at once would be one; so the first has its answer
        before the second is sent."""
        for line in process.stderr:
            if "interrupted" in line:
                return

    def test_one_signal_finishes_what_was_begun(self):
        for number, status in (signal.SIGINT, 130), (signal.SIGTERM, 143):
            def check(options):
                sent, got = self.interrupted(options, [number], True)
                self.assertEqual(
                    (sent.status, sent.accepted, sent.in_doubt),
                    (status, len(got), 0), sent.errors)
            self.in_every_mode(check)

    def test_a_second_signal_does_not_wait_for_a_silent_server(self):
        def check(options):
            sent, _ = self.interrupted(options, [signal.SIGINT] * 2, False)
            self.assertEqual(sent.status, 130, sent.errors)
        self.in_every_mode(check)


if __name__ == "__main__":
    harness.main()
