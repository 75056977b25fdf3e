# SPDX-License-Identifier: MIT
"""What a message costs `thrum sink`: it is the peer that others are measured
with, so it is to take little itself. Counted as tests/support/cost.py says."""
import re
import tempfile
import unittest

from sink import OK, Client, Sink, unit
import cost  # of tests/support: sink has shown the way

WINDOW = 8
PEOPLE = (b'MAIL FROM:<bounces@news.example.org>\r\n'
          b'RCPT TO:<somebody@mail.example.net>\r\n')
WELCOME = b'250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n'
TEXT = (b'x' * 76 + b'\r\n') * 7


def send(client, count, text=TEXT):
    """So many messages by BDAT, a window of them with each write."""
    letter = PEOPLE + b'BDAT %d LAST\r\n' % len(text) + text
    for _ in range(count // WINDOW):
        client.ask(letter * WINDOW, (WELCOME + OK) * WINDOW)


def instructions(count, text=TEXT):
    """How many a sink takes for so many messages, its start and end too."""
    with tempfile.NamedTemporaryFile('r', encoding='utf-8') as log:
        under = [*cost.EXECUTE, 'valgrind', '--tool=callgrind',
                 '--callgrind-out-file=/dev/null', '--log-file=' + log.name]
        with Sink('--chunking', '--count', str(count), under=under) as sink:
            with Client(sink) as client:
                client.say(b'EHLO c\r\n')
                while b'250 ENH' not in client.socket.recv(4096):
                    pass
                send(client, count, text)
                client.ask(b'QUIT\r\n', b'221 2.0.0 Bye\r\n')
            sink.end()
        return int(re.search(r'Collected : (\d+)', log.read())[1])


@unittest.skipUnless(cost.has('valgrind'), 'valgrind is not installed')
class Cost(unittest.TestCase):
    def at_most(self, most, measure):
        found, all_of_them = cost.least(measure, most)
        print(', '.join(f'{each:.2f}' for each in all_of_them))
        self.assertLessEqual(found, most)

    def test_a_message_by_bdat_takes_at_most_3200_instructions(self):
        self.at_most(3200, lambda: cost.once_more(instructions, 800, 2400))

    def test_an_octet_more_takes_less_than_a_tenth_of_one(self):
        def measure():
            few, many = (instructions(80, b'x' * size)
                         for size in (1000, 101000))
            return (many - few) / 80 / 100000
        self.at_most(0.1, measure)


if __name__ == '__main__':
    unit.main()
