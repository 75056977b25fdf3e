# SPDX-License-Identifier: MIT
"""The figures of the SMTP client, each beside a floor or a peer of the same
run: `smtp_send`, a mailer that sends one letter many times; `floor_smtp`, bare
sockets in the same mode; Postfix's `smtp-source`.

    smtp.py [--quick] [--rounds N] [--into FILE] [PART]...

Parts: rates, chunked, line, tls, memory, counts; all of them unless named. What
it prints is Markdown; --into writes it over what an earlier run has left in a
document. Programs that are compared run in turn, and a ratio is the median of
those within a round. The status is 0 when every bound is met, 1 when one is
not.
"""
import argparse
import json
import os
import re
import shutil
import sys

import measure
from measure import (BUILD, Line, Sender, SmtpSink, ThrumSink, bench, cpu_ratio,
                     find, ratio, run)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, 'tests', 'support'))
import cost  # noqa: E402 pylint: disable=wrong-import-position

TEXT = 1180          # bytes of the letter's text
SOURCE = '1500'      # of smtp-source's, without its header
MADE = os.path.join(BUILD, 'tests', 'tls', 'made')
KEPT = '1000000'     # messages a connection, where none is to be renewed
ENVELOPE = 70        # bytes, about
WAY = 10000          # us, of a line
ROUND_TRIP = 2 * WAY / 1e6
MODES = ('lockstep', 'pipelined', 'across')
WINDOWS = (1, 4, 8, 16)
CONNECTIONS = (1, 10, 50, 100)
BEGIN, END = '<!-- bench/smtp.py -->', '<!-- its end -->'

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


# ---- What is printed ----

printed = []


def say(line=''):
    print(line, flush=True)
    printed.append(line)


def progress(line):
    print(line, file=sys.stderr, flush=True)


def table(*rows):
    """The first is its head; of numbers, all but the first are to the right."""
    say()
    for number, row in enumerate(rows):
        say('| ' + ' | '.join(row) + ' |')
        if number == 0:
            say('|---' + '|---:' * (len(row) - 1) + '|')


class Bounds:
    """Those of a part, in one table."""

    def __init__(self):
        self.rows = [('Bound', 'reached', '')]

    def judge(self, bound, values, holds, form='{:.2f}'):
        met = all(holds(value) for value in values)
        if not met:
            measure.failed.append(bound)
        self.rows.append((bound, ', '.join(map(form.format, values)),
                          'met' if met else '**not met**'))

    def show(self):
        table(*self.rows)


# ---- Senders ----

def ours(mode, connections, *options, window=None, messages=None):
    count = messages or Size.messages(mode, connections)
    name = f'thrum, {mode}' + (f' {window}' if window else '')
    return Sender(name, lambda port: [
        bench('smtp_send'), '-m', mode, '-c', str(connections), '-l', str(TEXT),
        *(['-w', str(window)] if window else []), *options,
        f'smtp://127.0.0.1:{port}', str(count)], count)


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


class Secured(Sender):
    """One within TLS, and surely so."""

    def __init__(self, mode, connections, *options):
        one = ours(mode, connections, '-t', 'required', '-f',
                   os.path.join(MADE, 'ca.pem'), *options)
        super().__init__(one.name + ', TLS', one.command, one.messages)

    def round(self, port):
        text = super().round(port)
        told = json.loads(text)
        if told['secured'] != told['connections']:
            raise SystemExit(f'{self.name}: not all connections were secured')
        return text


def tls_sink():
    return ThrumSink('--chunking', '--tls-cert', os.path.join(MADE, 'ip.pem'))


def in_turn(server, senders):
    """So that what disturbs the machine disturbs all."""
    for _ in range(Size.rounds):
        for one in senders:
            one.round(server.port)
    for one in senders:
        progress(f'  {one.name:24}{one.rate():>9.0f}/s{one.cpu():>9.2f} us   '
                 f'({min(one.rates):.0f} to {max(one.rates):.0f}/s, '
                 f'{min(one.cpus):.2f} to {max(one.cpus):.2f} us)')


def cell(sender):
    return f'{sender.rate():,.0f} ({sender.cpu():.1f})'


# ---- The parts ----

def rates():
    """To smtp-sink, with text and dot."""
    server = SmtpSink()
    peers = [source(count) for count in CONNECTIONS]
    sent = {mode: [ours(mode, count) for count in CONNECTIONS]
            for mode in MODES}
    floors = {mode: [floor(mode, count) for count in CONNECTIONS]
              for mode in MODES}
    for i, count in enumerate(CONNECTIONS):
        progress(f'{count} connections to smtp-sink')
        in_turn(server, [peers[i]] + [those[mode][i] for mode in MODES
                                      for those in (sent, floors)])
    server.end()
    table(('messages/s to `smtp-sink` (CPU us a message), connections:',
           *map(str, CONNECTIONS)),
          *((senders[0].name, *map(cell, senders))
            for senders in (peers, *(those[mode] for mode in MODES
                                     for those in (sent, floors)))))
    bounds = Bounds()
    bounds.judge('across messages, rate at least 2.1 of `smtp-source`',
                 list(map(ratio, sent['across'], peers)), lambda x: x >= 2.1)
    for mode in MODES:
        bounds.judge(f'{mode}, rate at least 0.8 of the floor',
                     list(map(ratio, sent[mode], floors[mode])),
                     lambda x: x >= 0.8)
    bounds.judge('lockstep, CPU at most that of `smtp-source`',
                 list(map(cpu_ratio, sent['lockstep'], peers)),
                 lambda x: x <= 1)
    bounds.show()


def chunked():
    """To thrum sink, by BDAT."""
    server = ThrumSink('--chunking')
    progress('windows to thrum sink')
    sent = [ours('chunked', 10, window=each) for each in WINDOWS]
    floors = [floor('chunked', 10, window=each) for each in WINDOWS]
    in_turn(server, [one for pair in zip(sent, floors) for one in pair])
    server.end()
    table(('messages/s to `thrum sink` by BDAT, 10 connections (CPU us a '
           'message), window:', *map(str, WINDOWS)),
          ('thrum', *map(cell, sent)), ('floor', *map(cell, floors)))
    bounds = Bounds()
    bounds.judge('CPU at most 4 us', [one.cpu() for one in sent],
                 lambda x: x <= 4)
    bounds.judge('rate at least 0.8 of the floor',
                 list(map(ratio, sent, floors)), lambda x: x >= 0.8)
    bounds.show()


class Crossing:
    """A sender's run over a long line."""

    def __init__(self, server, sender, connections):
        line = Line(server, WAY)
        seconds, _, _ = run(sender.command(line.port))
        told = line.end()
        self.rounds = told['rounds'] / sender.messages
        timed = seconds * connections / ROUND_TRIP / sender.messages
        self.row = (sender.name, str(connections), f'{self.rounds:.3f}',
                    f'{timed:.3f}', f'{sender.messages / seconds:,.0f}',
                    f'{told["late_us"] / 1000:.2f}')
        progress('  ' + ', '.join(self.row))


def line():
    """Round trips: those to open and to end are in."""
    count = {'source': 25, 'lockstep': 25, 'pipelined': 50, 'across': 200,
             'chunked': 400}
    sink, chunking = SmtpSink(), ThrumSink('--chunking')
    crossings, across, windows = [], [], []

    def cross(server, which, mode, connections, **more):
        many = connections * max(2, int(count[mode] * Size.share))
        sender = which(connections, many) if which is source else \
            which(mode, connections, messages=many, **more)
        crossings.append(Crossing(server, sender, connections))
        return crossings[-1].rounds

    progress('over a line')
    for connections in 1, 10:
        cross(sink, source, 'source', connections)
        for mode in MODES:
            cross(sink, floor, mode, connections)
            found = cross(sink, ours, mode, connections)
        across.append(found)
        cross(chunking, floor, 'chunked', connections, window=8)
        windows.append(cross(chunking, ours, 'chunked', connections, window=8))
    sink.end()
    chunking.end()
    table(('over a round trip of 20 ms', 'connections',
           'round trips a message, counted', 'timed', 'messages/s',
           'the line late, ms'), *(each.row for each in crossings))
    bounds = Bounds()
    bounds.judge('DATA, at most 1.06 round trips', across,
                 lambda x: x <= 1.06, '{:.3f}')
    bounds.judge('BDAT with a window of 8, at most 0.15', windows,
                 lambda x: x <= 0.15, '{:.3f}')
    bounds.show()


def tls():
    """On kept connections."""
    if shutil.which('certtool') is None:
        say('\nWithin TLS: left out, certtool is not installed.')
        return
    server = tls_sink()
    progress('within TLS')
    modes = ('across', 'chunked')
    plain = [ours(mode, 10, '-t', 'none', '-k', KEPT) for mode in modes]
    within = [Secured(mode, 10, '-k', KEPT) for mode in modes]
    in_turn(server, [one for pair in zip(plain, within) for one in pair])
    server.end()
    _, _, alone = run([bench('floor_tls'), 'exchange', MADE, '50000',
                       str(Size.bytes + ENVELOPE)])
    table(('messages/s to `thrum sink`, 10 connections (CPU us a message)',
           *modes), ('in the clear', *map(cell, plain)),
          ('within TLS', *map(cell, within)),
          ('GnuTLS alone, a record there and one back',
           f'({float(alone) / 1000:.1f})', ''))
    bounds = Bounds()
    bounds.judge('TLS, CPU at most 1.3 of that in the clear',
                 list(map(cpu_ratio, within, plain)), lambda x: x <= 1.3)
    bounds.show()


def memory():
    """Of 100 connections that send."""
    kinds = [('across messages', ours('across', 100), ThrumSink, 40),
             ('chunked', ours('chunked', 100),
              lambda: ThrumSink('--chunking'), 40)]
    if shutil.which('certtool') is not None:
        kinds.append(('across messages, TLS', Secured('across', 100), tls_sink,
                      100))
    rows, bounds = [], Bounds()
    progress('memory')
    for name, sender, server, most in kinds:
        server = server()
        told = json.loads(sender.round(server.port))
        server.end()
        idle, seen = told['rss_idle_kib'], told['rss_kib']
        rows.append((name, str(idle), str(seen), str(told['connections'])))
        bounds.judge(f'{name}, a connection, at most {most} KiB',
                     [(seen - idle) / told['connections']],
                     lambda x, most=most: x <= most, '{:.1f}')
    table(('anonymous memory, KiB', 'idle', 'sending', 'connections'), *rows)
    bounds.show()


def counts():
    """Not timed: the same on a busy machine, or nearly."""
    if not cost.has('valgrind') or not cost.has('strace'):
        say('\nInstructions and system calls: left out, valgrind or strace is '
            'not installed.')
        return
    server = ThrumSink('--chunking')
    progress('instructions and system calls')
    composing = cost.once_more(
        lambda count: cost.instructions(
            ours('across', 10, '-n', messages=count).command(server.port))[0],
        2000, 4000)
    rows, found = [('to compose it, in each of ours', f'{composing:,.0f}',
                    '')], {}
    for mode in (*MODES, 'chunked'):
        for which in ours, floor:
            def a_message(tool, which=which, mode=mode):
                return cost.once_more(
                    lambda count: tool(which(mode, 10, messages=count)
                                       .command(server.port))[0], 2000, 4000)
            taken = a_message(cost.instructions), a_message(cost.system_calls)
            rows.append((which(mode, 10).name, f'{taken[0]:,.0f}',
                         f'{taken[1]:.2f}'))
            if which is ours:
                found[mode] = taken[0] - composing, taken[1]
    server.end()
    table(('a message, 10 connections', 'user instructions', 'system calls'),
          *rows)
    bounds = Bounds()
    for what, at, most in (('user instructions, composed', 0, 4000),
                           ('system calls', 1, 4)):
        bounds.judge(f'across messages, chunked: at most {most:,} {what}',
                     [found['across'][at], found['chunked'][at]],
                     lambda x, most=most: x <= most,
                     '{:,.0f}' if at == 0 else '{:.2f}')
    bounds.show()


PARTS = {'rates': rates, 'chunked': chunked, 'line': line, 'tls': tls,
         'memory': memory, 'counts': counts}


# ---- The program ----

def measure_bytes():
    """How many bytes our letter has, as the sink counts them."""
    server = ThrumSink()
    run(ours('across', 1, messages=100).command(server.port))
    totals = server.end()
    return round(totals['bytes'] / totals['messages'])


def write_into(name):
    """Between the marks."""
    with open(name, encoding='utf-8') as file:
        text = file.read()
    whole = BEGIN + '\n' + '\n'.join(printed).strip() + '\n' + END
    text, found = re.subn(re.escape(BEGIN) + '.*?' + re.escape(END),
                          lambda _: whole, text, count=1, flags=re.S)
    if found != 1:
        raise SystemExit(f'{name} has no place between {BEGIN} and {END}')
    with open(name, 'w', encoding='utf-8') as file:
        file.write(text)


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument('--quick', action='store_true',
                        help='one round of few messages: to try it out')
    parser.add_argument('--rounds', type=int)
    parser.add_argument('--into', metavar='FILE')
    parser.add_argument('parts', nargs='*', metavar='PART',
                        help=', '.join(PARTS))
    options = parser.parse_args()
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error('no such part: ' + ', '.join(sorted(unknown)))
    if options.quick:
        Size.rounds, Size.share = 1, 0.2
    Size.rounds = options.rounds or Size.rounds
    return options


def main():
    options = read_arguments()
    measure.need_postfix()
    Size.bytes = measure_bytes()
    say(f'Messages of {Size.bytes:,} bytes, medians of {Size.rounds} rounds; '
        f'the load was {os.getloadavg()[0]:.1f} at the start.')
    for name in options.parts or PARTS:
        try:
            PARTS[name]()
        except SystemExit as why:
            say(f'\n{name}: {why}')
            measure.failed.append(name)
    if options.into:
        write_into(options.into)
    return measure.end()


if __name__ == '__main__':
    sys.exit(main())
