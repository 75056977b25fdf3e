# SPDX-License-Identifier: MIT
"""An Exim of its own, in a jail: with GnuTLS, PLAIN, LOGIN and CRAM-MD5; it
delivers whatever it accepts into one Maildir."""
import re

import account
from jail import Jail
from relay import Relay

CONFIG = """\
primary_hostname = exim.example
spool_directory = /srv/spool
log_file_path = /srv/log/%slog
log_selector = +tls_cipher +smtp_protocol_error +smtp_syntax_error \\
    +received_recipients +smtp_mailauth
daemon_smtp_ports = {port} : {secure}
tls_on_connect_ports = {secure}
local_interfaces = 127.0.0.1
tls_advertise_hosts = *
tls_certificate = /etc/exim4/certificate.pem
auth_advertise_hosts = *
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
received_header_text =
message_size_limit = 64M
allow_domain_literals = true
host_lookup =
rfc1413_hosts =
keep_environment =
smtp_accept_max = 100
smtp_accept_queue_per_connection = 0
smtp_enforce_sync = true
acl_smtp_rcpt = acl_rcpt
begin acl
acl_rcpt:
  deny local_parts = nobody
    message = nobody of that name lives here
  defer local_parts = later
  deny domains = {picky}
    message = not to that domain
  accept
begin routers
all:
  driver = accept
  transport = maildir
begin transports
maildir:
  driver = appendfile
  directory = /srv/mail
  maildir_format
  return_path_add
  envelope_to_add
  user = Debian-exim
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and {{{{eq{{$auth2}}{{{user}}}}}\\
    {{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${{if and {{{{eq{{$auth1}}{{{user}}}}}\\
    {{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{user}}}{{{password}}}fail}}
  server_set_id = $auth1
"""
# What Exim writes above the message.
OWN = re.compile(rb"Return-path: <(.*)>\nEnvelope-to: (.*)\n")


class Exim(Relay):
    name = "Exim"
    package = "exim4-daemon-light"
    mechanisms = ("PLAIN", "LOGIN", "CRAM-MD5")
    # Not: a connection that is not needed any more, cut before it was used.
    complaint = (r"(?i)(?!.*TLS error on connection .*\((recv|send)\))"
                 "(?=.*(error|rejected|unexpected|dropped|panic))")

    picky = "nowhere.invalid"  # the domain that it refuses

    def start(self):
        self.jail = Jail(self.folder / "exim", self.package_folder(),
                         ["usr/sbin/exim4"], users=["Debian-exim"])
        self.jail.write("etc/exim4/exim4.conf", CONFIG.format(
            port=self.port, secure=self.secure_port, user=account.USER,
            password=account.PASSWORD, picky=self.picky))
        self.jail.write("etc/exim4/certificate.pem", self.certificate())
        for each in "srv", "srv/spool", "srv/log", "srv/mail":
            self.jail.give(each)
        self.run(self.jail.command("/usr/sbin/exim4", "-bdf"))

    def heard(self):
        return self.read(self.jail.folder / "srv/log/mainlog") + \
            self.read(self.jail.folder / "srv/log/paniclog")

    def busy(self):
        """Whether a message is on its way to the mailbox."""
        return any((self.jail.folder / "srv/spool/input").glob("*"))

    def records(self):
        for path in sorted((self.jail.folder / "srv/mail/new").glob("*")):
            data = path.read_bytes()
            own = OWN.match(data)
            body = data[own.end():].replace(b"\n", b"\r\n")
            yield {"from": own[1].decode(), "to": [own[2].decode()],
                   "body": body.decode("latin-1")}
            path.unlink()

    def logins(self, heard):
        """Each who logged in: Exim says by what, in small letters."""
        words = {"plain": "PLAIN", "login": "LOGIN", "cram": "CRAM-MD5"}
        return {words[each] for each in re.findall(r" A=(\w+):", heard)}

    def secured(self, heard):
        return {" X=TLS1" in line for line in heard.splitlines()
                if " <= " in line}
