/* SPDX-License-Identifier: MIT */
/*
 * Slots: {{name}} in a text.
 */
#ifndef THRUM_MAIL_SLOTS_H
#define THRUM_MAIL_SLOTS_H

#include "mail/program.h"
#include "mail/text.h"

/* How a text is read, and where what it is made of goes. */
typedef struct thrum__slots {
    thrum__program *program;
    const thrum__source *source;
    const char *part; /* the text's name in failures */
    bool is_line;     /* for a header or the envelope */
    size_t weight;    /* that a slot adds to its value's */
    size_t column;    /* of the text's start in its line, from 0 */
    thrum_buffer *literals;
    thrum_buffer *pieces;
} thrum__slots;

/* Reads a text into pieces, which may be none. Literal bytes go to the end of
 * `literals`, with a NUL after the last ones; no literal piece follows another.
 * Returns NULL, or a failure that names part, line and column.
 * Ownership: new. */
thrum_failure *thrum__slots_read(const thrum__slots *slots, thrum_bytes text);

/* How many literal bytes the pieces have. */
size_t thrum__slots_literals(const thrum__program *program,
                             thrum__pieces pieces);

/* How many bytes the pieces are with these values. */
size_t thrum__slots_size(const thrum__program *program, thrum__pieces pieces,
                         const thrum__value *values);

/* Writes them to `to`, which has room for slots_size; returns their size, and
 * clears *is_plain when a value is not plain. */
static inline size_t thrum__slots_join(const thrum__program *program,
                                       thrum__pieces pieces,
                                       const thrum__value *values, char *to,
                                       bool *is_plain)
{
    const char *literals = program->literals.data, *start = to;
    const thrum__piece *piece = thrum__piece_at(&program->pieces, pieces.first);

    for (size_t left = pieces.count; left > 0; left--, piece++) {
        thrum_bytes bytes = {literals + piece->at, piece->size};

        if (piece->is_value) {
            bytes = values[piece->at].text;
            *is_plain &= values[piece->at].is_plain;
        }
        to = thrum__text_copy(to, bytes.data, bytes.size);
    }
    return (size_t)(to - start);
}

#endif
