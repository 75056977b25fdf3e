/* SPDX-License-Identifier: MIT */
/*
 * All that can stand for other Deferreds, as one function: what the tests of
 * circles go through.
 */
#ifndef THRUM_TESTS_STAND_H
#define THRUM_TESTS_STAND_H

#include "tests/deferred/chain.h"

enum stand {
    STAND_WAIT,  /* a Deferred whose callback waits for it */
    STAND_CHAIN, /* one to which it is chained */
    STAND_LIST,
    STAND_FIRST, /* a list that fires at the first that ends */
    STAND_ALL,
    STAND_SETTLED,
    STAND_ANY,
    STAND_RACE,
    STAND_SHARE,
    STAND_EACH, /* of which it is the one item */
    STAND_COLLECT,
    STAND_COITERATE,
    STAND_TASK,    /* when_done of one that waits for it */
    STAND_LOOPING, /* the same */
    STANDS
};

#define ITSELF "a Deferred would wait for itself"

extern const char *const stand_names[STANDS];

/* Makes what stands for `on`, whose consumer's reference it takes: it has its
 * result when `on` has it. */
thrum_deferred *stand_for(struct world *world, enum stand kind,
                          thrum_deferred *on);

/* One of the groups, of several. */
thrum_deferred *stand_for_all(struct world *world, enum stand kind,
                              thrum_deferred *const *members, size_t count);

/* Lets all that is on the way have its end: ticks. */
void stand_settle(struct world *world);

/* "m" in the trace, whose callback will wait for *on, which it sets to NULL;
 * what fails it passes by. */
thrum_deferred *stand_member(struct world *world, thrum_deferred **on);

/* Callbacks that note what passes by, "name=none " whatever the value; ctx is a
 * name. */
thrum_outcome see_value(void *value, void *name);
thrum_outcome see_failure(const thrum_failure *why, void *name);

/* Settles and ends the world, whatever nobody handled. */
void stand_end(struct world *world);

#endif
