# SPDX-License-Identifier: MIT
"""Clocks, both ways: thrum's test clock as twisted.internet.task.Clock, and
whatever has callLater and seconds as a thrum_clock."""
import functools

from twisted.internet import base
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from library import (NULL, context, ffi, guarded, held, hold, lib,
                     nanoseconds, release, reraise)

# ---- Twisted's clocks for thrum ----


class _Call:
    """A call that thrum wants of a clock of Twisted's."""

    def __init__(self, fn, ctx, free):
        self.fn, self.ctx, self.free = fn, ctx, free

    def make(self):
        self.fn(self.ctx)
        self.end()

    def make_now(self):
        """Its turn has come, whatever the clock says."""
        self.delayed.cancel()
        self.make()

    def end(self):
        if self.free:
            self.free(self.ctx)
        release(self.pointer)


class Bound:
    """A thrum_clock over a clock of Twisted's."""

    def __init__(self, clock):
        self.clock = clock
        self.last = None  # the call that was asked for last
        self.handle = ffi.new_handle(self)
        self.struct = ffi.new("bound_clock *", [[_ops], self.handle])
        self.pointer = ffi.cast("thrum_clock *", self.struct)


def _bound(clock):
    return ffi.from_handle(ffi.cast("bound_clock *", clock).bound)


@ffi.callback("thrum_ns(thrum_clock *)")
def _now(clock):
    return nanoseconds(_bound(clock).clock.seconds())


@ffi.callback("thrum_call *(thrum_clock *, thrum_ns, thrum_call_fn *, void *,"
              " thrum_free_fn *, const char *)")
def _call_later(clock, after, fn, ctx, free, _place):
    call = _Call(fn, ctx, free)
    call.pointer = hold(call)
    bound = _bound(clock)
    bound.last = call
    call.delayed = bound.clock.callLater(max(after, 0) / 1e9, call.make)
    return ffi.cast("thrum_call *", call.pointer)


@ffi.callback("void(thrum_clock *, thrum_call *)")
def _cancel(_clock, pointer):
    call = held(ffi.cast("void *", pointer))
    if call.delayed.active():
        call.delayed.cancel()
        call.end()


@ffi.callback("void(thrum_clock *, thrum_call *, thrum_ns)")
def _reset(_clock, pointer, after):
    call = held(ffi.cast("void *", pointer))
    if call.delayed.active():
        call.delayed.reset(after / 1e9)


_ops = ffi.new("thrum_clock_ops *", {
    "now": _now, "read": _now, "wall": _now, "call_later": _call_later,
    "cancel": _cancel, "reset": _reset})
_clocks = {}  # they outlive what uses them


def of(clock):
    """The thrum_clock of a clock of Twisted's, or of ours."""
    if isinstance(clock, Clock):
        return clock.pointer
    if clock not in _clocks:
        _clocks[clock] = Bound(clock)
    return _clocks[clock].pointer


# ---- thrum's clock for Twisted ----


@ffi.callback("thrum_call_fn")
def run_call(ctx):
    """A call of a program is due."""
    call = held(ctx)
    call.called = 1
    call.clock.asked.remove(call)
    guarded(functools.partial(call.func, *call.args, **call.kw))


class _DelayedCall(base.DelayedCall):
    """Twisted's, whose time is that of a call of C."""

    def __init__(self, clock, delay, func, args, kw):
        super().__init__(clock.seconds() + delay, func, args, kw,
                         self.take_back, lambda _: None, clock.seconds)
        self.clock = clock
        self.pointer = clock.pointer.ops.call_later(
            clock.pointer, nanoseconds(delay), run_call, hold(self), release,
            ffi.NULL)
        clock.asked.append(self)

    def take_back(self, _):
        self.clock.asked.remove(self)
        clock = self.clock.pointer
        clock.ops.cancel(clock, self.pointer)

    def _move(self):
        clock = self.clock.pointer
        clock.ops.reset(clock, self.pointer, nanoseconds(
            self.getTime() - self.clock.seconds()))

    def reset(self, secondsFromNow):
        super().reset(secondsFromNow)
        self._move()

    def delay(self, secondsLater):
        super().delay(secondsLater)
        self._move()


class _Own:
    """A call that one of thrum's objects asked for."""

    def __init__(self, due):
        self.due = due

    def getTime(self):
        return self.due / 1e9


@implementer(IReactorTime)
class Clock:
    def __init__(self):
        self.test_clock = ffi.gc(lib.thrum_test_clock_new(context),
                                 lib.thrum_test_clock_free)
        self.pointer = lib.thrum_test_clock_clock(self.test_clock)
        self.asked = []  # the objects of what a program asked for

    def seconds(self):
        return self.pointer.ops.now(self.pointer) / 1e9

    def callLater(self, delay, callable, *args, **kw):
        return _DelayedCall(self, delay, callable, args, kw)

    def getDelayedCalls(self):
        asked = sorted(self.asked, key=base.DelayedCall.getTime)
        calls = []
        for index in range(lib.thrum_test_clock_pending(self.test_clock)):
            due = lib.thrum_test_clock_due(self.test_clock, index)
            own = asked and nanoseconds(asked[0].getTime()) == due
            calls.append(asked.pop(0) if own else _Own(due))
        return calls

    calls = property(getDelayedCalls)

    def advance(self, amount):
        lib.thrum_test_clock_advance(self.test_clock, nanoseconds(amount))
        reraise()

    def pump(self, timings):
        spans = [nanoseconds(each) for each in timings]
        lib.thrum_test_clock_pump(self.test_clock, spans, len(spans))
        reraise()
