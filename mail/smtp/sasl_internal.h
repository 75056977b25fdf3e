/* SPDX-License-Identifier: MIT */
/*
 * What the mechanisms share. Each is a function that answers the challenges in
 * turn; SCRAM, which is more than that, has a file of its own.
 */
#ifndef THRUM_MAIL_SMTP_SASL_INTERNAL_H
#define THRUM_MAIL_SMTP_SASL_INTERNAL_H

#include "mail/smtp/account.h"
#include "mail/smtp/sasl.h"

enum {
    THRUM__SASL_CHALLENGE = 3072, /* the longest: a line's worth of base64 */
    THRUM__SCRAM_NONCE = 24       /* 18 bytes in base64: RFC 5802 wants some */
};

/* What SCRAM remembers of its dialogue (RFC 5802 section 3). */
typedef struct thrum__scram {
    thrum__scram_key *key; /* NULL until the server's salt is there */
    char nonce[THRUM__SCRAM_NONCE + 1];
    size_t said;                               /* of the AuthMessage so far */
    char *messages;                            /* the AuthMessage */
    unsigned char expected[THRUM__SCRAM_HASH]; /* the server's signature */
} thrum__scram;

struct thrum__sasl {
    thrum_context *context;
    thrum_smtp_account *account;
    thrum_secret *secret;
    unsigned mechanism;
    const struct thrum__sasl_way *way;
    unsigned said;      /* responses so far */
    bool believes;      /* it is enough for 235 */
    const char *wrong;  /* NULL: nothing yet */
    thrum_secret *room; /* where responses are written */
    size_t size;        /* of the response */
    size_t most;        /* that there is room for */
    thrum__scram scram;
    uint16_t port;
    char host[]; /* "" when it is not said */
};

/* A mechanism: the response to challenge number `sasl->said`. */
typedef thrum__sasl_step thrum__sasl_fn(thrum__sasl *sasl,
                                        thrum_bytes challenge);

typedef struct thrum__sasl_way {
    unsigned mechanism;
    bool speaks_first;
    thrum__sasl_fn *step;
} thrum__sasl_way;

/* Adds to the response. There is room: it was counted when the login began. */
void thrum__sasl_say(thrum__sasl *sasl, const void *data, size_t size);
void thrum__sasl_say_text(thrum__sasl *sasl, const char *text);

/* The response so far. Ownership: borrowed. */
thrum_bytes thrum__sasl_said(const thrum__sasl *sasl);

/* Adds a name as GS2 has it (RFC 5801 section 4): "," and "=" are escaped. */
void thrum__sasl_say_name(thrum__sasl *sasl, const char *name);

/* The challenge is one that cannot be answered. */
thrum__sasl_step thrum__sasl_cancel(thrum__sasl *sasl, const char *wrong);

/* ---- scram.c ---- */

thrum__sasl_fn thrum__scram_step;

/* Its nonce, which is the one thing that is random: 24 printable characters.
 * The rest of the dialogue follows from it. */
void thrum__scram_set_nonce(thrum__sasl *sasl, const char *nonce);

void thrum__scram_fini(thrum__sasl *sasl);

#endif
