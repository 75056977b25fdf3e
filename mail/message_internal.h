/* SPDX-License-Identifier: MIT */
/*
 * What the rest of libthrum-mail sees of a message beyond the public header:
 * its envelope, and its bytes as they go over SMTP, slice by slice.
 */
#ifndef THRUM_MAIL_MESSAGE_INTERNAL_H
#define THRUM_MAIL_MESSAGE_INTERNAL_H

#include <thrum/message.h>

#include "mail/encode.h"

/* How far a message was written. All 0: its start. */
typedef struct thrum__message_cursor {
    size_t segment;
    thrum__place place; /* within what the segment stands for */
} thrum__message_cursor;

/* DOTTED for DATA (RFC 5321 section 4.5.2): where a line begins with a dot,
 * one more stands before it. BINARY for BDAT (RFC 3030): the message itself. */
typedef enum thrum__message_form {
    THRUM__MESSAGE_DOTTED,
    THRUM__MESSAGE_BINARY
} thrum__message_form;

/* What a server has to offer for a message. */
enum {
    THRUM__NEEDS_SMTPUTF8 = 1, /* an address in it, or its envelope's sender */
    THRUM__NEEDS_8BIT = 2      /* it is not all US-ASCII */
};

/* thrum_dsn with its strings filled in. */
typedef struct thrum__dsn {
    unsigned notify;
    thrum_dsn_return what;
    thrum_bytes envelope_id; /* empty: none; as it is, not xtext yet */
    bool original;
} thrum__dsn;

/* What is written past `enough` at most. */
enum { THRUM__MESSAGE_STEP = 3 * 8192 + 1024 };

/* Why the message cannot be sent: its own failure, or what it lacks; NULL when
 * it can. Ownership: borrowed, for as long as the message lives. */
const thrum_failure *thrum__message_ready(thrum_message *message);

/* Appends the message as it goes over SMTP - lines ended by CRLF, the last one
 * too; without the "." CRLF that ends it after DATA - to `out`, from the cursor
 * on, until `out` holds `enough` bytes or more. The bytes are the same for
 * every `enough`, and as often as they are asked for; a cursor keeps to one
 * form. The cap of `out` has to leave room for a header: THRUM__MESSAGE_STEP
 * past `enough`.
 * Returns 1 when there is more, 0 at the end. Errors: THRUM_E_NOMEM,
 * THRUM_E_FULL (the cursor then stands where the bytes in `out` end), or the
 * code of thrum__message_ready. */
int thrum__message_data(thrum_message *message, thrum__message_cursor *cursor,
                        thrum__message_form form, thrum_buffer *out,
                        size_t enough);

/* How many octets the message has (RFC 1870 section 5: in BINARY form). Never
 * too few. What would be above `limit` (UINT64_MAX: none) is exact. Below it, a
 * message made from a template with short values is said to be some hundred
 * octets larger than it is, at most a few thousand, since that takes a few
 * additions only; and one with a text of more than 256 KiB by a few parts of a
 * hundred, since encoding it would hold up the loop. All else is counted, an
 * ordinary message once. 0 when it is not ready. */
uint64_t thrum__message_size(thrum_message *message, uint64_t limit);

/* What the message needs: flags of THRUM__NEEDS. All its recipients stand in
 * its headers, so what one needs all need. */
unsigned thrum__message_needs(thrum_message *message);

/* What was set by thrum_message_set_dsn; NULL: nothing. Ownership: borrowed. */
const thrum__dsn *thrum__message_dsn(const thrum_message *message);

/* The message's Message-ID, empty when there is no memory for it. Ownership:
 * borrowed. */
thrum_bytes thrum__message_id_bytes(thrum_message *message);

/* The envelope's sender, empty for none. Ownership: borrowed. */
thrum_bytes thrum__message_sender_bytes(thrum_message *message);

/* The address of recipient `index`, which must be below their number.
 * Ownership: borrowed. */
thrum_bytes thrum__message_recipient_bytes(const thrum_message *message,
                                           size_t index);

#endif
