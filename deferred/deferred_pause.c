/* SPDX-License-Identifier: MIT */
/*
 * A pause is a block that holds the Deferred; the Deferred only counts them.
 * So each is ended once, by its holder, and a double end is a double free that
 * every checker of memory shows.
 */
#include "deferred/deferred.h"

struct thrum_pause {
    thrum_deferred *deferred;
};

thrum_pause *thrum_deferred_pause(thrum_deferred *self)
{
    thrum_pause *pause;

    THRUM__HERE_OF(self);
    if (self == NULL)
        return NULL;
    pause = thrum__make(self->context, sizeof *pause);
    if (pause == NULL)
        return NULL;
    pause->deferred = thrum_deferred_ref(self);
    self->pauses++;
    return pause;
}

void thrum_pause_end(thrum_pause *pause)
{
    thrum_deferred *self;

    if (pause == NULL)
        return;
    self = pause->deferred;
    THRUM__HERE_OF(self);
    thrum__drop(self->context, pause);
    self->pauses--;
    if (thrum__deferred_rests(self))
        thrum__deferred_run(self); /* ends our reference */
    else
        thrum_deferred_unref(self);
}
