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

#endif
