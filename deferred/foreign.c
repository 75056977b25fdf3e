/* SPDX-License-Identifier: MIT */
/*
 * A function that answers through a pointer, in each of the forms that answer
 * by value. Of NULL, one that could not be made, each answers "no memory".
 */
#include "deferred/deferred.h"

struct thrum_foreign {
    thrum_context *context;
    thrum_foreign_fn *fn;
    void *ctx;
    thrum_free_fn *free;
};

thrum_foreign *thrum_foreign_new(thrum_context *context, thrum_foreign_fn *fn,
                                 void *ctx, thrum_free_fn *free)
{
    thrum_foreign *self = thrum__make(context, sizeof *self);

    if (self == NULL) {
        thrum__free(ctx, free);
        return NULL;
    }
    *self = (thrum_foreign){thrum__context_keep(context), fn, ctx, free};
    return self;
}

void thrum_foreign_free(void *foreign)
{
    thrum_foreign *self = foreign;
    thrum_context *context;

    if (self == NULL)
        return;
    context = self->context;
    thrum__free(self->ctx, self->free);
    thrum__drop(context, self);
    thrum__context_leave(context);
}

static thrum_outcome foreign_call(thrum_foreign *self, thrum_outcome in)
{
    thrum_outcome out = thrum_keep();

    if (self == NULL)
        return thrum_fail(NULL);
    self->fn(&in, &out, self->ctx);
    return out;
}

thrum_outcome thrum_foreign_callback(void *value, void *foreign)
{
    return foreign_call(foreign, thrum_value(value, NULL));
}

thrum_outcome thrum_foreign_errback(const thrum_failure *why, void *foreign)
{
    return foreign_call(foreign, thrum_fail((thrum_failure *)why));
}

thrum_outcome thrum_foreign_step(void *foreign)
{
    return foreign_call(foreign, thrum_value(NULL, NULL));
}

thrum_outcome thrum_foreign_turn(uint64_t turns, void *foreign)
{
    return foreign_call(foreign, thrum_value(&turns, NULL));
}

int thrum_deferred_add_foreign(thrum_deferred *deferred, thrum_foreign_fn *fn,
                               void *ctx, thrum_free_fn *free)
{
    deferred_pair pair = {thrum_foreign_callback, thrum_foreign_errback, NULL,
                          thrum_foreign_free};

    THRUM__HERE_OF(deferred);
    if (deferred == NULL) {
        thrum__free(ctx, free);
        return THRUM_E_NOMEM;
    }
    pair.ctx = thrum_foreign_new(deferred->context, fn, ctx, free);
    if (pair.ctx != NULL)
        return thrum__deferred_add(deferred, &pair) ? 0 : THRUM_E_NOMEM;
    thrum__deferred_lose(deferred);
    return THRUM_E_NOMEM;
}
