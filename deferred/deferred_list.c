/* SPDX-License-Identifier: MIT */
/*
 * One block holds the list, a slot for each member, and what becomes the
 * results. It is held by every member that has not ended, and by the results'
 * owner. The Deferred of the list is settled from within the callback of a
 * member and run by the loop that runs the member: lists of lists are no
 * recursion.
 */
#include <thrum/deferred_list.h>

#include "deferred/deferred.h"

typedef struct results_slot {
    thrum_results *results;
    thrum_deferred *member; /* a reference, until it has ended */
    thrum_failure *failure;
    void *value;
    thrum_free_fn *free;
} results_slot;

struct thrum_results {
    thrum__group group; /* first: the two are one address */
    thrum_context *context;
    thrum_results *next;      /* of those that are being freed */
    thrum_deferred *deferred; /* the producer's reference; NULL once settled */
    unsigned flags;
    size_t refs;
    size_t open;  /* members that have not ended */
    size_t asked; /* members that were cancelled with the list */
    size_t first;
    size_t count;
    results_slot slots[];
};

static void results_unref(void *value);

/* Releases what a slot holds. The results of a list that was a member are only
 * put before the others that are to be freed. */
static void results_clear(results_slot *slot, thrum_results **dead)
{
    thrum_failure_unref(slot->failure);
    if (slot->free == results_unref) {
        thrum_results *inner = slot->value;

        if (--inner->refs > 0)
            return;
        inner->next = *dead;
        *dead = inner;
    } else {
        thrum__free(slot->value, slot->free);
    }
}

static void results_unref(void *value)
{
    thrum_results *self = value, *dead;

    if (--self->refs > 0)
        return;
    self->next = NULL;
    for (dead = self; dead != NULL;) {
        thrum_context *context = dead->context;

        self = dead;
        dead = self->next;
        for (size_t i = 0; i < self->count; i++)
            results_clear(&self->slots[i], &dead);
        thrum_context_release(context, self);
        thrum_context_unref(context);
    }
}

static void results_release_list(thrum_results *self)
{
    thrum_deferred *deferred = self->deferred;

    self->deferred = NULL;
    thrum_deferred_abandon(deferred);
}

/* Settles the list with its results; answers its Deferred, to be run. */
static thrum_deferred *results_fire(thrum_results *self)
{
    thrum_deferred *deferred = self->deferred;

    self->deferred = NULL;
    self->refs++;
    thrum__deferred_settle(deferred, DEFERRED_VALUE, self, results_unref);
    return deferred;
}

static thrum_deferred *results_fail(thrum_results *self, size_t index)
{
    thrum_deferred *deferred = self->deferred;
    thrum_failure *why = thrum_failure_new(
        self->context, &thrum_domain_deferred, THRUM_DEFERRED_E_FIRST,
        "member %zu of the list failed: %s", index,
        thrum_failure_text(self->slots[index].failure));

    self->deferred = NULL;
    thrum_failure_because(why, thrum_failure_ref(self->slots[index].failure));
    thrum_failure_explain(why, (void *)(uintptr_t)(index + 1), NULL);
    thrum__deferred_settle(deferred, DEFERRED_FAILURE, why, NULL);
    return deferred;
}

/* Counts the member as ended; answers the list's Deferred when that settled
 * it. */
static thrum_deferred *results_close(results_slot *slot, unsigned fire_flag)
{
    thrum_results *self = slot->results;
    size_t index = (size_t)(slot - self->slots);

    self->open--;
    if (self->first == self->count)
        self->first = index;
    if (self->deferred == NULL)
        return NULL;
    if (self->deferred->fired) {
        /* Cancelled, while a member went on all the same. */
        results_release_list(self);
        return NULL;
    }
    if ((self->flags & fire_flag) == THRUM_LIST_FIRE_ON_ONE_ERRBACK)
        return results_fail(self, index);
    if ((self->flags & fire_flag) != 0 || self->open == 0)
        return results_fire(self);
    return NULL;
}

/* Ends the list's hold of the member, which the caller's loop still holds. */
static thrum_outcome results_answer(results_slot *slot, thrum_outcome outcome,
                                    thrum_deferred *settled)
{
    thrum_results *self = slot->results;
    thrum_deferred *member = slot->member;

    slot->member = NULL;
    if (settled != NULL && outcome.kind == THRUM_OUTCOME_DONE) {
        thrum_failure_unref(member->result);
        member->state = DEFERRED_VALUE;
        member->result = NULL;
    }
    thrum_deferred_unref(member);
    results_unref(self);
    return settled != NULL ? thrum__run(settled) : outcome;
}

/* The value moves from the member to its slot. */
static thrum_outcome results_value(void *value, void *ctx)
{
    results_slot *slot = ctx;
    thrum_deferred *member = slot->member;

    slot->value = value;
    slot->free = member->free;
    member->result = NULL;
    member->free = NULL;
    return results_answer(slot, thrum_keep(),
                          results_close(slot, THRUM_LIST_FIRE_ON_ONE_CALLBACK));
}

static thrum_outcome results_failure(const thrum_failure *why, void *ctx)
{
    results_slot *slot = ctx;
    bool consume = (slot->results->flags & THRUM_LIST_CONSUME_ERRORS) != 0;

    slot->failure = thrum_failure_ref(why);
    return results_answer(slot, consume ? thrum_done() : thrum_keep(),
                          results_close(slot, THRUM_LIST_FIRE_ON_ONE_ERRBACK));
}

static thrum_deferred *results_next_to_cancel(thrum__group *group)
{
    thrum_results *self = (thrum_results *)group;

    while (self->asked < self->count) {
        thrum_deferred *member = self->slots[self->asked++].member;

        if (member != NULL)
            return thrum_deferred_ref(member);
    }
    return NULL;
}

static thrum_results *results_new(thrum_context *context, size_t count,
                                  unsigned flags)
{
    thrum_results *self;

    if (count > (SIZE_MAX - sizeof *self) / sizeof *self->slots)
        return NULL;
    self = thrum_context_allocate(context,
                                  sizeof *self + count * sizeof *self->slots);
    if (self == NULL)
        return NULL;
    *self = (thrum_results){
        .group = {.next = results_next_to_cancel},
        .context = thrum_context_ref(context),
        .flags = flags,
        .refs = 1,
        .open = count,
        .first = count,
        .count = count,
    };
    for (size_t i = 0; i < count; i++)
        self->slots[i] = (results_slot){.results = self};
    return self;
}

/* The list's Deferred cancels the members, and holds them until it is fired. */
static bool results_give_to(thrum_results *self, thrum_deferred *list)
{
    self->deferred = list;
    self->refs++;
    return thrum__deferred_on_cancel_group(list, &self->group, results_unref) ==
           0;
}

/* A member that could not be made, or not be listened to, has failed. */
static void results_lose(results_slot *slot)
{
    thrum_deferred *settled;

    slot->failure = thrum_failure_no_memory();
    settled = results_close(slot, THRUM_LIST_FIRE_ON_ONE_ERRBACK);
    if (settled != NULL)
        thrum__deferred_run(settled);
    results_unref(slot->results);
}

static void results_add(results_slot *slot, thrum_deferred *member)
{
    slot->results->refs++;
    slot->member = thrum_deferred_ref(member);
    if (thrum__deferred_listen(member, results_value, results_failure, slot,
                               NULL) != 0) {
        slot->member = NULL;
        thrum_deferred_unref(member);
        results_lose(slot);
    }
    thrum_deferred_unref(member);
}

thrum_deferred *thrum_deferred_list(thrum_context *context,
                                    thrum_deferred *const *members,
                                    size_t count, unsigned flags)
{
    thrum_results *self = results_new(context, count, flags);
    thrum_deferred *list = NULL;

    if (self != NULL)
        list = thrum_deferred_new(context, "deferred list");
    if (list == NULL || !results_give_to(self, list))
        goto no_memory;
    for (size_t i = 0; i < count; i++)
        results_add(&self->slots[i], members[i]);
    if (count == 0)
        thrum__deferred_run(results_fire(self));
    results_unref(self);
    return list;
no_memory:
    for (size_t i = 0; i < count; i++)
        thrum_deferred_unref(members[i]);
    if (self != NULL)
        results_unref(self);
    thrum__deferred_discard(list);
    return NULL;
}

size_t thrum_results_count(const thrum_results *results)
{
    return results->count;
}

void *thrum_results_value(const thrum_results *results, size_t index)
{
    return results->slots[index].value;
}

const thrum_failure *thrum_results_failure(const thrum_results *results,
                                           size_t index)
{
    return results->slots[index].failure;
}

size_t thrum_results_first(const thrum_results *results)
{
    return results->first;
}

size_t thrum_results_first_failed(const thrum_failure *why)
{
    uintptr_t index = 0;

    if (thrum_failure_is(why, &thrum_domain_deferred, THRUM_DEFERRED_E_FIRST))
        index = (uintptr_t)thrum_failure_detail(why, &thrum_domain_deferred);
    return (size_t)index - 1; /* SIZE_MAX of any other */
}
