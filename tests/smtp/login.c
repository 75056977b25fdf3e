/* SPDX-License-Identifier: MIT */
#include "tests/smtp/login.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

bool login_open(login *self, const char *user, const char *secret,
                unsigned mechanism)
{
    thrum_secret *bytes;

    *self = (login){.context = support_context()};
    if (self->context == NULL)
        return false;
    bytes = thrum_secret_new(self->context, secret, strlen(secret), NULL);
    if (bytes == NULL)
        return false;
    self->account =
        thrum_smtp_account_new(self->context, user, bytes, mechanism, NULL);
    thrum_secret_unref(bytes);
    if (self->account == NULL)
        return false;
    self->sasl = thrum__sasl_new(self->context, self->account, mechanism,
                                 "server.example.com", 143);
    return self->sasl != NULL;
}

void login_close(login *self)
{
    thrum__sasl_free(self->sasl);
    thrum_smtp_account_unref(self->account);
    if (self->context != NULL)
        support_context_end(self->context);
}

/* The challenge is in a block of just its size, so that a sanitizer sees
 * reading past it. */
thrum__sasl_step login_step(login *self, const char *challenge, size_t size)
{
    char *copy = malloc(size + (size == 0));
    thrum__sasl_step step;

    memcpy(copy, challenge, size);
    while ((step = thrum__sasl_step_on(self->sasl, (thrum_bytes){copy, size},
                                       &self->response)) == THRUM__SASL_THINK)
        self->thoughts++;
    free(copy);
    return step;
}

void login_expect(const login *self, const char *text, size_t size)
{
    ck_assert_msg(self->response.size == size &&
                      memcmp(self->response.data, text, size) == 0,
                  "\"%.*s\" instead of \"%.*s\"", (int)self->response.size,
                  self->response.data, (int)size, text);
}
