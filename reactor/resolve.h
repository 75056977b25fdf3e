/* SPDX-License-Identifier: MIT */
/*
 * Names to addresses, by c-ares on the loop.
 */
#ifndef THRUM_REACTOR_RESOLVE_H
#define THRUM_REACTOR_RESOLVE_H

#include "reactor/address.h"
#include "reactor/loop.h"

typedef struct thrum__query thrum__query;

/* What was found, best first; or nothing, and `error` says why not, in static
 * words. The query is over. Ownership: addresses new, the context's. */
typedef void thrum__resolved_fn(thrum__address *addresses, size_t count,
                                const char *error, void *ctx);

/* Looks a name up, in the hosts file and then by DNS. Ownership: the query is
 * borrowed, until it is over or cancelled; ctx borrowed. Calls back: never
 * before this returns. Errors: NULL, no memory. */
thrum__query *thrum__resolve(thrum_reactor *reactor, const char *host,
                             uint16_t port, thrum__resolved_fn *fn, void *ctx);

/* Nobody waits for it any more. NULL is nothing. */
void thrum__resolve_cancel(thrum__query *query);

#endif
