/* SPDX-License-Identifier: MIT */
/*
 * What delivery status notifications are asked for (RFC 3461), checked.
 */
#ifndef THRUM_MAIL_DSN_H
#define THRUM_MAIL_DSN_H

#include "mail/message_internal.h"

/* Whether its flags may stand beside each other. */
bool thrum__dsn_is_valid(const thrum_dsn *dsn);

/* Whether it may be an ENVID. Returns NULL, or what is wrong with it, in words;
 * borrowed, static. */
const char *thrum__dsn_check_id(thrum_bytes id);

#endif
