# SPDX-License-Identifier: MIT
"""Each floor knows only those below it, and programs know no internals."""
import os
import re
import unittest

import build
import lint
import unit

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(?:<thrum/(\w+\.h)>|"(.*)")',
                     re.M)

# The public headers of each floor, its own and none above.
BASE = {'api.h', 'buffer.h', 'context.h', 'failure.h', 'lines.h',
        'version.h'}
DEFERRED = BASE | {'clock.h', 'cooperator.h', 'debug.h', 'deferred.h',
                   'deferred_list.h', 'group.h', 'looping_call.h', 'outcome.h',
                   'queue.h', 'results.h', 'semaphore.h', 'share.h',
                   'test_clock.h'}
REACTOR = DEFERRED | {'connect.h', 'health.h', 'host.h', 'listener.h',
                      'reactor.h', 'records.h', 'stream.h', 'test_peer.h',
                      'thread.h', 'thrum.h', 'tls.h'}
EVERY = REACTOR | set(build.mail_headers())

# For each folder: the public headers and the folders that it may include.
MAY = {
    'base': (BASE, ('base/',)),
    'deferred': (DEFERRED, ('deferred/', 'base/')),
    'reactor': (REACTOR, ('reactor/', 'deferred/', 'base/')),
    'mail': (EVERY, ('mail/',)),
    'cli': (EVERY, ('cli/',)),
    'examples': (EVERY, ('tested_service.h',)),
    'bench': (EVERY, ('bench/',)),
}
# What configure wrote may be read by all.
CONFIG = 'config.h'


def upward(floor):
    """The lint of one folder's includes."""
    public, folders = MAY[floor]

    def check(text):
        for match in INCLUDE.finditer(text):
            header, own = match.groups()
            allowed = header in public if header else \
                own == CONFIG or own.startswith(folders)
            if not allowed:
                yield text.count('\n', 0, match.start(0)) + 1, match.group(0)
    return check


def link(floors, *more):
    """Links the floors named whole, with nothing undefined."""
    return build.run(
        *build.compiler(), '-shared', '-o', os.devnull, '-Wl,-z,defs',
        '-Wl,--whole-archive', *map(build.archive, floors),
        '-Wl,--no-whole-archive', *more)


def can_forbid_undefined():
    """Clang's sanitizers leave their own calls undefined in libraries."""
    return link((), '-xc', '/dev/null').returncode == 0


class Includes(unittest.TestCase):
    def test_no_folder_includes_from_above(self):
        for floor in MAY:
            with self.subTest(floor):
                found = lint.offences(upward(floor), lint.files(
                    '.c', '.h', under=(floor,)))
                self.assertEqual(found, [])

    def test_no_public_header_includes_from_above(self):
        for floor, public in (('base', BASE), ('deferred', DEFERRED),
                              ('reactor', REACTOR)):
            with self.subTest(floor):
                names = ['include/thrum/' + name for name in sorted(public)]
                self.assertEqual(lint.offences(upward(floor), names), [])

    def test_a_planted_upward_include_is_found(self):
        for floor, line in (('base', '#include <thrum/deferred.h>'),
                            ('base', '  #  include "deferred/deferred.h"'),
                            ('deferred', '#include <thrum/reactor.h>'),
                            ('reactor', '#include <thrum/mail.h>'),
                            ('mail', '#include "base/base.h"'),
                            ('cli', '#include "mail/message_internal.h"'),
                            ('examples', '#include "config.h2"')):
            with self.subTest(floor, line=line):
                self.assertNotEqual(list(upward(floor)(line + '\n')), [])

    def test_every_public_header_is_of_one_floor(self):
        names = {os.path.basename(name)
                 for name in lint.files('.h', under=('include',))}
        self.assertEqual(names, EVERY)


@unittest.skipUnless(can_forbid_undefined(),
                     'the sanitizers of this compiler forbid -z defs')
class Links(unittest.TestCase):
    def need(self, result):
        self.assertEqual((result.returncode, result.stderr), (0, ''))

    def test_base_stands_alone(self):
        self.need(link(('base',)))

    def test_deferred_needs_only_base(self):
        self.need(link(('base', 'deferred')))

    def test_reactor_needs_only_those_below_and_its_libraries(self):
        self.need(link(('base', 'deferred', 'reactor'),
                       *build.variable('EV_LIBS'),
                       *build.variable('CARES_LIBS'),
                       *build.variable('GNUTLS_LIBS')))

    def test_mail_needs_only_what_libthrum_exports(self):
        self.need(link(('mail',), build.shared('libthrum'),
                       *build.variable('GNUTLS_LIBS')))

    def test_a_planted_upward_call_is_found(self):
        planted = ('void thrum_reactor_stop(void *); void planted(void);'
                   'void planted(void) { thrum_reactor_stop((void *)0); }')
        path = os.path.join(unit.top_builddir, 'tests/lint/planted.c')
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w', encoding='utf-8') as file:
            file.write(planted)
        self.addCleanup(os.unlink, path)
        result = link(('base', 'deferred'), '-fPIC', path)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn('thrum_reactor_stop', result.stderr)


if __name__ == '__main__':
    unit.main()
