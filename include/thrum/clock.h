/* SPDX-License-Identifier: MIT */
/*
 * A clock: the only place where time comes from. The reactor is one; in a test
 * it is a thrum_test_clock. Nothing fires early.
 */
#ifndef THRUM_CLOCK_H
#define THRUM_CLOCK_H

#include <thrum/context.h>

THRUM_BEGIN

typedef struct thrum_clock thrum_clock;

/* A call that is to be made later. Valid until it was made or cancelled; while
 * it is being made, cancel and reset do nothing to it. */
typedef struct thrum_call thrum_call;

/* What is called. It borrows ctx. */
typedef void thrum_call_fn(void *ctx);

/* How a clock works; who writes one puts a thrum_clock first in a struct. */
typedef struct thrum_clock_ops {
    thrum_ns (*now)(thrum_clock *clock);
    thrum_ns (*read)(thrum_clock *clock);
    thrum_ns (*wall)(thrum_clock *clock);
    thrum_call *(*call_later)(thrum_clock *clock, thrum_ns after,
                              thrum_call_fn *fn, void *ctx, thrum_free_fn *free,
                              const char *place);
    void (*cancel)(thrum_clock *clock, thrum_call *call);
    void (*reset)(thrum_clock *clock, thrum_call *call, thrum_ns after);
} thrum_clock_ops;

struct thrum_clock {
    const thrum_clock_ops *ops;
};

/* Monotonic time, the same all through one turn of the loop. */
static inline thrum_ns thrum_clock_now(thrum_clock *clock)
{
    return clock->ops->now(clock);
}

/* Monotonic time, read afresh. */
static inline thrum_ns thrum_clock_read(thrum_clock *clock)
{
    return clock->ops->read(clock);
}

/* Time of day: since 1970-01-01 00:00 UTC. */
static inline thrum_ns thrum_clock_wall(thrum_clock *clock)
{
    return clock->ops->wall(clock);
}

/* Calls fn(ctx) once, `after` nanoseconds from now (0 or less: in the next
 * turn), never before this returns. Calls that are due together are made in the
 * order of their times, equal ones in the order in which they were asked for.
 * Ownership: the call is borrowed; ctx is taken, also on error, and released
 * after the call was made or cancelled, or when the clock ends.
 * Errors: NULL, no memory. */
#define thrum_clock_call_later(clock, after, fn, ctx, free)                    \
    thrum_clock_call_later_at((clock), (after), (fn), (ctx), (free),           \
                              #fn THRUM_HERE)

/* thrum_clock_call_later with the function's name and the caller's place,
 * "on_timer (service.c:42)", for who looks at what waits and what was slow;
 * `place` must be static. */
static inline thrum_call *
thrum_clock_call_later_at(thrum_clock *clock, thrum_ns after, thrum_call_fn *fn,
                          void *ctx, thrum_free_fn *free, const char *place)
{
    return clock->ops->call_later(clock, after, fn, ctx, free, place);
}

/* The call is not made; its context is released. NULL is nothing. */
static inline void thrum_clock_cancel(thrum_clock *clock, thrum_call *call)
{
    if (call != NULL)
        clock->ops->cancel(clock, call);
}

/* The call is made `after` nanoseconds from now instead. */
static inline void thrum_clock_reset(thrum_clock *clock, thrum_call *call,
                                     thrum_ns after)
{
    clock->ops->reset(clock, call, after);
}

THRUM_END

#endif
