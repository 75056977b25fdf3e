# SPDX-License-Identifier: MIT
"""What a letter must say, and what one that arrived does say.

The first is worked out from the list and the letter's files alone, the second
by a reader of its own that is stricter than any mail program, so that neither
shares anything with the program under test. Standard library only.
"""
import base64
import binascii
import csv
import email
import email.policy
import email.utils
import functools
import html
import re


class Wrong(Exception):
    """A letter that is not well formed, or does not say what it should."""


def lines(text):
    """The text with LF line ends: mail carries lines, not bytes."""
    return text.replace("\r\n", "\n")


# --- What a letter must say -------------------------------------------------


class Template:
    """Text with slots, {{column}}; "{{{{" is a literal "{{"."""

    def __init__(self, text, columns):
        parts = re.split(r"(\{\{\{\{|\{\{\w+\}\})", text)
        self.parts = []
        for part in parts:
            if part == "{{{{":
                self.parts.append("{{")
            elif part.startswith("{{"):
                self.parts.append(columns.index(part[2:-2]))
            else:
                self.parts.append(part)

    def fill(self, row, escape=str):
        return "".join(part if isinstance(part, str) else escape(row[part])
                       for part in self.parts)


def escape_html(value):
    """& < > " ' and nothing else."""
    return html.escape(value, quote=True).replace("&#x27;", "&#39;")


class Expected:
    __slots__ = ("sender", "to", "headers", "text", "html")


class Campaign:
    """The list and the letter: what everybody must get."""

    def __init__(self, people, sender, subject, text=None, html=None,
                 headers=(), envelope_from=None):
        with open(people, encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            self.columns = next(rows)
            self.rows = list(map(tuple, rows))
        self.address = self.columns.index("email")
        self.by_address = {row[self.address]: index
                           for index, row in enumerate(self.rows)}
        if len(self.by_address) != len(self.rows):
            raise Wrong("the list has somebody twice")
        self.sender = mailbox(sender)
        self.envelope_from = self.template(
            self.sender[1] if envelope_from is None else envelope_from)
        self.headers = {name.lower(): self.template(value) for name, value
                        in [("Subject", subject), *headers]}
        self.text = text and self.template(lines(text))
        self.html = html and self.template(lines(html))

    def template(self, text):
        return Template(text, self.columns)

    def expected(self, index):
        row = self.rows[index]
        want = Expected()
        want.sender = self.envelope_from.fill(row)
        want.to = row[self.address]
        want.headers = {name: value.fill(row)
                        for name, value in self.headers.items()}
        want.text = self.text and lines(self.text.fill(row))
        want.html = self.html and lines(self.html.fill(row, escape_html))
        return want

    def compare(self, index, sender, recipients, letter):
        """Raises Wrong unless this letter is the one of row `index`."""
        want = self.expected(index)
        check("envelope sender", want.sender, sender)
        check("envelope recipients", [want.to], recipients)
        check("From", self.sender, mailbox(letter.one("from")))
        if letter.one("to") not in (want.to, "<%s>" % want.to):
            check("To", want.to, letter.one("to"))
        for name, value in want.headers.items():
            check(name, value, unstructured(letter.one(name)))
        check("text", want.text, letter.text)
        check("HTML", want.html, letter.html)
        known = {"from", "to", "date", "message-id", "mime-version",
                 "content-type", "content-transfer-encoding"}
        more = set(letter.headers) - known - set(want.headers)
        if more:
            raise Wrong("headers that nobody asked for: %s" % sorted(more))


def check(what, want, got):
    if want == got:
        return
    if isinstance(want, str) and isinstance(got, str):
        at = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b),
                  min(len(want), len(got)))
        raise Wrong("%s differs at character %d: expected %r, received %r" %
                    (what, at, want[at:at + 40], got[at:at + 40]))
    raise Wrong("%s: expected %r, received %r" % (what, want, got))


# --- What a letter says -----------------------------------------------------


HEADER = re.compile(r"([!-9;-~]+):((?: |\r\n[ \t]).*)\Z", re.DOTALL)
MESSAGE_ID = re.compile(r"<[0-9A-Za-z.!#$%&'*+/=?^_`{|}~-]+@[0-9A-Za-z.-]+>\Z")
BOUNDARY = re.compile(r'multipart/alternative;\s+boundary=(".*"|\S+)\Z', re.I)
QUOTED_PRINTABLE = re.compile(
    rb"(?:[ \t!-<>-~]|=[0-9A-F]{2}|=\r\n|\r\n)*\Z")
WORD = re.compile(r"=\?utf-8\?([QqBb])\?([!->@-~]+)\?=\Z", re.IGNORECASE)


class Letter:
    """A message as the server got it, read strictly."""

    def __init__(self, data):
        check_lines(data)
        head, self.body = halves(data)
        self.headers = read_headers(head)
        self.text = self.html = None
        for name in ("date", "message-id", "mime-version", "from", "to"):
            self.one(name)
        check("MIME-Version", "1.0", self.one("mime-version"))
        if not MESSAGE_ID.match(self.one("message-id")):
            raise Wrong("Message-ID: %r" % self.one("message-id"))
        check_date(self.one("date"))
        self.read_body()

    def one(self, name):
        return only(self.headers, name.lower())

    def read_body(self):
        found = BOUNDARY.match(unfold(self.one("content-type")))
        if not found:
            self.take_part(self.headers, self.body)
            return
        if "content-transfer-encoding" in self.headers:
            check("encoding of the whole", "7bit",
                  self.one("content-transfer-encoding").lower())
        parts = split_parts(self.body, found[1].strip('"').encode())
        check("number of alternatives", 2, len(parts))
        for part in parts:
            head, body = halves(part)
            self.take_part(read_headers(head), body)
            if self.html is not None and self.text is None:
                raise Wrong("the HTML stands before the text")

    def take_part(self, headers, body):
        kind = unfold(only(headers, "content-type")).lower().replace('"', "")
        where = {"text/plain; charset=utf-8": "text",
                 "text/html; charset=utf-8": "html"}.get(kind)
        if where is None or getattr(self, where) is not None:
            raise Wrong("a part of type %r" % kind)
        encoding = "7bit"
        if "content-transfer-encoding" in headers:
            encoding = only(headers, "content-transfer-encoding")
        setattr(self, where, decode_body(encoding.lower(), body))


def check_lines(data):
    """CRLF line ends alone, 7 bits, no NUL, no line past RFC 5322's limit."""
    ends = data.count(b"\r\n")
    if data.count(b"\n") != ends or data.count(b"\r") != ends:
        raise Wrong("a bare CR or LF")
    if not data.isascii() or b"\0" in data:
        raise Wrong("a NUL or a byte past 7 bits")
    if not data.endswith(b"\r\n"):
        raise Wrong("no line end at the end")
    if max(map(len, data.split(b"\r\n"))) > 998:
        raise Wrong("a line of more than 998 octets")


def halves(data):
    """Header and body."""
    if data.startswith(b"\r\n"):
        raise Wrong("no header")
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        raise Wrong("no blank line after the header")
    return head.decode("ascii"), body


def read_headers(head):
    headers = {}
    for field in re.split(r"\r\n(?![ \t])", head):
        found = HEADER.match(field)
        if not found:
            raise Wrong("not a header: %r" % field[:60])
        if any(line.strip(" \t") == "" for line in found[2].split("\r\n")[1:]):
            raise Wrong("a folded line of blanks alone in %s" % found[1])
        value = found[2].lstrip("\r\n")[1:]
        headers.setdefault(found[1].lower(), []).append(value)
    return headers


def only(headers, name):
    values = headers.get(name, [])
    if len(values) != 1:
        raise Wrong("%d headers %s" % (len(values), name))
    return values[0]


def unfold(value):
    return re.sub(r"\r\n([ \t])", r"\1", value).strip(" ")


@functools.lru_cache(1000)
def check_date(value):
    try:
        email.utils.parsedate_to_datetime(value)
    except ValueError:
        raise Wrong("Date: %r" % value) from None


def split_parts(body, boundary):
    """The parts of a multipart body (RFC 2046 section 5.1.1)."""
    marks = b"\r\n--" + boundary
    start, *parts = (b"\r\n" + body).split(marks + b"\r\n")
    if start or not parts:
        raise Wrong("the body does not begin with its first part")
    last, end, rest = parts[-1].partition(marks + b"--\r\n")
    if not end or rest:
        raise Wrong("the body does not end with its last boundary")
    parts[-1] = last
    if any(part.count(marks) for part in parts):
        raise Wrong("a boundary inside a part")
    return parts


def decode_body(encoding, body):
    if encoding == "quoted-printable":
        if not QUOTED_PRINTABLE.match(body):
            raise Wrong("not quoted-printable")
        if b" \r\n" in body or b"\t\r\n" in body or body[-1:] in (b" ", b"\t"):
            raise Wrong("a blank at the end of a quoted-printable line")
        if max(map(len, body.split(b"\r\n"))) > 76:
            raise Wrong("a quoted-printable line of more than 76 octets")
        body = binascii.a2b_qp(body)
    elif encoding == "base64":
        if max(map(len, body.split(b"\r\n"))) > 76:
            raise Wrong("a base64 line of more than 76 octets")
        body = decode_base64(body.replace(b"\r\n", b""))
    elif encoding != "7bit":
        raise Wrong("encoding %r" % encoding)
    ends = body.count(b"\r\n")
    if body.count(b"\n") != ends or body.count(b"\r") != ends:
        raise Wrong("a bare CR or LF behind the encoding")
    try:
        return lines(body.decode("utf-8"))
    except UnicodeDecodeError:
        raise Wrong("not UTF-8") from None


def unstructured(value):
    """A header's text: RFC 2047 section 6, with nothing forgiven."""
    parts = re.split(r"((?:\r\n)?[ \t]+(?:\r\n[ \t]+)*)", value)
    text, blank, was_word = [], "", False
    for index, part in enumerate(parts):
        if index % 2 == 1:
            blank = part.replace("\r\n", "")
            continue
        word = WORD.match(part)
        if not word and "=?" in part and "?=" in part:
            raise Wrong("a broken encoded word: %r" % part[:80])
        if not (word and was_word):
            text.append(blank)
        text.append(decode_word(part, word) if word else part)
        was_word = word is not None
    return "".join(text)


def decode_word(part, word):
    if len(part) > 75:
        raise Wrong("an encoded word of more than 75 characters")
    try:
        if word[1] in "Bb":
            data = decode_base64(word[2])
        elif re.search(r"=(?![0-9A-F]{2})", word[2]):
            raise Wrong("a broken encoded word: %r" % part)
        else:
            data = binascii.a2b_qp(word[2].encode(), header=True)
        return data.decode("utf-8")
    except UnicodeDecodeError as why:
        raise Wrong("encoded word %r: %s" % (part, why)) from None


def decode_base64(data):
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as why:
        raise Wrong("base64: %s" % why) from None


@functools.lru_cache(1000)
def mailbox(value):
    """(name, address) of 'Name <address>', by the email package."""
    unstructured(value)  # which is stricter with encoded words
    header = email.policy.default.header_factory(
        "From", re.sub(r"\r\n([ \t])", r"\1", value))
    if header.defects or len(header.addresses) != 1:
        raise Wrong("not one mailbox: %r %s" % (value, header.defects))
    return header.addresses[0].display_name, header.addresses[0].addr_spec


def second_opinion(data, letter):
    """Python's own email package must read the same, without a complaint."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    for part in message.walk():
        if part.defects:
            raise Wrong("the email package objects: %s" % part.defects)
        for name, value in part.items():
            if value.defects:
                raise Wrong("the email package objects to %s: %s" %
                            (name, value.defects))
    for kind, ours in (("plain", letter.text), ("html", letter.html)):
        part = message.get_body(preferencelist=(kind,))
        theirs = None if part is None else lines(part.get_content())
        check("the email package's " + kind, ours, theirs)
