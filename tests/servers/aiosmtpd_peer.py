# SPDX-License-Identifier: MIT
"""aiosmtpd_peer.py PORT SECURE_PORT CERTIFICATE ACCOUNT FILE: an aiosmtpd on
loopback, at the second port within TLS from the first byte on, that appends
each message that it gets to FILE, in the form of a sink's dump, until
SIGTERM. ACCOUNT is a file of JSON: who may log in, within TLS."""
import asyncio
import json
import signal
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

MOST = 64 << 20  # octets of a message


class Record:
    def __init__(self, path):
        self.out = open(path, "a", encoding="ascii")

    async def handle_DATA(self, server, session, envelope):
        cipher = server.transport.get_extra_info("cipher")
        json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos,
                   "body": envelope.original_content.decode("latin-1"),
                   "tls": cipher is not None,
                   "auth": getattr(session, "mechanism", None)}, self.out)
        self.out.write("\n")
        self.out.flush()
        return "250 2.0.0 recorded"


def authenticator(path):
    with open(path, encoding="utf-8") as file:
        account = json.load(file)
    known = (account["user"].encode(), account["password"].encode())

    def authenticate(_server, session, _envelope, mechanism, data):
        good = (data.login, data.password) == known
        session.mechanism = mechanism
        return AuthResult(success=good, handled=False)

    return authenticate


async def serve(port, secure_port, certificate, account, path):
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    record = Record(path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    how = {"hostname": "aiosmtpd.example", "enable_SMTPUTF8": True,
           "data_size_limit": MOST, "authenticator": authenticator(account)}
    await loop.create_server(
        lambda: SMTP(record, tls_context=context, **how),
        "127.0.0.1", port)
    # It does not see by itself that it is within TLS, so it must be told.
    await loop.create_server(
        lambda: SMTP(record, auth_require_tls=False, **how),
        "127.0.0.1", secure_port, ssl=context)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]))
