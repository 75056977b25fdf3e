# SPDX-License-Identifier: MIT
"""The table of test_memory_table names every public function of the floor."""
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'support'))
import unit

# The floor's headers; outcome.h only fills in structs.
HEADERS = ['clock', 'cooperator', 'debug', 'deferred', 'deferred_list', 'group',
           'looping_call', 'queue', 'results', 'semaphore', 'share',
           'test_clock']
PROGRAM = os.path.join(unit.top_builddir, 'tests', 'deferred',
                       'test_memory_table')
INCLUDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..',
                       'include', 'thrum')
DECLARED = re.compile(r'^(?:THRUM_API|static inline)\b[^;{]*?\b(thrum_\w+)\(',
                      re.M)


def declared(header):
    """The functions of a header, those in line as well."""
    with open(os.path.join(INCLUDE, header + '.h'), encoding='utf-8') as file:
        text = re.sub(r'/\*.*?\*/', '', file.read(), flags=re.S)
    return set(DECLARED.findall(text))


class Table(unittest.TestCase):
    def setUp(self):
        self.rows = subprocess.run([PROGRAM, '--list'], check=True, text=True,
                                   stdout=subprocess.PIPE).stdout.split()

    def test_each_function_of_the_floor_has_its_row(self):
        functions = set().union(*map(declared, HEADERS))
        self.assertGreater(len(functions), 80)
        self.assertEqual(sorted(self.rows), sorted(functions))

    def test_the_headers_are_those_that_the_floor_includes(self):
        """One that is public, and that only this floor's files open with."""
        floor = os.path.join(INCLUDE, '..', '..', 'deferred')
        used = set()
        for name in os.listdir(floor):
            if name.endswith(('.c', '.h')):
                with open(os.path.join(floor, name), encoding='utf-8') as file:
                    used |= set(re.findall(r'#include <thrum/(\w+)\.h>',
                                           file.read()))
        self.assertEqual(used - set(HEADERS), {'outcome'})


if __name__ == '__main__':
    unit.main()
