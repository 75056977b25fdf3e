/* SPDX-License-Identifier: MIT */
/*
 * A call that is made again and again (twisted.internet.task.LoopingCall), and
 * one that is made once, later (deferLater).
 */
#ifndef THRUM_LOOPING_CALL_H
#define THRUM_LOOPING_CALL_H

#include <thrum/clock.h>
#include <thrum/deferred.h>

THRUM_BEGIN

typedef struct thrum_looping_call thrum_looping_call;

/* What is called. `turns` is how many intervals have passed since the last
 * call, or since the start: more than 1 when some were skipped. It answers as a
 * step does: thrum_keep() for "again", thrum_done() for "that was the last",
 * thrum_wait(d) for "again, once this has ended", thrum_fail(why). (thrum_value
 * releases its value and reads as thrum_keep.) */
typedef thrum_outcome thrum_looping_call_fn(uint64_t turns, void *ctx);

typedef struct thrum_looping_call_config {
    thrum_ns interval; /* 0 or less: as often as the clock has turns */
    int now;           /* 1: the first call at once, else after an interval */
    int keep_on; /* 1: a failure goes to the unhandled hook, calls go on */
} thrum_looping_call_config;

/* Starts the calls. They keep to the rhythm of their start: one that was late,
 * or that waited, does not shift the next ones, and turns that were missed are
 * counted, not made up for. thrum_looping_call_when_done tells of the end.
 * The clock outlives the calls; if it goes while one is waiting in it, they end
 * with THRUM_DEFERRED_E_ABANDONED.
 * Ownership: new; ctx taken, also on error, and released after the end was
 * told; the config is copied. Calls back: never before this returns.
 * Errors: NULL, no memory. */
THRUM_API thrum_looping_call *
thrum_looping_call_start(thrum_context *context, thrum_clock *clock,
                         const thrum_looping_call_config *config,
                         thrum_looping_call_fn *fn, void *ctx,
                         thrum_free_fn *free);

/* Fires, without a value, when the calls were stopped or answered
 * thrum_done(), and none is under way; fails when one failed. Several may ask;
 * cancelling ends this waiting, not the calls. A failure that nobody waits for,
 * or asks for later, reaches the unhandled hook.
 * Ownership: new. Calls back: may be fired already. Errors: NULL, no memory. */
THRUM_API thrum_deferred *
thrum_looping_call_when_done(thrum_looping_call *call);

/* No more calls. What one waits for is cancelled, and how that ends is then
 * nobody's business. Legal from within a call, which is the last then.
 * Calls back: before it returns, or when the call under way has ended; from
 * within a callback that is told of another's end, after that. */
THRUM_API void thrum_looping_call_stop(thrum_looping_call *call);

/* Another interval: the rhythm starts anew at this moment, and the next call is
 * one such interval away, or, while a call is under way, at the first beat
 * after that. (The same interval again is twisted's reset.) */
THRUM_API void thrum_looping_call_set_interval(thrum_looping_call *call,
                                               thrum_ns interval);

/* Stops it and lets it go. Takes a void pointer, to serve as a release
 * function. Legal from within a call. NULL is nothing. */
THRUM_API void thrum_looping_call_free(void *call);

/* Calls fn(ctx), `after` nanoseconds from now, and fires with its answer, as
 * thrum_deferred_maybe does (twisted's deferLater). A NULL fn fires without a
 * value. Cancelling it takes the call back, or cancels what the answer waits
 * for. It fails with THRUM_DEFERRED_E_ABANDONED when the clock goes before.
 * Ownership: new; ctx taken, also on error, and released when the answer has
 * ended. Calls back: never before this returns. Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_deferred_later(thrum_context *context,
                                               thrum_clock *clock,
                                               thrum_ns after,
                                               thrum_outcome (*fn)(void *ctx),
                                               void *ctx, thrum_free_fn *free);

THRUM_END

#endif
