# SPDX-License-Identifier: MIT
"""What the tests against servers share: a folder, programs that are started,
awaited and stopped by their process id, a campaign, and its judge."""
import atexit
import collections
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
for _each in ("../support", "../../examples/demo"):
    sys.path.insert(0, os.path.normpath(os.path.join(HERE, _each)))
import letters  # noqa: E402 pylint: disable=wrong-import-position
import make_people  # noqa: E402 pylint: disable=wrong-import-position
import unit  # noqa: E402 pylint: disable=wrong-import-position
import verify  # noqa: E402 pylint: disable=wrong-import-position

os.environ["PATH"] += ":/usr/sbin:/sbin"  # where servers are
THRUM = os.path.join(unit.top_builddir, "thrum")
DEMO = pathlib.Path(HERE, "../../examples/demo").resolve()
FROM = '"Thrümmer, Servers" <news@example.org>'
SUBJECT = "{{name}}: {{city}}"
HEADERS = [("X-Number", "{{number}}")]
ENVELOPE_FROM = "bounce-{{number}}@example.org"
PATIENCE = 60  # seconds after which a program that should have acted has failed

STATES = ("accepted", "failed", "invalid", "suppressed", "waiting", "in_doubt")
# Each way to send: as many connections, in step or pipelined.
MODES = {
    "pipelined, 10 connections": [],
    "pipelined, 1 connection": ["--connections", "1"],
    "in step, 10 connections": ["--no-pipelining"],
    "in step, 1 connection": ["--no-pipelining", "--connections", "1"],
}


def interrupt(_number, _frame):
    raise KeyboardInterrupt


# A test that is ended from outside leaves no server behind, either.
signal.signal(signal.SIGTERM, interrupt)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def server_url(where):
    """Of a port on this machine, a host, or a URL."""
    if isinstance(where, int):
        where = "127.0.0.1:%d" % where
    return where if "://" in where else "smtp://" + where


def essence(record):
    """A letter without what differs each time: Date, Message-ID, boundary."""
    body = record["body"]
    mark = re.search('boundary="([^"]+)"', body)
    if mark:
        body = body.replace(mark[1], "")
    body = re.sub(r"(?m)^(Date|Message-ID): .*\r\n(?!\s)", r"\1\r\n", body, 2)
    return record["from"], tuple(record["to"]), body


class Sent:
    """How `thrum bulk` ended."""

    def __init__(self, status, out, errors):
        self.status = status
        self.errors = errors
        self.totals = json.loads(out) if out else {}

    def __getattr__(self, name):
        return self.totals[name]

    def codes(self):
        """How many failed with which code."""
        codes = collections.Counter()
        for each in self.failures:
            codes[each["code"]] += each["count"]
        return dict(codes)

    def told(self):
        """What a person or a program is told went wrong."""
        return self.errors + "\n".join(
            each["text"] for each in self.totals.get("failures", []))


class ServerTest(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        made = tempfile.TemporaryDirectory(prefix="thrum-servers-")
        self.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)

    # --- servers ------------------------------------------------------------

    def start(self, command, port, **how):
        """Starts a program and waits until it answers at a port."""
        with open(self.folder / "server.log", "ab") as log:
            program = subprocess.Popen(
                [str(each) for each in command], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, **how)
        atexit.register(self.stop, program)
        self.addCleanup(self.stop, program)
        self.await_port(port, lambda: program.poll() is None)
        return program

    def await_port(self, port, is_alive):
        until = time.monotonic() + PATIENCE
        while is_alive() and time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.02)
        self.fail("no server at port %d: %s" % (port, self.log()))

    def log(self):
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    @staticmethod
    def stop(program):
        if program.poll() is None:
            program.terminate()
        try:
            program.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()

    # --- a campaign ---------------------------------------------------------

    def people(self, count):
        path = self.folder / ("people-%d.csv" % count)
        if not path.exists():
            make_people.write(path, count)
        return path

    def start_bulk(self, port, count, *options):
        return subprocess.Popen(
            [THRUM, "bulk", "--json", "--from", FROM, "--subject", SUBJECT,
             "--header", "%s: %s" % HEADERS[0],
             "--envelope-from", ENVELOPE_FROM,
             "--text", DEMO / "letter.txt", "--html", DEMO / "letter.html",
             "--to", self.people(count),
             "--via", server_url(port), *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def end_bulk(self, process, count):
        """Waits for it; the totals always add up."""
        try:
            out, errors = process.communicate(timeout=2 * PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            self.fail("thrum bulk hangs: %s" % (process.communicate(),))
        sent = Sent(process.returncode, out, errors)
        self.assertNotEqual(sent.totals, {}, errors)
        self.assertEqual(sent.total, count, errors)
        self.assertEqual(sum(sent.totals[state] for state in STATES), count)
        return sent

    def bulk(self, port, count, *options):
        """Sends to `count` people."""
        return self.end_bulk(self.start_bulk(port, count, *options), count)

    def campaign(self, count):
        return letters.Campaign(
            self.people(count), FROM, SUBJECT,
            verify.read_text(DEMO / "letter.txt"),
            verify.read_text(DEMO / "letter.html"), HEADERS, ENVELOPE_FROM)

    def assert_letters(self, count, records):
        """Each record is a letter of the campaign, as it should be, to the
        email package too, and nobody has two. Returns who got one."""
        campaign = self.campaign(count)
        got, ids = set(), set()
        for record in records:
            try:
                index, message_id = self.judge(campaign, record)
            except letters.Wrong as why:
                self.fail("%s: %s" % (record["to"], why))
            address = campaign.rows[index][campaign.address]
            self.assertNotIn(address, got, "somebody got two letters")
            self.assertNotIn(message_id, ids, "one Message-ID, two letters")
            got.add(address)
            ids.add(message_id)
        return got

    judged = {}

    def judge(self, campaign, record):
        """The row it is for, and its Message-ID. Of letters that differ in
        Date, Message-ID and boundary alone one is read, for all modes."""
        key = (len(campaign.rows), *essence(record))
        if key not in self.judged:
            self.judged[key] = verify.compare_one(campaign, record, 0)[0]
        ids = re.findall(r"\r\nMessage-ID: (<\S+>)\r\n", record["body"])
        return self.judged[key], ids[0]

    def assert_all_delivered(self, count, sent, records):
        self.assertEqual(sent.status, 0, sent.errors)
        self.assertEqual(sent.accepted, count)
        self.assertEqual(len(self.assert_letters(count, records)), count)

    def in_every_mode(self, check):
        for name, options in MODES.items():
            with self.subTest(name):
                check(options)


main = unit.main
