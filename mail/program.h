/* SPDX-License-Identifier: MIT */
/*
 * What a message, or a template, is compiled to: a list of segments. Most are
 * bytes that are the same for all, ready for the wire; between them stand those
 * that differ, as what they are made from and how.
 *
 * An ordinary message is compiled at its first use, without slots: its texts
 * are its values, encoded as they are written. A template is compiled once, and
 * its messages bring values for its slots.
 */
#ifndef THRUM_MAIL_PROGRAM_H
#define THRUM_MAIL_PROGRAM_H

#include <stdbool.h>

#include <thrum/buffer.h>

#include "mail/draft.h"
#include "mail/stamp.h"

typedef enum thrum__segment_kind {
    THRUM__SEGMENT_BYTES,  /* of the program, as they are */
    THRUM__SEGMENT_DOTTED, /* the same; it has dots that stuff lines */
    THRUM__SEGMENT_TO,     /* the recipient */
    THRUM__SEGMENT_NUMBER, /* the message's, of its Message-ID */
    THRUM__SEGMENT_FIELD,  /* the value of a header with slots */
    THRUM__SEGMENT_PLAIN,  /* a value that needs no encoding */
    THRUM__SEGMENT_QUOTED, /* a value in quoted-printable */
    THRUM__SEGMENT_ESCAPED /* the same, escaped for HTML */
} thrum__segment_kind;

typedef struct thrum__segment {
    thrum__segment_kind kind;
    size_t at;   /* BYTES, DOTTED: into `bytes`; else the number of field or
                    value */
    size_t size; /* BYTES, DOTTED */
} thrum__segment;

/* A part of a text with slots: literal bytes, or a value. */
typedef struct thrum__piece {
    bool is_value;
    size_t at;   /* into the literals; else the number of the value */
    size_t size; /* of literal bytes */
} thrum__piece;

/* Pieces that follow each other. */
typedef struct thrum__pieces {
    size_t first;
    size_t count;
} thrum__pieces;

/* A header's value with slots. */
typedef struct thrum__field {
    thrum__pieces text; /* or a mailbox's name */
    thrum__pieces addr;
    bool is_mailbox;
    bool is_addr_ready; /* is the same for all, and as in an envelope */
    bool is_simple;     /* its literals never need an encoded word */
    size_t column;      /* where in its line it begins */
    size_t part;        /* the header's name, into the literals, with a NUL */
} thrum__field;

/* A column that a slot stands for. */
typedef struct thrum__used {
    size_t column; /* its number, for the caller */
    size_t name;   /* into the literals, with a NUL */
    size_t part;   /* the first header it stands in, likewise; 0: in none */
    size_t weight; /* bytes it may write, for each of its own */
} thrum__used;

typedef struct thrum__program {
    thrum_context *context;
    thrum_buffer bytes;    /* ready for the wire */
    thrum_buffer literals; /* what fields are made from, and names */
    thrum_buffer segments; /* of thrum__segment */
    thrum_buffer pieces;   /* of thrum__piece */
    thrum_buffer fields;   /* of thrum__field */
    thrum_buffer used;     /* of thrum__used */
    thrum__pieces sender;  /* the envelope's sender, when it has slots */
    thrum__pieces envid;   /* likewise, of thrum_dsn */
    unsigned needs;        /* of thrum__message_needs, without any values */
    size_t dots;           /* that stuff lines, in the bytes */
    size_t bound;          /* bytes it may write, besides the values' weight */
    size_t date;           /* where in the bytes the date stands */
    int64_t second;        /* of the date that stands there now */
} thrum__program;

/* A recipient's value. */
typedef struct thrum__value {
    thrum_bytes text;
    bool is_plain; /* by thrum__text_is_plain; unknown in ordinary messages */
} thrum__value;

/* Where an ordinary message or a template comes from: `columns` is NULL when
 * there are no slots. */
typedef struct thrum__source {
    const thrum__draft *draft;
    const char *const *columns;
    size_t count;
    thrum_bytes id;      /* the Message-ID; a template's, up to the number */
    thrum_bytes id_tail; /* and after it */
} thrum__source;

/* Compiles. Ownership: new. Errors: NULL, and *why is new. */
thrum__program *thrum__program_new(thrum_context *context,
                                   const thrum__source *source,
                                   thrum_failure **why);

/* Puts the date of a second where the date stands. */
void thrum__program_date(thrum__program *program, int64_t second);

/* Frees it. NULL is nothing. */
void thrum__program_free(thrum__program *program);

/* The nth of an array in a buffer. */
static inline thrum__segment *thrum__segment_at(const thrum__program *program,
                                                size_t n)
{
    return (thrum__segment *)(void *)program->segments.data + n;
}

static inline size_t thrum__segments(const thrum__program *program)
{
    return program->segments.size / sizeof(thrum__segment);
}

static inline thrum__piece *thrum__piece_at(const thrum_buffer *pieces,
                                            size_t n)
{
    return (thrum__piece *)(void *)pieces->data + n;
}

static inline size_t thrum__piece_count(const thrum_buffer *pieces)
{
    return pieces->size / sizeof(thrum__piece);
}

static inline thrum__field *thrum__field_at(const thrum__program *program,
                                            size_t n)
{
    return (thrum__field *)(void *)program->fields.data + n;
}

static inline size_t thrum__fields(const thrum__program *program)
{
    return program->fields.size / sizeof(thrum__field);
}

static inline thrum__used *thrum__used_at(const thrum__program *program,
                                          size_t n)
{
    return (thrum__used *)(void *)program->used.data + n;
}

static inline size_t thrum__used_count(const thrum__program *program)
{
    return program->used.size / sizeof(thrum__used);
}

#endif
