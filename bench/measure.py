# SPDX-License-Identifier: MIT
"""What the benches of mail share: servers, programs that are run and timed,
and bounds that are judged. A bound that is not met is said, and counted."""
import atexit
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time

BUILD = os.environ.setdefault('top_builddir', os.getcwd())
FOLDER = tempfile.mkdtemp(prefix='thrum-bench-')
atexit.register(shutil.rmtree, FOLDER, True)

failed = []


def program(name):
    """One of the build folder; where libtool has put a script in its place,
    the program itself, for what the shell takes to start is not ours."""
    folder, name = os.path.split(name)
    itself = os.path.join(BUILD, folder, '.libs', name)
    return itself if os.path.exists(itself) else \
        os.path.join(BUILD, folder, name)


THRUM = program('thrum')
os.environ['LD_LIBRARY_PATH'] = os.path.join(os.path.abspath(BUILD), '.libs')


def find(name):
    """A program of Postfix, which Debian keeps in /usr/sbin."""
    path = os.environ['PATH'] + ':/usr/sbin:/usr/local/sbin'
    return shutil.which(name, path=path)


def need_postfix():
    if not find('smtp-source') or not find('smtp-sink'):
        raise SystemExit("smtp-source and smtp-sink (Debian's package postfix) "
                         'are missing')


def bench(name):
    return program(os.path.join('bench', name))


def judge(name, value, unit, met, bound):
    print(f'  {"met" if met else "NOT MET":8}{name}: {value:.2f}{unit} '
          f'({bound})', flush=True)
    if not met:
        failed.append(name)


def end():
    """The closing line; answers the status."""
    print(f'\n{len(failed)} bounds are not met' if failed
          else '\nEvery bound is met')
    return 1 if failed else 0


# ---- Servers ----

def free_port():
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return one.getsockname()[1]


class Server:
    """A process that listens at a port, and ends at the latest with us."""

    def __init__(self, command, **pipes):
        self.process = subprocess.Popen(command, text=True, **pipes)
        atexit.register(self.process.kill)

    def end(self):
        """Answers what it printed, as JSON, if that is read."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate()
        return json.loads(out) if out else None


class SmtpSink(Server):
    """Postfix's smtp-sink."""
    name = 'smtp-sink'

    def __init__(self):
        self.port = free_port()
        user = ['-u', 'nobody'] if os.getuid() == 0 else []
        super().__init__([find('smtp-sink'), *user, f'127.0.0.1:{self.port}',
                          '1000'])
        self.wait()

    def wait(self):
        """Until it answers: it says nothing of itself."""
        for _ in range(100):
            try:
                socket.create_connection(('127.0.0.1', self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.05)
        raise SystemExit(f'{self.name} does not listen')


class ThrumSink(Server):
    name = 'thrum sink'

    def __init__(self, *options):
        super().__init__([THRUM, 'sink', '--listen', '127.0.0.1:0', '--json',
                          *options],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.port = int(self.process.stderr.readline().rsplit(':', 1)[1])


class Line(Server):
    """A long line to a server: bench/delay.c."""

    def __init__(self, server, microseconds):
        super().__init__([bench('delay'), str(server.port),
                          str(microseconds)], stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())


# ---- Senders ----

def run(command):
    """Answers seconds, CPU seconds of the process alone, and its output."""
    start = time.monotonic()
    with open(os.path.join(FOLDER, 'out'), 'w+', encoding='utf-8') as out, \
            open(os.path.join(FOLDER, 'said'), 'w', encoding='utf-8') as said:
        process = subprocess.Popen(command, stdout=out, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        with open(os.path.join(FOLDER, 'said'), encoding='utf-8') as said:
            raise SystemExit(f'{command[0]} ended with {process.returncode}: '
                             + said.read())
    return seconds, used.ru_utime + used.ru_stime, text


class Sender:
    """A sender's rounds against one server. Rate and CPU are those of the
    whole program, from its start to its end."""

    def __init__(self, name, command, messages):
        self.name, self.command, self.messages = name, command, messages
        self.rates, self.cpus = [], []

    def round(self, port):
        seconds, cpu, text = run(self.command(port))
        self.rates.append(self.messages / seconds)
        self.cpus.append(cpu / self.messages * 1e6)
        return text

    def rate(self):
        return statistics.median(self.rates)

    def cpu(self):
        return statistics.median(self.cpus)

    def show(self):
        print(f'  {self.name:24}{self.rate():>9.0f}/s{self.cpu():>9.2f} us'
              f'   ({min(self.rates):.0f} to {max(self.rates):.0f}/s,'
              f' {min(self.cpus):.2f} to {max(self.cpus):.2f} us)',
              flush=True)


def ratio(one, other):
    """Of the rates of paired rounds."""
    return statistics.median(a / b for a, b in zip(one.rates, other.rates))


def cpu_ratio(one, other):
    """Of the CPU a message of paired rounds."""
    return statistics.median(a / b for a, b in zip(one.cpus, other.cpus))
