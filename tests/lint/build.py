# SPDX-License-Identifier: MIT
"""The build folder as the lint tests see it: its compiler, its archives, its
shared libraries, and what the Makefile was configured with."""
import os
import re
import shlex
import subprocess

import lint
import unit

# The floors from below, each with its archive.
FLOORS = ('base', 'deferred', 'reactor', 'mail')
LIBRARIES = {'libthrum': ('base', 'deferred', 'reactor'),
             'libthrum-mail': ('mail',)}


def variable(name):
    """What the Makefile of the build folder says a variable is, in words."""
    with open(os.path.join(unit.top_builddir, 'Makefile'),
              encoding='utf-8') as file:
        found = re.search(rf'^{name} = ?((?:.*\\\n)*.*)$', file.read(), re.M)
    return shlex.split(found.group(1).replace('\\\n', ' ')) if found else []


def expanded(name):
    """What a variable that holds one path is, with all it refers to."""
    value = ' '.join(variable(name))
    while True:
        found = re.search(r'\$[({](\w+)[)}]', value)
        if not found:
            return value
        value = value.replace(found.group(0), ' '.join(
            variable(found.group(1))))


def run(*command, text=None, **more):
    """Runs a program in the build folder; its output and errors as text."""
    return subprocess.run(
        [*command], cwd=more.pop('cwd', unit.top_builddir), input=text or '',
        capture_output=True, text=True, check=False, **more)


def compiler():
    """The C compiler with the sanitizers' options."""
    return variable('CC') + variable('SAN_CFLAGS') + variable('SAN_LDFLAGS')


def archive(floor):
    """The archive of a floor's objects."""
    return os.path.join(unit.top_builddir, '.libs', f'lib{floor}.a')


def shared(library):
    """A library as it was built."""
    return os.path.join(unit.top_builddir, '.libs', f'{library}.so')


def mail_headers():
    """The headers of libthrum-mail: those that <thrum/mail.h> collects."""
    found = re.findall(r'#include <thrum/(\w+\.h)>',
                       lint.read('include/thrum/mail.h'))
    return sorted({'mail.h', *found} - {'thrum.h'})


def headers(library):
    """The names of the headers that belong to a library."""
    every = [os.path.basename(name)
             for name in lint.files('.h', under=('include',))]
    mail = mail_headers()
    return mail if library == 'libthrum-mail' else \
        [name for name in every if name not in mail]
