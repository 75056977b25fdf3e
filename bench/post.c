/* SPDX-License-Identifier: MIT */
/*
 *     post WHAT COUNT
 *
 * Calls from another thread, COUNT of them, by bursts of 1,000 ("burst"), each
 * of which is posted and then made: so the two ends are measured one after the
 * other, not how they hinder each other. "none": all but the calls. "race": the
 * other thread posts as fast as it can, all at once, while the loop makes them.
 * Prints the nanoseconds of one.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <thrum/reactor.h>

enum { BURST = 1000 };

static struct {
    thrum_reactor *reactor;
    pthread_barrier_t turn;
    long count, made, burst;
} bench;

static void called(void *ctx)
{
    (void)ctx;
    if (++bench.made == bench.count)
        thrum_reactor_stop(bench.reactor);
}

static void *post_bursts(void *ctx)
{
    (void)ctx;
    for (long posted = 0; posted < bench.count;) {
        pthread_barrier_wait(&bench.turn);
        for (long i = 0; i < bench.burst && posted < bench.count; i++, posted++)
            thrum_reactor_call_from_thread(bench.reactor, called, NULL, NULL);
        pthread_barrier_wait(&bench.turn);
    }
    return NULL;
}

static void make_bursts(long calls)
{
    for (long made = 0; made < calls; made += bench.burst) {
        pthread_barrier_wait(&bench.turn);
        pthread_barrier_wait(&bench.turn);
        while (thrum_reactor_turn(bench.reactor) == 1)
            ;
    }
}

static void race(void)
{
    thrum_clock *clock = thrum_reactor_clock(bench.reactor);

    pthread_barrier_wait(&bench.turn);
    thrum_clock_call_later(clock, 3600 * THRUM_S, called, NULL, NULL);
    thrum_reactor_run(bench.reactor);
    pthread_barrier_wait(&bench.turn);
}

static thrum_ns now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * THRUM_S + time.tv_nsec;
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    long count = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    pthread_t thread;
    thrum_ns start;

    bench.reactor = thrum_reactor_new(NULL);
    if (bench.reactor == NULL || count <= 0)
        return 1;
    bench.count = count;
    bench.burst = strcmp(what, "race") == 0 ? count : BURST;
    if (strcmp(what, "none") == 0)
        bench.burst = 0;
    pthread_barrier_init(&bench.turn, NULL, 2);
    if (bench.burst > 0)
        pthread_create(&thread, NULL, post_bursts, NULL);
    start = now();
    if (strcmp(what, "race") == 0)
        race();
    else if (bench.burst > 0)
        make_bursts(count);
    printf("%.1f\n", (double)(now() - start) / (double)count);
    if (bench.burst > 0)
        pthread_join(thread, NULL);
    thrum_reactor_free(bench.reactor);
    return 0;
}
