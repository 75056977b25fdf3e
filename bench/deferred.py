# SPDX-License-Identifier: MIT
"""What the floor deferred costs, each bound with its figure, and beside it what
asyncio, Twisted and node take for the same, where they are installed.

Times are of the processor, medians of BENCH_ROUNDS (9) rounds in each of which
everything runs in turn, the peers' of three; malloc and free of 64 bytes are
the measure of the machine. Instructions are counted where valgrind is
installed. The status is 0 when every bound is met, 1 when one is not."""
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
ROUNDS = int(os.environ.get('BENCH_ROUNDS', 9))
COUNT, PEERS_COUNT = 1000000, 200000
NONE = float('nan')

WHAT = {
    'malloc': 'malloc and free of 64 bytes',
    'deferred': 'a Deferred: made, one callback, fired, finished',
    'wait': 'two, one waiting for the other',
    'list': 'a list of ten members, with them',
    'member': 'one of 100,000 pending together',
    'link': 'the same with a callback',
    'element': 'one of 100,000 in one list, with the member',
    'chain': 'one of 100,000, each waiting for the next',
    'explicit': 'the same by thrum_deferred_chain',
    'step': 'a step of one of 1,000 tasks',
    'each': 'an item of thrum_each that is fired already',
    'each_count': 'the same of thrum_each_count',
    'each_collect': 'the same of thrum_each_collect',
}

# What is left when making, firing and finishing the Deferred itself is taken
# off.
PARTS = {
    'element': ('member', 'of an element, the list'),
    'chain': ('link', 'of one that waits, the waiting'),
    'explicit': ('member', 'of one chained, the chaining'),
}


def peers():
    """Of each peer: its name, its command, or None where it is not there."""
    script = os.path.join(HERE, 'deferred_peers.py')
    yield 'asyncio', [sys.executable, script, 'asyncio']
    yield 'twisted', next(
        ([python, script, 'twisted']
         for python in (sys.executable, '/usr/bin/python3')
         if subprocess.run([python, '-c', 'import twisted'], check=False,
                           stderr=subprocess.DEVNULL).returncode == 0), None)
    yield 'node', (['node', os.path.join(HERE, 'deferred_peers.js')]
                   if shutil.which('node') is not None else None)


def measured(command, name, count):
    """What it prints; NaN of what it does not have."""
    done = subprocess.run(command + [name, str(count)], text=True,
                          stdout=subprocess.PIPE, check=False)
    if done.returncode == 3:
        return NONE
    done.check_returncode()
    return float(done.stdout)


def times(command, count, rounds):
    """The median of each."""
    figures = {name: [] for name in WHAT}
    for _ in range(rounds):
        for name, each in figures.items():
            each.append(measured(command, name, count))
    return {name: statistics.median(each) for name, each in figures.items()}


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
        return NONE
    return (collected(name, 44000) - collected(name, 4000)) / 40000


def add_parts(columns):
    for figures in columns:
        for whole, (base, _) in PARTS.items():
            figures['part of ' + whole] = figures[whole] - figures[base]


def show(columns, names, memory):
    """The table: a row for each of WHAT, and what PARTS are made of them."""
    rows = dict(WHAT, **{'part of ' + whole: words
                         for whole, (_, words) in PARTS.items()})
    print(('%-49s %9s %13s' + ' %9s' * len(names)) % (
        '', 'ns', 'instructions', *names))
    for name, words in rows.items():
        print(('%-49s %9.1f %13.1f' + ' %9.1f' * len(names)) % (
            words, *(column[name] for column in columns)))
    print(('%-49s %9s %13s' + ' %9s' * len(names)) % (
        '', 'bytes', '', *names))
    print(('%-49s %9.1f %13s' + ' %9.1f' * len(names)) % (
        'memory of one of a million pending, with one pair', memory[0], '',
        *memory[1:]))


def judge(ours, counted, memory):
    """Prints each bound; answers whether all are met."""
    bounds = [
        ('a Deferred, in times malloc and free',
         ours['deferred'] / ours['malloc'], 5),
        ('a Deferred, instructions', counted['deferred'], 420),
        ('a pending one, bytes', memory, 112),
        ('an element of a list, ns', ours['element'], 40),
        ('  the list alone', ours['part of element'], None),
        ('one that waits, ns', ours['chain'], 40),
        ('  the waiting alone', ours['part of chain'], None),
        ('one chained by hand, ns', ours['explicit'], 40),
        ('  the chaining alone', ours['part of explicit'], None),
        ('a step, ns (60 million a second)', ours['step'], 1000 / 60),
        ('a step, instructions', counted['step'], 40),
    ]
    for words, figure, bound in bounds:
        verdict = '' if bound is None else \
            'at most %5.1f: %s' % (bound, 'met' if figure <= bound
                                   else 'not counted' if figure != figure
                                   else 'NOT MET')
        print('%-49s %9.1f  %s' % (words, figure, verdict))
    return not any(bound is not None and figure > bound
                   for _, figure, bound in bounds)


def main():
    found = dict(peers())
    for name in [name for name, command in found.items() if command is None]:
        print(f'{name} is not installed')
        del found[name]
    ours = times([COST], COUNT, ROUNDS)
    theirs = [times(command, PEERS_COUNT, 3) for command in found.values()]
    counted = {name: instructions(name) for name in WHAT}
    columns = [ours, counted, *theirs]
    memory = [measured(command, 'pending', 1000000)
              for command in ([COST], *found.values())]
    add_parts(columns)
    show(columns, list(found), memory)
    print()
    return 0 if judge(ours, counted, memory[0]) else 1


sys.exit(main())
