/* SPDX-License-Identifier: MIT */
/*
 * At most n at a time (twisted.internet.defer.DeferredSemaphore).
 */
#ifndef THRUM_SEMAPHORE_H
#define THRUM_SEMAPHORE_H

#include <thrum/deferred.h>

THRUM_BEGIN

typedef struct thrum_semaphore thrum_semaphore;

/* Makes a semaphore that has so many tokens (at least 1).
 * Ownership: new. Errors: NULL, no memory. */
THRUM_API thrum_semaphore *thrum_semaphore_new(thrum_context *context,
                                               size_t tokens);

/* Frees it. Those who still wait fail with THRUM_DEFERRED_E_ABANDONED; a
 * thrum_semaphore_run that has its token goes on. Legal from within the
 * callback of one who waited. Takes a void pointer, to serve as a release
 * function. NULL is nothing. Calls back: before it returns. */
THRUM_API void thrum_semaphore_free(void *semaphore);

/* Takes a token. The Deferred fires, without a value, when one is there: those
 * who wait get theirs in the order in which they came. A cancelled waiter loses
 * its place.
 * Ownership: new. Calls back: may be fired already. Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_semaphore_acquire(thrum_semaphore *semaphore);

/* Gives a token back; the first who waits has it before this returns, or, from
 * within the callback of one who was just given his, right after that callback.
 * Errors: THRUM_E_INVALID when none was taken. */
THRUM_API int thrum_semaphore_release(thrum_semaphore *semaphore);

/* Takes a token, calls fn(ctx), and gives the token back when its answer has
 * ended (a Deferred that it waits for included); fires or fails with that
 * answer (twisted's run). thrum_keep() is no value. Cancelling it gives up the
 * place, or cancels the answer.
 * Ownership: new; ctx taken, also on error, and released after the token was
 * given back. Calls back: fn may have been called already.
 * Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_semaphore_run(thrum_semaphore *semaphore,
                                              thrum_outcome (*fn)(void *ctx),
                                              void *ctx, thrum_free_fn *free);

/* How many tokens are free now. */
THRUM_API size_t thrum_semaphore_tokens(const thrum_semaphore *semaphore);

/* How many wait for one. */
THRUM_API size_t thrum_semaphore_waiting(const thrum_semaphore *semaphore);

THRUM_END

#endif
