# SPDX-License-Identifier: MIT
"""Makes the manual's section 3: one page for each file man/NAME.page, of what
a reader has to be told (that file), an example (man/NAME.c) and the contracts
(the headers that the file names); and for every function and type a link to
the page that it stands in. CONTRIBUTING.md says how to add a page.

    from_header.py --source TOP --version V --date D FOLDER
"""
import argparse
import os
import re
import shutil
import sys

import headers
import roff

LISTS = '@PAGES@'  # where a page has the list of all of them
FUNCTIONS = ('function', 'macro')
LINKED = FUNCTIONS + ('callback', 'opaque', 'struct', 'enum', 'alias')
TAG = re.compile(r'(?:^|(?<=[.;)"] ))(Ownership|Calls back|Errors): ')
PART = re.compile(r'^([A-Z]+)\n', re.M)
SECTIONS = ('DESCRIPTION', 'EXAMPLE', 'OUTPUT')


class Part:
    """What was written by hand for one page."""

    def __init__(self, folder, name):
        self.name = name
        self.path = os.path.join(folder, name + '.page')
        with open(self.path, encoding='utf-8') as file:
            head, *rest = PART.split(file.read())
        with open(os.path.join(folder, name + '.c'), encoding='utf-8') as file:
            self.code = file.read().partition('\n')[2]
        self.fields = dict(re.findall(r'^(\w+): +(.*)$', head, re.M))
        self.sections = dict(zip(rest[::2], rest[1::2]))
        for needed in ('headers', 'name', 'see'):
            if needed not in self.fields:
                raise headers.Unreadable(self.path, 1, f'no line "{needed}:"')
        for title in self.sections:
            if title not in SECTIONS:
                raise headers.Unreadable(self.path, 1, f'a section {title}')

    def paragraphs(self, title):
        text = self.sections.get(title, '').strip('\n')
        return [each for each in re.split(r'\n\n+', text) if each]


class Page:
    """One page: the part by hand, and the headers that it speaks of."""

    def __init__(self, part, read):
        self.part, self.name = part, part.name
        self.headers = []
        for name in part.fields['headers'].split():
            if name not in read:
                raise headers.Unreadable(part.path, 1,
                                         f'there is no header {name}')
            self.headers.append(read.pop(name))
        self.entries = [entry for header in self.headers
                        for entry in header.entries]

    def names(self):
        """All that has its entry here."""
        found = set()
        for entry in self.entries:
            found.add(entry.name)
            found |= {code.name for code in entry.codes}
            if entry.kind == 'enum':
                found |= {re.split(r'\W', member.text)[0]
                          for member in entry.members}
        return found


def settle(pages):
    """A handle has one entry, however many headers declare it: in the page of
    its name, or else in the first one; none where its struct has one."""
    structs = {entry.name for page in pages for entry in page.entries
               if entry.kind == 'struct'}
    by_name = {page.name: page for page in pages}
    best = {}
    for page in pages:
        for entry in page.entries:
            if entry.kind == 'opaque' and (entry.name not in best
                                           or entry.comment):
                best[entry.name] = (entry, by_name.get(entry.name, page))
    for page in pages:
        page.entries = [
            entry for entry in page.entries if entry.kind != 'opaque'
            or entry.name not in structs
            and (entry, page) == best[entry.name]]
    for entry, home in best.values():
        if entry not in home.entries and entry.name not in structs:
            home.entries.insert(0, entry)


def library_of(page, options):
    names = {header.name for header in page.headers}
    return 'libthrum-mail' if names & options.mail else 'libthrum'


class Writer:
    """The roff of one page."""

    def __init__(self, page, pages, options):
        self.page, self.pages, self.options = page, pages, options
        elsewhere = {name: each.name for each in pages
                     for name in each.names()}
        here = page.names()
        self.fonts = roff.Fonts(here, elsewhere, here)
        self.codes = {code.name: code for each in pages
                      for entry in each.entries for code in entry.codes}

    def of(self, *kinds):
        return [each for each in self.page.entries if each.kind in kinds]

    def contract(self, entry):
        """The comment of an entry: its text, then its tagged sentences."""
        names = [headers.parameter(each) for each in entry.params]
        plain, tags = [], []
        for paragraph in entry.comment.split('\n'):
            text, *rest = TAG.split(paragraph)
            if text.strip():
                plain.append(self.fonts.text(text.strip(), names))
            tags += zip(rest[::2], rest[1::2])
        found = '\n.IP\n'.join(plain)
        if not tags:
            return found
        for number, (tag, text) in enumerate(tags):
            if number == 0:
                found += '\n.RS' if plain else '.RS'
            found += '\n' + roff.tagged(
                rf'\fI{tag}\fR', self.fonts.text(self.owned(tag, text, names),
                                                 names), 12).rstrip('\n')
            if number == 0:
                found += '\n.PD 0'
        return found + '\n.PD\n.RE'

    @staticmethod
    def owned(tag, text, names):
        """Of ownership, parameters are named without marks: mark them."""
        if tag != 'Ownership' or not names:
            return text
        each = '|'.join(map(re.escape, names))
        return re.sub(rf'(?<![`*\w])({each})(?= (?:is |are )?'
                      r'(?:taken|borrowed|new|copied)| may| and)', r'`\1`',
                      text)

    def synopsis(self):
        found = '.SH SYNOPSIS\n.nf\n'
        for header in self.page.headers:
            found += roff.bold(f'#include <thrum/{header.name}>') + '\n'
        section, header = '', ''
        for entry in self.of(*FUNCTIONS):
            if (entry.header, entry.section) != (header, section):
                found += '.PP\n'
                if entry.section:
                    found += rf'/* {entry.section} */' + '\n'
            header, section = entry.header, entry.section
            found += roff.prototype(entry.text, entry.params) + '\n'
        library = library_of(self.page, self.options)
        return found + ('.fi\n.PP\nCompile and link with\n' + roff.bold(
            f'pkg-config --cflags --libs {library}') + '.\n')

    def description(self):
        found = '.SH DESCRIPTION\n'
        text = [each for each in self.page.part.paragraphs('DESCRIPTION')]
        if self.page.part.fields.get('intro') != 'none':
            text += self.page.headers[0].intro.split('\n')
        shown = []
        for each in text:
            if each == LISTS:
                shown.append(self.list_of_pages())
            elif each.startswith('== '):
                shown.append('.SS ' + each[3:])
            elif re.match(r'[\w ]+:: ', each):
                word, _, rest = each.partition(':: ')
                shown.append(roff.tagged(roff.bold(word), self.fonts.text(
                    ' '.join(rest.split()))).rstrip('\n'))
            elif each.startswith('    '):
                shown.append(roff.listing(re.sub(r'^    ', '', each,
                                                 flags=re.M)).rstrip('\n'))
            else:
                shown.append(self.fonts.text(' '.join(each.split())))
        text = found + '\n.PP\n'.join(shown) + '\n'
        # What brings its own distance needs none before or after it.
        text = re.sub(r'\.PP\n(?=\.(?:PP|SS|TP)\b)', '', text)
        return re.sub(r'(?<=\n)(\.SS .*\n)\.PP\n', r'\1', text)

    def list_of_pages(self):
        found = []
        for library in ('libthrum', 'libthrum-mail'):
            rows = [(roff.bold(each.name) + '(3)',
                     self.fonts.text(each.part.fields['name']))
                    for each in self.pages if each is not self.page
                    and library_of(each, self.options) == library]
            found.append(f'Of {library}:\n' + roff.table(rows).rstrip('\n'))
        return '\n.PP\n'.join(found)

    def types(self):
        found = ''
        for entry in self.of('opaque', 'alias', 'struct', 'enum', 'callback'):
            body = self.contract(entry)
            if entry.codes:
                continue
            if entry.kind == 'callback':
                text = roff.prototype(entry.text.replace('typedef ', '', 1),
                                      entry.params)
                found += f'.PP\n.nf\n{text}\n.fi\n.PD 0\n.IP\n.PD\n{body}\n'
                continue
            if entry.kind == 'opaque' and not body:
                body = 'A handle. What it points to is private.'
            tag = roff.bold(entry.text if entry.kind == 'alias'
                            else entry.name)
            found += roff.tagged(tag, self.with_members(entry, body))
        return '.SH TYPES\n' + found if found else ''

    def with_members(self, entry, body):
        """The text of a struct or an enumeration, and its members."""
        if not entry.members:
            return body
        found = (body or ('The fields are:' if entry.kind == 'struct'
                          else 'One of:')) + '\n.RS'
        names = [headers.parameter(each.text.split(' = ')[0])
                 for each in entry.members]
        for number, member in enumerate(entry.members):
            text, _, value = member.text.partition(' = ')
            tag = roff.bold(text)
            if value:
                tag += ' = ' + roff.escape(value)
            words = self.fonts.text(member.comment, names)
            found += '\n' + (roff.tagged(tag, words) if words
                             else '.PP\n' + tag).rstrip('\n')
            if number == 0:
                found += '\n.PD 0'
        return found + '\n.PD\n.RE'

    def constants(self):
        """Constants under one comment share one text."""
        found, groups = '', {}
        for entry in self.of('constant', 'variable'):
            groups.setdefault((entry.header, entry.comment), []).append(entry)
        for group in groups.values():
            tags = [roff.bold(entry.text if entry.kind == 'variable'
                              else entry.name) for entry in group]
            found += roff.tagged('\n.TQ\n'.join(tags), self.contract(group[0]))
        return '.SH CONSTANTS\n' + found if found else ''

    def functions(self):
        found, section = '.SH FUNCTIONS\n', ''
        for number, header in enumerate(self.page.headers):
            if number and header.intro:
                found += '.PP\n' + self.fonts.text(
                    header.intro.split('\n')[0]) + '\n'
            for entry in self.of(*FUNCTIONS):
                if entry.header != header.name:
                    continue
                if entry.section != section:
                    found += f'.SS {entry.section}\n'
                    section = entry.section
                names = ', '.join(
                    roff.italic(headers.parameter(each))
                    if each != '...' else '...' for each in entry.params)
                tag = rf'{roff.bold(entry.name)}({names})'
                found += roff.tagged(tag, self.contract(entry))
        return found

    def errors(self):
        own = self.of('errors')
        found = ''
        for entry in own:
            last = [each for each in self.of('enum') if each.codes
                    and each.codes[0].name == entry.name[:-len('RRORS')] +
                    '_END']
            if not last:
                raise headers.Unreadable(
                    entry.header, entry.line,
                    f'no enumeration of {entry.name} that ends with _E_END')
            last, end = last[0], last[0].codes[0]
            found += self.fonts.text(entry.comment) + '\n' + roff.table(
                [(f'{roff.bold(code.name)} ({roff.escape(str(code.number))})',
                  self.fonts.text(code.text)) for code in entry.codes])
            found += '.PP\n' + self.fonts.text(
                f'They are values of `enum {last.name}`; {end.name} '
                f'({end.number}) ends the range of their domain. '
                f'`{entry.name}(X)` is X(name, code, text) for each of them.'
            ) + '\n'
        others = self.other_codes()
        if others:
            if own:
                found += '.PP\nThe functions above also give:\n'
            found += roff.table(
                [(roff.bold(code.name), self.fonts.text(code.text))
                 for code in others])
        return '.SH ERRORS\n' + found if found else ''

    def other_codes(self):
        """The codes of other pages that the contracts here name, in words of
        their own or in short."""
        text = ' '.join([entry.comment for entry in self.page.entries] +
                        [header.intro for header in self.page.headers])
        said = set(re.findall(r'\b[A-Z][A-Z_]+\b', text))
        if re.search(r'no memory|out of memory', text):
            said.add('THRUM_E_NOMEM')
        here = self.page.names()
        return [code for name, code in self.codes.items()
                if name not in here and not name.endswith('_END')
                and (name in said or any(
                    '_' in word and name.endswith('_E_' + word)
                    for word in said))]

    def example(self):
        found = '.SH EXAMPLE\n'
        text = self.page.part.paragraphs('EXAMPLE')
        found += '\n.PP\n'.join(self.fonts.text(' '.join(each.split()))
                                for each in text) + '\n'
        found += roff.listing(self.page.part.code.strip('\n'))
        output = self.page.part.sections.get('OUTPUT')
        if output:
            found += '.PP\nIt prints\n' + roff.listing(output.strip('\n'))
        return found

    def see_also(self):
        names = self.page.part.fields['see'].split()
        links = ',\n'.join(
            rf'.BR {roff.escape(each)} (3)' if '(' not in each else
            rf'.BR {roff.escape(each.partition("(")[0])} ({each[-2]})'
            for each in names)
        links = re.sub(r'\),\n', '),\n', links)
        return '.SH SEE ALSO\n' + re.sub(r' (\(\d\)),', r' \1,', links) + '\n'

    def roff(self):
        page = self.page
        made = ', '.join(header.name for header in page.headers)
        name = page.part.fields['name']
        text = (
            '.\\" SPDX-License-Identifier: MIT\n'
            f'.\\" Made from {made} and {page.name}.page: change those.\n'
            f'.TH {page.name.upper()} 3 {self.options.date} '
            f'"thrum {self.options.version}" "The thrum library"\n'
            f'.ad l\n.nh\n.SH NAME\n{page.name} \\- {roff.prose(name)}\n')
        text += (self.synopsis() + self.description() + self.types() +
                 self.constants() + self.functions() + self.errors() +
                 self.example() + self.see_also())
        return re.sub(r'^(\.SH .*\n)\.PP\n', r'\1', text, flags=re.M)


def parts(folder):
    names = sorted(name[:-len('.page')] for name in os.listdir(folder)
                   if name.endswith('.page'))
    return [Part(folder, name) for name in names]


def make(options):
    """All pages: their names and texts."""
    folder = os.path.join(options.source, 'include', 'thrum')
    read = {name: headers.read(os.path.join(folder, name))
            for name in sorted(os.listdir(folder)) if name.endswith('.h')}
    with open(os.path.join(folder, 'mail.h'), encoding='utf-8') as file:
        options.mail = set(re.findall(r'<thrum/(\w+\.h)>', file.read()))
    pages = [Page(part, read) for part in
             parts(os.path.join(options.source, 'man'))]
    for name, header in read.items():
        if header.entries:
            print(f'from_header.py: {name} has no page yet, which '
                  'tests/man/test_manual.py will not like', file=sys.stderr)
    settle(pages)
    made = {}
    for page in pages:
        made[page.name] = Writer(page, pages, options).roff()
    for page in pages:
        for entry in page.entries:
            if entry.kind in LINKED and entry.name not in made:
                made[entry.name] = f'.so man3/{page.name}.3\n'
    return made


def write(folder, made):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for name, text in made.items():
        with open(os.path.join(folder, name + '.3'), 'w',
                  encoding='utf-8') as file:
            file.write(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--source', required=True)
    parser.add_argument('--version', required=True)
    parser.add_argument('--date', required=True)
    parser.add_argument('folder')
    options = parser.parse_args()
    try:
        write(options.folder, make(options))
    except headers.Unreadable as why:
        sys.exit(f'from_header.py: {why}')


if __name__ == '__main__':
    main()
