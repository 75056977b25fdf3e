/* SPDX-License-Identifier: MIT */
#include "mail/smtp/pool.h"

enum { POOL_FIRST = 2 };

static void pool_begin(thrum__smtp_pool *pool)
{
    pool->ramp = pool->most < POOL_FIRST ? pool->most : POOL_FIRST;
    pool->earned = 0;
    pool->allowed = pool->most;
}

void thrum__smtp_pool_init(thrum__smtp_pool *pool)
{
    pool_begin(pool);
    pool->failed = 0;
    pool->until = INT64_MIN;
    pool->why = NULL;
}

void thrum__smtp_pool_fini(thrum__smtp_pool *pool)
{
    thrum_failure_unref(pool->why);
}

void thrum__smtp_pool_double(thrum__smtp_pool *pool)
{
    pool->ramp = pool->ramp < pool->most / 2 ? pool->ramp * 2 : pool->most;
    pool->earned = 0;
}

void thrum__smtp_pool_halve(thrum__smtp_pool *pool)
{
    size_t limit = thrum__smtp_pool_limit(pool);

    pool->ramp = limit > 1 ? limit / 2 : 1;
    pool->earned = 0;
}

void thrum__smtp_pool_opened(thrum__smtp_pool *pool)
{
    pool->failed = 0;
}

/* Each connection that ends allows for one attempt more than the server took
 * before; when none is left, nobody knows how many that are now. */
void thrum__smtp_pool_ended(thrum__smtp_pool *pool, size_t left)
{
    if (left == 0)
        pool->allowed = pool->most;
    else if (pool->allowed < pool->most)
        pool->allowed++;
}

/* An attempt that failed is not made again while others are up, or still under
 * way: each would be replaced before the last has failed, without end. */
void thrum__smtp_pool_failed(thrum__smtp_pool *pool, size_t left, size_t up,
                             const thrum_failure *why, thrum_ns now)
{
    if (left == 0)
        pool_begin(pool);
    else
        pool->allowed = left;
    if (up == 0 && ++pool->failed >= pool->failures)
        thrum__smtp_pool_rest(pool, why, now);
}

void thrum__smtp_pool_rest(thrum__smtp_pool *pool, const thrum_failure *why,
                           thrum_ns now)
{
    thrum_failure *before = pool->why;

    pool->why = why != NULL ? thrum_failure_ref(why) : NULL;
    pool->until = INT64_MAX - pool->rest > now ? now + pool->rest : INT64_MAX;
    pool->failed = 0;
    thrum_failure_unref(before);
}

const thrum_failure *thrum__smtp_pool_rests(thrum__smtp_pool *pool,
                                            thrum_ns now)
{
    if (pool->until <= now) {
        thrum_failure_unref(pool->why);
        pool->why = NULL;
        pool->until = INT64_MIN;
    }
    return pool->why;
}
