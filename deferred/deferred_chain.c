/* SPDX-License-Identifier: MIT */
/*
 * A chain made by hand: a pair of `from` gives the result to `to`, which the
 * loop goes on with; and `to` is cancelled as a group of one member. The link
 * is held by both, and points to each as long as the other may need it: `from`
 * cannot go before its pair was run, `to` has its producer's reference there.
 */
#include "deferred/deferred.h"

typedef struct chain_link {
    thrum__group group;     /* first: the two are one address */
    thrum_context *context; /* held by whichever of the two lets go */
    thrum_deferred *from, *to;
    unsigned refs;
    bool asked; /* from was cancelled with to */
} chain_link;

static void chain_unref(void *ctx)
{
    chain_link *self = ctx;

    if (--self->refs == 0)
        thrum__drop(self->context, self);
}

/* The result moves; but for one that comes too late, since `to` was cancelled,
 * and is swallowed. */
static thrum_outcome chain_pass(chain_link *self)
{
    thrum_deferred *from = self->from, *to = self->to;

    thrum__deferred_remove_heir(from);
    self->from = NULL;
    self->to = NULL;
    if (to->fired) {
        thrum__deferred_late(to);
        return thrum_done();
    }
    thrum__deferred_settle(to, (deferred_state)from->state, from->result,
                           from->free);
    thrum__deferred_set(from, DEFERRED_VALUE, NULL, NULL);
    return thrum__run(to);
}

static thrum_outcome chain_value(void *value, void *ctx)
{
    (void)value;
    return chain_pass(ctx);
}

static thrum_outcome chain_failure(const thrum_failure *why, void *ctx)
{
    (void)why;
    return chain_pass(ctx);
}

/* The pair goes: when it was not run, it found no memory. */
static void chain_end(void *ctx)
{
    chain_link *self = ctx;
    thrum_deferred *to = self->to;

    if (to != NULL)
        thrum__deferred_remove_heir(self->from);
    self->from = NULL;
    self->to = NULL;
    if (to != NULL)
        thrum_deferred_fail(to, thrum_failure_no_memory());
    chain_unref(self);
}

static thrum_deferred *chain_next_to_cancel(thrum__group *group)
{
    chain_link *self = (chain_link *)group;

    if (self->asked)
        return NULL;
    self->asked = true;
    return thrum_deferred_ref(self->from);
}

thrum_deferred *thrum__chain_from(const thrum_deferred *to)
{
    thrum__group *group;

    if (!to->has_canceller || to->rare->canceller != NULL)
        return NULL;
    group = to->rare->ctx;
    return group->next == chain_next_to_cancel ? ((chain_link *)group)->from
                                               : NULL;
}

thrum_deferred *thrum__chain_to(const deferred_pair *pair)
{
    chain_link *self = pair->ctx;

    /* One that was cancelled only swallows what it will get. */
    if (pair->free != chain_end || thrum__chain_from(self->to) != self->from)
        return NULL;
    return self->to;
}

thrum_deferred *thrum__chain_below(const deferred_pair *pair, const void **at)
{
    return thrum__only(thrum__chain_to(pair), at);
}

static thrum_deferred *chain_above(const thrum__group *group, const void **at)
{
    return thrum__only(((const chain_link *)group)->from, at);
}

/* `to` cancels `from`, unless it is being cancelled already. The producer that
 * it had has nothing to cancel any more. */
static int chain_hold(chain_link *self, thrum_deferred *to)
{
    self->to = to;
    if (to->fired || to->cancelling)
        return 0;
    thrum__deferred_drop_canceller(to);
    self->refs++;
    return thrum__deferred_on_cancel_group(to, &self->group, chain_unref);
}

/* The link, with which the pair's release function goes. */
static chain_link *chain_new(thrum_deferred *from, thrum_deferred *to)
{
    chain_link *self = thrum__make(from->context, sizeof *self);

    if (self == NULL)
        return NULL;
    *self = (chain_link){
        .group = {.next = chain_next_to_cancel, .above = chain_above},
        .context = from->context,
        .from = from,
        .refs = 1,
    };
    if (chain_hold(self, to) == 0)
        return self;
    chain_unref(self);
    return NULL;
}

static int chain_refuse(thrum_deferred *to, int code)
{
    thrum_deferred_fail(to, thrum__circle_failure(to, code));
    return code;
}

int thrum_deferred_chain(thrum_deferred *from, thrum_deferred *to)
{
    deferred_pair pair = {chain_value, chain_failure, NULL, chain_end};
    int error;

    THRUM__HERE_OF(to);
    if (to == NULL)
        return THRUM_E_NOMEM;
    if (to->fired && !to->swallow)
        return THRUM_DEFERRED_E_FIRED;
    if (from == NULL)
        return chain_refuse(to, THRUM_E_NOMEM);
    error = thrum__deferred_circle(to, from);
    if (error != 0)
        return chain_refuse(to, error);
    pair.ctx = chain_new(from, to);
    if (pair.ctx == NULL) {
        thrum__deferred_lose(from);
        return chain_refuse(to, THRUM_E_NOMEM);
    }
    thrum__deferred_add_heir(from);
    return thrum__deferred_add(from, &pair) ? 0 : THRUM_E_NOMEM;
}
