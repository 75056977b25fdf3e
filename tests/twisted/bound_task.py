# SPDX-License-Identifier: MIT
"""twisted.internet.task on libthrum; react is Twisted's own."""
import warnings

from twisted.internet import task as twisted_task

import clocks
from bound_defer import (adopt, answer, bound_call, called,
                         run_function)
from clocks import Clock
from library import (NULL, check, context, ffi, guarded, held, hold, lib,
                     nanoseconds, release)

__all__ = ["Clock"]


def carried_on(result):
    """What a step or a call of a loop returned; its value is nobody's."""
    out = ffi.new("thrum_outcome *", {"kind": lib.THRUM_OUTCOME_KEEP})
    answer(out, result)
    if out.kind == lib.THRUM_OUTCOME_VALUE and not out.ptr:
        out.kind = lib.THRUM_OUTCOME_KEEP
    return out[0]


# ---- Calls ----


@ffi.callback("thrum_looping_call_fn")
def run_loop(turns, ctx):
    """A call of a LoopingCall."""
    self = held(ctx)
    first = (turns,) if self.counts else ()
    return carried_on(called(self.f, *first, *self.a, **self.kw))


class LoopingCall:
    running = False
    counts = False
    _deferred = None
    _interval = None

    def __init__(self, f, *a, **kw):
        from twisted.internet import reactor
        self.f, self.a, self.kw = f, a, kw
        self.clock = reactor

    @classmethod
    def withCount(cls, countCallable):
        self = cls(countCallable)
        self.counts = True
        return self

    @property
    def deferred(self):
        warnings.warn(twisted_task._getDeprecationWarningString(
            "twisted.internet.task.LoopingCall.deferred",
            twisted_task.Version("Twisted", 16, 0, 0),
            replacement="the deferred returned by start()"),
            category=DeprecationWarning, stacklevel=2)
        return self._deferred

    def start(self, interval, now=True):
        assert not self.running, "it runs"
        if interval < 0:
            raise ValueError("interval must be >= 0")
        self.interval = interval
        self.running = True
        self.bound = clocks.Bound(self.clock)
        self.pointer = ffi.gc(lib.thrum_looping_call_start(
            context, self.bound.pointer,
            ffi.new("thrum_looping_call_config *", {
                "interval": nanoseconds(interval), "now": now}),
            run_loop, hold(self), release), lib.thrum_looping_call_free)
        self._deferred = deferred = adopt(
            lib.thrum_looping_call_when_done(self.pointer), lambda _: self)
        deferred.addBoth(self._ended)
        if now:
            # Twisted's is made before it returns, ours in the clock's next
            # turn: this is one.
            self.bound.last.make_now()
        return deferred

    def _ended(self, result):
        self.running = False
        self._deferred = None
        return result

    def stop(self):
        assert self.running, "it does not run"
        self.running = False
        lib.thrum_looping_call_stop(self.pointer)

    @property
    def interval(self):
        return self._interval

    @interval.setter
    def interval(self, interval):
        self._interval = interval
        if self.running:
            lib.thrum_looping_call_set_interval(self.pointer,
                                                nanoseconds(interval))

    def reset(self):
        assert self.running, "it does not run"
        self.interval = self._interval

    __repr__ = twisted_task.LoopingCall.__repr__


def deferLater(clock, delay, callable=None, *args, **kw):
    if callable is None:
        return adopt(lib.thrum_deferred_later(
            context, clocks.of(clock), nanoseconds(delay), NULL, NULL, NULL))
    return adopt(lib.thrum_deferred_later(
        context, clocks.of(clock), nanoseconds(delay), run_function,
        hold(bound_call(callable, args, kw)), release))


# ---- The cooperator ----


@ffi.callback("thrum_step_fn")
def run_step(it):
    """One step of an iterator."""
    iterator = held(it)
    end = object()
    result = called(next, iterator, end)
    if result is end:
        return ffi.new("thrum_outcome *", {"kind": lib.THRUM_OUTCOME_DONE})[0]
    return carried_on(result)


@ffi.callback("thrum_schedule_fn")
def run_schedule(_cooperator, ctx):
    """thrum wants a tick."""
    guarded(held(ctx).schedule)


@ffi.callback("thrum_tick_over_fn")
def run_over(ctx):
    """thrum asks whether a tick is over."""
    return bool(guarded(held(ctx).over))


class Cooperator:
    """Ours runs when it is ticked: one that was not started is not."""

    def __init__(self,
                 terminationPredicateFactory=twisted_task._Timer,
                 scheduler=twisted_task._defaultScheduler, started=True):
        self._factory = terminationPredicateFactory
        self._scheduler = scheduler
        self._delayedCall = None
        self._started = started
        self._wanted = False
        self._handle = ffi.new_handle(self)
        self.pointer = lib.thrum_cooperator_new(
            context, ffi.new("thrum_cooperator_config *", {
                "schedule": run_schedule, "over": run_over,
                "ctx": self._handle}))

    def schedule(self):
        """A tick is wanted."""
        self._wanted = not self._started
        if self._started:
            self._delayedCall = self._scheduler(self._tick)

    def _tick(self):
        self._delayedCall = None
        self.over = self._factory()
        if self.pointer:
            lib.thrum_cooperator_tick(self.pointer)

    def start(self):
        self._started = True
        if self._wanted:
            self.schedule()

    def stop(self):
        pointer, self.pointer = self.pointer, NULL
        lib.thrum_cooperator_free(pointer)

    @property
    def running(self):
        return self._started and bool(self.pointer)

    def cooperate(self, iterator):
        if not self.pointer:
            raise twisted_task.SchedulerStopped()
        return CooperativeTask(iterator, self)

    def coiterate(self, iterator, doneDeferred=None):
        if not self.pointer:
            raise twisted_task.SchedulerStopped()
        if doneDeferred is not None:
            self.cooperate(iterator).whenDone().chainDeferred(doneDeferred)
            return doneDeferred
        return adopt(lib.thrum_coiterate(self.pointer, run_step,
                                         hold(iterator), release),
                     lambda _: iterator)


class CooperativeTask:
    def __init__(self, iterator, cooperator):
        self._iterator = iterator
        self.pointer = ffi.gc(
            lib.thrum_cooperate(cooperator.pointer, run_step, hold(iterator),
                                release), lib.thrum_task_free)

    def whenDone(self):
        return adopt(lib.thrum_task_when_done(self.pointer),
                     lambda _: self._iterator)

    def pause(self):
        check(lib.thrum_task_pause(self.pointer))

    def resume(self):
        check(lib.thrum_task_resume(self.pointer))

    def stop(self):
        check(lib.thrum_task_stop(self.pointer))


_theCooperator = Cooperator()


def coiterate(iterator):
    return _theCooperator.coiterate(iterator)


def cooperate(iterator):
    return _theCooperator.cooperate(iterator)


NAMES = ["Clock", "CooperativeTask", "Cooperator", "LoopingCall",
         "_theCooperator", "coiterate", "cooperate", "deferLater"]
