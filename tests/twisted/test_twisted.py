# SPDX-License-Identifier: MIT
"""Twisted's own tests of defer and task, with libthrum beneath them: each case
passes, but for those that named.txt lists, each under a row of
docs/from-twisted.md.

Those of the tests that move a clock run a second time, on Twisted's own Clock:
there the cases pass that are named only for what thrum's clock does."""
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest

_here = os.path.dirname(os.path.abspath(__file__))
for _folder in ("support", "lint"):
    sys.path.insert(0, os.path.join(_here, "..", _folder))
import build  # noqa: E402
import lint  # noqa: E402
import unit  # noqa: E402

# Debian's packages are for Debian's Python, which may not be the first.
PYTHON = "/usr/bin/python3"
CLOCK_ROW = "Clock.advance sets the time"
ON_TWISTEDS_CLOCK = (
    "--twisted-clock", "twisted.test.test_task",
    "twisted.test.test_defer.DeferredAddTimeoutTests",
    "twisted.test.test_defer.DeferredFilesystemLockTests")
END = "the end"


def rows(text):
    """The first cells of all tables of a page."""
    cells = re.findall(r"^\| *(.*?) *\|", text, re.M)
    return {cell.replace("`", "") for cell in cells}


def named(text):
    """The row under which each case is listed."""
    row, found = None, {}
    for line in text.splitlines():
        if line.startswith("["):
            row = line[1:-1]
        elif line and not line.startswith("#"):
            found[line] = row
    return found


def verdict(outcome, row):
    """What is wrong with a case, or None."""
    what, why = outcome
    if what == "passed" and row is not None:
        return f"passes, though named.txt lists it under: {row}"
    if what == "failed" and row is None:
        return "fails, and named.txt does not list it:\n" + why
    if what == "missing":
        return "was not run"
    return None


class Case(unittest.TestCase):
    """A case of Twisted's, which was run."""

    def __init__(self, name, outcome, row):
        super().__init__("judge")
        self.name, self.outcome, self.row = name, outcome, row

    def __str__(self):
        return self.name

    id = __str__

    def judge(self):
        """It passes, or fails as its row says."""
        if self.outcome[0] == "skipped":
            self.skipTest(f"{self.name}: {self.outcome[1]}")
        wrong = verdict(self.outcome, self.row)
        if wrong is not None:
            self.fail(f"{self.name} {wrong}")


# An outcome, whether the case is listed, and whether that is right.
VERDICTS = (
    ("passed", None, True),
    ("passed", "a row", False),
    ("failed", None, False),
    ("failed", "a row", True),
    ("missing", None, False),
    ("missing", "a row", False),
)


class Judge(unittest.TestCase):
    def test_each_outcome(self):
        for what, row, right in VERDICTS:
            with self.subTest(what, row=row):
                self.assertEqual(verdict((what, ""), row) is None, right)

    def test_every_row_that_is_named_is_in_the_page(self):
        there = rows(lint.read("docs/from-twisted.md"))
        for row in set(named(lint.read("tests/twisted/named.txt")).values()):
            with self.subTest(row):
                self.assertIn(row, there)

    def test_a_row_is_known_by_its_first_cell(self):
        text = "text\n| `a`, `b` | c | d |\n|---|---|---|\n"
        self.assertIn("a, b", rows(text))
        self.assertNotIn("c", rows(text))


class Page(unittest.TestCase):
    """What docs/from-twisted.md says of the figures."""

    def __init__(self, count, listed, again):
        super().__init__("says_how_many")
        self.words = (f"{count} cases. {count - listed} pass. The other "
                      f"{listed} are", f"The {again} of them that")

    def says_how_many(self):
        """The figures are those of this run."""
        for words in self.words:
            self.assertIn(words, lint.read("docs/from-twisted.md"))


def installed():
    """Whether Twisted is there, and what the binding is written in."""
    done = subprocess.run([PYTHON, "-c", "import cffi, twisted.trial"],
                          capture_output=True, check=False)
    return done.returncode == 0


def sanitized():
    """Whether the library has a sanitizer that wants to be loaded first."""
    return any("address" in each for each in build.variable("SAN_CFLAGS"))


def runtime(compiler):
    """Its runtime, as a library that can be loaded first. None for clang, whose
    programs have their own within them; it would answer with that of gcc."""
    if "__clang__" in build.run(*compiler, "-dM", "-E", "-").stdout:
        return None
    name = build.run(*compiler, "-print-file-name=libasan.so").stdout.strip()
    return name if os.path.isabs(name) else None


def surroundings():
    """The environment of the Python that loads the library. A sanitizer's
    runtime has to come first; and Python leaves objects behind at its end."""
    more = {"CC": shlex.join(build.variable("CC")),
            "top_srcdir": unit.top_srcdir, "top_builddir": unit.top_builddir}
    if sanitized():
        more.update(LD_PRELOAD=runtime(build.variable("CC")),
                    PYTHONMALLOC="malloc", ASAN_OPTIONS="detect_leaks=0")
    return {**os.environ, **more}


def outcomes(*arguments):
    """What became of each case."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [PYTHON, "-B", os.path.join(_here, "suite.py"), *arguments],
            cwd=folder, env=surroundings(), capture_output=True, text=True,
            timeout=600, check=False)
    found = {name: (what, why) for name, what, why in
             map(json.loads, done.stdout.splitlines())}
    if done.returncode != 0 or found.pop(END, None) is None:
        found["the run"] = ("failed", f"status {done.returncode}\n"
                            + done.stderr[-4000:])
    return found


def cases():
    """Every case, on either clock."""
    listed = named(lint.read("tests/twisted/named.txt"))
    ours = outcomes()
    for name in sorted(ours.keys() | listed.keys()):
        yield Case(name, ours.get(name, ("missing", "")), listed.get(name))
    theirs = outcomes(*ON_TWISTEDS_CLOCK)
    for name, outcome in sorted(theirs.items()):
        row = listed.get(name)
        if row is not None and row.startswith(CLOCK_ROW):
            row = None
        yield Case(name + " on Twisted's clock", outcome, row)
    yield Page(len(ours), len(listed), len(theirs))


def reason():
    """Why the cases cannot be run, or None."""
    if not installed():
        return "python3-twisted or python3-cffi is not installed"
    if sanitized() and runtime(build.variable("CC")) is None:
        return "the compiler has no sanitizer that Python could load first"
    return None


class Absent(unittest.TestCase):
    def test_the_cases_can_be_run(self):
        self.skipTest(reason())


def load_tests(loader, tests, _pattern):
    """What unittest runs."""
    tests = unittest.TestSuite(loader.loadTestsFromTestCase(Judge))
    if reason() is None:
        tests.addTests(cases())
    else:
        tests.addTests(loader.loadTestsFromTestCase(Absent))
    return tests


if __name__ == "__main__":
    unit.main()
