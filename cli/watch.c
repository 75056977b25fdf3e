/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/watch.h"

#define WATCH_TICK (10 * THRUM_MS)
#define WATCH_SAMPLE (250 * THRUM_MS)

static void watch_tick(void *ctx);

uint64_t cli_watch_rss_anon(const char *status, size_t size)
{
    static const char name[] = "\nRssAnon:";
    const char *at = memmem(status, size, name, sizeof name - 1);
    const char *end = status + size;
    uint64_t kib = 0;

    if (at == NULL)
        return 0;
    at += sizeof name - 1;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        kib = 10 * kib + (uint64_t)(*at - '0');
    return kib;
}

static void watch_memory(cli_watch *self)
{
    char text[4096];
    ssize_t size = pread(self->status, text, sizeof text, 0);
    uint64_t kib = size > 0 ? cli_watch_rss_anon(text, (size_t)size) : 0;

    if (kib > self->rss_anon_max_kib)
        self->rss_anon_max_kib = kib;
}

/* The bucket of a lateness: its highest bit and the two below it. */
static size_t watch_bucket(thrum_ns late)
{
    uint64_t us = late > 0 ? (uint64_t)(late / THRUM_US) : 0;
    size_t top, bucket;

    if (us < 4)
        return (size_t)us;
    top = 63 - (size_t)__builtin_clzll(us);
    bucket = 4 * (top - 1) + (us >> (top - 2) & 3);
    return bucket < CLI_WATCH_BUCKETS ? bucket : CLI_WATCH_BUCKETS - 1;
}

/* Where a bucket ends, in microseconds. */
static uint64_t watch_bucket_end(size_t bucket)
{
    if (bucket < 4)
        return bucket + 1;
    return (UINT64_C(5) + bucket % 4) << (bucket / 4 - 1);
}

static void watch_next(cli_watch *self)
{
    self->due = thrum_clock_now(self->clock) + WATCH_TICK;
    self->call =
        thrum_clock_call_later(self->clock, WATCH_TICK, watch_tick, self, NULL);
}

static void watch_tick(void *ctx)
{
    cli_watch *self = ctx;
    thrum_ns now = thrum_clock_read(self->clock);

    self->call = NULL;
    self->ticks++;
    self->late[watch_bucket(now - self->due)]++;
    if (now >= self->sample) {
        watch_memory(self);
        self->sample = now + WATCH_SAMPLE;
    }
    self->look(self->ctx);
    watch_next(self);
}

void cli_watch_start(cli_watch *watch, thrum_clock *clock,
                     void (*look)(void *ctx), void *ctx)
{
    memset(watch, 0, sizeof *watch);
    watch->clock = clock;
    watch->look = look;
    watch->ctx = ctx;
    watch->status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    watch_next(watch);
}

void cli_watch_stop(cli_watch *watch)
{
    if (watch->clock == NULL)
        return;
    watch_memory(watch);
    thrum_clock_cancel(watch->clock, watch->call);
    if (watch->status >= 0)
        close(watch->status);
    watch->clock = NULL;
}

double cli_watch_lag_p999_ms(const cli_watch *watch)
{
    uint64_t most = watch->ticks - watch->ticks / 1000, seen = 0;

    for (size_t i = 0; i < CLI_WATCH_BUCKETS; i++) {
        seen += watch->late[i];
        if (seen >= most && seen > 0)
            return (double)watch_bucket_end(i) / 1000;
    }
    return 0;
}
