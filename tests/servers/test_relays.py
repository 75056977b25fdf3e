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


if __name__ == "__main__":
    ways.main()
