/* SPDX-License-Identifier: MIT */
/*
 * The chain. Every Deferred has a state, a result and a queue of pairs; all
 * callbacks of this library are called from one place, deferred_run_pairs.
 *
 * Waiting: when a callback answers "wait for that one", the waiting Deferred
 * (the outer) becomes an entry in the queue of the other (the inner), at the
 * place where it began to wait. When the inner's result gets there it moves to
 * the outer, and the loop goes on with the outer: a million that wait on each
 * other are a loop, not a recursion. The inner holds the outer by that entry
 * and the outer only points back, so no cycle of references can arise.
 *
 * Freeing needs no loop of its own: one that loses its last reference without
 * a result is abandoned, so whoever waits for it gets that result by the loop
 * above, and no Deferred is ever freed with callbacks left to run.
 */
#include "deferred/deferred.h"

#include <stddef.h>
#include <string.h>

_Static_assert(sizeof(void *) != 8 || sizeof(thrum_deferred) <= 104,
               "a Deferred costs 104 bytes, and one block");

static const char *deferred_describe(int code)
{
    switch (code) {
#define DEFERRED_DESCRIBE(name, value, words)                                  \
    case value:                                                                \
        return words;
        THRUM_DEFERRED_ERRORS(DEFERRED_DESCRIBE)
#undef DEFERRED_DESCRIBE
    default:
        return NULL;
    }
}

const thrum_domain thrum_domain_deferred = {"deferred", deferred_describe};

/* ---- Results ---- */

static void deferred_set(thrum_deferred *self, deferred_state state,
                         void *result, thrum_free_fn *free)
{
    self->state = (unsigned char)state;
    self->result = result;
    self->free = free;
}

static void deferred_replace(thrum_deferred *self, deferred_state state,
                             void *result, thrum_free_fn *free)
{
    void *old = self->result;
    thrum_free_fn *old_free = self->free;
    unsigned char old_state = self->state;

    deferred_set(self, state, result, free);
    if (old_state == DEFERRED_FAILURE)
        thrum_failure_unref(old);
    else if (old_state == DEFERRED_VALUE && old_free != NULL &&
             (state != DEFERRED_VALUE || old != result))
        old_free(old);
}

static thrum_failure *deferred_failure(thrum_deferred *self, int code)
{
    return thrum_failure_new(self->context, &thrum_domain_deferred, code, NULL);
}

static void deferred_drop_canceller(thrum_deferred *self)
{
    deferred_canceller *canceller = self->canceller;

    if (canceller == NULL)
        return;
    self->canceller = NULL;
    thrum__free(canceller->ctx, canceller->free);
    thrum_context_release(self->context, canceller);
}

void thrum__deferred_settle(thrum_deferred *self, deferred_state state,
                            void *result, thrum_free_fn *free)
{
    self->fired = true;
    deferred_set(self, state, result, free);
    if (self->canceller != NULL && !self->cancelling)
        deferred_drop_canceller(self);
}

/* ---- Pairs ---- */

/* The release function of an entry for one who waits: its address is the mark,
 * it is called for none. */
static void deferred_waiter(void *outer)
{
    (void)outer;
}

static inline bool deferred_push(thrum_deferred *self,
                                 const deferred_pair *pair)
{
    if (self->has_first || self->lost)
        return !self->lost &&
               thrum__pairs_push(&self->pairs, self->context, pair);
    self->pairs.first = *pair;
    self->has_first = true;
    return true;
}

static inline bool deferred_shift(thrum_deferred *self, deferred_pair *pair)
{
    if (!self->has_first)
        return false;
    *pair = self->pairs.first;
    if (self->pairs.more == NULL || !thrum__pairs_shift(&self->pairs))
        self->has_first = false;
    return true;
}

/* A pair was lost for want of memory: the chain fails where it stood. */
static void deferred_end_lost(thrum_deferred *self)
{
    self->lost = false;
    if (self->state != DEFERRED_FAILURE)
        deferred_replace(self, DEFERRED_FAILURE, thrum_failure_no_memory(),
                         NULL);
}

/* ---- Waiting ---- */

static bool deferred_would_wait_for_itself(thrum_deferred *self,
                                           const thrum_deferred *on)
{
    /* Only one that is waited for can stand at the end of on's chain: so a
     * long chain is walked neither when it grows at its head nor at its end. */
    while (on != self && self->waited_for && on->state == DEFERRED_WAITING)
        on = on->result;
    return on == self;
}

/* The result of `on` becomes that of `self`: first taken, since what is
 * replaced may look at `on` when it goes. */
static void deferred_move(thrum_deferred *self, thrum_deferred *on)
{
    deferred_state state = on->state;
    void *result = on->result;
    thrum_free_fn *free = on->free;

    deferred_set(on, DEFERRED_VALUE, NULL, NULL);
    deferred_replace(self, state, result, free);
}

/* Takes the consumer's reference of `on`. */
static void deferred_wait_for(thrum_deferred *self, thrum_deferred *on)
{
    deferred_pair waiter = {NULL, NULL, self, deferred_waiter};

    if (on == NULL) {
        deferred_replace(self, DEFERRED_FAILURE, thrum_failure_no_memory(),
                         NULL);
        return;
    }
    if (deferred_would_wait_for_itself(self, on)) {
        deferred_replace(
            self, DEFERRED_FAILURE,
            deferred_failure(self, THRUM_DEFERRED_E_WAITS_FOR_ITSELF), NULL);
    } else if (!on->running &&
               (on->state == DEFERRED_VALUE || on->state == DEFERRED_FAILURE)) {
        deferred_move(self, on);
    } else if (deferred_push(on, &waiter)) {
        self->refs++;
        on->waited_for = true;
        deferred_replace(self, DEFERRED_WAITING, on, NULL);
    } else {
        deferred_replace(self, DEFERRED_FAILURE, thrum_failure_no_memory(),
                         NULL);
    }
    thrum_deferred_unref(on);
}

void thrum__outcome_drop(thrum_outcome outcome)
{
    if (outcome.kind == THRUM_OUTCOME_VALUE)
        thrum__free(outcome.ptr, outcome.free);
    else if (outcome.kind == THRUM_OUTCOME_FAILURE)
        thrum_failure_unref(outcome.ptr);
    else if (outcome.kind == THRUM_OUTCOME_WAIT)
        thrum_deferred_unref(outcome.ptr);
}

/* ---- The loop ---- */

/* Makes the answer the result. Answers the Deferred to go on with, if it is
 * another one. */
static thrum_deferred *deferred_apply(thrum_deferred *self,
                                      thrum_outcome outcome)
{
    switch ((int)outcome.kind) {
    case THRUM_OUTCOME_DONE:
        deferred_replace(self, DEFERRED_VALUE, NULL, NULL);
        return NULL;
    case THRUM_OUTCOME_TAKEN:
        if (self->state == DEFERRED_FAILURE)
            thrum_failure_unref(self->result);
        deferred_set(self, DEFERRED_VALUE, NULL, NULL);
        return NULL;
    case THRUM_OUTCOME_VALUE:
        deferred_replace(self, DEFERRED_VALUE, outcome.ptr, outcome.free);
        return NULL;
    case THRUM_OUTCOME_FAILURE:
        if (outcome.ptr == NULL)
            outcome.ptr = thrum_failure_no_memory();
        deferred_replace(self, DEFERRED_FAILURE, outcome.ptr, NULL);
        return NULL;
    case THRUM_OUTCOME_WAIT:
        deferred_wait_for(self, outcome.ptr);
        return NULL;
    case THRUM__OUTCOME_RUN:
        return outcome.ptr;
    default: /* KEEP */
        return NULL;
    }
}

/* Runs pairs until there are none, or the chain waits. Answers the Deferred to
 * go on with, a reference to which the caller gets; else NULL. */
static thrum_deferred *deferred_run_pairs(thrum_deferred *self)
{
    deferred_pair pair;
    thrum_outcome outcome;
    thrum_deferred *next = NULL;

    while (next == NULL && self->state != DEFERRED_WAITING &&
           deferred_shift(self, &pair)) {
        if (pair.free == deferred_waiter) {
            next = pair.ctx;
            deferred_set(next, self->state, self->result, self->free);
            deferred_set(self, DEFERRED_VALUE, NULL, NULL);
            continue;
        }
        outcome.kind = THRUM_OUTCOME_KEEP;
        if (self->state == DEFERRED_VALUE && pair.callback != NULL)
            outcome = pair.callback(self->result, pair.ctx);
        else if (self->state == DEFERRED_FAILURE && pair.errback != NULL)
            outcome = pair.errback(self->result, pair.ctx);
        if (outcome.kind != THRUM_OUTCOME_KEEP)
            next = deferred_apply(self, outcome);
        if (pair.free != NULL)
            pair.free(pair.ctx);
    }
    if (self->lost && !self->has_first && self->state != DEFERRED_WAITING)
        deferred_end_lost(self);
    return next;
}

/* One that still has pairs when the loop leaves it for another is put aside.
 * Its result is a failure, or a value that has moved on, so the value's release
 * function makes room for the link; `running` keeps others from reading or
 * running it meanwhile. */
static void deferred_put_aside(thrum_deferred *self, thrum_deferred **aside)
{
    self->aside = *aside;
    *aside = self;
}

static thrum_deferred *deferred_take_up(thrum_deferred **aside)
{
    thrum_deferred *self = *aside;

    if (self != NULL) {
        *aside = self->aside;
        self->free = NULL;
    }
    return self;
}

void thrum__deferred_run(thrum_deferred *self)
{
    thrum_deferred *aside = NULL;

    self->running = true;
    while (self != NULL) {
        thrum_deferred *next = deferred_run_pairs(self);

        if (next != NULL && self->has_first) {
            deferred_put_aside(self, &aside);
        } else {
            self->running = false;
            thrum_deferred_unref(self);
        }
        if (next == NULL)
            next = deferred_take_up(&aside);
        self = next;
        if (self != NULL)
            self->running = true;
    }
}

/* ---- The producer ---- */

thrum_deferred *thrum_deferred_new(thrum_context *context,
                                   const char *operation)
{
    thrum_deferred *self = thrum_context_allocate(context, sizeof *self);

    if (self == NULL)
        return NULL;
    memset(&self->pairs.more, 0,
           sizeof *self - offsetof(thrum_deferred, pairs.more));
    self->context = context;
    context->refs++; /* thrum_context_ref, in line */
    self->result = NULL;
    self->free = NULL;
    self->operation = operation;
    self->refs = 2;
    return self;
}

void thrum__deferred_discard(thrum_deferred *self)
{
    thrum_deferred_fire(self, NULL, NULL);
    thrum_deferred_unref(self);
}

static int deferred_set_canceller(thrum_deferred *self,
                                  const deferred_canceller *canceller)
{
    if (self == NULL)
        return THRUM_E_NOMEM;
    if (self->fired)
        return THRUM_DEFERRED_E_FIRED;
    if (self->canceller != NULL || self->cancelling)
        return THRUM_E_INVALID;
    self->canceller = thrum_context_allocate(self->context, sizeof *canceller);
    if (self->canceller == NULL)
        return THRUM_E_NOMEM;
    *self->canceller = *canceller;
    return 0;
}

int thrum_deferred_on_cancel(thrum_deferred *self,
                             thrum_canceller_fn *canceller, void *ctx,
                             thrum_free_fn *free)
{
    deferred_canceller entry = {canceller, ctx, free};
    int error = THRUM_E_INVALID;

    if (canceller != NULL)
        error = deferred_set_canceller(self, &entry);
    if (error != 0)
        thrum__free(ctx, free);
    return error;
}

int thrum__deferred_on_cancel_group(thrum_deferred *self, thrum__group *group,
                                    thrum_free_fn *free)
{
    deferred_canceller entry = {NULL, group, free};
    int error = deferred_set_canceller(self, &entry);

    if (error != 0)
        thrum__free(group, free);
    return error;
}

/* A result for one that has its result: an error, but for the one late result
 * after a cancel, with which the producer's reference ends. */
static int deferred_late(thrum_deferred *self)
{
    if (!self->swallow)
        return THRUM_DEFERRED_E_FIRED;
    self->swallow = false;
    thrum_deferred_unref(self);
    return 0;
}

int thrum_deferred_fire(thrum_deferred *self, void *value, thrum_free_fn *free)
{
    if (self != NULL && !self->fired) {
        thrum__deferred_settle(self, DEFERRED_VALUE, value, free);
        thrum__deferred_run(self);
        return 0;
    }
    thrum__free(value, free);
    return self == NULL ? THRUM_E_NOMEM : deferred_late(self);
}

int thrum_deferred_fail(thrum_deferred *self, thrum_failure *why)
{
    if (self != NULL && !self->fired) {
        if (why == NULL)
            why = thrum_failure_no_memory();
        thrum__deferred_settle(self, DEFERRED_FAILURE, why, NULL);
        thrum__deferred_run(self);
        return 0;
    }
    thrum_failure_unref(why);
    return self == NULL ? THRUM_E_NOMEM : deferred_late(self);
}

void thrum_deferred_abandon(thrum_deferred *self)
{
    if (self == NULL)
        return;
    if (self->fired)
        deferred_late(self);
    else
        thrum_deferred_fail(self,
                            deferred_failure(self, THRUM_DEFERRED_E_ABANDONED));
}

/* ---- The consumer ---- */

static inline bool deferred_add(thrum_deferred *self, const deferred_pair *pair)
{
    if (!deferred_push(self, pair)) {
        thrum__free(pair->ctx, pair->free);
        return false;
    }
    if (!self->running &&
        (self->state == DEFERRED_VALUE || self->state == DEFERRED_FAILURE))
        thrum__deferred_run(thrum_deferred_ref(self));
    return true;
}

int thrum_deferred_add_at(thrum_deferred *self, thrum_callback_fn *callback,
                          thrum_errback_fn *errback, void *ctx,
                          thrum_free_fn *free, const char *file, int line)
{
    deferred_pair pair = {callback, errback, ctx, free};

    if (self == NULL) {
        thrum__free(ctx, free);
        return THRUM_E_NOMEM;
    }
    self->file = file;
    self->line = line;
    if (deferred_add(self, &pair))
        return 0;
    self->lost = true;
    return THRUM_E_NOMEM;
}

int thrum__deferred_listen(thrum_deferred *self, thrum_callback_fn *callback,
                           thrum_errback_fn *errback, void *ctx,
                           thrum_free_fn *free)
{
    deferred_pair pair = {callback, errback, ctx, free};

    if (self == NULL)
        thrum__free(ctx, free);
    return self != NULL && deferred_add(self, &pair) ? 0 : THRUM_E_NOMEM;
}

void thrum__deferred_fail_cancelled(thrum_deferred *self)
{
    thrum_deferred_fail(self,
                        deferred_failure(self, THRUM_DEFERRED_E_CANCELLED));
}

/* The canceller has answered. */
static void deferred_cancel_end(thrum_deferred *self, thrum_cancelled answer)
{
    self->cancelling = false;
    deferred_drop_canceller(self);
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
    deferred_canceller *canceller;
    thrum_cancelled answer = THRUM_CANCELLED_LATE;

    while (self->state == DEFERRED_WAITING)
        self = self->result;
    if (self->fired || self->cancelling)
        return;
    thrum_deferred_ref(self);
    self->cancelling = true;
    canceller = self->canceller;
    if (canceller != NULL && canceller->canceller == NULL) {
        ((thrum__group *)canceller->ctx)->up = *groups;
        *groups = self;
        return;
    }
    if (canceller != NULL)
        answer = canceller->canceller(self, canceller->ctx);
    deferred_cancel_end(self, answer);
}

void thrum_deferred_cancel(thrum_deferred *self)
{
    thrum_deferred *groups = NULL, *member;

    if (self != NULL)
        deferred_cancel_one(self, &groups);
    while (groups != NULL) {
        thrum__group *group = groups->canceller->ctx;

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
}

void thrum_deferred_finish_at(thrum_deferred *self, const char *file, int line)
{
    if (self == NULL)
        return;
    self->file = file;
    self->line = line;
    thrum_deferred_unref(self);
}

thrum_deferred *thrum_deferred_ref(thrum_deferred *self)
{
    if (self != NULL)
        self->refs++;
    return self;
}

static void deferred_destroy(thrum_deferred *self)
{
    thrum_context *context = self->context;

    if (self->state == DEFERRED_FAILURE)
        thrum__unhandled(context, self->result, self->operation, self->file,
                         self->line);
    if (self->state == DEFERRED_FAILURE || self->free != NULL)
        deferred_replace(self, DEFERRED_VALUE, NULL, NULL);
    if (self->pairs.more != NULL)
        thrum_context_release(context, self->pairs.more);
    thrum_context_release(context, self);
    thrum_context_unref(context);
}

void thrum_deferred_unref(thrum_deferred *self)
{
    if (self == NULL || --self->refs > 0)
        return;
    if (!self->fired) {
        /* The producer let go of it without a word. */
        self->refs = 1;
        thrum_deferred_abandon(self);
    } else {
        deferred_destroy(self);
    }
}
