# SPDX-License-Identifier: MIT
"""What a message costs `thrum bulk`: instructions, system calls and memory.
A campaign is run twice, the second time with more people, and the difference
is what those cost; no clock is asked."""
import unittest

import campaign
import cost  # of tests/support: campaign has shown the way

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

    def a_message(self, count_by, via):
        """What each of 2,000 more costs, counted by a function of `cost`."""
        def measure(count):
            self.people(count)
            counted, done = count_by(self.command('--via', via, '--json'))
            ended = campaign.Ended(done.returncode, done.stdout, done.stderr)
            self.assertEqual(ended.counts(), {'accepted': count}, ended.errors)
            return counted
        return cost.once_more(measure, 2000, 4000)


class Instructions(Cost):
    @unittest.skipUnless(cost.has('valgrind'), 'valgrind is not installed')
    def test_a_message_takes_at_most_6000_user_instructions(self):
        via, _ = self.sink()
        least, all_of_them = cost.least(
            lambda: self.a_message(cost.instructions, via), 6000)
        print(', '.join(f'{each:.0f}' for each in all_of_them),
              'instructions a message')
        self.assertLessEqual(least, 6000)


class SystemCalls(Cost):
    @unittest.skipUnless(cost.has('strace'), 'strace is not installed')
    def test_a_message_takes_at_most_six_system_calls(self):
        via, _ = self.sink()
        found = self.a_message(cost.system_calls, via)
        print(f'{found:.2f} system calls a message')
        self.assertLessEqual(found, 6)


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
