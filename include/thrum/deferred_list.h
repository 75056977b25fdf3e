/* SPDX-License-Identifier: MIT */
/*
 * Several Deferreds as one (twisted.internet.defer.DeferredList).
 */
#ifndef THRUM_DEFERRED_LIST_H
#define THRUM_DEFERRED_LIST_H

#include <thrum/results.h>

THRUM_BEGIN

/* Twisted's three flags; none of them is set by default. */
typedef enum thrum_list_flags {
    THRUM_LIST_FIRE_ON_ONE_CALLBACK = 1, /* fire with the first value */
    THRUM_LIST_FIRE_ON_ONE_ERRBACK = 2,  /* fail with the first failure */
    THRUM_LIST_CONSUME_ERRORS = 4        /* failures of members are handled */
} thrum_list_flags;

/* A Deferred of the members' results. It fires with a thrum_results when the
 * last member has its result (at once when there are none); with
 * FIRE_ON_ONE_CALLBACK already at the first value; with FIRE_ON_ONE_ERRBACK it
 * fails at the first failure with THRUM_DEFERRED_E_FIRST, the member's failure
 * beneath it and its index by thrum_results_first_failed. Members that end
 * afterwards are still consumed. Cancelling the list cancels every member; when
 * all were asked it goes on with what they made of it, and if it has no result
 * then, since one of them went on all the same, it fails with
 * THRUM_DEFERRED_E_CANCELLED.
 *
 * A member's value moves to the list. Its failure stays with the member too,
 * and so reaches the unhandled hook, unless CONSUME_ERRORS is set.
 * Ownership: new; the members' references are taken, also on error; a NULL
 * member is one that failed for want of memory.
 * Errors: NULL, no memory; the members were then finished. */
THRUM_API thrum_deferred *thrum_deferred_list(thrum_context *context,
                                              thrum_deferred *const *members,
                                              size_t count, unsigned flags);

THRUM_END

#endif
