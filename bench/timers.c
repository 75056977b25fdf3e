/* SPDX-License-Identifier: MIT */
/*
 *     timers_LOOP WHAT COUNT
 *
 * Arms COUNT timers at random times within a minute, arms them anew ("rearm"),
 * cancels them ("cancel"), or has all of them fire ("fire": they are armed
 * within a millisecond, which is over when the last one is). Prints the
 * nanoseconds of one, without what came before it. Ends without tidying up:
 * timers.py counts instructions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/timers.h"

static size_t left;

int timers_fired(void)
{
    return --left == 0;
}

static int64_t timers_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* The same times in each run. */
static int64_t timers_dice(int64_t most)
{
    static uint64_t state = 88172645463325252ULL;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int64_t)(state % (uint64_t)most);
}

static void timers_arm(const timers_loop *loop, size_t count, int64_t within)
{
    for (size_t i = 0; i < count; i++)
        loop->arm(i, timers_dice(within));
}

int timers_main(const timers_loop *loop, int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    int64_t minute = 60000000000LL, start;

    left = count;
    loop->open(count);
    start = timers_now();
    timers_arm(loop, count, strcmp(what, "fire") == 0 ? 1000000 : minute);
    if (strcmp(what, "arm") != 0)
        start = timers_now();
    if (strcmp(what, "rearm") == 0)
        for (size_t i = 0; i < count; i++)
            loop->rearm(i, timers_dice(minute));
    else if (strcmp(what, "cancel") == 0)
        for (size_t i = 0; i < count; i++)
            loop->cancel(i);
    else if (strcmp(what, "fire") == 0 && count > 0)
        loop->run();
    printf("%.1f\n",
           (double)(timers_now() - start) / (double)(count > 0 ? count : 1));
    fflush(stdout);
    _exit(0);
}
