/* SPDX-License-Identifier: MIT */
/*
 * What became of each member of a group, in the order in which they were given:
 * the value with which thrum_deferred_list, thrum_all, thrum_all_settled,
 * thrum_any and thrum_race fire, and thrum_each_collect, whose members are its
 * items.
 */
#ifndef THRUM_RESULTS_H
#define THRUM_RESULTS_H

#include <thrum/deferred.h>

THRUM_BEGIN

typedef struct thrum_results thrum_results;

/* How many members there are. */
THRUM_API size_t thrum_results_count(const thrum_results *results);

/* Whether a member succeeded (THRUM_DEFERRED_VALUE), failed, or has not ended
 * yet (THRUM_DEFERRED_PENDING). One may end after its group: then its value,
 * which nobody waits for, is released, and NULL is shown. */
THRUM_API thrum_deferred_state thrum_results_state(const thrum_results *results,
                                                   size_t index);

/* The value of one member; NULL when it failed, has none yet, or came late.
 * Ownership: borrowed; it lives as long as the results. */
THRUM_API void *thrum_results_value(const thrum_results *results, size_t index);

/* Takes the value of one member out: *free releases it, and the results show
 * NULL from now on. Of a thrum_share it stays where it is, with a *free of
 * NULL. Ownership: the caller's. */
THRUM_API void *thrum_results_take(thrum_results *results, size_t index,
                                   thrum_free_fn **free);

/* The failure of one member, or NULL when it did not fail.
 * Ownership: borrowed. */
THRUM_API const thrum_failure *
thrum_results_failure(const thrum_results *results, size_t index);

/* Which member succeeded first; the count when none did. */
THRUM_API size_t thrum_results_first(const thrum_results *results);

/* Which member failed, of a failure THRUM_DEFERRED_E_FIRST; SIZE_MAX of any
 * other. */
THRUM_API size_t thrum_results_first_failed(const thrum_failure *why);

THRUM_END

#endif
