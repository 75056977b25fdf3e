# SPDX-License-Identifier: MIT
"""Every public function is documented, every public header is installed."""
import os
import re
import unittest

import lint
import unit

MARKED = re.compile(r'^(?:extern )?THRUM_API\b[^;]*;', re.M)


def undocumented(text):
    """Exported names without a comment right above them. Several declarations
    without a blank line between share the comment above the first."""
    lines = text.split('\n')
    for match in MARKED.finditer(text):
        number = text.count('\n', 0, match.start())
        above = number - 1
        while above > 0 and lines[above].strip() and \
                not lines[above].rstrip().endswith('*/'):
            above -= 1
        if not lines[above].rstrip().endswith('*/'):
            yield number + 1, match.group(0).split('\n')[0]


def without_guard(text):
    """A header's own guard, and extern "C" for C++ where it declares."""
    if not re.search(r'^#ifndef THRUM_\w+_H\n#define THRUM_\w+_H$', text, re.M):
        yield 1, 'no include guard'
    if MARKED.search(text) and not ('\nTHRUM_BEGIN\n' in text and
                                    '\nTHRUM_END\n' in text):
        yield 1, 'declares outside of THRUM_BEGIN and THRUM_END'


def functions(headers):
    """How many functions the headers declare for export."""
    return sum(len(MARKED.findall(lint.read(each))) for each in headers)


class Documented(unittest.TestCase):
    def setUp(self):
        self.headers = lint.files('.h', under=('include',))

    def test_every_public_function_has_a_comment_above(self):
        self.assertGreater(functions(self.headers), 50)
        self.assertEqual(lint.offences(undocumented, self.headers), [])

    def test_a_planted_function_without_a_comment_is_found(self):
        planted = ('/* Makes one. */\nTHRUM_API int thrum_made(void);\n\n'
                   'THRUM_API int\nthrum_planted(void);\n')
        self.assertEqual([line for line, _ in undocumented(planted)], [4])

    def test_every_public_header_has_its_guard(self):
        self.assertEqual(lint.offences(without_guard, self.headers), [])
        self.assertNotEqual(list(without_guard('int x;\n')), [])

    def test_every_public_header_is_installed(self):
        listed = re.findall(r'include/thrum/\w+\.h',
                            lint.read('include/thrum/Makemodule.am'))
        self.assertEqual(sorted(listed), self.headers)


class Readmes(unittest.TestCase):
    def test_every_folder_of_sources_opens_with_a_readme(self):
        folders = {os.path.dirname(name) for name in lint.files('.c', under=(
            'base', 'deferred', 'reactor', 'mail', 'cli', 'examples'))}
        missing = [folder for folder in sorted(folders) if not os.path.exists(
            os.path.join(unit.top_srcdir, folder, 'README.md'))]
        self.assertEqual(missing, [])


if __name__ == '__main__':
    unit.main()
