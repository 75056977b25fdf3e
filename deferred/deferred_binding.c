/* SPDX-License-Identifier: MIT */
/*
 * What a binding to another language asks for: a callback that answers through
 * a pointer, everything that can be seen of a Deferred, a pointer of its own.
 */
#include "deferred/debug.h"

/* ---- Callbacks that answer through a pointer ---- */

typedef struct foreign {
    thrum_context *context;
    thrum_foreign_fn *fn;
    void *ctx;
    thrum_free_fn *free;
} foreign;

static thrum_outcome foreign_call(foreign *self, const thrum_outcome *in)
{
    thrum_outcome out = thrum_keep();

    self->fn(in, &out, self->ctx);
    return out;
}

static thrum_outcome foreign_value(void *value, void *ctx)
{
    thrum_outcome in = thrum_value(value, NULL);

    return foreign_call(ctx, &in);
}

static thrum_outcome foreign_failure(const thrum_failure *why, void *ctx)
{
    thrum_outcome in = thrum_fail((thrum_failure *)why);

    return foreign_call(ctx, &in);
}

static void foreign_end(void *ctx)
{
    foreign *self = ctx;
    thrum_context *context = self->context;

    thrum__free(self->ctx, self->free);
    thrum__drop(context, self);
    thrum__context_leave(context);
}

int thrum_deferred_add_foreign(thrum_deferred *deferred, thrum_foreign_fn *fn,
                               void *ctx, thrum_free_fn *free)
{
    deferred_pair pair = {foreign_value, foreign_failure, NULL, foreign_end};
    foreign *self = NULL;

    THRUM__HERE_OF(deferred);
    if (deferred != NULL)
        self = thrum__make(deferred->context, sizeof *self);
    if (self == NULL) {
        thrum__free(ctx, free);
        if (deferred != NULL)
            thrum__deferred_lose(deferred);
        return THRUM_E_NOMEM;
    }
    *self = (foreign){thrum__context_keep(deferred->context), fn, ctx, free};
    pair.ctx = self;
    return thrum__deferred_add(deferred, &pair) ? 0 : THRUM_E_NOMEM;
}

/* ---- What can be seen ---- */

thrum_deferred_info thrum_deferred_inspect(const thrum_deferred *self)
{
    thrum_deferred_info info = {.state = THRUM_DEFERRED_FAILURE, .fired = 1};

    THRUM__HERE_OF(self);
    if (self == NULL) {
        info.failure = thrum_failure_no_memory();
        return info;
    }
    info = (thrum_deferred_info){
        .state = (thrum_deferred_state)self->state,
        .fired = self->fired,
        .running = self->running,
        .pauses = self->pauses,
        .pairs = thrum__deferred_pairs(self),
        .operation = self->operation,
        .file = self->file,
        .line = self->line,
    };
    if (self->state == DEFERRED_VALUE)
        info.value = thrum__shown(self->result, self->free);
    else if (self->state == DEFERRED_FAILURE)
        info.failure = self->result;
    else if (self->state == DEFERRED_WAITING)
        info.waits_on = self->result;
    else
        info.waits_on = thrum__chain_from(self);
    if (self->watched)
        info.made_file = thrum__debug_made(self, &info.made_line);
    return info;
}

void thrum_deferred_mark_handled(thrum_deferred *self)
{
    THRUM__HERE_OF(self);
    if (self != NULL && self->state == DEFERRED_FAILURE)
        self->handled = true;
}

/* ---- A pointer of its own ---- */

int thrum_deferred_set_user(thrum_deferred *self, void *data,
                            thrum_free_fn *free)
{
    deferred_rare *rare = NULL;
    void *old;
    thrum_free_fn *old_free;

    THRUM__HERE_OF(self);
    if (self != NULL)
        rare = thrum__deferred_rare(self);
    if (rare == NULL) {
        thrum__free(data, free);
        return THRUM_E_NOMEM;
    }
    old = rare->user;
    old_free = rare->user_free;
    rare->user = data;
    rare->user_free = free;
    thrum__free(old, old_free);
    return 0;
}

void *thrum_deferred_user(const thrum_deferred *self)
{
    THRUM__HERE_OF(self);
    return self != NULL && self->rare != NULL ? self->rare->user : NULL;
}
