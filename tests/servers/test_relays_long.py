# SPDX-License-Identifier: MIT
"""As test_relays.py, for servers that take longer to bring here."""
import ways
from haraka import Haraka
from opensmtpd import Opensmtpd


@ways.every_way(Haraka)
class HarakaTest(ways.RelayTest):
    pass


@ways.every_way(Opensmtpd)
class OpensmtpdTest(ways.RelayTest):
    pass


if __name__ == "__main__":
    ways.main()
