# SPDX-License-Identifier: MIT
"""What the floor deferred costs: nanoseconds (median of nine runs) and, by
valgrind where it is installed, instructions, of which malloc and free of 64
bytes are the floor; beside it the same by asyncio, Twisted and node, where they
are installed. `make bench` runs it; it judges nothing, the bounds are a test
(tests/deferred/test_instructions.py)."""
import importlib.util
import os
import re
import shutil
import statistics
import subprocess
import sys

BUILD = os.environ.get('top_builddir', '.')
HERE = os.path.dirname(os.path.abspath(__file__))
COST = os.path.join(BUILD, 'bench', 'deferred')
RUN = [os.path.join(BUILD, 'libtool'), '--mode=execute']

WHAT = {
    'malloc': 'malloc and free of 64 bytes',
    'deferred': 'a Deferred: made, one callback, fired, finished',
    'wait': 'two, one waiting for the other',
    'list': 'a list of ten members, with them',
    'member': 'one of 100,000 pending together, in no list',
    'element': 'one of 100,000 in one list, with the member',
    'chain': 'one of 100,000, each waiting for the next',
    'explicit': 'the same by thrum_deferred_chain',
    'step': 'a step of one of 1,000 tasks',
    'each': 'an item of thrum_each that is fired already',
    'each_count': 'the same of thrum_each_count',
    'each_collect': 'the same of thrum_each_collect',
}


def peers():
    """Of each peer that is installed: its name, its command."""
    python = [sys.executable, os.path.join(HERE, 'deferred_peers.py')]
    yield 'asyncio', python + ['asyncio']
    if importlib.util.find_spec('twisted') is not None:
        yield 'twisted', python + ['twisted']
    if shutil.which('node') is not None:
        yield 'node', ['node', os.path.join(HERE, 'deferred_peers.js')]


def measured(command, name, count, runs):
    """What it prints, the median; NaN of what it does not have."""
    figures = []
    for _ in range(runs):
        done = subprocess.run(command + [name, str(count)], text=True,
                              stdout=subprocess.PIPE, check=False)
        if done.returncode == 3:
            return float('nan')
        done.check_returncode()
        figures.append(float(done.stdout))
    return statistics.median(figures)


def collected(name, count):
    """Instructions of a whole run."""
    done = subprocess.run(
        RUN + ['valgrind', '--tool=callgrind',
               '--callgrind-out-file=/dev/null', COST, name, str(count)],
        check=True, text=True, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL)
    return int(re.search(r'Collected : (\d+)', done.stderr).group(1))


def instructions(name):
    """Of one."""
    if shutil.which('valgrind') is None:
        return float('nan')
    return (collected(name, 44000) - collected(name, 4000)) / 40000


def main():
    others = list(peers())
    print(('%-50s %9s %13s' + ' %9s' * len(others)) % (
        '', 'ns', 'instructions', *(name for name, _ in others)))
    for key, words in WHAT.items():
        print(('%-50s %9.1f %13.1f' + ' %9.1f' * len(others)) % (
            words, measured([COST], key, 1000000, 9), instructions(key),
            *(measured(command, key, 200000, 3) for _, command in others)))
    print()
    print(('%-50s %9s %13s' + ' %9s' * len(others)) % (
        '', 'bytes', '', *(name for name, _ in others)))
    print(('%-50s %9.1f %13s' + ' %9.1f' * len(others)) % (
        'memory of one of a million pending, with one pair',
        measured([COST], 'pending', 1000000, 3), '',
        *(measured(command, 'pending', 1000000, 1)
          for _, command in others)))


main()
