/* SPDX-License-Identifier: MIT */
/*
 * What the files of the compiler share.
 */
#ifndef THRUM_MAIL_COMPILE_H
#define THRUM_MAIL_COMPILE_H

#include "mail/program.h"

/* What a slot in a header may write for each byte of its value: see
 * thrum__header_bound. */
enum { THRUM__COMPILE_FIELD = 3 };

typedef struct thrum__compiler {
    thrum_context *context;
    const thrum__source *source;
    thrum__program *program;
    size_t flushed;        /* bytes that are in segments */
    thrum_buffer literals; /* of the text that is being compiled */
    thrum_buffer pieces;
    thrum_failure *why;
    char boundary[THRUM__RANDOM_SIZE];
} thrum__compiler;

/* Keeps the first failure; further ones are dropped. Ownership: why taken. */
void thrum__compile_fail(thrum__compiler *self, thrum_failure *why);

/* The same with a failure made of the part's name and words. */
void thrum__compile_wrong(thrum__compiler *self, int code, const char *part,
                          const char *wrong);

/* Adds to a buffer, unless something failed. */
void thrum__compile_add(thrum__compiler *self, thrum_buffer *buffer,
                        const void *data, size_t size);

/* Adds a string to the bytes for the wire. */
void thrum__compile_bytes(thrum__compiler *self, const char *string);

/* Makes a segment of the bytes that are in none. */
void thrum__compile_flush(thrum__compiler *self, thrum__segment_kind kind);

/* Adds a segment that is not of bytes; `bound` is what it may write, besides
 * its values' weight. */
void thrum__compile_segment(thrum__compiler *self, thrum__segment_kind kind,
                            size_t at, size_t bound);

/* Whether there may be slots in it. */
bool thrum__compile_has_slots(const thrum__compiler *self, thrum_bytes text);

/* Reads a line with slots to the program's own pieces. */
thrum__pieces thrum__compile_pieces(thrum__compiler *self, const char *part,
                                    thrum_bytes text, size_t column);

/* The same for a text that has no slots, whatever is in it. */
thrum__pieces thrum__compile_literal(thrum__compiler *self, thrum_bytes text);

/* All headers but those that say what the body is. */
void thrum__compile_headers(thrum__compiler *self);

/* The headers that say what the body is, and the body. */
void thrum__compile_body(thrum__compiler *self);

#endif
