# SPDX-License-Identifier: MIT
"""The figures of the SMTP client, each beside a floor or a peer of the same
run: `smtp_send`, a mailer that sends one letter many times; `floor_smtp`, bare
sockets in the same mode; Postfix's `smtp-source`.

    smtp.py [--quick] [--rounds N] [PART]...

Parts: rates, chunked, line, tls, memory, counts; all of them unless named.
Programs that are compared run in turn, and a ratio is the median of those
within a round. The status is 0 when every bound is met, 1 when one is not.
"""
import argparse
import json
import os
import shutil
import statistics
import sys

import measure
from measure import (BUILD, Line, Sender, SmtpSink, ThrumSink, bench, cpu_ratio,
                     find, judge, ratio, run)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, 'tests', 'support'))
import cost  # noqa: E402 pylint: disable=wrong-import-position

TEXT = 1180          # bytes of the letter's text
SOURCE = '1500'      # smtp-source's, and its headers
MADE = os.path.join(BUILD, 'tests', 'tls', 'made')
WAY = 10000          # us, of a line
ROUND_TRIP = 2 * WAY / 1e6
MODES = ('lockstep', 'pipelined', 'across')

# Messages a run: enough for a third of a second or so.
MESSAGES = {'source': 12000, 'lockstep': 12000, 'pipelined': 16000,
            'across': 24000, 'chunked': 60000}


class Size:
    """How much is done."""
    rounds = 5
    share = 1.0
    bytes = 0  # of a message, as ours has it

    @classmethod
    def messages(cls, mode, connections=10):
        """One connection alone waits most of its time."""
        share = cls.share * (0.5 if connections == 1 else 1)
        return max(connections, int(MESSAGES[mode] * share))


def via(port, scheme='smtp'):
    return f'{scheme}://127.0.0.1:{port}'


# ---- Senders ----

def ours(mode, connections, *options, window=None, messages=None):
    count = messages or Size.messages(mode, connections)
    name = f'thrum, {mode}' + (f' {window}' if window else '')
    return Sender(name, lambda port: [
        bench('smtp_send'), '-m', mode, '-c', str(connections), '-l', str(TEXT),
        *(['-w', str(window)] if window else []), *options, via(port),
        str(count)], count)


def floor(mode, connections, window=None, messages=None):
    count = messages or Size.messages(mode, connections)
    name = f'floor, {mode}' + (f' {window}' if window else '')
    return Sender(name, lambda port: [
        bench('floor_smtp'), str(port), str(connections), str(count),
        str(Size.bytes), mode, *([str(window)] if window else [])], count)


def source(connections, messages=None):
    count = messages or Size.messages('source', connections)
    return Sender('smtp-source -d', lambda port: [
        find('smtp-source'), '-d', '-s', str(connections), '-m', str(count),
        '-l', SOURCE, f'127.0.0.1:{port}'], count)


def in_turn(server, senders):
    """So that what disturbs the machine disturbs all."""
    for _ in range(Size.rounds):
        for one in senders:
            one.round(server.port)
    for one in senders:
        one.show()


# ---- The parts ----

def rates():
    server = SmtpSink()
    for connections in 1, 10, 50, 100:
        peer = source(connections)
        sent = {mode: ours(mode, connections) for mode in MODES}
        floors = {mode: floor(mode, connections) for mode in MODES}
        print(f'\nTo smtp-sink, {connections} connections, medians of '
              f'{Size.rounds}: messages/s, CPU a message')
        in_turn(server, [peer] + [one[mode] for mode in MODES
                                  for one in (sent, floors)])
        best, step = sent['across'], sent['lockstep']
        judge('rate beside smtp-source', ratio(best, peer), '',
              ratio(best, peer) >= 2.1, 'at least 2.1')
        for mode in MODES:
            found = ratio(sent[mode], floors[mode])
            judge(f'{mode}: rate beside the floor', found, '', found >= 0.8,
                  'at least 0.8')
        found = cpu_ratio(step, peer)
        judge('lockstep: CPU beside smtp-source', found, '', found <= 1,
              'at most 1')
    server.end()


def chunked():
    server = ThrumSink('--chunking')
    print(f'\nTo thrum sink by BDAT, 10 connections, medians of {Size.rounds}: '
          'messages/s, CPU a message')
    pairs = [(ours('chunked', 10, window=window),
              floor('chunked', 10, window=window)) for window in (1, 4, 8, 16)]
    in_turn(server, [one for pair in pairs for one in pair])
    for one, other in pairs:
        judge(f'{one.name}: CPU a message', one.cpu(), ' us', one.cpu() <= 4,
              'at most 4 us')
        found = ratio(one, other)
        judge(f'{one.name}: rate beside the floor', found, '', found >= 0.8,
              'at least 0.8')
    server.end()


def over_a_line(server, sender, connections):
    """Prints the round trips a message, as counted and as timed."""
    line = Line(server, WAY)
    seconds, _, _ = run(sender.command(line.port))
    told = line.end()
    found = told['rounds'] / sender.messages
    timed = seconds * connections / ROUND_TRIP / sender.messages
    print(f'  {sender.name:24}{connections:>3} connections'
          f'{found:>8.3f} round trips a message, {timed:.3f} by time, '
          f'{sender.messages / seconds:.0f} messages/s; passed on '
          f'{told["late_us"] / 1000:.2f} ms late, '
          f'{told["late_most_us"] / 1000:.1f} at most', flush=True)
    return found


def line():
    print('\nOver a round trip of 20 ms; those to open and to end are in')
    count = {'source': 25, 'lockstep': 25, 'pipelined': 50, 'across': 200,
             'chunked': 400}
    sink, chunking = SmtpSink(), ThrumSink('--chunking')
    for connections in 1, 10:
        def many(mode):
            return connections * max(2, int(count[mode] * Size.share))
        over_a_line(sink, source(connections, many('source')), connections)
        for mode in MODES:
            for which in floor, ours:
                found = over_a_line(
                    sink, which(mode, connections, messages=many(mode)),
                    connections)
        judge('DATA: round trips a message', found, '', found <= 1.06,
              'at most 1.06')
        for which in floor, ours:
            found = over_a_line(
                chunking, which('chunked', connections, window=8,
                                messages=many('chunked')), connections)
        judge('BDAT, a window of 8: round trips a message', found, '',
              found <= 0.15, 'at most 0.15')
    sink.end()
    chunking.end()


def secured(mode, connections, **more):
    """The same within TLS."""
    one = ours(mode, connections, '-t', 'required', '-f',
               os.path.join(MADE, 'ca.pem'), **more)
    one.name += ', TLS'
    return one


def tls_sink():
    return ThrumSink('--chunking', '--tls-cert', os.path.join(MADE, 'ip.pem'))


def tls():
    if shutil.which('certtool') is None:
        print('\nWithin TLS: left out, certtool is not installed')
        return
    server = tls_sink()
    print(f'\nTo thrum sink, 10 connections, in the clear and within TLS, '
          f'medians of {Size.rounds}')
    pairs = [(ours(mode, 10), secured(mode, 10))
             for mode in ('across', 'chunked')]
    for one, _ in pairs:
        command = one.command
        one.command = lambda port, command=command: [
            *command(port)[:1], '-t', 'none', *command(port)[1:]]
    in_turn(server, [one for pair in pairs for one in pair])
    for plain, within in pairs:
        found = cpu_ratio(within, plain)
        judge(f'{within.name}: CPU beside the plain one', found, '',
              found <= 1.3, 'at most 1.3')
    server.end()


def memory():
    print('\nAnonymous memory, 100 connections that send')
    kinds = [('plain', ours('across', 100), ThrumSink, 40),
             ('chunked', ours('chunked', 100), lambda: ThrumSink('--chunking'),
              40)]
    if shutil.which('certtool') is not None:
        kinds.append(('TLS', secured('across', 100), tls_sink, 100))
    for name, sender, server, most in kinds:
        server = server()
        told = json.loads(sender.round(server.port))
        server.end()
        idle, seen = told['rss_idle_kib'], told['rss_kib']
        found = (seen - idle) / told['connections']
        print(f'  {name}: {idle} KiB idle, {seen} KiB with '
              f'{told["connections"]} connections')
        judge(f'{name}: a connection', found, ' KiB', found <= most,
              f'at most {most} KiB')


def counts():
    """Counted, not timed: the same on a busy machine, or nearly."""
    if not cost.has('valgrind') or not cost.has('strace'):
        print('\nInstructions and system calls: left out, valgrind or strace '
              'is not installed')
        return
    print('\nUser instructions and system calls a message, 10 connections')
    server = ThrumSink('--chunking')
    for mode in (*MODES, 'chunked'):
        for which in ours, floor:
            def count(tool):
                def measured(messages):
                    one = which(mode, 10, messages=messages)
                    return tool(one.command(server.port))[0]
                return cost.once_more(measured, 2000, 4000)
            found, calls = count(cost.instructions), count(cost.system_calls)
            print(f'  {which(mode, 10).name:24}{found:>8.0f} instructions'
                  f'{calls:>8.2f} system calls')
            if which is ours and mode in ('across', 'chunked'):
                judge(f'{mode}: instructions', found, '', found <= 4000,
                      'at most 4,000')
                judge(f'{mode}: system calls', calls, '', calls <= 4,
                      'at most 4')
    server.end()


def measure_bytes():
    """How many bytes our letter has, as the sink counts them."""
    server = ThrumSink()
    run(ours('across', 1, messages=100).command(server.port))
    totals = server.end()
    return round(totals['bytes'] / totals['messages'])


PARTS = {'rates': rates, 'chunked': chunked, 'line': line, 'tls': tls,
         'memory': memory, 'counts': counts}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--quick', action='store_true',
                        help='one round of few messages: to try it out')
    parser.add_argument('--rounds', type=int)
    parser.add_argument('parts', nargs='*', metavar='PART',
                        help=', '.join(PARTS))
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error('no such part: ' + ', '.join(sorted(unknown)))
    measure.need_postfix()
    if options.quick:
        Size.rounds, Size.share = 1, 0.2
    Size.rounds = options.rounds or Size.rounds
    Size.bytes = measure_bytes()
    print(f'Messages of {Size.bytes} bytes; the load was '
          f'{os.getloadavg()[0]:.2f} at the start')
    for name in options.parts or PARTS:
        PARTS[name]()
    return measure.end()


if __name__ == '__main__':
    sys.exit(main())
