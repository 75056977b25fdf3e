# SPDX-License-Identifier: MIT
"""`thrum bulk` to a sink that does wrong, in each mode: nobody gets two
letters, nobody is called accepted whom the sink did not take, and the exit
status is the one that is due."""
import campaign
from relay import PATIENCE

PEOPLE = 60
# The sink's options and the command's, for each way of sending.
MODES = {'lockstep': ((), ('--no-pipelining',)),
         'across': ((), ('--window', '1')),
         'chunked': (('--chunking',), ()),
         'alone': (('--no-pipelining',), ())}


class Faults(campaign.Test):
    def meet(self, fault, mode, more=()):
        """Sends to a sink with a fault; answers how it ended."""
        self.people(PEOPLE)
        theirs, ours = MODES[mode]
        via, messages = self.sink(*theirs, *fault)
        done = self.bulk('--via', via, '--connections', '3', *ours, *more,
                         timeout=PATIENCE)
        counts = done.counts()
        came = [each['to'][0] for each in messages()]
        self.assertEqual(sum(counts.values()), PEOPLE)
        self.assertEqual(len(came), len(set(came)), 'somebody got two')
        self.assertLessEqual(counts.get('accepted', 0), len(came))
        self.assertLessEqual(len(came), counts.get('accepted', 0) +
                             counts.get('in_doubt', 0))
        return done, counts

    def each(self, faults, check):
        for mode in MODES:
            for fault in faults:
                with self.subTest(mode, fault=fault):
                    option, what = fault.split()
                    if mode == 'chunked':
                        what = what.replace('DATA', 'BDAT')
                    check(*self.meet((option, what), mode))

    def test_a_server_that_takes_nobody_s_mail_is_reached_in_vain(self):
        def check(done, counts):
            self.assertEqual((done.status, counts), (69, {'failed': PEOPLE}),
                             done.errors)
        self.each(('--reply CONNECT:554', '--reply CONNECT:421',
                   '--reply EHLO:421', '--drop CONNECT', '--drop EHLO'), check)

    def test_refusals_are_counted(self):
        def check(done, counts):
            self.assertEqual((done.status, counts), (
                1, {'accepted': PEOPLE - PEOPLE // 5, 'failed': PEOPLE // 5}),
                done.errors)
            self.assertEqual(sum(kind['count'] for kind in
                                 done.totals()['failures']), PEOPLE // 5)
        self.each(('--reply RCPT:550:1/5', '--reply RCPT:451:1/5',
                   '--reply MAIL:451:1/5', '--reply DATA:451:1/5',
                   '--reply .:554:1/5', '--reply .:451:1/5'), check)

    def test_a_connection_that_is_lost_loses_nobody(self):
        def check(done, counts):
            self.assertIn(done.status, (0, 1), done.errors)
            self.assertEqual(done.status == 0,
                             counts == {'accepted': PEOPLE}, done.errors)
            self.assertEqual(done.errors.count(': in doubt: '),
                             counts.get('in_doubt', 0))
        self.each(('--drop MAIL:1/7', '--drop RCPT:1/7', '--drop DATA:1/7',
                   '--drop .:1/7', '--drop QUIT', '--reply MAIL:421:1/7',
                   '--reply RCPT:421:1/7', '--reply .:421:1/7'), check)

    def test_what_is_sent_to_its_end_is_in_doubt_when_the_end_is_dropped(self):
        for mode in MODES:
            with self.subTest(mode):
                done, counts = self.meet(('--drop', '.:1/60'), mode)
                self.assertEqual(done.status, 1, done.errors)
                self.assertGreaterEqual(counts['in_doubt'], 1)
                # What one connection has in flight, at most.
                self.assertLessEqual(counts['in_doubt'],
                                     4 if mode == 'chunked' else 1)

    def test_a_server_that_knows_helo_alone_is_sent_to_in_lockstep(self):
        done, counts = self.meet(('--reply', 'EHLO:502'), 'across')
        self.assertEqual((done.status, counts), (0, {'accepted': PEOPLE}),
                         done.errors)
        done, counts = self.meet(('--reply', 'EHLO:502'), 'across',
                                 ('--tls', 'required'))
        self.assertEqual((done.status, counts), (69, {'failed': PEOPLE}),
                         done.errors)

    def test_a_slow_server_is_waited_for(self):
        for mode in MODES:
            done, counts = self.meet(('--delay', '.:1', '--delay', 'MAIL:1'),
                                     mode)
            self.assertEqual((done.status, counts), (0, {'accepted': PEOPLE}),
                             done.errors)


if __name__ == '__main__':
    campaign.main()
