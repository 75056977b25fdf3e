/* SPDX-License-Identifier: MIT */
/*
 * Turns are counted by their length, in buckets that grow by half and by a
 * third in turn: 1, 1.5, 2, 3, 4, 6 us, so what is read of them is at most half
 * as much again as it was. A turn costs one reading of the clock, at its end;
 * its beginning is the time that the loop reads anyway.
 */
#include "reactor/health.h"

#include <string.h>

#include "reactor/loop.h"

enum { HEALTH_MILLION = 1000000 };

/* In halves of a microsecond the two highest bits of a lag are its bucket. */
static size_t health_bucket(thrum_ns lag)
{
    uint64_t halves = lag > 0 ? (uint64_t)lag / (THRUM_US / 2) : 0;
    unsigned power;
    size_t bucket;

    if (halves < 2)
        return 0;
    power = 63 - (unsigned)__builtin_clzll(halves);
    bucket = 2 * (size_t)power - 1 + ((halves >> (power - 1)) & 1);
    return bucket < THRUM_HEALTH_BUCKETS ? bucket : THRUM_HEALTH_BUCKETS - 1;
}

thrum_ns thrum_health_floor(size_t i)
{
    if (i == 0)
        return 0;
    if (i >= THRUM_HEALTH_BUCKETS)
        return INT64_MAX;
    return (i % 2 == 1 ? THRUM_US : THRUM_US * 3 / 2) << ((i - 1) / 2);
}

void thrum__lag_end(thrum__lag *self, thrum_ns now)
{
    thrum_ns lag = now - self->since;

    if (!self->busy)
        return;
    self->busy = false;
    self->turns++;
    self->buckets[health_bucket(lag)]++;
    if (lag > self->longest)
        self->longest = lag;
}

/* How many of the turns are `parts` of a million, rounded up. */
static uint64_t health_share(uint64_t turns, uint32_t parts)
{
    uint64_t rest = turns % HEALTH_MILLION * parts;

    return turns / HEALTH_MILLION * parts +
           (rest + HEALTH_MILLION - 1) / HEALTH_MILLION;
}

thrum_ns thrum_health_lag(const thrum_health *health, uint32_t parts)
{
    uint64_t wanted = health_share(
        health->turns, parts < HEALTH_MILLION ? parts : HEALTH_MILLION);
    uint64_t seen = 0;
    size_t i = 0;

    if (wanted == 0)
        return 0;
    while (i < THRUM_HEALTH_BUCKETS && (seen += health->lag[i]) < wanted)
        i++;
    return thrum_health_floor(i + 1) < health->longest
               ? thrum_health_floor(i + 1)
               : health->longest;
}

void thrum_reactor_get_health(const thrum_reactor *reactor,
                              thrum_health *health)
{
    const thrum__lag *lag = &reactor->lag;
    const thrum__counts *counts = &reactor->counts;

    memcpy(health->lag, lag->buckets, sizeof health->lag);
    health->turns = lag->turns;
    health->longest = lag->longest;
    health->watches = counts->watches;
    health->calls = reactor->clock.calls.count;
    health->streams = counts->streams;
    health->listeners = counts->listeners;
    health->connects = counts->connects;
    health->tasks = thrum_cooperator_get_stats(reactor->cooperator).tasks;
    health->jobs = counts->jobs;
}

void thrum_reactor_reset_health(thrum_reactor *reactor)
{
    thrum__lag *lag = &reactor->lag;

    memset(lag->buckets, 0, sizeof lag->buckets);
    lag->turns = 0;
    lag->longest = 0;
}
