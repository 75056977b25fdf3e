/* SPDX-License-Identifier: MIT */
/*
 * An iterator as a task: while a step waits for a Deferred the task rests.
 */
#include "deferred/deferred.h"
#include "deferred/task.h"

typedef struct coiterate {
    thrum__task task; /* first: the two are one address */
    thrum_context *context;
    thrum_deferred *deferred;  /* the producer's reference; NULL once ended */
    thrum_deferred *waits_for; /* the consumer's reference */
    thrum_free_fn *free;
    unsigned refs; /* the task, the canceller, a callback that waits */
} coiterate;

static void coiterate_unref(void *ctx)
{
    coiterate *self = ctx;
    thrum_context *context = self->context;

    if (--self->refs > 0)
        return;
    thrum__free(self->task.it, self->free);
    thrum_context_release(context, self);
    thrum_context_unref(context);
}

/* Ends the iterator: with a failure, or (NULL) well. */
static void coiterate_end(coiterate *self, thrum_failure *why)
{
    thrum_deferred *deferred = self->deferred;

    self->deferred = NULL;
    thrum__task_leave(&self->task);
    if (why != NULL)
        thrum_deferred_fail(deferred, why);
    else
        thrum_deferred_fire(deferred, NULL, NULL);
    if (!self->task.stepping)
        coiterate_unref(self);
}

/* Cancels what it waits for; that may go on all the same, and holds the
 * iterator until it has ended. */
static void coiterate_stop_waiting(coiterate *self)
{
    thrum_deferred *waits_for = thrum_deferred_ref(self->waits_for);

    thrum_deferred_cancel(waits_for);
    thrum_deferred_unref(waits_for);
}

static thrum_outcome coiterate_resume(void *value, void *ctx)
{
    coiterate *self = ctx;

    (void)value;
    thrum_deferred_unref(self->waits_for);
    self->waits_for = NULL;
    thrum__task_wake(&self->task);
    return thrum_done();
}

static thrum_outcome coiterate_refuse(const thrum_failure *why, void *ctx)
{
    coiterate *self = ctx;

    thrum_deferred_unref(self->waits_for);
    self->waits_for = NULL;
    if (self->deferred != NULL)
        coiterate_end(self, thrum_failure_ref(why));
    return thrum_done();
}

static void coiterate_wait(coiterate *self, thrum_deferred *on)
{
    thrum__task_rest(&self->task);
    self->waits_for = on;
    self->refs++;
    if (thrum__deferred_listen(on, coiterate_resume, coiterate_refuse, self,
                               coiterate_unref) == 0)
        return;
    self->waits_for = NULL;
    thrum_deferred_cancel(on); /* its end would not be heard of */
    thrum_deferred_unref(on);
    if (self->deferred != NULL)
        coiterate_end(self, thrum_failure_no_memory());
}

/* The iterator ended while it stepped: by its own step, as it were. */
static void coiterate_answer_late(coiterate *self, thrum_outcome outcome)
{
    if (outcome.kind == THRUM_OUTCOME_WAIT) {
        coiterate_wait(self, outcome.ptr);
        coiterate_stop_waiting(self);
    } else {
        thrum__outcome_drop(outcome);
    }
    coiterate_unref(self);
}

static void coiterate_answer(thrum__task *task, thrum_outcome outcome)
{
    coiterate *self = (coiterate *)task;

    if (self->deferred == NULL) {
        coiterate_answer_late(self, outcome);
    } else if (outcome.kind == THRUM_OUTCOME_WAIT) {
        coiterate_wait(self, outcome.ptr);
    } else if (outcome.kind == THRUM_OUTCOME_VALUE) {
        thrum__outcome_drop(outcome);
    } else if (outcome.kind == THRUM_OUTCOME_FAILURE) {
        coiterate_end(self, outcome.ptr != NULL ? outcome.ptr
                                                : thrum_failure_no_memory());
    } else {
        coiterate_end(self, NULL);
    }
}

static void coiterate_stop(thrum__task *task, const thrum_failure *why)
{
    coiterate *self = (coiterate *)task;

    self->refs++;
    coiterate_end(self, thrum_failure_ref(why));
    coiterate_stop_waiting(self);
    coiterate_unref(self);
}

static thrum_cancelled coiterate_cancel(thrum_deferred *deferred, void *ctx)
{
    coiterate *self = ctx;

    self->deferred = NULL;
    thrum__task_leave(&self->task);
    coiterate_stop_waiting(self);
    thrum__deferred_fail_cancelled(deferred);
    if (!self->task.stepping)
        coiterate_unref(self);
    return THRUM_CANCELLED_STOPPED;
}

static const thrum__task_ops coiterate_ops = {coiterate_answer, coiterate_stop};

thrum_deferred *thrum_coiterate(thrum_cooperator *cooperator,
                                thrum_step_fn *step, void *it,
                                thrum_free_fn *free)
{
    thrum_context *context = thrum__cooperator_context(cooperator);
    thrum_deferred *deferred = thrum_deferred_new(context, "coiterate");
    coiterate *self = NULL;

    if (deferred != NULL)
        self = thrum_context_allocate(context, sizeof *self);
    if (self == NULL) {
        thrum__free(it, free);
        thrum__deferred_discard(deferred);
        return NULL;
    }
    *self = (coiterate){
        .task = {.ops = &coiterate_ops, .step = step, .it = it},
        .context = thrum_context_ref(context),
        .deferred = deferred,
        .free = free,
        .refs = 2,
    };
    if (thrum_deferred_on_cancel(deferred, coiterate_cancel, self,
                                 coiterate_unref) != 0) {
        coiterate_unref(self);
        thrum__deferred_discard(deferred);
        return NULL;
    }
    thrum__task_start(&self->task, cooperator);
    return deferred;
}
