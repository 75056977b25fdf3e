/* SPDX-License-Identifier: MIT */
/*
 * A session reads either a command line or the text of a message. A line that
 * came whole is served where it lies; only one that came in pieces is copied.
 */
#include <string.h>

#include "cli/sink_path.h"
#include "cli/sink_session.h"

enum {
    LINE_MAX_SIZE = 2048,     /* four times what RFC 5321 4.5.3.1.4 asks for */
    RECIPIENTS_MAX = 1000,    /* ten times what 4.5.3.1.8 asks for */
    ERRORS_MAX = 100,         /* then it is no client, but noise */
    REPLIES_MAX = 1024 * 1024 /* 64 KiB of the shortest EHLOs give 800 KiB */
};

typedef void command_fn(sink_session *session, thrum_bytes argument);

static void session_reply(sink_session *session, const char *reply)
{
    if (thrum_buffer_append(&session->replies, reply, strlen(reply)) != 0)
        session->stage = SINK_STAGE_ENDED;
}

static void session_hang_up(sink_session *session, const char *reply)
{
    session_reply(session, reply);
    session->stage = SINK_STAGE_ENDED;
}

/* The client did something wrong. */
static void session_refuse(sink_session *session, const char *reply)
{
    if (++session->errors > ERRORS_MAX)
        session_hang_up(session, "421 4.7.0 Too many errors\r\n");
    else
        session_reply(session, reply);
}

static void session_forget(sink_session *session)
{
    thrum_buffer_clear(&session->sender);
    thrum_buffer_clear(&session->recipients);
    session->count = 0;
    if (session->stage > SINK_STAGE_READY)
        session->stage = SINK_STAGE_READY;
}

/* No memory for what a command brought: the transaction goes, with a 4xx. */
static void session_give_up(sink_session *session)
{
    session_forget(session);
    session_reply(session, "452 4.3.1 Out of memory\r\n");
}

static bool session_has_argument(sink_session *session, thrum_bytes argument,
                                 bool wanted)
{
    if ((argument.size > 0) == wanted)
        return true;
    session_refuse(session, "501 5.5.4 Syntax error in the argument\r\n");
    return false;
}

/* ---- Commands ---- */

static void serve_hello(sink_session *session, thrum_bytes argument)
{
    if (!session_has_argument(session, argument, true))
        return;
    session_forget(session);
    session->stage = SINK_STAGE_READY;
    session->extended = false;
    session_reply(session, "250 localhost\r\n");
}

static void serve_extended_hello(sink_session *session, thrum_bytes argument)
{
    if (!session_has_argument(session, argument, true))
        return;
    session_forget(session);
    session->stage = SINK_STAGE_READY;
    session->extended = true;
    session_reply(session, session->config->pipelining
                               ? "250-localhost\r\n250-PIPELINING\r\n"
                                 "250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"
                               : "250-localhost\r\n250-8BITMIME\r\n"
                                 "250 ENHANCEDSTATUSCODES\r\n");
}

static void serve_mail(sink_session *session, thrum_bytes argument)
{
    thrum_bytes path, rest;

    if (session->closing)
        session_hang_up(session, "421 4.3.2 The sink is closing\r\n");
    else if (session->stage == SINK_STAGE_FRESH)
        session_refuse(session, "503 5.5.1 EHLO or HELO comes first\r\n");
    else if (session->stage != SINK_STAGE_READY)
        session_refuse(session, "503 5.5.1 There is a sender already\r\n");
    else if (!sink_path_read(argument, "FROM:", &path, &rest) ||
             !sink_path_is_sender(path))
        session_refuse(session, "501 5.1.7 Syntax: MAIL FROM:<address>\r\n");
    else if (!sink_path_mail_parameters(rest, session->extended))
        session_refuse(session, "555 5.5.4 Parameter is not offered\r\n");
    else if (thrum_buffer_append(&session->sender, path.data, path.size) != 0)
        session_give_up(session);
    else {
        session->stage = SINK_STAGE_MAIL;
        session_reply(session, "250 2.1.0 Ok\r\n");
    }
}

static int session_add_recipient(sink_session *session, thrum_bytes path)
{
    char *room = thrum_buffer_reserve(&session->recipients, path.size + 1);

    if (room == NULL)
        return THRUM_E_NOMEM;
    memcpy(room, path.data, path.size);
    room[path.size] = '\0';
    thrum_buffer_commit(&session->recipients, path.size + 1);
    session->count++;
    session->stage = SINK_STAGE_RCPT;
    return 0;
}

static void serve_rcpt(sink_session *session, thrum_bytes argument)
{
    thrum_bytes path, rest;

    if (session->stage < SINK_STAGE_MAIL)
        session_refuse(session, "503 5.5.1 MAIL comes first\r\n");
    else if (!sink_path_read(argument, "TO:", &path, &rest) ||
             !sink_path_is_recipient(path))
        session_refuse(session, "501 5.1.3 Syntax: RCPT TO:<address>\r\n");
    else if (rest.size > 0)
        session_refuse(session, "555 5.5.4 Parameter is not offered\r\n");
    else if (session->count == RECIPIENTS_MAX)
        session_reply(session, "452 4.5.3 Too many recipients\r\n");
    else if (session_add_recipient(session, path) != 0)
        session_give_up(session);
    else
        session_reply(session, "250 2.1.5 Ok\r\n");
}

static void serve_data(sink_session *session, thrum_bytes argument)
{
    if (!session_has_argument(session, argument, false))
        return;
    if (session->stage < SINK_STAGE_MAIL) {
        session_refuse(session, "503 5.5.1 MAIL comes first\r\n");
        return;
    }
    if (session->count == 0) {
        session_refuse(session, "554 5.5.1 No valid recipients\r\n");
        return;
    }
    if (session->config->events->begin(session, session->ctx) != 0) {
        session_forget(session);
        session_reply(session, "452 4.3.1 No room for a message\r\n");
        return;
    }
    session->stage = SINK_STAGE_TEXT;
    session->text = SINK_BODY_LINE;
    session->bytes = 0;
    session->spoilt = false;
    session_reply(session, "354 End with a dot alone on its line\r\n");
}

static void serve_rset(sink_session *session, thrum_bytes argument)
{
    if (!session_has_argument(session, argument, false))
        return;
    session_forget(session);
    session_reply(session, "250 2.0.0 Ok\r\n");
}

static void serve_noop(sink_session *session, thrum_bytes argument)
{
    (void)argument;
    session_reply(session, "250 2.0.0 Ok\r\n");
}

static void serve_vrfy(sink_session *session, thrum_bytes argument)
{
    if (session_has_argument(session, argument, true))
        session_reply(session, "252 2.5.0 Send it and see\r\n");
}

static void serve_quit(sink_session *session, thrum_bytes argument)
{
    if (session_has_argument(session, argument, false))
        session_hang_up(session, "221 2.0.0 Bye\r\n");
}

static void serve_other(sink_session *session, thrum_bytes argument)
{
    (void)argument;
    session_refuse(session, "502 5.5.1 Command is not offered\r\n");
}

static void serve_unknown(sink_session *session, thrum_bytes argument)
{
    (void)argument;
    session_refuse(session, "500 5.5.2 Unknown command\r\n");
}

static command_fn *session_command(thrum_bytes verb)
{
    static const struct {
        const char *name;
        command_fn *serve;
    } commands[] = {
        {"MAIL", serve_mail},  {"RCPT", serve_rcpt},
        {"DATA", serve_data},  {"RSET", serve_rset},
        {"NOOP", serve_noop},  {"QUIT", serve_quit},
        {"HELO", serve_hello}, {"EHLO", serve_extended_hello},
        {"VRFY", serve_vrfy},  {"EXPN", serve_other},
        {"HELP", serve_other}, {"STARTTLS", serve_other},
        {"AUTH", serve_other}, {"BDAT", serve_other},
        {"ETRN", serve_other},
    };

    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        size_t size = strlen(commands[i].name);

        if (sink_path_is_word(verb, commands[i].name, size))
            return commands[i].serve;
    }
    return serve_unknown;
}

/* ---- Lines ---- */

static bool session_is_clean(thrum_bytes line)
{
    for (size_t i = 0; i < line.size; i++)
        if ((unsigned char)line.data[i] < ' ' && line.data[i] != '\t')
            return false;
    return true;
}

/* `line` without its CR LF. */
static void session_serve(sink_session *session, thrum_bytes line)
{
    thrum_bytes verb = line, argument = {line.data + line.size, 0};
    const char *space;

    session->config->totals->commands++;
    if (!session_is_clean(line)) {
        session_refuse(session, "500 5.5.2 Control characters\r\n");
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
    session_command(verb)(session, argument);
}

static void session_too_long(sink_session *session)
{
    session->config->totals->commands++;
    session_hang_up(session, "500 5.5.2 Line too long\r\n");
}

/* The size of the line that ends in these bytes, with its CR LF; 0: none. */
static size_t session_find_line(const char *data, size_t size)
{
    const char *at = data, *end = data + size;

    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        at++;
        if (at - data >= 2 && at[-2] == '\r')
            return (size_t)(at - data);
    }
    return 0;
}

/* Adds to a line that came in pieces: up to the next LF, or all. */
static size_t session_gather(sink_session *session, const char *data,
                             size_t size)
{
    const char *lf = memchr(data, '\n', size);
    size_t used = lf != NULL ? (size_t)(lf - data) + 1 : size;
    size_t room = LINE_MAX_SIZE - session->line.size;
    thrum_bytes line;

    if (used > room)
        used = room;
    if (thrum_buffer_append(&session->line, data, used) != 0) {
        session_hang_up(session, "421 4.3.1 Out of memory\r\n");
        return used;
    }
    line.data = session->line.data;
    line.size = session->line.size;
    if (line.size >= 2 && memcmp(line.data + line.size - 2, "\r\n", 2) == 0) {
        line.size -= 2;
        session_serve(session, line);
        thrum_buffer_clear(&session->line);
    } else if (line.size == LINE_MAX_SIZE) {
        session_too_long(session);
    }
    return used;
}

static size_t session_line(sink_session *session, const char *data, size_t size)
{
    size_t seen = size < LINE_MAX_SIZE ? size : LINE_MAX_SIZE;
    size_t used = 0;
    thrum_bytes line;

    if (session->line.size == 0)
        used = session_find_line(data, seen);
    if (used == 0)
        return session_gather(session, data, size);
    line.data = data;
    line.size = used - 2;
    session_serve(session, line);
    return used;
}

/* ---- The text ---- */

static void session_text_piece(const char *data, size_t size, void *ctx)
{
    sink_session *session = ctx;
    const sink_session_events *events = session->config->events;

    session->bytes += size;
    if (!session->spoilt)
        session->spoilt = events->text(session, data, size, session->ctx) != 0;
}

static void session_text_end(sink_session *session)
{
    sink_totals *totals = session->config->totals;
    size_t count = session->count;

    session_forget(session);
    if (session->closing) {
        session_hang_up(session, "421 4.3.2 The sink is closing\r\n");
        return;
    }
    if (session->spoilt ||
        session->config->events->end(session, session->ctx) != 0) {
        session_reply(session, "452 4.3.1 The message was not kept\r\n");
        return;
    }
    totals->messages++;
    totals->recipients += count;
    totals->bytes += session->bytes;
    session_reply(session, "250 2.0.0 Ok\r\n");
}

static size_t session_text(sink_session *session, const char *data, size_t size)
{
    size_t used = sink_body_receive(&session->text, data, size,
                                    session_text_piece, session);

    if (session->text == SINK_BODY_END)
        session_text_end(session);
    return used;
}

/* ---- The session ---- */

int sink_session_init(sink_session *session, thrum_context *context,
                      const sink_session_config *config, void *ctx)
{
    memset(session, 0, sizeof *session);
    session->config = config;
    session->ctx = ctx;
    thrum_buffer_init(&session->replies, context, REPLIES_MAX);
    thrum_buffer_init(&session->line, context, LINE_MAX_SIZE);
    thrum_buffer_init(&session->sender, context, SINK_PATH_MAX);
    thrum_buffer_init(&session->recipients, context,
                      RECIPIENTS_MAX * (size_t)SINK_PATH_MAX);
    config->totals->connections++;
    session_reply(session, "220 localhost ESMTP thrum sink\r\n");
    return session->stage == SINK_STAGE_ENDED ? THRUM_E_NOMEM : 0;
}

void sink_session_fini(sink_session *session)
{
    thrum_buffer_fini(&session->replies);
    thrum_buffer_fini(&session->line);
    thrum_buffer_fini(&session->sender);
    thrum_buffer_fini(&session->recipients);
}

void sink_session_receive(sink_session *session, const char *data, size_t size)
{
    while (size > 0 && session->stage != SINK_STAGE_ENDED) {
        size_t used = session->stage == SINK_STAGE_TEXT
                          ? session_text(session, data, size)
                          : session_line(session, data, size);

        data += used;
        size -= used;
    }
}

void sink_session_close(sink_session *session)
{
    session->closing = true;
}

void sink_session_end(sink_session *session)
{
    if (session->stage != SINK_STAGE_ENDED)
        session_hang_up(session, "421 4.3.2 The sink is closing\r\n");
}
