/* SPDX-License-Identifier: MIT */
#include "deferred/pairs.h"

#include <string.h>

enum { PAIRS_LEAST = 1, PAIRS_CAP = 1 << 26 };

static deferred_pair *pairs_at(deferred_more *more, unsigned index)
{
    unsigned at = more->head + index;

    return &more->pairs[at < more->room ? at : at - more->room];
}

/* The ring is straightened by copying it: rare, and as cheap as resizing. */
static bool pairs_grow(deferred_pairs *pairs, thrum_context *context)
{
    deferred_more *old = pairs->more, *more;
    unsigned room = old == NULL ? PAIRS_LEAST : 2 * old->room + 1;

    if (room > PAIRS_CAP)
        return false;
    more = thrum_context_allocate(context,
                                  sizeof *more + room * sizeof *more->pairs);
    if (more == NULL)
        return false;
    more->head = 0;
    more->room = room;
    more->count = old == NULL ? 0 : old->count;
    for (unsigned i = 0; i < more->count; i++)
        more->pairs[i] = *pairs_at(old, i);
    thrum_context_release(context, old);
    pairs->more = more;
    return true;
}

/* There is room for one more; false without memory. */
static bool pairs_make_room(deferred_pairs *pairs, thrum_context *context)
{
    deferred_more *more = pairs->more;

    return (more != NULL && more->count < more->room) ||
           pairs_grow(pairs, context);
}

bool thrum__pairs_push(deferred_pairs *pairs, thrum_context *context,
                       const deferred_pair *pair)
{
    deferred_more *more;

    if (!pairs_make_room(pairs, context))
        return false;
    more = pairs->more;
    *pairs_at(more, more->count) = *pair;
    more->count++;
    return true;
}

bool thrum__pairs_push_first(deferred_pairs *pairs, thrum_context *context,
                             const deferred_pair *pair)
{
    deferred_more *more;

    if (!pairs_make_room(pairs, context))
        return false;
    more = pairs->more;
    more->head = more->head > 0 ? more->head - 1 : more->room - 1;
    more->pairs[more->head] = pairs->first;
    more->count++;
    pairs->first = *pair;
    return true;
}

bool thrum__pairs_shift(deferred_pairs *pairs)
{
    deferred_more *more = pairs->more;

    if (more == NULL || more->count == 0)
        return false;
    pairs->first = *pairs_at(more, 0);
    more->head = more->head + 1 < more->room ? more->head + 1 : 0;
    more->count--;
    return true;
}

const deferred_pair *thrum__pairs_get(const deferred_pairs *pairs, size_t index)
{
    deferred_more *more = pairs->more;

    if (index == 0)
        return &pairs->first;
    return more != NULL && index <= more->count
               ? pairs_at(more, (unsigned)index - 1)
               : NULL;
}

const deferred_pair *thrum__pairs_last(const deferred_pairs *pairs)
{
    deferred_more *more = pairs->more;

    if (more == NULL || more->count == 0)
        return &pairs->first;
    return pairs_at(more, more->count - 1);
}
