/* SPDX-License-Identifier: MIT */
/*
 * Iterators that take turns with everything else on the loop
 * (twisted.internet.task.Cooperator).
 *
 * Each turn of the loop gives the cooperator one tick, and each tick lasts one
 * slice: the tasks step round robin, from where the last tick ended, until the
 * slice is over, and at least one steps. The clock is read adaptively, at the
 * latest after 256 steps, and a tick ends after 4,096 in any case.
 */
#ifndef THRUM_COOPERATOR_H
#define THRUM_COOPERATOR_H

#include <thrum/clock.h>
#include <thrum/deferred.h>

THRUM_BEGIN

typedef struct thrum_cooperator thrum_cooperator;

/* One step of an iterator. It answers thrum_keep() for "there is more",
 * thrum_done() for "that was the end", thrum_wait(d) for "something is under
 * way", thrum_fail(why) for "it went wrong". (thrum_value releases its value
 * and reads as thrum_keep.) */
typedef thrum_outcome thrum_step_fn(void *it);

/* Asks for one call of thrum_cooperator_tick in the next turn of the loop.
 * Called once per tick that is wanted, and never from within a step. */
typedef void thrum_schedule_fn(thrum_cooperator *cooperator, void *ctx);

/* Whether a tick is over, in place of the slice and the clock: asked after each
 * step. (Twisted's terminationPredicateFactory. A tick still ends after 4,096
 * steps, or when there is nothing left to step.) */
typedef int thrum_tick_over_fn(void *ctx);

typedef struct thrum_cooperator_config {
    /* Borrowed; outlives the cooperator. With `over` it is not read. */
    thrum_clock *clock;
    thrum_schedule_fn *schedule; /* NULL: whoever made it calls tick */
    thrum_tick_over_fn *over;    /* NULL: a tick is over with its slice */
    void *ctx;                   /* for schedule and over; not owned */
    thrum_ns slice;              /* 0: 1 ms */
} thrum_cooperator_config;

/* What the cooperator did so far. */
typedef struct thrum_cooperator_stats {
    uint64_t ticks;
    uint64_t steps;
    uint64_t tick_max_steps; /* the most steps that one tick took */
    thrum_ns tick_max;       /* the longest tick; 0 with `over` */
    size_t tasks;            /* that it has now, those that wait as well */
} thrum_cooperator_stats;

/* Makes a cooperator. Ownership: new; the config is copied.
 * Errors: NULL, no memory. */
THRUM_API thrum_cooperator *
thrum_cooperator_new(thrum_context *context,
                     const thrum_cooperator_config *config);

/* Ends it: every task that is left fails with THRUM_DEFERRED_E_STOPPED (one of
 * thrum_each when its items have closed; one that had failed already, with its
 * own failure), as does one that is started meanwhile, and what they wait for
 * is cancelled. Legal from within a step. NULL is nothing. */
THRUM_API void thrum_cooperator_free(thrum_cooperator *cooperator);

/* Runs the tasks for one slice. Returns 1 when there is more to run at once,
 * 0 when every task is at its end or waits, or a tick is running already. */
THRUM_API int thrum_cooperator_tick(thrum_cooperator *cooperator);

/* What it did so far. */
THRUM_API thrum_cooperator_stats
thrum_cooperator_get_stats(const thrum_cooperator *cooperator);

/* Runs an iterator to its end (twisted.internet.task.coiterate). While a step
 * waits for a Deferred the iterator rests; a failure of that Deferred, or of a
 * step, ends it. The Deferred fires without a value when a step answered
 * thrum_done(); cancelling it ends the iterator.
 * Ownership: new; `it` is taken, also on error, and released after the
 * Deferred's callbacks were run. Calls back: never before this returns, then
 * from a tick, or from what ends the iterator or the cooperator. Errors: NULL,
 * no memory. */
THRUM_API thrum_deferred *thrum_coiterate(thrum_cooperator *cooperator,
                                          thrum_step_fn *step, void *it,
                                          thrum_free_fn *free);

/* An iterator that its owner can hold, and that several can wait for
 * (twisted.internet.task.cooperate, CooperativeTask). NULL is one that could
 * not be made: the functions of a task answer THRUM_E_NOMEM, or NULL. */
typedef struct thrum_task thrum_task;

/* Runs an iterator as thrum_coiterate does.
 * Ownership: new; `it` is taken, also on error, and released after the end was
 * told and the owner has let go. Calls back: never before this returns.
 * Errors: NULL, no memory. */
THRUM_API thrum_task *thrum_cooperate(thrum_cooperator *cooperator,
                                      thrum_step_fn *step, void *it,
                                      thrum_free_fn *free);

/* No steps until as many thrum_task_resume. What a step waits for goes on
 * meanwhile, and its failure ends the task all the same. Errors: once the task
 * has ended, how it did: THRUM_DEFERRED_E_TASK_DONE,
 * THRUM_DEFERRED_E_TASK_FAILED or THRUM_DEFERRED_E_TASK_STOPPED, or
 * THRUM_DEFERRED_E_STOPPED with the cooperator. */
THRUM_API int thrum_task_pause(thrum_task *task);

/* Takes back one pause. Errors: THRUM_DEFERRED_E_NOT_PAUSED, or as pause. */
THRUM_API int thrum_task_resume(thrum_task *task);

/* Ends it: those who wait for its end fail with THRUM_DEFERRED_E_TASK_STOPPED;
 * then what it waits for is cancelled. Legal from within its own step.
 * Errors: as pause. */
THRUM_API int thrum_task_stop(thrum_task *task);

/* Fires without a value when the iterator has come to its end; fails with what
 * it failed with, with THRUM_DEFERRED_E_TASK_STOPPED, or with
 * THRUM_DEFERRED_E_STOPPED when the cooperator was. Those who wait are told in
 * the order in which they asked. Cancelling it ends this waiting, not the task.
 * Ownership: new. Calls back: may be fired already. Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_task_when_done(thrum_task *task);

/* Lets go of the task, which goes on by itself. A failure, or STOPPED, that
 * nobody was told of then reaches the unhandled hook at its end.
 * Takes a void pointer, to serve as a release function. NULL is nothing. */
THRUM_API void thrum_task_free(void *task);

/* Runs over an iterator with at most `open` of its Deferreds under way: a step
 * that answers thrum_wait(d) opens an item, and the iterator goes on while
 * fewer than `open` (0 counts as 1) are open. The Deferred fires without a
 * value when a step answered thrum_done() and the last item is closed. The
 * first failure of a step or an item that nobody handled stops the iterator,
 * and fails the Deferred when the items that are still open have closed; later
 * failures reach the unhandled hook. Cancelling stops the iterator and cancels
 * what is open, as does stopping the cooperator; how the items end is then
 * nobody's business.
 * Ownership: new; `it` is taken, also on error, and released after the
 * Deferred's callbacks were run and the last item has closed. Calls back: never
 * before this returns. Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_each(thrum_cooperator *cooperator,
                                     thrum_step_fn *step, void *it,
                                     thrum_free_fn *free, size_t open);

/* How many items ended how. */
typedef struct thrum_each_counts {
    uint64_t succeeded;
    uint64_t failed;
} thrum_each_counts;

/* As thrum_each, but a failure of an item is counted and stops nothing. A step
 * that answers thrum_value() makes an item, too, which has succeeded. The
 * Deferred fires with a thrum_each_counts, which lives as long as the value
 * does. (A failure of a step still ends the iterator, and is what the Deferred
 * fails with.) */
THRUM_API thrum_deferred *thrum_each_count(thrum_cooperator *cooperator,
                                           thrum_step_fn *step, void *it,
                                           thrum_free_fn *free, size_t open);

/* As thrum_each_count, but the Deferred fires with a thrum_results:
 * what became of each item, in the order of the steps that opened them. Memory
 * grows with the items. */
THRUM_API thrum_deferred *thrum_each_collect(thrum_cooperator *cooperator,
                                             thrum_step_fn *step, void *it,
                                             thrum_free_fn *free, size_t open);

THRUM_END

#endif
