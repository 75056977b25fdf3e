/* SPDX-License-Identifier: MIT */
/*
 * What bytes are made of: UTF-8 or not, control characters or not.
 */
#ifndef THRUM_MAIL_TEXT_H
#define THRUM_MAIL_TEXT_H

#include <stdbool.h>
#include <string.h>

#include <thrum/api.h>

/* What thrum__text_scan found. */
enum {
    THRUM__TEXT_HIGH = 1,    /* a byte past US-ASCII */
    THRUM__TEXT_CONTROL = 2, /* below 0x20, or 0x7f */
    THRUM__TEXT_EQUALS = 4   /* "=", with which encoded words begin */
};

/* What is in the bytes: 0 for printable US-ASCII without "=". */
unsigned thrum__text_scan(thrum_bytes text);

/* Whether they are UTF-8 (RFC 3629: no surrogates, nothing overlong). */
bool thrum__text_is_utf8(thrum_bytes text);

/* Whether they could stand in a header or in the envelope: UTF-8 without
 * control characters. NULL when they are, else what is wrong, in words.
 * Ownership: borrowed, static. */
const char *thrum__text_line(thrum_bytes text);

/* The same for a text of many lines: UTF-8 without NUL. */
const char *thrum__text_lines(thrum_bytes text);

/* A C string as bytes. */
static inline thrum_bytes thrum__text_of(const char *string)
{
    return (thrum_bytes){string, strlen(string)};
}

/* Whether a slot may begin in it. */
static inline bool thrum__text_has_slot(thrum_bytes text)
{
    return text.size > 1 && memmem(text.data, text.size, "{{", 2) != NULL;
}

/* A blank, but no other white space. */
static inline bool thrum__text_is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

#endif
