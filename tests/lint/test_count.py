# SPDX-License-Identifier: MIT
"""tests/support/count.py, which says how many tests passed, misses nothing."""
import contextlib
import io
import os
import tempfile
import unittest

import lint
import unit
import count

CHECKS = '%d%%: Checks: %d, Failures: %d, Errors: %d\n'

# A program's result and log, and the closing line that they give.
PROGRAMS = (
    ('PASS', CHECKS % (100, 7, 0, 0), '7 passed, 0 failed, 0 skipped'),
    ('PASS', 'Running suite\n' + CHECKS % (100, 2, 0, 0)
     + CHECKS % (100, 3, 0, 0), '5 passed, 0 failed, 0 skipped'),
    ('PASS', 'of its own words\n', '1 passed, 0 failed, 0 skipped'),
    ('PASS', '', '1 passed, 0 failed, 0 skipped'),
    ('FAIL', CHECKS % (57, 7, 2, 1), '4 passed, 3 failed, 0 skipped'),
    ('FAIL', CHECKS % (100, 7, 0, 0), '7 passed, 1 failed, 0 skipped'),
    ('FAIL', 'Segmentation fault\n', '0 passed, 1 failed, 0 skipped'),
    ('ERROR', '', '0 passed, 1 failed, 0 skipped'),
    ('XPASS', '', '0 passed, 1 failed, 0 skipped'),
    ('PASS', CHECKS % (100, 0, 0, 0), '0 passed, 1 failed, 0 skipped'),
    ('SKIP', 'SKIP: no moon\n', '0 passed, 0 failed, 1 skipped'),
    ('PASS', 'SKIP: no moon\n' + CHECKS % (100, 2, 0, 0),
     '2 passed, 0 failed, 1 skipped'),
    ('SKIP', 'SKIP: no sun\n', '0 passed, 1 failed, 0 skipped'),
    ('SKIP', '', '0 passed, 1 failed, 0 skipped'),
    ('FAIL', 'SKIP: no moon\n', '0 passed, 1 failed, 1 skipped'),
)


class Count(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.top = made.name
        self.write('skips', '# allowed\ntests/a: no moon\n')

    def write(self, name, text):
        path = os.path.join(self.top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)

    def program(self, name, result, log):
        self.write(name + '.trs', f':test-result: {result}\n')
        self.write(name + '.log', log)

    def told(self, *arguments):
        """The last line and the status, from within the folder."""
        out = io.StringIO()
        before = os.getcwd()
        os.chdir(self.top)
        try:
            with contextlib.redirect_stdout(out):
                status = count.main(['--skips', 'skips', *arguments])
        finally:
            os.chdir(before)
        return out.getvalue().splitlines()[-1], status

    def test_each_kind_of_program_is_counted(self):
        for result, log, line in PROGRAMS:
            with self.subTest(result, log=log):
                self.program('build/tests/a', result, log)
                status = 0 if ' 0 failed' in line else 1
                self.assertEqual(self.told('build'), (line, status))

    def test_a_skip_is_known_from_a_folder_within_as_well(self):
        self.program('tests/a', 'SKIP', 'SKIP: no moon\n')
        self.assertEqual(self.told('tests'),
                         ('0 passed, 0 failed, 1 skipped', 0))

    def test_the_programs_of_all_folders_are_added(self):
        self.program('build/tests/a', 'PASS', CHECKS % (100, 7, 0, 0))
        self.program('build/tests/b/c', 'PASS', '')
        self.program('other/tests/a', 'FAIL', '')
        self.assertEqual(self.told('build', 'other'),
                         ('8 passed, 1 failed, 0 skipped', 1))

    def test_a_folder_without_results_is_a_failure(self):
        self.assertEqual(self.told('build'),
                         ('0 passed, 1 failed, 0 skipped', 1))

    def test_a_target_that_fails_by_itself_is_a_failure(self):
        self.program('build/tests/a', 'PASS', '')
        self.assertEqual(self.told('--step', 'build:check=0', 'build'),
                         ('1 passed, 0 failed, 0 skipped', 0))
        self.assertEqual(self.told('--step', 'build:check=2', 'build'),
                         ('1 passed, 1 failed, 0 skipped', 1))

    def test_a_target_that_fails_with_its_test_is_counted_once(self):
        self.program('build/tests/a', 'FAIL', '')
        for where in ('build', 'build/tests'):
            with self.subTest(where):
                self.assertEqual(
                    self.told('--step', where + ':check=2', where),
                    ('0 passed, 1 failed, 0 skipped', 1))


class Skips(unittest.TestCase):
    def test_every_line_names_a_test_that_is_there_and_a_reason(self):
        listed = count.allowed_skips(
            os.path.join(unit.top_srcdir, 'tests/skips'))
        tests = lint.read('Makefile.am') + ''.join(
            lint.read(name) for name in lint.files('.am', under=('tests',)))
        for line in listed:
            with self.subTest(line):
                name, _, reason = line.partition(': ')
                self.assertIn(name, tests)
                self.assertGreater(len(reason), 10)


if __name__ == '__main__':
    unit.main()
