# SPDX-License-Identifier: MIT
"""What a message costs the client, from its Deferred to its receipt:
instructions of its own and system calls. bench/smtp_send.c sends one small
letter many times; what its composing costs, which is little, is in here."""
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
INSTRUCTIONS = 4500
CALLS = 4
FEW, MANY = 2000, 4000


class Client(unittest.TestCase):
    def sink(self, *options):
        """The URL of a sink."""
        process = subprocess.Popen(
            [THRUM, 'sink', '--listen', '127.0.0.1:0', '--json', *options],
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

    def check_instructions(self, mode, via):
        least, all_of_them = cost.least(
            lambda: self.a_message(cost.instructions, mode, via), INSTRUCTIONS)
        print(mode, ', '.join(f'{each:.0f}' for each in all_of_them),
              'instructions a message')
        self.assertLessEqual(least, INSTRUCTIONS)

    def check_calls(self, mode, via):
        found = self.a_message(cost.system_calls, mode, via)
        print(f'{mode}: {found:.2f} system calls a message')
        self.assertLessEqual(found, CALLS)


@unittest.skipUnless(cost.has('valgrind'), 'valgrind is not installed')
class Instructions(Client):
    def test_across_messages(self):
        self.check_instructions('across', self.sink())

    def test_the_counting_counts(self):
        """Four exchanges are dearer than one."""
        one, four = (self.a_message(cost.instructions, mode, self.sink())
                     for mode in ('across', 'lockstep'))
        self.assertGreater(four, one)


@unittest.skipUnless(cost.has('strace'), 'strace is not installed')
class SystemCalls(Client):
    def test_across_messages(self):
        self.check_calls('across', self.sink())


if __name__ == '__main__':
    unit.main()
