# SPDX-License-Identifier: MIT
"""Messages read by Python's email package, which knows nothing of ours: no
defects, and each header, name and text as it was given."""
import email
import email.header
import email.policy
import email.utils
import os
import random
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, 'support'))
import unit  # noqa: E402 pylint: disable=wrong-import-position

COMPOSE = os.path.join(unit.top_builddir, 'tests', 'mail', 'compose')
MESSAGES = 250
# The values of the first three are lines, of the others texts.
LINES = ('email', 'name', 'city')
COLUMNS = LINES + ('a long name', 'ключ')
ESCAPES = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;',
           "'": '&#39;'}

# What names, cities and letters are made of.
WORDS = (
    'a', 'Ann', 'O\'Neil', '"Bob"', 'Smith, John', 'Jürgen',
    'Müller-Lüdenscheidt', 'Ærøskøbing', 'Łódź', 'Νίκος', 'Иван', 'שלום',
    'مرحبا', '山田太郎', '😀', '👨‍👩‍👧', 'e\u0301', '<b>', '</p>', '&amp;', '&',
    '=', '==', '=20', '=?', '?=', '=?utf-8?q?x?=', '=?utf-8?b?eA==?=', '.',
    '..', '...', '.x', 'From ', '--', '-- ', '_', '%s', '\\', '\\"', '(x)',
    '[y]', 'a@b', ';', ':', '{', '}', '}}', '$1', '`', 'x' * 40, 'ü' * 40,
    '山' * 30, '😀' * 20, 'x' * 75, 'x' * 76, 'x' * 77, 'NULL', '0', '007',
    'https://example.org/?a=1&b=2', "'; DROP TABLE x; --", 'undefined',
    'İstanbul', 'ß', 'ﬁ', '\u00a0', '\u200b', '\ufeff', '\u202e',
)
BLANKS = (' ', ' ', ' ', '  ', '')
BREAKS = ('\n', '\n', '\n\n', '\r\n', '\r', ' \n', '\t\n', '\n.\n', '\r\n.\r\n',
          '\n..\n', '\n ', '\nFrom ')


def field(kind, value):
    data = value if isinstance(value, bytes) else value.encode()
    return f'{kind}{len(data)}:'.encode() + data


def compose(orders):
    """The answers to the fields: a kind and its bytes each."""
    told = subprocess.run([COMPOSE], input=b''.join(orders), check=True,
                          stdout=subprocess.PIPE).stdout
    answers = []
    while told:
        head, _, rest = told.partition(b':')
        size = int(head[1:])
        answers.append((chr(head[0]), rest[:size]))
        told = rest[size:]
    return answers


def normal(text):
    return text.replace('\r\n', '\n').replace('\r', '\n')


def escaped(text):
    return ''.join(ESCAPES.get(each, each) for each in text)


class Maker:
    """Makes texts by chance, the same in every run."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def line(self, most):
        """A line that is not empty."""
        text = ''
        for _ in range(self.random.randint(1, most)):
            text += self.random.choice(WORDS) + self.random.choice(BLANKS)
        return text or 'x'

    def text(self, most):
        text = ''
        for _ in range(self.random.randint(0, most)):
            text += self.line(9) + self.random.choice(BREAKS)
        return text + self.random.choice(('', self.line(3), '\n'))

    def parts(self, literal, columns):
        """Literal texts, and pairs of a column and how its slot is written.
        "{{" and "}}" in a literal text are kept apart from the slots."""
        parts = []
        for _ in range(self.random.randint(0, 4)):
            blank = self.random.choice(('', ' ', '  '))
            column = self.random.choice(columns)
            parts += [literal().replace('{', ''),
                      (column, '{{' + blank + column + blank + '}}')]
        return parts + [literal().replace('{', '') or 'x']

    def values(self, number):
        """A value for each column; that of email may stand in an address."""
        values = {column: self.line(4) if column in LINES else
                  self.text(3) or 'x' for column in COLUMNS}
        values['email'] = str(number * 7919)
        return values


def written(parts):
    """The parts as they stand in a template."""
    return ''.join(each if isinstance(each, str) else each[1]
                   for each in parts)


def filled(parts, values, how=lambda text: text):
    """The parts with their values; each has line ends of its own."""
    return ''.join(normal(each) if isinstance(each, str) else
                   normal(how(values[each[0]])) for each in parts)


def mailboxes(message, title):
    """Names and addresses of a header, by the older half of the package: the
    newer one takes the fold between two encoded words of a name for a blank
    (RFC 2047 section 6.2 says that it is none)."""
    raw = re.sub(r'[\r\n]', '', dict(message.raw_items())[title])
    return [(str(email.header.make_header(email.header.decode_header(name))),
             addr) for name, addr in email.utils.getaddresses([raw])]


def quoted(name):
    return '"' + name.replace('\\', '\\\\').replace('"', '\\"') + '"'


class Composed(unittest.TestCase):
    def lines(self, data):
        for line in data.split(b'\r\n'):
            self.assertRegex(line, rb'\A[\t -~]*\Z')
            self.assertLessEqual(len(line), 998)
            if len(line) > 76 and not line.startswith(b'Message-ID:'):
                words = re.sub(rb'\A[A-Za-z-]+:', b'', line).split()
                self.assertEqual(len(words), 1, line)

    def parsed(self, data):
        """The message, when nothing is wrong with it or its parts."""
        self.lines(data)
        message = email.message_from_bytes(data, policy=email.policy.default)
        for part in message.walk():
            self.assertEqual(part.defects, [])
            for name, value in part.items():
                self.assertEqual(value.defects, (), name)
        self.assertRegex(message['Message-ID'],
                         r'\A<[0-9a-f]{32}\.\d+@example\.org>\Z')
        self.assertEqual(message['Date'].datetime.utcoffset().seconds, 0)
        self.assertEqual(message['MIME-Version'], '1.0')
        return message

    def texts(self, message, text, html):
        """That these are its texts, and alternatives when it has both."""
        parts = [message]
        if text is not None and html is not None:
            self.assertEqual(message.get_content_type(),
                             'multipart/alternative')
            parts = list(message.iter_parts())
        found = {part.get_content_type(): normal(
            part.get_payload(decode=True).decode('utf-8')) for part in parts}
        expected = {kind: value for kind, value in (
            ('text/plain', text), ('text/html', html)) if value is not None}
        self.assertEqual(found, expected)

    def one(self, answers):
        """The message that is next, and its envelope's sender."""
        (kind, data), (_, sender) = answers.pop(0), answers.pop(0)
        self.assertEqual(kind, 'M', data)
        return self.parsed(data), sender.decode()

    def body(self, orders, number, make):
        """Fields for one text, the other, or both; and what they are."""
        texts = [make() if number % 3 != 1 else None,
                 make() if number % 3 != 0 else None]
        orders += [field(kind, written(text))
                   for kind, text in zip('xm', texts) if text is not None]
        return texts

    def test_ordinary_messages_are_read_as_they_were_written(self):
        maker, orders, expected = Maker(1), [], []
        for number in range(MESSAGES):
            name, subject, header = (maker.line(most) for most in (6, 12, 9))
            orders += [field('f', quoted(name) + ' <news@example.org>'),
                       field('t', quoted(name) + ' <ann@example.org>'),
                       field('t', '"a b"@example.org'), field('s', subject),
                       field('n', 'X-Test'), field('h', header)]
            texts = self.body(orders, number, lambda: [maker.text(12)])
            orders.append(field('W', ''))
            expected.append((name, subject, header, texts))
        answers = compose(orders)
        for number, (name, subject, header, texts) in enumerate(expected):
            with self.subTest(number, name=name, subject=subject):
                message, sender = self.one(answers)
                for title in ('From', 'To'):
                    self.assertEqual(mailboxes(message, title)[0][0], name)
                self.assertEqual(message['To'].addresses[1].addr_spec,
                                 '"a b"@example.org')
                self.assertEqual(message['Subject'], subject)
                self.assertEqual(message['X-Test'], header)
                self.assertEqual(sender, 'news@example.org')
                self.texts(message, *(text and filled(text, {})
                                      for text in texts))

    def test_templates_are_read_with_their_values_in_place(self):
        maker, orders, expected = Maker(2), [], []
        for number in range(MESSAGES):
            values = maker.values(number)
            subject = maker.parts(lambda: maker.line(5), LINES)
            orders += [field('c', column) for column in COLUMNS]
            orders += [field('v', values[column]) for column in COLUMNS]
            orders += [field('f', 'News <news@example.org>'),
                       field('r', '"{{name}}" <r+{{email}}@example.org>'),
                       field('e', 'b+{{ email }}@example.org'),
                       field('s', written(subject)), field('n', 'X-Test'),
                       field('h', '{{city}} {{name}}')]
            texts = self.body(orders, number, lambda: maker.parts(
                lambda: maker.text(4), COLUMNS))
            orders.append(field('T', 'ann@example.org'))
            expected.append((values, subject, texts))
        answers = compose(orders)
        for number, (values, subject, texts) in enumerate(expected):
            with self.subTest(number, values=values, subject=subject):
                message, sender = self.one(answers)
                self.assertEqual(
                    mailboxes(message, 'Reply-To'),
                    [(values['name'], f'r+{values["email"]}@example.org')])
                self.assertEqual(sender, f'b+{values["email"]}@example.org')
                self.assertEqual(message['To'], 'ann@example.org')
                self.assertEqual(message['Subject'], filled(subject, values))
                self.assertEqual(message['X-Test'],
                                 values['city'] + ' ' + values['name'])
                self.texts(message, *(
                    text and filled(text, values, how)
                    for text, how in zip(texts, (str, escaped))))


if __name__ == '__main__':
    unit.main()
