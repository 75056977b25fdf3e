/* SPDX-License-Identifier: MIT */
/*
 * Templates for tests: with the columns email, name, city and id.
 */
#ifndef THRUM_TESTS_MAIL_LETTER_H
#define THRUM_TESTS_MAIL_LETTER_H

#include <thrum/template.h>

enum { LETTER_COLUMNS = 4 };

/* A prototype, from what is not NULL here. */
typedef struct letter_parts {
    const char *from;
    const char *reply_to;
    const char *envelope_from;
    const thrum_dsn *dsn;
    const char *subject;
    const char *header; /* the value of X-Key */
    const char *text;
    const char *html;
} letter_parts;

/* A message made from the parts. */
thrum_message *letter_prototype(thrum_context *context,
                                const letter_parts *with);

/* A template made from it. */
thrum_template *letter_new(thrum_context *context, const letter_parts *with,
                           thrum_failure **why);

/* A message for ann@example.org with these values. */
thrum_message *letter_fill(thrum_template *letter, const char *name,
                           const char *city, const char *id);

/* Writes the bytes for DATA in slices of this size; answers 0 or what was
 * wrong. */
int letter_write(thrum_message *message, thrum_buffer *out, size_t slice);

/* The same for BDAT. */
int letter_write_binary(thrum_message *message, thrum_buffer *out,
                        size_t slice);

/* Asserts that a message that was `sent` in DATA has the same bytes for BDAT,
 * its dots apart, whole and in slices of `step` more each time, and as many as
 * its size says. */
void letter_assert_binary(thrum_message *message, thrum_bytes sent,
                          size_t step);

#endif
