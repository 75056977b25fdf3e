# SPDX-License-Identifier: MIT
"""A Postfix of its own: its configuration, queue and mailbox in a folder, on
loopback, strict, delivering whatever it accepts into one Maildir."""
import os
import pathlib
import pwd
import re
import subprocess

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = postfix.example
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
local_header_rewrite_clients =
allow_percent_hack = no
allow_untrusted_routing = yes
swap_bangpath = no
virtual_mailbox_domains = static:all
virtual_mailbox_maps = static:mail/
virtual_mailbox_base = {folder}
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
message_size_limit = 0
smtpd_forbid_bare_newline = yes
smtpd_forbid_unauth_pipelining = yes
smtpd_data_restrictions = reject_unauth_pipelining
smtpd_helo_required = yes
strict_rfc821_envelopes = yes
strict_7bit_headers = yes
strict_8bitmime_body = yes
strict_mime_encoding_domain = yes
soft_bounce = no
smtputf8_enable = no
in_flow_delay = 0
"""
MASTER = """\
127.0.0.1:{port} inet n - n - 20 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
# What Postfix writes above the message.
OWN = re.compile(rb"(?:(?:Return-Path|X-Original-To|Delivered-To|Received):"
                 rb"[^\n]*\n(?:[ \t][^\n]*\n)*)*")


class Postfix:
    def __init__(self, folder, port):
        self.folder = pathlib.Path(folder)
        self.port = port
        owner = pwd.getpwnam("postfix")
        for name in "config", "queue", "data", "mail":
            (self.folder / name).mkdir(parents=True)
        for name in "data", "mail":
            os.chown(self.folder / name, owner.pw_uid, owner.pw_gid)
        values = {"folder": folder, "port": port, "uid": owner.pw_uid,
                  "gid": owner.pw_gid}
        for name, text in ("main.cf", MAIN), ("master.cf", MASTER):
            path = self.folder / "config" / name
            path.write_text(text.format(**values), encoding="ascii")

    def run(self, *command):
        return subprocess.run(
            ["postfix", "-c", str(self.folder / "config"), *command],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False)

    def start(self):
        done = self.run("start")
        if done.returncode != 0:
            raise RuntimeError("postfix start: " + done.stderr + self.log())

    def stop(self):
        """By the process id in its own queue; waits until it is gone."""
        self.run("stop")

    def log(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def complaints(self):
        """What Postfix did not like in its client."""
        return [line for line in self.log().splitlines() if re.search(
            r"/smtpd\[.*(reject|warning|error|fatal|improper|bare)", line)]

    def queued(self):
        """How many messages are on their way to the mailbox."""
        return sum(len(names) for queue in
                   ("maildrop", "incoming", "active", "deferred", "hold")
                   for _, _, names in os.walk(self.folder / "queue" / queue))

    def records(self):
        """What was delivered, in the form of a sink's dump."""
        for path in sorted((self.folder / "mail" / "new").iterdir()):
            data = path.read_bytes()
            own = OWN.match(data)[0].decode("latin-1")
            body = data[len(own):].replace(b"\n", b"\r\n")
            sender = re.match("Return-Path: <(.*)>\n", own)[1]
            to = re.findall("^X-Original-To: (.*)\n", own, re.M)
            yield {"from": sender, "to": to, "body": body.decode("latin-1")}
