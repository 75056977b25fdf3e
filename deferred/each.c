/* SPDX-License-Identifier: MIT */
/*
 * Over an iterator, at most so many at a time. An open item is a small block
 * that listens to its Deferred; closed ones are kept for the next, so that a
 * long run allocates none. The task rests while as many are open as may be.
 *
 * What becomes of an item is the policy's: thrum_each stops at a failure,
 * thrum_each_count counts, thrum_each_collect keeps.
 *
 * The end is told by a tick, or by whoever orders it, never by the item that
 * closed last: that only wakes the task. So iterators whose items are iterators
 * end without deepening the stack.
 */
#include <stddef.h>

#include "deferred/deferred.h"
#include "deferred/each.h"
#include "deferred/task.h"

typedef struct each each;

typedef struct each_item {
    each *owner;
    thrum_deferred *deferred; /* the consumer's reference */
    struct each_item *next, *prev;
    size_t index;       /* among all that were opened */
    bool asked;         /* to end; these stand behind the others */
    deferred_pair pair; /* by which it listens, at the cost of no block */
} each_item;

struct each {
    thrum__task task;   /* first: the two are one address */
    thrum__group group; /* cancels the items */
    const thrum__each_policy *policy;
    thrum_context *context;
    thrum_deferred *deferred;  /* the producer's reference; NULL once settled */
    thrum_deferred *cancelled; /* the same, while its items are cancelled */
    thrum_failure *failure;    /* the first that nobody handled */
    void *result;              /* what the Deferred fires with */
    thrum__iterator iterator;
    each_item open;  /* the head of a ring */
    each_item *kept; /* closed items, linked by next */
    size_t opened;   /* in all */
    size_t count, limit;
    unsigned refs; /* the task and its items as one, the canceller */
    bool ended;    /* no more steps of the iterator */
    bool settled;  /* nothing is left to do */
    bool quiet;    /* cancelled: nobody asks why its items end */
};

static void each_unref(void *ctx)
{
    each *self = ctx;
    thrum_context *context = self->context;

    if (--self->refs > 0)
        return;
    thrum__free(self->iterator.it, self->iterator.free);
    while (self->kept != NULL) {
        each_item *item = self->kept;

        self->kept = item->next;
        thrum__drop(context, item);
    }
    thrum_failure_unref(self->failure);
    if (self->result != NULL)
        self->policy->free(self->result);
    thrum__drop(context, self);
    thrum__context_leave(context);
}

/* ---- Its end ---- */

/* When nothing is left to do: settles the Deferred, lets go of the rest. */
static void each_settle(each *self)
{
    thrum_deferred *deferred = self->deferred;
    thrum_failure *why = self->failure;
    void *result = self->result;

    if (!self->ended || self->count > 0 || self->task.stepping || self->settled)
        return;
    self->settled = true;
    self->deferred = NULL;
    thrum__task_leave(&self->task);
    if (deferred != NULL && why != NULL) {
        self->failure = NULL;
        thrum_deferred_fail(deferred, why);
    } else if (deferred != NULL) {
        self->result = NULL;
        thrum_deferred_fire(deferred, result, self->policy->free);
    }
    each_unref(self);
}

/* The step of one whose iterator has ended. */
static thrum_outcome each_last_step(void *it)
{
    (void)it;
    return thrum_done();
}

/* Ends the iterator: with a failure, or (NULL) well. */
static void each_end(each *self, thrum_failure *why)
{
    self->ended = true;
    self->task.step = each_last_step;
    thrum__task_rest(&self->task);
    if (self->failure == NULL) {
        self->failure = why;
        return;
    }
    if (why != NULL && !self->quiet) /* of a step in which an item failed */
        thrum__unhandled(self->context, why, self->policy->operation, NULL, 0);
    thrum_failure_unref(why);
}

/* The same at once: the cooperator, or who cancels, waits for no tick. */
static void each_abort(each *self, thrum_failure *why)
{
    self->quiet = true;
    each_end(self, why);
    thrum__task_leave(&self->task);
}

/* ---- Items ---- */

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
    if (self->task.cooperator == NULL)
        each_settle(self);
    else if (!self->ended || self->count == 0)
        thrum__task_wake(&self->task);
}

/* The value moves from the item to the policy. */
static thrum_outcome each_closed(void *value, void *ctx)
{
    each_item *item = ctx;
    each *self = item->owner;
    thrum__ending how = {NULL, NULL, false};

    (void)value;
    if (self->policy->close == NULL) {
        each_close(item);
        return thrum_done();
    }
    how.what = thrum__deferred_give(item->deferred, &how.free);
    self->policy->close(self->result, item->index, how);
    each_close(item);
    return thrum_keep();
}

static thrum_outcome each_failed(const thrum_failure *why, void *ctx)
{
    each_item *item = ctx;
    each *self = item->owner;
    bool counts = self->policy->close != NULL;
    bool mine = counts || self->failure == NULL || self->quiet;
    thrum__ending how = {NULL, NULL, true};

    if (mine)
        how.what = thrum_failure_ref(why);
    if (counts)
        self->policy->close(self->result, item->index, how);
    else if (mine)
        each_end(self, how.what);
    each_close(item);
    return mine ? thrum_done() : thrum_keep();
}

/* Its pair is the same for every Deferred that it will listen to. */
static each_item *each_item_new(each *self)
{
    each_item *item = thrum__make(self->context, sizeof *item);

    if (item == NULL)
        return NULL;
    item->owner = self;
    item->pair = (deferred_pair){each_closed, each_failed, item, NULL};
    return item;
}

static each_item *each_open(each *self, thrum_deferred *deferred)
{
    each_item *item = self->kept;

    if (item != NULL)
        self->kept = item->next;
    else
        item = each_item_new(self);
    if (item == NULL)
        return NULL;
    item->deferred = deferred;
    item->next = &self->open;
    item->prev = self->open.prev;
    item->index = self->opened;
    item->asked = false;
    item->prev->next = item;
    self->open.prev = item;
    self->count++;
    return item;
}

/* ---- Cancelling ---- */

static each *each_of(thrum__group *group)
{
    return (each *)((char *)group - offsetof(each, group));
}

/* The Deferred has its result. */
static void each_let_go(void *group)
{
    each_unref(each_of(group));
}

/* The next item that was not asked to end; one that goes on all the same is
 * asked once. A new reference; NULL: all were asked. */
static thrum_deferred *each_next_item(each *self)
{
    each_item *item = self->open.next;

    if (self->count == 0 || item->asked)
        return NULL;
    self->open.next = item->next; /* to the end of the ring */
    item->next->prev = &self->open;
    item->next = &self->open;
    item->prev = self->open.prev;
    item->prev->next = item;
    self->open.prev = item;
    item->asked = true;
    return thrum_deferred_ref(item->deferred);
}

static void each_cancel_items(each *self)
{
    thrum_deferred *item;

    while ((item = each_next_item(self)) != NULL) {
        thrum_deferred_cancel(item);
        thrum_deferred_unref(item);
    }
}

/* For thrum_deferred_cancel: the next item; after the last the Deferred is
 * told. */
static thrum_deferred *each_next_to_cancel(thrum__group *group)
{
    each *self = each_of(group);
    thrum_deferred *item;

    if (self->deferred != NULL) {
        self->cancelled = self->deferred;
        self->deferred = NULL;
        each_abort(self, NULL);
    }
    item = each_next_item(self);
    if (item != NULL)
        return item;
    each_settle(self);
    thrum__deferred_fail_cancelled(self->cancelled);
    return NULL;
}

static thrum_deferred *each_above(const thrum__group *group, const void **at)
{
    const each *self =
        (const each *)((const char *)group - offsetof(each, group));
    const each_item *item = *at;

    item = item == NULL ? self->open.next : item->next;
    if (item == &self->open)
        return NULL;
    *at = item;
    return item->deferred;
}

thrum_deferred *thrum__each_below(const deferred_pair *pair, const void **at)
{
    const each_item *item = pair->ctx;

    return pair->callback == each_closed
               ? thrum__only(item->owner->deferred, at)
               : NULL;
}

/* ---- The task ---- */

/* One that has no item, and so has failed; `why` is taken. */
static void each_lose(each *self, size_t index, thrum_failure *why)
{
    if (self->policy->close != NULL)
        self->policy->close(self->result, index,
                            (thrum__ending){why, NULL, true});
    else
        each_end(self, why);
}

/* A Deferred that could not be made, or not be listened to. */
static void each_lose_unheard(each *self, size_t index, thrum_deferred *on)
{
    each_lose(self, index, thrum_failure_no_memory());
    thrum_deferred_cancel(on); /* its end would not be heard of */
    thrum_deferred_unref(on);
}

/* Whether the iterator would wait for itself: then `on` is done with. */
static bool each_would_circle(each *self, size_t index, thrum_deferred *on)
{
    int error = 0;

    if (on != NULL && self->deferred != NULL)
        error = thrum__deferred_circle(self->deferred, on);
    if (error != 0) {
        each_lose(self, index, thrum__circle_failure(on, error));
        thrum_deferred_unref(on);
    }
    return error != 0;
}

/* A place for an item; false without memory: then that is the end. */
static bool each_make_place(each *self)
{
    void *result = self->result;

    if (self->policy->open == NULL)
        return true;
    result = self->policy->open(result);
    if (result != NULL)
        self->result = result;
    else
        each_end(self, thrum_failure_no_memory());
    return result != NULL;
}

static void each_answer_wait(each *self, thrum_deferred *on)
{
    size_t index = self->opened;
    each_item *item;

    if (!each_make_place(self)) {
        thrum_deferred_cancel(on);
        thrum_deferred_unref(on);
        return;
    }
    if (each_would_circle(self, index, on)) {
        self->opened++;
        return;
    }
    item = on != NULL ? each_open(self, on) : NULL;
    self->opened++;
    if (item == NULL) {
        each_lose_unheard(self, index, on);
    } else if (thrum__deferred_join_kept(on, &item->pair) != 0) {
        thrum_deferred_ref(on);
        each_close(item);
        each_lose_unheard(self, index, on);
    }
    if (self->quiet) /* cancelled in the step that opened it */
        each_cancel_items(self);
    else if (self->count >= self->limit)
        thrum__task_rest(&self->task);
}

static void each_answer_value(each *self, thrum_outcome outcome)
{
    thrum__ending how = {outcome.ptr, outcome.free, false};

    if (self->policy->close == NULL || !each_make_place(self))
        thrum__outcome_drop(outcome);
    else
        self->policy->close(self->result, self->opened++, how);
}

static void each_answer(thrum__task *task, thrum_outcome outcome)
{
    each *self = (each *)task;

    self->refs++;
    if (outcome.kind == THRUM_OUTCOME_WAIT)
        each_answer_wait(self, outcome.ptr);
    else if (outcome.kind == THRUM_OUTCOME_VALUE)
        each_answer_value(self, outcome);
    else if (outcome.kind == THRUM_OUTCOME_FAILURE)
        each_end(self,
                 outcome.ptr != NULL ? outcome.ptr : thrum_failure_no_memory());
    else if (outcome.kind != THRUM_OUTCOME_KEEP)
        each_end(self, NULL);
    each_settle(self);
    each_unref(self);
}

static void each_stop(thrum__task *task, const thrum_failure *why)
{
    each *self = (each *)task;

    self->refs++;
    each_abort(self, thrum_failure_ref(why));
    each_cancel_items(self);
    each_settle(self);
    each_unref(self);
}

static const thrum__task_ops each_ops = {each_answer, each_stop};

/* What the Deferred fires with, and how it is cancelled; false without memory.
 * Ends the canceller's reference then. */
static bool each_prepare(each *self)
{
    if (self->policy->start != NULL) {
        self->result = self->policy->start(self->context);
        if (self->result == NULL) {
            each_unref(self);
            return false;
        }
    }
    return thrum__deferred_on_cancel_group(self->deferred, &self->group,
                                           each_let_go) == 0;
}

thrum_deferred *thrum__each(thrum_cooperator *cooperator,
                            const thrum__each_policy *policy,
                            thrum__iterator iterator, size_t open)
{
    thrum_context *context = thrum__cooperator_context(cooperator);
    thrum_deferred *deferred = thrum_deferred_new(context, policy->operation);
    each *self = NULL;

    if (deferred != NULL)
        self = thrum__make(context, sizeof *self);
    if (self == NULL) {
        thrum__free(iterator.it, iterator.free);
        thrum__deferred_discard(deferred);
        return NULL;
    }
    *self = (each){
        .task = {.ops = &each_ops, .step = iterator.step, .it = iterator.it},
        .group = {.next = each_next_to_cancel, .above = each_above},
        .policy = policy,
        .context = thrum__context_keep(context),
        .deferred = deferred,
        .iterator = iterator,
        .limit = open > 0 ? open : 1,
        .refs = 2,
    };
    self->open.next = self->open.prev = &self->open;
    if (!each_prepare(self)) {
        each_unref(self);
        thrum__deferred_discard(deferred);
        return NULL;
    }
    thrum__task_start(&self->task, cooperator);
    return deferred;
}

thrum_deferred *thrum_each(thrum_cooperator *cooperator, thrum_step_fn *step,
                           void *it, thrum_free_fn *free, size_t open)
{
    static const thrum__each_policy policy = {.operation = "each"};
    thrum__iterator iterator = {step, it, free};

    return thrum__each(cooperator, &policy, iterator, open);
}
