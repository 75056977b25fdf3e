/* SPDX-License-Identifier: MIT */
/*
 * One measure of timers for every loop: a program is the loop's few functions
 * and timers_main.
 */
#ifndef THRUM_BENCH_TIMERS_H
#define THRUM_BENCH_TIMERS_H

#include <stddef.h>
#include <stdint.h>

/* Timers are numbered from 0. */
typedef struct timers_loop {
    /* Makes a loop and room for so many timers; none is armed. */
    void (*open)(size_t count);
    /* Arms one that is not armed, arms one that is at another time, takes one
     * back. Nanoseconds from now. */
    void (*arm)(size_t which, int64_t after);
    void (*rearm)(size_t which, int64_t after);
    void (*cancel)(size_t which);
    /* Runs until timers_fired was called as often as there are timers. */
    void (*run)(void);
} timers_loop;

/* Called by each timer that fires; answers whether it was the last. */
int timers_fired(void);

int timers_main(const timers_loop *loop, int argc, char **argv);

#endif
