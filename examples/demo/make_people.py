#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes a list of people to standard output: make_people.py COUNT

The list is CSV (RFC 4180: a header line, CRLF line ends) and the same each
time. Its names and notes are those that mail programs get wrong: quotes,
umlauts, characters past the Basic Multilingual Plane, markup, dots at the
start of a line, line breaks, words that look like a template or like
something already encoded, and lines far longer than mail allows.

name and city may stand in a header; note has line breaks and may not.
"""
import csv
import sys

COLUMNS = ("email", "name", "city", "number", "note")

NAMES = (
    "Ann Miller",
    "Jürgen Müßig",
    'Robert "Bob" Tables',
    "Siobhán O'Neill",
    "Miller, Ann; Dr.",
    ".net user",
    ".",
    "..",
    "<b>Bo</b> & Söhne",
    "&amp; &lt;already escaped&gt;",
    "</p><script>alert('x')</script>",
    "Zoë 😀 Ünïcode",
    "𝔊𝔢𝔬𝔯𝔤 𝔳𝔬𝔫 𝔖.",
    "👩‍👩‍👧‍👦",
    "山田 太郎",
    "Σωκράτης",
    "שָׁלוֹם עֲלֵיכֶם",
    "e\u0301 (not é)",
    "=?utf-8?Q?not_encoded?=",
    "=?utf-8?B?8J+YgA==?= =?utf-8?B?8J+YgA==?=",
    "=3D=20=\u00a0",
    "{{name}} {{{{city}}}}",
    "}} {{",
    r"back\slash \r\n \"quoted\"",
    "100 %s %n %d",
    " space before, and after ",
    "two  spaces   three",
    "From the post",
    "--boundary--",
    "$HOME `id` $(id)",
    "a" * 1200,
    "ü" * 400,
    "very long " * 40 + "name",
    "😀" * 200,
    "-",
    "0",
    "null",
    "\ufeffmark first",
    "\u202eright to left\u202c",
    "soft\u00adhyphen and\u00a0no break",
)

CITIES = (
    "Köln",
    "Saint-Étienne",
    'Dún Laoghaire, "the harbour"',
    "北京",
    "Å",
    "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch",
    "New York, NY",
)

NOTES = (
    "Nothing to say.",
    "two lines,\nthe second one",
    "CRLF inside quotes,\r\nas spreadsheets write it",
    ".\n..\n...\n.dots at line starts",
    "a lone dot follows\r\n.\r\nand the note goes on",
    "\nan empty line before, and after\n",
    "spaces at a line's end   \ntabs too\t\t\nand no more",
    "\tindented\n\t\ttwice",
    "From here to there\n>From here as well",
    "a line of 1,500 characters: " + "x" * 1472,
    "many words " * 60,
    "=20=3D=\n=\n==",
    "<ul>\n<li>\"one\" & 'two'</li>\n</ul>",
    "ÄÖÜ äöü ß €\n漢字 😀\n",
    "\u0085 and \u2028 and \u2029 and \x0b and \x0c end no line here",
    "-- \nsignature",
    "--\n--=_\n----boundary--",
    "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\nQUIT",
    "😀" * 100,
)

LOCALS = (
    "person{n}",
    "first.last.{n}",
    "tag+news-{n}",
    "o'neill_{n}",
    "{n}",
    "!#$%&'*+-/=?^_`{{|}}~{n}",
    '"quoted part {n}"',
    '"say \\"hi\\" {n}"',
    '"comma, {n}"',
    "{n:a>64}",
)

DOMAINS = (
    "example.org",
    "mail.example.com",
    "xn--bcher-kva.example",
    "a.b.c.d.e.example.net",
    "[192.0.2.1]",
    "1.example",
)


def person(n):
    """The row of person n: lists of coprime lengths, so that all meet all."""
    local = LOCALS[n % len(LOCALS)].format(n=n)
    return (
        local + "@" + DOMAINS[n // 3 % len(DOMAINS)],
        NAMES[n % len(NAMES)],
        CITIES[n % len(CITIES)],
        "%06d" % n,
        NOTES[n // 2 % len(NOTES)],
    )


def write(path, count):
    """Writes a list of `count` people; a path may be a descriptor."""
    with open(path, "w", encoding="utf-8", newline="",
              closefd=not isinstance(path, int)) as out:
        rows = csv.writer(out, lineterminator="\r\n")
        rows.writerow(COLUMNS)
        rows.writerows(person(n) for n in range(1, count + 1))


def main():
    if len(sys.argv) != 2 or not sys.argv[1].isdecimal():
        sys.exit("usage: make_people.py COUNT")
    write(1, int(sys.argv[1]))


if __name__ == "__main__":
    main()
