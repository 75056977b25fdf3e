# SPDX-License-Identifier: MIT
"""Counts what a program does, by tools that run it: instructions of its own
(callgrind) and system calls (strace). No clock is asked.

What doing something once more costs is the difference of two runs: what a
program takes to start and to end is in both."""
import os
import re
import shutil
import subprocess
import tempfile

import unit

# A program of the build folder may be a script that finds its libraries.
EXECUTE = [os.path.join(unit.top_builddir, 'libtool'), '--mode=execute']


def has(tool):
    return shutil.which(tool) is not None


def run_under(tool, command):
    return subprocess.run([*EXECUTE, *tool, *command], capture_output=True,
                          check=False)


def instructions(command):
    """How many it took, and how it ended."""
    done = run_under(['valgrind', '--tool=callgrind',
                      '--callgrind-out-file=' + os.devnull], command)
    found = re.search(rb'Collected : (\d+)', done.stderr)
    if found is None:
        raise AssertionError(done.stderr.decode(errors='replace'))
    return int(found[1]), done


def system_calls(command):
    """How many it made, all threads together, and how it ended."""
    with tempfile.NamedTemporaryFile(prefix='thrum-strace-') as trace:
        done = run_under(['strace', '-f', '-o', trace.name], command)
        return sum(b'(' in line for line in trace), done


def once_more(measure, few, many):
    """`measure` answers what doing it so often costs."""
    return (measure(many) - measure(few)) / (many - few)


def least(cost, most, times=3):
    """A busy machine lets a server answer late, and what waits for it then
    takes more turns of the loop: the load adds to a cost, it never takes from
    it. So the least of up to three counts; one within the bound is enough."""
    costs = []
    while len(costs) < times and min(costs, default=most + 1) > most:
        costs.append(cost())
    return min(costs), costs
