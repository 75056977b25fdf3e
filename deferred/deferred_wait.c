/* SPDX-License-Identifier: MIT */
/*
 * Whether a Deferred would wait for itself. Every Deferred gets its result from
 * one other at most (its source), so those that hang together are a tree, and
 * the question is whether `on` stands below `self`, which is the top of its
 * own. It is walked from both ends at once, up from `on` and down from `self`,
 * until either is at its end: so chains may be linked in any order, and nobody
 * pays more than for the shorter of the two that he joins.
 */
#include "deferred/deferred.h"

void thrum__deferred_waiter(void *outer)
{
    (void)outer;
}

static const thrum_deferred *deferred_source(const thrum_deferred *self)
{
    if (self->state == DEFERRED_WAITING)
        return self->result;
    return thrum__chain_from(self);
}

/* The only one that gets the result of `self`; NULL when that is not plain. */
static const thrum_deferred *deferred_heir(const thrum_deferred *self)
{
    const deferred_pair *last = thrum__pairs_last(&self->pairs);

    if (self->heirs != 1)
        return NULL;
    if (last->free == thrum__deferred_waiter)
        return last->ctx;
    return thrum__chain_to(last);
}

bool thrum__deferred_would_wait_for_itself(const thrum_deferred *self,
                                           const thrum_deferred *on)
{
    const thrum_deferred *up = on, *down = self;

    while (up != NULL && up != self) {
        up = deferred_source(up);
        if (down == NULL)
            continue;
        if (down->heirs == 0)
            return false;
        down = deferred_heir(down);
        if (down == on)
            return true;
    }
    return up != NULL;
}
