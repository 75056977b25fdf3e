/* SPDX-License-Identifier: MIT */
/*
 * What a callback answers, and what a step of an iterator answers: one type,
 * by value, made only with its functions, thrum_keep to thrum_wait.
 */
#ifndef THRUM_OUTCOME_H
#define THRUM_OUTCOME_H

#include <thrum/failure.h>

THRUM_BEGIN

typedef struct thrum_deferred thrum_deferred;

typedef enum thrum_outcome_kind {
    THRUM_OUTCOME_KEEP,
    THRUM_OUTCOME_DONE,
    THRUM_OUTCOME_TAKEN,
    THRUM_OUTCOME_VALUE,
    THRUM_OUTCOME_FAILURE,
    THRUM_OUTCOME_WAIT
} thrum_outcome_kind;

typedef struct thrum_outcome {
    void *ptr;
    thrum_free_fn *free;
    thrum_outcome_kind kind;
} thrum_outcome;

/* "Pass on what I was given." Of a step: "there is more." */
static inline thrum_outcome thrum_keep(void)
{
    thrum_outcome outcome = {NULL, NULL, THRUM_OUTCOME_KEEP};
    return outcome;
}

/* "Handled; no value from here on." Of a step: "that was the end." */
static inline thrum_outcome thrum_done(void)
{
    thrum_outcome outcome = {NULL, NULL, THRUM_OUTCOME_DONE};
    return outcome;
}

/* "The value I was given is mine now; no value from here on." It is not
 * released. Of an errback or a step: as thrum_done. */
static inline thrum_outcome thrum_taken(void)
{
    thrum_outcome outcome = {NULL, NULL, THRUM_OUTCOME_TAKEN};
    return outcome;
}

/* "Go on with this value." Ownership: value taken. */
static inline thrum_outcome thrum_value(void *value, thrum_free_fn *free)
{
    thrum_outcome outcome = {value, free, THRUM_OUTCOME_VALUE};
    return outcome;
}

/* "Go on with this failure." Ownership: why taken; NULL reads as "out of
 * memory". */
static inline thrum_outcome thrum_fail(thrum_failure *why)
{
    thrum_outcome outcome = {why, NULL, THRUM_OUTCOME_FAILURE};
    return outcome;
}

/* "Go on with the result of this Deferred, once it is there." Of a step under
 * thrum_coiterate: call me again then; under thrum_each: an item is open until
 * then. Ownership: the consumer's reference is taken; NULL reads as "failed,
 * out of memory". */
static inline thrum_outcome thrum_wait(thrum_deferred *on)
{
    thrum_outcome outcome = {on, NULL, THRUM_OUTCOME_WAIT};
    return outcome;
}

THRUM_END

#endif
