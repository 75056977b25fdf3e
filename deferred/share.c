/* SPDX-License-Identifier: MIT */
/*
 * A share listens to one Deferred, its source, and keeps what comes of it. Each
 * consumer's Deferred is a waiter in a queue until then; what it gets is a hold
 * of the share, of which callbacks are shown the value (thrum__shown). So the
 * value lives as long as the hold, wherever that moves: to a Deferred that
 * waited, or into the results of a group.
 *
 * The waiters are told in a turn (base/turns.h), and cancelled as groups of the
 * one member that the source is: a share of a share is no recursion.
 */
#include <thrum/share.h>

#include "deferred/deferred.h"

typedef struct share_waiter {
    thrum__group group; /* first: the two are one address */
    thrum_share *share;
    thrum_deferred *deferred;        /* the producer's reference */
    struct share_waiter *next, **at; /* NULL at: it has left the queue */
} share_waiter;

struct thrum_share {
    thrum__turn turn;
    thrum_context *context;
    size_t refs;            /* its maker's, the source's pair, waiters, holds */
    thrum_deferred *source; /* NULL once it has ended; it does not go before */
    share_waiter *head, **tail;
    void *value; /* released with `free` */
    thrum_free_fn *free;
    void *shown; /* the value itself, where `value` is a hold of a share */
    thrum_failure *failure;
    const char *operation, *file; /* of the source */
    int line;
    bool asked;
};

static thrum_share *share_of_turn(thrum__turn *turn)
{
    return (thrum_share *)((char *)turn - offsetof(thrum_share, turn));
}

static void share_die(thrum__turn *turn)
{
    thrum_share *self = share_of_turn(turn);
    thrum_context *context = self->context;

    if (self->failure != NULL && !self->asked)
        thrum__unhandled(context, self->failure, self->operation, self->file,
                         self->line);
    thrum_failure_unref(self->failure);
    thrum__free(self->value, self->free);
    thrum__drop(context, self);
    thrum__context_leave(context);
}

void thrum__share_release(void *share)
{
    thrum_share *self = share;
    thrum_context *context;

    if (--self->refs > 0)
        return;
    context = thrum_context_ref(self->context);
    self->turn.take = share_die;
    thrum__turns_take(&context->deaths, &self->turn);
    thrum_context_unref(context);
}

void *thrum__share_value(const void *share)
{
    return ((const thrum_share *)share)->shown;
}

void thrum_share_free(void *share)
{
    if (share != NULL)
        thrum__share_release(share);
}

/* ---- The waiters ---- */

static void waiter_leave(share_waiter *waiter)
{
    *waiter->at = waiter->next;
    if (waiter->next != NULL)
        waiter->next->at = waiter->at;
    else
        waiter->share->tail = waiter->at;
    waiter->at = NULL;
}

static void waiter_enter(share_waiter *waiter)
{
    thrum_share *self = waiter->share;

    waiter->at = self->tail;
    *self->tail = waiter;
    self->tail = &waiter->next;
}

/* Its Deferred has its result. */
static void waiter_free(void *group)
{
    share_waiter *waiter = group;
    thrum_share *self = waiter->share;

    thrum__drop(self->context, waiter);
    thrum__share_release(self);
}

/* For thrum_deferred_cancel: the last one that waits takes the source along,
 * and is told when that was asked. */
static thrum_deferred *waiter_next(thrum__group *group)
{
    share_waiter *waiter = (share_waiter *)group;
    thrum_share *self = waiter->share;

    if (waiter->at != NULL) {
        waiter_leave(waiter);
        if (self->head == NULL && self->source != NULL)
            return thrum_deferred_ref(self->source);
    }
    thrum__deferred_fail_cancelled(waiter->deferred);
    return NULL;
}

static thrum_deferred *waiter_above(const thrum__group *group, const void **at)
{
    const share_waiter *waiter = (const share_waiter *)group;

    return waiter->at != NULL ? thrum__only(waiter->share->source, at) : NULL;
}

static void share_settle(thrum_share *self, thrum_deferred *deferred)
{
    if (self->failure != NULL) {
        thrum__deferred_settle(deferred, DEFERRED_FAILURE,
                               thrum_failure_ref(self->failure), NULL);
    } else {
        self->refs++;
        thrum__deferred_settle(deferred, DEFERRED_VALUE, self,
                               thrum__share_release);
    }
}

/* Tells all that wait, also those that come meanwhile. */
static void share_tell(thrum__turn *turn)
{
    thrum_share *self = share_of_turn(turn);

    while (self->head != NULL) {
        thrum_deferred *deferred = self->head->deferred;

        waiter_leave(self->head);
        share_settle(self, deferred);
        thrum__deferred_run(deferred);
    }
    thrum__share_release(self);
}

/* ---- The source ---- */

static void share_end(thrum_share *self)
{
    self->source = NULL;
    self->refs++;
    self->turn.take = share_tell;
    thrum__turns_take(&self->context->ends, &self->turn);
}

/* The value moves from the source to the share. */
static thrum_outcome share_value(void *value, void *ctx)
{
    thrum_share *self = ctx;

    self->value = thrum__deferred_give(self->source, &self->free);
    self->shown = value;
    share_end(self);
    return thrum_keep();
}

static thrum_outcome share_failure(const thrum_failure *why, void *ctx)
{
    thrum_share *self = ctx;

    self->failure = thrum_failure_ref(why);
    share_end(self);
    return thrum_done();
}

thrum_deferred *thrum__share_below(const deferred_pair *pair, const void **at)
{
    const thrum_share *self = pair->ctx;
    const share_waiter *waiter = *at;

    if (pair->callback != share_value)
        return NULL;
    waiter = waiter == NULL ? self->head : waiter->next;
    if (waiter == NULL)
        return NULL;
    *at = waiter;
    return waiter->deferred;
}

thrum_share *thrum_share_new(thrum_deferred *deferred)
{
    thrum_share *self;

    if (deferred == NULL)
        return NULL;
    self = thrum__make(deferred->context, sizeof *self);
    if (self == NULL) {
        thrum_deferred_unref(deferred);
        return NULL;
    }
    *self = (thrum_share){
        .context = thrum__context_keep(deferred->context),
        .refs = 2, /* the caller's, and the pair's */
        .source = deferred,
        .operation = deferred->operation,
        .file = deferred->file,
        .line = deferred->line,
    };
    self->tail = &self->head;
    if (thrum__deferred_join(deferred, share_value, share_failure, self,
                             thrum__share_release) != 0) {
        thrum__share_release(self);
        self = NULL;
    }
    thrum_deferred_unref(deferred);
    return self;
}

/* Puts a Deferred into the queue; false without memory. */
static bool share_enqueue(thrum_share *self, thrum_deferred *deferred)
{
    share_waiter *waiter = thrum__make(self->context, sizeof *waiter);

    if (waiter == NULL)
        return false;
    *waiter = (share_waiter){
        .group = {.next = waiter_next, .above = waiter_above},
        .share = self,
        .deferred = deferred,
    };
    self->refs++;
    if (thrum__deferred_on_cancel_group(deferred, &waiter->group,
                                        waiter_free) != 0)
        return false;
    waiter_enter(waiter);
    return true;
}

thrum_deferred *thrum_share_get(thrum_share *self)
{
    thrum_deferred *deferred = NULL;

    THRUM__HERE_OF(self);
    if (self != NULL)
        deferred = thrum_deferred_new(self->context, self->operation);
    if (deferred == NULL)
        return NULL;
    if (self->source == NULL && self->head == NULL) {
        share_settle(self, deferred);
        thrum__deferred_run(deferred);
    } else if (!share_enqueue(self, deferred)) {
        thrum__deferred_discard(deferred);
        return NULL;
    }
    self->asked = true;
    return deferred;
}
