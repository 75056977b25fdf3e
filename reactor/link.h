/* SPDX-License-Identifier: MIT */
/*
 * A ring of links: what a reactor has to end when it ends itself. The link
 * stands first in its object.
 */
#ifndef THRUM_REACTOR_LINK_H
#define THRUM_REACTOR_LINK_H

#include <stdbool.h>

typedef struct thrum__link {
    struct thrum__link *next, *prev;
} thrum__link;

/* Makes an empty ring, or a link that is in none. */
static inline void thrum__link_init(thrum__link *link)
{
    link->next = link->prev = link;
}

static inline bool thrum__link_alone(const thrum__link *link)
{
    return link->next == link;
}

/* Puts `link` at the end of `ring`. */
static inline void thrum__link_append(thrum__link *ring, thrum__link *link)
{
    link->prev = ring->prev;
    link->next = ring;
    ring->prev->next = link;
    ring->prev = link;
}

/* Takes it out of its ring; legal when it is in none. */
static inline void thrum__link_remove(thrum__link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    thrum__link_init(link);
}

/* Moves all of `ring` to the end of `other`. */
static inline void thrum__link_move(thrum__link *ring, thrum__link *other)
{
    if (thrum__link_alone(ring))
        return;
    ring->next->prev = other->prev;
    other->prev->next = ring->next;
    ring->prev->next = other;
    other->prev = ring->prev;
    thrum__link_init(ring);
}

#endif
