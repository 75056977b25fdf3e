/* SPDX-License-Identifier: MIT */
/*
 * The commands of an SMTP client. All of them are written by one function, so
 * that there is one place where an argument could bring a line of its own.
 */
#ifndef THRUM_MAIL_SMTP_COMMAND_H
#define THRUM_MAIL_SMTP_COMMAND_H

#include <stdbool.h>

#include <thrum/buffer.h>
#include <thrum/receipt.h>

enum {
    THRUM__COMMAND_LINE = 512, /* with its CRLF: section 4.5.3.1.4 */
    THRUM__COMMAND_CHUNK = 32  /* no BDAT is longer */
};

/* Whether `argument` may stand in a command: printable US-ASCII, and blanks and
 * angle brackets only within quotes. */
bool thrum__command_allows(thrum_bytes argument);

/* Appends the command of `stage`: the host's name for EHLO and HELO, the
 * address without brackets for MAIL and RCPT, nothing for the others. Errors:
 * THRUM_E_INVALID for an argument that may not stand there or is too long;
 * those of the buffer. Then nothing was appended. */
int thrum__command_write(thrum_buffer *out, thrum_smtp_stage stage,
                         thrum_bytes argument);

/* Writes "BDAT 1234 LAST" (RFC 3030 section 2); returns its length. */
size_t thrum__command_chunk(char line[THRUM__COMMAND_CHUNK], size_t size,
                            bool last);

#endif
