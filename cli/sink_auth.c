/* SPDX-License-Identifier: MIT */
/*
 * AUTH (RFC 4954): the command, and the base64 of what goes to and fro; the
 * mechanisms stand in sink_sasl.c. Nothing of it is in any reply but what the
 * mechanism asks for.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/sink_command.h"

enum { NONCE_BYTES = 18 };

void sink_auth_end(sink_session *session)
{
    thrum_context *context = session->replies.context;

    if (session->exchange == NULL)
        return;
    sink_sasl_fini(session->exchange);
    thrum_context_release(context, session->exchange);
    session->exchange = NULL;
}

/* ---- Answers ---- */

static void auth_fail(sink_session *session, const char *reply)
{
    sink_auth_end(session);
    session->stage = SINK_STAGE_READY;
    sink_refuse(session, reply);
}

static void auth_challenge(sink_session *session)
{
    thrum_buffer *challenge = &session->exchange->challenge;
    thrum_bytes bytes = {challenge->data, challenge->size};

    session->stage = SINK_STAGE_AUTH;
    sink_reply(session, "334 ");
    if (sink_base64_add(&session->replies, bytes) != 0)
        session->stage = SINK_STAGE_ENDED;
    sink_reply(session, "\r\n");
}

static void auth_answer(sink_session *session, sink_sasl_answer answer)
{
    switch (answer) {
    case SINK_SASL_GO_ON:
        auth_challenge(session);
        return;
    case SINK_SASL_GOOD:
        session->mechanism = session->exchange->mechanism->name;
        sink_auth_end(session);
        session->stage = SINK_STAGE_READY;
        sink_reply(session, "235 2.7.0 Welcome\r\n");
        return;
    case SINK_SASL_BAD:
        auth_fail(session, "535 5.7.8 Credentials are not valid\r\n");
        return;
    case SINK_SASL_WRONG:
        auth_fail(session, "501 5.5.2 Not what the mechanism asks for\r\n");
        return;
    case SINK_SASL_NOMEM:
        auth_fail(session, "454 4.3.0 Out of memory\r\n");
        return;
    }
}

/* Decodes what the client said, and takes it. */
static void auth_take(sink_session *session, thrum_bytes text)
{
    char said[SINK_AUTH_LINE_MAX / 4 * 3];
    long size = sink_base64_decode(text, said);

    if (size < 0)
        auth_fail(session, "501 5.5.2 Not base64\r\n");
    else
        auth_answer(session, sink_sasl_take(session->exchange,
                                            (thrum_bytes){said, (size_t)size}));
    explicit_bzero(said, sizeof said);
}

/* ---- The command ---- */

/* Printable and without commas, as SCRAM wants it. */
static int auth_nonce(sink_session *session, char *nonce)
{
    char random[NONCE_BYTES];
    thrum_buffer text;
    int error;

    thrum_buffer_init(&text, session->replies.context, SINK_NONCE_MAX);
    sink_random(random, sizeof random);
    error = sink_base64_add(&text, (thrum_bytes){random, sizeof random});
    if (error == 0)
        error = thrum_buffer_append(&text, "@localhost", 11);
    if (error == 0)
        memcpy(nonce, text.data, text.size);
    thrum_buffer_fini(&text);
    return error;
}

/* Errors: THRUM_E_NOMEM. */
static int auth_start(sink_session *session, const sink_mechanism *mechanism)
{
    thrum_context *context = session->replies.context;
    char nonce[SINK_NONCE_MAX];
    sink_sasl *exchange;

    if (auth_nonce(session, nonce) != 0)
        return THRUM_E_NOMEM;
    exchange = thrum_context_allocate(context, sizeof *exchange);
    if (exchange == NULL)
        return THRUM_E_NOMEM;
    sink_sasl_init(exchange, context, session->config->account, mechanism,
                   nonce);
    session->exchange = exchange;
    return 0;
}

/* What stands behind the mechanism: NULL data, nothing; "=", an empty word. */
static void auth_first(sink_session *session, thrum_bytes initial)
{
    if (initial.data == NULL)
        auth_answer(session, sink_sasl_begin(session->exchange));
    else if (!session->exchange->mechanism->client_first)
        auth_fail(session, "501 5.5.4 The server speaks first here\r\n");
    else if (initial.size == 1 && initial.data[0] == '=')
        auth_answer(session, sink_sasl_take(session->exchange,
                                            (thrum_bytes){initial.data, 0}));
    else
        auth_take(session, initial);
}

/* Whether AUTH may come now. */
static bool auth_is_due(sink_session *session)
{
    const char *wrong = NULL;

    if (session->config->account == NULL)
        wrong = "502 5.5.1 Command is not offered\r\n";
    else if (!session->extended)
        wrong = "503 5.5.1 EHLO comes first\r\n";
    else if (sink_session_offers_tls(session))
        wrong = "538 5.7.11 Encryption required\r\n";
    else if (session->mechanism != NULL)
        wrong = "503 5.5.1 Authenticated already\r\n";
    else if (session->stage != SINK_STAGE_READY)
        wrong = "503 5.5.1 Not within a transaction\r\n";
    if (wrong != NULL)
        sink_refuse(session, wrong);
    return wrong == NULL;
}

void sink_serve_auth(sink_session *session, thrum_bytes argument)
{
    const char *blank = memchr(argument.data, ' ', argument.size);
    thrum_bytes name = argument, initial = {NULL, 0};
    const sink_mechanism *mechanism;

    if (!auth_is_due(session))
        return;
    if (blank != NULL) {
        name.size = (size_t)(blank - argument.data);
        initial.data = blank + 1;
        initial.size = argument.size - name.size - 1;
    }
    mechanism = sink_mechanism_find(name);
    if (argument.size + strlen("AUTH \r\n") > SINK_AUTH_COMMAND_MAX)
        sink_refuse(session, "500 5.5.6 Longer than 512 octets\r\n");
    else if (argument.size == 0)
        sink_refuse(session, "501 5.5.4 Syntax: AUTH mechanism\r\n");
    else if (mechanism == NULL)
        sink_refuse(session, "504 5.5.4 Mechanism is not offered\r\n");
    else if (auth_start(session, mechanism) != 0)
        sink_reply(session, "454 4.3.0 Out of memory\r\n");
    else
        auth_first(session, initial);
}

void sink_auth_serve(sink_session *session, thrum_bytes line)
{
    if (line.size == 1 && line.data[0] == '*')
        auth_fail(session, "501 5.7.0 Cancelled\r\n");
    else
        auth_take(session, line);
}
