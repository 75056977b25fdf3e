/* SPDX-License-Identifier: MIT */
/*
 * The reactor's clock, as the reactor sees it.
 */
#ifndef THRUM_REACTOR_LOOP_CLOCK_H
#define THRUM_REACTOR_LOOP_CLOCK_H

#include <ev.h>

#include <thrum/clock.h>

/* A place in the heap: the keys stand beside the pointer, so that comparing
 * touches no call. */
typedef struct thrum__due {
    thrum_ns at;
    uint64_t order; /* in which it was asked for */
    thrum_call *call;
} thrum__due;

typedef struct thrum__loop_clock {
    thrum_clock clock; /* first: what others see */
    thrum_context *context;
    struct ev_loop *loop;
    thrum_ns now;
    thrum_ns armed; /* when the timer wakes the loop */
    ev_timer timer;
    thrum__due *heap;
    size_t count, room;
    uint64_t order;
} thrum__loop_clock;

/* Allocates nothing; the context is borrowed. */
void thrum__loop_clock_init(thrum__loop_clock *clock, thrum_context *context,
                            struct ev_loop *loop);

/* Cancels what is left. */
void thrum__loop_clock_fini(thrum__loop_clock *clock);

/* A turn begins: reads the time, and makes the calls that are due. */
void thrum__loop_clock_turn(thrum__loop_clock *clock);

/* A turn ends: sees to it that the loop wakes for the next call. */
void thrum__loop_clock_arm(thrum__loop_clock *clock);

#endif
