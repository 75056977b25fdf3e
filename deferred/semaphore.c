/* SPDX-License-Identifier: MIT */
/*
 * Tokens, and those who wait for one. A token that is given back goes straight
 * to the first who waits: while somebody waits, none is free.
 */
#include <thrum/semaphore.h>

#include "deferred/waiters.h"

struct thrum_semaphore {
    thrum_context *context;
    thrum__waiters waiters;
    thrum__ready ready;
    size_t limit, tokens;
    size_t refs; /* the owner, each run that has a token, whoever calls back */
    bool freed;
};

thrum_semaphore *thrum_semaphore_new(thrum_context *context, size_t tokens)
{
    thrum_semaphore *self = thrum__make(context, sizeof *self);

    if (self == NULL)
        return NULL;
    *self = (thrum_semaphore){
        .context = thrum_context_ref(context),
        .limit = tokens > 0 ? tokens : 1,
        .refs = 1,
    };
    self->tokens = self->limit;
    thrum__waiters_init(&self->waiters);
    thrum__ready_init(&self->ready);
    return self;
}

static void semaphore_unref(thrum_semaphore *self)
{
    thrum_context *context = self->context;

    if (--self->refs > 0)
        return;
    thrum__drop(context, self);
    thrum_context_unref(context);
}

void thrum_semaphore_free(void *semaphore)
{
    thrum_semaphore *self = semaphore;
    thrum_failure *why;

    if (self == NULL || self->freed)
        return;
    self->freed = true;
    why = thrum_failure_new(self->context, &thrum_domain_deferred,
                            THRUM_DEFERRED_E_ABANDONED, NULL);
    thrum__waiters_end(&self->waiters, &self->ready, why);
    thrum_failure_unref(why);
    thrum__ready_run_now(&self->ready);
    semaphore_unref(self);
}

/* Gives the Deferred a token, or a place among those who wait; false without
 * memory. */
static bool semaphore_give(thrum_semaphore *self, thrum_deferred *deferred)
{
    if (!self->freed && self->tokens == 0)
        return thrum__waiters_add(&self->waiters, deferred, NULL, NULL);
    if (self->freed) { /* by one whom it tells so, or who got a token */
        thrum_deferred_abandon(deferred);
    } else {
        self->tokens--;
        thrum_deferred_fire(deferred, NULL, NULL);
    }
    return true;
}

thrum_deferred *thrum_semaphore_acquire(thrum_semaphore *self)
{
    thrum_deferred *deferred =
        thrum_deferred_new(self->context, "semaphore acquire");

    THRUM__HERE_OF(self);
    if (deferred == NULL || semaphore_give(self, deferred))
        return deferred;
    thrum__deferred_discard(deferred);
    return NULL;
}

int thrum_semaphore_release(thrum_semaphore *self)
{
    THRUM__HERE_OF(self);
    if (self->tokens == self->limit)
        return THRUM_E_INVALID;
    if (self->waiters.head == NULL) {
        self->tokens++;
        return 0;
    }
    thrum__waiters_settle(&self->waiters, &self->ready, DEFERRED_VALUE, NULL,
                          NULL);
    self->refs++;
    thrum__ready_run(&self->ready);
    semaphore_unref(self);
    return 0;
}

/* ---- Run ---- */

/* Two pairs of one Deferred: the first makes the call, the second, which its
 * answer reaches, gives the token back. Both stand in the chain before there
 * is a token, so that none is lost for want of memory. */
typedef struct semaphore_run {
    thrum_semaphore *semaphore; /* a reference */
    thrum_outcome (*fn)(void *ctx);
    void *ctx;
    thrum_free_fn *free;
    unsigned refs;
    bool has_token;
} semaphore_run;

static void run_unref(void *ctx)
{
    semaphore_run *self = ctx;
    thrum_semaphore *semaphore = self->semaphore;

    if (--self->refs > 0)
        return;
    thrum__free(self->ctx, self->free);
    thrum__drop(semaphore->context, self);
    semaphore_unref(semaphore);
}

static thrum_outcome run_begin(void *value, void *ctx)
{
    semaphore_run *self = ctx;

    (void)value;
    if (self->fn == NULL)
        return thrum_keep();
    self->has_token = true;
    return self->fn(self->ctx);
}

static thrum_outcome run_succeeded(void *value, void *ctx)
{
    semaphore_run *self = ctx;

    (void)value;
    if (self->has_token)
        thrum_semaphore_release(self->semaphore);
    return thrum_keep();
}

static thrum_outcome run_failed(const thrum_failure *why, void *ctx)
{
    (void)why;
    return run_succeeded(NULL, ctx);
}

static semaphore_run *run_ref(semaphore_run *self)
{
    self->refs++;
    return self;
}

static bool run_listen(semaphore_run *self, thrum_deferred *deferred)
{
    return thrum__deferred_listen(deferred, run_begin, NULL, run_ref(self),
                                  run_unref) == 0 &&
           thrum__deferred_listen(deferred, run_succeeded, run_failed,
                                  run_ref(self), run_unref) == 0;
}

static semaphore_run *run_new(thrum_semaphore *semaphore,
                              thrum_outcome (*fn)(void *ctx), void *ctx,
                              thrum_free_fn *free)
{
    semaphore_run *self = thrum__make(semaphore->context, sizeof *self);

    if (self == NULL) {
        thrum__free(ctx, free);
        return NULL;
    }
    *self = (semaphore_run){semaphore, fn, ctx, free, 1, false};
    semaphore->refs++;
    return self;
}

thrum_deferred *thrum_semaphore_run(thrum_semaphore *self,
                                    thrum_outcome (*fn)(void *ctx), void *ctx,
                                    thrum_free_fn *free)
{
    semaphore_run *run = run_new(self, fn, ctx, free);
    thrum_deferred *deferred;

    THRUM__HERE_OF(self);
    if (run == NULL)
        return NULL;
    deferred = thrum_deferred_new(self->context, "semaphore run");
    if (deferred != NULL &&
        !(run_listen(run, deferred) && semaphore_give(self, deferred))) {
        run->fn = NULL;
        thrum__deferred_discard(deferred);
        deferred = NULL;
    }
    run_unref(run);
    return deferred;
}

size_t thrum_semaphore_tokens(const thrum_semaphore *self)
{
    return self->tokens;
}

size_t thrum_semaphore_waiting(const thrum_semaphore *self)
{
    return self->waiters.count;
}
