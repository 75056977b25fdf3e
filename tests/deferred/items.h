/* SPDX-License-Identifier: MIT */
/*
 * An iterator that opens items as a word says, for the tests of thrum_each and
 * of what counts and collects.
 */
#ifndef THRUM_TESTS_ITEMS_H
#define THRUM_TESTS_ITEMS_H

#include "tests/deferred/chain.h"

enum { ITEMS = 16 };

/* The words say what each step does: o open an item, + open one that is fired
 * already, ! one that has failed already, n one that could not be made, k there
 * is more, v a value, f fail, m fail for want of memory, d the end, c cancel
 * and open, C cancel and say there is more, F fail what is open and open one
 * more, B fail what is open and fail. */
typedef struct items {
    struct world world;
    thrum_deferred *each;
    thrum_deferred *open[ITEMS];
    int opened;
    const char *words;
    char names[ITEMS][2];
} items;

typedef thrum_deferred *each_fn(thrum_cooperator *cooperator,
                                thrum_step_fn *step, void *it,
                                thrum_free_fn *free, size_t open);

void items_start(items *self, each_fn *each, const char *words, size_t open);

/* Ticks, while there is anything to step. */
void items_run(items *self);
void items_end(items *self);

/* A release function: "~it ". */
void items_release(void *it);

/* What is done from outside, after the ticks that could be made: 0= fire that
 * item, 0# fire it with its name as value, 0! fail it, 0~ abandon it (late), C
 * cancel, -C before any tick, X free the cooperator; | marks the place in the
 * trace. */
typedef struct items_case {
    const char *name;
    size_t open;
    const char *steps, *words, *trace;
    int opened;
    unsigned unhandled;
} items_case;

/* Runs one case; `result` traces what `each` fires with. */
void items_check(const items_case *it, each_fn *each,
                 thrum_callback_fn *result);

#endif
