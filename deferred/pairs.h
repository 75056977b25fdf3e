/* SPDX-License-Identifier: MIT */
/*
 * The queue of callbacks of one Deferred: the oldest stands in place, the
 * others out of line. Most Deferreds have one pair and so cost one allocation.
 */
#ifndef THRUM_DEFERRED_PAIRS_H
#define THRUM_DEFERRED_PAIRS_H

#include <stdbool.h>

#include <thrum/outcome.h>

typedef struct deferred_pair {
    thrum_outcome (*callback)(void *value, void *ctx);
    thrum_outcome (*errback)(const thrum_failure *why, void *ctx);
    void *ctx;
    thrum_free_fn *free;
} deferred_pair;

typedef struct deferred_more {
    unsigned head; /* the oldest */
    unsigned count;
    unsigned room; /* of pairs[], a ring */
    deferred_pair pairs[];
} deferred_more;

typedef struct deferred_pairs {
    deferred_pair first;
    deferred_more *more; /* only what came after `first` */
} deferred_pairs;

/* Adds a pair behind the others. `has_first` says whether `first` is in use;
 * the caller keeps that bit. Answers false without memory. */
bool thrum__pairs_push(deferred_pairs *pairs, thrum_context *context,
                       const deferred_pair *pair);

/* Adds one before all others, in place of `first`, which is in use. */
bool thrum__pairs_push_first(deferred_pairs *pairs, thrum_context *context,
                             const deferred_pair *pair);

/* Moves the next pair of `more` to `first`; false when there is none. */
bool thrum__pairs_shift(deferred_pairs *pairs);

/* The one that has `index` before it, of which `first` is one; NULL: so many
 * there are not. */
const deferred_pair *thrum__pairs_get(const deferred_pairs *pairs,
                                      size_t index);

/* The youngest; `first` when it is the only one. */
const deferred_pair *thrum__pairs_last(const deferred_pairs *pairs);

#endif
