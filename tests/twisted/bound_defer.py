# SPDX-License-Identifier: MIT
"""twisted.internet.defer on libthrum: the types are translated here, and what
happens happens there. What generators and coroutines need is Twisted's own."""
import functools
import weakref
from typing import Awaitable, TypeVar

from twisted.internet import defer as twisted_defer
from twisted.python.failure import Failure, _extraneous

import clocks
from library import (NULL, abandoned, c_failure, check, context, domain, ffi,
                     guarded, held, hold, lib, nanoseconds, python_failure,
                     raised, release, reraise, value)

_TwistedDeferred = twisted_defer.Deferred
_T = TypeVar("_T")
_operation = ffi.new("char[]", b"deferred")

# ---- Answers ----


def answer(out, result):
    """What a function returned, as an outcome."""
    if isinstance(result, Deferred):
        out.kind = lib.THRUM_OUTCOME_WAIT
        out.ptr = lib.thrum_deferred_ref(result.pointer)
    elif isinstance(result, Failure):
        out.kind = lib.THRUM_OUTCOME_FAILURE
        out.ptr = c_failure(result)
    else:
        out.kind = lib.THRUM_OUTCOME_VALUE
        out.ptr, out.free = value(result)


def called(function, *arguments, **keywords):
    """What a function returned, or the Failure that it raised."""
    try:
        return function(*arguments, **keywords)
    except BaseException:
        return Failure(captureVars=Deferred.debug)


def given(outcome):
    """What a callback gets."""
    if outcome.kind == lib.THRUM_OUTCOME_FAILURE:
        return python_failure(ffi.cast("thrum_failure *", outcome.ptr))
    return held(outcome.ptr)


def _run_pair(before, out, ctx):
    result = given(before)
    function, arguments, keywords = held(ctx)[isinstance(result, Failure)]
    after = called(function, result, *arguments, **keywords)
    if after is not result:
        answer(out, after)


@ffi.callback("thrum_foreign_fn")
def run_pair(before, out, ctx):
    """Every callback and errback of a program."""
    if (before.kind != lib.THRUM_OUTCOME_FAILURE
            or not abandoned(ffi.cast("thrum_failure *", before.ptr))):
        guarded(_run_pair, before, out, ctx)


@ffi.callback("thrum_foreign_fn")
def run_conversion(before, out, ctx):
    """The first callback of a Deferred that C made: its value as an object."""
    if before.kind == lib.THRUM_OUTCOME_VALUE:
        answer(out, guarded(held(ctx), before.ptr))


@ffi.callback("thrum_canceller_fn")
def run_canceller(deferred, ctx):
    """The canceller of a program."""
    guarded(held(ctx), wrapper(deferred))
    return lib.THRUM_CANCELLED_STOPPED


@ffi.callback("thrum_errback_fn")
def run_on_timeout(why, ctx):
    """onTimeoutCancel."""
    function, timeout = held(ctx)
    result = python_failure(why)
    out = ffi.new("thrum_outcome *", {"kind": lib.THRUM_OUTCOME_KEEP})
    after = called(function, result, timeout)
    if after is not result:
        answer(out, after)
    return out[0]


@ffi.callback("thrum_outcome(void *)")
def run_function(ctx):
    """A function whose answer is a result."""
    out = ffi.new("thrum_outcome *")
    answer(out, held(ctx)())
    return out[0]


@ffi.callback("thrum_settled_fn")
def run_settled(_deferred, why, _ctx):
    """A chain came to rest with a failure: its frames are let go."""
    detail = lib.thrum_failure_detail(why, domain)
    if detail:
        guarded(held(detail).cleanFailure)


lib.thrum_deferred_on_settled_failure(context, run_settled, NULL)

# ---- The Deferred ----


def wrapper(pointer):
    """The object of a Deferred of C, which is borrowed."""
    user = held(lib.thrum_deferred_user(pointer))
    found = user() if user is not None else None
    return found or adopt(lib.thrum_deferred_ref(
        ffi.cast("thrum_deferred *", pointer)))


def adopt(pointer, convert=None, kind=None):
    """The object of a Deferred that C made, whose reference is taken."""
    user = held(lib.thrum_deferred_user(pointer))
    found = user() if user is not None else None
    if found is not None:
        lib.thrum_deferred_unref(pointer)
        return found
    self = Deferred.__new__(kind or Deferred)
    self.take(pointer, convert)
    return self


class Deferred(Awaitable[_T]):
    """An object holds the consumer's reference, and the producer's
    if a program is that."""
    debug = False
    produces = False

    def __init__(self, canceller=None):
        self.take(lib.thrum_deferred_new_at(context, _operation, NULL, 0))
        self.produces = True
        if canceller is not None:
            lib.thrum_deferred_on_cancel(self.pointer, run_canceller,
                                         hold(canceller), release)

    def take(self, pointer, convert=None):
        """Wraps a Deferred of C, whose reference is taken."""
        self.pointer = pointer
        self.tokens_of_pauses = []
        lib.thrum_deferred_set_user(pointer, hold(weakref.ref(self)), release)
        if convert is not None:
            lib.thrum_deferred_add_foreign(pointer, run_conversion,
                                           hold(convert), release)

    def __del__(self):
        if self.produces:
            lib.thrum_deferred_abandon(self.pointer)
        lib.thrum_deferred_unref(self.pointer)

    # The consumer

    def addCallbacks(self, callback, errback=None, callbackArgs=(),
                     callbackKeywords=None, errbackArgs=(),
                     errbackKeywords=None):
        errback = errback or twisted_defer._failthru
        assert callable(callback)
        assert callable(errback)
        pair = ((callback, callbackArgs or (), callbackKeywords or {}),
                (errback, errbackArgs or (), errbackKeywords or {}))
        check(lib.thrum_deferred_add_foreign(self.pointer, run_pair,
                                             hold(pair), release))
        return self

    addCallback = _TwistedDeferred.addCallback
    addErrback = _TwistedDeferred.addErrback
    addBoth = _TwistedDeferred.addBoth

    def addTimeout(self, timeout, clock, onTimeoutCancel=None):
        convert, ctx, free = NULL, NULL, NULL
        if onTimeoutCancel is not None:
            convert, free = run_on_timeout, release
            ctx = hold((onTimeoutCancel, timeout))
        check(lib.thrum_deferred_timeout_as(
            self.pointer, clocks.of(clock), nanoseconds(timeout), convert, ctx,
            free))
        return self

    def chainDeferred(self, d):
        d.produces = False
        check(lib.thrum_deferred_chain(self.pointer, d.pointer))
        return self

    def pause(self):
        self.tokens_of_pauses.append(lib.thrum_deferred_pause(self.pointer))

    def unpause(self):
        lib.thrum_pause_end(self.tokens_of_pauses.pop())

    def cancel(self):
        lib.thrum_deferred_cancel(self.pointer)
        reraise()

    # The producer

    def callback(self, result):
        assert not isinstance(result, Deferred)
        if isinstance(result, Failure):
            self.errback(result)
            return
        self.produces = False
        check(lib.thrum_deferred_fire(self.pointer, *value(result)))

    def errback(self, fail=None):
        if fail is None:
            fail = Failure(captureVars=self.debug)
        elif not isinstance(fail, Failure):
            fail = Failure(fail)
        self.produces = False
        check(lib.thrum_deferred_fail(self.pointer, c_failure(fail)))

    # What can be seen

    @property
    def seen(self):
        return lib.thrum_deferred_inspect(self.pointer)

    @property
    def called(self):
        return bool(self.seen.fired)

    @property
    def paused(self):
        seen = self.seen
        return seen.pauses + (seen.state == lib.THRUM_DEFERRED_WAITING)

    @property
    def callbacks(self):
        return [None] * self.seen.pairs

    @property
    def _chainedTo(self):
        waits_on = self.seen.waits_on
        return wrapper(waits_on) if waits_on else None

    @property
    def result(self):
        seen = self.seen
        if seen.state == lib.THRUM_DEFERRED_WAITING:
            return wrapper(seen.waits_on)
        if seen.state == lib.THRUM_DEFERRED_FAILURE:
            return python_failure(seen.failure)
        if seen.state == lib.THRUM_DEFERRED_VALUE:
            return held(seen.value)
        raise AttributeError("result")

    __str__ = _TwistedDeferred.__str__
    __repr__ = __str__

    # Generators and coroutines

    def __iter__(self):
        return self

    @_extraneous
    def send(self, value=None):
        if self.paused or not hasattr(self, "result"):
            return self
        result = self.result
        if not isinstance(result, Failure):
            raise StopIteration(result)
        lib.thrum_deferred_mark_handled(self.pointer)
        result.value.__failure__ = result
        raise result.value

    __next__ = send
    __await__ = __iter__

    asFuture = _TwistedDeferred.asFuture
    fromFuture = classmethod(_TwistedDeferred.fromFuture.__func__)
    fromCoroutine = classmethod(_TwistedDeferred.fromCoroutine.__func__)


@ffi.callback("thrum_errback_fn")
def run_first(why, ctx):
    """An errback before all others."""
    out = ffi.new("thrum_outcome *")
    answer(out, called(held(ctx), python_failure(why)))
    return out[0]


def _cancellableInlineCallbacks(gen):
    """Twisted's, but that it puts its errback first by a call, not by a new
    list of callbacks."""
    def cancel(it):
        lib.thrum_deferred_add_first(it.pointer, NULL, run_first,
                                     hold(handleCancel), release)
        it.errback(twisted_defer._InternalInlineCallbacksCancelledError())

    deferred = Deferred(cancel)
    status = twisted_defer._CancellationStatus(deferred)

    def handleCancel(result):
        result.trap(twisted_defer._InternalInlineCallbacksCancelledError)
        status.deferred = Deferred(cancel)
        status.waitingOn.cancel()
        return status.deferred

    twisted_defer._inlineCallbacks(None, gen, status)
    return deferred


def succeed(result):
    return adopt(lib.thrum_deferred_succeed(context, *value(result)))


def fail(result=None):
    if not isinstance(result, Failure):
        result = Failure(result)
    return adopt(lib.thrum_deferred_failed(context, c_failure(result)))


def bound_call(f, args, kwargs):
    """What run_function calls."""
    return functools.partial(called, f, *args, **kwargs)


def maybeDeferred(f, *args, **kwargs):
    kept = []  # a Deferred whose object goes has lost its producer

    def call():
        kept.append(called(f, *args, **kwargs))
        return kept[0]
    return adopt(lib.thrum_deferred_maybe(context, run_function,
                                          ffi.new_handle(call)))


execute = maybeDeferred

# ---- Several as one ----


def _member(results, index):
    if lib.thrum_results_state(results, index) == lib.THRUM_DEFERRED_FAILURE:
        return False, python_failure(lib.thrum_results_failure(results, index))
    return True, held(lib.thrum_results_value(results, index))


def _all_results(pointer):
    results = ffi.cast("thrum_results *", pointer)
    return [_member(results, each)
            for each in range(lib.thrum_results_count(results))]


def _first_result(pointer):
    results = ffi.cast("thrum_results *", pointer)
    first = lib.thrum_results_first(results)
    if first < lib.thrum_results_count(results):
        return _member(results, first)[1], first
    return _all_results(pointer)


def _values(pointer):
    return [each for _, each in _all_results(pointer)]


def _taken(members):
    return [lib.thrum_deferred_ref(each.pointer) for each in members]


class DeferredList(Deferred):
    def __init__(self, deferredList, fireOnOneCallback=False,
                 fireOnOneErrback=False, consumeErrors=False):
        self._deferredList = members = list(deferredList)
        flags = (
            (fireOnOneCallback and lib.THRUM_LIST_FIRE_ON_ONE_CALLBACK)
            | (fireOnOneErrback and lib.THRUM_LIST_FIRE_ON_ONE_ERRBACK)
            | (consumeErrors and lib.THRUM_LIST_CONSUME_ERRORS))
        self.take(lib.thrum_deferred_list(context, _taken(members),
                                          len(members), flags),
                  _first_result if fireOnOneCallback else _all_results)

    def cancel(self):
        lib.thrum_deferred_cancel(self.pointer)
        for each in raised:
            twisted_defer.log.failure(
                "Exception raised from user supplied canceller", each)
        raised.clear()


def gatherResults(deferredList, consumeErrors=False):
    members = list(deferredList)
    if consumeErrors:
        pointer = lib.thrum_all(context, _taken(members), len(members), NULL)
    else:
        pointer = lib.thrum_deferred_list(
            context, _taken(members), len(members),
            lib.THRUM_LIST_FIRE_ON_ONE_ERRBACK)
    self = adopt(pointer, _values)
    self.members = members
    return self


# ---- Limits ----


class DeferredSemaphore:
    def __init__(self, tokens):
        if tokens < 1:
            raise ValueError("DeferredSemaphore requires tokens >= 1")
        self.limit = tokens
        self.pointer = ffi.gc(lib.thrum_semaphore_new(context, tokens),
                              lib.thrum_semaphore_free)

    @property
    def tokens(self):
        return lib.thrum_semaphore_tokens(self.pointer)

    @property
    def waiting(self):
        return [None] * lib.thrum_semaphore_waiting(self.pointer)

    def acquire(self):
        return adopt(lib.thrum_semaphore_acquire(self.pointer),
                     lambda _: self)

    def release(self):
        code = lib.thrum_semaphore_release(self.pointer)
        assert code == 0, "nobody has a token of it"

    def run(self, f, /, *args, **kwargs):
        return adopt(lib.thrum_semaphore_run(
            self.pointer, run_function, hold(bound_call(f, args, kwargs)),
            release))

    __aenter__ = acquire

    def __aexit__(self, exc_type, exc_val, exc_tb):
        self.release()
        return succeed(False)


class DeferredLock(DeferredSemaphore):
    def __init__(self):
        DeferredSemaphore.__init__(self, 1)

    @property
    def locked(self):
        return self.tokens == 0


class DeferredQueue:
    def __init__(self, size=None, backlog=None):
        self.size = size
        self.backlog = backlog
        self.pointer = ffi.gc(
            lib.thrum_queue_new(context, ffi.new(
                "thrum_queue_config *", [_queue_bound(size),
                                         _queue_bound(backlog)])),
            lib.thrum_queue_free)

    def put(self, obj):
        check(lib.thrum_queue_put(self.pointer, *value(obj)))

    def get(self):
        self_or_failure = lib.thrum_queue_get(self.pointer)
        seen = lib.thrum_deferred_inspect(self_or_failure)
        if seen.state == lib.THRUM_DEFERRED_FAILURE:
            lib.thrum_deferred_mark_handled(self_or_failure)
            code = lib.thrum_failure_code(seen.failure)
            lib.thrum_deferred_unref(self_or_failure)
            check(code)
        return adopt(self_or_failure)


def _queue_bound(number):
    """Twisted's None is our 0, and its 0 is THRUM_QUEUE_NONE."""
    if number is None:
        return 0
    return number or (1 << 8 * ffi.sizeof("size_t")) - 1


NAMES = ("Deferred", "DeferredList", "DeferredLock", "DeferredQueue",
         "DeferredSemaphore", "_cancellableInlineCallbacks", "execute", "fail",
         "gatherResults", "maybeDeferred", "succeed")
