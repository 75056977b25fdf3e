# SPDX-License-Identifier: MIT
"""Each library exports what its headers mark, and nothing else."""
import re
import unittest

import build
import lint
import unit

DECLARED = re.compile(r'^(?:extern )?THRUM_API\b([^;]*);', re.M)


def declared(text):
    """The names that a header marks for export."""
    found = set()
    for match in DECLARED.finditer(lint.code(text)):
        declaration = match.group(1).split('THRUM_PRINTF')[0]
        called = re.search(r'(\w+)\s*\(', declaration)
        found.add(called.group(1) if called else
                  re.findall(r'\w+', declaration.split('[')[0])[-1])
    return found


def exported(path):
    """The names that a shared library defines for others."""
    told = build.run('nm', '-D', '--defined-only', path)
    if told.returncode != 0:
        raise OSError(told.stderr)
    names = {line.split()[-1].split('@')[0]
             for line in told.stdout.splitlines()
             if line.split()[-2] != 'A'}
    return {name for name in names if not name.startswith(('__asan', '__ubsan',
                                                           '__odr_asan'))}


class Exports(unittest.TestCase):
    def test_libraries_export_what_their_headers_mark(self):
        for library in build.LIBRARIES:
            with self.subTest(library):
                marked = set()
                for name in build.headers(library):
                    marked |= declared(lint.read('include/thrum/' + name))
                given = exported(build.shared(library))
                self.assertEqual(sorted(marked - given), [], 'not exported')
                self.assertEqual(sorted(given - marked), [], 'not marked')

    def test_the_names_of_a_header_are_read(self):
        header = ('/* THRUM_API int thrum_no(void); */\n'
                  'THRUM_API int thrum_a(void (*of)(int));\n'
                  'THRUM_API const char *\nthrum_b(int x);\n'
                  'extern THRUM_API const thrum_domain thrum_c;\n'
                  'THRUM_API int thrum_d(int a, ...)\n'
                  '    THRUM_PRINTF(1, 2);\n'
                  'int thrum_e(void);\n')
        self.assertEqual(declared(header),
                         {'thrum_a', 'thrum_b', 'thrum_c', 'thrum_d'})

    def test_what_a_library_exports_is_read(self):
        names = exported(build.shared('libthrum'))
        self.assertIn('thrum_version', names)
        self.assertNotIn('thrum__describe', names)

    def test_every_name_begins_with_thrum(self):
        for library in build.LIBRARIES:
            odd = [name for name in exported(build.shared(library))
                   if not re.match(r'thrum_[a-z]', name)]
            self.assertEqual(odd, [])


if __name__ == '__main__':
    unit.main()
