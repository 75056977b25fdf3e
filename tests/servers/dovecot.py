# SPDX-License-Identifier: MIT
"""A Dovecot submission service of its own: logs in by passwords and by tokens
that it reads itself, and hands what it gets to an aiosmtpd behind it."""
import base64
import os
import re
import shutil
import unittest

import account
import ledger
import relay

CONFIG = """\
protocols = submission
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
login_log_format_elements = method=%m user=<%u> %c session=<%{{session}}>
hostname = dovecot.example
ssl = required
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/certificate.pem
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 xoauth2 \\
    oauthbearer
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/home
}}
first_valid_uid = 0
mail_location = maildir:{folder}/home
mail_max_userip_connections = 100
submission_relay_host = 127.0.0.1
submission_relay_port = {behind}
submission_relay_trusted = no
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
  inet_listener submissions {{
    port = {secure}
    ssl = yes
  }}
}}
"""
OAUTH2 = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/keys/
username_attribute = sub
"""
# What Dovecot writes above the message.
OWN = re.compile(r"\AReceived: .*\r\n(?:[ \t].*\r\n)*")


class Dovecot(relay.Relay):
    name = "Dovecot"
    mechanisms = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1",
                  "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER")
    needs_login = True
    dies_of_pipelining = True
    complaint = ".*(Warning|Error|Fatal|Panic):"

    def start(self):
        relay.as_root()
        if shutil.which("dovecot") is None or not os.path.exists(
                "/usr/lib/dovecot/submission"):
            raise unittest.SkipTest("dovecot-submissiond is not installed")
        self.behind = ledger.Aiosmtpd(self.test)
        self.behind.start()
        self.folder = self.folder / "dovecot"
        for each in "run", "state", "home", "keys/default/HS256":
            (self.folder / each).mkdir(parents=True)
        shutil.chown(self.folder / "home", "nobody", "nogroup")
        self.configure()
        self.run(["dovecot", "-F", "-c", self.folder / "dovecot.conf"])

    def configure(self):
        values = {"folder": self.folder, "port": self.port,
                  "secure": self.secure_port, "behind": self.behind.port}
        for name, text in (
                ("dovecot.conf", CONFIG.format(**values)),
                ("oauth2.conf", OAUTH2.format(**values)),
                ("users", "%s:{PLAIN}%s\n" % (account.USER, account.PASSWORD)),
                ("certificate.pem", self.certificate()),
                ("keys/default/HS256/default",
                 base64.b64encode(account.KEY).decode())):
            (self.folder / name).write_text(text, encoding="ascii")

    def heard(self):
        return self.read(self.folder / "log")

    def records(self):
        for each in self.behind.records():
            each["body"] = OWN.sub("", each["body"], 1)
            yield each

    @staticmethod
    def connections(heard):
        """What was said of each login over which mail came."""
        sent = set(re.findall(
            r"<([^>]+)>: Info: Successfully relayed message", heard))
        return [line for line in heard.splitlines() if "Info: Login:" in line
                and re.search("session=<(.*)>", line)[1] in sent]

    def logins(self, heard):
        return {re.search("method=([A-Z0-9-]+), user=<%s>" %
                          re.escape(account.USER), line)[1]
                for line in self.connections(heard)}

    def secured(self, heard):
        return {", TLS," in line for line in self.connections(heard)}
