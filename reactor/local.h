/* SPDX-License-Identifier: MIT */
/*
 * What this machine knows of a name by itself: its hosts file, and the domains
 * in which a short name is searched (resolv.conf).
 */
#ifndef THRUM_REACTOR_LOCAL_H
#define THRUM_REACTOR_LOCAL_H

#include <thrum/context.h>

#include "reactor/address.h"
#include "reactor/host.h"

/* The name itself and the domains, of which a resolv.conf has six. */
enum { THRUM__LOCAL_NAMES = 8, THRUM__LOCAL_ADDRESSES = 64 };

typedef struct thrum__local {
    size_t found; /* addresses of the hosts file; then no server is asked */
    thrum__address addresses[THRUM__LOCAL_ADDRESSES];
    size_t count; /* names to ask servers for, one after the other */
    char names[THRUM__LOCAL_NAMES][THRUM_HOST_ROOM];
} thrum__local;

/* Looks `name` up, which thrum_host_to_ascii wrote. "localhost" is always
 * there (RFC 6761, section 6.3). Errors: THRUM_E_NOMEM. */
int thrum__local_find(thrum__local *local, const char *name);

#endif
