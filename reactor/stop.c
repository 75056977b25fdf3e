/* SPDX-License-Identifier: MIT */
/*
 * Starting and stopping in order. A stop is asked for at any time, and goes on
 * at the end of each turn, in one place: the triggers of a phase are called,
 * the last that was asked for first, and when none waits for anything any
 * more, the next phase begins. Meanwhile the stop holds the loop.
 *
 * What a trigger waits for is held by the trigger; when it ends, the trigger
 * is released. One that does not end even by being cancelled (its chain waits
 * for something else) loses its reactor instead, and is released when it does.
 */
#include <signal.h>
#include <string.h>

#include "base/base.h"
#include "reactor/loop.h"

#define STOP_WITHIN (30 * THRUM_S)

struct thrum_trigger {
    thrum__link link;       /* first */
    thrum_reactor *reactor; /* NULL: it is not waited for any more */
    thrum_context *context;
    thrum_trigger_phase phase;
    thrum_trigger_fn *fn;
    void *ctx;
    thrum_free_fn *free;
    const char *place;
    thrum_deferred *on; /* what it waits for */
    bool cancelled;
};

void thrum__stop_init(thrum__stop *self, thrum_ns within)
{
    memset(self, 0, sizeof *self);
    for (int i = 0; i < THRUM__PHASES; i++)
        thrum__link_init(&self->triggers[i]);
    thrum__link_init(&self->waits);
    thrum__waiters_init(&self->waiters);
    thrum__ready_init(&self->ready);
    self->within = within > 0 ? within : STOP_WITHIN;
}

/* ---- Triggers ---- */

static bool trigger_is_too_late(const thrum__stop *stop,
                                thrum_trigger_phase phase)
{
    if (phase == THRUM_TRIGGER_STARTUP)
        return stop->started;
    return stop->begun && stop->phase > (int)phase;
}

thrum_trigger *thrum_trigger_new_at(thrum_reactor *reactor,
                                    thrum_trigger_phase phase,
                                    thrum_trigger_fn *fn, void *ctx,
                                    thrum_free_fn *free, const char *place)
{
    thrum_trigger *self = NULL;

    if (!reactor->ending && !trigger_is_too_late(&reactor->stop, phase))
        self = thrum_context_allocate(reactor->context, sizeof *self);
    if (self == NULL) {
        thrum__free(ctx, free);
        return NULL;
    }
    *self = (thrum_trigger){.reactor = reactor,
                            .context = thrum_context_ref(reactor->context),
                            .phase = phase,
                            .fn = fn,
                            .ctx = ctx,
                            .free = free,
                            .place = place};
    thrum__link_append(&reactor->stop.triggers[phase], &self->link);
    return self;
}

void thrum_trigger_free(thrum_trigger *self)
{
    thrum_context *context;

    if (self == NULL)
        return;
    context = self->context;
    thrum__link_remove(&self->link);
    thrum__free(self->ctx, self->free);
    thrum_context_release(context, self);
    thrum_context_unref(context);
}

/* A start-up that failed ends the run. */
static void trigger_failed(thrum_trigger *self)
{
    if (self->phase != THRUM_TRIGGER_STARTUP || self->reactor == NULL)
        return;
    thrum_reactor_stop(self->reactor);
    self->reactor->stop.result = THRUM_REACTOR_E_STOPPED;
}

/* The failure goes on: what nobody handles, the context's hook is told. */
static thrum_outcome trigger_wait_failed(const thrum_failure *why, void *ctx)
{
    thrum_trigger *self = ctx;

    if (self->cancelled && thrum_failure_is(why, &thrum_domain_deferred,
                                            THRUM_DEFERRED_E_CANCELLED))
        return thrum_done();
    trigger_failed(self);
    return thrum_keep();
}

static void trigger_wait_over(void *ctx)
{
    thrum_trigger *self = ctx;
    thrum_deferred *on = self->on;

    thrum_trigger_free(self);
    thrum_deferred_unref(on);
}

static void trigger_wait(thrum_trigger *self, thrum_deferred *on)
{
    thrum__link_append(&self->reactor->stop.waits, &self->link);
    self->on = thrum_deferred_ref(on);
    thrum_deferred_add(on, NULL, trigger_wait_failed, self, trigger_wait_over);
    thrum_deferred_finish(on);
}

static void trigger_tell(thrum_trigger *self, thrum_failure *why)
{
    const char *operation = self->phase == THRUM_TRIGGER_STARTUP
                                ? "start-up trigger"
                                : "shutdown trigger";

    if (why == NULL)
        why = thrum_failure_no_memory();
    thrum__unhandled(self->context, why, operation, NULL, 0);
    thrum_failure_unref(why);
    trigger_failed(self);
}

static void trigger_call(thrum_trigger *self)
{
    thrum__slow *slow = &self->reactor->slow;
    thrum_outcome outcome;
    thrum__timed timed;

    thrum__link_remove(&self->link);
    timed = thrum__slow_begin(slow, self->place);
    outcome = self->fn(self->ctx);
    thrum__slow_end(slow, timed, NULL);
    if (outcome.kind == THRUM_OUTCOME_WAIT && outcome.ptr != NULL) {
        trigger_wait(self, outcome.ptr);
        return;
    }
    if (outcome.kind == THRUM_OUTCOME_FAILURE ||
        outcome.kind == THRUM_OUTCOME_WAIT)
        trigger_tell(self, outcome.ptr);
    else
        thrum__outcome_drop(outcome);
    thrum_trigger_free(self);
}

/* Cancels what is waited for. What goes on all the same goes on alone. */
static void stop_cancel_waits(thrum__stop *stop)
{
    while (!thrum__link_alone(&stop->waits)) {
        thrum_trigger *trigger = (thrum_trigger *)stop->waits.next;
        thrum_deferred *on = thrum_deferred_ref(trigger->on);

        thrum__link_remove(&trigger->link);
        trigger->reactor = NULL;
        trigger->cancelled = true;
        thrum_deferred_cancel(on);
        thrum_deferred_unref(on);
    }
}

/* ---- Starting ---- */

void thrum__stop_start(thrum_reactor *reactor)
{
    thrum__stop *stop = &reactor->stop;
    thrum__link *triggers = &stop->triggers[THRUM_TRIGGER_STARTUP];

    stop->active = true;
    if (stop->started)
        return;
    stop->started = true;
    while (!thrum__link_alone(triggers))
        trigger_call((thrum_trigger *)triggers->next);
}

void thrum__stop_enter(thrum_reactor *reactor)
{
    reactor->running = true;
    reactor->stop.active = true;
    if (!reactor->stop.asked)
        reactor->stop.result = 0;
}

int thrum__stop_leave(thrum_reactor *reactor)
{
    thrum__stop *stop = &reactor->stop;

    reactor->running = false;
    if (!stop->asked)
        stop->active = stop->started = false;
    return stop->result;
}

/* ---- Stopping ---- */

/* A second call in the turn of the first is the same stop: nobody has heard of
 * it yet. */
void thrum_reactor_stop(thrum_reactor *reactor)
{
    thrum__stop *stop = &reactor->stop;

    if (!stop->active || reactor->ending)
        return;
    if (stop->begun)
        stop->cut = true;
    if (stop->asked)
        return;
    stop->asked = true;
    stop->result = 0;
    ev_ref(reactor->loop);
}

static void stop_is_late(void *ctx)
{
    thrum__stop *stop = ctx;

    stop->deadline = NULL;
    stop->cut = true;
    stop->result = THRUM_REACTOR_E_TIMEOUT;
}

/* Without memory for a deadline there is no time to wait. */
static void stop_set_deadline(thrum_reactor *reactor)
{
    thrum__stop *stop = &reactor->stop;

    if (stop->deadline == NULL && !stop->cut)
        stop->deadline = thrum_clock_call_later(reactor->time, stop->within,
                                                stop_is_late, stop, NULL);
    if (stop->deadline == NULL && !stop->cut)
        stop_is_late(stop);
}

/* Whether nothing is left of the phase that has begun. */
static bool stop_end_phase(thrum_reactor *reactor)
{
    thrum__stop *stop = &reactor->stop;
    thrum__link *triggers = &stop->triggers[stop->phase];

    for (;;) {
        while (!thrum__link_alone(triggers))
            trigger_call((thrum_trigger *)triggers->prev);
        if (thrum__link_alone(&stop->waits))
            return true;
        stop_set_deadline(reactor);
        if (!stop->cut)
            return false;
        if (stop->result == 0)
            stop->result = THRUM_REACTOR_E_STOPPED;
        stop_cancel_waits(stop);
    }
}

static void stop_finish(thrum_reactor *reactor)
{
    thrum__stop *stop = &reactor->stop;
    thrum__timed timed;

    thrum_clock_cancel(reactor->time, stop->deadline);
    stop->deadline = NULL;
    stop->times++;
    if (reactor->running)
        ev_break(reactor->loop, EVBREAK_ONE);
    thrum__waiters_end(&stop->waiters, &stop->ready, NULL);
    timed = thrum__slow_begin(&reactor->slow, "reactor stop");
    thrum__ready_run(&stop->ready);
    thrum__slow_end(&reactor->slow, timed, "callbacks");
    stop->active = stop->started = false;
    stop->asked = stop->begun = stop->cut = false;
    ev_unref(reactor->loop);
}

void thrum__stop_turn(thrum_reactor *reactor)
{
    thrum__stop *stop = &reactor->stop;

    if (!stop->asked)
        return;
    if (!stop->begun) {
        stop->begun = true;
        stop->phase = THRUM_TRIGGER_BEFORE_SHUTDOWN;
        stop_cancel_waits(stop); /* of start-up triggers */
    }
    while (stop_end_phase(reactor)) {
        if (stop->phase == THRUM_TRIGGER_AFTER_SHUTDOWN) {
            stop_finish(reactor);
            return;
        }
        stop->phase++;
    }
}

thrum_deferred *thrum_reactor_when_stopped(thrum_reactor *reactor)
{
    thrum_deferred *deferred =
        thrum_deferred_new(reactor->context, "reactor stop");

    if (deferred == NULL)
        return NULL;
    if (reactor->ending) {
        thrum_deferred_fail(deferred,
                            thrum__reactor_failure(reactor->context,
                                                   THRUM_REACTOR_E_STOPPED, 0,
                                                   "the reactor has ended"));
        return deferred;
    }
    if (thrum__waiters_add(&reactor->stop.waiters, deferred, NULL, NULL))
        return deferred;
    thrum__deferred_discard(deferred);
    return NULL;
}

int thrum_reactor_stop_on_signals(thrum_reactor *reactor)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    thrum_signal **signals = reactor->stop.signals;

    for (int i = 0; i < 2; i++)
        if (signals[i] == NULL)
            signals[i] = thrum_signal_new(reactor, numbers[i],
                                          (thrum_call_fn *)thrum_reactor_stop,
                                          reactor, NULL);
    if (signals[0] != NULL && signals[1] != NULL)
        return 0;
    for (int i = 0; i < 2; i++) {
        thrum_signal_free(signals[i]);
        signals[i] = NULL;
    }
    return thrum__signal_is_taken(reactor, SIGTERM) ||
                   thrum__signal_is_taken(reactor, SIGINT)
               ? THRUM_E_INVALID
               : THRUM_E_NOMEM;
}

void thrum__stop_end(thrum_reactor *reactor)
{
    thrum__stop *stop = &reactor->stop;
    thrum_failure *why;

    stop_cancel_waits(stop);
    for (int i = 0; i < THRUM__PHASES; i++)
        while (!thrum__link_alone(&stop->triggers[i]))
            thrum_trigger_free((thrum_trigger *)stop->triggers[i].next);
    for (int i = 0; i < 2; i++)
        thrum_signal_free(stop->signals[i]);
    thrum_clock_cancel(reactor->time, stop->deadline);
    if (stop->asked)
        ev_unref(reactor->loop);
    stop->asked = false;
    why = thrum__reactor_failure(reactor->context, THRUM_REACTOR_E_STOPPED, 0,
                                 "the reactor ended before it was stopped");
    thrum__waiters_end(&stop->waiters, &stop->ready, why);
    thrum__ready_run(&stop->ready);
    thrum_failure_unref(why);
}
