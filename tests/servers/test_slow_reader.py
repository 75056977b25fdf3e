# SPDX-License-Identifier: MIT
"""One connection whose other side reads 1 KiB a second while nine others run:
memory stays as it is, and everybody has their letter."""
import asyncio
import threading
import time

import harness
from smtp_sink import SmtpSink

RATE = 1024         # octets a second
COUNT = 20000
PASSED = COUNT * 2000  # octets of the others, after which it reads on
ROOM = 512          # KiB that may come of it


class Front:
    """Passes everything on to a port, but what the first client says slowly,
    until the others have said enough."""

    def __init__(self, to, slow):
        self.to = to
        self.passed = 0
        self.slow = slow
        self.read_slowly = 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.run)

    async def crawl(self, reader, writer):
        while self.passed < PASSED and (data := await reader.read(RATE)):
            self.read_slowly += len(data)
            writer.write(data)
            try:
                await asyncio.wait_for(self.enough.wait(), 1)
            except asyncio.TimeoutError:
                pass

    async def pump(self, reader, writer, count):
        try:
            while data := await reader.read(65536):
                if count:
                    self.passed += len(data)
                    if self.passed >= PASSED:
                        self.enough.set()
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.close()

    async def serve(self, reader, writer):
        slow, self.slow = self.slow, False
        up_reader, up_writer = await asyncio.open_connection(
            "127.0.0.1", self.to)
        answers = asyncio.ensure_future(
            self.pump(up_reader, writer, False))
        if slow:
            await self.crawl(reader, up_writer)
        await self.pump(reader, up_writer, not slow)
        await answers
        writer.close()
        up_writer.close()

    async def listen(self):
        self.enough = asyncio.Event()
        self.stopped = self.loop.create_future()
        # Little fits in between, so what it does not read stays with us.
        self.server = await asyncio.start_server(
            self.serve, "127.0.0.1", 0, limit=RATE)
        return self.server.sockets[0].getsockname()[1]

    def run(self):
        self.loop.run_until_complete(self.stopped)
        self.server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def __enter__(self):
        self.port = self.loop.run_until_complete(self.listen())
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stopped.set_result, None)
        self.thread.join()


class Sampler(threading.Thread):
    """The most anonymous memory of a process, in KiB, while it runs."""

    def __init__(self, process):
        super().__init__()
        self.process = process
        self.most = self.samples = 0

    def run(self):
        try:
            with open("/proc/%d/status" % self.process.pid,
                      encoding="ascii") as status:
                while self.process.poll() is None:
                    self.sample(status)
                    time.sleep(0.02)
        except OSError:
            pass

    def sample(self, status):
        status.seek(0)
        for line in status:
            if line.startswith("RssAnon:"):
                self.most = max(self.most, int(line.split()[1]))
                self.samples += 1


class SlowReader(harness.ServerTest):
    def most(self, slow, *options):
        """The most memory of a campaign; with one slow connection, or none."""
        sink = SmtpSink(self, dump=False)
        with Front(sink.port, slow) as front:
            process = self.start_bulk(front.port, COUNT, *options)
            sampler = Sampler(process)
            sampler.start()
            sent = self.end_bulk(process, COUNT)
            sampler.join()
        sink.stop()
        self.assertEqual((sent.status, sent.accepted), (0, COUNT), sent.errors)
        self.assertGreater(sampler.samples, 10)
        if slow:
            self.assertGreater(front.read_slowly, 0)
        return max(sampler.most, sent.rss_anon_max_kib)

    def test_memory_is_flat(self):
        for options in [], ["--no-pipelining"]:
            with self.subTest(options):
                without = self.most(False, *options)
                self.assertLessEqual(self.most(True, *options), without + ROOM)


if __name__ == "__main__":
    harness.main()
