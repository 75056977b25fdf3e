/* SPDX-License-Identifier: MIT */
/*
 * How a reactor starts and stops, as the reactor sees it.
 */
#ifndef THRUM_REACTOR_STOP_H
#define THRUM_REACTOR_STOP_H

#include <thrum/reactor.h>

#include "deferred/waiters.h"
#include "reactor/link.h"

enum { THRUM__PHASES = THRUM_TRIGGER_AFTER_SHUTDOWN + 1 };

typedef struct thrum__stop {
    thrum__link triggers[THRUM__PHASES]; /* in the order of asking */
    thrum__link waits;                   /* that were called, and wait */
    thrum__waiters waiters;              /* for the end of the stop */
    thrum__ready ready;
    thrum_signal *signals[2];
    thrum_call *deadline; /* while something is waited for */
    thrum_ns within;
    int phase;  /* of a stop that has begun */
    int result; /* for thrum_reactor_run */
    unsigned times;
    bool active;  /* somebody runs the loop, or is about to: a stop counts */
    bool started; /* the start-up triggers were called */
    bool asked;   /* to stop; it holds the loop */
    bool begun;
    bool cut; /* waits for nothing any more */
} thrum__stop;

void thrum__stop_init(thrum__stop *stop, thrum_ns within);

/* Releases the triggers that were not called, cancels what is waited for, and
 * fails those who wait for a stop. */
void thrum__stop_end(thrum_reactor *reactor);

/* The loop is run from here on, to its end or until a stop. */
void thrum__stop_enter(thrum_reactor *reactor);
int thrum__stop_leave(thrum_reactor *reactor);

/* A turn begins its end: calls the start-up triggers, in the first. */
void thrum__stop_start(thrum_reactor *reactor);

/* Its end: goes on with a stop, as far as that comes. */
void thrum__stop_turn(thrum_reactor *reactor);

#endif
