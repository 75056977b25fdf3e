# SPDX-License-Identifier: MIT
"""aiosmtpd_peer.py PORT FILE: an aiosmtpd on loopback that appends each message
that it gets to FILE, in the form of a sink's dump, until SIGTERM."""
import asyncio
import json
import signal
import sys

from aiosmtpd.smtp import SMTP


class Record:
    def __init__(self, path):
        self.out = open(path, "a", encoding="ascii")

    async def handle_DATA(self, _server, _session, envelope):
        json.dump({"from": envelope.mail_from, "to": envelope.rcpt_tos,
                   "body": envelope.original_content.decode("latin-1")},
                  self.out)
        self.out.write("\n")
        self.out.flush()
        return "250 2.0.0 recorded"


async def serve(port, path):
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    record = Record(path)
    await loop.create_server(lambda: SMTP(record, hostname="aiosmtpd.example"),
                             "127.0.0.1", port)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), sys.argv[2]))
