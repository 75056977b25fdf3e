/* SPDX-License-Identifier: MIT */
#include "tests/smtp/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/smtp/script.h"
#include "tests/support/support.h"

enum { TALK_ROOM = 1 << 16 };

bool talk_open(talk *self, const char *secret, unsigned mechanisms,
               thrum_smtp_tls tls)
{
    thrum_smtp_session_config config = {.helo = "me",
                                        .peer = "mx:465",
                                        .host = "mx.example",
                                        .port = 465,
                                        .tls = tls};
    thrum_secret *bytes;

    *self = (talk){.context = support_context()};
    if (self->context == NULL)
        return false;
    thrum_buffer_init(&self->out, self->context, TALK_ROOM);
    bytes = thrum_secret_new(self->context, secret, strlen(secret), NULL);
    if (bytes != NULL)
        self->account = thrum_smtp_account_new(self->context, "tim", bytes,
                                               mechanisms, NULL);
    thrum_secret_unref(bytes);
    if (self->account == NULL)
        return false;
    config.account = self->account;
    self->session = thrum_smtp_session_new(self->context, &config, 0);
    return self->session != NULL;
}

void talk_close(talk *self)
{
    thrum_smtp_session_free(self->session);
    thrum_smtp_account_unref(self->account);
    if (self->context == NULL)
        return;
    thrum_buffer_fini(&self->out);
    support_context_end(self->context);
}

void talk_answer(talk *self)
{
    size_t before;
    int more;

    do {
        before = self->out.size;
        more =
            thrum_smtp_session_produce(self->session, &self->out, SIZE_MAX, 0);
        self->thoughts += more == 1 && self->out.size == before;
    } while (more == 1);
}

/* In a block of just its size, so that a sanitizer sees reading past it. */
static void talk_hear(talk *self, const char *bytes, size_t size)
{
    char *copy = malloc(size + (size == 0));

    memcpy(copy, bytes, size);
    thrum_smtp_session_receive(self->session, copy, size, 0);
    free(copy);
    talk_answer(self);
}

void talk_tell(talk *self, const char *server, size_t piece)
{
    size_t size;
    const char *bytes = script_bytes(server, &size);

    for (size_t at = 0; at < size; at += piece)
        talk_hear(self, bytes + at, size - at < piece ? size - at : piece);
}

void talk_expect(talk *self, const char *client, const char *name)
{
    size_t size;
    const char *bytes = script_bytes(client, &size);

    ck_assert_msg(self->out.size == size &&
                      (size == 0 || memcmp(self->out.data, bytes, size) == 0),
                  "%s: sent \"%.*s\" instead of \"%s\"", name,
                  (int)self->out.size, self->out.data, client);
    thrum_buffer_clear(&self->out);
}

void talk_greet(talk *self, const char *offers)
{
    char answer[200] = "250 mx|";

    talk_tell(self, "220 mx|", 100);
    talk_expect(self, "EHLO me|", "EHLO");
    if (offers != NULL)
        snprintf(answer, sizeof answer, "250-mx|250 AUTH %s|", offers);
    talk_tell(self, answer, 200);
}
