# SPDX-License-Identifier: MIT
"""What a message costs `thrum bulk`: instructions, system calls and memory.
A campaign is run twice, the second time with more people, and the difference
is what those cost; no clock is asked."""
import os
import re
import shutil
import subprocess
import unittest

import campaign

LIBTOOL = os.path.join(campaign.unit.top_builddir, 'libtool')
LINE = 'The quick brown fox jumps over the lazy dog and back again.\n'
# Three slots, with that of the subject.
LETTER = 'Dear {{name}},\n\nyour town is {{city}}.\n\n'


class Cost(campaign.Test):
    def setUp(self):
        super().setUp()
        lines = (1536 - len(LETTER)) // len(LINE)
        self.letter = self.write('letter.txt', LETTER + LINE * lines)

    def people(self, count, name='people.csv'):
        """As most lists are; about 55 bytes a row."""
        with open(self.folder / name, 'w', encoding='ascii') as out:
            out.write('email,name,city,seat\n')
            out.writelines(f'person{i}@example.org,Person {i},Utrecht,'
                           f'{i % 977}\n' for i in range(count))

    def run_under(self, tool, count, via):
        """Runs a campaign to so many under a tool; answers what that said."""
        self.people(count)
        done = subprocess.run(
            [LIBTOOL, '--mode=execute', *tool,
             *self.command('--via', via, '--json')],
            capture_output=True, check=False)
        ended = campaign.Ended(done.returncode, done.stdout, done.stderr)
        self.assertEqual(ended.counts(), {'accepted': count}, ended.errors)
        return ended

    def a_message(self, measure):
        """What each of 2,000 more costs."""
        return (measure(4000) - measure(2000)) / 2000


class Instructions(Cost):
    @unittest.skipUnless(shutil.which('valgrind'), 'valgrind is not installed')
    def test_a_message_takes_at_most_6000_user_instructions(self):
        via, _ = self.sink()

        def measure(count):
            done = self.run_under(
                ['valgrind', '--tool=callgrind', '--callgrind-out-file='
                 + str(self.folder / 'callgrind')], count, via)
            return int(re.search(r'Collected : (\d+)', done.errors)[1])
        # A busy machine lets the sink answer late, and a message then takes
        # more turns of the loop: the load adds to the cost, it never takes
        # from it. So the least of three counts.
        costs = []
        while len(costs) < 3 and min(costs, default=6001) > 6000:
            costs.append(self.a_message(measure))
        print(', '.join(f'{cost:.0f}' for cost in costs),
              'instructions a message')
        self.assertLessEqual(min(costs), 6000)


class SystemCalls(Cost):
    @unittest.skipUnless(shutil.which('strace'), 'strace is not installed')
    def test_a_message_takes_at_most_six_system_calls(self):
        via, _ = self.sink()
        trace = self.folder / 'trace'

        def measure(count):
            self.run_under(['strace', '-f', '-o', str(trace)], count, via)
            with open(trace, encoding='utf-8', errors='replace') as lines:
                return sum('(' in line for line in lines)
        cost = self.a_message(measure)
        print(f'{cost:.2f} system calls a message')
        self.assertLessEqual(cost, 6)


class Memory(Cost):
    def most(self, count, *options):
        """The anonymous memory of a campaign to so many, in KiB."""
        self.people(count)
        done = self.bulk(*options)
        self.assertEqual(done.status, 0, done.errors)
        return done.totals()['rss_anon_max_kib']

    def test_it_does_not_grow_with_the_list(self):
        via, _ = self.sink()
        for options in (('--dry-run',), ('--via', via)):
            few = self.most(10000, *options)
            many = self.most(200000, *options)
            print(f'{few} KiB for 10,000, {many} KiB for 200,000')
            self.assertLessEqual(many, few + 1024)
            self.assertLessEqual(many, 12 * 1024)


if __name__ == '__main__':
    campaign.main()
