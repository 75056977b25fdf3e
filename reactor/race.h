/* SPDX-License-Identifier: MIT */
/*
 * Addresses of one host that are connected to one after the other, the families
 * in turn; each has 250 ms, or until it fails, before the next joins in, and
 * the first that answers wins (RFC 8305, sections 4 and 5).
 */
#ifndef THRUM_REACTOR_RACE_H
#define THRUM_REACTOR_RACE_H

#include "reactor/address.h"
#include "reactor/loop.h"

/* It is over: `stream` is there, or NULL, and `error` is the errno of the
 * address that failed last (ENOMEM: of no address). Ownership: stream new. */
typedef void thrum__race_over_fn(thrum_stream *stream, int error, void *ctx);

/* Lives in the object of who waits for it. */
typedef struct thrum__race {
    thrum_reactor *reactor;
    thrum__link untried, running;
    thrum_call *delay; /* until the next one joins in */
    thrum__race_over_fn *over;
    void *ctx;
    thrum__address last; /* that was tried, or that failed after all others */
    int error;
    bool tried;   /* there is a last one */
    bool waiting; /* more addresses are to come */
} thrum__race;

/* Starts nothing yet. `ctx` is borrowed. */
void thrum__race_init(thrum__race *race, thrum_reactor *reactor,
                      thrum__race_over_fn *over, void *ctx);

/* Adds addresses, best first, with the port given; those that are still to be
 * tried are put in order anew, and the first starts unless one is running.
 * `more`: others will be added. Calls back: perhaps before it returns. */
void thrum__race_add(thrum__race *race, const thrum__address *addresses,
                     size_t count, uint16_t port, bool more);

/* Closes all that runs. Legal at any time, and again. */
void thrum__race_stop(thrum__race *race);

#endif
