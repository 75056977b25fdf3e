/* SPDX-License-Identifier: MIT */
/*
 * A login by itself: challenges go in, responses come out.
 */
#ifndef THRUM_TESTS_SMTP_LOGIN_H
#define THRUM_TESTS_SMTP_LOGIN_H

#include "mail/smtp/sasl_internal.h"

typedef struct login {
    thrum_context *context;
    thrum_smtp_account *account;
    thrum__sasl *sasl;
    thrum_bytes response;
    unsigned thoughts; /* steps that came to nothing yet */
} login;

/* An account with one mechanism, which begins to log in at
 * server.example.com:143. False without memory, or no such account. */
bool login_open(login *self, const char *user, const char *secret,
                unsigned mechanism);

void login_close(login *self);

/* One challenge, and all the thinking that it takes. */
thrum__sasl_step login_step(login *self, const char *challenge, size_t size);

/* Asserts what the response is. */
void login_expect(const login *self, const char *text, size_t size);

#endif
