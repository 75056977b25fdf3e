# SPDX-License-Identifier: MIT
"""unittest for tests in Python, with the closing line that check's programs
print, so that tests/support/count.py counts both by one rule."""
import os
import sys
import unittest

_here = os.path.dirname(os.path.abspath(__file__))
top_srcdir = os.environ.get('top_srcdir') or os.path.dirname(
    os.path.dirname(_here))
top_builddir = os.environ.get('top_builddir') or top_srcdir


def main():
    """Runs the tests of the program; its status is 77 when all skip."""
    result = unittest.main(exit=False, verbosity=2).result
    sys.stderr.flush()
    for _, reason in result.skipped:
        print('SKIP:', reason)
    # A class that is skipped is one skip, and no test of it was begun.
    ran = result.testsRun - sum(isinstance(each, unittest.TestCase)
                                for each, _ in result.skipped)
    failures = len(result.failures) + len(result.unexpectedSuccesses)
    errors = len(result.errors)
    bad = failures + errors
    if ran == 0 and bad == 0:
        sys.exit(77 if result.skipped else 'no test was run')
    share = 100 * max(0, ran - bad) // max(1, ran)
    print(f'{share}%: Checks: {ran}, Failures: {failures}, Errors: {errors}')
    sys.exit(0 if bad == 0 else 1)
