# SPDX-License-Identifier: MIT
"""An SMTP server that misbehaves to order, and remembers all that it did.

It runs in a thread of the test. Rules say what it refuses, where it cuts the
line and when it dies; records hold what it accepted, in the form of a sink's
dump, and faults hold what its client did against the RFCs: a bare CR or LF,
a command too long, or sent before its turn, or not due. It answers all that
came in one segment with one write, as a pipelining server does.
"""
import asyncio
import dataclasses
import re
import threading

PATH = re.compile(rb"(?:MAIL FROM|RCPT TO):<([^\r\n]*)>( [^\r\n]*)?\Z", re.I)
COMMAND_MOST = 512  # octets, RFC 5321 section 4.5.3.1.4


@dataclasses.dataclass
class Rules:
    """0 and None: never."""
    pipelining: bool = True
    greeting: bytes = b"220 refuser.example ESMTP\r\n"
    ehlo: int = 250
    refuse_rcpt_each: int = 0    # the 7th, 14th ... RCPT
    refuse_rcpt: int = 550
    refuse_end_each: int = 0     # the 11th, 22nd ... end of a message
    refuse_end: int = 554
    data_without_rcpt: int = 554  # or 354, which RFC 2920 section 3.1 allows
    die_after: int = 0           # messages accepted; then nothing listens
    drop_after: int = 0          # messages accepted on one connection
    answer_last: bool = True     # the message after which it dies or drops
    drop: str = "close"          # or "reset", or "421" to the next command
    cut_after: int = 0           # octets sent on one connection
    cut: str = "reset"           # or "mute": it reads and acts, but is silent
    cuts: int = 1 << 30          # on so many connections, the first ones
    hold_after: int = 0          # messages accepted; then silence until release


class Connection(asyncio.Protocol):
    def __init__(self, peer):
        self.peer = peer
        self.rules = peer.rules
        self.buffer = b""
        self.out = []
        self.sent = 0
        self.accepted = 0
        self.silent = self.ended = False
        self.opened = self.in_data = False
        self.begin(None)

    def begin(self, sender):
        self.sender, self.recipients, self.refused = sender, [], []

    # --- the line -----------------------------------------------------------

    def connection_made(self, transport):
        self.transport = transport
        self.number = self.peer.connections = self.peer.connections + 1
        self.peer.open.add(self)
        if self.peer.dead:
            transport.abort()
            return
        self.out.append(self.rules.greeting)
        self.flush()

    def connection_lost(self, why):
        self.ended = True
        self.peer.open.discard(self)

    def eof_received(self):
        return False

    def data_received(self, data):
        if self.ended:
            return
        self.buffer += data
        while not self.ended and not self.peer.held and self.step():
            pass
        self.flush()

    def flush(self):
        data, self.out = b"".join(self.out), []
        if self.silent or not data:
            return
        limit = self.rules.cut_after
        if limit and self.number <= self.rules.cuts and \
                self.sent + len(data) >= limit:
            self.transport.write(data[:limit - self.sent])
            self.silent = True
            if self.rules.cut == "reset":
                self.end(self.transport.abort)
            else:
                self.say_no_more()
            return
        self.sent += len(data)
        self.peer.most_sent = max(self.peer.most_sent, self.sent)
        self.transport.write(data)

    def end(self, how):
        """Nothing more is read or done on this connection."""
        self.ended = True
        how()

    def reply(self, code, text):
        self.out.append(b"%d %s\r\n" % (code, text.encode()))

    def fault(self, what):
        self.peer.faults.append("connection %d: %s" % (self.number, what))

    # --- the dialogue -------------------------------------------------------

    def step(self):
        """Takes one command or one message out of the buffer, if it is all
        there."""
        if self.in_data:
            return self.step_data()
        line, end, rest = self.buffer.partition(b"\r\n")
        if not end:
            return False
        self.buffer = rest
        if b"\r" in line or b"\n" in line or b"\0" in line:
            self.fault("a bare CR, LF or NUL in %r" % line)
        if len(line) + 2 > COMMAND_MOST:
            self.fault("a command of %d octets" % (len(line) + 2))
        self.command(line)
        return True

    def command(self, line):
        verb = line.split(b" ")[0].upper().decode("latin-1")
        name = {"EHLO": "greet", "HELO": "greet"}.get(verb, verb.lower())
        if verb in ("EHLO", "HELO", "DATA", "QUIT") or \
                not self.rules.pipelining:
            if self.buffer:
                self.fault("%s, and more behind it before its answer" % verb)
        if self.rules.drop == "421" and self.rules.drop_after and \
                self.accepted >= self.rules.drop_after:
            self.reply(421, "4.3.2 enough for this connection")
            self.flush()
            self.end(self.transport.close)
            return
        if not self.opened and name not in ("greet", "quit"):
            self.fault("%s before EHLO" % verb)
        getattr(self, "do_" + name, self.do_unknown)(line)

    def do_unknown(self, line):
        self.fault("an unknown command %r" % line)
        self.reply(500, "5.5.2 unknown")

    def do_greet(self, line):
        extended = line[:4].upper() == b"EHLO"
        if extended and self.rules.ehlo != 250:
            self.reply(self.rules.ehlo, "5.5.1 no EHLO here")
            return
        self.opened = True
        if extended:
            self.out.append(b"250-refuser.example\r\n")
            if self.rules.pipelining:
                self.out.append(b"250-PIPELINING\r\n")
            self.out.append(b"250-ENHANCEDSTATUSCODES\r\n")
        self.out.append(b"250 8BITMIME\r\n" if extended else b"250 hello\r\n")

    def do_mail(self, line):
        found = PATH.match(line)
        if self.sender is not None:
            self.fault("MAIL within a transaction")
            self.reply(503, "5.5.1 nested MAIL command")
        elif not found:
            self.fault("not a MAIL command: %r" % line)
            self.reply(501, "5.5.4 syntax")
        else:
            self.begin(found[1].decode("latin-1"))
            self.reply(250, "2.1.0 ok")

    def do_rcpt(self, line):
        found = PATH.match(line)
        if self.sender is None or not found:
            self.fault("a RCPT that is not due: %r" % line)
            self.reply(503, "5.5.1 MAIL first")
            return
        address = found[1].decode("latin-1")
        self.peer.rcpts += 1
        each = self.rules.refuse_rcpt_each
        if each and self.peer.rcpts % each == 0:
            code = self.rules.refuse_rcpt
            self.peer.refused.append((address, code))
            self.refused.append(address)
            self.reply(code, "%d.1.1 not this one" % (code // 100))
        else:
            self.recipients.append(address)
            self.reply(250, "2.1.5 ok")

    def do_data(self, line):
        if not self.recipients:
            if not self.refused:
                self.fault("DATA without RCPT")
            if self.rules.data_without_rcpt != 354:
                self.reply(554, "5.5.1 no valid recipients")
                return
        self.in_data = True
        self.reply(354, "go on")

    def do_rset(self, line):
        self.begin(None)
        self.reply(250, "2.0.0 ok")

    def do_noop(self, line):
        self.reply(250, "2.0.0 ok")

    def do_quit(self, line):
        self.reply(221, "2.0.0 bye")
        self.flush()
        self.end(self.transport.close)

    def step_data(self):
        if self.buffer.startswith(b".\r\n"):
            body, self.buffer = b"", self.buffer[3:]
        else:
            body, end, rest = self.buffer.partition(b"\r\n.\r\n")
            if not end:
                return False
            body, self.buffer = body + b"\r\n", rest
        self.in_data = False
        if not self.rules.pipelining and self.buffer:
            self.fault("more behind a message before its answer")
        self.take(body)
        self.begin(None)
        return True

    def take(self, body):
        stuffed = [line for line in body.split(b"\r\n")
                   if line.startswith(b".")]
        if any(not line.startswith(b"..") for line in stuffed):
            self.fault("a line begins with one dot alone")
        if not self.recipients:
            if body:
                self.fault("a message for nobody has a body")
            self.reply(554, "5.5.1 no valid recipients")
            return
        self.peer.ends += 1
        each = self.rules.refuse_end_each
        if each and self.peer.ends % each == 0:
            code = self.rules.refuse_end
            self.peer.refused += [(who, code) for who in self.recipients]
            self.reply(code, "%d.6.0 not this message" % (code // 100))
            return
        self.accept(body)

    def accept(self, body):
        self.accepted += 1
        body = (b"\r\n" + body).replace(b"\r\n..", b"\r\n.")[2:]
        self.peer.records.append({
            "from": self.sender, "to": self.recipients,
            "body": body.decode("latin-1")})
        last = self.is_last()
        if not last or self.rules.answer_last:
            self.reply(250, "2.0.0 taken")
        if len(self.peer.records) == self.rules.hold_after:
            self.peer.held = True
            self.peer.holds.set()
        if last:
            self.flush()
            self.peer.drop(self)

    def is_last(self):
        """Whether the line, or the server, ends with the message accepted."""
        if self.rules.die_after and \
                len(self.peer.records) >= self.rules.die_after:
            return True
        return self.rules.drop_after and self.rules.drop != "421" and \
            self.accepted >= self.rules.drop_after

    def hang_up(self):
        """Ends the line; what was said before arrives, unless by a reset."""
        if self.ended:
            return
        self.ended = True
        if self.rules.drop == "reset":
            self.transport.abort()
        else:
            self.say_no_more()

    def say_no_more(self):
        try:
            self.transport.write_eof()
        except OSError:  # the client was faster
            self.transport.abort()


class Refuser:
    """with Refuser(Rules(...)) as peer: peer.port is where it listens."""

    def __init__(self, rules=None):
        self.rules = rules or Rules()
        self.connections = self.rcpts = self.ends = 0
        self.most_sent = 0  # octets, on one connection
        self.records, self.refused, self.faults = [], [], []
        self.open = set()
        self.dead = self.held = False
        self.holds = threading.Event()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run)

    def drop(self, connection):
        if self.rules.die_after and len(self.records) >= self.rules.die_after:
            self.dead = True
            self.server.close()
            for each in list(self.open):
                each.hang_up()
        else:
            connection.hang_up()

    def release(self):
        """Ends the silence of hold_after; called by the test's thread."""
        self.loop.call_soon_threadsafe(self.go_on)

    def go_on(self):
        self.held = False
        for each in list(self.open):
            each.data_received(b"")

    def run(self):
        self.loop.run_until_complete(self.stopped)
        for each in list(self.open):
            each.transport.abort()
        self.server.close()
        self.loop.run_until_complete(self.server.wait_closed())
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    async def listen(self):
        self.stopped = self.loop.create_future()
        self.server = await self.loop.create_server(
            lambda: Connection(self), "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    def __enter__(self):
        self.port = self.loop.run_until_complete(self.listen())
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stopped.set_result, None)
        self.thread.join()

    def accepted(self):
        """The addresses whose message was accepted, in their order."""
        return [address for record in self.records
                for address in record["to"]]
