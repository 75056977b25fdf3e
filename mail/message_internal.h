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

/* What is written past `enough` at most. */
enum { THRUM__MESSAGE_STEP = 3 * 8192 + 1024 };

/* Why the message cannot be sent: its own failure, or what it lacks; NULL when
 * it can. Ownership: borrowed, for as long as the message lives. */
const thrum_failure *thrum__message_ready(thrum_message *message);

/* Appends the message as it goes over SMTP after 354 - lines ended by CRLF,
 * dot-stuffed, without the "." CRLF that ends it - to `out`, from the cursor
 * on, until `out` holds `enough` bytes or more. The bytes are the same for
 * every `enough`, and as often as they are asked for. The cap of `out` has to
 * leave room for a header: THRUM__MESSAGE_STEP past `enough`.
 * Returns 1 when there is more, 0 at the end. Errors: THRUM_E_NOMEM,
 * THRUM_E_FULL (the cursor then stands where the bytes in `out` end), or the
 * code of thrum__message_ready. */
int thrum__message_data(thrum_message *message, thrum__message_cursor *cursor,
                        thrum_buffer *out, size_t enough);

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
