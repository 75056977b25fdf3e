/* SPDX-License-Identifier: MIT */
#include "deferred/pairs.h"

#include "base/base.h"

enum { PAIRS_LEAST = 1, PAIRS_CAP = 1 << 26 };

/* What `rest` is the address of, but for a block. */
enum { PAIRS_WAITER = 1, PAIRS_KEPT = 2, PAIRS_MARKS = 3 };

static inline deferred_more *pairs_more(const deferred_pairs *pairs)
{
    return (pairs->rest & PAIRS_MARKS) != 0 ? NULL
                                            : (deferred_more *)pairs->rest;
}

/* The only one of the rest, if that is so. */
static inline deferred_pair pairs_only(const deferred_pairs *pairs)
{
    if ((pairs->rest & PAIRS_KEPT) != 0)
        return *(const deferred_pair *)(pairs->rest - PAIRS_KEPT);
    return (deferred_pair){.ctx = (void *)(pairs->rest - PAIRS_WAITER),
                           .free = thrum__deferred_waiter};
}

static inline deferred_pair *pairs_at(deferred_more *more, unsigned index)
{
    unsigned at = more->head + index;

    return &more->pairs[at < more->room ? at : at - more->room];
}

static unsigned pairs_rest(const deferred_pairs *pairs)
{
    const deferred_more *more = pairs_more(pairs);

    return more != NULL ? more->count : pairs->rest != 0;
}

/* The ring is straightened by copying it: rare, and as cheap as resizing. */
static bool pairs_grow(deferred_pairs *pairs, thrum_context *context)
{
    deferred_more *old = pairs_more(pairs), *more;
    unsigned count = pairs_rest(pairs);
    unsigned room = count == 0 ? PAIRS_LEAST : 2 * count + 1;

    if (room > PAIRS_CAP)
        return false;
    more = thrum_context_allocate(context,
                                  sizeof *more + room * sizeof *more->pairs);
    if (more == NULL)
        return false;
    more->head = 0;
    more->room = room;
    more->count = count;
    for (unsigned i = 0; i < count; i++)
        more->pairs[i] = thrum__pairs_get(pairs, i + 1);
    thrum_context_release(context, old);
    pairs->rest = (uintptr_t)more;
    return true;
}

/* There is room for one more, in a block; NULL without memory. */
static deferred_more *pairs_make_room(deferred_pairs *pairs,
                                      thrum_context *context)
{
    deferred_more *more = pairs_more(pairs);

    if ((more == NULL || more->count == more->room) &&
        !pairs_grow(pairs, context))
        return NULL;
    return pairs_more(pairs);
}

bool thrum__pairs_push(deferred_pairs *pairs, thrum_context *context,
                       const deferred_pair *pair)
{
    deferred_more *more;

    if (pairs->rest == 0 && pair->free == thrum__deferred_waiter) {
        pairs->rest = (uintptr_t)pair->ctx + PAIRS_WAITER;
        return true;
    }
    more = pairs_make_room(pairs, context);
    if (more == NULL)
        return false;
    *pairs_at(more, more->count) = *pair;
    more->count++;
    return true;
}

bool thrum__pairs_push_kept(deferred_pairs *pairs, thrum_context *context,
                            const deferred_pair *pair)
{
    if (pairs->rest != 0)
        return thrum__pairs_push(pairs, context, pair);
    pairs->rest = (uintptr_t)pair + PAIRS_KEPT;
    return true;
}

bool thrum__pairs_push_first(deferred_pairs *pairs, thrum_context *context,
                             const deferred_pair *pair)
{
    deferred_more *more = pairs_make_room(pairs, context);

    if (more == NULL)
        return false;
    more->head = more->head > 0 ? more->head - 1 : more->room - 1;
    more->pairs[more->head] = pairs->first;
    more->count++;
    pairs->first = *pair;
    return true;
}

bool thrum__pairs_shift(deferred_pairs *pairs)
{
    deferred_more *more = pairs_more(pairs);

    if (pairs_rest(pairs) == 0)
        return false;
    if (more == NULL) {
        pairs->first = pairs_only(pairs);
        pairs->rest = 0;
        return true;
    }
    pairs->first = *pairs_at(more, 0);
    more->head = more->head + 1 < more->room ? more->head + 1 : 0;
    more->count--;
    return true;
}

size_t thrum__pairs_count(const deferred_pairs *pairs)
{
    return 1 + (size_t)pairs_rest(pairs);
}

deferred_pair thrum__pairs_get(const deferred_pairs *pairs, size_t index)
{
    deferred_more *more = pairs_more(pairs);

    if (index == 0)
        return pairs->first;
    return more != NULL ? *pairs_at(more, (unsigned)index - 1)
                        : pairs_only(pairs);
}

void thrum__pairs_fini(deferred_pairs *pairs, thrum_context *context)
{
    thrum_context_release(context, pairs_more(pairs));
}
