/* SPDX-License-Identifier: MIT */
#include "reactor/slow.h"

#include <stdio.h>

#include "base/base.h"
#include "deferred/deferred.h"
#include "reactor/loop.h"

enum { SLOW_WORDS = 400 };

/* Of two replaced within one call, the second was not in use. */
static void slow_drop(thrum__slow *self)
{
    void *ctx = self->ctx;
    thrum_free_fn *free = self->free;

    self->fn = NULL;
    self->ctx = NULL;
    self->free = NULL;
    if (self->calling && self->spent_free == NULL) {
        self->spent = ctx;
        self->spent_free = free;
        return;
    }
    thrum__free(ctx, free);
}

static void slow_tell(thrum__slow *self, const char *what, thrum_ns took)
{
    thrum_free_fn *free;

    if (self->fn == NULL) {
        thrum_context_log(self->context, THRUM_LOG_WARNING,
                          "%s held the loop for %.3f ms", what,
                          (double)took / (double)THRUM_MS);
        return;
    }
    self->calling = true;
    self->fn(what, took, self->ctx);
    self->calling = false;
    free = self->spent_free;
    self->spent_free = NULL;
    thrum__free(self->spent, free);
}

/* The limit may have gone meanwhile; and what is told of may itself be told in
 * a call that is measured. */
void thrum__slow_check(thrum__slow *self, thrum__timed timed, const char *of)
{
    char what[SLOW_WORDS];
    thrum_ns took = thrum_clock_read(self->clock) - timed.since;

    if (self->limit == 0 || took <= self->limit || self->calling)
        return;
    snprintf(what, sizeof what, "%s%s%s", of != NULL ? of : "",
             of != NULL ? " of " : "",
             timed.place != NULL ? timed.place : "(no name)");
    slow_tell(self, what, took);
}

void thrum__slow_fire(thrum__slow *self, thrum_deferred *deferred, void *value,
                      thrum_free_fn *free)
{
    thrum__timed timed = thrum__slow_begin(self, deferred->operation);

    thrum_deferred_fire(deferred, value, free);
    thrum__slow_end(self, timed, "callbacks");
}

void thrum__slow_fail(thrum__slow *self, thrum_deferred *deferred,
                      thrum_failure *why)
{
    thrum__timed timed = thrum__slow_begin(self, deferred->operation);

    thrum_deferred_fail(deferred, why);
    thrum__slow_end(self, timed, "callbacks");
}

void thrum_reactor_on_slow(thrum_reactor *reactor, thrum_ns limit,
                           thrum_slow_fn *fn, void *ctx, thrum_free_fn *free)
{
    thrum__slow *self = &reactor->slow;

    slow_drop(self);
    self->limit = limit > 0 ? limit : 0;
    self->fn = fn;
    self->ctx = ctx;
    self->free = free;
}

void thrum__slow_fini(thrum__slow *self)
{
    self->limit = 0;
    slow_drop(self);
}
