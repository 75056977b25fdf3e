/* SPDX-License-Identifier: MIT */
/*
 * How a loop fares: how long its turns were, who held it up, what it has under
 * way and what keeps it alive.
 */
#ifndef THRUM_HEALTH_H
#define THRUM_HEALTH_H

#include <thrum/reactor.h>

THRUM_BEGIN

/* How many kinds of lag are told apart. */
#define THRUM_HEALTH_BUCKETS 64

/* What is counted, since the reactor was made or thrum_health_reset. The lag of
 * a turn is how long it held the loop, from the end of waiting to its next
 * beginning: whatever became ready meanwhile waited at most so long. Bucket i
 * counts turns from thrum_health_floor(i) to that of i + 1. */
typedef struct thrum_health {
    uint64_t lag[THRUM_HEALTH_BUCKETS];
    uint64_t turns;
    thrum_ns longest;
    size_t watches; /* of descriptors, in the loop */
    size_t calls;   /* later, on the reactor's own clock */
    size_t streams;
    size_t listeners;
    size_t connects; /* attempts, and look-ups */
    size_t tasks;    /* of the cooperator */
    size_t jobs;     /* on threads, or waiting for one */
} thrum_health;

/* What is so now. */
THRUM_API void thrum_reactor_get_health(const thrum_reactor *reactor,
                                        thrum_health *health);

/* Begins to count turns anew. */
THRUM_API void thrum_reactor_reset_health(thrum_reactor *reactor);

/* The least lag that bucket `i` counts: two buckets to a factor of two, from
 * 1 us up, where the second one begins; the last one has no end, which is
 * INT64_MAX. */
THRUM_API thrum_ns thrum_health_floor(size_t i);

/* The lag that `parts` of a million turns did not pass: 999,000 is the 99.9th
 * percentile. Rounded up to a bucket's end, unless the longest was less. */
THRUM_API thrum_ns thrum_health_lag(const thrum_health *health, uint32_t parts);

/* A callback held the loop for `took`. `what` is its function and the place
 * where it was handed over, "on_timer (service.c:42)"; of a stream its handler,
 * "received of &echo_server (echo.c:33)"; of a Deferred what fired it,
 * "callbacks of connect"; and "a tick of the cooperator". */
typedef void thrum_slow_fn(const char *what, thrum_ns took, void *ctx);

/* Has every callback of the reactor measured on its clock, and told of when it
 * took longer than `limit`. fn NULL: a warning to the log. limit 0: no more;
 * nothing is measured, nothing is paid. Calls later of a clock that was given
 * are that clock's, and not measured.
 * Ownership: ctx taken, and released when another is set or the reactor ends.
 */
THRUM_API void thrum_reactor_on_slow(thrum_reactor *reactor, thrum_ns limit,
                                     thrum_slow_fn *fn, void *ctx,
                                     thrum_free_fn *free);

/* Writes to the log (THRUM_LOG_INFO) what keeps the loop alive, a line each:
 * calls later with their function, place and time, the first of them first;
 * streams with peer, bytes queued and handler; listeners that take peers;
 * attempts to connect and look-ups; work on threads; a stop under way; and one
 * line for all tasks. Returns how many lines. */
THRUM_API size_t thrum_reactor_dump(thrum_reactor *reactor);

THRUM_END

#endif
