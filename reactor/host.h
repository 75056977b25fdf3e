/* SPDX-License-Identifier: MIT */
/*
 * What the reactor knows of hosts' names beyond the public header.
 */
#ifndef THRUM_REACTOR_HOST_H
#define THRUM_REACTOR_HOST_H

#include <thrum/host.h>

/* What a person is shown of a name that may be none. Ownership: borrowed. */
const char *thrum__host_shown(const char *name);

#endif
