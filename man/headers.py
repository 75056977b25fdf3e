# SPDX-License-Identifier: MIT
"""Reads public headers: what each declares, with the contract above it.

It knows the few forms of C that the headers of this project have, and takes
nothing else: what it cannot read is an Unreadable with header and line."""
import dataclasses
import os
import re


class Unreadable(Exception):
    """What stands at a place cannot be read; its text begins with the place."""

    def __init__(self, name, line, what):
        super().__init__(f'{name}:{line}: {what}')


@dataclasses.dataclass
class Member:
    """A field of a struct, or a value of an enumeration."""
    text: str
    comment: str


@dataclasses.dataclass
class Code:
    """One line of an X-macro of errors."""
    name: str
    number: int
    text: str


@dataclasses.dataclass
class Entry:
    """One declaration. `kind` is function, callback, opaque, struct, enum,
    alias, variable, macro, constant or errors."""
    kind: str
    name: str
    text: str = ''
    header: str = ''
    line: int = 0
    comment: str = ''
    section: str = ''
    params: list = dataclasses.field(default_factory=list)
    members: list = dataclasses.field(default_factory=list)
    codes: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Header:
    name: str
    intro: str
    entries: list


ITEM = re.compile(r'''
    (?P<guard>\#ifndef\ (THRUM_\w+_H)\n\#define\ \2\n)
  | (?P<blank>[ \t]*\n)
  | (?P<comment>/\*.*?\*/[ \t]*\n)
  | (?P<define>\#define\ (?:[^\n]*\\\n)*[^\n]*\n)
  | (?P<conditional>\#if.*?^\#endif\n)
  | (?P<other>(?:\#(?:include|undef|endif)\b[^\n]*|THRUM_(?:BEGIN|END))\n)
''', re.X | re.S | re.M)
SECTION = re.compile(r'^---- (.*) ----$')
COMMENT = re.compile(r'/\*.*?\*/', re.S)
ERRORS = re.compile(r'X\((\w+),\s*(-\d+),\s*"([^"]*)"\)')
MARKS = re.compile(r'^(?:extern )?THRUM_API |^static inline |'
                   r' ?THRUM_PRINTF\([^)]*\)')


def words(comment):
    """The text of a comment: paragraphs with a line end between."""
    text = re.sub(r'^/\*|\*/$', '', comment.strip())
    lines = [re.sub(r'^\s*\* ?', '', line).strip()
             for line in text.split('\n')]
    found = re.split(r'\n\n+', '\n'.join(lines).strip())
    return '\n'.join(' '.join(part.split()) for part in found)


def flat(text):
    """A declaration on one line, without comments."""
    text = ' '.join(COMMENT.sub(' ', text).split())
    text = re.sub(r'\( ', '(', re.sub(r' ([,;)])', r'\1', text))
    return re.sub(r'\* (?=\w+\()', '*', text)


def parts(text):
    """The arguments in a list, split at the commas that are not nested."""
    found, depth = [''], 0
    for char in text:
        depth += (char in '({') - (char in ')}')
        if char == ',' and depth == 0:
            found.append('')
        else:
            found[-1] += char
    return [part.strip() for part in found if part.strip()]


def parameter(text):
    """The name of a parameter: "ctx" of "void *ctx", "to" of "char to[8]"."""
    pointer = re.search(r'\(\*(\w+)\)', text)
    if pointer:
        return pointer.group(1)
    return re.findall(r'\w+|\.\.\.', text.split('[')[0])[-1]


def parameters(text):
    return [] if text == 'void' else parts(text)


def members(body):
    """The fields or values between braces. A comment belongs to what ends on
    its line, or else to what follows."""
    found, above, at = [], '', 0
    for match in re.finditer(r'/\*.*?\*/|[;,]|\Z|\((?:[^()]|\([^()]*\))*\)',
                             body, re.S):
        if match.group(0)[:1] == '(':
            continue
        before = body[at:match.start()]
        if match.group(0)[:2] == '/*':
            trailing = found and '\n' not in before and not before.strip()
            if trailing and not found[-1].comment:
                found[-1].comment = words(match.group(0))
                at = match.end()
            elif before.strip():  # the last value of an enumeration
                found.append(Member(flat(before), words(match.group(0))))
                at = match.end()
            else:
                above = words(match.group(0))
                at = match.end()
            continue
        if before.strip():
            found.append(Member(flat(before), above))
            above = ''
        at = match.end()
    return found


def end_of(text, at):
    """Where the declaration that begins at `at` ends."""
    depth, inline = 0, text.startswith('static inline', at)
    for match in re.compile(r'/\*.*?\*/|[{};]', re.S).finditer(text, at):
        mark = match.group(0)
        depth += (mark == '{') - (mark == '}')
        if depth == 0 and (mark == ';' or mark == '}' and inline):
            return match.end()
    return None


def declaration(text):
    """The Entry of a declaration, None of one that is not ours, and False of
    one that is none of the forms."""
    if text.startswith('static inline'):
        text = text[:text.index('{')] + ';'
    plain = MARKS.sub('', flat(text)).rstrip(';').strip()
    body = re.search(r'\{(.*)\}', text, re.S)
    forms = (
        ('opaque', r'typedef struct (\w+) \1'),
        ('struct', r'(?:typedef )?struct (\w+) \{.*\}(?: \1)?'),
        ('enum', r'(?:typedef )?enum (\w+) \{.*\}(?: \1)?'),
        ('callback', r'typedef [\w *]*?(\w+)\((.*)\)'),
        ('alias', r'typedef [\w *]*?(\w+)'),
        ('foreign', r'struct (?!thrum_)(\w+)'),
        ('function', r'[\w *]*?(\w+)\((.*)\)'),
        ('variable', r'const [\w *]*?(\w+)'),
    )
    for kind, form in forms:
        match = re.fullmatch(form, plain, re.S)
        if not match:
            continue
        if kind == 'foreign':
            return None
        found = Entry(kind, match.group(1), plain)
        last = re.search(r'ERRORS\(.* (\w+) = (-\d+)', plain)
        if kind == 'enum' and last:
            found.codes = [Code(last.group(1), int(last.group(2)), '')]
            return found
        if kind in ('function', 'callback'):
            found.params = parameters(match.group(2))
        if body and kind in ('struct', 'enum'):
            found.members = members(body.group(1))
        return found
    return False


def definition(text):
    """The same of a #define."""
    plain = ' '.join(text.replace('\\\n', ' ').split())
    match = re.fullmatch(r'#define (\w+)(\(([^)]*)\))?(?: (.*))?', plain)
    if not match:
        return False
    name, body = match.group(1), match.group(4) or ''
    # Those that others of the same header are made with.
    if name.endswith('_ENUM') or name in ('THRUM_TEXT', 'THRUM_TEXT_OF'):
        return None
    if name.endswith('ERRORS'):
        codes = [Code(name[:-len('RRORS')] + '_' + each[0], int(each[1]),
                      each[2]) for each in ERRORS.findall(body)]
        return Entry('errors', name, codes=codes) if codes else False
    if match.group(2) is None:
        return Entry('constant', name, body)
    return Entry('macro', name, body, params=parts(match.group(3)))


def typed(macro, functions):
    """Gives a macro the prototype of the function that it calls: each of its
    arguments has the type of the parameter that it is passed for."""
    call = re.fullmatch(r'(\w+)\((.*)\)', macro.text)
    target = functions.get(call.group(1)) if call else None
    if target is None:
        raise Unreadable(macro.header, macro.line,
                         f'{macro.name} calls no function of this header, so '
                         'the types of its arguments are not known')
    passed = parts(call.group(2))
    macro.params = [target.params[passed.index(f'({name})')]
                    for name in macro.params]
    result = target.text[:target.text.index(target.name)]
    macro.text = f'{result}{macro.name}({", ".join(macro.params)})'


class Reader:
    """Goes through one header from its top."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        with open(path, encoding='utf-8') as file:
            self.text = file.read()
        self.at = 0
        self.comment, self.section, self.intro = '', '', ''
        self.guarded = False
        self.entries = []

    def fail(self, what):
        line = self.text.count('\n', 0, self.at) + 1
        raise Unreadable(self.name, line, what)

    def take_comment(self, text):
        if 'SPDX-License-Identifier' in text:
            return
        section = SECTION.match(words(text))
        if section:
            self.section = section.group(1)
        elif not self.guarded:
            self.intro = words(text)
        else:
            self.comment = words(text)

    def add(self, entry, text):
        if entry is False:
            self.fail('this is not a form that a page can be made of: ' +
                      text.strip().split('\n')[0])
        if entry is None:
            return
        if not entry.name.lower().startswith('thrum_'):
            self.fail(f'{entry.name} does not begin with thrum_')
        if entry.kind in ('function', 'callback', 'macro', 'variable',
                          'constant', 'alias') and not self.comment:
            self.fail(f'{entry.name} has no comment above it')
        entry.header, entry.section = self.name, self.section
        entry.line = self.text.count('\n', 0, self.at) + 1
        # A handle declared above the function that makes it: the comment is
        # the function's.
        if entry.kind != 'opaque' or self.text[self.at:].startswith(
                text + '\n\n'):
            entry.comment = self.comment
        self.entries.append(entry)

    def step(self):
        """Reads one item; its end."""
        item = ITEM.match(self.text, self.at)
        if not item:
            end = end_of(self.text, self.at)
            if end is None:
                self.fail('this declaration does not end')
            text = self.text[self.at:end]
            self.add(declaration(text), text)
            return end + 1
        if item.lastgroup == 'blank':
            if self.comment and self.text[:self.at].endswith('*/\n'):
                self.fail('the comment above belongs to nothing')
            self.comment = ''
        elif item.lastgroup == 'guard':
            self.guarded = True
        elif item.lastgroup == 'comment':
            self.take_comment(item.group(0))
        elif item.lastgroup == 'define':
            self.add(definition(item.group(0)), item.group(0))
        return item.end()

    def read(self):
        while self.at < len(self.text):
            self.at = self.step()
        functions = {each.name: each for each in self.entries
                     if each.kind == 'function'}
        for entry in self.entries:
            if entry.kind == 'macro':
                typed(entry, functions)
        return Header(self.name, self.intro, self.entries)


def read(path):
    """What a header declares."""
    return Reader(path).read()
