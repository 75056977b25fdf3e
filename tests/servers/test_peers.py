# SPDX-License-Identifier: MIT
"""Postfix and its smtp-sink get every letter just as it passed on the wire."""
import harness
from postfix import Postfix
from smtp_sink import SmtpSink
from tap import Tap


class SmtpSinkTest(harness.ServerTest):
    COUNT = 1000

    def check(self, given, options):
        sink = SmtpSink(self, *given)
        with Tap(sink.port) as tap:
            sent = self.bulk(tap.port, self.COUNT, "--tls", "none", *options)
        records = list(sink.records())
        self.assert_all_delivered(self.COUNT, sent, records)
        self.assertEqual(sorted(tap.messages()), sorted(
            record["body"].encode("latin-1") for record in records))

    def test_with_pipelining(self):
        for name, options in harness.MODES.items():
            with self.subTest(name):
                self.check([], options)

    def test_without_pipelining(self):
        self.check(["-p"], [])

    def test_without_esmtp(self):
        self.check(["-e"], [])


class PostfixOnTheWire(harness.ServerTest):
    COUNT = 500

    def test_every_letter_arrives_as_it_was_sent(self):
        self.folder.chmod(0o755)
        server = Postfix(self)
        server.start()
        for name, options in harness.MODES.items():
            with self.subTest(name):
                self.check(server, options)

    def check(self, server, options):
        server.forget()
        with Tap(server.port) as tap:
            sent = self.bulk(tap.port, self.COUNT, "--tls", "none", *options)
        complaints = server.complaints(server.said())
        self.assertEqual(complaints, [], sent.errors)
        records = server.take()
        self.assert_all_delivered(self.COUNT, sent, records)
        self.assertEqual(sorted(tap.messages()), sorted(
            record["body"].encode("latin-1") for record in records))


if __name__ == "__main__":
    harness.main()
