/* SPDX-License-Identifier: MIT */
/*
 * The queue of callbacks of one Deferred: the oldest stands in place, the
 * others out of line. Most Deferreds have one pair, or one and a Deferred that
 * waits for what comes of it, or one and a pair that an iterator keeps with
 * what it is about; they cost one allocation.
 */
#ifndef THRUM_DEFERRED_PAIRS_H
#define THRUM_DEFERRED_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <thrum/outcome.h>

typedef struct deferred_pair {
    thrum_outcome (*callback)(void *value, void *ctx);
    thrum_outcome (*errback)(const thrum_failure *why, void *ctx);
    void *ctx;
    thrum_free_fn *free;
} deferred_pair;

/* The release function of an entry for a Deferred that waits (ctx): its address
 * is the mark, it is called for none. */
void thrum__deferred_waiter(void *outer);

typedef struct deferred_more {
    unsigned head; /* the oldest */
    unsigned count;
    unsigned room; /* of pairs[], a ring */
    deferred_pair pairs[];
} deferred_more;

typedef struct deferred_pairs {
    deferred_pair first;
    /* What came after `first`: 0, nothing; the address of a deferred_more; or,
     * with the lowest bit set, that of the Deferred that waits, and no more;
     * or, with the second bit set, that of a pair that its owner keeps. */
    uintptr_t rest;
} deferred_pairs;

/* Adds a pair behind the others. `has_first` says whether `first` is in use;
 * the caller keeps that bit. Answers false without memory. */
bool thrum__pairs_push(deferred_pairs *pairs, thrum_context *context,
                       const deferred_pair *pair);

/* The same of a pair that stays where it is until it has moved to `first`: it
 * takes no memory where it is the second. */
bool thrum__pairs_push_kept(deferred_pairs *pairs, thrum_context *context,
                            const deferred_pair *pair);

/* Adds one before all others, in place of `first`, which is in use. */
bool thrum__pairs_push_first(deferred_pairs *pairs, thrum_context *context,
                             const deferred_pair *pair);

/* Moves the next pair of the rest to `first`; false when there is none. */
bool thrum__pairs_shift(deferred_pairs *pairs);

/* How many there are, with `first`. */
size_t thrum__pairs_count(const deferred_pairs *pairs);

/* The one that has `index` before it, of which `first` is one. */
deferred_pair thrum__pairs_get(const deferred_pairs *pairs, size_t index);

/* Gives back the room of the rest, which is empty. */
void thrum__pairs_fini(deferred_pairs *pairs, thrum_context *context);

#endif
