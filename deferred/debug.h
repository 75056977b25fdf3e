/* SPDX-License-Identifier: MIT */
/*
 * What the chain tells those who watch. All of it is called only while the
 * context has a watch.
 */
#ifndef THRUM_DEFERRED_DEBUG_H
#define THRUM_DEFERRED_DEBUG_H

#include "deferred/deferred.h"

/* Memory for a Deferred that is made at this place, not cleared; it stands in
 * the list if *watched. */
thrum_deferred *thrum__debug_allocate(thrum_context *context, const char *file,
                                      int line, bool *watched);

/* Where one that is watched was made; NULL: nobody said. */
const char *thrum__debug_made(const thrum_deferred *deferred, int *line);

/* Takes one that is watched out of the list, and gives its memory back. */
void thrum__debug_release(thrum_deferred *deferred);

/* The loop leaves a Deferred that has failed. */
void thrum__debug_settled(thrum_deferred *deferred);

#endif
