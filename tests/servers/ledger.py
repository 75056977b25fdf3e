# SPDX-License-Identifier: MIT
"""Servers that are programs of ours around what others wrote: each writes down
every message that it gets, in the form of a sink's dump."""
import json
import os
import shutil
import subprocess
import unittest

import account
import harness
import relay

# The interpreter of Debian's packages; another may come first in PATH.
DEBIAN_PYTHON = "/usr/bin/python3"


class Ledger(relay.Relay):
    def start(self):
        kept = self.folder / type(self).__name__
        kept.mkdir()
        self.dump = kept / "dump"
        self.read_to = 0
        account.write_json(kept / "account")
        certificate = kept / "certificate.pem"
        certificate.write_text(self.certificate(), encoding="ascii")
        self.run([*self.program(), self.port, self.secure_port, certificate,
                  kept / "account", self.dump])

    def heard(self):
        return self.read(self.dump)

    def records(self):
        whole = self.read(self.dump)
        new, self.read_to = whole[self.read_to:], len(whole)
        return [json.loads(line) for line in new.splitlines()]

    def logins(self, heard):
        return {json.loads(line)["auth"] for line in heard.splitlines()} - \
            {None}

    def secured(self, heard):
        return {json.loads(line)["tls"] for line in heard.splitlines()}


class Aiosmtpd(Ledger):
    name = "aiosmtpd"
    mechanisms = ("PLAIN", "LOGIN")

    def program(self):
        if not os.path.exists(DEBIAN_PYTHON) or subprocess.run(
                [DEBIAN_PYTHON, "-c", "import aiosmtpd"], capture_output=True,
                check=False).returncode != 0:
            raise unittest.SkipTest("aiosmtpd is not installed")
        return [DEBIAN_PYTHON, "-B", harness.HERE + "/aiosmtpd_peer.py"]


class SmtpServer(Ledger):
    name = "smtp-server"
    package = "smtp-server"
    mechanisms = ("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2")
    refuses = '"'

    def program(self):
        if shutil.which("node") is None:
            raise unittest.SkipTest("node is not installed")
        return ["node", harness.HERE + "/smtp_server_peer.js",
                self.package_folder()]
