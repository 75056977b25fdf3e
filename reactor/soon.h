/* SPDX-License-Identifier: MIT */
/*
 * What is to be called in the next turn, without time, memory or a descriptor:
 * by this a transport tells of bytes that no socket will tell of.
 */
#ifndef THRUM_REACTOR_SOON_H
#define THRUM_REACTOR_SOON_H

#include <thrum/reactor.h>

#include "reactor/link.h"

/* Lives in its object, which stops it before it goes. */
typedef struct thrum__soon {
    thrum__link link; /* first: in reactor->soon while it waits */
    thrum_call_fn *fn;
    void *ctx;
} thrum__soon;

static inline void thrum__soon_init(thrum__soon *soon, thrum_call_fn *fn,
                                    void *ctx)
{
    thrum__link_init(&soon->link);
    soon->fn = fn;
    soon->ctx = ctx;
}

/* Has fn(ctx) called once in the next turn, in the order of asking. Nothing
 * when it waits already. Keeps the loop alive. */
void thrum__soon_start(thrum_reactor *reactor, thrum__soon *soon);

/* It is not called; legal when it does not wait. */
void thrum__soon_stop(thrum_reactor *reactor, thrum__soon *soon);

/* A turn begins: calls all that wait; those that are asked for meanwhile wait
 * for the next one. */
void thrum__soon_turn(thrum_reactor *reactor);

#endif
