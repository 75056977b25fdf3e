# SPDX-License-Identifier: MIT
"""The demonstration's judge can fail, and its list holds what it should."""
import csv
import io
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, 'support'))
import unit  # noqa: E402 pylint: disable=wrong-import-position

DEMO = os.path.join(unit.top_srcdir, 'examples', 'demo')


def people(count):
    told = subprocess.run(
        [sys.executable, '-B', os.path.join(DEMO, 'make_people.py'),
         str(count)], capture_output=True, check=True).stdout
    return list(csv.DictReader(io.StringIO(told.decode(), newline='')))


class Demo(unittest.TestCase):
    def test_every_alteration_of_a_letter_is_noticed(self):
        told = subprocess.run(
            [sys.executable, '-B', os.path.join(DEMO, 'verify.py'),
             '--self-test'], capture_output=True, text=True, check=False)
        self.assertEqual((told.returncode, told.stderr), (0, ''), told.stdout)

    def test_the_list_has_everybody_once_and_no_empty_field(self):
        rows = people(5000)
        self.assertEqual(len({row['email'] for row in rows}), 5000)
        self.assertTrue(all(all(row.values()) for row in rows))

    def test_the_list_holds_what_mail_programs_get_wrong(self):
        rows = people(5000)
        names = ''.join(row['name'] for row in rows)
        for hard in '"', "'", ',', 'ü', '<b>', '&', '😀', '=?', '{{', '\\':
            self.assertIn(hard, names)
        for line_break in '\r\n.\r\n', '\n.', '\n\t':
            self.assertTrue(any(line_break in row['note'] for row in rows))
        self.assertTrue(any(row['name'].startswith('.') for row in rows))
        self.assertGreater(max(len(row['name']) for row in rows), 998)
        self.assertFalse(any(set('\r\n\0') & set(row['name'] + row['city'])
                             for row in rows))


class Run(unittest.TestCase):
    def run_demo(self, *given, **more):
        """Everything of it is in a folder of its own, which must be empty
        in the end."""
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, '-B', os.path.join(DEMO, 'run'), *given],
                env=dict(os.environ, TMPDIR=folder, **more), text=True,
                capture_output=True, timeout=300, check=False)
            self.assertEqual(os.listdir(folder), [])
        return done

    def test_a_campaign_to_a_few_is_sent_and_compared(self):
        done = self.run_demo('--count', '3000', unit.top_builddir)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertTrue(done.stdout.endswith(
            '\n3,000 letters compared, 0 differ\n'), done.stdout)
        self.assertIn('good morning!', done.stdout)
        self.assertIn('3000', done.stderr)

    def test_without_the_program_it_fails(self):
        done = self.run_demo('/nonexistent')
        self.assertNotEqual(done.returncode, 0)


if __name__ == '__main__':
    unit.main()
