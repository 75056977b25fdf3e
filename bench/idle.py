# SPDX-License-Identifier: MIT
"""What an idle connection takes, and how long turns are while some talk.

Runs `idle` without connections, then with them, plain and over TLS (with a
certificate that certtool makes; without certtool that row is left out), and
judges the bytes a connection. The lags are printed beside those of the loop
without connections; they are those of a quiet machine only on one.

THRUM_BENCH_IDLE: connections, 10,000; THRUM_BENCH_TALKERS: of them talk, 1,000;
THRUM_BENCH_SECONDS: for so long, 10."""
import os
import shutil
import subprocess
import sys
import tempfile

BUILD = os.environ.get('top_builddir', '.')
RUN = [os.path.join(BUILD, 'libtool'), '--mode=execute',
       os.path.join(BUILD, 'bench', 'idle')]
COUNT = os.environ.get('THRUM_BENCH_IDLE', '10000')
TALKERS = os.environ.get('THRUM_BENCH_TALKERS', '1000')
SECONDS = os.environ.get('THRUM_BENCH_SECONDS', '10')
PLAIN, TLS = 4 * 1024, 60 * 1024  # bytes, at most
TEMPLATE = ('dns_name = "localhost"\ntls_www_server\nsigning_key\n'
            'expiration_days = 2\n')


def certificate(folder):
    """A certificate and its key in one file."""
    def certtool(*words):
        return subprocess.run(['certtool', *words], check=True, text=True,
                              capture_output=True).stdout

    def path(name, text):
        with open(os.path.join(folder, name), 'w', encoding='ascii') as file:
            file.write(text)
        return file.name

    key = certtool('--generate-privkey', '--key-type', 'ecdsa', '--curve',
                   'secp256r1')
    shown = certtool('--generate-self-signed', '--load-privkey',
                     path('key.pem', key), '--template',
                     path('template', TEMPLATE))
    return path('both.pem', shown + key)


def row(what, bound, *words):
    """Prints it; whether the bytes are within the bound."""
    done = subprocess.run([*RUN, *words], text=True, stdout=subprocess.PIPE,
                          check=True)
    size, turns, *lags = map(int, done.stdout.split())
    kept = bound is None or size <= bound
    told = '' if bound is None else f'{size} bytes a connection ' \
        f'(at most {bound}), ' + ('' if kept else 'TOO MUCH, ')
    print(f'{what}: {told}{turns} turns; lag of 50, 99, 99.9 % and the '
          'longest: ' + ', '.join(f'{lag / 1000:.0f}' for lag in lags) + ' us')
    sys.stdout.flush()
    return kept


def main():
    kept = [row('no connection', None, '0', '0', SECONDS),
            row(f'{COUNT} connections, none talks', PLAIN, COUNT, '0', SECONDS),
            row(f'{COUNT} connections, {TALKERS} talk', PLAIN, COUNT, TALKERS,
                SECONDS)]
    if shutil.which('certtool') is None:
        print('over TLS: left out, certtool is not installed')
    else:
        with tempfile.TemporaryDirectory() as folder:
            kept.append(row(f'the same over TLS, {TALKERS} talk', TLS, COUNT,
                            TALKERS, SECONDS, certificate(folder)))
    return 0 if all(kept) else 1


if __name__ == '__main__':
    sys.exit(main())
