/* SPDX-License-Identifier: MIT */
/*
 * Look-ups of records in a world, and what they came to.
 */
#ifndef THRUM_TESTS_REACTOR_ASKING_H
#define THRUM_TESTS_REACTOR_ASKING_H

#include <thrum/records.h>

#include "tests/reactor/reach.h"

enum { ADDRESS = THRUM_RECORD_ADDRESS, MX = THRUM_RECORD_MX };
enum { TXT = THRUM_RECORD_TXT, SRV = THRUM_RECORD_SRV };

/* What a look-up came to. */
typedef struct found {
    thrum_deferred *looking;
    unsigned fired, failed;
    char text[1500]; /* the records, each ended by ";" */
    size_t count;
    thrum_ns ttl;
    thrum_failure *why;
} found;

/* Asks for records of a type; what comes of it is noted. */
void found_begin(world *here, found *self, int type, const char *name);

/* The same, until there is nothing more to do without time. */
void found_look_up(world *here, found *self, int type, const char *name);

/* Lets go of it. */
void found_end(found *self);

#endif
