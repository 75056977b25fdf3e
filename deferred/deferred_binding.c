/* SPDX-License-Identifier: MIT */
/*
 * What a binding to another language asks for: everything that can be seen
 * of a Deferred, and a pointer of its own.
 */
#include "deferred/debug.h"

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
