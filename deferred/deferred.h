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
    thrum_canceller_fn *canceller; /* NULL: ctx is a thrum__group */
    void *ctx;
    thrum_free_fn *free;
} deferred_canceller;

/* What is cancelled by cancelling its members, one after the other, and ends
 * when all were asked. Groups of groups are no recursion. */
typedef struct thrum__group {
    /* The next member to cancel, a new reference; NULL: that was the last. */
    thrum_deferred *(*next)(struct thrum__group *group);
    thrum_deferred *up; /* the group whose member this one is, meanwhile */
} thrum__group;

typedef enum deferred_state {
    DEFERRED_PENDING,
    DEFERRED_VALUE,   /* result is the value, free its release function */
    DEFERRED_FAILURE, /* result is a reference to the failure */
    DEFERRED_WAITING  /* result is the Deferred waited for, which holds us */
} deferred_state;

struct thrum_deferred {
    thrum_context *context;
    void *result;
    union {
        thrum_free_fn *free;   /* of a value */
        thrum_deferred *aside; /* the next of those that were put aside */
    };
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
 * with it, and no list of lists, however deep, deepens the stack. The result
 * of the Deferred whose callback this is stays as it is: a failure, or a value
 * that was taken out of it. */
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

/* Adds a pair on behalf of a group. The consumer's place stays as it was, and
 * without memory the chain does too: the group knows. */
int thrum__deferred_listen(thrum_deferred *deferred,
                           thrum_callback_fn *callback,
                           thrum_errback_fn *errback, void *ctx,
                           thrum_free_fn *free);

/* thrum_deferred_on_cancel for a group; `free` gets the group. */
int thrum__deferred_on_cancel_group(thrum_deferred *deferred,
                                    thrum__group *group, thrum_free_fn *free);

/* Fails it as cancelled; what a canceller does whose Deferred's callbacks are
 * to run before the canceller's own context goes. */
void thrum__deferred_fail_cancelled(thrum_deferred *deferred);

/* Gives the result, runs nothing. The producer's reference stays with the
 * caller, who answers thrum__run or calls thrum__deferred_run. `result` is a
 * value or, for DEFERRED_FAILURE, a failure; taken. */
void thrum__deferred_settle(thrum_deferred *deferred, deferred_state state,
                            void *result, thrum_free_fn *free);

/* Runs its callbacks and ends the reference that the caller holds. */
void thrum__deferred_run(thrum_deferred *deferred);

#endif
