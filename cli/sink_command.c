/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "cli/sink_command.h"
#include "cli/sink_path.h"

enum { ERRORS_MAX = 100 }; /* then it is no client, but noise */

/* ---- Replies ---- */

void sink_reply(sink_session *session, const char *reply)
{
    if (thrum_buffer_append(&session->replies, reply, strlen(reply)) != 0)
        session->stage = SINK_STAGE_ENDED;
}

void sink_hang_up(sink_session *session, const char *reply)
{
    sink_reply(session, reply);
    session->stage = SINK_STAGE_ENDED;
}

void sink_refuse(sink_session *session, const char *reply)
{
    if (++session->errors > ERRORS_MAX)
        sink_hang_up(session, "421 4.7.0 Too many errors\r\n");
    else
        sink_reply(session, reply);
}

void sink_forget(sink_session *session)
{
    sink_envelope_clear(&session->envelope);
    if (session->stage > SINK_STAGE_READY)
        session->stage = SINK_STAGE_READY;
}

static bool command_has_argument(sink_session *session, thrum_bytes argument,
                                 bool wanted)
{
    if ((argument.size > 0) == wanted)
        return true;
    sink_refuse(session, "501 5.5.4 Syntax error in the argument\r\n");
    return false;
}

/* ---- Greetings ---- */

bool sink_session_offers_tls(const sink_session *session)
{
    return session->config->tls && !session->secure;
}

sink_offers sink_session_offers(const sink_session *session)
{
    return (sink_offers){
        .extended = session->extended,
        .size = session->config->size > 0,
        .auth = session->config->account != NULL,
    };
}

static void serve_hello(sink_session *session, thrum_bytes argument)
{
    if (!command_has_argument(session, argument, true))
        return;
    sink_forget(session);
    session->stage = SINK_STAGE_READY;
    session->extended = false;
    sink_reply(session, "250 localhost\r\n");
}

static void hello_size(sink_session *session)
{
    if (thrum_buffer_format(&session->replies, "250-SIZE %" PRIu64 "\r\n",
                            session->config->size) != 0)
        session->stage = SINK_STAGE_ENDED;
}

/* In the clear a password is not asked for, where there could be TLS. */
static void hello_auth(sink_session *session)
{
    sink_reply(session, "250-AUTH");
    sink_reply(session, sink_mechanism_names);
    sink_reply(session, "\r\n");
}

static void serve_extended_hello(sink_session *session, thrum_bytes argument)
{
    const sink_session_config *config = session->config;

    if (!command_has_argument(session, argument, true))
        return;
    sink_forget(session);
    session->stage = SINK_STAGE_READY;
    session->extended = true;
    sink_reply(session, config->pipelining
                            ? "250-localhost\r\n250-PIPELINING\r\n"
                            : "250-localhost\r\n");
    if (config->size > 0)
        hello_size(session);
    if (sink_session_offers_tls(session))
        sink_reply(session, "250-STARTTLS\r\n");
    if (config->account != NULL && !sink_session_offers_tls(session))
        hello_auth(session);
    if (config->chunking)
        sink_reply(session, "250-CHUNKING\r\n");
    sink_reply(session, "250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n"
                        "250 ENHANCEDSTATUSCODES\r\n");
}

/* The 220 is said when it is known that nothing stands behind the command. */
static void serve_starttls(sink_session *session, thrum_bytes argument)
{
    if (!session->config->tls)
        sink_refuse(session, "502 5.5.1 Command is not offered\r\n");
    else if (!command_has_argument(session, argument, false))
        return;
    else if (session->secure)
        sink_refuse(session, "503 5.5.1 There is TLS already\r\n");
    else if (!session->extended)
        sink_refuse(session, "503 5.5.1 EHLO comes first\r\n");
    else
        session->stage = SINK_STAGE_HANDSHAKE;
}

/* ---- The others ---- */

static void serve_rset(sink_session *session, thrum_bytes argument)
{
    if (!command_has_argument(session, argument, false))
        return;
    sink_forget(session);
    sink_reply(session, "250 2.0.0 Ok\r\n");
}

static void serve_noop(sink_session *session, thrum_bytes argument)
{
    (void)argument;
    sink_reply(session, "250 2.0.0 Ok\r\n");
}

static void serve_vrfy(sink_session *session, thrum_bytes argument)
{
    if (command_has_argument(session, argument, true))
        sink_reply(session, "252 2.5.0 Send it and see\r\n");
}

static void serve_quit(sink_session *session, thrum_bytes argument)
{
    if (command_has_argument(session, argument, false))
        sink_hang_up(session, "221 2.0.0 Bye\r\n");
}

static void serve_other(sink_session *session, thrum_bytes argument)
{
    (void)argument;
    sink_refuse(session, "502 5.5.1 Command is not offered\r\n");
}

static void serve_unknown(sink_session *session, thrum_bytes argument)
{
    (void)argument;
    sink_refuse(session, "500 5.5.2 Unknown command\r\n");
}

static sink_command_fn *command_find(thrum_bytes verb)
{
    static const struct {
        const char *name;
        sink_command_fn *serve;
    } commands[] = {
        {"MAIL", sink_serve_mail}, {"RCPT", sink_serve_rcpt},
        {"BDAT", sink_serve_bdat}, {"DATA", sink_serve_data},
        {"RSET", serve_rset},      {"NOOP", serve_noop},
        {"QUIT", serve_quit},      {"HELO", serve_hello},
        {"VRFY", serve_vrfy},      {"EHLO", serve_extended_hello},
        {"EXPN", serve_other},     {"STARTTLS", serve_starttls},
        {"HELP", serve_other},     {"AUTH", sink_serve_auth},
        {"ETRN", serve_other},
    };

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        size_t size = strlen(commands[i].name);

        if (sink_path_is_word(verb, commands[i].name, size))
            return commands[i].serve;
    }
    return serve_unknown;
}

static bool command_is_clean(thrum_bytes line)
{
    for (size_t i = 0; i < line.size; i++)
        if ((unsigned char)line.data[i] < ' ' && line.data[i] != '\t')
            return false;
    return true;
}

void sink_command_serve(sink_session *session, thrum_bytes line)
{
    thrum_bytes verb = line, argument = {line.data + line.size, 0};
    const char *space;

    session->config->totals->commands++;
    if (!command_is_clean(line)) {
        sink_refuse(session, "500 5.5.2 Control characters\r\n");
        return;
    }
    /* RFC 5321 section 4.1.1: blanks before the CR LF are to be borne. */
    while (line.size > 0 && line.data[line.size - 1] == ' ')
        line.size--;
    verb.size = line.size;
    space = memchr(line.data, ' ', line.size);
    if (space != NULL) {
        verb.size = (size_t)(space - line.data);
        argument.data = space + 1;
        argument.size = line.size - verb.size - 1;
    }
    command_find(verb)(session, argument);
}
