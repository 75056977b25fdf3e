# SPDX-License-Identifier: MIT
"""Counts what the tests of some build folders gave, by one rule.

A test program that prints check's line "N%: Checks: N, Failures: N, Errors: N"
counts as so many tests; one that prints none counts as one. A program that
fails without a failure of its own (it crashed, or left something behind) counts
as one failed. Each line "SKIP: reason" is one skipped; one that tests/skips
does not list, and a skip without a reason, count as failed. A make target that
failed although no test did is one failed as well.

The last line is "N passed, N failed, N skipped"; the status is 0 when none
failed.
"""
import argparse
import os
import re
import sys

CHECKS = re.compile(
    r'^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)$', re.M)
SKIP = re.compile(r'^SKIP: (.*)$', re.M)
RESULT = re.compile(r'^:test-result: (\w+)', re.M)


def read(path):
    """The text of a file; a log may hold any bytes, or be missing."""
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''


class Count:
    """What was passed, failed and skipped so far."""

    def __init__(self, allowed):
        self.allowed = allowed
        self.passed = 0
        self.failed = []
        self.skipped = []

    def skip(self, where, name, reason):
        """One test was skipped; whether it may be is looked up."""
        line = f'{name}: {reason}'
        whole = f'{where}/{line}'
        # `where` is a build folder, or a folder of tests within one.
        if line in self.allowed or whole in self.allowed:
            self.skipped.append(whole)
        else:
            self.failed.append(f'{whole} (a skip tests/skips lacks)')

    def program(self, where, name, result, log):
        """One test program, its result for the harness and its log."""
        found = [tuple(map(int, each)) for each in CHECKS.findall(log)]
        checks = sum(each[0] for each in found)
        bad = sum(each[1] + each[2] for each in found)
        reasons = SKIP.findall(log)
        if result == 'SKIP' and not reasons:
            reasons = ['without a reason']
        for reason in reasons:
            self.skip(where, name, reason)
        if result == 'SKIP':
            return
        self.passed += max(0, checks - bad)
        if result not in ('PASS', 'XFAIL'):
            self.failed += [f'{where}/{name}'] * max(1, bad)
        elif not found:
            self.passed += 1
        elif checks == 0 and not reasons:
            self.failed.append(f'{where}/{name} (it ran no test)')

    def folder(self, where):
        """All test programs that left a result below a build folder."""
        count = 0
        for folder, folders, names in sorted(os.walk(where)):
            folders.sort()
            for name in sorted(names):
                if not name.endswith('.trs'):
                    continue
                path = os.path.join(folder, name)
                results = RESULT.findall(read(path)) or ['ERROR']
                worst = 'PASS' if set(results) <= {'PASS'} else \
                    next(each for each in results if each != 'PASS')
                self.program(where, os.path.relpath(path, where)[:-4], worst,
                             read(path[:-4] + '.log'))
                count += 1
        if count == 0:
            self.failed.append(f'{where} (no test was run)')

    def step(self, text):
        """A make target's status, as FOLDER:TARGET=STATUS."""
        name, _, status = text.rpartition('=')
        where = name.partition(':')[0]
        told = any(each.startswith((where + '/', where + ' '))
                   for each in self.failed)
        if status != '0' and not told:
            self.failed.append(f'{name} (status {status})')


def allowed_skips(path):
    """The lines of tests/skips."""
    return {line for line in read(path).splitlines()
            if line and not line.startswith('#')}


def main(arguments):
    """The program; answers its exit status."""
    parser = argparse.ArgumentParser(description='Counts test results.')
    parser.add_argument('--skips', default='tests/skips')
    parser.add_argument('--step', action='append', default=[])
    parser.add_argument('folders', nargs='+')
    options = parser.parse_args(arguments)
    count = Count(allowed_skips(options.skips))
    for where in options.folders:
        count.folder(where)
    for text in options.step:
        count.step(text)
    for line in count.skipped:
        print('skipped:', line)
    for line in count.failed:
        print('failed:', line)
    print(f'{count.passed} passed, {len(count.failed)} failed, '
          f'{len(count.skipped)} skipped')
    return 1 if count.failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
