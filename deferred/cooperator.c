/* SPDX-License-Identifier: MIT */
/*
 * The ring of tasks, and the slice.
 *
 * The clock is not read for each step: a reading costs as much as several
 * steps. A tick makes a batch of steps between two readings, and the batch is
 * as long as what is left of the slice allows at the pace of the slowest batch
 * lately seen, never more than 256, and never more than twice the batch before
 * it. So steps of one pace never carry a tick past its slice by more than one
 * step; a step that is suddenly slower than all before it may, by what remained
 * of its batch.
 */
#include <stdbool.h>

#include <thrum/cooperator.h>

#include "base/base.h"
#include "deferred/task.h"

enum { TICK_STEPS = 4096, BATCH_STEPS = 256 };

struct thrum_cooperator {
    thrum_context *context;
    thrum_cooperator_config config;
    thrum__task *ready; /* the one that steps next, in a ring */
    thrum__task *all;
    thrum_ns pace; /* of the slowest batch lately: ns per step */
    thrum_cooperator_stats stats;
    bool ticking;
    bool scheduled;
    bool freed; /* from within a step */
};

thrum_cooperator *thrum_cooperator_new(thrum_context *context,
                                       const thrum_cooperator_config *config)
{
    thrum_cooperator *self = thrum_context_allocate(context, sizeof *self);

    if (self == NULL)
        return NULL;
    *self = (thrum_cooperator){
        .context = thrum_context_ref(context),
        .config = *config,
    };
    if (self->config.slice <= 0)
        self->config.slice = THRUM_MS;
    return self;
}

thrum_context *thrum__cooperator_context(thrum_cooperator *self)
{
    return self->context;
}

static void cooperator_destroy(thrum_cooperator *self)
{
    thrum_context *context = self->context;

    thrum_context_release(context, self);
    thrum_context_unref(context);
}

void thrum_cooperator_free(thrum_cooperator *self)
{
    thrum_failure *why;

    if (self == NULL || self->freed)
        return;
    self->freed = true;
    why = thrum_failure_new(self->context, &thrum_domain_deferred,
                            THRUM_DEFERRED_E_STOPPED, NULL);
    while (self->all != NULL) {
        thrum__task *task = self->all;

        thrum__task_leave(task);
        task->ops->stop(task, why);
    }
    thrum_failure_unref(why);
    if (!self->ticking)
        cooperator_destroy(self);
}

static void cooperator_schedule(thrum_cooperator *self)
{
    if (self->scheduled || self->ticking || self->freed)
        return;
    self->scheduled = true;
    if (self->config.schedule != NULL)
        self->config.schedule(self, self->config.ctx);
}

/* ---- Tasks ---- */

void thrum__task_wake(thrum__task *task)
{
    thrum_cooperator *self = task->cooperator;

    if (self == NULL || task->next != NULL)
        return;
    if (self->ready == NULL) {
        task->next = task->prev = self->ready = task;
    } else { /* last: behind all that wait for their turn */
        task->next = self->ready;
        task->prev = self->ready->prev;
        task->prev->next = task;
        task->next->prev = task;
    }
    cooperator_schedule(self);
}

void thrum__task_rest(thrum__task *task)
{
    thrum_cooperator *self = task->cooperator;

    if (task->next == NULL)
        return;
    if (task->next == task) {
        self->ready = NULL;
    } else {
        task->prev->next = task->next;
        task->next->prev = task->prev;
        if (self->ready == task)
            self->ready = task->next;
    }
    task->next = task->prev = NULL;
}

void thrum__task_start(thrum__task *task, thrum_cooperator *self)
{
    task->cooperator = self;
    task->next = task->prev = NULL;
    task->stepping = false;
    task->before = NULL;
    task->after = self->all;
    if (self->all != NULL)
        self->all->before = task;
    self->all = task;
    thrum__task_wake(task);
}

void thrum__task_leave(thrum__task *task)
{
    thrum_cooperator *self = task->cooperator;

    if (self == NULL)
        return;
    thrum__task_rest(task);
    if (task->before != NULL)
        task->before->after = task->after;
    else
        self->all = task->after;
    if (task->after != NULL)
        task->after->before = task->before;
    task->cooperator = NULL;
}

/* ---- The tick ---- */

/* One step of the task whose turn it is. */
static inline void cooperator_step(thrum_cooperator *self)
{
    thrum__task *task = self->ready;
    thrum_outcome outcome;

    self->ready = task->next;
    task->stepping = true;
    outcome = task->step(task->it);
    task->stepping = false;
    if (outcome.kind != THRUM_OUTCOME_KEEP || task->cooperator == NULL)
        task->ops->answer(task, outcome);
}

/* Makes up to `batch` steps; answers how many. */
static unsigned cooperator_run_batch(thrum_cooperator *self, unsigned batch)
{
    unsigned made = 0;

    while (made < batch && self->ready != NULL) {
        cooperator_step(self);
        made++;
    }
    return made;
}

/* How many steps fit before `until`, at the pace that was seen. */
static unsigned cooperator_next_batch(const thrum_cooperator *self,
                                      unsigned batch, thrum_ns left)
{
    thrum_ns fit = left / (self->pace > 0 ? self->pace : 1);

    batch = 2 * batch < BATCH_STEPS ? 2 * batch : BATCH_STEPS;
    if (fit < (thrum_ns)batch)
        batch = (unsigned)fit;
    return batch > 0 ? batch : 1;
}

static void cooperator_note_pace(thrum_cooperator *self, thrum_ns spent,
                                 unsigned made)
{
    thrum_ns pace = spent / (thrum_ns)made + (spent % (thrum_ns)made != 0);

    /* A slow batch is believed at once, and forgotten slowly. */
    if (pace < self->pace)
        pace = self->pace - (self->pace - pace) / 8;
    self->pace = pace;
}

/* Runs batches until the slice is over; answers how many steps were made. */
static unsigned cooperator_run_slice(thrum_cooperator *self, thrum_ns start)
{
    thrum_ns last = start, now = start, end = start + self->config.slice;
    unsigned steps = 0, batch = 1;

    while (self->ready != NULL && steps < TICK_STEPS && now < end) {
        unsigned made;

        if (batch > TICK_STEPS - steps)
            batch = TICK_STEPS - steps;
        made = cooperator_run_batch(self, batch);
        steps += made;
        now = thrum_clock_read(self->config.clock);
        cooperator_note_pace(self, now - last, made);
        batch = cooperator_next_batch(self, batch, end - now);
        last = now;
    }
    if (now - start > self->stats.tick_max)
        self->stats.tick_max = now - start;
    return steps;
}

int thrum_cooperator_tick(thrum_cooperator *self)
{
    unsigned steps;

    self->scheduled = false;
    if (self->ready == NULL || self->ticking)
        return 0;
    self->ticking = true;
    steps = cooperator_run_slice(self, thrum_clock_read(self->config.clock));
    self->ticking = false;
    if (self->freed) {
        cooperator_destroy(self);
        return 0;
    }
    self->stats.ticks++;
    self->stats.steps += steps;
    if (steps > self->stats.tick_max_steps)
        self->stats.tick_max_steps = steps;
    if (self->ready == NULL)
        return 0;
    cooperator_schedule(self);
    return 1;
}

thrum_cooperator_stats thrum_cooperator_get_stats(const thrum_cooperator *self)
{
    return self->stats;
}
