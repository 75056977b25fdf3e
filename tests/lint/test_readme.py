# SPDX-License-Identifier: MIT
"""What the documents say is there: the program compiles and sends, the
commands, the options and the targets exist, the links lead somewhere."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import build
import lint
import unit

LINK = re.compile(r'\[[^\]]*\]\(([^)#]+)(?:#[^)]*)?\)')
DOCUMENTS = lint.files('.md')
LONGEST_EXAMPLE = 160


def broken_links(name, text):
    """Links of a document to files that are not there."""
    folder = os.path.dirname(name)
    return [link for link in LINK.findall(text)
            if not re.match(r'\w+:', link) and not os.path.exists(
                os.path.join(unit.top_srcdir, folder, link))]


def program():
    """The program of the README."""
    return re.search(r'^```c\n(.*?)^```$', lint.read('README.md'),
                     re.M | re.S).group(1)


def words(pattern, text):
    """All that a pattern finds in the code of a document."""
    code = re.findall(r'^```\w*\n(.*?)^```$|`([^`\n]+)`', text, re.M | re.S)
    return {found for block in code for part in block
            for found in re.findall(pattern, part)}


class Documents(unittest.TestCase):
    def test_links_lead_to_files(self):
        for name in DOCUMENTS:
            with self.subTest(name):
                self.assertEqual(broken_links(name, lint.read(name)), [])

    def test_a_planted_broken_link_is_found(self):
        self.assertEqual(broken_links('docs/a.md', '[x](nowhere.md#y)'),
                         ['nowhere.md'])
        self.assertEqual(broken_links('docs/a.md', '[x](../README.md)'), [])

    def test_the_index_of_docs_names_them_all(self):
        index = set(LINK.findall(lint.read('docs/README.md')))
        there = {os.path.basename(name) for name in DOCUMENTS
                 if name.startswith('docs/')}
        self.assertEqual(sorted(there - index - {'README.md'}), [])

    def test_targets_of_make_exist(self):
        with open(os.path.join(unit.top_builddir, 'Makefile'),
                  encoding='utf-8') as file:
            there = set(re.findall(r'^([\w-]+):', file.read(), re.M))
        for name in DOCUMENTS:
            with self.subTest(name):
                named = words(r'\bmake ([a-z][\w-]+)', lint.read(name))
                self.assertEqual(sorted(named - there), [])

    def test_words_of_autogen_exist(self):
        text = lint.read('autogen.sh')
        for name in DOCUMENTS:
            for word in words(r'autogen\.sh ([a-z]+)', lint.read(name)):
                with self.subTest(name, word=word):
                    self.assertIn(f'1:{word})', text)

    def test_options_of_the_command_exist(self):
        for command in ('bulk', 'probe', 'sink'):
            told = build.run(os.path.join(unit.top_builddir, 'thrum'), command,
                             '--help')
            self.assertEqual(told.returncode, 0)
            for line in words(rf'thrum {command}[^\n]*',
                              lint.read('README.md')):
                for option in re.findall(r'--[\w-]+', line):
                    self.assertRegex(told.stdout, rf'{option}\b')

    def test_examples_are_short(self):
        for name in lint.files('.c', under=('examples',)):
            with self.subTest(name):
                self.assertLessEqual(lint.read(name).count('\n'),
                                     LONGEST_EXAMPLE)


class Program(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(dir=unit.top_builddir, prefix='readme-')
        self.addCleanup(shutil.rmtree, self.folder)
        self.binary = os.path.join(self.folder, 'welcome')
        path = os.path.join(self.folder, 'welcome.c')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(program())
        libraries = [build.shared(name) for name in reversed(build.LIBRARIES)]
        told = build.run(
            *build.compiler(), '-Wall', '-Wextra', '-Werror', '-o',
            self.binary, path, '-I' + os.path.join(unit.top_srcdir, 'include'),
            *libraries, '-Wl,-rpath,' + os.path.dirname(libraries[0]))
        self.assertEqual((told.returncode, told.stderr), (0, ''))

    def sink(self, count):
        """A sink that ends after some messages; where it listens."""
        self.dump = os.path.join(self.folder, 'dump')
        process = subprocess.Popen(
            [os.path.join(unit.top_builddir, 'thrum'), 'sink', '--listen',
             '127.0.0.1:0', '--count', str(count), '--dump', self.dump],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        line = process.stderr.readline()
        place = re.search(r'127\.0\.0\.1:\d+', line)
        self.assertIsNotNone(place, line)
        return process, 'smtp://' + place.group(0)

    def test_it_greets_everybody_and_names_whom_it_could_not(self):
        names = [f'p{i}@example.org' for i in range(250)]
        process, via = self.sink(len(names))
        told = build.run(self.binary, text='\n'.join(
            names[:100] + ['nobody'] + names[100:]) + '\n',
            env=dict(os.environ, THRUM_VIA=via))
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertRegex(told.stderr, r'^nobody: .*\n$')
        self.assertEqual(process.wait(), 0)
        with open(self.dump, encoding='utf-8') as file:
            letters = [json.loads(line) for line in file]
        self.assertEqual(sorted(each['to'][0] for each in letters),
                         sorted(names))
        for letter in letters:
            self.assertIn('Subject: Hello\r\n', letter['body'])
            self.assertTrue(letter['body'].endswith('\r\n\r\nWelcome!\r\n'))


if __name__ == '__main__':
    unit.main()
