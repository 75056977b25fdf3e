# SPDX-License-Identifier: MIT
"""The manual's section 3 as it was made, and the names that it must have: all
words of the headers' code that begin with thrum_ or THRUM_. They are read
without the reader that the pages are made with, so that nothing is missed by
both."""
import os
import re
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(_HERE, os.pardir, name)
                for name in ('lint', 'support')]
import lint  # noqa: E402 pylint: disable=wrong-import-position
import unit  # noqa: E402 pylint: disable=wrong-import-position

WORD = re.compile(r'\b(?:thrum|THRUM)_\w+')
# What headers need for themselves, and no program uses.
INNER = re.compile(r'THRUM_(?:API|PRINTF|BEGIN|END|TEXT|TEXT_OF|\w+_H'
                   r'|(?:\w+_)?ERRORS_ENUM)$|THRUM_(?:\w+_)?E_$')
CODE = re.compile(r'^ *X\((\w+), -\d+', re.M)


def folder():
    """Where the pages are: in the build folder, or a release's own."""
    for top in (unit.top_builddir, unit.top_srcdir):
        if os.path.exists(os.path.join(top, 'man', 'man3.stamp')):
            return os.path.join(top, 'man', 'man3')
    raise OSError('there is no man/man3.stamp: run make')


def files(where):
    """The files of a folder by name, without their ending: their text."""
    found = {}
    for name in sorted(os.listdir(where)):
        if name.startswith('thrum') and name.endswith('.3'):
            with open(os.path.join(where, name), encoding='utf-8') as file:
                found[name[:-2]] = file.read()
    return found


def is_link(text):
    return text.startswith('.so ')


def public(text):
    """The names that a header's code declares or defines."""
    found = set(WORD.findall(lint.code(text)))
    for name, body in re.findall(r'^#define (\w*ERRORS)\(X\)((?:.*\\\n)*.*)',
                                 text, re.M):
        found |= {f'{name[:-len("RRORS")]}_{code}'
                  for code in CODE.findall(body)}
    return {name for name in found if not INNER.match(name)}


def section(text, title):
    """What stands under a title of a page, "" when there is none."""
    found = re.search(rf'^\.SH {title}\n(.*?)(?=^\.SH |\Z)', text, re.M | re.S)
    return found.group(1) if found else ''


TAGS = re.compile(r'^\.(?:TP.*|TQ|PP)\n(\\fB.*)$', re.M)
BLOCKS = re.compile(r'^\.nf\n(.*?)\.fi$', re.M | re.S)
TAG = re.compile(r'(?:const thrum_domain |typedef .*)?((?:thrum|THRUM)_\w+)'
                 r'(?: = \d+(?: << \d+)?)?$')


def entries(text):
    """The names that a page has an entry for: tags of one name, functions and
    prototypes of callbacks, and of its errors those with their numbers."""
    found = []
    for title in ('TYPES', 'CONSTANTS', 'FUNCTIONS'):
        body = section(text, title)
        for tag in map(unfonted, TAGS.findall(body) + BLOCKS.findall(body)):
            called = re.search(r'\b(thrum_\w+)\(', tag)
            named = TAG.match(tag)
            if called or named:
                found.append((called or named).group(1))
    errors = unfonted(section(text, 'ERRORS'))
    found += re.findall(r'^(THRUM_\w+) \(-\d+\)$', errors, re.M)
    for sentence in re.findall(r'^They are values of .*?(?=^\.|\Z)', errors,
                               re.M | re.S):
        found += WORD.findall(sentence)
    return found


PLAIN = (('\\(aq', "'"), ('\\(ga', '`'), ('\\(ha', '^'), ('\\(ti', '~'),
         ('\\-', '-'), ('\\e', '\\'))


def unfonted(text):
    """Roff without its fonts and escapes."""
    text = re.sub(r'\\f[BIR]|\\&', '', text)
    for roff, plain in PLAIN:
        text = text.replace(roff, plain)
    return text


def listings(text):
    """The blocks of code from EXAMPLE on: the program, and its output when it
    has one."""
    return [unfonted(block) for block in re.findall(
        r'^\.EX\n(.*?)^\.EE$', section(text, 'EXAMPLE'), re.M | re.S)]
