/* SPDX-License-Identifier: MIT */
/*
 * The envelope of one message: whom MAIL and RCPT named, and what they asked
 * for besides (SIZE, BODY, SMTPUTF8, and the DSN of RFC 3461).
 */
#ifndef THRUM_CLI_SINK_ENVELOPE_H
#define THRUM_CLI_SINK_ENVELOPE_H

#include <stdbool.h>

#include <thrum/buffer.h>

#include "cli/sink_parameter.h"

enum { SINK_RECIPIENTS_MAX = 1000 }; /* ten times what RFC 5321 asks for */

typedef struct sink_envelope {
    thrum_buffer sender;     /* the address, without brackets */
    thrum_buffer recipients; /* of each: address, NOTIFY, ORCPT; NUL-ended */
    thrum_buffer id;         /* ENVID, decoded; empty: none */
    size_t count;            /* how many recipients */
    uint64_t size;           /* as MAIL announced it */
    const char *returns;     /* "FULL" or "HDRS"; NULL: not asked for */
    bool sized;              /* it announced one */
    bool eight_bit;          /* BODY=8BITMIME */
    bool utf8;               /* SMTPUTF8 */
    bool chunked;            /* its text came by BDAT */
} sink_envelope;

/* One recipient, borrowed from the envelope. */
typedef struct sink_recipient {
    thrum_bytes address;
    thrum_bytes notify; /* as it was sent; empty: not asked for */
    thrum_bytes origin; /* ORCPT, decoded: "rfc822;a@x"; empty: none */
} sink_recipient;

/* Makes an empty one. */
void sink_envelope_init(sink_envelope *envelope, thrum_context *context);

/* Frees what it holds. */
void sink_envelope_fini(sink_envelope *envelope);

/* Empties it. */
void sink_envelope_clear(sink_envelope *envelope);

/* Takes the sender and what MAIL asked for. Errors: THRUM_E_NOMEM. */
int sink_envelope_begin(sink_envelope *envelope, thrum_bytes sender,
                        const sink_mail_wishes *wishes);

/* Adds a recipient. Errors: THRUM_E_NOMEM, and it was not added. */
int sink_envelope_add(sink_envelope *envelope, thrum_bytes address,
                      const sink_rcpt_wishes *wishes);

/* The recipient at `*at`, which is 0 for the first; false: no more. */
bool sink_envelope_next(const sink_envelope *envelope, size_t *at,
                        sink_recipient *recipient);

#endif
