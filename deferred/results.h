/* SPDX-License-Identifier: MIT */
/*
 * What thrum_deferred_list and the groups have in common, which is all but a
 * few flags.
 */
#ifndef THRUM_DEFERRED_RESULTS_H
#define THRUM_DEFERRED_RESULTS_H

#include <thrum/deferred_list.h>
#include <thrum/group.h>

/* Beside thrum_list_flags. */
enum {
    /* All ended and no value: it fails with NONE_SUCCEEDED. */
    THRUM__RESULTS_NEED_A_VALUE = 8,
    /* What its members' failures would make of it while it is being cancelled
     * is CANCELLED, as of any other Deferred. */
    THRUM__RESULTS_SAY_CANCELLED = 16,
    THRUM__RESULTS_CANCEL_LOSERS = 32
};

typedef struct thrum__results_kind {
    const char *operation; /* static */
    unsigned flags;
} thrum__results_kind;

/* The Deferred of a group; config may be NULL. Ownership and errors: as
 * thrum_deferred_list. */
thrum_deferred *thrum__results_of(thrum_context *context,
                                  thrum_deferred *const *members, size_t count,
                                  const thrum__results_kind *kind,
                                  const thrum_group_config *config);

/* ---- Results without a group, for thrum_each_collect ---- */

/* Without a member. Ownership: new. Errors: NULL, no memory. */
thrum_results *thrum__results_new(thrum_context *context);

/* One more member, which has not ended. Answers where the results are now;
 * NULL: no memory, and they are as they were. */
thrum_results *thrum__results_append(thrum_results *results);

/* How a member ended, once. Ownership: value and why are taken. */
void thrum__results_succeed(thrum_results *results, size_t index, void *value,
                            thrum_free_fn *free);
void thrum__results_fail(thrum_results *results, size_t index,
                         thrum_failure *why);

/* One holder less. */
void thrum__results_unref(void *results);

#endif
