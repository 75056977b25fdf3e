/* SPDX-License-Identifier: MIT */
/*
 * Calls that other threads ask for.
 */
#ifndef THRUM_REACTOR_INBOX_H
#define THRUM_REACTOR_INBOX_H

#include <ev.h>
#include <pthread.h>

#include <thrum/clock.h>

struct inbox_call;

typedef struct thrum__inbox {
    thrum_context *context;
    struct ev_loop *loop;
    thrum_clock *clock;
    ev_async wake;
    struct inbox_call *taken; /* being made, in the reactor's thread */
    pthread_mutex_t lock;     /* over what follows */
    struct inbox_call *first;
    struct inbox_call **end;
} thrum__inbox;

/* Context, loop and clock are borrowed. Errors: THRUM_E_INVALID when the system
 * has no descriptor left for it. */
int thrum__inbox_init(thrum__inbox *inbox, thrum_context *context,
                      struct ev_loop *loop, thrum_clock *clock);

/* Releases the contexts of the calls that were not made. */
void thrum__inbox_fini(thrum__inbox *inbox);

#endif
