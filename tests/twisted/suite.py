# SPDX-License-Identifier: MIT
"""suite.py: runs Twisted's tests of defer and task with libthrum beneath, and
prints one JSON line a test: its id, what became of it, and why."""
import gc
import json
import os
import sys
import traceback
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# Before anything of Twisted has taken names from these two.
from twisted.internet import defer, task  # noqa: E402
import bound_defer  # noqa: E402
import bound_task  # noqa: E402

MODULES = (
    "twisted.test.test_defer",
    "twisted.test.test_defgen",
    "twisted.test.test_task",
    "twisted.test.test_cooperator",
    "twisted.internet.test.test_defer_await",
    "twisted.internet.test.test_defer_yieldfrom",
    "twisted.internet.test.test_inlinecb",
)


def bind(module, bound):
    """Puts our names in place of Twisted's, wherever they are known."""
    for name in bound.NAMES:
        old, new = getattr(module, name), getattr(bound, name)
        for each in list(sys.modules.values()):
            if getattr(each, "__name__", "").startswith("twisted."):
                for known, thing in list(vars(each).items()):
                    if thing is old:
                        setattr(each, known, new)


def words(error):
    """Why a test failed: unittest gives a triple, trial a Failure."""
    if isinstance(error, tuple):
        return "".join(traceback.format_exception(*error))
    return error.getTraceback()


class Report(unittest.TestResult):
    def told(self, test, what, why=""):
        print(json.dumps([test.id(), what, why]), flush=True)

    def startTest(self, test):
        super().startTest(test)
        self.bad = None

    def addError(self, test, err):
        self.bad = (self.bad or "") + words(err)

    addFailure = addError

    def addSkip(self, test, reason):
        self.told(test, "skipped", str(reason))
        self.bad = ""

    def addExpectedFailure(self, test, *_):
        pass

    def stopTest(self, test):
        super().stopTest(test)
        gc.collect()  # a failure that it left is not the next one's
        if self.bad is None:
            self.told(test, "passed")
        elif self.bad:
            self.told(test, "failed", self.bad)


def main(names):
    bind(defer, bound_defer)
    if "--twisted-clock" in names:
        names.remove("--twisted-clock")
        bound_task.NAMES.remove("Clock")
    bind(task, bound_task)
    from twisted.trial.runner import TestLoader
    TestLoader().loadByNames(names or MODULES).run(Report())
    print(json.dumps(["the end", "", ""]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
