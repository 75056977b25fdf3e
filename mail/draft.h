/* SPDX-License-Identifier: MIT */
/*
 * What a message's setters collected: as it was given, checked as far as it can
 * be before it is known whether "{{" begins a slot.
 */
#ifndef THRUM_MAIL_DRAFT_H
#define THRUM_MAIL_DRAFT_H

#include <thrum/address.h>
#include <thrum/buffer.h>

/* The two texts of a draft, which are the values 0 and 1 of an ordinary
 * message. */
enum { THRUM__DRAFT_TEXT, THRUM__DRAFT_HTML, THRUM__DRAFT_TEXTS };

/* A header that was added. Ownership: its strings are the draft's. */
typedef struct thrum__header {
    char *name;
    char *value;
} thrum__header;

typedef struct thrum__draft {
    char *from;
    char *from_addr; /* the address in it, as in an envelope if it is one */
    char *reply_to;
    char *envelope_from; /* NULL: not set */
    char *sender;        /* the same, as in an envelope if it is one */
    char *subject;
    char *envelope_id;
    thrum_buffer headers;            /* of thrum__header */
    thrum_buffer to;                 /* of thrum_address * */
    char *texts[THRUM__DRAFT_TEXTS]; /* NULL: none */
    size_t sizes[THRUM__DRAFT_TEXTS];
} thrum__draft;

/* The envelope's sender: what was set, or the address of From; empty for none.
 * Ownership: borrowed. */
thrum_bytes thrum__draft_sender(const thrum__draft *draft);

/* The address of From, empty without one. Ownership: borrowed. */
thrum_bytes thrum__draft_from(const thrum__draft *draft);

/* What the message lacks before it could be sent to somebody, in words, or
 * NULL. Ownership: borrowed, static. */
const char *thrum__draft_lacks(const thrum__draft *draft);

/* Makes an empty draft; the struct is the caller's. */
void thrum__draft_init(thrum__draft *draft, thrum_context *context);

/* Frees what it holds. */
void thrum__draft_fini(thrum__draft *draft, thrum_context *context);

static inline thrum__header *thrum__header_at(const thrum__draft *draft,
                                              size_t n)
{
    return (thrum__header *)(void *)draft->headers.data + n;
}

static inline size_t thrum__headers(const thrum__draft *draft)
{
    return draft->headers.size / sizeof(thrum__header);
}

static inline thrum_address *thrum__to_at(const thrum__draft *draft, size_t n)
{
    return ((thrum_address **)(void *)draft->to.data)[n];
}

static inline size_t thrum__to_count(const thrum__draft *draft)
{
    return draft->to.size / sizeof(thrum_address *);
}

#endif
