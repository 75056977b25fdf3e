/* SPDX-License-Identifier: MIT */
/*
 * What a reactor calls is measured while somebody wants to hear of what is
 * slow; else it costs the test of a field.
 */
#ifndef THRUM_REACTOR_SLOW_H
#define THRUM_REACTOR_SLOW_H

#include <stdbool.h>

#include <thrum/deferred.h>
#include <thrum/health.h>

typedef struct thrum__slow {
    thrum_context *context;
    thrum_clock *clock;
    thrum_ns limit; /* 0: nothing is measured */
    thrum_slow_fn *fn;
    void *ctx;
    thrum_free_fn *free;
    void *spent; /* a ctx that was replaced while its call was made */
    thrum_free_fn *spent_free;
    bool calling;
} thrum__slow;

/* A call that is being made. */
typedef struct thrum__timed {
    const char *place;
    thrum_ns since; /* -1: not measured */
} thrum__timed;

/* The call of what was handed over at `place` begins. */
static inline thrum__timed thrum__slow_begin(const thrum__slow *slow,
                                             const char *place)
{
    return (thrum__timed){
        place, slow->limit != 0 ? thrum_clock_read(slow->clock) : -1};
}

void thrum__slow_check(thrum__slow *slow, thrum__timed timed, const char *of);

/* It has returned. `of`: what was called at that place, or NULL. */
static inline void thrum__slow_end(thrum__slow *slow, thrum__timed timed,
                                   const char *of)
{
    if (timed.since >= 0)
        thrum__slow_check(slow, timed, of);
}

/* As thrum_deferred_fire and thrum_deferred_fail. */
void thrum__slow_fire(thrum__slow *slow, thrum_deferred *deferred, void *value,
                      thrum_free_fn *free);
void thrum__slow_fail(thrum__slow *slow, thrum_deferred *deferred,
                      thrum_failure *why);

/* The reactor ends. */
void thrum__slow_fini(thrum__slow *slow);

#endif
