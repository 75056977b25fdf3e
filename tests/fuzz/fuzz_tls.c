/* SPDX-License-Identifier: MIT */
/*
 * The first byte says who is tried and when, one more the size of the pieces
 * in which the rest arrives. Bytes that nobody with a key has made
 *  - alone, never come to a handshake's end, on either side;
 *  - after a handshake, are never told, and never a good end;
 *  - laid over a handshake, leave it as it was meant or end it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reactor/tls_session.h"
#include "tests/fuzz/fuzz.h"

typedef struct world {
    thrum_context *context;
    thrum_tls *trusting, *shown; /* NULL: no certificates were made */
} world;

static const char *world_file(const char *name, char path[512])
{
    const char *top = getenv("top_builddir");

    snprintf(path, 512, "%s/tests/tls/made/%s.pem", top != NULL ? top : ".",
             name);
    return path;
}

/* Made once: reading keys takes longer than all the rest. */
static const world *world_get(bool old)
{
    static world worlds[2];
    world *self = &worlds[old];
    char ca[512], good[512];
    thrum_tls_config config = {
        .trust_file = world_file("ca", ca),
        .no_tickets = 1,
        .priority = old ? "NORMAL:-VERS-TLS1.3:%PROFILE_MEDIUM" : NULL};

    if (self->context != NULL)
        return self;
    self->context = fuzz_context(0);
    if (access(ca, R_OK) != 0)
        config.trust_file = NULL;
    self->trusting = thrum_tls_new(self->context, &config, NULL);
    config.certificate_file = world_file("good", good);
    if (config.trust_file != NULL)
        self->shown = thrum_tls_new(self->context, &config, NULL);
    fuzz_assert(self->trusting != NULL);
    return self;
}

static thrum__tls_session *session_make(thrum_tls *tls, bool server)
{
    thrum_failure *why = NULL;
    thrum__tls_session *made = thrum__tls_session_new(
        tls, server, server ? NULL : "mail.test", "192.0.2.1:465", &why);

    fuzz_assert(made != NULL && why == NULL);
    return made;
}

static void session_move(thrum__tls_session *from, thrum__tls_session *to)
{
    fuzz_assert(thrum_buffer_append(&to->in, from->out.data, from->out.size) ==
                0);
    thrum_buffer_clear(&from->out);
}

/* All pieces, and then the connection's end. */
static void hostile_feed(thrum__tls_session *self, fuzz_input input,
                         size_t piece)
{
    char got[256];

    while (self->why == NULL && !self->in_over) {
        size_t size = input.size < piece ? input.size : piece;
        ssize_t told;

        thrum_buffer_append(&self->in, input.data, size);
        input.data += size;
        input.size -= size;
        self->in_over = size == 0;
        if (!self->open) {
            thrum__tls_session_handshake(self);
            fuzz_assert(!self->open && !self->facts.verified);
            continue;
        }
        told = thrum__tls_session_receive(self, got, sizeof got);
        fuzz_assert(told < 0);
        fuzz_assert(told == THRUM__TLS_FAILED || !self->in_over);
    }
    fuzz_assert(self->why != NULL);
}

static void try_alone(thrum_tls *tls, bool server, fuzz_input input,
                      size_t piece)
{
    thrum__tls_session *self;

    if (tls == NULL)
        return;
    self = session_make(tls, server);
    thrum__tls_session_handshake(self);
    hostile_feed(self, input, piece);
    thrum__tls_session_free(self);
}

/* What the server says is changed by the input, byte by byte, until that is
 * used up. */
static void overlay(thrum__tls_session *session, fuzz_input *input)
{
    for (size_t i = 0; i < session->in.size; i++)
        session->in.data[i] ^= (char)fuzz_byte(input);
}

static void shake(thrum__tls_session *client, thrum__tls_session *server,
                  fuzz_input *input)
{
    thrum__tls_session_handshake(client);
    for (int i = 0; i < 4 && !(client->open && server->open); i++) {
        session_move(client, server);
        if (!server->open)
            thrum__tls_session_handshake(server);
        session_move(server, client);
        if (input != NULL)
            overlay(client, input);
        if (!client->open)
            thrum__tls_session_handshake(client);
    }
}

static void try_after(const world *here, bool server, fuzz_input input,
                      size_t piece)
{
    thrum__tls_session *one, *other;

    if (here->shown == NULL)
        return;
    one = session_make(here->trusting, false);
    other = session_make(here->shown, true);
    shake(one, other, NULL);
    fuzz_assert(one->open && other->open && one->facts.verified);
    hostile_feed(server ? other : one, input, piece);
    thrum__tls_session_free(one);
    thrum__tls_session_free(other);
}

static void try_over(const world *here, fuzz_input input)
{
    thrum__tls_session *client, *server;
    char got[64];

    if (here->shown == NULL)
        return;
    client = session_make(here->trusting, false);
    server = session_make(here->shown, true);
    shake(client, server, &input);
    if (client->open && server->open) {
        ssize_t told;

        fuzz_assert(client->facts.verified);
        fuzz_assert(thrum__tls_session_send(server, "hello", 5) == 0);
        session_move(server, client);
        told = thrum__tls_session_receive(client, got, sizeof got);
        fuzz_assert(told < 0 || (told == 5 && memcmp(got, "hello", 5) == 0));
    }
    thrum__tls_session_free(client);
    thrum__tls_session_free(server);
}

/* Whole handshakes cost ten times as much: one input in eight makes one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, size};
    unsigned how = fuzz_byte(&input);
    size_t piece = fuzz_byte(&input) % 64 + 1;
    const world *here = world_get((how & 1) != 0);
    bool server = (how & 2) != 0;

    if ((how & 0x1C) != 0)
        try_alone(server ? here->shown : here->trusting, server, input, piece);
    else if ((how & 0x20) != 0)
        try_after(here, server, input, piece);
    else
        try_over(here, input);
    return 0;
}
