/* SPDX-License-Identifier: MIT */
/*
 * The keys that SCRAM makes of a password (RFC 5802 section 3): many thousand
 * iterations of HMAC on purpose, so they are made in slices, and kept by the
 * account for whoever logs in next.
 */
#ifndef THRUM_MAIL_SMTP_SCRAM_KEY_H
#define THRUM_MAIL_SMTP_SCRAM_KEY_H

#include <stdbool.h>

#include <thrum/secret.h>
#include <thrum/smtp.h>

enum {
    THRUM__SCRAM_HASH = 32,  /* bytes, of the longest hash */
    THRUM__SCRAM_SALT = 256, /* the longest salt; 16 bytes are usual */
    THRUM__SCRAM_LEAST = 4096,
    THRUM__SCRAM_MOST = 600000 /* what a server may cost: a good half second */
};

/* What the keys depend on, beside the password. */
typedef struct thrum__scram_salting {
    unsigned mechanism; /* SCRAM_SHA_1 or SCRAM_SHA_256 */
    unsigned iterations;
    size_t salt_size;
    char salt[THRUM__SCRAM_SALT];
} thrum__scram_salting;

typedef struct thrum__scram_key thrum__scram_key;

/* Begins to make the keys. Ownership: new; a reference to the password is
 * taken. Errors: NULL, no memory (or no such hash). */
thrum__scram_key *thrum__scram_key_new(thrum_context *context,
                                       thrum_secret *password,
                                       const thrum__scram_salting *salting);

thrum__scram_key *thrum__scram_key_ref(thrum__scram_key *key);
void thrum__scram_key_unref(thrum__scram_key *key);

/* Whether these are the keys of that password, with that salting. */
bool thrum__scram_key_is(const thrum__scram_key *key,
                         const thrum_secret *password,
                         const thrum__scram_salting *salting);

/* Works for about a millisecond. Returns 1 when the keys are made, 0 when there
 * is more to do, -1 when the hash failed. Whoever shares the keys shares the
 * work. */
int thrum__scram_key_work(thrum__scram_key *key);

/* The keys. Ownership: borrowed. */
const unsigned char *thrum__scram_key_client(const thrum__scram_key *key);
const unsigned char *thrum__scram_key_server(const thrum__scram_key *key);

/* ---- What SCRAM is made of ---- */

/* How many bytes the mechanism's hash has. */
size_t thrum__scram_hash_size(unsigned mechanism);

/* HMAC and hash of the mechanism. False: the library has failed, and nobody
 * may go by what stands in `to`. */
bool thrum__scram_hmac(unsigned mechanism, const unsigned char *key,
                       thrum_bytes data, unsigned char *to);
bool thrum__scram_hash(unsigned mechanism, const unsigned char *data,
                       unsigned char *to);

#endif
