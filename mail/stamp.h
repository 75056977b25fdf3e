/* SPDX-License-Identifier: MIT */
/*
 * What makes a message this one and no other: its date, and random bytes.
 */
#ifndef THRUM_MAIL_STAMP_H
#define THRUM_MAIL_STAMP_H

#include <stddef.h>
#include <stdint.h>

/* "Fri, 20 Nov 2026 07:00:00 +0000" */
enum { THRUM__DATE_SIZE = 31 };

/* 128 bits in hexadecimal. */
enum { THRUM__RANDOM_SIZE = 32 };

/* Seconds since 1970 by the wall's clock. */
int64_t thrum__stamp_now(void);

/* Writes the date of a second in UTC (RFC 5322 section 3.3). Years from 1 to
 * 9999. */
void thrum__stamp_date(char to[THRUM__DATE_SIZE], int64_t seconds);

/* Writes 128 random bits in hexadecimal. Returns 0, or an errno. */
int thrum__stamp_random(char to[THRUM__RANDOM_SIZE]);

#endif
