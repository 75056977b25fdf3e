/* SPDX-License-Identifier: MIT */
#include "deferred/each.h"
#include "deferred/results.h"

static void *collect_new(thrum_context *context)
{
    return thrum__results_new(context);
}

static void *collect_open(void *result)
{
    return thrum__results_append(result);
}

static void collect_close(void *result, size_t index, thrum__ending how)
{
    if (how.failed)
        thrum__results_fail(result, index, how.what);
    else
        thrum__results_succeed(result, index, how.what, how.free);
}

thrum_deferred *thrum_each_collect(thrum_cooperator *cooperator,
                                   thrum_step_fn *step, void *it,
                                   thrum_free_fn *free, size_t open)
{
    static const thrum__each_policy policy = {
        .operation = "each collect",
        .start = collect_new,
        .open = collect_open,
        .close = collect_close,
        .free = thrum__results_unref,
    };
    thrum__iterator iterator = {step, it, free};

    return thrum__each(cooperator, &policy, iterator, open);
}
