/* SPDX-License-Identifier: MIT */
#include "tests/reactor/tls_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *tls_path(const char *name, char path[TLS_PATH])
{
    const char *top = getenv("top_builddir");

    snprintf(path, TLS_PATH, "%s/tests/tls/made/%s.pem",
             top != NULL ? top : ".", name);
    return path;
}

void tls_need_certificates(void)
{
    char path[TLS_PATH];

    if (access(tls_path("ca", path), R_OK) == 0)
        return;
    printf("SKIP: certtool is not installed\n");
    exit(77);
}

static thrum_tls *tls_make(thrum_context *context,
                           const thrum_tls_config *config)
{
    thrum_failure *why = NULL;
    thrum_tls *tls = thrum_tls_new(context, config, &why);

    ck_assert_msg(tls != NULL ||
                      thrum_failure_is(why, &thrum_domain_base, THRUM_E_NOMEM),
                  "%s", thrum_failure_text(why));
    thrum_failure_unref(why);
    return tls;
}

thrum_tls *tls_trusting(thrum_context *context, const thrum_tls_config *more)
{
    thrum_tls_config config = {.trust_file = NULL};
    char path[TLS_PATH];

    if (more != NULL)
        config = *more;
    if (config.trust_file == NULL)
        config.trust_file = tls_path("ca", path);
    return tls_make(context, &config);
}

thrum_tls *tls_showing(thrum_context *context, const char *name,
                       const thrum_tls_config *more)
{
    thrum_tls_config config = {.trust_file = NULL};
    char path[TLS_PATH];

    if (more != NULL)
        config = *more;
    config.certificate_file = tls_path(name, path);
    return tls_make(context, &config);
}

bool tls_pair_open(tls_pair *pair, const char *host)
{
    thrum_failure *why = NULL;

    pair->client = pair->server = NULL;
    if (pair->trusting != NULL)
        pair->client = thrum__tls_session_new(pair->trusting, false, host,
                                              "127.0.0.1:25", &why);
    if (pair->shown != NULL && why == NULL)
        pair->server = thrum__tls_session_new(pair->shown, true, NULL,
                                              "127.0.0.1:50000", &why);
    ck_assert_msg(why == NULL ||
                      thrum_failure_is(why, &thrum_domain_base, THRUM_E_NOMEM),
                  "%s", thrum_failure_text(why));
    thrum_failure_unref(why);
    return pair->client != NULL && pair->server != NULL;
}

void tls_pair_close(tls_pair *pair)
{
    thrum__tls_session_free(pair->client);
    thrum__tls_session_free(pair->server);
    pair->client = pair->server = NULL;
}

void tls_pair_end(tls_pair *pair)
{
    tls_pair_close(pair);
    thrum_tls_unref(pair->trusting);
    thrum_tls_unref(pair->shown);
}

size_t tls_move(thrum__tls_session *from, thrum__tls_session *to, size_t most)
{
    size_t size = from->out.size;

    if (most != 0 && size > most)
        size = most;
    if (size == 0 || thrum_buffer_append(&to->in, from->out.data, size) != 0)
        return 0;
    thrum_buffer_consume(&from->out, size);
    return size;
}

/* Each flight moves whole or in pieces, and after each the receiver goes on. */
static bool pair_step(tls_pair *pair, thrum__tls_session *from,
                      thrum__tls_session *to)
{
    bool moved = false;

    while (tls_move(from, to, pair->piece) > 0) {
        moved = true;
        if (!to->open)
            thrum__tls_session_handshake(to);
    }
    return moved;
}

bool tls_pair_shake(tls_pair *pair)
{
    bool moved = true;

    thrum__tls_session_handshake(pair->client);
    while (moved) {
        moved = pair_step(pair, pair->client, pair->server);
        moved |= pair_step(pair, pair->server, pair->client);
    }
    return pair->client->open && pair->server->open;
}

void tls_pair_say(tls_pair *pair, bool from_client, const char *text)
{
    thrum__tls_session *from = from_client ? pair->client : pair->server;
    thrum__tls_session *to = from_client ? pair->server : pair->client;
    size_t size = strlen(text), at = 0;
    char got[1024];

    ck_assert_uint_lt(size, sizeof got);
    ck_assert_int_eq(thrum__tls_session_send(from, text, size), 0);
    do {
        ssize_t part =
            thrum__tls_session_receive(to, got + at, sizeof got - at);

        if (part > 0)
            at += (size_t)part;
        else
            ck_assert_int_eq(part, THRUM__TLS_AGAIN);
    } while (tls_move(from, to, pair->piece) > 0 || to->has_more);
    ck_assert_uint_eq(to->in.size, 0);
    ck_assert_uint_eq(at, size);
    ck_assert_mem_eq(got, text, size);
}
