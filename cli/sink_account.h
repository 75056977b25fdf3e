/* SPDX-License-Identifier: MIT */
/*
 * The one account of `thrum sink --auth`: a user, and a password, which is the
 * token of those mechanisms that take one. What SCRAM (RFC 5802) compares with
 * is made of it once.
 */
#ifndef THRUM_CLI_SINK_ACCOUNT_H
#define THRUM_CLI_SINK_ACCOUNT_H

#include "cli/sink_crypto.h"

enum {
    SINK_SECRET_MAX = 8192, /* a token has some thousands */
    SINK_SALT_MAX = 32,
    SINK_ITERATIONS = 4096 /* the least that RFC 7677 allows */
};

/* For one hash. */
typedef struct sink_keys {
    unsigned char stored[SINK_DIGEST_MAX];
    unsigned char server[SINK_DIGEST_MAX];
} sink_keys;

typedef struct sink_account {
    thrum_bytes user;     /* borrowed */
    thrum_bytes password; /* within `secret` */
    char secret[SINK_SECRET_MAX];
    char salt[SINK_SALT_MAX];
    size_t salt_size;
    sink_keys sha1, sha256;
} sink_account;

typedef enum sink_account_error {
    SINK_ACCOUNT_GOOD,
    SINK_ACCOUNT_MISSING, /* the file cannot be read; errno says why */
    SINK_ACCOUNT_OPEN,    /* others may read or write it */
    SINK_ACCOUNT_BAD      /* empty, too long, or more than one line */
} sink_account_error;

/* Sets user and password, and makes the keys with this salt. */
void sink_account_set(sink_account *account, thrum_bytes user,
                      thrum_bytes password, thrum_bytes salt);

/* The same with the password in a file, the line end behind it left out, and a
 * random salt. Nobody but its owner may read or write the file, and that is
 * this user, or root. */
sink_account_error sink_account_read(sink_account *account, thrum_bytes user,
                                     const char *path);

/* Wipes it. */
void sink_account_fini(sink_account *account);

#endif
