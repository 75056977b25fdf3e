/* SPDX-License-Identifier: MIT */
#include "deferred/results.h"

enum {
    LIST_FLAGS = THRUM_LIST_FIRE_ON_ONE_CALLBACK |
                 THRUM_LIST_FIRE_ON_ONE_ERRBACK | THRUM_LIST_CONSUME_ERRORS
};

thrum_deferred *thrum_deferred_list(thrum_context *context,
                                    thrum_deferred *const *members,
                                    size_t count, unsigned flags)
{
    thrum__results_kind kind = {"deferred list", flags & LIST_FLAGS};

    return thrum__results_of(context, members, count, &kind, NULL);
}
