# SPDX-License-Identifier: MIT
"""A wire tap: passes bytes on between a client and a server, and keeps what
the client said, so that what a server stored can be held against it."""
import asyncio
import threading


def messages(stream):
    """The messages in what a client said on one connection, when every DATA
    was answered by 354 and every BDAT by 250: as they were before dots were
    doubled."""
    found, chunks, at = [], b"", 0
    while True:
        line_end = stream.find(b"\r\n", at)
        if line_end < 0:
            return found
        words, at = stream[at:line_end].upper().split(), line_end + 2
        if words[0] == b"BDAT":
            chunks += stream[at:at + int(words[1])]
            at += int(words[1])
            if words[2:] == [b"LAST"]:
                found.append(chunks)
                chunks = b""
        elif words[0] == b"DATA":
            end = stream.find(b"\r\n.\r\n", line_end)
            if end < 0:
                return found
            body = stream[line_end:end + 2].replace(b"\r\n..", b"\r\n.")
            found.append(body[2:])
            at = end + 5


class Tap:
    """with Tap(PORT OF THE SERVER) as tap: connect to tap.port."""

    def __init__(self, to):
        self.to = to
        self.streams = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run)

    async def pump(self, reader, writer, keep):
        try:
            while data := await reader.read(65536):
                keep(data)
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.close()

    async def serve(self, reader, writer):
        stream = bytearray()
        self.streams.append(stream)
        up_reader, up_writer = await asyncio.open_connection(
            "127.0.0.1", self.to)
        await asyncio.gather(
            self.pump(reader, up_writer, stream.extend),
            self.pump(up_reader, writer, len))
        writer.close()
        up_writer.close()

    def run(self):
        self.loop.run_until_complete(self.stopped)
        self.server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    async def listen(self):
        self.stopped = self.loop.create_future()
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return self.server.sockets[0].getsockname()[1]

    def __enter__(self):
        self.port = self.loop.run_until_complete(self.listen())
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stopped.set_result, None)
        self.thread.join()

    def messages(self):
        """All that passed, of all connections."""
        return [message for stream in self.streams
                for message in messages(bytes(stream))]
