/* SPDX-License-Identifier: MIT */
/*
 * Headers as they go over the wire: lines of at most 76 characters where the
 * value lets itself be folded, US-ASCII only, what is not by encoded words (RFC
 * 2047). The value is made whole first and encoded then: encoded words are
 * never put together from encoded pieces.
 */
#ifndef THRUM_MAIL_HEADER_H
#define THRUM_MAIL_HEADER_H

#include <stddef.h>

#include <thrum/api.h>

/* A header's value is not longer than this: servers take headers of about 100
 * KiB in all, and one value is written in one step. */
enum { THRUM__HEADER_MOST = 8192 };

/* Nor is its name: it has to leave room for something in the line. */
enum { THRUM__HEADER_NAME_MOST = 60 };

/* Where the next byte goes, and how far into its line that is. */
typedef struct thrum__line {
    char *at;
    size_t column;
} thrum__line;

/* Whether it may be the name of a header that is added. Returns NULL, or what
 * is wrong with it, in words; borrowed, static. */
const char *thrum__header_name(thrum_bytes name);

/* Writes the value of a header that is free text (RFC 5322 section 2.2.1), to
 * where there is room for header_bound of its size. The value holds no control
 * characters and is UTF-8. */
void thrum__header_text(thrum__line *line, thrum_bytes value);

/* Writes a mailbox, "Name <addr>" or "addr", in the same way; there is room for
 * header_bound of both sizes. */
void thrum__header_mailbox(thrum__line *line, thrum_bytes name,
                           thrum_bytes addr);

/* How many bytes those two can write at most. */
size_t thrum__header_bound(size_t size);

/* Writes bytes as they are; without a line break in them. */
void thrum__line_write(thrum__line *line, const char *data, size_t size);

/* Ends the line and goes on in the next one, which begins with a blank. */
void thrum__line_fold(thrum__line *line);

#endif
