/* SPDX-License-Identifier: MIT */
#ifndef THRUM_VERSION_H
#define THRUM_VERSION_H

#include <thrum/api.h>

THRUM_BEGIN

/* The version of the library that is running, as "MAJOR.MINOR.PATCH".
 * Ownership: borrowed, static. */
THRUM_API const char *thrum_version(void);

THRUM_END

#endif
