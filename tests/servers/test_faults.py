# SPDX-License-Identifier: MIT
"""A server that refuses, or hangs up at, one command (smtp-sink -q -Q -r -f):
every message ends in exactly one state, the exit status says so, and nothing
hangs; in the clear and behind TLS, in every mode."""
import shutil
import unittest

import harness
import relay
from smtp_sink import SmtpSink

COUNT = 20
# What it does: hang up, say 421 and hang up, 450, 500.
HOWS = {"-q": 0, "-Q": 421, "-r": 450, "-f": 500}
COMMANDS = ("CONNECT", "HELO", "EHLO", "MAIL", "RCPT", "DATA", ".", "RSET",
            "NOOP", "QUIT")
# What else it must refuse so that the command is sent at all.
BEFORE = {"HELO": ("-f", "EHLO"), "RSET": ("-r", "RCPT")}
OPENING = ("CONNECT", "HELO", "EHLO")

STUNNEL = """foreground = quiet
pid =
debug = notice
syslog = no
[front]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{to}
cert = {certificate}
"""


def arguments(how, command):
    before = BEFORE.get(command)
    if before is None:
        return [how, command]
    if before[0] == how:
        return [how, before[1] + "," + command]
    return [how, command, *before]


def wanted(how, command):
    """The state, the code and the exit status that are due."""
    if command in ("NOOP", "QUIT") or (how, command) == ("-f", "EHLO"):
        return "accepted", None, 0
    if (how, command) == ("-q", "."):
        return "in_doubt", None, 1
    code = 450 if command == "RSET" else HOWS[how]
    return "failed", code, 69 if command in OPENING else 1


class Faults(harness.ServerTest):
    def check(self, how, command):
        sink = SmtpSink(self, *arguments(how, command))
        for name, options in harness.MODES.items():
            with self.subTest(name):
                self.check_one(sink, wanted(how, command), sink.port, options)

    def check_tls(self, how, command):
        """The same behind stunnel, which ends TLS where the line ends."""
        sink = SmtpSink(self, *arguments(how, command))
        port = self.start_front(sink.port)
        self.check_one(sink, wanted(how, command),
                       "smtps://127.0.0.1:%d" % port,
                       ["--ca-file", relay.AUTHORITY])

    def check_one(self, sink, due, where, options):
        state, code, status = due
        sent = self.bulk(where, COUNT, *options)
        self.assertEqual(sent.totals[state], COUNT, sent.told())
        self.assertEqual(sent.status, status, sent.told())
        if code is not None:
            self.assertEqual(sent.codes(), {code: COUNT}, sent.told())
        got = self.assert_letters(COUNT, sink.records())
        if state == "accepted":
            self.assertEqual(len(got), COUNT)

    def start_front(self, to):
        program = shutil.which("stunnel") or shutil.which("stunnel4")
        if program is None:
            self.skipTest("stunnel is not installed")
        if not relay.CERTIFICATE.exists():
            self.skipTest("certtool is not installed")
        port = harness.free_port()
        config = self.folder / "stunnel.conf"
        config.write_text(STUNNEL.format(
            port=port, to=to, certificate=relay.CERTIFICATE.resolve()))
        self.start([program, config], port)
        return port


def add(name, check, how, command):
    setattr(Faults, name, lambda self: check(self, how, command))


for _how in HOWS:
    for _command in COMMANDS:
        _name = "test_%s_at_%s" % (_how, _command.replace(".", "the_end"))
        add(_name, Faults.check, _how, _command)
        add(_name + "_behind_TLS", Faults.check_tls, _how, _command)


if __name__ == "__main__":
    harness.main()
