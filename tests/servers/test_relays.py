# SPDX-License-Identifier: MIT
"""Servers that others wrote, each in the clear, after STARTTLS and within TLS
from the first byte on, with every way to log in that it offers: every letter
arrives byte for byte, and who gives a wrong password sends nothing."""
import ways
from dovecot import Dovecot
from exim import Exim
from ledger import Aiosmtpd, SmtpServer
from postfix import Postfix


@ways.every_way(Postfix)
class PostfixTest(ways.RelayTest):
    pass


@ways.every_way(Exim)
class EximTest(ways.RelayTest):
    pass


@ways.every_way(Dovecot)
class DovecotTest(ways.RelayTest):
    pass


@ways.every_way(SmtpServer)
class SmtpServerTest(ways.RelayTest):
    pass


@ways.every_way(Aiosmtpd)
class AiosmtpdTest(ways.RelayTest):
    pass


class PickyExim(Exim):
    picky = "1.example"


class PickyPostfix(Postfix):
    picky = "1.example"


class PickyTest:
    """P2, in a window too: what is refused harms nobody else, though a server
    may hold a transaction of which it refused all recipients."""
    COUNT = 60

    def test_one_domain_is_refused(self):
        for options in ([], ["--window", "1"], ["--window", "16"],
                        ["--window", "64"], ["--no-pipelining"],
                        ["--connections", "1"]):
            with self.subTest(options):
                self.check_picky(ways.Way(ways.STARTTLS, None, options))

    def check_picky(self, way):
        sent = self.send(way, None)
        got = self.assert_letters(self.COUNT, self.server.take())
        takes = {each for each in self.expected()
                 if not each.endswith("@" + self.server.picky)}
        self.assertEqual(got, takes)
        self.assertEqual((sent.accepted, sent.in_doubt), (len(takes), 0))
        self.assertEqual(sent.codes(), {550: self.COUNT - len(takes)})


class PickyEximTest(PickyTest, ways.RelayTest):
    relay = PickyExim


class PickyPostfixTest(PickyTest, ways.RelayTest):
    relay = PickyPostfix


if __name__ == "__main__":
    ways.main()
