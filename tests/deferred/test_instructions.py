# SPDX-License-Identifier: MIT
"""What the hot paths may cost, in instructions: the same on every machine."""
import os
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'support'))
import unit

COST = os.path.join(unit.top_builddir, 'tests', 'deferred', 'cost')

# What bench/deferred.c does: 5 % above what was reached.
MOST = {
    'deferred': 254,
    'wait': 545,
    'member': 205,
    'element': 368,
    'chain': 442,
    'explicit': 544,
    'step': 31,
    'each': 590,
}


def sanitized():
    """Whether the program was built with a sanitizer."""
    with open(COST, 'rb') as file:
        return b'__asan_init' in file.read()


def collected(what, count):
    """Instructions of a whole run that does something `count` times."""
    done = subprocess.run(
        ['valgrind', '--tool=callgrind', '--callgrind-out-file=/dev/null',
         COST, what, str(count)],
        check=True, text=True, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL)
    return int(re.search(r'Collected : (\d+)', done.stderr).group(1))


def instructions(what):
    """Of doing it once more."""
    return (collected(what, 44000) - collected(what, 4000)) / 40000


@unittest.skipIf(shutil.which('valgrind') is None, 'valgrind is not installed')
class Instructions(unittest.TestCase):
    def setUp(self):
        if sanitized():
            self.skipTest('sanitizers add instructions of their own')

    def test_no_path_takes_more_than_it_did(self):
        for what, most in MOST.items():
            with self.subTest(what):
                self.assertLessEqual(instructions(what), most)

    def test_the_counting_counts(self):
        self.assertGreater(instructions('malloc'), 20)
        self.assertGreater(instructions('deferred'), instructions('malloc'))


if __name__ == '__main__':
    unit.main()
