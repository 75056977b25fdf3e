/* SPDX-License-Identifier: MIT */
/*
 * Calls wait in a heap of our own, four children to a node, and one ev_timer
 * wakes the loop for the earliest. libev's own heap of timers would not do: an
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

enum { HEAP_CHILDREN = 4, HEAP_LEAST = 16 };

struct thrum_call {
    thrum_call_fn *fn;
    void *ctx;
    thrum_free_fn *free;
    size_t at; /* its place in the heap; BEING_MADE while it has none */
};

static const size_t BEING_MADE = SIZE_MAX;

static thrum_ns clock_time(clockid_t which)
{
    struct timespec time;

    clock_gettime(which, &time);
    return (thrum_ns)time.tv_sec * THRUM_S + time.tv_nsec;
}

static inline bool clock_before(const thrum__due *a, const thrum__due *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static inline void clock_place(thrum__loop_clock *self, size_t at,
                               thrum__due due)
{
    self->heap[at] = due;
    due.call->at = at;
}

static void clock_sift_up(thrum__loop_clock *self, size_t at, thrum__due due)
{
    while (at > 0) {
        size_t parent = (at - 1) / HEAP_CHILDREN;

        if (!clock_before(&due, &self->heap[parent]))
            break;
        clock_place(self, at, self->heap[parent]);
        at = parent;
    }
    clock_place(self, at, due);
}

static void clock_sift_down(thrum__loop_clock *self, size_t at, thrum__due due)
{
    for (;;) {
        size_t child = at * HEAP_CHILDREN + 1, least = child;
        size_t end = child + HEAP_CHILDREN;

        if (child >= self->count)
            break;
        if (end > self->count)
            end = self->count;
        while (++child < end)
            if (clock_before(&self->heap[child], &self->heap[least]))
                least = child;
        if (!clock_before(&self->heap[least], &due))
            break;
        clock_place(self, at, self->heap[least]);
        at = least;
    }
    clock_place(self, at, due);
}

static void clock_sift(thrum__loop_clock *self, size_t at, thrum__due due)
{
    if (at > 0 && clock_before(&due, &self->heap[(at - 1) / HEAP_CHILDREN]))
        clock_sift_up(self, at, due);
    else
        clock_sift_down(self, at, due);
}

/* Takes the call out of the heap; the last one lets the loop end. */
static void clock_take_out(thrum__loop_clock *self, thrum_call *call)
{
    thrum__due last = self->heap[--self->count];

    if (last.call != call)
        clock_sift(self, call->at, last);
    if (self->count == 0)
        ev_unref(self->loop);
}

static void clock_release(thrum__loop_clock *self, thrum_call *call)
{
    thrum__free(call->ctx, call->free);
    thrum_context_release(self->context, call);
}

static thrum__due clock_due(thrum__loop_clock *self, thrum_call *call,
                            thrum_ns after)
{
    thrum_ns now = clock_time(CLOCK_MONOTONIC);
    thrum__due due = {now, self->order++, call};

    if (after > 0)
        due.at = after > INT64_MAX - now ? INT64_MAX : now + after;
    return due;
}

static int clock_make_room(thrum__loop_clock *self)
{
    size_t room = self->room == 0 ? HEAP_LEAST : 2 * self->room;
    thrum__due *heap;

    if (self->count < self->room)
        return 0;
    heap = thrum_context_resize(self->context, self->heap, room * sizeof *heap);
    if (heap == NULL)
        return THRUM_E_NOMEM;
    self->heap = heap;
    self->room = room;
    return 0;
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

static thrum_call *clock_call_later(thrum_clock *clock, thrum_ns after,
                                    thrum_call_fn *fn, void *ctx,
                                    thrum_free_fn *free)
{
    thrum__loop_clock *self = (thrum__loop_clock *)clock;
    thrum_call *call = thrum_context_allocate(self->context, sizeof *call);

    if (call == NULL || clock_make_room(self) != 0) {
        thrum_context_release(self->context, call);
        thrum__free(ctx, free);
        return NULL;
    }
    call->fn = fn;
    call->ctx = ctx;
    call->free = free;
    if (self->count == 0)
        ev_ref(self->loop);
    clock_sift_up(self, self->count++, clock_due(self, call, after));
    return call;
}

static void clock_cancel(thrum_clock *clock, thrum_call *call)
{
    thrum__loop_clock *self = (thrum__loop_clock *)clock;

    if (call->at == BEING_MADE)
        return;
    clock_take_out(self, call);
    clock_release(self, call);
}

static void clock_reset(thrum_clock *clock, thrum_call *call, thrum_ns after)
{
    thrum__loop_clock *self = (thrum__loop_clock *)clock;

    if (call->at != BEING_MADE)
        clock_sift(self, call->at, clock_due(self, call, after));
}

static void clock_woken(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)timer;
    (void)events;
}

void thrum__loop_clock_init(thrum__loop_clock *self, thrum_context *context,
                            struct ev_loop *loop)
{
    static const thrum_clock_ops ops = {clock_now,    clock_read,
                                        clock_wall,   clock_call_later,
                                        clock_cancel, clock_reset};

    *self = (thrum__loop_clock){.clock = {&ops},
                                .context = context,
                                .loop = loop,
                                .now = clock_time(CLOCK_MONOTONIC)};
    ev_timer_init(&self->timer, clock_woken, 0., 0.);
}

void thrum__loop_clock_fini(thrum__loop_clock *self)
{
    while (self->count > 0)
        clock_cancel(&self->clock, self->heap[0].call);
    ev_timer_stop(self->loop, &self->timer);
    thrum_context_release(self->context, self->heap);
    self->heap = NULL;
    self->room = 0;
}

/* Calls that are asked for from here on belong to the next turn. */
void thrum__loop_clock_turn(thrum__loop_clock *self)
{
    uint64_t before = self->order;

    self->now = clock_time(CLOCK_MONOTONIC);
    while (self->count > 0 && self->heap[0].at <= self->now &&
           self->heap[0].order < before) {
        thrum_call *call = self->heap[0].call;

        clock_take_out(self, call);
        call->at = BEING_MADE;
        call->fn(call->ctx);
        clock_release(self, call);
    }
}

/* Nothing is added for safety: libev rounds what is left up to what epoll can
 * wait, whole milliseconds, and a hair above one of them would make it two. */
void thrum__loop_clock_arm(thrum__loop_clock *self)
{
    thrum_ns left;

    if (self->count == 0) {
        if (ev_is_active(&self->timer))
            ev_timer_stop(self->loop, &self->timer);
        return;
    }
    if (ev_is_active(&self->timer) && self->armed <= self->heap[0].at)
        return;
    self->armed = self->heap[0].at;
    left = self->armed - clock_time(CLOCK_MONOTONIC);
    left = left > 0 ? left : 0;
    ev_timer_stop(self->loop, &self->timer);
    ev_now_update(self->loop);
    ev_timer_set(&self->timer, (ev_tstamp)left / (ev_tstamp)THRUM_S, 0.);
    ev_timer_start(self->loop, &self->timer);
}
