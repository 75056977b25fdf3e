/* SPDX-License-Identifier: MIT */
/*
 * Names of hosts as people write them, and as the DNS knows them.
 */
#ifndef THRUM_HOST_H
#define THRUM_HOST_H

#include <thrum/failure.h>

THRUM_BEGIN

/* Room for a name of 253 octets, a dot at its end, and the NUL. */
#define THRUM_HOST_ROOM 255

/* Writes the name in lower case, what is outside ASCII as A-labels (IDNA2008,
 * RFC 5891); a dot at its end is kept, and dots of other scripts are dots.
 * Labels are of letters, digits, "-" and "_".
 * Ownership: *wrong borrowed, static.
 * Errors: THRUM_E_NOMEM; THRUM_E_INVALID, it is no name, and *wrong says why.
 */
THRUM_API int thrum_host_to_ascii(char ascii[THRUM_HOST_ROOM], const char *name,
                                  const char **wrong);

THRUM_END

#endif
