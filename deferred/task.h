/* SPDX-License-Identifier: MIT */
/*
 * What the cooperator steps. A task stands in the ring of those that can step,
 * or rests. It belongs to whoever made it (thrum_coiterate, thrum_each).
 */
#ifndef THRUM_DEFERRED_TASK_H
#define THRUM_DEFERRED_TASK_H

#include <stdbool.h>

#include <thrum/cooperator.h>

typedef struct thrum__task thrum__task;

typedef struct thrum__task_ops {
    /* A step answered something other than "there is more", or the task left
     * while it was made. */
    void (*answer)(thrum__task *task, thrum_outcome outcome);
    /* The cooperator ends: the task is to end with `why` (borrowed). */
    void (*stop)(thrum__task *task, const thrum_failure *why);
} thrum__task_ops;

struct thrum__task {
    const thrum__task_ops *ops;
    thrum_step_fn *step;
    void *it;
    thrum_cooperator *cooperator; /* NULL once it has left */
    thrum__task *next, *prev;     /* in the ring; NULL while it rests */
    thrum__task *after, *before;  /* in the list of all */
    bool stepping; /* a step is being made: nothing may be freed yet */
};

/* The context that the cooperator was made from. */
thrum_context *thrum__cooperator_context(thrum_cooperator *cooperator);

/* Adds a task (all else of it 0), ready to step in the next turn. */
void thrum__task_start(thrum__task *task, thrum_cooperator *cooperator);

/* Takes the task out of the ring, or puts it back. */
void thrum__task_rest(thrum__task *task);
void thrum__task_wake(thrum__task *task);

/* Takes the task out of the cooperator, for good. */
void thrum__task_leave(thrum__task *task);

#endif
