# SPDX-License-Identifier: MIT
"""The manual: everything public has its entry in exactly one page, and the
pages are what a reader expects of a page."""
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import manual
import build
import lint
import unit

COLUMNS = 80
ADVICE = ('write man/thrum_{0}.page and man/thrum_{0}.c, and name them in '
          'man/Makemodule.am, or add {0}.h to the line "headers:" of another '
          'page (CONTRIBUTING.md says more)')
MAN_1 = ('thrum.1', 'thrum-bulk.1', 'thrum-probe.1', 'thrum-sink.1')
ORDER = ('NAME', 'SYNOPSIS', 'DESCRIPTION', 'TYPES', 'CONSTANTS', 'FUNCTIONS',
         'ERRORS', 'EXAMPLE', 'SEE ALSO')
OPTIONAL = ('TYPES', 'CONSTANTS', 'ERRORS')


def every_file():
    return manual.files(manual.folder())


def pages():
    return {name: text for name, text in every_file().items()
            if not manual.is_link(text)}


def places(texts):
    """In which pages each name has its entries."""
    found = collections.defaultdict(list)
    for name, text in texts.items():
        for entry in manual.entries(text):
            found[entry].append(name)
    return found


def public():
    return {name: header for header in lint.files('.h', under=('include',))
            for name in manual.public(lint.read(header))}


def sources():
    """The pages of section 1, by path."""
    return [os.path.join(unit.top_srcdir, 'man', name) for name in MAN_1]


def shown(path, width=COLUMNS):
    """A page as `man` shows it."""
    told = subprocess.run(
        ['man', '-l', path], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False,
        env=dict(os.environ, MANWIDTH=str(width), LC_ALL='C.UTF-8',
                 MANPAGER='cat'))
    if told.returncode != 0:
        raise OSError(told.stderr)
    return re.sub('.\b', '', told.stdout), told.stderr


class Coverage(unittest.TestCase):
    def test_everything_public_has_one_entry_in_one_page(self):
        found, names = places(pages()), public()
        self.assertGreater(len(names), 300)
        for name, header in sorted(names.items()):
            with self.subTest(name):
                self.assertEqual(
                    len(found[name]), 1, f'{header}: {name} has its entry in '
                    f'{found[name] or "no page"}')

    def test_every_header_that_declares_something_is_of_one_page(self):
        named = [name for path in lint.files('.page', under=('man',))
                 for name in re.search(r'^headers: (.*)$', lint.read(path),
                                       re.M).group(1).split()]
        for header in sorted(set(public().values())):
            name = os.path.basename(header)
            with self.subTest(name):
                self.assertEqual(named.count(name), 1,
                                 f'{header} has no page, or several: ' +
                                 ADVICE.format(name[:-2]))

    def test_every_entry_is_something_public(self):
        self.assertEqual(sorted(set(places(pages())) - set(public())), [])

    def test_every_function_and_type_has_a_page_of_its_name(self):
        files, found = every_file(), places(pages())
        for name in public():
            if name.startswith('thrum_domain_') or not name.islower():
                continue
            with self.subTest(name):
                self.assertIn(name, files)
                if manual.is_link(files[name]):
                    self.assertEqual(files[name],
                                     f'.so man3/{found[name][0]}.3\n')

    def test_every_link_leads_to_a_page_and_is_of_something_public(self):
        files, names = every_file(), public()
        for name, text in files.items():
            if manual.is_link(text):
                with self.subTest(name):
                    target = re.fullmatch(r'\.so man3/(\w+)\.3\n', text)
                    self.assertFalse(manual.is_link(files[target.group(1)]))
                    self.assertIn(name, names)

    def test_names_are_read_from_a_header_and_from_a_page(self):
        header = ('/* thrum_no */\n#define THRUM_X_ERRORS(X) \\\n'
                  '    X(A, -1, "a") \\\n    X(B, -2, "b")\n'
                  'THRUM_API int thrum_a(thrum_b *b);\n')
        self.assertEqual(manual.public(header), {
            'THRUM_X_ERRORS', 'THRUM_X_E_A', 'THRUM_X_E_B', 'thrum_a',
            'thrum_b'})
        page = ('.SH TYPES\n.TP\n\\fBthrum_b\\fR\nA handle.\n.PP\n.nf\n'
                '\\fBvoid thrum_c_fn(void *\\fIctx\\fB);\\fR\n.fi\n'
                '.SH FUNCTIONS\n.TP\n\\fBthrum_a\\fR(\\fIb\\fR)\nIt is\n'
                '\\fBthrum_no\\fR\n.SH ERRORS\n.TP 9\n'
                '\\fBTHRUM_X_E_A\\fR (\\-1)\na\n.TP 9\n\\fBTHRUM_E_NO\\fR\n')
        self.assertEqual(manual.entries(page), [
            'thrum_b', 'thrum_c_fn', 'thrum_a', 'THRUM_X_E_A'])


class Made(unittest.TestCase):
    def test_they_are_of_the_headers_and_the_parts_that_stand_here(self):
        with tempfile.TemporaryDirectory(dir=unit.top_builddir) as folder:
            out = os.path.join(folder, 'man3')
            told = build.run(
                sys.executable, '-B',
                os.path.join(unit.top_srcdir, 'man', 'from_header.py'),
                '--source', unit.top_srcdir,
                '--version', build.expanded('PACKAGE_VERSION'),
                '--date', build.expanded('THRUM_DATE'), out)
            self.assertEqual((told.returncode, told.stderr), (0, ''))
            self.assertEqual(manual.files(out), every_file())


class Pages(unittest.TestCase):
    def test_each_has_its_sections_in_order(self):
        for name, text in pages().items():
            with self.subTest(name):
                titles = re.findall(r'^\.SH (.*)$', text, re.M)
                self.assertEqual(titles, [
                    each for each in ORDER
                    if each in titles or each not in OPTIONAL])

    def test_each_name_line_is_one_for_whatis(self):
        for name, text in pages().items():
            with self.subTest(name):
                self.assertRegex(manual.section(text, 'NAME'),
                                 rf'^{name} \\- [^\n]{{10,}}\n$')

    def test_each_has_an_example_that_is_a_program(self):
        for name, text in pages().items():
            with self.subTest(name):
                self.assertIn('int main(void)', manual.listings(text)[0])

    def test_every_page_that_is_named_is_there(self):
        there = set(every_file())
        commands = {name[:-2] for name in MAN_1}
        for name, text in pages().items():
            plain = manual.unfonted(text)
            named = set(re.findall(r'\b(thrum\w*) ?\(3\)', plain))
            with self.subTest(name):
                self.assertEqual(sorted(named - there), [])
                self.assertEqual(sorted(set(re.findall(
                    r'\b(thrum[\w-]*) ?\(1\)', plain)) - commands), [])

    def test_the_overview_lists_every_page(self):
        listed = set(re.findall(r'^(thrum_\w+)\(3\)$', manual.unfonted(
            manual.section(pages()['thrum'], 'DESCRIPTION')), re.M))
        self.assertEqual(sorted(set(pages()) - listed), ['thrum'])

    def test_the_commands_lead_to_each_other_and_to_the_library(self):
        for path in sources():
            with open(path, encoding='utf-8') as file:
                links = set(re.findall(r'^\.BR (\S+) \((\d)\)', manual.section(
                    file.read(), 'SEE ALSO').replace('\\-', '-'), re.M))
            name = os.path.basename(path)[:-2]
            with self.subTest(name):
                self.assertEqual(
                    {link for link in links if link[1] == '1'},
                    {(each[:-2], '1') for each in MAN_1} - {(name, '1')})
                self.assertIn(('thrum', '3'), links)


def mandoc(path):
    return subprocess.run(['mandoc', '-Tlint', path], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)


@unittest.skipIf(shutil.which('mandoc') is None, 'mandoc is not installed')
class Lint(unittest.TestCase):
    def test_every_page_is_clean(self):
        made = [os.path.join(manual.folder(), name + '.3') for name in pages()]
        self.assertGreater(len(made), 15)
        for path in made + sources():
            with self.subTest(os.path.basename(path)):
                told = mandoc(path)
                self.assertEqual((told.returncode, told.stdout), (0, ''))

    def test_what_is_not_clean_is_found(self):
        told = subprocess.run(['mandoc', '-Tlint'], input='.SH NAME\n.XY\n',
                              capture_output=True, text=True, check=False)
        self.assertNotEqual(told.returncode, 0)


@unittest.skipIf(shutil.which('man') is None, 'man is not installed')
class Shown(unittest.TestCase):
    def test_every_page_fits_80_columns(self):
        for name in pages():
            with self.subTest(name):
                text, complaints = shown(
                    os.path.join(manual.folder(), name + '.3'))
                self.assertEqual(complaints, '')
                self.assertIn('SYNOPSIS', text)
                self.assertEqual([line for line in text.split('\n')
                                  if len(line) > COLUMNS], [])

    def test_no_mark_of_the_source_is_left(self):
        for name in pages():
            text, _ = shown(os.path.join(manual.folder(), name + '.3'))
            text = text[:text.index('\nEXAMPLE')]
            with self.subTest(name):
                self.assertEqual(re.findall(
                    r'`|\\f|@\w+@|\w:: |\(3\)\(|\n *== ', text), [])


if __name__ == '__main__':
    unit.main()
