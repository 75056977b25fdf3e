# SPDX-License-Identifier: MIT
"""What the floor deferred costs: nanoseconds (median of nine runs) and, by
valgrind where it is installed, instructions, of which malloc and free of 64
bytes are the floor. `make bench` runs it; it judges nothing, the bounds are a
test (tests/deferred/test_instructions.py)."""
import os
import re
import shutil
import statistics
import subprocess

BUILD = os.environ.get('top_builddir', '.')
COST = os.path.join(BUILD, 'bench', 'deferred')
RUN = [os.path.join(BUILD, 'libtool'), '--mode=execute']

WHAT = {
    'malloc': 'malloc and free of 64 bytes',
    'deferred': 'a Deferred: made, one callback, fired, finished',
    'wait': 'two, one waiting for the other',
    'list': 'a list of ten members, with them',
    'step': 'a step of one of 1,000 tasks',
    'each': 'an item of thrum_each that is fired already',
}


def nanoseconds(name):
    """Of one, the median."""
    return statistics.median(
        float(subprocess.run([COST, name, '1000000'], check=True, text=True,
                             stdout=subprocess.PIPE).stdout)
        for _ in range(9))


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


print('%-50s %9s %13s' % ('', 'ns', 'instructions'))
for key, words in WHAT.items():
    print('%-50s %9.1f %13.1f' % (words, nanoseconds(key), instructions(key)))
