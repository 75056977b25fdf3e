/* SPDX-License-Identifier: MIT */
/*
 * Watches the process while it works: how late the loop is, how much memory it
 * has, and a look at the progress now and then. One call later, every 10 ms.
 */
#ifndef THRUM_CLI_WATCH_H
#define THRUM_CLI_WATCH_H

#include <thrum/clock.h>

/* Four for each power of two of a microsecond: up to 2^24 us, 16 s. */
enum { CLI_WATCH_BUCKETS = 100 };

typedef struct cli_watch {
    thrum_clock *clock;
    thrum_call *call;
    void (*look)(void *ctx); /* at every tick */
    void *ctx;
    thrum_ns due;
    thrum_ns sample; /* when memory is looked at next */
    int status;      /* /proc/self/status */
    uint64_t rss_anon_max_kib;
    uint64_t ticks;
    uint64_t late[CLI_WATCH_BUCKETS];
} cli_watch;

/* Starts to watch. Borrows clock and ctx until the end. */
void cli_watch_start(cli_watch *watch, thrum_clock *clock,
                     void (*look)(void *ctx), void *ctx);

/* Looks at the memory once more, and ends. */
void cli_watch_stop(cli_watch *watch);

/* How late, in milliseconds, all but one tick in a thousand were at most. 0
 * before the first tick. */
double cli_watch_lag_p999_ms(const cli_watch *watch);

/* The number behind "RssAnon:" in the text of /proc/PID/status, else 0. */
uint64_t cli_watch_rss_anon(const char *status, size_t size);

#endif
