# SPDX-License-Identifier: MIT
"""A Haraka of its own, in a folder that it fills with its defaults itself; a
plugin of ours (haraka_ledger.js) writes down what it gets."""
import os
import re
import shutil
import subprocess
import unittest

import account
import harness
import ledger

SMTP = """\
listen=127.0.0.1:{port},127.0.0.1:{secure}
smtps_port={secure}
nodes=0
"""
# Its defaults would refuse what is long: a message, a line of one.
LIMITS = {"bytes": 64 << 20, "data_line_length": 1000}
PLUGINS = "tls\nauth/flat_file\nledger\n"
USERS = """\
[core]
constrain_sender=false
methods=PLAIN,LOGIN,CRAM-MD5
[users]
{user}={password}
"""
# What Haraka writes above the message.
OWN = re.compile(r"\A(?:(?:Received|Authentication-Results): .*\r?\n"
                 r"(?:[ \t].*\r?\n)*)*")


class Haraka(ledger.Ledger):
    name = "Haraka"
    package = "haraka"
    mechanisms = ("PLAIN", "LOGIN", "CRAM-MD5")

    def start(self):
        if shutil.which("node") is None:
            raise unittest.SkipTest("node is not installed")
        program = str(self.package_folder() /
                      "node_modules/Haraka/bin/haraka")
        kept = self.folder / "haraka"
        self.dump = kept / "dump"
        self.read_to = 0
        subprocess.run(["node", program, "-i", kept], check=True,
                       capture_output=True)
        self.configure(kept)
        self.run(["node", program, "-c", kept],
                 env={**os.environ, "THRUM_LEDGER": str(self.dump),
                      "TMPDIR": str(kept)})

    def configure(self, kept):
        for name, text in (
                ("smtp.ini", SMTP.format(port=self.port,
                                         secure=self.secure_port)),
                ("plugins", PLUGINS),
                ("me", "haraka.example\n"),
                ("auth_flat_file.ini", USERS.format(
                    user=account.USER, password=account.PASSWORD)),
                ("tls_cert.pem", self.certificate()),
                ("tls_key.pem", self.certificate())):
            (kept / "config" / name).write_text(text, encoding="ascii")
        path = kept / "config/connection.ini"
        text = path.read_text()
        for name, value in LIMITS.items():
            text = re.sub("(?m)^%s=.*" % name, "%s=%d" % (name, value), text)
        path.write_text(text)
        shutil.copy(harness.HERE + "/haraka_ledger.js",
                    kept / "plugins/ledger.js")

    def records(self):
        for each in super().records():
            each["body"] = OWN.sub("", each["body"], 1)
            yield each
