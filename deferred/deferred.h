/* SPDX-License-Identifier: MIT */
/*
 * The Deferred as the other files of this floor see it.
 */
#ifndef THRUM_DEFERRED_DEFERRED_H
#define THRUM_DEFERRED_DEFERRED_H

#include <thrum/deferred.h>

#include "base/base.h"
#include "deferred/pairs.h"

typedef struct deferred_canceller {
    thrum_canceller_fn *canceller;
    void *ctx;
    thrum_free_fn *free;
} deferred_canceller;

typedef enum deferred_state {
    DEFERRED_PENDING,
    DEFERRED_VALUE,   /* result is the value, free its release function */
    DEFERRED_FAILURE, /* result is a reference to the failure */
    DEFERRED_WAITING  /* result is the Deferred waited for, which holds us */
} deferred_state;

struct thrum_deferred {
    thrum_context *context;
    void *result;
    thrum_free_fn *free;
    deferred_pairs pairs;
    deferred_canceller *canceller; /* rare, so out of line */
    const char *operation;
    const char *file; /* where the consumer spoke last */
    int line;
    unsigned refs;
    unsigned char state;
    bool has_first : 1;  /* pairs.first is in use */
    bool fired : 1;      /* the producer, or cancel, gave the result */
    bool swallow : 1;    /* one late result is to be dropped */
    bool running : 1;    /* its callbacks are being run further up */
    bool cancelling : 1; /* its canceller is being run further up */
    bool waited_for : 1; /* one of its pairs is somebody who waits */
    bool lost : 1;       /* a pair could not be added: no memory */
};

/* A callback of this floor that gave `next` its result with
 * thrum__deferred_settle answers so: the loop that runs the callbacks goes on
 * with it, and no chain or group, however deep, deepens the stack. The result
 * of the Deferred whose callback this is stays as it is. */
enum { THRUM__OUTCOME_RUN = 100 };

static inline thrum_outcome thrum__run(thrum_deferred *next)
{
    thrum_outcome outcome = {next, NULL,
                             (thrum_outcome_kind)THRUM__OUTCOME_RUN};
    return outcome;
}

/* Gets rid of one that was made in vain: its caller will see NULL. */
void thrum__deferred_discard(thrum_deferred *deferred);

/* Releases what an answer holds that nobody will act on. */
void thrum__outcome_drop(thrum_outcome outcome);

/* Adds a pair on behalf of the consumer, whose place stays as it was. */
static inline int thrum__deferred_listen(thrum_deferred *deferred,
                                         thrum_callback_fn *callback,
                                         thrum_errback_fn *errback, void *ctx,
                                         thrum_free_fn *free)
{
    const char *file = deferred != NULL ? deferred->file : NULL;
    int line = deferred != NULL ? deferred->line : 0;

    return thrum_deferred_add_at(deferred, callback, errback, ctx, free, file,
                                 line);
}

/* Gives the result, runs nothing. The producer's reference stays with the
 * caller, who answers thrum__run or calls thrum__deferred_run. `result` is a
 * value or, for DEFERRED_FAILURE, a failure; taken. */
void thrum__deferred_settle(thrum_deferred *deferred, deferred_state state,
                            void *result, thrum_free_fn *free);

/* Runs its callbacks and ends the reference that the caller holds. */
void thrum__deferred_run(thrum_deferred *deferred);

#endif
