/* SPDX-License-Identifier: MIT */
/*
 * The addresses of a host: those of the hosts file, or else what the DNS has
 * under A and AAAA, asked for at the same time and apart, so that when one of
 * the answers is lost the other one is still of use.
 */
#ifndef THRUM_REACTOR_LOOKUP_H
#define THRUM_REACTOR_LOOKUP_H

#include <stdbool.h>

#include "reactor/address.h"
#include "reactor/answer.h"

typedef struct thrum__lookup thrum__lookup;

/* What a look-up has to tell. */
typedef struct thrum__found {
    const thrum__address *addresses; /* best first (RFC 6724), port 0 */
    size_t count;                    /* 0: none were told, and none will be */
    thrum_ns left;                   /* how long they hold */
    bool last;                       /* the look-up is over */
    thrum__answer_kind kind;         /* of a count of 0 */
    const char *words;               /* likewise; NULL: no memory */
} thrum__found;

/* Ownership: found borrowed, for the call. */
typedef void thrum__looked_up_fn(const thrum__found *found, void *ctx);

/* Looks up the addresses of `name`, which thrum_host_to_ascii wrote. `eager`:
 * tells those of one family without the other (RFC 8305, section 3): IPv6 at
 * once, IPv4 after 50 ms; the others are told when they come. Else all are told
 * together.
 * Ownership: the look-up is borrowed, until it is over or cancelled; ctx
 * borrowed. Calls back: never before this returns. Errors: NULL, no memory. */
thrum__lookup *thrum__lookup_new(thrum_reactor *reactor, const char *name,
                                 bool eager, thrum__looked_up_fn *fn,
                                 void *ctx);

/* Nobody waits for it any more. Legal from within fn. NULL is nothing. */
void thrum__lookup_cancel(thrum__lookup *lookup);

/* Waits no longer: tells what has come, if there is something. Returns whether
 * there was, and the look-up is over. */
bool thrum__lookup_hurry(thrum__lookup *lookup);

#endif
