/* SPDX-License-Identifier: MIT */
/*
 * A queue between those who have something and those who want it
 * (twisted.internet.defer.DeferredQueue), with an end and with back-pressure.
 */
#ifndef THRUM_QUEUE_H
#define THRUM_QUEUE_H

#include <thrum/deferred.h>

THRUM_BEGIN

typedef struct thrum_queue thrum_queue;

/* In a thrum_queue_config: none at all. A queue of this size hands each value
 * from one who puts straight to one who gets; one of this backlog lets nobody
 * wait. */
#define THRUM_QUEUE_NONE SIZE_MAX

typedef struct thrum_queue_config {
    size_t size;    /* at most so many values wait; 0: no bound */
    size_t backlog; /* at most so many wait for one; 0: no bound */
} thrum_queue_config;

/* Makes a queue. `config` may be NULL: no bounds.
 * Ownership: new. Errors: NULL, no memory. */
THRUM_API thrum_queue *thrum_queue_new(thrum_context *context,
                                       const thrum_queue_config *config);

/* Frees it: closes it, and releases the values that nobody fetched. Legal from
 * within the callback of one who waited. Takes a void pointer, to serve as a
 * release function. NULL is nothing. Calls back: before it returns. */
THRUM_API void thrum_queue_free(void *queue);

/* Gives a value to the first who waits, or keeps it for the next.
 * Ownership: value taken, also on error. Calls back: before it returns, or,
 * from within the callback of one who just got his, right after that callback.
 * Errors: THRUM_DEFERRED_E_OVERFLOW, THRUM_DEFERRED_E_QUEUE_CLOSED,
 * THRUM_E_NOMEM. */
THRUM_API int thrum_queue_put(thrum_queue *queue, void *value,
                              thrum_free_fn *free);

/* Gives a value as thrum_queue_put does, but waits when the queue is full:
 * fires, without a value, once the queue has taken it; fails with
 * THRUM_DEFERRED_E_QUEUE_CLOSED when it takes no more. Cancelling takes the
 * value back and releases it. Ownership: new; value taken, also on error. Calls
 * back: may be fired already. Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_queue_put_wait(thrum_queue *queue, void *value,
                                               thrum_free_fn *free);

/* Fires with the next value, in the order of asking. Fails with
 * THRUM_DEFERRED_E_UNDERFLOW when as many as may be wait already, with
 * THRUM_DEFERRED_E_QUEUE_CLOSED when it is closed and empty. One that is
 * cancelled loses its place and no value.
 * Ownership: new. Calls back: may be fired already. Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_queue_get(thrum_queue *queue);

/* Takes no more: what is there can still be fetched; those who wait to get fail
 * with QUEUE_CLOSED, as do those who wait to put, whose values are released.
 * Calls back: before it returns. */
THRUM_API void thrum_queue_close(thrum_queue *queue);

/* How many values wait to be fetched. */
THRUM_API size_t thrum_queue_size(const thrum_queue *queue);

/* How many wait for a value. */
THRUM_API size_t thrum_queue_waiting(const thrum_queue *queue);

THRUM_END

#endif
