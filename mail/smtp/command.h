/* SPDX-License-Identifier: MIT */
/*
 * The commands of an SMTP client. All of them are written by one function, so
 * that there is one place where an argument could bring a line of its own.
 */
#ifndef THRUM_MAIL_SMTP_COMMAND_H
#define THRUM_MAIL_SMTP_COMMAND_H

#include <stdbool.h>

#include <thrum/buffer.h>
#include <thrum/message.h>
#include <thrum/receipt.h>

enum {
    THRUM__COMMAND_LINE = 512, /* with its CRLF: section 4.5.3.1.4 */
    THRUM__COMMAND_CHUNK = 32, /* no BDAT is longer */
    /* With all parameters: RFC 1870 grants 26, RFC 6152 17, RFC 6531 10, and
     * the rest is for RET and ENVID, for NOTIFY and ORCPT (RFC 3461). */
    THRUM__COMMAND_MAIL = THRUM__COMMAND_LINE + 26 + 17 + 10 + 120,
    THRUM__COMMAND_RCPT = THRUM__COMMAND_LINE + 10 + 540
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

/* What MAIL and RCPT may say besides the address; all 0: nothing. */
typedef struct thrum__command_extras {
    uint64_t size;           /* SIZE of the message (RFC 1870) */
    bool is_8bit;            /* BODY=8BITMIME (RFC 6152) */
    bool is_utf8;            /* the address may be UTF-8 (RFC 6531) */
    thrum_dsn_return what;   /* RET (RFC 3461 section 4.3) */
    thrum_bytes envelope_id; /* ENVID (section 4.4), as it is */
    unsigned notify;         /* NOTIFY (section 4.1) */
    thrum_bytes original;    /* ORCPT (section 4.2), the address as it is */
} thrum__command_extras;

/* Appends MAIL or RCPT, with those of the extras that it may have. As
 * thrum__command_write, and no longer than the extensions grant; an ORCPT that
 * is longer is left out (RFC 3461 allows it 500 characters). */
int thrum__command_write_with(thrum_buffer *out, thrum_smtp_stage stage,
                              thrum_bytes argument,
                              const thrum__command_extras *extras);

/* Writes "BDAT 1234 LAST" (RFC 3030 section 2); returns its length. */
size_t thrum__command_chunk(char line[THRUM__COMMAND_CHUNK], size_t size,
                            bool last);

#endif
