/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "bench/gaps.h"

static void gaps_tick(void *ctx)
{
    gaps *ticker = ctx;
    thrum_ns now = thrum_clock_read(ticker->clock);

    if (ticker->count < GAPS_MOST)
        ticker->gap[ticker->count++] = now - ticker->last;
    ticker->last = now;
    ticker->call = thrum_clock_call_later(ticker->clock, THRUM_MS, gaps_tick,
                                          ticker, NULL);
}

int gaps_start(gaps *ticker, thrum_reactor *reactor)
{
    ticker->clock = thrum_reactor_clock(reactor);
    ticker->last = thrum_clock_read(ticker->clock);
    ticker->count = 0;
    ticker->call = thrum_clock_call_later(ticker->clock, THRUM_MS, gaps_tick,
                                          ticker, NULL);
    return ticker->call != NULL ? 0 : -1;
}

static int gaps_compare(const void *one, const void *other)
{
    const thrum_ns *a = one, *b = other;

    return (*a > *b) - (*a < *b);
}

/* In a sorted list: the least gap that `part` of all gaps do not pass. */
static double gaps_part(const gaps *ticker, double part)
{
    size_t at = (size_t)(part * (double)(ticker->count - 1));

    return (double)ticker->gap[at] / (double)THRUM_MS;
}

void gaps_stop(gaps *ticker)
{
    thrum_clock_cancel(ticker->clock, ticker->call);
    ticker->call = NULL;
    if (ticker->count == 0) {
        printf("\"ticks\":0");
        return;
    }
    qsort(ticker->gap, ticker->count, sizeof *ticker->gap, gaps_compare);
    printf("\"ticks\":%zu,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,"
           "\"max_ms\":%.3f",
           ticker->count, gaps_part(ticker, 0.5), gaps_part(ticker, 0.99),
           gaps_part(ticker, 0.999), gaps_part(ticker, 1.0));
}
