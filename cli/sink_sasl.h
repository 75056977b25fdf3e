/* SPDX-License-Identifier: MIT */
/*
 * The server's side of SASL, without I/O and without base64: what a client
 * answers in, what it is challenged with out. PLAIN (RFC 4616), LOGIN, CRAM-MD5
 * (RFC 2195), SCRAM-SHA-1 and -256 (RFC 5802, 7677; without channel binding),
 * XOAUTH2 (Google's) and OAUTHBEARER (RFC 7628).
 */
#ifndef THRUM_CLI_SINK_SASL_H
#define THRUM_CLI_SINK_SASL_H

#include "cli/sink_account.h"

enum {
    SINK_SASL_MOST = 9 * 1024, /* of an answer, and of a challenge */
    SINK_NONCE_MAX = 64
};

typedef enum sink_sasl_answer {
    SINK_SASL_GO_ON, /* there is a challenge for it */
    SINK_SASL_GOOD,  /* it is the account's user */
    SINK_SASL_BAD,   /* it is not */
    SINK_SASL_WRONG, /* what it said does not belong there */
    SINK_SASL_NOMEM
} sink_sasl_answer;

typedef struct sink_sasl sink_sasl;

typedef struct sink_mechanism {
    const char *name;
    bool client_first; /* it may speak first, and be it with AUTH itself */
    sink_hash hash;    /* of SCRAM */
    /* Takes what the client said; `step` counts from 0 on. */
    sink_sasl_answer (*take)(sink_sasl *sasl, thrum_bytes said);
    /* The challenge that comes before its first word; NULL: an empty one. */
    sink_sasl_answer (*begin)(sink_sasl *sasl);
} sink_mechanism;

struct sink_sasl {
    const sink_account *account;
    const sink_mechanism *mechanism;
    thrum_buffer challenge; /* what is to be sent next */
    thrum_buffer said;      /* of SCRAM: what both have signed */
    size_t header;          /* of it: the gs2-header's size */
    char nonce[SINK_NONCE_MAX];
    unsigned step;
    bool right; /* of LOGIN and SCRAM: the user so far */
};

/* The mechanism of that name, in any case; NULL: there is none. */
const sink_mechanism *sink_mechanism_find(thrum_bytes name);

/* All their names, with a blank before each. */
extern const char sink_mechanism_names[];

/* Begins. `nonce` is printable, without commas, and is never used again. */
void sink_sasl_init(sink_sasl *sasl, thrum_context *context,
                    const sink_account *account,
                    const sink_mechanism *mechanism, const char *nonce);

/* Wipes and frees what it holds. */
void sink_sasl_fini(sink_sasl *sasl);

/* The client has said nothing yet, and waits. */
sink_sasl_answer sink_sasl_begin(sink_sasl *sasl);

/* Takes what the client said; the challenge is in `challenge` then. */
sink_sasl_answer sink_sasl_take(sink_sasl *sasl, thrum_bytes said);

/* SCRAM, which stands in a file of its own. */
sink_sasl_answer sink_scram_take(sink_sasl *sasl, thrum_bytes said);

/* A challenge of these bytes. */
sink_sasl_answer sink_sasl_challenge(sink_sasl *sasl, const char *data,
                                     size_t size);

/* Whether `said` is the account's user in SCRAM's writing ("=2C" and "=3D"),
 * which OAUTHBEARER has, too. */
bool sink_saslname_is_user(const sink_sasl *sasl, thrum_bytes said);

/* Takes what comes before `end` off the front of `rest`, and `end` itself;
 * false: there is no such byte. */
bool sink_word_take(thrum_bytes *rest, char end, thrum_bytes *word);

/* Takes these words off the front of `rest`; false: they are not there. */
bool sink_prefix_take(thrum_bytes *rest, const char *words);

#endif
