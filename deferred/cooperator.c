/* SPDX-License-Identifier: MIT */
/*
 * The ring of tasks, and the slice.
 *
 * The clock is not read for each step: a reading costs as much as several
 * steps. A tick makes a batch of steps between two readings, never more than
 * 256, never more than twice the batch before it, never more than would fit
 * into what is left of the slice if each of them took as long as the longest
 * whole batch of this tick and the last, and but one where a reading is cheap
 * beside a step. So a tick passes its slice by one step at most, its readings
 * counted, whatever the steps cost; but for two steps in one batch that each
 * take longer than all those batches, amid others that take hardly longer than
 * a reading.
 */
#include <stdbool.h>

#include <thrum/cooperator.h>

#include "base/base.h"
#include "deferred/task.h"

enum { TICK_STEPS = 4096, BATCH_STEPS = 256 };

/* A reading may cost as much as this part of the steps it measures. */
enum { READING_PART = 8 };

struct thrum_cooperator {
    thrum_context *context;
    thrum_cooperator_config config;
    thrum__task *ready; /* the one that steps next, in a ring */
    thrum__task *all;
    thrum_ns longest; /* batch of this tick */
    thrum_ns before;  /* the longest of the tick before */
    thrum_ns reading; /* what one costs */
    thrum_cooperator_stats stats;
    bool ticking;
    bool scheduled;
    bool freed; /* from within a step */
};

thrum_cooperator *thrum_cooperator_new(thrum_context *context,
                                       const thrum_cooperator_config *config)
{
    thrum_cooperator *self = thrum__make(context, sizeof *self);

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

static thrum_failure *cooperator_stopped(thrum_cooperator *self)
{
    return thrum_failure_new(self->context, &thrum_domain_deferred,
                             THRUM_DEFERRED_E_STOPPED, NULL);
}

static void cooperator_destroy(thrum_cooperator *self)
{
    thrum_context *context = self->context;

    thrum__drop(context, self);
    thrum_context_unref(context);
}

void thrum_cooperator_free(thrum_cooperator *self)
{
    thrum_failure *why;

    THRUM__HERE_OF(self);
    if (self == NULL || self->freed)
        return;
    self->freed = true;
    why = cooperator_stopped(self);
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

/* Somebody who is told of the end starts another: that ends as well. */
static void cooperator_refuse(thrum_cooperator *self, thrum__task *task)
{
    thrum_failure *why = cooperator_stopped(self);

    task->ops->stop(task, why);
    thrum_failure_unref(why);
}

void thrum__task_start(thrum__task *task, thrum_cooperator *self)
{
    if (self->freed) {
        cooperator_refuse(self, task);
        return;
    }
    task->cooperator = self;
    task->before = NULL;
    task->after = self->all;
    if (self->all != NULL)
        self->all->before = task;
    self->all = task;
    self->stats.tasks++;
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
    self->stats.tasks--;
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

/* How many steps are to be made before the next reading, after a batch that
 * took `spent` with its reading. */
static unsigned cooperator_next_batch(thrum_cooperator *self, unsigned batch,
                                      thrum_ns spent, thrum_ns left)
{
    thrum_ns longest, most = 2 * (thrum_ns)batch;
    thrum_ns worth = READING_PART * self->reading * batch;

    if (spent > self->longest)
        self->longest = spent;
    if (spent > worth) /* dear steps: the usual case, without a division */
        return 1;
    if (most > BATCH_STEPS)
        most = BATCH_STEPS;
    longest = self->longest > self->before ? self->longest : self->before;
    if (longest > 0 && most > left / longest)
        most = left / longest;
    if (spent > 0 && most > worth / spent)
        most = worth / spent;
    return most > 0 ? (unsigned)most : 1;
}

/* Runs batches until the slice is over; answers how many steps were made. */
static unsigned cooperator_run_slice(thrum_cooperator *self, thrum_ns start)
{
    thrum_ns now = start, end = start + self->config.slice, last;
    unsigned steps = 0, batch = 1;

    self->before = self->longest;
    self->longest = 0;
    do {
        last = now;
        if (batch > TICK_STEPS - steps)
            batch = TICK_STEPS - steps;
        steps += cooperator_run_batch(self, batch);
        if (self->freed) /* and the clock, perhaps */
            return steps;
        now = thrum_clock_read(self->config.clock);
        batch = cooperator_next_batch(self, batch, now - last, end - now);
        if (steps == 1 && self->ready != NULL) {
            self->reading = thrum_clock_read(self->config.clock) - now;
            now += self->reading;
        }
        /* A step lies between two more readings. */
    } while (self->ready != NULL && steps < TICK_STEPS &&
             end - now > 2 * self->reading);
    if (now - start > self->stats.tick_max)
        self->stats.tick_max = now - start;
    return steps;
}

/* The same until the program says that it is over. */
static unsigned cooperator_run_until_over(thrum_cooperator *self)
{
    unsigned steps = 0;

    while (self->ready != NULL && steps < TICK_STEPS) {
        cooperator_step(self);
        steps++;
        if (self->freed || self->config.over(self->config.ctx))
            break;
    }
    return steps;
}

int thrum_cooperator_tick(thrum_cooperator *self)
{
    unsigned steps;

    THRUM__HERE_OF(self);
    self->scheduled = false;
    if (self->ready == NULL || self->ticking || self->freed)
        return 0;
    self->ticking = true;
    self->context->holding++;
    if (self->config.over != NULL)
        steps = cooperator_run_until_over(self);
    else
        steps =
            cooperator_run_slice(self, thrum_clock_read(self->config.clock));
    self->context->holding--;
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
