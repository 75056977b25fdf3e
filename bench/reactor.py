# SPDX-License-Identifier: MIT
"""What the reactor costs beside the bare loop. Each row of PAIRS is a program
and its floor; they are run in turn, and the ratio of each pair counts, so that
what else the machine does weighs on both. The median of the ratios is judged
(a bound of None: not judged). By valgrind, where it is installed, also the
instructions of one round. `make bench` runs it.

A program takes a count, after its own arguments, and prints nanoseconds a
round.

THRUM_BENCH_PAIRS: pairs a row, 11; THRUM_BENCH_SHARE: of the rounds, 1.0."""
import os
import re
import shutil
import statistics
import subprocess
import sys

BUILD = os.environ.get('top_builddir', '.')
RUN = [os.path.join(BUILD, 'libtool'), '--mode=execute']
RUNS = int(os.environ.get('THRUM_BENCH_PAIRS', '11'))
SHARE = float(os.environ.get('THRUM_BENCH_SHARE', '1'))

# The certificates of the tests: those of TLS show one.
MADE = os.path.join(BUILD, 'tests', 'tls', 'made')

# What, the program and its arguments, the floor and its, rounds, rounds under
# valgrind, bound.
PAIRS = [
    ('a round trip of 64 bytes over TCP',
     ['echo'], ['floor_echo'], 100000, 2000, 1.10),
    ('a MiB over TLS',
     ['tls', 'bulk', MADE], ['floor_tls', 'bulk', MADE], 500, 20, 1.10),
    ('a connection over TLS, with its whole handshake',
     ['tls', 'full', MADE], ['floor_tls', 'full', MADE], 300, 20, 1.10),
    ('a connection over TLS that goes on with a session',
     ['tls', 'resumed', MADE], ['floor_tls', 'resumed', MADE], 300, 20, 1.10),
]


def command(program):
    return RUN + [os.path.join(BUILD, 'bench', program[0]), *program[1:]]


def nanoseconds(program, rounds):
    """One run."""
    done = subprocess.run(command(program) + [str(rounds)], text=True,
                          stdout=subprocess.PIPE, check=True)
    return float(done.stdout)


def collected(program, rounds):
    """Instructions of a whole run."""
    done = subprocess.run(
        RUN + ['valgrind', '--tool=callgrind', '--callgrind-out-file='
               + os.devnull, *command(program)[len(RUN):], str(rounds)],
        text=True, capture_output=True, check=True)
    return int(re.search(r'Collected : (\d+)', done.stderr)[1])


def instructions(program, rounds):
    """Of one round: what so many more cost, by each."""
    return (collected(program, 2 * rounds)
            - collected(program, rounds)) / rounds


def measure(ours, floor, rounds):
    """Both medians, and that of the ratios. The order changes from pair to
    pair."""
    found = []
    for i in range(RUNS):
        order = [ours, floor] if i % 2 == 0 else [floor, ours]
        took = {id(each): nanoseconds(each, rounds) for each in order}
        found.append((took[id(ours)], took[id(floor)]))
    return (statistics.median(each[0] for each in found),
            statistics.median(each[1] for each in found),
            statistics.median(each[0] / each[1] for each in found))


def row(what, ours, floor, rounds, counted, bound):
    """Prints it; whether the bound holds."""
    one, other, ratio = measure(ours, floor, max(1, int(rounds * SHARE)))
    kept = bound is None or ratio <= bound
    print(f'{what}:\n    {one:.0f} ns, floor {other:.0f} ns, '
          f'median ratio {ratio:.3f}'
          + ('' if bound is None else f' (at most {bound:.2f})')
          + ('' if kept else '  TOO MUCH'))
    if shutil.which('valgrind') is not None:
        one, other = (instructions(each, counted) for each in (ours, floor))
        print(f'    {one:.0f} instructions, floor {other:.0f}')
    sys.stdout.flush()
    return kept


def main():
    return 0 if all([row(*each) for each in PAIRS]) else 1


if __name__ == '__main__':
    sys.exit(main())
