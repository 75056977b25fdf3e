/* SPDX-License-Identifier: MIT */
/*
 * The reactor's clock, as the reactor sees it.
 */
#ifndef THRUM_REACTOR_LOOP_CLOCK_H
#define THRUM_REACTOR_LOOP_CLOCK_H

#include <stdbool.h>

#include <ev.h>

#include "deferred/calls.h"
#include "reactor/slow.h"

typedef struct thrum__loop_clock {
    thrum_clock clock; /* first: what others see */
    thrum__calls calls;
    struct ev_loop *loop;
    thrum__slow *slow;
    bool holds_loop; /* so that it does not end while calls wait */
    thrum_ns now;
    thrum_ns armed; /* when the timer wakes the loop */
    ev_timer timer;
} thrum__loop_clock;

/* Allocates nothing. */
void thrum__loop_clock_init(thrum__loop_clock *clock, thrum_context *context,
                            struct ev_loop *loop, thrum__slow *slow);

/* Cancels what is left. */
void thrum__loop_clock_fini(thrum__loop_clock *clock);

/* A turn begins: reads the time. */
void thrum__loop_clock_read(thrum__loop_clock *clock);

/* Then makes the calls that are due. */
void thrum__loop_clock_turn(thrum__loop_clock *clock);

/* A turn ends: sees to it that the loop wakes for the next call. */
void thrum__loop_clock_arm(thrum__loop_clock *clock);

#endif
