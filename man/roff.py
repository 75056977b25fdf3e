# SPDX-License-Identifier: MIT
"""Writes a page in man(7): text with its names in their fonts, prototypes that
fit the page, lists with tags."""
import re
import textwrap

WIDTH = 72  # columns of code beside the margin, of the 80 that a page has

TOKEN = re.compile(r'''
    `(?P<code>[^`]+)`
  | (?P<include><thrum/\w+\.h>)
  | (?P<name>\b(?:thrum|THRUM)_\w+\b)(?:\(3\)|(?P<call>\(\)))?
  | (?P<short>(?<![\w-])_?[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b(?![-/]))
  | (?P<argument>\*\w+\b|\bctx\b)
''', re.X)


def escape(text):
    """Text as it is, in roff."""
    text = text.replace('\\', r'\e').replace('-', r'\-')
    for plain, roff in (("'", r'\(aq'), ('`', r'\(ga'), ('^', r'\(ha'),
                        ('~', r'\(ti')):
        text = text.replace(plain, roff)
    return text


def prose(text):
    """The same for words: hyphens and apostrophes are what they are."""
    return text.replace('\\', r'\e').replace('~', r'\(ti').replace(
        '^', r'\(ha')


def guarded(text):
    """No line of it is taken for a request."""
    return '\n'.join(r'\&' + line if line[:1] in ('.', "'") else line
                     for line in text.split('\n'))


def bold(text):
    return rf'\fB{escape(text)}\fR'


def italic(text):
    return rf'\fI{escape(text)}\fR'


class Fonts:
    """Which names a text may refer to: those of this page, and of others."""

    def __init__(self, here, elsewhere, constants):
        self.here = here            # names with an entry in this page
        self.elsewhere = elsewhere  # name: the page that it has its entry in
        self.constants = constants  # of this page, for their short forms

    def is_short(self, word):
        """Whether a word is the end of a constant's name: "QUEUE_CLOSED"."""
        word = word.lstrip('_')
        known = self.constants
        if '_' in word:
            known = known | set(self.elsewhere)
        return any(name.startswith('THRUM_') and name.endswith('_' + word)
                   for name in known)

    def name(self, word):
        if word.startswith('thrum_') and word not in self.here and \
                word in self.elsewhere:
            return bold(word) + '(3)'
        return bold(word)

    def text(self, text, arguments=()):
        """A paragraph; `arguments` are the parameters of what it speaks of."""
        def replace(match):
            kind = match.lastgroup
            word = match.group(0)
            if match.group('code'):
                word = match.group('code')
                return italic(word) if word in arguments else bold(word)
            if match.group('name'):
                name = self.name(match.group('name'))
                if text[match.end():match.end() + 1] == '(':
                    return bold(match.group('name'))
                return name if name.endswith(')') else \
                    name + (match.group('call') or '')
            if kind == 'include':
                return bold(word)
            if kind == 'argument':
                return italic(word) if word.strip('*') in arguments else word
            return bold(word) if self.is_short(word) else word
        found, at = [], 0
        for match in TOKEN.finditer(text):
            found += [prose(text[at:match.start()]), replace(match)]
            at = match.end()
        found.append(prose(text[at:]))
        lines = textwrap.wrap(''.join(found), 79, break_long_words=False,
                              break_on_hyphens=False)
        return guarded('\n'.join(lines))


def prototype(text, params):
    """A prototype in bold with its parameters' names in italics, broken as
    clang-format would break it."""
    if not params and text.endswith('(void)'):
        return bold(text + ';')
    head = text[:text.rindex(', '.join(params))]
    lines, indent = [head], len(head)
    longest = max(map(len, params)) + 2
    if indent + longest > WIDTH:
        result, name = re.match(r'(.*[ *])(\w+\()$', head).groups()
        lines, indent = [result.rstrip(), name], len(name)
    if indent + longest > WIDTH:
        indent = 4
        lines.append(' ' * indent)
    for number, param in enumerate(params):
        end = ');' if number + 1 == len(params) else ','
        space = '' if lines[-1].endswith(('(', '    ')) else ' '
        if space and len(lines[-1]) + len(space + param + end) > WIDTH:
            lines.append(' ' * indent)
            space = ''
        lines[-1] += space + param + end
    return '\n'.join(arguments(line) for line in lines)


def arguments(line):
    """A line of a prototype: the last word of each argument in italics."""
    def replace(match):
        return rf'\fI{match.group(1)}\fB'
    text = escape(line)
    if text.rstrip().endswith(('(', '*')) or ',' not in text and \
            ')' not in text:
        return rf'\fB{text}\fR'
    text = re.sub(r'(?<=[ *])(\w+)(?=[,)])(?!\()', replace, text)
    return rf'\fB{text}\fR'


def listing(text):
    """Lines that stand as they are."""
    lines = guarded('\n'.join(escape(line) for line in text.split('\n')))
    return '.PP\n.RS 4\n.EX\n' + lines.rstrip('\n') + '\n.EE\n.RE\n'


def tagged(tag, body, width=None):
    return f'.TP{f" {width}" if width else ""}\n{tag}\n{body}\n'


def table(rows):
    """Rows of a short tag and some words beside it."""
    width = max(len(plain(tag)) for tag, _ in rows) + 2
    found = ''
    for number, (tag, words) in enumerate(rows):
        found += tagged(tag, words, width) + ('.PD 0\n' if number == 0 else '')
    return found + '.PD\n'


def plain(text):
    """About what a reader sees of roff."""
    return re.sub(r'\\(f.|%|&|\(..)', '', text)
