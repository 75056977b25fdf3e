/* SPDX-License-Identifier: MIT */
/*
 * Names of hosts as people write them, and as the DNS knows them.
 */
#ifndef THRUM_REACTOR_IDN_H
#define THRUM_REACTOR_IDN_H

#include <thrum/failure.h>

/* 253 octets, a dot at the end, and the NUL. */
enum { THRUM__HOST_NAME = 255 };

/* Writes the name in lower case, what is outside ASCII as A-labels (IDNA2008);
 * a dot at its end is kept. Labels are of letters, digits, "-" and "_".
 * Errors: THRUM_E_NOMEM; THRUM_E_INVALID, it is no name, and *wrong says why,
 * in static words. */
int thrum__name_to_ascii(char ascii[THRUM__HOST_NAME], const char *name,
                         const char **wrong);

/* What a person is shown of a name that may be none. Ownership: borrowed. */
const char *thrum__name_shown(const char *name);

#endif
