# SPDX-License-Identifier: MIT
"""How the tree's files look, and words and calls that none of them has."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import lint
import unit

SOURCES = ('.c', '.h', '.py', '.sh', '.am', '.ac', '.m4', '.map', '.in', '.1',
           'packages.txt', '.clang-format')
SPDX = 'SPDX-License-Identifier: MIT'
CLANG_FORMAT = '14'

# Joined, so that this file has none of them.
WORDS = re.compile(
    r'\b(' + '|'.join(('TO' 'DO', 'FIX' 'ME', 'X' 'XX', 'HA' 'CK', 'st' 'ub',
                       'for ' 'now', 'simpli' 'fied', 'place' 'holder',
                       'not ' 'implemented')) + r')\b', re.I)
CTYPE = (r'is(?:alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|'
         r'upper|xdigit)|tolower|toupper')
BANNED = re.compile(
    r'\b(?:v?sprintf|strcpy|strcat|strtok|ato[ifl]|atoll|gets|gmtime|localtime|'
    r'rand|alloca|' + CTYPE + r')\s*\(')
# What changes the process belongs to the command; no library does it.
PROCESS = re.compile(
    r'\b(?:setlocale|setenv|putenv|unsetenv|clearenv|setrlimit|prlimit|signal|'
    r'umask|chdir|fchdir|exit|_exit|abort|setvbuf|raise)\s*\(|'
    r'\bsigaction\s*\((?!\w+, NULL,)')  # with NULL it only asks
# Time comes from the clock that was passed in. A message's Date is the one
# exception: a message has a context and no clock, so that it can be made
# without a reactor.
STAMP = 'mail/stamp.c'
# Ends the program in a build that checks threads, and is empty in any other.
THREAD = 'base/thread.c'
TIME = re.compile(
    r'\b(?:clock_gettime|gettimeofday|time|ftime|clock|ev_time|sleep|usleep|'
    r'nanosleep)\s*\(')
SLEEP = re.compile(r'\b(?:sleep|usleep|nanosleep)\s*\(')


def has_script_line(text):
    return text.startswith('#!')


def spdx(text):
    """The licence stands first, or right after a script's first line."""
    lines = text.split('\n')[:2]
    if SPDX in lines[0] or has_script_line(text) and SPDX in lines[1]:
        return []
    return [(1, 'no SPDX line first')]


def columns(text):
    return [(number, f'{len(line)} columns')
            for number, line in enumerate(text.split('\n'), 1)
            if len(line.expandtabs()) > 80]


def blanks(text):
    found = [(number, 'a blank at the end of the line')
             for number, line in enumerate(text.split('\n'), 1)
             if line.endswith((' ', '\t', '\r'))]
    if text and not text.endswith('\n') or text.endswith('\n\n'):
        found.append((text.count('\n'), 'ends without one line end'))
    return found


def length(text):
    lines = text.count('\n')
    return [(lines, f'{lines} lines')] if lines > 600 else []


def functions(text):
    """Functions of more than 75 lines, from brace to brace."""
    found, start = [], None
    for number, line in enumerate(text.split('\n'), 1):
        if line == '{':
            start = number
        elif line == '}' and start is not None:
            if number - start + 1 > 75:
                found.append((start, f'{number - start + 1} lines in one'))
            start = None
    return found


def words(text):
    return lint.each_line(WORDS, text)


def banned(text):
    return lint.each_line(BANNED, lint.code(text))


def process(text):
    return lint.each_line(PROCESS, lint.code(text))


def time(text):
    return lint.each_line(TIME, lint.code(text))


def sleep(text):
    return lint.each_line(SLEEP, lint.code(text))


def upward_goto(text):
    """A goto whose label stands above it."""
    text = lint.code(text)
    found = []
    for body in re.finditer(r'^{\n.*?^}$', text, re.M | re.S):
        labels = {each.group(1): each.start() for each in
                  re.finditer(r'^\s*(\w+):(?!:)', body.group(0), re.M)}
        for jump in re.finditer(r'\bgoto (\w+);', body.group(0)):
            if labels.get(jump.group(1), len(text)) < jump.start():
                at = body.start() + jump.start()
                found.append((text.count('\n', 0, at) + 1,
                              f'goto {jump.group(1)} goes back'))
    return found


def scripts():
    return [name for name in lint.files()
            if '.' not in os.path.basename(name)[1:]
            and has_script_line(lint.read(name))]


LIBRARIES = ('base', 'deferred', 'reactor', 'mail')

# The lint, the files that it reads, and a text that it must find something in.
LINTS = (
    (spdx, lambda: lint.files(*SOURCES, '.page') + scripts(),
     'int x;\n/* ' + SPDX),
    (spdx, list, '#!/bin/sh\n\n# ' + SPDX + '\n'),
    (columns, lambda: lint.files(*SOURCES) + scripts(), 'x' * 81),
    (columns, list, '\t' * 10 + 'x'),
    (blanks, lambda: lint.files(*SOURCES) + scripts(), 'int x; \n'),
    (blanks, list, 'int x;'),
    (length, lambda: lint.files('.c', '.h', '.py', '.sh'), '\n' * 601),
    (functions, lambda: lint.files('.c', '.h'),
     'int f(void)\n{\n' + 'x;\n' * 74 + '}\n'),
    (words, lambda: lint.files(*SOURCES) + scripts(), '/* TO' 'DO: all */'),
    (words, list, '/* this is for ' 'now */'),
    (banned, lambda: lint.files('.c', '.h'), '    strcpy (to, from);'),
    (banned, list, 'x = isdigit(c);'),
    (process, lambda: [name for name in lint.files(
        '.c', '.h', under=LIBRARIES) if name != THREAD],
     'setenv("TZ", "UTC", 1);'),
    (process, list, 'sigaction(SIGPIPE, &ignore, NULL);'),
    (time, lambda: [name for name in lint.files(
        '.c', '.h', under=('base', 'deferred', 'mail')) if name != STAMP],
     'now = time(NULL);'),
    (sleep, lambda: lint.files('.c', '.h', under=('tests', 'cli', 'examples')),
     'usleep(1000);'),
    (upward_goto, lambda: lint.files('.c', '.h'),
     'int f(void)\n{\nagain:\n    goto again;\n}\n'),
)
CLEAN = ('/* ' + SPDX + ' */\n/* strcpy(a, b) is not used; time(0) neither. */'
         '\nint f(void)\n{\n    if (x)\n        goto out;\n'
         '    puts("rand()");\nout:\n    return asprintf(&x, "");\n}\n')


class Format(unittest.TestCase):
    def test_the_tree_has_no_offence(self):
        for check, names, _ in LINTS:
            with self.subTest(check.__name__):
                self.assertEqual(lint.offences(check, names()), [])

    def test_every_planted_offence_is_found(self):
        for check, _, text in LINTS:
            with self.subTest(check.__name__, text=text):
                self.assertNotEqual(list(check(text)), [])

    def test_what_is_no_offence_is_not_found(self):
        for check, _, _ in LINTS:
            with self.subTest(check.__name__):
                self.assertEqual(list(check(CLEAN)), [])

    def test_every_lint_has_files_to_read(self):
        for check in {check for check, _, _ in LINTS}:
            with self.subTest(check.__name__):
                self.assertTrue(any(names() for each, names, _ in LINTS
                                    if each is check))


def clang_format(names):
    return subprocess.run(
        ['clang-format', '--dry-run', '-Werror', *names], cwd=unit.top_srcdir,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def clang_format_version():
    if shutil.which('clang-format') is None:
        return None
    told = subprocess.run(['clang-format', '--version'], capture_output=True,
                          text=True, check=True).stdout
    return re.search(r'version (\d+)', told).group(1)


@unittest.skipIf(clang_format_version() != CLANG_FORMAT,
                 f'clang-format {CLANG_FORMAT} is not installed')
class ClangFormat(unittest.TestCase):
    def test_the_tree_is_formatted(self):
        told = clang_format(lint.files('.c', '.h'))
        self.assertEqual((told.returncode, told.stderr), (0, ''))

    def test_what_is_not_formatted_is_found(self):
        with tempfile.TemporaryDirectory(dir=unit.top_builddir) as folder:
            shutil.copy(os.path.join(unit.top_srcdir, '.clang-format'), folder)
            path = os.path.join(folder, 'planted.c')
            with open(path, 'w', encoding='utf-8') as file:
                file.write('int f(void) {\n  return 1; }\n')
            self.assertNotEqual(clang_format([path]).returncode, 0)


if __name__ == '__main__':
    unit.main()
