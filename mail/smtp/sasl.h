/* SPDX-License-Identifier: MIT */
/*
 * One login (RFC 4954), without the connection: challenges go in, responses
 * come out, both without their base64. The dialogue's commands are the
 * session's; what is said is the mechanism's.
 */
#ifndef THRUM_MAIL_SMTP_SASL_H
#define THRUM_MAIL_SMTP_SASL_H

#include <stdbool.h>

#include <thrum/smtp_account.h>

typedef struct thrum__sasl thrum__sasl;

typedef enum thrum__sasl_step {
    THRUM__SASL_RESPOND, /* send the response */
    THRUM__SASL_THINK,   /* call again, in the next turn: a key is being made */
    THRUM__SASL_CANCEL,  /* send "*" (RFC 4954, section 4): `wrong` says why */
    THRUM__SASL_NOMEM
} thrum__sasl_step;

/* Begins to log in. `mechanism` is one of the account's choice; host and port
 * are for OAUTHBEARER (NULL, 0: not said). Ownership: new; a reference to the
 * account is taken, and one to the secret that it has. Errors: NULL, no
 * memory. */
thrum__sasl *thrum__sasl_new(thrum_context *context,
                             thrum_smtp_account *account, unsigned mechanism,
                             const char *host, uint16_t port);

/* Frees it, and wipes what it said. NULL is nothing. */
void thrum__sasl_free(thrum__sasl *sasl);

/* Whether it has something to say before the server's first challenge. */
bool thrum__sasl_speaks_first(const thrum__sasl *sasl);

/* The response to a challenge, in pages of a secret's. The first call of one
 * that speaks first has an empty challenge. After THRUM__SASL_THINK the same
 * challenge is given again.
 * Ownership: *response borrowed, until the next call. */
thrum__sasl_step thrum__sasl_step_on(thrum__sasl *sasl, thrum_bytes challenge,
                                     thrum_bytes *response);

/* The server says that the login is done: whether the mechanism may believe it
 * (SCRAM: only after the server's signature was right). Otherwise `wrong` says
 * why not. */
bool thrum__sasl_may_succeed(thrum__sasl *sasl);

/* What was wrong with a challenge, in static words without any of it. */
const char *thrum__sasl_wrong(const thrum__sasl *sasl);

#endif
