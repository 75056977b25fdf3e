# SPDX-License-Identifier: MIT
"""A Postfix of its own: its configuration, queue and mailbox in a folder, on
loopback, strict, with OpenSSL and Cyrus SASL, delivering whatever it accepts
into one Maildir."""
import atexit
import os
import pwd
import re
import shutil
import subprocess
import unittest

import account
import relay

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
smtpd_forbid_bare_newline = reject
smtpd_forbid_unauth_pipelining = yes
smtpd_recipient_restrictions =
    check_recipient_access inline:{{ {{ {picky} = 550 not to that domain }} }}
smtpd_data_restrictions = reject_unauth_pipelining
smtpd_helo_required = yes
strict_rfc821_envelopes = yes
strict_7bit_headers = yes
strict_8bitmime_body = yes
strict_mime_encoding_domain = yes
soft_bounce = no
smtputf8_enable = no
in_flow_delay = 0
notify_classes =
smtpd_tls_eccert_file = {folder}/certificate.pem
smtpd_tls_eckey_file = {folder}/certificate.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_local_domain = mail.test
cyrus_sasl_config_path = {folder}/config/sasl
"""
MASTER = """\
127.0.0.1:{port} inet n - n - 20 smtpd
127.0.0.1:{secure} inet n - n - 20 smtpd -o smtpd_tls_wrappermode=yes
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
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""
SASL = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/sasl/users
mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256
"""
# What Postfix writes above the message.
OWN = re.compile(rb"(?:(?:Return-Path|X-Original-To|Delivered-To|Received):"
                 rb"[^\n]*\n(?:[ \t][^\n]*\n)*)*")


class Postfix(relay.Relay):
    name = "Postfix"
    mechanisms = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1",
                  "SCRAM-SHA-256")
    # Not: a connection that is not needed any more, cut in its handshake.
    complaint = (r".*/smtpd\["
                 r"(?!.*SSL_accept error .*: Connection reset by peer)"
                 r".*(reject|warning|error|fatal|improper|bare)")

    picky = "nowhere.invalid"  # the domain that it refuses

    def start(self):
        relay.as_root()
        for each in "postfix", "saslpasswd2":
            if shutil.which(each) is None:
                raise unittest.SkipTest(each + " is not installed")
        self.folder = self.folder / "postfix"
        owner = pwd.getpwnam("postfix")
        for name in "config/sasl", "queue", "data", "mail", "sasl":
            (self.folder / name).mkdir(parents=True)
        for name in "data", "mail":
            os.chown(self.folder / name, owner.pw_uid, owner.pw_gid)
        self.configure({"folder": self.folder, "port": self.port,
                        "secure": self.secure_port, "uid": owner.pw_uid,
                        "gid": owner.pw_gid, "picky": self.picky})
        done = self.postfix("start")
        atexit.register(self.stop)
        self.test.addCleanup(self.stop)
        if done.returncode != 0:
            self.test.fail("postfix start: " + done.stderr + self.heard())
        self.test.await_port(self.port, lambda: True)

    def configure(self, values):
        for name, text in (("config/main.cf", MAIN),
                           ("config/master.cf", MASTER),
                           ("config/sasl/smtpd.conf", SASL)):
            path = self.folder / name
            path.write_text(text.format(**values), encoding="ascii")
        path = self.folder / "certificate.pem"
        path.write_text(self.certificate(), encoding="ascii")
        path.chmod(0o600)
        user, domain = account.USER.split("@")
        users = self.folder / "sasl/users"
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", users, "-u", domain,
                        user], input=account.PASSWORD.encode(), check=True)
        shutil.chown(users, "postfix")

    def postfix(self, *command):
        return subprocess.run(
            ["postfix", "-c", str(self.folder / "config"), *command],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False)

    def stop(self):
        """By the process id in its own queue; waits until it is gone."""
        if self.folder.exists():
            self.postfix("stop")

    def heard(self):
        return self.read(self.folder / "log")

    def busy(self):
        """Whether a message is on its way to the mailbox."""
        return any(names for queue in
                   ("maildrop", "incoming", "active", "deferred", "hold")
                   for _, _, names in os.walk(self.folder / "queue" / queue))

    def records(self):
        new = self.folder / "mail" / "new"
        for path in sorted(new.iterdir()) if new.exists() else ():
            data = path.read_bytes()
            own = OWN.match(data)[0].decode("latin-1")
            body = data[len(own):].replace(b"\n", b"\r\n")
            sender = re.match("Return-Path: <(.*)>\n", own)[1]
            to = re.findall("^X-Original-To: (.*)\n", own, re.M)
            yield {"from": sender, "to": to, "body": body.decode("latin-1")}
            path.unlink()

    def logins(self, heard):
        return set(re.findall("sasl_method=([A-Z0-9-]+), sasl_username=" +
                              re.escape(account.USER), heard))

    def secured(self, heard):
        """Whether each connection over which mail came was within TLS."""
        return {"TLS connection established from" in each
                for each in connections(heard) if " client=" in each}


def connections(heard):
    """The log, cut into what was said of each connection."""
    by_process = {}
    for line in heard.splitlines():
        process = re.search(r"/smtpd\[(\d+)\]", line)
        if process is None:
            continue
        if ": connect from " in line:
            by_process.setdefault(process[1], []).append("")
        if process[1] in by_process:
            by_process[process[1]][-1] += line + "\n"
    return [each for many in by_process.values() for each in many]
