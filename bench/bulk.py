# SPDX-License-Identifier: MIT
"""The figures of `thrum bulk`, each beside a floor or a peer of the same run.

Nothing here tunes anything: it runs programs in turn, takes medians, and says
which bound is met. Sizes come from the environment:

    BENCH_MESSAGES     a run of bulk, floor and peer         (1000000)
    BENCH_ROUNDS       how often each runs, in turn          (5)
    BENCH_CONNECTIONS  that each opens                       (10)
    BENCH_LARGE        recipients of the memory's large run  (10000000; 0: none)
    BENCH_SMALL        recipients of its small run           (100000)
    BENCH_LOOP         messages beside the 1 ms ticker       (500000; 0: none)

The status is 0 when every bound is met, 1 when one is not.
"""
import json
import os
import signal
import statistics
import subprocess
import sys
import time

import measure
from measure import (FOLDER, THRUM, Sender, SmtpSink, ThrumSink, bench, find,
                     judge, ratio, run)

LETTER = ('Dear {{name}},\n\nyour seat in {{city}} is number {{seat}}.\n\n' +
          15 * ('The loom hums, and thread after thread goes through the '
                'reed, all day long.\n') + '\nYours,\nthe weavers\n')

def size(name, default):
    return int(os.environ.get('BENCH_' + name, default))


MESSAGES = size('MESSAGES', 1000000)
ROUNDS = size('ROUNDS', 5)
CONNECTIONS = size('CONNECTIONS', 10)
LARGE = size('LARGE', 10000000)
SMALL = size('SMALL', 100000)
LOOP = size('LOOP', 500000)


def make_list(count):
    """A list of `count` people; about 55 bytes each."""
    name = os.path.join(FOLDER, f'people-{count}.csv')
    with open(name, 'w', encoding='utf-8') as out:
        out.write('email,name,city,seat\n')
        for start in range(0, count, 10000):
            out.writelines(
                f'person{i}@example.org,Person {i},Utrecht,{i % 977}\n'
                for i in range(start, min(start + 10000, count)))
    return name


def make_letter():
    name = os.path.join(FOLDER, 'letter.txt')
    with open(name, 'w', encoding='utf-8') as out:
        out.write(LETTER)
    return name


# ---- Senders ----

def bulk_command(people, letter, port):
    return [THRUM, 'bulk', '--from', 'News <news@example.org>', '--to', people,
            '--subject', 'Hello {{name}}', '--text', letter,
            '--via', f'smtp://127.0.0.1:{port}',
            '--connections', str(CONNECTIONS), '--progress', 'never', '--json']


def senders(people, letter, text_bytes):
    bulk = Sender('thrum bulk',
                  lambda port: bulk_command(people, letter, port),
                  MESSAGES)
    floor = Sender('floor_smtp', lambda port: [
        bench('floor_smtp'), str(port), str(CONNECTIONS), str(MESSAGES),
        str(text_bytes)], MESSAGES)
    peer = Sender('smtp-source -d', lambda port: [
        find('smtp-source'), '-d', '-s', str(CONNECTIONS), '-m', str(MESSAGES),
        '-l', '1500', f'127.0.0.1:{port}'],
        MESSAGES)
    return bulk, floor, peer


def rates(server, people, letter, text_bytes):
    """All three in turn, so that what disturbs the machine disturbs all."""
    bulk, floor, peer = all_three = senders(people, letter, text_bytes)
    for _ in range(ROUNDS):
        for one in all_three:
            one.round(server.port)
    print(f'\nTo {server.name}: {MESSAGES} messages of {text_bytes} bytes, '
          f'{CONNECTIONS} connections, median of {ROUNDS}')
    for one in all_three:
        one.show()
    more = statistics.median(
        a - b for a, b in zip(bulk.cpus, floor.cpus))
    judge('rate beside smtp-source -d', ratio(bulk, peer), '',
          ratio(bulk, peer) >= 2.1, 'at least 2.1')
    judge('rate beside floor_smtp', ratio(bulk, floor), '',
          ratio(bulk, floor) >= 0.8, 'at least 0.8')
    judge('CPU a message above floor_smtp', more, ' us', more <= 4,
          'at most 4 us')


def measure_text(letter):
    """How many bytes a letter has, as the sink counts them."""
    server = ThrumSink()
    run(bulk_command(make_list(1000), letter, server.port))
    totals = server.end()
    return round(totals['bytes'] / totals['messages'])


# ---- Memory ----

def rss_anon_max(command):
    """The highest of the program's own figure and of what is seen from here,
    in KiB."""
    seen = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.DEVNULL) as one:
        while one.poll() is None:
            with open(f'/proc/{one.pid}/status', encoding='ascii') as status:
                for line in status:
                    if line.startswith('RssAnon'):
                        seen = max(seen, int(line.split()[1]))
            time.sleep(0.05)
        totals = json.loads(one.stdout.read())
    return max(seen, totals['rss_anon_max_kib'])


def memory(letter):
    kib = {}
    for count in (SMALL, LARGE):
        server = ThrumSink()
        people = make_list(count)
        kib[count] = rss_anon_max(bulk_command(people, letter, server.port))
        os.unlink(people)
        server.end()
    print('\nAnonymous memory of thrum bulk, highest')
    for count, value in kib.items():
        print(f'  {count:>9} recipients{value:>9} KiB')
    more = (kib[LARGE] - kib[SMALL]) / 1024
    judge(f'{LARGE} recipients above {SMALL}', more, ' MiB', more <= 1,
          'at most 1 MiB')
    judge(f'{LARGE} recipients', kib[LARGE] / 1024, ' MiB',
          kib[LARGE] <= 12 * 1024, 'at most 12 MiB')


# ---- The loop ----

def loop():
    print(f'\nA 1 ms ticker, idle in its own process, and in the reactor that '
          f'sends {LOOP} messages')
    best = None
    for _ in range(ROUNDS):
        server = ThrumSink()
        with subprocess.Popen([bench('ticker')], stdout=subprocess.PIPE,
                              text=True) as control:
            _, _, text = run([bench('loop_free'),
                              f'smtp://127.0.0.1:{server.port}', str(LOOP)])
            control.send_signal(signal.SIGTERM)
            idle = json.loads(control.communicate()[0])
        server.end()
        busy = json.loads(text)
        for name, one in (('idle', idle), ('sending', busy)):
            print(f'  {name:10}{one["ticks"]:>7} ticks, gaps: median '
                  f'{one["p50_ms"]:.2f}, 99 % {one["p99_ms"]:.2f}, '
                  f'99.9 % {one["p999_ms"]:.2f}, most {one["max_ms"]:.2f} ms')
        more = busy['p999_ms'] - idle['p999_ms']
        best = more if best is None else min(best, more)
    judge('99.9 % gap above the idle one, best round', best, ' ms', best <= 1,
          'at most 1 ms')


def main():
    measure.need_postfix()
    letter = make_letter()
    text_bytes = measure_text(letter)
    people = make_list(MESSAGES)
    for kind in SmtpSink, ThrumSink:
        server = kind()
        rates(server, people, letter, text_bytes)
        server.end()
    os.unlink(people)
    if LARGE:
        memory(letter)
    if LOOP:
        loop()
    return measure.end()


if __name__ == '__main__':
    sys.exit(main())
