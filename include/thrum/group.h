/* SPDX-License-Identifier: MIT */
/*
 * Several Deferreds as one, which takes and consumes its members: what becomes
 * of each is in the results, and nothing of a member reaches the unhandled
 * hook. (thrum_deferred_list is Twisted's, with Twisted's flags.)
 */
#ifndef THRUM_GROUP_H
#define THRUM_GROUP_H

#include <thrum/results.h>

THRUM_BEGIN

/* How a group behaves; NULL: all 0. */
typedef struct thrum_group_config {
    thrum_clock *clock; /* NULL: there is no deadline; outlives the group */
    thrum_ns within;    /* one deadline for all; 0: none */
    int cancel_losers;  /* 1: what decides the group cancels the rest */
} thrum_group_config;

/* Fires with a thrum_results when all have succeeded; fails at the first
 * failure, as THRUM_DEFERRED_E_FIRST, the member's failure beneath it and its
 * index by thrum_results_first_failed. With a deadline it fails, when that is
 * over (less than 0: in the clock's next turn), with THRUM_DEFERRED_E_TIMEOUT,
 * and the members are cancelled. Cancelling a group cancels its members; when
 * they make it fail then, or do not end, it fails with
 * THRUM_DEFERRED_E_CANCELLED.
 *
 * Members that are cancelled are so before the group's callbacks run, which
 * wait for none of them: one that goes on all the same ends unseen.
 * Ownership: new; the members' references are taken, also on error; a NULL
 * member has failed for want of memory. Calls back: may be fired already.
 * Errors: NULL, no memory; the members were then finished. */
THRUM_API thrum_deferred *thrum_all(thrum_context *context,
                                    thrum_deferred *const *members,
                                    size_t count,
                                    const thrum_group_config *config);

/* Fires with a thrum_results when all have ended, however they did. Else as
 * thrum_all. */
THRUM_API thrum_deferred *thrum_all_settled(thrum_context *context,
                                            thrum_deferred *const *members,
                                            size_t count,
                                            const thrum_group_config *config);

/* Fires with a thrum_results at the first success: thrum_results_first says
 * whose. Fails with THRUM_DEFERRED_E_NONE_SUCCEEDED when all have failed (at
 * once when there are none), the last failure beneath it. Else as thrum_all. */
THRUM_API thrum_deferred *thrum_any(thrum_context *context,
                                    thrum_deferred *const *members,
                                    size_t count,
                                    const thrum_group_config *config);

/* Takes the result of whichever ends first: fires with a thrum_results at a
 * value, fails as THRUM_DEFERRED_E_FIRST at a failure; NONE_SUCCEEDED when
 * there are no members. Else as thrum_all. */
THRUM_API thrum_deferred *thrum_race(thrum_context *context,
                                     thrum_deferred *const *members,
                                     size_t count,
                                     const thrum_group_config *config);

THRUM_END

#endif
