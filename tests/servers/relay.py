# SPDX-License-Identifier: MIT
"""What the servers that mail is handed to have in common: two ports, one of
which is within TLS from the first byte on; what they got, and how."""
import os
import pathlib
import re
import time
import unittest

import harness
import unit

BESIDE = pathlib.Path(unit.top_builddir, "tests/servers/beside")
CERTIFICATE = pathlib.Path(unit.top_builddir, "tests/tls/made/ip.pem")
AUTHORITY = pathlib.Path(unit.top_builddir, "tests/tls/made/ca.pem")


class Relay:
    """A server of its own for one test, in a folder of the test."""
    name = ""
    package = None      # what fetch.py brings, or None
    mechanisms = ()     # that it offers, within TLS
    has_tls = True
    needs_login = False
    dies_of_pipelining = False  # of an envelope behind an unanswered dot
    refuses = None      # addresses that begin so, though they are ones
    complaint = None    # what lines of its log that say so look like

    def __init__(self, test):
        self.test = test
        self.folder = test.folder
        self.port = harness.free_port()
        self.secure_port = harness.free_port()
        self.seen = 0

    # --- for those that are one ---------------------------------------------

    def package_folder(self):
        """Where fetch.py put it; else this is no test."""
        folder = BESIDE / self.package
        why = BESIDE / (self.package + ".why")
        if folder.exists():
            return folder.resolve()
        raise unittest.SkipTest("%s is not here: %s" % (
            self.name, why.read_text() if why.exists()
            else "make fetch-servers brings it"))

    def certificate(self):
        if not CERTIFICATE.exists():
            raise unittest.SkipTest("certtool is not installed")
        return CERTIFICATE.read_text(encoding="ascii")

    def run(self, command, **how):
        return self.test.start(command, self.port, **how)

    @staticmethod
    def read(path):
        path = pathlib.Path(path)
        return path.read_text(errors="replace") if path.exists() else ""

    # --- for tests ----------------------------------------------------------

    def forget(self):
        """What it said up to now is no longer of interest."""
        self.seen = len(self.heard())

    def said(self):
        """What it wrote in its log since then."""
        return self.heard()[self.seen:]

    def said_until(self, condition):
        """The same, when it says what it should: logs come late."""
        until = time.monotonic() + harness.PATIENCE
        while not condition(self.said()):
            if time.monotonic() > until:
                self.test.fail("%s says otherwise: %s" % (
                    self.name, self.said()))
            time.sleep(0.01)
        return self.said()

    def complaints(self, said):
        """What it did not like in its client, of what it said."""
        return [line for line in said.splitlines()
                if self.complaint and re.match(self.complaint, line)]

    def take(self):
        """What it got, when nothing is under way any more, and no longer has
        afterwards."""
        until = time.monotonic() + harness.PATIENCE
        while self.busy():
            if time.monotonic() > until:
                self.test.fail("%s has not delivered: %s" % (
                    self.name, self.heard()))
            time.sleep(0.01)
        return list(self.records())

    def busy(self):
        return False


def as_root():
    if os.getuid() != 0:
        raise unittest.SkipTest("servers with users of their own start as "
                                "root only")
