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
#include "deferred/debug.h"

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

static void deferred_replace(thrum_deferred *self, deferred_state state,
                             void *result, thrum_free_fn *free)
{
    void *old = self->result;
    thrum_free_fn *old_free = self->free;
    unsigned char old_state = self->state;

    thrum__deferred_set(self, state, result, free);
    if (old_state == DEFERRED_FAILURE)
        thrum_failure_unref(old);
    else if (old_state == DEFERRED_VALUE && old_free != NULL &&
             (state != DEFERRED_VALUE || old != result))
        old_free(old);
}

thrum_failure *thrum__deferred_failure(thrum_deferred *self, int code)
{
    return thrum_failure_new(self->context, &thrum_domain_deferred, code, NULL);
}

thrum_failure *thrum__circle_failure(thrum_deferred *self, int code)
{
    return code == THRUM_E_NOMEM ? thrum_failure_no_memory()
                                 : thrum__deferred_failure(self, code);
}

void thrum__deferred_settle(thrum_deferred *self, deferred_state state,
                            void *result, thrum_free_fn *free)
{
    self->fired = true;
    thrum__deferred_set(self, state, result, free);
    if (self->has_canceller && !self->cancelling)
        thrum__deferred_drop_canceller(self);
}

/* ---- Pairs ---- */

static bool deferred_push_more(thrum_deferred *self, deferred_pair pair)
{
    return !self->lost && thrum__pairs_push(&self->pairs, self->context, &pair);
}

/* By value: the pair that stands first goes there straight from registers. */
static inline bool deferred_push(thrum_deferred *self, deferred_pair pair)
{
    if (self->has_first || self->lost)
        return deferred_push_more(self, pair);
    self->pairs.first = pair;
    self->has_first = true;
    return true;
}

static inline bool deferred_shift(thrum_deferred *self, deferred_pair *pair)
{
    if (!self->has_first)
        return false;
    *pair = self->pairs.first;
    if (self->pairs.rest == 0 || !thrum__pairs_shift(&self->pairs))
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

/* The result of `on` becomes that of `self`: first taken, since what is
 * replaced may look at `on` when it goes. */
static void deferred_move(thrum_deferred *self, thrum_deferred *on)
{
    deferred_state state = on->state;
    void *result = on->result;
    thrum_free_fn *free = on->free;

    thrum__deferred_set(on, DEFERRED_VALUE, NULL, NULL);
    deferred_replace(self, state, result, free);
}

/* Takes the consumer's reference of `on`. */
static void deferred_wait_for(thrum_deferred *self, thrum_deferred *on)
{
    deferred_pair waiter = {NULL, NULL, self, thrum__deferred_waiter};
    int error;

    if (on == NULL) {
        deferred_replace(self, DEFERRED_FAILURE, thrum_failure_no_memory(),
                         NULL);
        return;
    }
    error = thrum__deferred_circle(self, on);
    if (error != 0) {
        deferred_replace(self, DEFERRED_FAILURE,
                         thrum__circle_failure(self, error), NULL);
    } else if (thrum__deferred_rests(on)) {
        deferred_move(self, on);
    } else if (deferred_push(on, waiter)) {
        self->refs++;
        thrum__deferred_add_heir(on);
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
        else if (self->free == thrum__share_release)
            return NULL; /* what is shared stays where it is */
        thrum__deferred_set(self, DEFERRED_VALUE, NULL, NULL);
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

/* Runs pairs until there are none, or the chain waits or is paused. Answers the
 * Deferred to go on with, a reference to which the caller gets; else NULL. */
static thrum_deferred *deferred_run_pairs(thrum_deferred *self)
{
    deferred_pair pair;
    thrum_outcome outcome;
    thrum_deferred *next = NULL;

    while (next == NULL && self->state != DEFERRED_WAITING &&
           self->pauses == 0 && deferred_shift(self, &pair)) {
        if (pair.free == thrum__deferred_waiter) {
            next = pair.ctx;
            thrum__deferred_remove_heir(self);
            thrum__deferred_set(next, self->state, self->result, self->free);
            thrum__deferred_set(self, DEFERRED_VALUE, NULL, NULL);
            continue;
        }
        outcome.kind = THRUM_OUTCOME_KEEP;
        if (self->state == DEFERRED_VALUE && pair.callback != NULL)
            outcome =
                pair.callback(thrum__shown(self->result, self->free), pair.ctx);
        else if (self->state == DEFERRED_FAILURE && pair.errback != NULL)
            outcome = pair.errback(self->result, pair.ctx);
        if (outcome.kind != THRUM_OUTCOME_KEEP)
            next = deferred_apply(self, outcome);
        if (pair.free != NULL)
            pair.free(pair.ctx);
    }
    if (self->lost && !self->has_first && self->pauses == 0 &&
        self->state != DEFERRED_WAITING)
        deferred_end_lost(self);
    return next;
}

/* One that still has pairs when the loop leaves it for another is put aside.
 * Its result is a failure, or a value that has moved on, so the value's release
 * function makes room for the link; `running` keeps others from reading or
 * running it meanwhile. */
static void deferred_put_aside(thrum_deferred *self, thrum_deferred **aside)
{
    self->context->holding++;
    self->aside = *aside;
    *aside = self;
}

static thrum_deferred *deferred_take_up(thrum_deferred **aside)
{
    thrum_deferred *self = *aside;

    if (self != NULL) {
        *aside = self->aside;
        self->free = NULL;
        self->context->holding--;
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
            if (self->state == DEFERRED_FAILURE && self->context->watch != NULL)
                thrum__debug_settled(self);
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

static inline thrum_deferred *deferred_init(thrum_deferred *self,
                                            thrum_context *context,
                                            const char *operation, bool watched)
{
    if (self == NULL)
        return NULL;
    memset(&self->pairs.rest, 0,
           sizeof *self - offsetof(thrum_deferred, pairs.rest));
    self->context = context;
    context->refs++; /* thrum_context_ref, in line */
    self->result = NULL;
    self->free = NULL;
    self->operation = operation;
    self->refs = 2;
    self->watched = watched;
    return self;
}

thrum_deferred *thrum_deferred_new_at(thrum_context *context,
                                      const char *operation, const char *file,
                                      int line)
{
    THRUM__HERE(context);
    if (context->watch != NULL) {
        bool watched;
        thrum_deferred *self =
            thrum__debug_allocate(context, file, line, &watched);

        return deferred_init(self, context, operation, watched);
    }
    return deferred_init(thrum__make(context, sizeof(thrum_deferred)), context,
                         operation, false);
}

void thrum__deferred_discard(thrum_deferred *self)
{
    thrum_deferred_fire(self, NULL, NULL);
    thrum_deferred_unref(self);
}

int thrum__deferred_late(thrum_deferred *self)
{
    if (!self->swallow)
        return THRUM_DEFERRED_E_FIRED;
    self->swallow = false;
    thrum_deferred_unref(self);
    return 0;
}

int thrum_deferred_fire(thrum_deferred *self, void *value, thrum_free_fn *free)
{
    THRUM__HERE_OF(self);
    if (self != NULL && !self->fired) {
        thrum__deferred_settle(self, DEFERRED_VALUE, value, free);
        thrum__deferred_run(self);
        return 0;
    }
    thrum__free(value, free);
    return self == NULL ? THRUM_E_NOMEM : thrum__deferred_late(self);
}

int thrum_deferred_fail(thrum_deferred *self, thrum_failure *why)
{
    THRUM__HERE_OF(self);
    if (self != NULL && !self->fired) {
        if (why == NULL)
            why = thrum_failure_no_memory();
        thrum__deferred_settle(self, DEFERRED_FAILURE, why, NULL);
        thrum__deferred_run(self);
        return 0;
    }
    thrum_failure_unref(why);
    return self == NULL ? THRUM_E_NOMEM : thrum__deferred_late(self);
}

void thrum_deferred_abandon(thrum_deferred *self)
{
    THRUM__HERE_OF(self);
    if (self == NULL)
        return;
    if (self->fired)
        thrum__deferred_late(self);
    else
        thrum_deferred_fail(
            self, thrum__deferred_failure(self, THRUM_DEFERRED_E_ABANDONED));
}

/* ---- The consumer ---- */

static inline bool deferred_add(thrum_deferred *self, deferred_pair pair)
{
    if (!deferred_push(self, pair)) {
        thrum__free(pair.ctx, pair.free);
        return false;
    }
    if (thrum__deferred_rests(self))
        thrum__deferred_run(thrum_deferred_ref(self));
    return true;
}

void thrum__deferred_lose(thrum_deferred *self)
{
    self->lost = true;
    if (thrum__deferred_rests(self))
        thrum__deferred_run(thrum_deferred_ref(self));
}

static inline bool deferred_add_or_lose(thrum_deferred *self,
                                        deferred_pair pair)
{
    bool added = deferred_add(self, pair);

    if (!added)
        thrum__deferred_lose(self);
    return added;
}

bool thrum__deferred_add(thrum_deferred *self, const deferred_pair *pair)
{
    return deferred_add_or_lose(self, *pair);
}

int thrum_deferred_add_at(thrum_deferred *self, thrum_callback_fn *callback,
                          thrum_errback_fn *errback, void *ctx,
                          thrum_free_fn *free, const char *file, int line)
{
    deferred_pair pair = {callback, errback, ctx, free};

    THRUM__HERE_OF(self);
    if (self == NULL) {
        thrum__free(ctx, free);
        return THRUM_E_NOMEM;
    }
    self->file = file;
    self->line = line;
    return deferred_add_or_lose(self, pair) ? 0 : THRUM_E_NOMEM;
}

int thrum_deferred_add_first(thrum_deferred *self, thrum_callback_fn *callback,
                             thrum_errback_fn *errback, void *ctx,
                             thrum_free_fn *free)
{
    deferred_pair pair = {callback, errback, ctx, free};

    THRUM__HERE_OF(self);
    if (self != NULL && self->has_first && !self->lost &&
        thrum__pairs_push_first(&self->pairs, self->context, &pair))
        return 0;
    if (self != NULL && !self->has_first)
        return thrum__deferred_add(self, &pair) ? 0 : THRUM_E_NOMEM;
    thrum__free(ctx, free);
    if (self != NULL)
        thrum__deferred_lose(self);
    return THRUM_E_NOMEM;
}

int thrum__deferred_listen(thrum_deferred *self, thrum_callback_fn *callback,
                           thrum_errback_fn *errback, void *ctx,
                           thrum_free_fn *free)
{
    deferred_pair pair = {callback, errback, ctx, free};

    if (self == NULL)
        thrum__free(ctx, free);
    return self != NULL && deferred_add(self, pair) ? 0 : THRUM_E_NOMEM;
}

int thrum__deferred_join_kept(thrum_deferred *self, const deferred_pair *pair)
{
    bool added;

    self->joined = true;
    if (!self->has_first || self->lost)
        added = deferred_push(self, *pair);
    else
        added = thrum__pairs_push_kept(&self->pairs, self->context, pair);
    if (added && thrum__deferred_rests(self))
        thrum__deferred_run(thrum_deferred_ref(self));
    return added ? 0 : THRUM_E_NOMEM;
}

int thrum_deferred_take(thrum_deferred *self, void **value,
                        thrum_free_fn **free, thrum_failure **why)
{
    THRUM__HERE_OF(self);
    *value = NULL;
    *free = NULL;
    *why = NULL;
    if (self == NULL)
        return THRUM_E_NOMEM;
    if (!thrum__deferred_rests(self))
        return THRUM_DEFERRED_E_NO_RESULT;
    if (self->state == DEFERRED_FAILURE) {
        *why = self->result;
    } else if (self->free == thrum__share_release) {
        *value = thrum__share_value(self->result);
        return 0; /* what is shared stays where it is */
    } else {
        *value = self->result;
        *free = self->free;
    }
    thrum__deferred_set(self, DEFERRED_VALUE, NULL, NULL);
    return 0;
}

void thrum_deferred_finish_at(thrum_deferred *self, const char *file, int line)
{
    THRUM__HERE_OF(self);
    if (self == NULL)
        return;
    self->file = file;
    self->line = line;
    thrum_deferred_unref(self);
}

thrum_deferred *thrum_deferred_ref(thrum_deferred *self)
{
    THRUM__HERE_OF(self);
    if (self != NULL)
        self->refs++;
    return self;
}

static void deferred_destroy(thrum_deferred *self)
{
    thrum_context *context = self->context;

    if (self->state == DEFERRED_FAILURE && !self->handled)
        thrum__unhandled(context, self->result, self->operation, self->file,
                         self->line);
    if (self->state == DEFERRED_FAILURE || self->free != NULL)
        deferred_replace(self, DEFERRED_VALUE, NULL, NULL);
    if (self->rare != NULL) {
        thrum__free(self->rare->user, self->rare->user_free);
        thrum__drop(context, self->rare);
    }
    if (self->pairs.rest != 0)
        thrum__pairs_fini(&self->pairs, context);
    if (self->watched)
        thrum__debug_release(self);
    else
        thrum__drop(context, self);
    thrum__context_unref(context);
}

static void deferred_end(thrum_deferred *self)
{
    if (!self->fired) {
        /* The producer let go of it without a word. */
        self->refs = 1;
        thrum_deferred_abandon(self);
    } else {
        deferred_destroy(self);
    }
}

void thrum_deferred_unref(thrum_deferred *self)
{
    THRUM__HERE_OF(self);
    if (self != NULL && --self->refs == 0)
        deferred_end(self);
}
