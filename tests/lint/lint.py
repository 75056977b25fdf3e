# SPDX-License-Identifier: MIT
"""What the lint tests share: the files of the tree, and C without comments.

Each lint is a function from a text to the offences in it, so that its test can
show both: that the tree has none, and that a planted one is found.
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, 'support'))
import unit  # noqa: E402 pylint: disable=wrong-import-position

FOLDERS = ('include', 'base', 'deferred', 'reactor', 'mail', 'cli', 'examples',
           'tests', 'bench', 'man', 'docs', 'm4', '.ci')
TOP = ('.clang-format', 'autogen.sh', 'configure.ac', 'Makefile.am',
       'packages.txt', 'libthrum.pc.in', 'libthrum-mail.pc.in', 'README.md',
       'NEWS.md', 'CONTRIBUTING.md', 'SECURITY.md', 'LICENSE')
LIBTOOL = re.compile(r'^m4/(libtool|lt.*)\.m4$')


def files(*endings, under=FOLDERS):
    """The tree's own files, as paths from its top; those in the top folder
    itself too when `under` is not given."""
    found = [name for name in TOP if under is FOLDERS
             and os.path.exists(os.path.join(unit.top_srcdir, name))]
    for folder in under:
        for at, folders, names in os.walk(os.path.join(unit.top_srcdir,
                                                       folder)):
            folders[:] = [each for each in folders
                          if each not in ('__pycache__', 'corpus', '.deps',
                                            '.libs')]
            found += [os.path.relpath(os.path.join(at, name), unit.top_srcdir)
                      for name in names]
    return sorted(name for name in found
                  if name.endswith(endings or ('',))
                  and not LIBTOOL.match(name))


def read(name):
    """The text of a file of the tree."""
    with open(os.path.join(unit.top_srcdir, name), encoding='utf-8') as file:
        return file.read()


def blank(match):
    """As many line ends as a match has, so that line numbers stay."""
    return ' ' + '\n' * match.group(0).count('\n')


TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'
                   r"'(?:\\.|[^'\\\n])*'", re.S)


def code(text):
    """C without its comments, and with empty strings; lines keep their
    numbers."""
    def replace(match):
        return '""' if match.group(0)[0] in '"\'' else blank(match)
    return TOKEN.sub(replace, text)


def each_line(pattern, text):
    """The numbers of the lines at which a pattern matches, and the matches."""
    for match in pattern.finditer(text):
        yield text.count('\n', 0, match.start()) + 1, match.group(0)


def offences(lint, names):
    """What a lint finds in files: "name:line: what"."""
    return [f'{name}:{line}: {what}'
            for name in names for line, what in lint(read(name))]
