/* SPDX-License-Identifier: MIT */
/*
 * An iterator as a task: it rests while a step's Deferred is under way, and
 * while it is paused; when it ends, all who wait for that are told, in the
 * order in which they asked.
 *
 * They are told by a tick, or by whoever ends the task, never by what the task
 * waited for: that only makes the failure the task's next step. So tasks that
 * wait for each other end without deepening the stack.
 */
#include <stddef.h>

#include "deferred/deferred.h"
#include "deferred/task.h"
#include "deferred/waiters.h"

struct thrum_task {
    thrum__task task;   /* first: the two are one address */
    thrum__group group; /* cancels what it waits for, of thrum_coiterate */
    thrum_context *context;
    thrum_deferred *deferred;  /* thrum_coiterate's; the producer's reference */
    thrum_deferred *cancelled; /* the same, while that is cancelled */
    thrum_deferred *waits_for; /* the consumer's reference */
    thrum_failure *why;        /* how it ended, if it did so badly */
    thrum__waiters waiters;    /* for its end */
    thrum__ready ready;
    void *it;
    thrum_free_fn *free;
    unsigned pauses;
    unsigned refs; /* running, the owner, the canceller, what it waits for */
    int end;       /* the code; 0 while it runs */
    bool told;     /* to all who waited; the next ones are told at once */
    bool heard;    /* somebody knows of the failure */
};

static void task_unref(void *ctx)
{
    thrum_task *self = ctx;
    thrum_context *context = self->context;

    if (--self->refs > 0)
        return;
    if (self->why != NULL && !self->heard)
        thrum__unhandled(context, self->why, "task", NULL, 0);
    thrum_failure_unref(self->why);
    thrum__free(self->it, self->free);
    thrum__drop(context, self);
    thrum__context_leave(context);
}

/* ---- Its end ---- */

/* Tells one of the end. */
static void task_tell_one(thrum_task *self, thrum_deferred *deferred)
{
    self->heard = true;
    if (self->why != NULL)
        thrum_deferred_fail(deferred, thrum_failure_ref(self->why));
    else
        thrum_deferred_fire(deferred, NULL, NULL);
}

/* Tells all; from here on the task only answers when it is asked. */
static void task_tell(thrum_task *self)
{
    thrum_deferred *deferred = self->deferred;

    thrum__task_leave(&self->task);
    self->told = true;
    self->deferred = NULL;
    if (self->waiters.head != NULL)
        self->heard = true;
    if (deferred != NULL)
        task_tell_one(self, deferred);
    thrum__waiters_end(&self->waiters, &self->ready, self->why);
    thrum__ready_run(&self->ready);
    if (!self->task.stepping)
        task_unref(self);
}

static void task_end(thrum_task *self, int end, thrum_failure *why)
{
    if (self->end == 0) {
        self->end = end;
        self->why = why;
    } else {
        thrum_failure_unref(why);
    }
    task_tell(self);
}

/* Cancels what it waits for; that may go on all the same, and holds the task
 * until it has ended. */
static void task_stop_waiting(thrum_task *self)
{
    thrum_deferred *waits_for = thrum_deferred_ref(self->waits_for);

    thrum_deferred_cancel(waits_for);
    thrum_deferred_unref(waits_for);
}

/* ---- What it waits for ---- */

static void task_wake(thrum_task *self)
{
    if (self->pauses == 0 && self->waits_for == NULL)
        thrum__task_wake(&self->task);
}

static thrum_outcome task_go_on(void *value, void *ctx)
{
    thrum_task *self = ctx;

    (void)value;
    thrum_deferred_unref(self->waits_for);
    self->waits_for = NULL;
    task_wake(self);
    return thrum_done();
}

thrum_deferred *thrum__task_below(const deferred_pair *pair, const void **at)
{
    const thrum_task *self = pair->ctx;

    if (pair->callback != task_go_on)
        return NULL;
    /* That of thrum_coiterate, which nobody else can wait for; or those. */
    return self->deferred != NULL ? thrum__only(self->deferred, at)
                                  : thrum__waiters_next(&self->waiters, at);
}

/* The step of a task that has failed. */
static thrum_outcome task_last_step(void *it)
{
    (void)it;
    return thrum_done();
}

static void task_fail(thrum_task *self, thrum_failure *why)
{
    if (self->end != 0) {
        thrum_failure_unref(why);
        return;
    }
    self->end = THRUM_DEFERRED_E_TASK_FAILED;
    self->why = why;
    self->task.step = task_last_step;
    thrum__task_wake(&self->task); /* paused or not */
}

static thrum_outcome task_give_up(const thrum_failure *why, void *ctx)
{
    thrum_task *self = ctx;

    thrum_deferred_unref(self->waits_for);
    self->waits_for = NULL;
    task_fail(self, thrum_failure_ref(why));
    return thrum_done();
}

/* Whether the task would wait for itself: then `on` is done with. */
static bool task_would_circle(thrum_task *self, thrum_deferred *on)
{
    int error = 0;

    if (on != NULL)
        error = thrum__waiters_circle(&self->waiters, on);
    if (error == 0 && on != NULL && self->deferred != NULL)
        error = thrum__deferred_circle(self->deferred, on);
    if (error != 0) {
        task_fail(self, thrum__circle_failure(on, error));
        thrum_deferred_unref(on);
    }
    return error != 0;
}

static void task_wait(thrum_task *self, thrum_deferred *on)
{
    if (task_would_circle(self, on))
        return;
    thrum__task_rest(&self->task);
    self->waits_for = on;
    self->refs++;
    if (thrum__deferred_join(on, task_go_on, task_give_up, self, task_unref) ==
        0)
        return;
    self->waits_for = NULL;
    thrum_deferred_cancel(on); /* its end would not be heard of */
    thrum_deferred_unref(on);
    task_fail(self, thrum_failure_no_memory());
}

/* ---- The steps ---- */

/* The task ended while it stepped: by its own step, as it were. */
static void task_answer_late(thrum_task *self, thrum_outcome outcome)
{
    if (outcome.kind == THRUM_OUTCOME_WAIT) {
        task_wait(self, outcome.ptr);
        task_stop_waiting(self);
    } else {
        thrum__outcome_drop(outcome);
    }
    task_unref(self);
}

static void task_answer(thrum__task *task, thrum_outcome outcome)
{
    thrum_task *self = (thrum_task *)task;

    if (self->told) {
        task_answer_late(self, outcome);
    } else if (outcome.kind == THRUM_OUTCOME_WAIT) {
        task_wait(self, outcome.ptr);
        if (self->end != 0) /* it had failed already */
            task_tell(self);
    } else if (outcome.kind == THRUM_OUTCOME_VALUE) {
        thrum__outcome_drop(outcome);
    } else if (outcome.kind == THRUM_OUTCOME_FAILURE) {
        task_end(self, THRUM_DEFERRED_E_TASK_FAILED,
                 outcome.ptr != NULL ? outcome.ptr : thrum_failure_no_memory());
    } else {
        task_end(self, THRUM_DEFERRED_E_TASK_DONE, NULL);
    }
}

/* The cooperator ends. */
static void task_refuse(thrum__task *task, const thrum_failure *why)
{
    thrum_task *self = (thrum_task *)task;

    self->refs++;
    task_end(self, THRUM_DEFERRED_E_STOPPED, thrum_failure_ref(why));
    task_stop_waiting(self);
    task_unref(self);
}

static const thrum__task_ops task_ops = {task_answer, task_refuse};

/* ---- Making one, and waiting for it ---- */

/* Owned by the caller, and not yet running. */
static thrum_task *task_new(thrum_cooperator *cooperator, thrum_step_fn *step,
                            void *it, thrum_free_fn *free)
{
    thrum_context *context = thrum__cooperator_context(cooperator);
    thrum_task *self = thrum__make(context, sizeof *self);

    if (self == NULL) {
        thrum__free(it, free);
        return NULL;
    }
    *self = (thrum_task){
        .task = {.ops = &task_ops, .step = step, .it = it},
        .context = thrum__context_keep(context),
        .it = it,
        .free = free,
        .refs = 1,
    };
    thrum__waiters_init(&self->waiters);
    self->waiters.behind = &self->waits_for;
    thrum__ready_init(&self->ready);
    return self;
}

static void task_start(thrum_task *self, thrum_cooperator *cooperator)
{
    self->refs++;
    thrum__task_start(&self->task, cooperator);
}

static thrum_task *task_of(thrum__group *group)
{
    return (thrum_task *)((char *)group - offsetof(thrum_task, group));
}

/* The Deferred of thrum_coiterate has its result. */
static void coiterate_let_go(void *group)
{
    task_unref(task_of(group));
}

/* Cancelling it ends the task, and cancels what that waits for; then the
 * Deferred is told. */
static thrum_deferred *coiterate_next_to_cancel(thrum__group *group)
{
    thrum_task *self = task_of(group);

    if (self->deferred != NULL) {
        self->cancelled = self->deferred;
        self->deferred = NULL;
        self->heard = true;
        task_end(self, THRUM_DEFERRED_E_TASK_STOPPED, NULL);
        if (self->waits_for != NULL)
            return thrum_deferred_ref(self->waits_for);
    }
    thrum__deferred_fail_cancelled(self->cancelled);
    return NULL;
}

static thrum_deferred *coiterate_above(const thrum__group *group,
                                       const void **at)
{
    const thrum_task *self =
        (const thrum_task *)((const char *)group - offsetof(thrum_task, group));

    return thrum__only(self->waits_for, at);
}

thrum_deferred *thrum_coiterate(thrum_cooperator *cooperator,
                                thrum_step_fn *step, void *it,
                                thrum_free_fn *free)
{
    thrum_task *self = task_new(cooperator, step, it, free);
    thrum_deferred *deferred = NULL;

    if (self == NULL)
        return NULL;
    deferred = thrum_deferred_new(self->context, "coiterate");
    self->group.next = coiterate_next_to_cancel;
    self->group.above = coiterate_above;
    self->refs++; /* the canceller's; given back also on error */
    if (thrum__deferred_on_cancel_group(deferred, &self->group,
                                        coiterate_let_go) == 0) {
        self->deferred = deferred;
        task_start(self, cooperator);
    } else {
        thrum__deferred_discard(deferred);
        deferred = NULL;
    }
    task_unref(self);
    return deferred;
}

thrum_task *thrum_cooperate(thrum_cooperator *cooperator, thrum_step_fn *step,
                            void *it, thrum_free_fn *free)
{
    thrum_task *self = task_new(cooperator, step, it, free);

    if (self != NULL)
        task_start(self, cooperator);
    return self;
}

thrum_deferred *thrum_task_when_done(thrum_task *self)
{
    thrum_deferred *deferred = NULL;

    THRUM__HERE_OF(self);
    if (self != NULL)
        deferred = thrum_deferred_new(self->context, "task");
    if (deferred == NULL)
        return NULL;
    if (self->told) {
        task_tell_one(self, deferred);
        return deferred;
    }
    if (thrum__waiters_add(&self->waiters, deferred, NULL, NULL))
        return deferred;
    thrum__deferred_discard(deferred);
    return NULL;
}

/* ---- Its owner ---- */

int thrum_task_pause(thrum_task *self)
{
    THRUM__HERE_OF(self);
    if (self == NULL)
        return THRUM_E_NOMEM;
    if (self->end != 0)
        return self->end;
    self->pauses++;
    thrum__task_rest(&self->task);
    return 0;
}

int thrum_task_resume(thrum_task *self)
{
    THRUM__HERE_OF(self);
    if (self == NULL)
        return THRUM_E_NOMEM;
    if (self->end != 0)
        return self->end;
    if (self->pauses == 0)
        return THRUM_DEFERRED_E_NOT_PAUSED;
    self->pauses--;
    task_wake(self);
    return 0;
}

int thrum_task_stop(thrum_task *self)
{
    THRUM__HERE_OF(self);
    if (self == NULL)
        return THRUM_E_NOMEM;
    if (self->end != 0)
        return self->end;
    self->refs++;
    self->heard = true; /* by who orders it */
    task_end(self, THRUM_DEFERRED_E_TASK_STOPPED,
             thrum_failure_new(self->context, &thrum_domain_deferred,
                               THRUM_DEFERRED_E_TASK_STOPPED, NULL));
    task_stop_waiting(self);
    task_unref(self);
    return 0;
}

void thrum_task_free(void *task)
{
    if (task != NULL)
        task_unref(task);
}
