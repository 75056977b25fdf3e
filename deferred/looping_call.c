/* SPDX-License-Identifier: MIT */
/*
 * The rhythm is an origin and an interval: the nth beat is n intervals after
 * the origin, and whatever a call took, the next one is at the first beat after
 * its end. At most one call stands in the clock, and none while one is made or
 * waits.
 */
#include <thrum/looping_call.h>

#include <stddef.h>

#include "deferred/waiters.h"

struct thrum_looping_call {
    thrum__turn turn; /* in which its end is told */
    thrum_context *context;
    thrum_clock *clock;
    thrum_call *call;          /* in the clock, or NULL */
    thrum_deferred *waits_for; /* the consumer's reference, or NULL */
    thrum_looping_call_fn *fn;
    void *ctx;
    thrum_free_fn *free;
    thrum__waiters waiters; /* for the end */
    thrum__ready ready;
    thrum_failure *failure; /* with which it ended */
    thrum_ns origin, interval;
    uint64_t beat; /* of the last call */
    unsigned refs; /* the owner, the clock's calls, who listens, a callback */
    unsigned in_clock; /* calls that the clock has not let go of */
    bool keep_on;
    bool calling;
    bool stopped; /* no more calls */
    bool ended;   /* and none is under way */
    bool told;    /* somebody knows of the failure */
};

static void looping_unref(void *ctx)
{
    thrum_looping_call *self = ctx;
    thrum_context *context = self->context;

    if (--self->refs > 0)
        return;
    if (self->failure != NULL && !self->told)
        thrum__unhandled(context, self->failure, "looping call", NULL, 0);
    thrum_failure_unref(self->failure);
    thrum__free_once(self->ctx, &self->free);
    thrum__drop(context, self);
    thrum__context_leave(context);
}

/* ---- The end ---- */

static void looping_disarm(thrum_looping_call *self)
{
    thrum_call *call = self->call;

    self->call = NULL;
    thrum_clock_cancel(self->clock, call);
}

/* Tells those who wait for the end. */
static void looping_tell(thrum__turn *turn)
{
    thrum_looping_call *self =
        (thrum_looping_call *)((char *)turn -
                               offsetof(thrum_looping_call, turn));

    thrum__ready_run(&self->ready);
    thrum__free_once(self->ctx, &self->free);
    looping_unref(self);
}

/* Ends it: with a failure, or (NULL) well. They are told in a turn, since they
 * may be looping calls that end with it. */
static void looping_end(thrum_looping_call *self, thrum_failure *why)
{
    thrum_context *context;

    if (self->ended) {
        thrum_failure_unref(why);
        return;
    }
    self->refs++;
    self->stopped = self->ended = true;
    self->failure = why;
    looping_disarm(self);
    self->told = self->waiters.head != NULL;
    thrum__waiters_end(&self->waiters, &self->ready, why);
    context = thrum_context_ref(self->context);
    self->turn.take = looping_tell;
    thrum__turns_take(&context->ends, &self->turn);
    thrum_context_unref(context);
}

/* ---- The rhythm ---- */

static uint64_t looping_since_origin(thrum_looping_call *self)
{
    return (uint64_t)thrum_clock_now(self->clock) - (uint64_t)self->origin;
}

/* How long it is to the next beat; -1: time ends before that. */
static thrum_ns looping_until_next(thrum_looping_call *self)
{
    uint64_t interval = (uint64_t)self->interval;
    uint64_t since = looping_since_origin(self);
    thrum_ns now = thrum_clock_now(self->clock), until;

    if (interval == 0)
        return 0;
    until = (thrum_ns)(interval - since % interval);
    return now > 0 && until > INT64_MAX - now ? -1 : until;
}

static void looping_due(void *ctx);

/* The clock lets go of a call. The last one, if it was neither made nor
 * cancelled, went with the clock. */
static void looping_leave(void *ctx)
{
    thrum_looping_call *self = ctx;

    if (--self->in_clock == 0 && self->call != NULL) {
        self->call = NULL;
        looping_end(self,
                    thrum_failure_new(self->context, &thrum_domain_deferred,
                                      THRUM_DEFERRED_E_ABANDONED, NULL));
    }
    looping_unref(self);
}

/* Puts the next call into the clock; false without memory. */
static bool looping_arm(thrum_looping_call *self, thrum_ns after)
{
    if (after < 0)
        return true;
    self->refs++;
    self->in_clock++;
    self->call = thrum_clock_call_later(self->clock, after, looping_due, self,
                                        looping_leave);
    return self->call != NULL;
}

static void looping_next(thrum_looping_call *self)
{
    if (self->stopped)
        looping_end(self, NULL);
    else if (self->call == NULL && !looping_arm(self, looping_until_next(self)))
        looping_end(self, thrum_failure_no_memory());
}

/* ---- A call ---- */

/* Takes the failure. */
static void looping_fail(thrum_looping_call *self, thrum_failure *why)
{
    if (!self->keep_on) {
        looping_end(self, why);
        return;
    }
    thrum__unhandled(self->context, why, "looping call", NULL, 0);
    thrum_failure_unref(why);
    looping_next(self);
}

static void looping_waited(thrum_looping_call *self)
{
    thrum_deferred_unref(self->waits_for);
    self->waits_for = NULL;
}

static thrum_outcome looping_resume(void *value, void *ctx)
{
    (void)value;
    looping_waited(ctx);
    looping_next(ctx);
    return thrum_done();
}

static thrum_outcome looping_refuse(const thrum_failure *why, void *ctx)
{
    thrum_looping_call *self = ctx;

    looping_waited(self);
    if (self->stopped)
        looping_end(self, NULL);
    else
        looping_fail(self, thrum_failure_ref(why));
    return thrum_done();
}

/* It may go on all the same, and has its end then. */
static void looping_stop_waiting(thrum_looping_call *self)
{
    thrum_deferred *waits_for = thrum_deferred_ref(self->waits_for);

    thrum_deferred_cancel(waits_for);
    thrum_deferred_unref(waits_for);
}

thrum_deferred *thrum__looping_below(const deferred_pair *pair, const void **at)
{
    const thrum_looping_call *self = pair->ctx;

    return pair->callback == looping_resume
               ? thrum__waiters_next(&self->waiters, at)
               : NULL;
}

static void looping_wait(thrum_looping_call *self, thrum_deferred *on)
{
    int error = on != NULL ? thrum__waiters_circle(&self->waiters, on) : 0;

    if (error != 0) { /* it would wait for itself */
        looping_fail(self, thrum__circle_failure(on, error));
        thrum_deferred_unref(on);
        return;
    }
    self->waits_for = on;
    self->refs++;
    if (thrum__deferred_join(on, looping_resume, looping_refuse, self,
                             looping_unref) == 0) {
        if (self->stopped)
            looping_stop_waiting(self);
        return;
    }
    self->waits_for = NULL;
    thrum_deferred_cancel(on); /* its end would not be heard of */
    thrum_deferred_unref(on);
    looping_fail(self, thrum_failure_no_memory());
}

static void looping_answer(thrum_looping_call *self, thrum_outcome outcome)
{
    if (outcome.kind == THRUM_OUTCOME_WAIT) {
        looping_wait(self, outcome.ptr);
    } else if (outcome.kind == THRUM_OUTCOME_FAILURE) {
        looping_fail(self, outcome.ptr != NULL ? outcome.ptr
                                               : thrum_failure_no_memory());
    } else {
        if (outcome.kind == THRUM_OUTCOME_VALUE)
            thrum__outcome_drop(outcome);
        else if (outcome.kind != THRUM_OUTCOME_KEEP)
            self->stopped = true;
        looping_next(self);
    }
}

static void looping_due(void *ctx)
{
    thrum_looping_call *self = ctx;
    thrum_outcome outcome;
    uint64_t turns = 1;

    self->call = NULL;
    if (self->interval > 0) {
        uint64_t beat = looping_since_origin(self) / (uint64_t)self->interval;

        turns = beat - self->beat;
        self->beat = beat;
    }
    self->calling = true;
    outcome = self->fn(turns, self->ctx);
    self->calling = false;
    looping_answer(self, outcome);
}

/* ---- The owner ---- */

static void looping_set_rhythm(thrum_looping_call *self, thrum_ns interval)
{
    self->origin = thrum_clock_now(self->clock);
    self->interval = interval > 0 ? interval : 0;
    self->beat = 0;
}

thrum_looping_call *
thrum_looping_call_start(thrum_context *context, thrum_clock *clock,
                         const thrum_looping_call_config *config,
                         thrum_looping_call_fn *fn, void *ctx,
                         thrum_free_fn *free)
{
    thrum_looping_call *self = thrum__make(context, sizeof *self);

    if (self == NULL) {
        thrum__free(ctx, free);
        return NULL;
    }
    *self = (thrum_looping_call){
        .context = thrum__context_keep(context),
        .clock = clock,
        .fn = fn,
        .ctx = ctx,
        .free = free,
        .refs = 1,
        .keep_on = config->keep_on != 0,
    };
    thrum__waiters_init(&self->waiters);
    self->waiters.behind = &self->waits_for;
    thrum__ready_init(&self->ready);
    looping_set_rhythm(self, config->interval);
    if (config->now)
        self->beat--; /* the first call is a turn of its own */
    if (looping_arm(self, config->now ? 0 : looping_until_next(self)))
        return self;
    looping_unref(self);
    return NULL;
}

thrum_deferred *thrum_looping_call_when_done(thrum_looping_call *self)
{
    thrum_deferred *deferred =
        thrum_deferred_new(self->context, "looping call");

    THRUM__HERE_OF(self);
    if (deferred == NULL)
        return NULL;
    if (!self->ended) {
        if (thrum__waiters_add(&self->waiters, deferred, NULL, NULL))
            return deferred;
        thrum__deferred_discard(deferred);
        return NULL;
    }
    self->told = true;
    if (self->failure != NULL)
        thrum_deferred_fail(deferred, thrum_failure_ref(self->failure));
    else
        thrum_deferred_fire(deferred, NULL, NULL);
    return deferred;
}

void thrum_looping_call_stop(thrum_looping_call *self)
{
    THRUM__HERE_OF(self);
    if (self->stopped)
        return;
    self->stopped = true;
    self->refs++;
    if (self->waits_for != NULL)
        looping_stop_waiting(self);
    else if (!self->calling)
        looping_end(self, NULL);
    looping_unref(self);
}

void thrum_looping_call_set_interval(thrum_looping_call *self,
                                     thrum_ns interval)
{
    thrum_ns until;

    THRUM__HERE_OF(self);
    if (self->stopped)
        return;
    looping_set_rhythm(self, interval);
    until = looping_until_next(self);
    if (self->call != NULL && until >= 0) {
        thrum_clock_reset(self->clock, self->call, until);
    } else if (!self->calling && self->waits_for == NULL) {
        looping_disarm(self);
        looping_next(self);
    }
}

void thrum_looping_call_free(void *call)
{
    thrum_looping_call *self = call;

    if (self == NULL)
        return;
    thrum_looping_call_stop(self);
    looping_unref(self);
}
