/* SPDX-License-Identifier: MIT */
/*
 * Whether a Deferred would wait for itself. Above one stand those from which it
 * gets its result: the one it waits for, or that was chained to it, the members
 * of a group, the source of a share, the items of an iterator. Below it stand
 * those that get theirs from it. `self` may wait for `on` unless `on` stands
 * below it already.
 *
 * It is looked for from both ends at once, up from `on` and down from `self`,
 * until either is at its end: so chains may be linked in any order, and nobody
 * pays more than for the smaller of the two that he joins. One that nobody
 * listens to, as most that begin to wait, pays for nothing.
 */
#include <string.h>

#include "deferred/waiters.h"

enum { CIRCLE_NEAR = 16, CIRCLE_GO_ON = 0, CIRCLE_NONE = 1 };

/* What was found on one side: those up to `at` have been looked at. */
typedef struct circle_side {
    thrum_context *context;
    thrum_deferred **found;
    size_t count, room, at;
    const void *edge; /* of the one that is being looked at */
    size_t pair;      /* the same */
    thrum_deferred *near[CIRCLE_NEAR];
} circle_side;

typedef struct circle {
    thrum_deferred *self, *on;
    circle_side above, below;
} circle;

void thrum__deferred_waiter(void *outer)
{
    (void)outer;
}

/* ---- One step up, one step down ---- */

/* The only one above, and the only one below; NULL when that is not plain. */
static thrum_deferred *circle_source(const thrum_deferred *self)
{
    if (self->state == DEFERRED_WAITING)
        return self->result;
    return thrum__chain_from(self);
}

static thrum_deferred *circle_heir(const thrum_deferred *self)
{
    deferred_pair last;

    if (self->heirs != 1 || self->joined)
        return NULL;
    last = thrum__pairs_get(&self->pairs, thrum__deferred_pairs(self) - 1);
    if (last.free == thrum__deferred_waiter)
        return last.ctx;
    return thrum__chain_to(&last);
}

/* The next of all above. */
thrum_deferred *thrum__deferred_above(const thrum_deferred *self,
                                      const void **at)
{
    thrum__group *group;

    if (!thrum__deferred_has_sources(self))
        return NULL;
    if (self->state == DEFERRED_WAITING)
        return thrum__only(self->result, at);
    if (self->rare->canceller != NULL)
        return thrum__waiters_above(self, at);
    group = self->rare->ctx;
    return group->above(group, at);
}

/* The next of those that get the result at one pair. */
static thrum_deferred *circle_next_heir(const deferred_pair *pair,
                                        const void **at)
{
    static thrum__below_fn *const kinds[] = {
        thrum__chain_below, thrum__results_below, thrum__share_below,
        thrum__each_below,  thrum__task_below,    thrum__looping_below};
    thrum_deferred *heir = NULL;

    if (pair->free == thrum__deferred_waiter)
        return thrum__only(pair->ctx, at);
    for (size_t i = 0; heir == NULL && i < sizeof kinds / sizeof *kinds; i++)
        heir = kinds[i](pair, at);
    return heir;
}

/* ---- The search ---- */

static int circle_add(circle_side *side, thrum_deferred *found)
{
    thrum_deferred **room;

    if (side->count == side->room) {
        room = thrum_context_resize(
            side->context, side->found == side->near ? NULL : side->found,
            2 * side->room * sizeof *room);
        if (room == NULL)
            return THRUM_E_NOMEM;
        if (side->found == side->near)
            memcpy(room, side->near, sizeof side->near);
        side->found = room;
        side->room *= 2;
    }
    side->found[side->count++] = found;
    return CIRCLE_GO_ON;
}

/* That one was looked at. */
static int circle_turn(circle_side *side)
{
    side->edge = NULL;
    side->pair = 0;
    return ++side->at < side->count ? CIRCLE_GO_ON : CIRCLE_NONE;
}

static int circle_step_up(circle *self)
{
    circle_side *side = &self->above;
    thrum_deferred *next =
        thrum__deferred_above(side->found[side->at], &side->edge);

    if (next == NULL)
        return circle_turn(side);
    if (next == self->self || next->seen_below)
        return THRUM_DEFERRED_E_WAITS_FOR_ITSELF;
    if (next->seen_above)
        return CIRCLE_GO_ON;
    next->seen_above = true;
    return circle_add(side, next);
}

static int circle_step_down(circle *self)
{
    circle_side *side = &self->below;
    const thrum_deferred *at = side->found[side->at];
    deferred_pair pair;
    thrum_deferred *next;

    if (side->pair == thrum__deferred_pairs(at))
        return circle_turn(side);
    pair = thrum__pairs_get(&at->pairs, side->pair);
    next = circle_next_heir(&pair, &side->edge);
    if (next == NULL) {
        side->pair++;
        side->edge = NULL;
        return CIRCLE_GO_ON;
    }
    if (next == self->on || next->seen_above)
        return THRUM_DEFERRED_E_WAITS_FOR_ITSELF;
    if (next->seen_below)
        return CIRCLE_GO_ON;
    next->seen_below = true;
    return circle_add(side, next);
}

static void circle_side_init(circle_side *side, thrum_deferred *first)
{
    side->context = first->context;
    side->found = side->near;
    side->near[0] = first;
    side->count = 1;
    side->room = CIRCLE_NEAR;
    side->at = 0;
    side->edge = NULL;
    side->pair = 0;
}

static void circle_side_fini(circle_side *side)
{
    for (size_t i = 0; i < side->count; i++)
        side->found[i]->seen_above = side->found[i]->seen_below = false;
    if (side->found != side->near)
        thrum_context_release(side->context, side->found);
}

/* Looks among all: from `up` on, below which stands only `on`, and from `down`
 * on, above which stands only `self`. */
static int circle_search(circle *self, thrum_deferred *up, thrum_deferred *down)
{
    int found;

    circle_side_init(&self->above, up);
    circle_side_init(&self->below, down);
    up->seen_above = true;
    down->seen_below = true;
    do {
        found = circle_step_up(self);
        if (found == CIRCLE_GO_ON)
            found = circle_step_down(self);
    } while (found == CIRCLE_GO_ON);
    circle_side_fini(&self->above);
    circle_side_fini(&self->below);
    return found == CIRCLE_NONE ? 0 : found;
}

int thrum__deferred_search_circle(thrum_deferred *self, thrum_deferred *on)
{
    thrum_deferred *up = on, *down = self, *source, *heir;
    circle all;

    if (self == on)
        return THRUM_DEFERRED_E_WAITS_FOR_ITSELF;
    while (thrum__deferred_has_heirs(down) && thrum__deferred_has_sources(up)) {
        source = circle_source(up);
        heir = circle_heir(down);
        if (source == NULL || heir == NULL) {
            all.self = self;
            all.on = on;
            return circle_search(&all, up, down);
        }
        if (source == self || heir == on)
            return THRUM_DEFERRED_E_WAITS_FOR_ITSELF;
        up = source;
        down = heir;
    }
    return 0;
}
