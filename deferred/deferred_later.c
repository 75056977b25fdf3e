/* SPDX-License-Identifier: MIT */
#include <thrum/looping_call.h>

#include "deferred/deferred.h"

/* The clock's call only fires the Deferred; its first pair calls the function,
 * so that the answer is that of any callback. */
typedef struct later {
    thrum_context *context;
    thrum_clock *clock;
    thrum_call *call;         /* NULL once it is made or cancelled */
    thrum_deferred *deferred; /* the producer's reference */
    thrum_outcome (*fn)(void *ctx);
    void *ctx;
    thrum_free_fn *free;
    unsigned refs; /* the clock's call, the canceller, the two pairs */
} later;

static void later_unref(void *ctx)
{
    later *self = ctx;
    thrum_context *context = self->context;

    if (--self->refs > 0)
        return;
    thrum__free_once(self->ctx, &self->free);
    thrum__drop(context, self);
    thrum__context_leave(context);
}

static thrum_outcome later_begin(void *value, void *ctx)
{
    later *self = ctx;

    (void)value;
    return self->fn != NULL ? self->fn(self->ctx) : thrum_keep();
}

static void later_due(void *ctx)
{
    later *self = ctx;

    self->call = NULL;
    thrum_deferred_fire(self->deferred, NULL, NULL);
}

/* The clock lets go of the call. One that was neither made nor cancelled went
 * with the clock. */
static void later_leave(void *ctx)
{
    later *self = ctx;

    if (self->call != NULL) {
        self->call = NULL;
        thrum_deferred_abandon(self->deferred);
    }
    later_unref(self);
}

static thrum_cancelled later_cancel(thrum_deferred *deferred, void *ctx)
{
    later *self = ctx;
    thrum_call *call = self->call;

    (void)deferred;
    self->call = NULL;
    thrum_clock_cancel(self->clock, call);
    return THRUM_CANCELLED_STOPPED;
}

/* The answer has ended. */
static void later_end(void *ctx)
{
    later *self = ctx;

    thrum__free_once(self->ctx, &self->free);
    later_unref(self);
}

static later *later_ref(later *self)
{
    self->refs++;
    return self;
}

/* The second pair does nothing but go when the answer has ended. */
static bool later_prepare(later *self)
{
    return thrum_deferred_on_cancel(self->deferred, later_cancel,
                                    later_ref(self), later_unref) == 0 &&
           thrum__deferred_listen(self->deferred, later_begin, NULL,
                                  later_ref(self), later_unref) == 0 &&
           thrum__deferred_listen(self->deferred, NULL, NULL, later_ref(self),
                                  later_end) == 0;
}

static bool later_start(later *self, thrum_ns after)
{
    self->deferred = thrum_deferred_new(self->context, "later");
    if (self->deferred == NULL || !later_prepare(self))
        return false;
    self->call = thrum_clock_call_later(self->clock, after, later_due,
                                        later_ref(self), later_leave);
    return self->call != NULL;
}

thrum_deferred *thrum_deferred_later(thrum_context *context, thrum_clock *clock,
                                     thrum_ns after,
                                     thrum_outcome (*fn)(void *ctx), void *ctx,
                                     thrum_free_fn *free)
{
    later *self = thrum__make(context, sizeof *self);
    thrum_deferred *deferred;

    if (self == NULL) {
        thrum__free(ctx, free);
        return NULL;
    }
    *self = (later){
        .context = thrum__context_keep(context),
        .clock = clock,
        .fn = fn,
        .ctx = ctx,
        .free = free,
        .refs = 1,
    };
    if (!later_start(self, after)) {
        self->fn = NULL;
        thrum__deferred_discard(self->deferred);
        self->deferred = NULL;
    }
    deferred = self->deferred;
    later_unref(self);
    return deferred;
}
