# SPDX-License-Identifier: MIT
"""A million timers armed, armed anew, cancelled and fired, beside raw libev,
and libuv and libevent where they are installed; and calls from another thread.
Runs are paired: each loop in turn, nine times over. Nanoseconds are medians; of
the ratio to libev the median of the pairs is judged. Instructions are counted
by valgrind where it is installed. `make bench` runs it.

COUNT (default 1,000,000) and RUNS (default 9) come from the environment."""
import os
import re
import shutil
import statistics
import subprocess
import sys

BUILD = os.environ.get('top_builddir', '.')
RUN = [os.path.join(BUILD, 'libtool'), '--mode=execute']
COUNT = int(os.environ.get('COUNT', '1000000'))
RUNS = int(os.environ.get('RUNS', '9'))
LOOPS = 'thrum', 'ev', 'uv', 'event'
WHAT = 'arm', 'rearm', 'cancel', 'fire'
NONE = float('nan')
LEAST_COUNTED, MOST_COUNTED = 4000, 64000


def program(name):
    return os.path.join(BUILD, 'bench', name)


def nanoseconds(name, what, count):
    done = subprocess.run([program(name), what, str(count)], check=True,
                          text=True, stdout=subprocess.PIPE)
    return float(done.stdout)


def collected(name, what, count):
    """Instructions of a whole run."""
    done = subprocess.run(
        RUN + ['valgrind', '--tool=callgrind',
               '--callgrind-out-file=/dev/null', program(name), what,
               str(count)],
        check=True, text=True, stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL)
    return int(re.search(r'Collected : (\d+)', done.stderr).group(1))


def instructions(name, what):
    """Of one, with all that came before it."""
    if shutil.which('valgrind') is None:
        return NONE
    return (collected(name, what, MOST_COUNTED) -
            collected(name, what, LEAST_COUNTED)) / \
        (MOST_COUNTED - LEAST_COUNTED)


def counted(loop):
    """Instructions of each; of all but the first, less those of arming."""
    all_of = {what: instructions('timers_' + loop, what) for what in WHAT}
    return {what: figure - (0 if what == 'arm' else all_of['arm'])
            for what, figure in all_of.items()}


def timed(loops):
    """Of each loop and each of WHAT: the runs' figures."""
    figures = {loop: {what: [] for what in WHAT} for loop in loops}
    for _ in range(RUNS):
        for what in WHAT:
            for loop in loops:
                figures[loop][what].append(
                    nanoseconds('timers_' + loop, what, COUNT))
    return figures


def totals(figures):
    """Of each run, all four together."""
    return [sum(each) for each in zip(*figures.values())]


def show_timers(loops):
    """Prints the table; answers the ratio to libev."""
    ns = timed(loops)
    told = {loop: counted(loop) for loop in loops}
    print(('%-22s' + ' %9s %7s' * len(loops)) % (
        'a timer', *(word for loop in loops for word in (loop, 'instr.'))))
    for what in WHAT:
        print(('%-22s' + ' %9.1f %7.0f' * len(loops)) % (
            what, *(figure for loop in loops for figure in (
                statistics.median(ns[loop][what]), told[loop][what]))))
    print(('%-22s' + ' %9.1f %7.0f' * len(loops)) % (
        'all four', *(figure for loop in loops for figure in (
            statistics.median(totals(ns[loop])), sum(told[loop].values())))))
    return statistics.median(
        ours / theirs for ours, theirs in zip(totals(ns['thrum']),
                                              totals(ns['ev'])))


def show_posts():
    """Prints what a call from a thread costs; answers that of a burst."""
    burst = statistics.median(nanoseconds('post', 'burst', COUNT)
                              for _ in range(RUNS))
    race = statistics.median(nanoseconds('post', 'race', COUNT)
                             for _ in range(RUNS))
    print('a call from a thread: %.1f ns in a burst (%.0f instructions), '
          '%.1f ns while the loop makes them' % (
              burst, instructions('post', 'burst'), race))
    return burst


def main():
    loops = [loop for loop in LOOPS
             if os.path.exists(program('timers_' + loop))]
    bounds = [('timers, in times of libev', show_timers(loops), 1.2),
              ('a call from a thread, ns', show_posts(), 60)]
    for words, figure, bound in bounds:
        print('%-30s %6.2f, at most %.1f: %s' % (
            words, figure, bound, 'met' if figure <= bound else 'NOT MET'))
    return 0 if all(figure <= bound for _, figure, bound in bounds) else 1


if __name__ == '__main__':
    sys.exit(main())
