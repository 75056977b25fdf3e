# SPDX-License-Identifier: MIT
"""The tables of test_memory_table and test_null name every public function that
they are for."""
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
NULL_PROGRAM = os.path.join(unit.top_builddir, 'tests', 'deferred', 'test_null')
INCLUDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..',
                       'include', 'thrum')
DECLARED = re.compile(r'^(?:THRUM_API|static inline)\b[^;{]*?\b(thrum_\w+)\(',
                      re.M)


# One that is given a Deferred, or Deferreds, or a task.
TAKING = re.compile(r'^(?:THRUM_API|static inline)\b[^;{]*?\b(thrum_\w+)\('
                    r'[^;{]*?\bthrum_(?:deferred|task) \*[^;{]*?\)\s*[;{]',
                    re.M)
ENDING = re.compile(r'_(?:free|unref|finish_at)$|_pause_end$')


def code(header):
    """A header without its comments."""
    with open(os.path.join(INCLUDE, header + '.h'), encoding='utf-8') as file:
        return re.sub(r'/\*.*?\*/', '', file.read(), flags=re.S)


def declared(header):
    """The functions of a header, those in line as well."""
    return set(DECLARED.findall(code(header)))


def null_has_meaning(header):
    """Those of them to which NULL may be given, by the general rules."""
    return set(TAKING.findall(code(header))) | {
        name for name in declared(header) if ENDING.search(name)}


def listed(program):
    """The rows of a table."""
    return subprocess.run([program, '--list'], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.split()


class Table(unittest.TestCase):
    def test_each_function_of_the_floor_has_its_row(self):
        functions = set().union(*map(declared, HEADERS))
        self.assertGreater(len(functions), 80)
        self.assertEqual(sorted(listed(PROGRAM)), sorted(functions))

    def test_each_to_which_null_may_be_given_gets_it(self):
        functions = set().union(*map(null_has_meaning,
                                     HEADERS + ['context', 'failure',
                                                'outcome']))
        self.assertGreater(len(functions), 35)
        self.assertEqual(sorted(listed(NULL_PROGRAM)), sorted(functions))

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
