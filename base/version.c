/* SPDX-License-Identifier: MIT */
#include <thrum/version.h>

#include "config.h"

const char *thrum_version(void)
{
    return PACKAGE_VERSION;
}
