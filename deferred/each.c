/* SPDX-License-Identifier: MIT */
/*
 * Over an iterator, at most so many at a time. An open item is a small block
 * that listens to its Deferred; closed ones are kept for the next, so that a
 * long run allocates none. The task rests while as many are open as may be.
 */
#include "deferred/deferred.h"
#include "deferred/task.h"

typedef struct each each;

typedef struct each_item {
    each *owner;
    thrum_deferred *deferred; /* the consumer's reference */
    struct each_item *next, *prev;
    bool asked; /* to end; these stand behind the others */
} each_item;

struct each {
    thrum__task task; /* first: the two are one address */
    thrum_context *context;
    thrum_deferred *deferred; /* the producer's reference; NULL once settled */
    thrum_failure *failure;   /* the first that nobody handled */
    thrum_free_fn *free;
    each_item open;  /* the head of a ring */
    each_item *kept; /* closed items, linked by next */
    size_t count, limit;
    unsigned refs; /* the task and its items as one, the canceller */
    bool ended;    /* no more steps */
    bool settled;  /* nothing is left to do */
    bool quiet;    /* cancelled: nobody asks why its items end */
};

static void each_unref(void *ctx)
{
    each *self = ctx;
    thrum_context *context = self->context;

    if (--self->refs > 0)
        return;
    thrum__free(self->task.it, self->free);
    while (self->kept != NULL) {
        each_item *item = self->kept;

        self->kept = item->next;
        thrum_context_release(context, item);
    }
    thrum_failure_unref(self->failure);
    thrum_context_release(context, self);
    thrum_context_unref(context);
}

/* When nothing is left to do: settles the Deferred, lets go of the rest. */
static void each_settle(each *self)
{
    thrum_deferred *deferred = self->deferred;
    thrum_failure *why = self->failure;

    if (!self->ended || self->count > 0 || self->task.stepping || self->settled)
        return;
    self->settled = true;
    self->deferred = NULL;
    self->failure = NULL;
    if (deferred != NULL && why != NULL)
        thrum_deferred_fail(deferred, why);
    else if (deferred != NULL)
        thrum_deferred_fire(deferred, NULL, NULL);
    else
        thrum_failure_unref(why);
    each_unref(self);
}

/* Ends the iterator: with a failure, or (NULL) well. */
static void each_end(each *self, thrum_failure *why)
{
    self->ended = true;
    thrum__task_leave(&self->task);
    if (self->failure == NULL) {
        self->failure = why;
        return;
    }
    if (why != NULL && !self->quiet) /* of a step in which an item failed */
        thrum__unhandled(self->context, why, "each", NULL, 0);
    thrum_failure_unref(why);
}

/* ---- Items ---- */

static each_item *each_open(each *self, thrum_deferred *deferred)
{
    each_item *item = self->kept;

    if (item != NULL)
        self->kept = item->next;
    else
        item = thrum_context_allocate(self->context, sizeof *item);
    if (item == NULL)
        return NULL;
    *item = (each_item){self, deferred, &self->open, self->open.prev, false};
    item->prev->next = item;
    self->open.prev = item;
    self->count++;
    return item;
}

/* Closes an item, and goes on with the next, or ends. */
static void each_close(each_item *item)
{
    each *self = item->owner;
    thrum_deferred *deferred = item->deferred;

    item->prev->next = item->next;
    item->next->prev = item->prev;
    item->next = self->kept;
    self->kept = item;
    self->count--;
    thrum_deferred_unref(deferred);
    if (self->ended)
        each_settle(self);
    else
        thrum__task_wake(&self->task);
}

static thrum_outcome each_closed(void *value, void *ctx)
{
    (void)value;
    each_close(ctx);
    return thrum_done();
}

static thrum_outcome each_failed(const thrum_failure *why, void *ctx)
{
    each_item *item = ctx;
    each *self = item->owner;
    bool mine = self->failure == NULL || self->quiet;

    if (mine)
        each_end(self, thrum_failure_ref(why));
    each_close(item);
    return mine ? thrum_done() : thrum_keep();
}

/* Listens to what a step waits for; false without memory. */
static bool each_wait(each *self, thrum_deferred *on)
{
    each_item *item = on != NULL ? each_open(self, on) : NULL;

    if (item == NULL)
        return false;
    if (thrum__deferred_listen(on, each_closed, each_failed, item, NULL) == 0)
        return true;
    thrum_deferred_ref(on);
    each_close(item);
    return false;
}

/* Cancels the items that are open; one that goes on all the same is asked
 * once. */
static void each_cancel_items(each *self)
{
    self->quiet = true;
    while (self->count > 0 && !self->open.next->asked) {
        each_item *item = self->open.next;
        thrum_deferred *deferred = thrum_deferred_ref(item->deferred);

        self->open.next = item->next; /* to the end of the ring */
        item->next->prev = &self->open;
        item->next = &self->open;
        item->prev = self->open.prev;
        item->prev->next = item;
        self->open.prev = item;
        item->asked = true;
        thrum_deferred_cancel(deferred);
        thrum_deferred_unref(deferred);
    }
}

/* ---- The task ---- */

static void each_answer_wait(each *self, thrum_deferred *on)
{
    self->refs++;
    if (!each_wait(self, on)) {
        each_end(self, thrum_failure_no_memory());
        thrum_deferred_cancel(on); /* its end would not be heard of */
        thrum_deferred_unref(on);
    } else if (self->quiet) { /* cancelled in the step that opened it */
        each_cancel_items(self);
    } else if (self->count >= self->limit) {
        thrum__task_rest(&self->task);
    }
    each_settle(self);
    each_unref(self);
}

static void each_answer(thrum__task *task, thrum_outcome outcome)
{
    each *self = (each *)task;

    if (outcome.kind == THRUM_OUTCOME_WAIT) {
        each_answer_wait(self, outcome.ptr);
        return;
    }
    if (outcome.kind == THRUM_OUTCOME_FAILURE)
        each_end(self,
                 outcome.ptr != NULL ? outcome.ptr : thrum_failure_no_memory());
    else if (outcome.kind == THRUM_OUTCOME_VALUE)
        thrum__outcome_drop(outcome);
    else if (outcome.kind != THRUM_OUTCOME_KEEP)
        each_end(self, NULL);
    each_settle(self);
}

static void each_stop(thrum__task *task, const thrum_failure *why)
{
    each *self = (each *)task;

    self->refs++;
    each_end(self, thrum_failure_ref(why));
    each_cancel_items(self);
    each_settle(self);
    each_unref(self);
}

static thrum_cancelled each_cancel(thrum_deferred *deferred, void *ctx)
{
    each *self = ctx;

    self->deferred = NULL;
    each_end(self, NULL);
    each_cancel_items(self);
    each_settle(self);
    thrum__deferred_fail_cancelled(deferred);
    return THRUM_CANCELLED_STOPPED;
}

static const thrum__task_ops each_ops = {each_answer, each_stop};

thrum_deferred *thrum_each(thrum_cooperator *cooperator, thrum_step_fn *step,
                           void *it, thrum_free_fn *free, size_t open)
{
    thrum_context *context = thrum__cooperator_context(cooperator);
    thrum_deferred *deferred = thrum_deferred_new(context, "each");
    each *self = NULL;

    if (deferred != NULL)
        self = thrum_context_allocate(context, sizeof *self);
    if (self == NULL) {
        thrum__free(it, free);
        thrum__deferred_discard(deferred);
        return NULL;
    }
    *self = (each){
        .task = {.ops = &each_ops, .step = step, .it = it},
        .context = thrum_context_ref(context),
        .deferred = deferred,
        .free = free,
        .limit = open > 0 ? open : 1,
        .refs = 2,
    };
    self->open.next = self->open.prev = &self->open;
    if (thrum_deferred_on_cancel(deferred, each_cancel, self, each_unref) !=
        0) {
        each_unref(self);
        thrum__deferred_discard(deferred);
        return NULL;
    }
    thrum__task_start(&self->task, cooperator);
    return deferred;
}
