/* SPDX-License-Identifier: MIT */
/*
 * One login (RFC 4954), without the connection: challenges go in, responses
 * come out, both without their base64. The dialogue's commands are the
 * session's; what is said is the mechanism's.
 */
#ifndef THRUM_MAIL_SMTP_SASL_H
#define THRUM_MAIL_SMTP_SASL_H

#include <stdbool.h>

#include <thrum/buffer.h>
#include <thrum/smtp_account.h>

typedef struct thrum__sasl thrum__sasl;

typedef enum thrum__sasl_step {
    THRUM__SASL_RESPOND, /* the response is in `out` */
    THRUM__SASL_THINK,   /* call again, in the next turn: a key is being made */
    THRUM__SASL_CANCEL,  /* send "*" (RFC 4954, section 4): `wrong` says why */
    THRUM__SASL_NOMEM
} thrum__sasl_step;

/* Begins to log in. `mechanism` is one of the account's choice; host and port
 * are for OAUTHBEARER. Ownership: new; a reference to the account is taken.
 * Errors: NULL, no memory. */
thrum__sasl *thrum__sasl_new(thrum_context *context,
                             thrum_smtp_account *account, unsigned mechanism,
                             const char *host, uint16_t port);

void thrum__sasl_free(thrum__sasl *sasl);

/* Whether it has something to say before the server's first challenge. */
bool thrum__sasl_speaks_first(const thrum__sasl *sasl);

/* The response to a challenge, appended to `out`, which the caller wipes. The
 * first call of one that speaks first has an empty challenge. After
 * THRUM__SASL_THINK the same challenge is given again. */
thrum__sasl_step thrum__sasl_step_on(thrum__sasl *sasl, thrum_bytes challenge,
                                     thrum_buffer *out);

/* The server says that the login is done: whether the mechanism may believe it
 * (SCRAM: only after the server's signature was right). */
bool thrum__sasl_may_succeed(const thrum__sasl *sasl);

/* What was wrong with a challenge, in static words without any of it. */
const char *thrum__sasl_wrong(const thrum__sasl *sasl);

#endif
