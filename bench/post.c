/* SPDX-License-Identifier: MIT */
/*
 *     post WHAT COUNT
 *
 * Calls from another thread, COUNT of them, by bursts of 1,000 ("burst"), each
 * of which is posted and then made: so the two ends are measured one after the
 * other, not how they hinder each other, and what passes until a thread that
 * waits for the other runs again is not counted. "none": all but the calls.
 * "race": the other thread posts as fast as it can, all at once, while the loop
 * makes them. Prints the nanoseconds of one, both ends together.
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
    thrum_ns posting, making; /* all bursts together */
} bench;

static thrum_ns now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * THRUM_S + time.tv_nsec;
}

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
        thrum_ns start;

        pthread_barrier_wait(&bench.turn);
        start = now();
        for (long i = 0; i < bench.burst && posted < bench.count; i++, posted++)
            thrum_reactor_call_from_thread(bench.reactor, called, NULL, NULL);
        bench.posting += now() - start;
        pthread_barrier_wait(&bench.turn);
    }
    return NULL;
}

static void make_bursts(long calls)
{
    for (long made = 0; made < calls; made += bench.burst) {
        thrum_ns start;

        pthread_barrier_wait(&bench.turn);
        pthread_barrier_wait(&bench.turn);
        start = now();
        while (thrum_reactor_turn(bench.reactor) == 1)
            ;
        bench.making += now() - start;
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
    start = now() - start;
    if (bench.burst > 0)
        pthread_join(thread, NULL);
    if (strcmp(what, "burst") == 0)
        start = bench.posting + bench.making;
    printf("%.1f\n", (double)start / (double)count);
    thrum_reactor_free(bench.reactor);
    return 0;
}
