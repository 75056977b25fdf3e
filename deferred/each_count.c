/* SPDX-License-Identifier: MIT */
#include "deferred/deferred.h"
#include "deferred/each.h"

typedef struct each_tally {
    thrum_each_counts counts; /* first: the two are one address */
    thrum_context *context;
} each_tally;

static void *tally_new(thrum_context *context)
{
    each_tally *self = thrum__make(context, sizeof *self);

    if (self != NULL)
        *self = (each_tally){.context = thrum__context_keep(context)};
    return self;
}

static void tally_free(void *value)
{
    each_tally *self = value;
    thrum_context *context = self->context;

    thrum__drop(context, self);
    thrum__context_leave(context);
}

static void tally_close(void *result, size_t index, thrum__ending how)
{
    each_tally *self = result;

    (void)index;
    if (how.failed) {
        self->counts.failed++;
        thrum_failure_unref(how.what);
    } else {
        self->counts.succeeded++;
        thrum__free(how.what, how.free);
    }
}

thrum_deferred *thrum_each_count(thrum_cooperator *cooperator,
                                 thrum_step_fn *step, void *it,
                                 thrum_free_fn *free, size_t open)
{
    static const thrum__each_policy policy = {
        .operation = "each count",
        .start = tally_new,
        .close = tally_close,
        .free = tally_free,
    };
    thrum__iterator iterator = {step, it, free};

    return thrum__each(cooperator, &policy, iterator, open);
}
