/* SPDX-License-Identifier: MIT */
/*
 * A time-out is a pair of the chain and a call of the clock with one block
 * between them. Whichever comes first tells the other by it: the pair cancels
 * the call, the call says that it was the one who cancelled.
 */
#include "deferred/deferred.h"

typedef struct timeout {
    thrum_context *context;
    thrum_deferred *deferred; /* as long as its pair has not run */
    thrum_clock *clock;
    thrum_call *call; /* NULL once it was made, or cancelled */
    thrum_errback_fn *convert;
    void *ctx;
    thrum_free_fn *free;
    unsigned refs;
    bool over; /* the call was made */
} timeout;

static void timeout_unref(timeout *self)
{
    thrum_context *context = self->context;

    if (--self->refs > 0)
        return;
    thrum__drop(context, self);
    thrum__context_leave(context);
}

static void timeout_cancel_call(timeout *self)
{
    thrum_call *call = self->call;

    self->call = NULL;
    thrum_clock_cancel(self->clock, call);
}

static thrum_outcome timeout_value(void *value, void *ctx)
{
    (void)value;
    timeout_cancel_call(ctx);
    return thrum_keep();
}

static thrum_outcome timeout_failure(const thrum_failure *why, void *ctx)
{
    timeout *self = ctx;

    timeout_cancel_call(self);
    if (!self->over || !thrum_failure_is(why, &thrum_domain_deferred,
                                         THRUM_DEFERRED_E_CANCELLED))
        return thrum_keep();
    if (self->convert != NULL)
        return self->convert(why, self->ctx);
    return thrum_fail(thrum_failure_because(
        thrum__deferred_failure(self->deferred, THRUM_DEFERRED_E_TIMEOUT),
        thrum_failure_ref(why)));
}

/* The pair goes, run or not. */
static void timeout_end(void *ctx)
{
    timeout *self = ctx;

    timeout_cancel_call(self);
    self->deferred = NULL;
    thrum__free(self->ctx, self->free);
    timeout_unref(self);
}

static void timeout_is_over(void *ctx)
{
    timeout *self = ctx;

    self->call = NULL;
    self->over = true;
    thrum_deferred_cancel(self->deferred);
}

/* The call goes: it was made, or cancelled, or its clock ends. */
static void timeout_call_end(void *ctx)
{
    timeout *self = ctx;

    self->call = NULL;
    timeout_unref(self);
}

/* Without memory the context is left to the caller. */
static timeout *timeout_new(thrum_deferred *deferred, thrum_clock *clock,
                            thrum_ns after)
{
    timeout *self = thrum__make(deferred->context, sizeof *self);

    if (self == NULL)
        return NULL;
    *self = (timeout){
        .context = thrum__context_keep(deferred->context),
        .deferred = deferred,
        .clock = clock,
        .refs = 2,
    };
    self->call = thrum_clock_call_later(clock, after, timeout_is_over, self,
                                        timeout_call_end);
    if (self->call != NULL)
        return self;
    timeout_unref(self);
    return NULL;
}

int thrum_deferred_timeout_as(thrum_deferred *deferred, thrum_clock *clock,
                              thrum_ns after, thrum_errback_fn *convert,
                              void *ctx, thrum_free_fn *free)
{
    deferred_pair pair = {timeout_value, timeout_failure, NULL, timeout_end};
    timeout *self = NULL;

    if (deferred != NULL)
        self = timeout_new(deferred, clock, after);
    if (self == NULL) {
        thrum__free(ctx, free);
        if (deferred != NULL)
            thrum__deferred_lose(deferred);
        return THRUM_E_NOMEM;
    }
    self->convert = convert;
    self->ctx = ctx;
    self->free = free;
    pair.ctx = self;
    return thrum__deferred_add(deferred, &pair) ? 0 : THRUM_E_NOMEM;
}
