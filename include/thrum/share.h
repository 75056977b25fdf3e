/* SPDX-License-Identifier: MIT */
/*
 * One result for several consumers: each gets a Deferred of its own, which
 * fires with the same value, or fails with the same failure.
 */
#ifndef THRUM_SHARE_H
#define THRUM_SHARE_H

#include <thrum/deferred.h>

THRUM_BEGIN

typedef struct thrum_share thrum_share;

/* Shares what comes out of `deferred`. A failure for which nobody ever asked
 * reaches the unhandled hook, once, when the share goes; with a failure that
 * was handed out it is as with any other, for each Deferred that got it.
 * Ownership: new; the consumer's reference is taken, also on error.
 * Errors: NULL, no memory. */
THRUM_API thrum_share *thrum_share_new(thrum_deferred *deferred);

/* A Deferred of the shared result, in the order of asking. Its value is
 * borrowed, and lives as long as the share, or any Deferred or results of a
 * group that it has got to; whoever takes it out there leaves it there and does
 * not own it. Cancelling the Deferred ends its own waiting; when
 * all have been cancelled, what is shared is cancelled too. `share` may be
 * NULL: one that could not be made.
 * Ownership: new. Calls back: may be fired already. Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_share_get(thrum_share *share);

/* One holder less; Deferreds that were given out stay good. Takes a void
 * pointer, to serve as a release function. NULL is nothing. */
THRUM_API void thrum_share_free(void *share);

THRUM_END

#endif
