# SPDX-License-Identifier: MIT
"""Proves that verify.py notices: letters written by Python alone pass, and
each alteration of them fails, down to every single byte of one of them."""
import email.quoprimime
import os
import re
import tempfile

import letters
import make_people
import verify

FROM = '"Thrümmer, Demo" <demo@example.org>'
SUBJECT = "{{name}}: hello to {{city}}"
HEADERS = [("X-Number", "{{number}}")]
ENVELOPE = "bounce-{{number}}@example.org"
PEOPLE = 800  # all names with all notes


def words(text):
    """The text as encoded words; none of them splits a character."""
    coded = ["".join("=%02X" % byte for byte in text[at:at + 4].encode())
             for at in range(0, len(text), 4)]
    return "\r\n ".join("=?utf-8?Q?%s?=" % word for word in coded)


def part(kind, text):
    body = text.replace("\n", "\r\n").encode().decode("latin-1")
    return ("Content-Type: text/%s; charset=utf-8\r\n"
            "Content-Transfer-Encoding: quoted-printable\r\n\r\n%s" %
            (kind, email.quoprimime.body_encode(body, eol="\r\n")))


def compose(want, number):
    """One letter as a line of a dump would hold it."""
    mark = "=_%d" % number
    body = "\r\n".join([
        "From: =?utf-8?Q?Thr=C3=BCmmer=2C_Demo?= <demo@example.org>",
        "To: " + want.to, "Subject: " + words(want.headers["subject"]),
        "X-Number: " + want.headers["x-number"],
        "Date: Fri, 20 Nov 2026 08:00:00 +0000",
        "Message-ID: <%d@example.org>" % number, "MIME-Version: 1.0",
        'Content-Type: multipart/alternative;\r\n boundary="%s"' % mark, "",
        "--" + mark, part("plain", want.text),
        "--" + mark, part("html", want.html), "--%s--" % mark, ""])
    return {"from": want.sender, "to": [want.to], "body": body}


def altered(record, **change):
    return dict(record, **change)


def with_body(record, old, new):
    assert old in record["body"], old
    return altered(record, body=record["body"].replace(old, new, 1))


def alterations(records):
    """(what was done, the records then)."""
    one, two, rest = records[0], records[1], records[2:]
    alone = [
        ("another sender", altered(one, **{"from": "x" + one["from"]})),
        ("no sender", altered(one, **{"from": ""})),
        ("a stranger", altered(one, to=["stranger@example.org"])),
        ("no recipient", altered(one, to=[])),
        ("one more recipient", altered(one, to=one["to"] + two["to"])),
        ("another one's letter", altered(one, body=two["body"])),
        ("a bare LF", with_body(one, "\r\n", "\n")),
        ("a bare CR", with_body(one, "\r\n", "\r")),
        ("eight bits", with_body(one, "=C3", "\xc3")),
        ("a NUL", with_body(one, "=C3", "\0")),
        ("a lost dot", with_body(one, "\r\n.This", "\r\nThis")),
        ("a dot too many", with_body(one, "\r\n.This", "\r\n..This")),
        ("an empty line more", with_body(one, "\r\n.This", "\r\n\r\n.This")),
        ("one more header", with_body(one, "X-Num", "X-More: 1\r\nX-Num")),
        ("a header twice", with_body(one, "X-Num", "To: a@b\r\nX-Num")),
        ("cut short", altered(one, body=one["body"][:-4])),
        ("a line too long", with_body(one, ".This", "x" * 999 + ".This")),
    ]
    for what, record in alone:
        yield what, [record, two] + rest
    yield "a letter lost", [two] + rest
    yield "a letter twice", [one, one, two] + rest
    yield "two envelopes swapped", [altered(one, body=two["body"]),
                                    altered(two, body=one["body"])] + rest


def untold_bytes(body):
    """Where a byte may change unnoticed: nobody knows Date and Message-ID."""
    untold = set()
    for name in ("Date", "Message-ID"):
        found = re.search(r"\r\n%s: (.*)\r\n" % name, body)
        untold.update(range(found.start(1), found.end(1)))
    return untold


def unnoticed_bytes(campaign, record):
    """The positions at which a changed byte was not noticed."""
    body = record["body"]
    left = []
    for at in set(range(len(body))) - untold_bytes(body):
        other = body[:at] + chr(ord(body[at]) ^ 1) + body[at + 1:]
        try:
            verify.compare_one(campaign, altered(record, body=other), 1)
            left.append(at)
        except letters.Wrong:
            pass
    return left


def compare(campaign, records):
    """As of a dump, without the file."""
    good, differences = [], []
    for number, record in enumerate(records):
        try:
            good.append(verify.compare_one(campaign, record, number))
        except letters.Wrong as why:
            differences.append((getattr(why, "index", None), 0, str(why)))
    return verify.judge(campaign, [(good, differences)])[1]


def make_campaign(folder, people):
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(folder, "people.csv")
    make_people.write(path, people)
    return letters.Campaign(
        path, FROM, SUBJECT, verify.read_text(here + "/letter.txt"),
        verify.read_text(here + "/letter.html"), HEADERS, ENVELOPE)


def main():
    with tempfile.TemporaryDirectory() as folder:
        whole = make_campaign(folder, PEOPLE)
        few = make_campaign(folder, 3)
    records = [compose(whole.expected(n), n) for n in range(PEOPLE)]
    wrong = ["good letters: " + word for word in compare(whole, records)]
    done = 0
    for what, changed in alterations(records[:3]):
        done += 1
        if not compare(few, changed):
            wrong.append("not noticed: " + what)
    left = unnoticed_bytes(few, records[0])
    wrong += ["not noticed: byte %d of a letter" % at for at in left]
    for line in wrong[:10]:
        print(line)
    print("verify.py: %d good letters, %d alterations and %d single bytes: %s"
          % (PEOPLE, done, len(records[0]["body"]),
             "%d wrong" % len(wrong) if wrong else "as it should be"))
    return 1 if wrong else 0
