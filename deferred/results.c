/* SPDX-License-Identifier: MIT */
/*
 * A group: one block holds it, a slot for each member, and what becomes the
 * results. It is held by every member that has not ended, by its Deferred until
 * that has fired, and by the results' owner.
 *
 * A member that ends may decide the group (results_judge). If nobody is to be
 * cancelled, the group's Deferred is settled within the callback of the member
 * and run by the loop that runs the member: groups of groups are no recursion.
 * Else it takes its turn (base/turns.h): the rest is cancelled first, by the
 * same loop that serves a consumer who cancels the group, and the Deferred is
 * settled when that loop has asked the last.
 */
#include "deferred/results.h"

#include "deferred/deferred.h"

typedef enum results_verdict {
    RESULTS_OPEN,
    RESULTS_FIRE,
    RESULTS_FIRST_FAILED,
    RESULTS_NONE_SUCCEEDED,
    RESULTS_TIMED_OUT,
    RESULTS_CANCELLED
} results_verdict;

/* `free` says what `what` is: a member that has not ended (results_member), a
 * failure (results_failed), else a value and its release function. */
typedef struct results_slot {
    thrum_results *results;
    void *what;
    thrum_free_fn *free;
} results_slot;

struct thrum_results {
    thrum__group group; /* first: the two are one address */
    thrum__turn turn;
    thrum_context *context;
    thrum_deferred *deferred; /* the producer's reference; NULL once settled */
    thrum_clock *clock;
    thrum_call *deadline;
    unsigned flags;
    results_verdict verdict;
    size_t decided_by; /* the member */
    size_t refs;
    size_t open;  /* members that have not ended */
    size_t asked; /* members that were cancelled with the group */
    size_t first; /* of those that succeeded */
    size_t count;
    bool adding; /* its members: nobody has its Deferred yet */
    results_slot slots[];
};

/* A member needs no reference: it does not go before its callback was run, and
 * that ends the slot's use of it. */
static void results_member(void *member)
{
    (void)member;
}

static void results_failed(void *why)
{
    thrum_failure_unref(why);
}

static thrum_results *results_of_turn(thrum__turn *turn)
{
    return (thrum_results *)((char *)turn - offsetof(thrum_results, turn));
}

static void results_die(thrum__turn *turn)
{
    thrum_results *self = results_of_turn(turn);
    thrum_context *context = self->context;

    for (size_t i = 0; i < self->count; i++)
        thrum__free(self->slots[i].what, self->slots[i].free);
    thrum_context_release(context, self);
    thrum__context_leave(context);
}

/* The last holder goes. Its values may be results again: they take turns. */
static void results_unref(void *value)
{
    thrum_results *self = value;
    thrum_context *context;

    if (--self->refs > 0)
        return;
    context = thrum_context_ref(self->context);
    self->turn.take = results_die;
    thrum__turns_take(&context->deaths, &self->turn);
    thrum_context_unref(context);
}

/* ---- The group's own result ---- */

/* What the failures of its members make the group fail with. */
static thrum_failure *results_why(const thrum_results *self)
{
    thrum_failure *why, *cause = NULL;

    if (self->decided_by < self->count)
        cause = thrum_failure_ref(self->slots[self->decided_by].what);
    if (self->verdict == RESULTS_NONE_SUCCEEDED)
        return thrum_failure_because(
            thrum_failure_new(self->context, &thrum_domain_deferred,
                              THRUM_DEFERRED_E_NONE_SUCCEEDED, NULL),
            cause);
    why = thrum_failure_new(self->context, &thrum_domain_deferred,
                            THRUM_DEFERRED_E_FIRST, "member %zu failed: %s",
                            self->decided_by, thrum_failure_text(cause));
    thrum_failure_because(why, cause);
    return thrum_failure_explain(why, (void *)(uintptr_t)(self->decided_by + 1),
                                 NULL);
}

/* Settles the group's Deferred as it was decided; answers it, to be run. */
static thrum_deferred *results_settle(thrum_results *self)
{
    thrum_deferred *deferred = self->deferred;
    thrum_failure *why = NULL;

    self->deferred = NULL;
    if (self->verdict == RESULTS_FIRE) {
        self->refs++;
        thrum__deferred_settle(deferred, DEFERRED_VALUE, self, results_unref);
        return deferred;
    }
    if (self->verdict == RESULTS_TIMED_OUT)
        why = thrum_failure_new(self->context, &thrum_domain_deferred,
                                THRUM_DEFERRED_E_TIMEOUT, NULL);
    else if (self->verdict == RESULTS_CANCELLED)
        why = thrum_failure_new(self->context, &thrum_domain_deferred,
                                THRUM_DEFERRED_E_CANCELLED, NULL);
    else
        why = results_why(self);
    thrum__deferred_settle(deferred, DEFERRED_FAILURE, why, NULL);
    return deferred;
}

static void results_cancel_rest(thrum__turn *turn)
{
    thrum_results *self = results_of_turn(turn);

    thrum_deferred_cancel(self->deferred); /* settled by results_next */
    results_unref(self);
}

/* Acts on the verdict, now or when the rest was cancelled. Answers the group's
 * Deferred, to be run, if that settled it. */
static thrum_deferred *results_carry_out(thrum_results *self)
{
    bool cancel = (self->flags & THRUM__RESULTS_CANCEL_LOSERS) != 0 ||
                  self->verdict == RESULTS_TIMED_OUT;
    thrum_context *context;

    if (!cancel || self->open == 0)
        return results_settle(self);
    self->refs++;
    context = thrum_context_ref(self->context);
    self->turn.take = results_cancel_rest;
    thrum__turns_take(&context->ends, &self->turn);
    thrum_context_unref(context);
    return NULL;
}

static thrum_deferred *results_decide(thrum_results *self,
                                      results_verdict verdict, size_t by)
{
    bool cancelling = self->deferred->cancelling;

    if (cancelling && (self->flags & THRUM__RESULTS_SAY_CANCELLED) != 0 &&
        verdict != RESULTS_FIRE)
        verdict = RESULTS_CANCELLED;
    self->verdict = verdict;
    self->decided_by = by;
    return self->adding || cancelling ? NULL : results_carry_out(self);
}

/* What a member that has ended makes of the group. */
static results_verdict results_judge(const thrum_results *self, bool failed)
{
    if ((self->flags & (failed ? THRUM_LIST_FIRE_ON_ONE_ERRBACK
                               : THRUM_LIST_FIRE_ON_ONE_CALLBACK)) != 0)
        return failed ? RESULTS_FIRST_FAILED : RESULTS_FIRE;
    if (self->open > 0)
        return RESULTS_OPEN;
    return (self->flags & THRUM__RESULTS_NEED_A_VALUE) != 0
               ? RESULTS_NONE_SUCCEEDED
               : RESULTS_FIRE;
}

/* Counts the member as ended; answers the group's Deferred when that settled
 * it. */
static thrum_deferred *results_close(results_slot *slot, bool failed)
{
    thrum_results *self = slot->results;
    thrum_deferred *deferred = self->deferred;
    size_t index = (size_t)(slot - self->slots);
    results_verdict verdict;

    self->open--;
    if (!failed && self->first == self->count)
        self->first = index;
    if (deferred == NULL || self->verdict != RESULTS_OPEN)
        return NULL;
    if (deferred->fired) {
        /* Cancelled, while a member went on all the same. */
        self->deferred = NULL;
        thrum_deferred_abandon(deferred);
        return NULL;
    }
    verdict = results_judge(self, failed);
    return verdict != RESULTS_OPEN ? results_decide(self, verdict, index)
                                   : NULL;
}

/* ---- The members ---- */

/* The group has its result. A value that comes now is not for its results,
 * which may be within that very value. */
static bool results_is_over(const thrum_results *self)
{
    return self->deferred == NULL || self->deferred->fired;
}

/* The value moves from the member to its slot. */
static thrum_outcome results_value(void *value, void *ctx)
{
    results_slot *slot = ctx;
    thrum_results *self = slot->results;
    thrum_deferred *member = slot->what, *settled;

    (void)value;
    slot->what = thrum__deferred_give(member, &slot->free);
    if (results_is_over(self)) {
        void *late = slot->what;
        thrum_free_fn *free = slot->free;

        slot->what = NULL;
        slot->free = NULL;
        thrum__free(late, free);
    }
    settled = results_close(slot, false);
    results_unref(self);
    return settled != NULL ? thrum__run(settled) : thrum_keep();
}

static thrum_outcome results_failure(const thrum_failure *why, void *ctx)
{
    results_slot *slot = ctx;
    thrum_results *self = slot->results;
    thrum_deferred *member = slot->what, *settled;
    bool consume = (self->flags & THRUM_LIST_CONSUME_ERRORS) != 0;

    slot->what = thrum_failure_ref(why);
    slot->free = results_failed;
    settled = results_close(slot, true);
    results_unref(self);
    if (settled == NULL)
        return consume ? thrum_done() : thrum_keep();
    if (consume) {
        thrum_failure_unref(member->result);
        thrum__deferred_set(member, DEFERRED_VALUE, NULL, NULL);
    }
    return thrum__run(settled);
}

/* A member that could not be made, or not be listened to, has failed. */
static void results_lose(results_slot *slot)
{
    slot->what = thrum_failure_no_memory();
    slot->free = results_failed;
    results_close(slot, true);
    results_unref(slot->results);
}

static void results_add(results_slot *slot, thrum_deferred *member)
{
    slot->results->refs++;
    slot->what = member;
    if (thrum__deferred_join(member, results_value, results_failure, slot,
                             NULL) != 0)
        results_lose(slot);
    thrum_deferred_unref(member);
}

/* For thrum_deferred_cancel: the next member; after the last the group goes on
 * with what was decided meanwhile, or before. */
static thrum_deferred *results_next(thrum__group *group)
{
    thrum_results *self = (thrum_results *)group;

    while (self->asked < self->count) {
        results_slot *slot = &self->slots[self->asked++];

        if (slot->free == results_member)
            return thrum_deferred_ref(slot->what);
    }
    if (self->verdict != RESULTS_OPEN && self->deferred != NULL)
        thrum__deferred_run(results_settle(self));
    return NULL;
}

/* A group that was decided waits for nobody. */
static thrum_deferred *results_above(const thrum__group *group, const void **at)
{
    const thrum_results *self = (const thrum_results *)group;
    const results_slot *slot = *at;

    if (self->verdict != RESULTS_OPEN)
        return NULL;
    for (slot = slot == NULL ? self->slots : slot + 1;
         slot < self->slots + self->count; slot++)
        if (slot->free == results_member && slot->what != NULL) {
            *at = slot;
            return slot->what;
        }
    return NULL;
}

thrum_deferred *thrum__results_below(const deferred_pair *pair, const void **at)
{
    const results_slot *slot = pair->ctx;
    thrum_deferred *deferred;

    if (pair->callback != results_value)
        return NULL;
    deferred = slot->results->deferred;
    if (slot->results->verdict != RESULTS_OPEN || deferred == NULL ||
        deferred->fired)
        return NULL;
    return thrum__only(deferred, at);
}

/* ---- Making it ---- */

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
        .group = {.next = results_next, .above = results_above},
        .context = thrum__context_keep(context),
        .flags = flags,
        .refs = 1,
        .open = count,
        .first = count,
        .count = count,
        .adding = true,
    };
    for (size_t i = 0; i < count; i++)
        self->slots[i] = (results_slot){self, NULL, results_member};
    return self;
}

static void results_deadline(void *ctx)
{
    thrum_results *self = ctx;

    self->deadline = NULL;
    if (self->verdict == RESULTS_OPEN)
        results_decide(self, RESULTS_TIMED_OUT, self->count);
}

/* The group's Deferred has its result. */
static void results_let_go(void *group)
{
    thrum_results *self = group;
    thrum_call *deadline = self->deadline;

    self->deadline = NULL;
    if (deadline != NULL)
        thrum_clock_cancel(self->clock, deadline);
    results_unref(self);
}

/* The Deferred cancels the members, and holds them until it has fired; so does
 * the deadline. */
static bool results_give_to(thrum_results *self, thrum_deferred *deferred,
                            const thrum_group_config *config)
{
    self->deferred = deferred;
    self->refs++;
    if (config != NULL && config->clock != NULL && config->within != 0) {
        self->clock = config->clock;
        self->deadline = thrum_clock_call_later(self->clock, config->within,
                                                results_deadline, self, NULL);
        if (self->deadline == NULL) {
            results_unref(self);
            return false;
        }
    }
    if (config != NULL && config->cancel_losers)
        self->flags |= THRUM__RESULTS_CANCEL_LOSERS;
    return thrum__deferred_on_cancel_group(deferred, &self->group,
                                           results_let_go) == 0;
}

/* All members are there: acts on what those decided that had ended before. */
static void results_start(thrum_results *self)
{
    thrum_deferred *settled = NULL;

    self->adding = false;
    if (self->count == 0)
        self->verdict = (self->flags & THRUM__RESULTS_NEED_A_VALUE) != 0
                            ? RESULTS_NONE_SUCCEEDED
                            : RESULTS_FIRE;
    if (self->verdict != RESULTS_OPEN)
        settled = results_carry_out(self);
    if (settled != NULL)
        thrum__deferred_run(settled);
}

thrum_deferred *thrum__results_of(thrum_context *context,
                                  thrum_deferred *const *members, size_t count,
                                  const thrum__results_kind *kind,
                                  const thrum_group_config *config)
{
    thrum_results *self = results_new(context, count, kind->flags);
    thrum_deferred *deferred = NULL;

    if (self != NULL)
        deferred = thrum_deferred_new(context, kind->operation);
    if (deferred == NULL || !results_give_to(self, deferred, config))
        goto no_memory;
    for (size_t i = 0; i < count; i++)
        results_add(&self->slots[i], members[i]);
    results_start(self);
    results_unref(self);
    return deferred;
no_memory:
    for (size_t i = 0; i < count; i++)
        thrum_deferred_unref(members[i]);
    if (self != NULL)
        results_unref(self);
    thrum__deferred_discard(deferred);
    return NULL;
}

/* ---- Results without a group ---- */

thrum_results *thrum__results_new(thrum_context *context)
{
    return results_new(context, 0, 0);
}

/* The room doubles at each power of two, so nothing needs to note it. */
thrum_results *thrum__results_append(thrum_results *self)
{
    size_t count = self->count, room = count > 0 ? 2 * count : 1;

    if ((count & (count - 1)) == 0) {
        if (room > (SIZE_MAX - sizeof *self) / sizeof *self->slots)
            return NULL;
        self = thrum_context_resize(self->context, self,
                                    sizeof *self + room * sizeof *self->slots);
        if (self == NULL)
            return NULL;
    }
    if (self->first == count) /* none has succeeded */
        self->first++;
    self->slots[count] = (results_slot){NULL, NULL, results_member};
    self->count++;
    return self;
}

void thrum__results_succeed(thrum_results *self, size_t index, void *value,
                            thrum_free_fn *free)
{
    if (self->first == self->count)
        self->first = index;
    self->slots[index].what = value;
    self->slots[index].free = free;
}

void thrum__results_fail(thrum_results *self, size_t index, thrum_failure *why)
{
    self->slots[index].what = why;
    self->slots[index].free = results_failed;
}

void thrum__results_unref(void *results)
{
    results_unref(results);
}

/* ---- The results ---- */

size_t thrum_results_count(const thrum_results *results)
{
    return results->count;
}

thrum_deferred_state thrum_results_state(const thrum_results *results,
                                         size_t index)
{
    if (results->slots[index].free == results_member)
        return THRUM_DEFERRED_PENDING;
    return results->slots[index].free == results_failed ? THRUM_DEFERRED_FAILURE
                                                        : THRUM_DEFERRED_VALUE;
}

void *thrum_results_value(const thrum_results *results, size_t index)
{
    return thrum_results_state(results, index) == THRUM_DEFERRED_VALUE
               ? thrum__shown(results->slots[index].what,
                              results->slots[index].free)
               : NULL;
}

void *thrum_results_take(thrum_results *results, size_t index,
                         thrum_free_fn **free)
{
    results_slot *slot = &results->slots[index];
    void *value = thrum_results_value(results, index);

    *free = NULL;
    if (thrum_results_state(results, index) != THRUM_DEFERRED_VALUE ||
        slot->free == thrum__share_release)
        return value; /* what is shared stays where it is */
    *free = slot->free;
    slot->what = NULL;
    slot->free = NULL;
    return value;
}

const thrum_failure *thrum_results_failure(const thrum_results *results,
                                           size_t index)
{
    return thrum_results_state(results, index) == THRUM_DEFERRED_FAILURE
               ? results->slots[index].what
               : NULL;
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
