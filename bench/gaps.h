/* SPDX-License-Identifier: MIT */
/*
 * A ticker that asks to be called every millisecond, and notes how long it
 * really was from one call to the next.
 */
#ifndef THRUM_BENCH_GAPS_H
#define THRUM_BENCH_GAPS_H

#include <thrum/reactor.h>

/* A quarter of an hour of milliseconds. */
enum { GAPS_MOST = 1000 * 1000 };

typedef struct gaps {
    thrum_clock *clock;
    thrum_call *call;
    thrum_ns last;
    size_t count;
    thrum_ns gap[GAPS_MOST];
} gaps;

/* Starts it. Errors: -1, no memory. */
int gaps_start(gaps *ticker, thrum_reactor *reactor);

/* Stops it, and prints what it saw as the members of a JSON object:
 * "ticks":N,"p50_ms":...,"p99_ms":...,"p999_ms":...,"max_ms":... */
void gaps_stop(gaps *ticker);

#endif
