/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include <thrum/test_clock.h>

#include "base/base.h"
#include "deferred/calls.h"

struct thrum_test_clock {
    thrum_clock clock; /* first: the two are one address */
    thrum__calls calls;
    thrum_ns now;
    thrum_ns pace;
    thrum_ns wall_ahead; /* of the monotonic time */
    unsigned advancing;  /* how deep */
    bool freed;          /* from within a call */
};

static thrum_test_clock *test_clock_of(thrum_clock *clock)
{
    return (thrum_test_clock *)clock;
}

static thrum_ns test_clock_now(thrum_clock *clock)
{
    return test_clock_of(clock)->now;
}

static thrum_ns test_clock_read(thrum_clock *clock)
{
    thrum_test_clock *self = test_clock_of(clock);
    thrum_ns now = self->now;

    self->now += self->pace;
    return now;
}

static thrum_ns test_clock_wall(thrum_clock *clock)
{
    thrum_test_clock *self = test_clock_of(clock);

    return self->now + self->wall_ahead;
}

static thrum_ns test_clock_after(const thrum_test_clock *self, thrum_ns after)
{
    if (after <= 0)
        return self->now;
    return after > INT64_MAX - self->now ? INT64_MAX : self->now + after;
}

static thrum_call *test_clock_call_later(thrum_clock *clock, thrum_ns after,
                                         thrum_call_fn *fn, void *ctx,
                                         thrum_free_fn *free, const char *place)
{
    thrum_test_clock *self = test_clock_of(clock);

    return thrum__calls_add(&self->calls, test_clock_after(self, after), fn,
                            ctx, free, place);
}

static void test_clock_cancel(thrum_clock *clock, thrum_call *call)
{
    thrum__calls_cancel(&test_clock_of(clock)->calls, call);
}

static void test_clock_reset(thrum_clock *clock, thrum_call *call,
                             thrum_ns after)
{
    thrum_test_clock *self = test_clock_of(clock);

    thrum__calls_reset(&self->calls, call, test_clock_after(self, after));
}

static const thrum_clock_ops test_clock_ops = {
    test_clock_now,        test_clock_read,   test_clock_wall,
    test_clock_call_later, test_clock_cancel, test_clock_reset,
};

thrum_test_clock *thrum_test_clock_new(thrum_context *context)
{
    thrum_test_clock *self = thrum__make(context, sizeof *self);

    if (self == NULL)
        return NULL;
    *self = (thrum_test_clock){.clock = {&test_clock_ops}};
    thrum__calls_init(&self->calls, context);
    return self;
}

static void test_clock_destroy(thrum_test_clock *self)
{
    thrum_context *context = thrum_context_ref(self->calls.context);

    thrum__calls_fini(&self->calls);
    thrum__drop(context, self);
    thrum_context_unref(context);
}

void thrum_test_clock_free(thrum_test_clock *self)
{
    if (self == NULL || self->freed)
        return;
    self->freed = true;
    if (self->advancing == 0)
        test_clock_destroy(self);
    else
        thrum__calls_clear(&self->calls);
}

thrum_clock *thrum_test_clock_clock(thrum_test_clock *self)
{
    return &self->clock;
}

/* Whoever advanced it leaves; the last one frees it, if it is to be freed. */
static void test_clock_advanced(thrum_test_clock *self)
{
    if (--self->advancing == 0 && self->freed)
        test_clock_destroy(self);
}

void thrum_test_clock_advance(thrum_test_clock *self, thrum_ns by)
{
    thrum_ns until = test_clock_after(self, by);
    const thrum__due *first;

    self->advancing++;
    while (!self->freed && (first = thrum__calls_first(&self->calls)) != NULL &&
           first->at <= until) {
        if (self->now < first->at)
            self->now = first->at;
        thrum__calls_make_first(&self->calls);
    }
    if (self->now < until)
        self->now = until;
    test_clock_advanced(self);
}

void thrum_test_clock_pump(thrum_test_clock *self, const thrum_ns *spans,
                           size_t count)
{
    self->advancing++;
    for (size_t i = 0; i < count && !self->freed; i++)
        thrum_test_clock_advance(self, spans[i]);
    test_clock_advanced(self);
}

thrum_ns thrum_test_clock_due(thrum_test_clock *self, size_t index)
{
    return thrum__calls_due(&self->calls, index);
}

void thrum_test_clock_set_pace(thrum_test_clock *self, thrum_ns by)
{
    self->pace = by;
}

void thrum_test_clock_set_wall(thrum_test_clock *self, thrum_ns to)
{
    self->wall_ahead = to - self->now;
}

size_t thrum_test_clock_pending(const thrum_test_clock *self)
{
    return self->calls.count;
}
