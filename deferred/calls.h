/* SPDX-License-Identifier: MIT */
/*
 * The calls that a clock is to make: a heap ordered by time, and by the order
 * of asking where times are equal. Both clocks, the test's and the loop's, are
 * made of it.
 */
#ifndef THRUM_DEFERRED_CALLS_H
#define THRUM_DEFERRED_CALLS_H

#include <stdbool.h>

#include <thrum/clock.h>

struct thrum_call {
    thrum_call_fn *fn;
    void *ctx;
    thrum_free_fn *free;
    const char *place; /* fn's name, and where it was handed over */
    size_t at;         /* in the heap; BEING_MADE while it is not there */
    uint64_t order;    /* in which it was asked for */
};

/* A place in the heap: the time stands beside the pointer, so that comparing
 * touches no call, unless two are due at the same nanosecond. */
typedef struct thrum__due {
    thrum_ns at;
    thrum_call *call;
} thrum__due;

typedef struct thrum__calls {
    thrum_context *context;
    thrum__due *heap;
    size_t count, room;
    uint64_t order;
    bool sorted; /* the heap happens to be in order */
} thrum__calls;

/* Makes an empty heap; it holds the context. */
void thrum__calls_init(thrum__calls *calls, thrum_context *context);

/* Cancels what is left. */
void thrum__calls_clear(thrum__calls *calls);

/* Cancels what is left, and frees the heap. */
void thrum__calls_fini(thrum__calls *calls);

/* Adds a call; ctx is taken, also on error. NULL without memory. */
thrum_call *thrum__calls_add(thrum__calls *calls, thrum_ns due,
                             thrum_call_fn *fn, void *ctx, thrum_free_fn *free,
                             const char *place);

/* Moves a call to another time; it counts as asked for at this moment. One that
 * is being made stays as it is, here and below. */
void thrum__calls_reset(thrum__calls *calls, thrum_call *call, thrum_ns due);

/* Removes a call and releases its context. */
void thrum__calls_cancel(thrum__calls *calls, thrum_call *call);

/* What is due first, or NULL. */
static inline const thrum__due *thrum__calls_first(const thrum__calls *calls)
{
    return calls->count > 0 ? &calls->heap[0] : NULL;
}

/* When the nth call, in the order in which they will be made, is due; -1 when
 * there are fewer. The first time since a call came or went it sorts them. */
thrum_ns thrum__calls_due(thrum__calls *calls, size_t n);

/* Removes the first call, makes it, and releases its context. */
void thrum__calls_make_first(thrum__calls *calls);

#endif
