/* SPDX-License-Identifier: MIT */
/*
 * Deferreds that have their result when they are made.
 */
#include "deferred/deferred.h"

thrum_deferred *thrum_deferred_succeed(thrum_context *context, void *value,
                                       thrum_free_fn *free)
{
    thrum_deferred *self = thrum_deferred_new(context, "succeed");

    thrum_deferred_fire(self, value, free);
    return self;
}

thrum_deferred *thrum_deferred_failed(thrum_context *context,
                                      thrum_failure *why)
{
    thrum_deferred *self = thrum_deferred_new(context, "failed");

    thrum_deferred_fail(self, why);
    return self;
}

thrum_deferred *thrum_deferred_maybe(thrum_context *context,
                                     thrum_outcome (*fn)(void *ctx), void *ctx)
{
    thrum_outcome outcome = fn(ctx);

    switch (outcome.kind) {
    case THRUM_OUTCOME_WAIT:
        return outcome.ptr;
    case THRUM_OUTCOME_FAILURE:
        return thrum_deferred_failed(context, outcome.ptr);
    case THRUM_OUTCOME_VALUE:
        return thrum_deferred_succeed(context, outcome.ptr, outcome.free);
    default:
        return thrum_deferred_succeed(context, NULL, NULL);
    }
}
