# SPDX-License-Identifier: MIT
"""An OpenSMTPD of its own, in a jail: without TLS, which Debian's is not able
to; it hands what it gets to an aiosmtpd behind it."""
import re

import ledger
import relay
from jail import Jail

CONFIG = """\
smtp max-message-size 64M
listen on 127.0.0.1 port {port} hostname opensmtpd.example
action "on" relay host smtp+notls://127.0.0.1:{behind}
match from any for any action "on"
"""
# What OpenSMTPD writes above the message.
OWN = re.compile(r"\AReceived: .*\r\n(?:[ \t].*\r\n)*")


class Opensmtpd(relay.Relay):
    name = "OpenSMTPD"
    package = "opensmtpd"
    has_tls = False
    refuses = '"'

    def start(self):
        relay.as_root()
        self.behind = ledger.Aiosmtpd(self.test)
        self.behind.start()
        self.jail = Jail(self.folder / "opensmtpd", self.package_folder(),
                         ["usr/sbin/smtpd"], ["/bin/sh"],
                         ["opensmtpd", "opensmtpq", "nobody"])
        self.jail.write("etc/smtpd.conf", CONFIG.format(
            port=self.port, behind=self.behind.port))
        for each in "var/lib/opensmtpd/empty", "var/spool", "var/run", "run":
            (self.jail.folder / each).mkdir(parents=True, exist_ok=True)
        self.run(self.jail.command("/usr/sbin/smtpd", "-d"))

    def heard(self):
        return self.test.log()

    def busy(self):
        """Whether a message is on its way to the one behind."""
        queue = self.jail.folder / "var/spool/smtpd/queue"
        return any(path.is_file() for path in queue.glob("**/*"))

    def records(self):
        for each in self.behind.records():
            each["body"] = OWN.sub("", each["body"], 1)
            yield each

    def logins(self, _heard):
        return set()

    def secured(self, _heard):
        return {False}
