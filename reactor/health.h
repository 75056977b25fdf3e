/* SPDX-License-Identifier: MIT */
/*
 * What a reactor counts of its turns, as the reactor sees it.
 */
#ifndef THRUM_REACTOR_HEALTH_H
#define THRUM_REACTOR_HEALTH_H

#include <stdbool.h>

#include <thrum/health.h>

typedef struct thrum__lag {
    uint64_t buckets[THRUM_HEALTH_BUCKETS];
    uint64_t turns;
    thrum_ns longest;
    thrum_ns since; /* of the present turn */
    thrum_ns spent; /* of one that thrum_reactor_turn left half done */
    bool busy;      /* a turn has begun */
} thrum__lag;

/* What there is, counted where it comes and goes. */
typedef struct thrum__counts {
    size_t watches, streams, listeners, connects, jobs;
} thrum__counts;

/* The loop does not wait any more, since `now`. */
static inline void thrum__lag_begin(thrum__lag *self, thrum_ns now)
{
    self->since = now - self->spent;
    self->spent = 0;
    self->busy = true;
}

/* It is about to wait: a turn is over. Nothing when none has begun. */
void thrum__lag_end(thrum__lag *self, thrum_ns now);

/* It is left before it would wait; the next begin goes on with the turn. */
static inline void thrum__lag_leave(thrum__lag *self, thrum_ns now)
{
    self->spent = self->busy ? now - self->since : 0;
    self->busy = false;
}

#endif
