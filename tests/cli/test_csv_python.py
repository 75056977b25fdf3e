# SPDX-License-Identifier: MIT
"""The list's reader against Python's csv module: 400 files with all that CSV
allows, made from numbers that are the same every time, fed in pieces of many
sizes. Both must see the same rows."""
import csv
import io
import json
import os
import random
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, 'support'))
import unit  # noqa: E402 pylint: disable=wrong-import-position

PROGRAM = os.path.join(unit.top_builddir, 'tests/cli/csv_rows')
PIECES = ['a', 'b c', ',', '"', '""', '\n', '\r\n', '\r', 'ü', 'Ж', '€', '😀',
          '\t', ' ', '{{', '0123456789', "'", ';', 'x' * 70]


def field(rng, alone):
    """One field; with quotes where it needs them, and sometimes elsewhere."""
    text = ''.join(rng.choice(PIECES) for _ in range(rng.randrange(6)))
    plain = not any(byte in text for byte in ',"\r\n')
    # A lone empty field would be an empty line, which has no field at all.
    if plain and rng.random() < 0.6 and not (alone and text == ''):
        return text
    return '"' + text.replace('"', '""') + '"'


def document(rng):
    """A file of up to 12 rows; now and then with empty lines between them, and
    without the last line end."""
    columns = rng.randrange(1, 8)
    end = rng.choice(['\n', '\r\n'])
    rows = [','.join(field(rng, columns == 1) for _ in range(columns))
            for _ in range(rng.randrange(1, 12))]
    text = ''.join(row + end * rng.choice([1, 1, 1, 2]) for row in rows[:-1])
    return text + rows[-1] + rng.choice(['', end, end])


class Reader(unittest.TestCase):
    def test_it_sees_the_rows_that_python_sees(self):
        rng = random.Random(2)
        for number in range(400):
            text = document(rng)
            mark = rng.choice([b'', b'', b'\xef\xbb\xbf'])
            block = rng.choice([1, 2, 3, 7, 8, 9, 64, 1 << 20])
            expected = [row for row in csv.reader(
                io.StringIO(text, newline=''), strict=True) if row]
            ran = subprocess.run([PROGRAM, str(block)], capture_output=True,
                                 input=mark + text.encode(), check=False)
            found = [json.loads(line) for line in ran.stdout.splitlines()]
            self.assertEqual((ran.returncode, found), (0, expected),
                             f'file {number}, {block} at a time: {text!r}')


if __name__ == '__main__':
    unit.main()
