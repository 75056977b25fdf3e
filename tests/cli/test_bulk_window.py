# SPDX-License-Identifier: MIT
"""How many messages `thrum bulk` has in flight on a connection."""
import campaign
import relay


class Windows(relay.Test):
    OFFERS = ('PIPELINING', 'CHUNKING')

    def sends(self, *options, people=12, offers=OFFERS, **more):
        self.people(people)
        with relay.Relay(plain=offers, leaf=None, **more) as server:
            done = self.through(server.via(), '--connections', '1', *options)
        self.assertEqual((done.status, done.counts()),
                         (0, {'accepted': people}), done.errors)
        return set(server.commands) & {'DATA', 'BDAT'}

    def test_so_many_messages_are_in_flight_with_chunking(self):
        """The server answers to none before it has them all."""
        for options, holds in (((), 4), (('--window', '2'), 2),
                               (('--window', '12'), 12)):
            with self.subTest(options):
                self.assertEqual(self.sends(*options, holds=holds), {'BDAT'})

    def test_a_large_window_is_filled(self):
        self.assertEqual(self.sends('--window', '500', people=1000, holds=500),
                         {'BDAT'})

    def test_no_more_are_in_doubt_than_were_in_flight(self):
        for window, holds, ends in ((4, 1, 6), (4, 4, 8), (9, 9, 18)):
            self.people(36)
            with self.subTest(window=window, holds=holds), relay.Relay(
                    plain=self.OFFERS, leaf=None, holds=holds,
                    ends=ends) as server:
                done = self.through(server.via(), '--connections', '1',
                                    '--window', str(window))
            counts = done.counts()
            self.assertEqual(done.status, 1, done.errors)
            self.assertEqual(set(counts), {'accepted', 'in_doubt'})
            self.assertLessEqual(counts['in_doubt'], window)
            self.assertEqual(done.errors.count(': in doubt: '),
                             counts['in_doubt'])

    def test_a_window_of_one_is_none(self):
        self.assertEqual(self.sends('--window', '1'), {'DATA'})

    def test_without_pipelining_there_is_no_window(self):
        self.assertEqual(self.sends('--no-pipelining'), {'DATA'})
        self.assertEqual(self.sends('--no-pipelining', '--window', '1'),
                         {'DATA'})

    def test_without_chunking_there_is_no_window(self):
        self.assertEqual(self.sends('--window', '8', offers=('PIPELINING',)),
                         {'DATA'})


if __name__ == '__main__':
    campaign.main()
