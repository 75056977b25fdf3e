/* SPDX-License-Identifier: MIT */
/*
 * One of everything of this floor, and an account of what was given to it: each
 * context and value is released once, each Deferred ends.
 */
#ifndef THRUM_TESTS_DESK_H
#define THRUM_TESTS_DESK_H

#include <thrum/group.h>
#include <thrum/looping_call.h>
#include <thrum/queue.h>
#include <thrum/semaphore.h>
#include <thrum/share.h>

#include "tests/deferred/chain.h"

/* A test that ends one sets it to NULL. */
extern struct desk {
    struct world world;
    thrum_context *context;
    thrum_clock *clock;
    thrum_deferred *pending;  /* the producer's; with a canceller */
    thrum_deferred *consumer; /* of the same */
    thrum_deferred *other;    /* another producer's, without one */
    thrum_deferred *waits;    /* whose consumer's this is */
    thrum_deferred *failed, *value;
    thrum_deferred *shared; /* the producer's */
    thrum_pause *pause;     /* of `value` */
    thrum_results *results; /* of two: a value and a failure */
    thrum_deferred *list;   /* which owns them */
    thrum_share *share;
    thrum_semaphore *semaphore; /* with one who waits */
    thrum_queue *queue;         /* of one, which is there */
    thrum_task *task;
    thrum_looping_call *looping;
    thrum_call *call; /* of the clock */
    int given, released, followed, ended;
} desk;

/* All of it, which needs memory; and the end of what is left. The account must
 * be even then. */
void desk_open(void);
void desk_close(void);

/* A context or a value, and its release function. */
void *desk_give(void);
void desk_give_back(void *ctx);

/* Follows one (NULL: nothing) to its end, and is its consumer's last word. */
void desk_follow(thrum_deferred *d);

/* A pair that notes the end; a canceller for the one that is pending; steps;
 * a failure. */
thrum_outcome desk_ended_well(void *value, void *ctx);
thrum_outcome desk_ended_badly(const thrum_failure *why, void *ctx);
thrum_cancelled desk_stop(thrum_deferred *d, void *ctx);
thrum_outcome desk_step(void *it);
thrum_outcome desk_last_step(void *it);
thrum_outcome desk_looping_step(uint64_t turns, void *ctx);
thrum_failure *desk_failure(void);

#endif
