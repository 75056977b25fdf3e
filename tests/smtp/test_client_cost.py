# SPDX-License-Identifier: MIT
"""What a message costs session and client, from its Deferred to its receipt:
instructions of their own and system calls. bench/smtp_send.c sends one small
letter many times; what its composing takes is counted apart and taken off."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, 'support'))
import unit  # noqa: E402 pylint: disable=wrong-import-position
import cost  # noqa: E402 pylint: disable=wrong-import-position

THRUM = os.path.join(unit.top_builddir, 'thrum')
SEND = os.path.join(unit.top_builddir, 'bench', 'smtp_send')
INSTRUCTIONS = 4000
CALLS = 4
FEW, MANY = 2000, 4000


class Client(unittest.TestCase):
    def sink(self):
        """The URL of a sink that takes BDAT, too."""
        process = subprocess.Popen(
            [THRUM, 'sink', '--listen', '127.0.0.1:0', '--json', '--chunking'],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        port = process.stderr.readline().rsplit(':', 1)[1].strip()
        return f'smtp://127.0.0.1:{port}'

    def a_message(self, count_by, mode, via):
        """What each of 2,000 more costs, counted by a function of `cost`."""
        def measure(count):
            counted, done = count_by([SEND, '-m', mode, via, str(count)])
            told = json.loads(done.stdout)
            self.assertEqual(told['accepted'], count, done.stderr)
            return counted
        return cost.once_more(measure, FEW, MANY)


@unittest.skipUnless(cost.has('valgrind'), 'valgrind is not installed')
class Instructions(Client):
    def composing(self, via):
        """What it takes to make a message and free it."""
        def measure(count):
            counted, done = cost.instructions([SEND, '-n', via, str(count)])
            self.assertEqual(json.loads(done.stdout)['accepted'], 0)
            return counted
        return cost.once_more(measure, FEW, MANY)

    def check(self, mode):
        via = self.sink()
        composing = self.composing(via)
        least, all_of_them = cost.least(
            lambda: self.a_message(cost.instructions, mode, via) - composing,
            INSTRUCTIONS)
        print(f'{mode}:', ', '.join(f'{each:.0f}' for each in all_of_them),
              f'instructions a message, and {composing:.0f} to compose it')
        self.assertLessEqual(least, INSTRUCTIONS)

    def test_across_messages(self):
        self.check('across')

    def test_chunked(self):
        self.check('chunked')

    def test_the_counting_counts(self):
        """Four exchanges are dearer than one."""
        via = self.sink()
        one, four = (self.a_message(cost.instructions, mode, via)
                     for mode in ('across', 'lockstep'))
        self.assertGreater(four, one)
        self.assertGreater(self.composing(via), 100)


@unittest.skipUnless(cost.has('strace'), 'strace is not installed')
class SystemCalls(Client):
    def check(self, mode):
        found = self.a_message(cost.system_calls, mode, self.sink())
        print(f'{mode}: {found:.2f} system calls a message')
        self.assertLessEqual(found, CALLS)

    def test_across_messages(self):
        self.check('across')

    def test_chunked(self):
        self.check('chunked')


if __name__ == '__main__':
    unit.main()
