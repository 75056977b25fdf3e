/* SPDX-License-Identifier: MIT */
/*
 * Calls wait in a heap of our own (deferred/calls.h), and one ev_timer wakes
 * the loop for the earliest. libev's own heap of timers would not do: an
 * ev_timer counts from the loop's idea of now, which is stale at the end of a
 * long callback, so it fires early; and timers that are due together come in
 * no order.
 *
 * The timer only wakes. What is due is decided by our own reading of the
 * monotonic clock, in nanoseconds, so a wake-up that comes too soon does no
 * harm; for the same reason the timer is left alone when the earliest call
 * moves away from it, which is what a deadline that is reset does.
 */
#include <stdbool.h>
#include <time.h>

#include "base/base.h"
#include "reactor/loop_clock.h"

static thrum_ns clock_time(clockid_t which)
{
    struct timespec time;

    clock_gettime(which, &time);
    return (thrum_ns)time.tv_sec * THRUM_S + time.tv_nsec;
}

/* When a call is due that is asked for at this moment. */
static thrum_ns clock_after(thrum_ns after)
{
    thrum_ns now = clock_time(CLOCK_MONOTONIC);

    if (after <= 0)
        return now;
    return after > INT64_MAX - now ? INT64_MAX : now + after;
}

static thrum_ns clock_now(thrum_clock *clock)
{
    return ((thrum__loop_clock *)clock)->now;
}

static thrum_ns clock_read(thrum_clock *clock)
{
    (void)clock;
    return clock_time(CLOCK_MONOTONIC);
}

static thrum_ns clock_wall(thrum_clock *clock)
{
    (void)clock;
    return clock_time(CLOCK_REALTIME);
}

/* Calls that wait keep the loop alive. */
static void clock_hold_loop(thrum__loop_clock *self)
{
    bool wanted = self->calls.count > 0;

    if (wanted == self->holds_loop)
        return;
    self->holds_loop = wanted;
    if (wanted)
        ev_ref(self->loop);
    else
        ev_unref(self->loop);
}

static thrum_call *clock_call_later(thrum_clock *clock, thrum_ns after,
                                    thrum_call_fn *fn, void *ctx,
                                    thrum_free_fn *free, const char *place)
{
    thrum__loop_clock *self = (thrum__loop_clock *)clock;
    thrum_call *call = thrum__calls_add(&self->calls, clock_after(after), fn,
                                        ctx, free, place);

    clock_hold_loop(self);
    return call;
}

static void clock_cancel(thrum_clock *clock, thrum_call *call)
{
    thrum__loop_clock *self = (thrum__loop_clock *)clock;

    thrum__calls_cancel(&self->calls, call);
    clock_hold_loop(self);
}

static void clock_reset(thrum_clock *clock, thrum_call *call, thrum_ns after)
{
    thrum__loop_clock *self = (thrum__loop_clock *)clock;

    thrum__calls_reset(&self->calls, call, clock_after(after));
}

static void clock_woken(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)timer;
    (void)events;
}

void thrum__loop_clock_init(thrum__loop_clock *self, thrum_context *context,
                            struct ev_loop *loop, thrum__slow *slow)
{
    static const thrum_clock_ops ops = {clock_now,    clock_read,
                                        clock_wall,   clock_call_later,
                                        clock_cancel, clock_reset};

    *self = (thrum__loop_clock){.clock = {&ops},
                                .loop = loop,
                                .slow = slow,
                                .now = clock_time(CLOCK_MONOTONIC)};
    thrum__calls_init(&self->calls, context);
    ev_timer_init(&self->timer, clock_woken, 0., 0.);
}

void thrum__loop_clock_fini(thrum__loop_clock *self)
{
    thrum__calls_clear(&self->calls);
    clock_hold_loop(self);
    ev_timer_stop(self->loop, &self->timer);
    thrum__calls_fini(&self->calls);
}

void thrum__loop_clock_read(thrum__loop_clock *self)
{
    self->now = clock_time(CLOCK_MONOTONIC);
}

static void clock_make_first(thrum__loop_clock *self, const char *place)
{
    thrum__timed timed = thrum__slow_begin(self->slow, place);

    thrum__calls_make_first(&self->calls);
    thrum__slow_end(self->slow, timed, NULL);
}

/* Calls that are asked for from here on belong to the next turn. */
void thrum__loop_clock_turn(thrum__loop_clock *self)
{
    uint64_t before = self->calls.order;
    const thrum__due *first;

    while ((first = thrum__calls_first(&self->calls)) != NULL &&
           first->at <= self->now && first->call->order < before)
        clock_make_first(self, first->call->place);
    clock_hold_loop(self);
}

/* Nothing is added for safety: libev rounds what is left up to what epoll can
 * wait, whole milliseconds, and a hair above one of them would make it two. */
void thrum__loop_clock_arm(thrum__loop_clock *self)
{
    const thrum__due *first = thrum__calls_first(&self->calls);
    thrum_ns left;

    if (first == NULL) {
        if (ev_is_active(&self->timer))
            ev_timer_stop(self->loop, &self->timer);
        return;
    }
    if (ev_is_active(&self->timer) && self->armed <= first->at)
        return;
    self->armed = first->at;
    left = self->armed - clock_time(CLOCK_MONOTONIC);
    left = left > 0 ? left : 0;
    ev_timer_stop(self->loop, &self->timer);
    ev_now_update(self->loop);
    ev_timer_set(&self->timer, (ev_tstamp)left / (ev_tstamp)THRUM_S, 0.);
    ev_timer_start(self->loop, &self->timer);
}
