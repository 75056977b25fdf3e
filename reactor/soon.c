/* SPDX-License-Identifier: MIT */
#include "reactor/soon.h"

#include "reactor/loop.h"

void thrum__soon_start(thrum_reactor *reactor, thrum__soon *soon)
{
    if (!thrum__link_alone(&soon->link))
        return;
    thrum__link_append(&reactor->soon, &soon->link);
    ev_ref(reactor->loop);
}

void thrum__soon_stop(thrum_reactor *reactor, thrum__soon *soon)
{
    if (thrum__link_alone(&soon->link))
        return;
    thrum__link_remove(&soon->link);
    ev_unref(reactor->loop);
}

/* Who is called may start and stop any of them. */
void thrum__soon_turn(thrum_reactor *reactor)
{
    thrum__link_move(&reactor->soon, &reactor->soon_due);
    while (!thrum__link_alone(&reactor->soon_due)) {
        thrum__soon *soon = (thrum__soon *)reactor->soon_due.next;

        thrum__soon_stop(reactor, soon);
        soon->fn(soon->ctx);
    }
}
