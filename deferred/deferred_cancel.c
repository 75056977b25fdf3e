/* SPDX-License-Identifier: MIT */
/*
 * Cancelling: who is asked to stop, and what becomes of the Deferred then.
 * Groups are cancelled by cancelling their members; groups of groups stand in a
 * list, so that no depth of them deepens the stack.
 */
#include "deferred/waiters.h"

deferred_rare *thrum__deferred_rare(thrum_deferred *self)
{
    if (self->rare == NULL) {
        self->rare = thrum__make(self->context, sizeof *self->rare);
        if (self->rare != NULL)
            *self->rare = (deferred_rare){0};
    }
    return self->rare;
}

void thrum__deferred_drop_canceller(thrum_deferred *self)
{
    deferred_rare *rare = self->rare;
    void *ctx;
    thrum_free_fn *free;

    if (!self->has_canceller)
        return;
    self->has_canceller = false;
    ctx = rare->ctx;
    free = rare->free;
    if (rare->user == NULL && rare->user_free == NULL) {
        self->rare = NULL;
        thrum__drop(self->context, rare);
    }
    thrum__free(ctx, free);
}

static int deferred_set_canceller(thrum_deferred *self,
                                  thrum_canceller_fn *canceller, void *ctx,
                                  thrum_free_fn *free)
{
    deferred_rare *rare;

    if (self == NULL)
        return THRUM_E_NOMEM;
    if (self->fired)
        return THRUM_DEFERRED_E_FIRED;
    if (self->has_canceller || self->cancelling)
        return THRUM_E_INVALID;
    rare = thrum__deferred_rare(self);
    if (rare == NULL)
        return THRUM_E_NOMEM;
    rare->canceller = canceller;
    rare->ctx = ctx;
    rare->free = free;
    self->has_canceller = true;
    self->has_above = canceller == NULL || canceller == thrum__waiter_cancel;
    return 0;
}

int thrum_deferred_on_cancel(thrum_deferred *self,
                             thrum_canceller_fn *canceller, void *ctx,
                             thrum_free_fn *free)
{
    int error = THRUM_E_INVALID;

    THRUM__HERE_OF(self);
    if (canceller != NULL)
        error = deferred_set_canceller(self, canceller, ctx, free);
    if (error != 0)
        thrum__free(ctx, free);
    return error;
}

int thrum__deferred_on_cancel_group(thrum_deferred *self, thrum__group *group,
                                    thrum_free_fn *free)
{
    int error = deferred_set_canceller(self, NULL, group, free);

    if (error != 0)
        thrum__free(group, free);
    return error;
}

void thrum__deferred_fail_cancelled(thrum_deferred *self)
{
    thrum_deferred_fail(
        self, thrum__deferred_failure(self, THRUM_DEFERRED_E_CANCELLED));
}

/* The canceller has answered. It is still being cancelled while the canceller's
 * context goes: who cancels it there would end the producer's reference twice.
 */
static void deferred_cancel_end(thrum_deferred *self, thrum_cancelled answer)
{
    thrum__deferred_drop_canceller(self);
    if (!self->fired) {
        if (answer == THRUM_CANCELLED_LATE) {
            self->swallow = true;
            thrum_deferred_ref(self); /* the producer's own goes on */
        }
        thrum__deferred_fail_cancelled(self);
    }
    thrum_deferred_unref(self);
}

/* Cancels what stands at the end of the chain. A group is only put before the
 * others: its members come first. */
static void deferred_cancel_one(thrum_deferred *self, thrum_deferred **groups)
{
    deferred_rare *rare;
    thrum_cancelled answer = THRUM_CANCELLED_LATE;

    while (self->state == DEFERRED_WAITING)
        self = self->result;
    if (self->fired || self->cancelling)
        return;
    thrum_deferred_ref(self);
    self->cancelling = true;
    rare = self->rare;
    if (self->has_canceller && rare->canceller == NULL) {
        ((thrum__group *)rare->ctx)->up = *groups;
        *groups = self;
        return;
    }
    if (self->has_canceller)
        answer = rare->canceller(self, rare->ctx);
    deferred_cancel_end(self, answer);
}

void thrum_deferred_cancel(thrum_deferred *self)
{
    thrum_deferred *groups = NULL, *member;
    thrum_context *context;

    THRUM__HERE_OF(self);
    if (self != NULL)
        deferred_cancel_one(self, &groups);
    if (groups == NULL)
        return;
    context = thrum_context_ref(groups->context);
    context->holding++;
    while (groups != NULL) {
        thrum__group *group = groups->rare->ctx;

        member = group->next(group);
        if (member != NULL) {
            deferred_cancel_one(member, &groups);
            thrum_deferred_unref(member);
        } else {
            self = groups;
            groups = group->up;
            deferred_cancel_end(self, THRUM_CANCELLED_LATE);
        }
    }
    context->holding--;
    thrum_context_unref(context);
}
