# SPDX-License-Identifier: MIT
"""What deferred.c measures, with asyncio or Twisted.

    deferred_peers.py asyncio|twisted WHAT COUNT

Prints the nanoseconds of processor time of one, or, of what is `pending`, the
bytes of memory.
Exit status 3: that peer has no such thing."""
import asyncio
import os
import sys
import time

MANY = 100000
TASKS = 1000


def blocks(count, size):
    """`count` in parts of at most `size`."""
    while count > 0:
        yield min(count, size)
        count -= size


def keep(value):
    return value


class Asyncio:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)

    def turn(self):
        self.loop.run_until_complete(asyncio.sleep(0))

    def deferred(self, count):
        for part in blocks(count, TASKS):
            for _ in range(part):
                future = self.loop.create_future()
                future.add_done_callback(keep)
                future.set_result(None)
            self.turn()

    def member(self, count):
        for part in blocks(count, MANY):
            for one in [self.loop.create_future() for _ in range(part)]:
                one.set_result(None)

    def link(self, count):
        for part in blocks(count, MANY):
            many = [self.loop.create_future() for _ in range(part)]
            for one in many:
                one.add_done_callback(keep)
            for one in many:
                one.set_result(None)
            self.turn()

    def element(self, count):
        for part in blocks(count, MANY):
            members = [self.loop.create_future() for _ in range(part)]
            together = asyncio.gather(*members)
            for member in members:
                member.set_result(None)
            self.loop.run_until_complete(together)

    def chain(self, count):
        async def wait(on):
            return await on

        for part in blocks(count, MANY):
            first = future = self.loop.create_future()
            for _ in range(part - 1):
                future = self.loop.create_task(wait(future))
            first.set_result(None)
            self.loop.run_until_complete(future)

    def step(self, count):
        async def steps(left):
            for _ in range(left):
                await asyncio.sleep(0)

        self.loop.run_until_complete(
            asyncio.gather(*(steps(count // TASKS) for _ in range(TASKS))))

    def pend(self):
        future = self.loop.create_future()
        future.add_done_callback(keep)
        return future


# chainDeferred recurses: it does not take so many.
class Twisted:
    def __init__(self):
        from twisted.internet import defer, task
        self.defer = defer
        self.task = task

    def deferred(self, count):
        for _ in range(count):
            d = self.defer.Deferred()
            d.addCallback(keep)
            d.callback(None)

    def element(self, count):
        for part in blocks(count, MANY):
            members = [self.defer.Deferred() for _ in range(part)]
            self.defer.DeferredList(members)
            for member in members:
                member.callback(None)

    def member(self, count):
        for part in blocks(count, MANY):
            for one in [self.defer.Deferred() for _ in range(part)]:
                one.callback(None)

    def link(self, count):
        for part in blocks(count, MANY):
            many = [self.defer.Deferred() for _ in range(part)]
            for one in many:
                one.addCallback(keep)
            for one in many:
                one.callback(None)

    def chain(self, count):
        for part in blocks(count, MANY):
            many = [self.defer.Deferred() for _ in range(part)]
            for outer, inner in zip(many, many[1:]):
                outer.addCallback(lambda _, on=inner: on)
            for one in many:
                one.callback(None)

    def step(self, count):
        turns = []

        class Call:
            def cancel(self):
                turns.clear()

        def schedule(tick):
            turns.append(tick)
            return Call()

        def steps(left):
            for _ in range(left):
                yield None

        cooperator = self.task.Cooperator(scheduler=schedule)
        for _ in range(TASKS):
            cooperator.coiterate(steps(count // TASKS))
        while turns:
            turns.pop()()

    def pend(self):
        d = self.defer.Deferred()
        d.addCallback(keep)
        return d


def resident():
    """Bytes of memory in use."""
    with open('/proc/self/statm', encoding='ascii') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGESIZE')


def main():
    peer = {'asyncio': Asyncio, 'twisted': Twisted}[sys.argv[1]]()
    what, count = sys.argv[2], int(sys.argv[3])
    if what == 'pending':
        held = [None] * count
        before = resident()
        for index in range(count):
            held[index] = peer.pend()
        print('%.1f' % ((resident() - before) / count), flush=True)
        os._exit(0)  # they are not worth the time it takes to free them
    if not hasattr(peer, what):
        sys.exit(3)
    start = time.process_time()
    getattr(peer, what)(count)
    print('%.1f' % ((time.process_time() - start) / count * 1e9))


main()
