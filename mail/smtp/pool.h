/* SPDX-License-Identifier: MIT */
/*
 * How many connections a client may have, without any of them: it begins with a
 * few and doubles them as messages are accepted (slow start), goes no further
 * than the server lets it, and rests when nobody is there.
 */
#ifndef THRUM_MAIL_SMTP_POOL_H
#define THRUM_MAIL_SMTP_POOL_H

#include <stdbool.h>

#include <thrum/clock.h>
#include <thrum/failure.h>

typedef struct thrum__smtp_pool {
    size_t most; /* connections, whatever happens */
    unsigned failures;
    thrum_ns rest;

    size_t ramp;        /* connections, by what was accepted */
    size_t earned;      /* messages accepted since `ramp` was set */
    size_t allowed;     /* connections, by what the server took */
    unsigned failed;    /* attempts, in a row */
    thrum_ns until;     /* of the rest; INT64_MIN: none */
    thrum_failure *why; /* of the rest */
} thrum__smtp_pool;

/* `most`, `failures` and `rest` are the owner's to fill. */
void thrum__smtp_pool_init(thrum__smtp_pool *pool);

void thrum__smtp_pool_fini(thrum__smtp_pool *pool);

/* How many connections there may be now. */
static inline size_t thrum__smtp_pool_limit(const thrum__smtp_pool *pool)
{
    return pool->ramp < pool->allowed ? pool->ramp : pool->allowed;
}

void thrum__smtp_pool_double(thrum__smtp_pool *pool);

/* The server took a message. */
static inline void thrum__smtp_pool_accepted(thrum__smtp_pool *pool)
{
    if (pool->ramp < pool->most && ++pool->earned >= pool->ramp)
        thrum__smtp_pool_double(pool);
}

/* The server has too much to do (421): half as many, and slowly again. */
void thrum__smtp_pool_halve(thrum__smtp_pool *pool);

/* A connection is ready for messages. */
void thrum__smtp_pool_opened(thrum__smtp_pool *pool);

/* A connection that had been ready has ended; `left` are there still. */
void thrum__smtp_pool_ended(thrum__smtp_pool *pool, size_t left);

/* An attempt has failed; `left` are there still, or under way, and `up` of them
 * have been ready: then it is no sign that nobody is there. `why` is borrowed.
 */
void thrum__smtp_pool_failed(thrum__smtp_pool *pool, size_t left, size_t up,
                             const thrum_failure *why, thrum_ns now);

/* It rests from now on, by `why`, which is borrowed. */
void thrum__smtp_pool_rest(thrum__smtp_pool *pool, const thrum_failure *why,
                           thrum_ns now);

/* Why no connection is to be made now, or NULL. Ownership: borrowed. */
const thrum_failure *thrum__smtp_pool_rests(thrum__smtp_pool *pool,
                                            thrum_ns now);

#endif
