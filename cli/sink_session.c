/* SPDX-License-Identifier: MIT */
/*
 * A session reads a command line or the text of a message. A line that came
 * whole is served where it lies; only one that came in pieces is copied.
 */
#include <string.h>

#include "cli/sink_command.h"

enum {
    LINE_MAX_SIZE = 2048,     /* four times what RFC 5321 4.5.3.1.4 asks for */
    HOLDS_MAX = 1024 * 1024,  /* 64 KiB of the shortest commands are 16,384 */
    REPLIES_MAX = 2048 * 1024 /* 64 KiB of the shortest EHLOs give 1,300 KiB */
};

/* ---- Lines ---- */

static size_t session_line_most(const sink_session *session)
{
    return session->stage == SINK_STAGE_AUTH ? SINK_AUTH_LINE_MAX
                                             : LINE_MAX_SIZE;
}

static void session_too_long(sink_session *session)
{
    if (session->stage == SINK_STAGE_AUTH) {
        sink_hang_up(session, "500 5.5.6 Line too long\r\n");
        return;
    }
    session->config->totals->commands++;
    sink_hang_up(session, "500 5.5.2 Line too long\r\n");
}

static void session_serve(sink_session *session, thrum_bytes line)
{
    if (session->stage == SINK_STAGE_AUTH)
        sink_auth_serve(session, line);
    else
        sink_command_serve(session, line);
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
    size_t most = session_line_most(session);
    size_t room = most - session->line.size;
    thrum_bytes line;

    if (used > room)
        used = room;
    if (thrum_buffer_append(&session->line, data, used) != 0) {
        sink_hang_up(session, "421 4.3.1 Out of memory\r\n");
        return used;
    }
    line.data = session->line.data;
    line.size = session->line.size;
    if (line.size >= 2 && memcmp(line.data + line.size - 2, "\r\n", 2) == 0) {
        line.size -= 2;
        session_serve(session, line);
        thrum_buffer_clear(&session->line);
    } else if (line.size == most) {
        session_too_long(session);
    }
    return used;
}

static size_t session_line(sink_session *session, const char *data, size_t size)
{
    size_t most = session_line_most(session);
    size_t used = 0;
    thrum_bytes line;

    if (session->line.size == 0)
        used = session_find_line(data, size < most ? size : most);
    if (used == 0)
        return session_gather(session, data, size);
    line.data = data;
    line.size = used - 2;
    session_serve(session, line);
    return used;
}

/* ---- The session ---- */

/* Who is refused here may only say QUIT. */
static void session_greet(sink_session *session)
{
    sink_fault_begin(session, SINK_AT_CONNECT);
    session->barred = sink_fault_answers(session);
    if (!session->barred)
        sink_reply(session, "220 localhost ESMTP thrum sink\r\n");
}

int sink_session_init(sink_session *session, thrum_context *context,
                      const sink_session_config *config, void *ctx)
{
    memset(session, 0, sizeof *session);
    session->config = config;
    session->ctx = ctx;
    thrum_buffer_init(&session->replies, context, REPLIES_MAX);
    thrum_buffer_init(&session->line, context, SINK_AUTH_LINE_MAX);
    thrum_buffer_init(&session->holds, context, HOLDS_MAX);
    sink_envelope_init(&session->envelope, context);
    config->totals->connections++;
    session_greet(session);
    return session->stage == SINK_STAGE_ENDED && !session->barred
               ? THRUM_E_NOMEM
               : 0;
}

void sink_session_fini(sink_session *session)
{
    sink_auth_end(session);
    thrum_buffer_fini(&session->replies);
    thrum_buffer_fini(&session->holds);
    thrum_buffer_fini(&session->line);
    sink_envelope_fini(&session->envelope);
}

static size_t session_take(sink_session *session, const char *data, size_t size)
{
    switch (session->stage) {
    case SINK_STAGE_TEXT:
        return sink_text_receive(session, data, size);
    case SINK_STAGE_CHUNK:
        return sink_chunk_receive(session, data, size);
    case SINK_STAGE_HANDSHAKE:
        /* They would be taken for what came through TLS (CVE-2021-38371). */
        sink_hang_up(session, "554 5.5.0 Bytes behind STARTTLS\r\n");
        return size;
    default:
        return session_line(session, data, size);
    }
}

void sink_session_receive(sink_session *session, const char *data, size_t size)
{
    sink_stage before = session->stage;

    while (size > 0 && session->stage != SINK_STAGE_ENDED) {
        size_t used = session_take(session, data, size);

        data += used;
        size -= used;
    }
    if (session->stage == SINK_STAGE_HANDSHAKE && before != session->stage)
        sink_reply(session, "220 2.0.0 Go on with TLS\r\n");
}

size_t sink_session_due(sink_session *session, uint64_t *wait)
{
    sink_hold hold = {session->replies.size, 0};

    if (session->holds.size > 0) {
        memcpy(&hold, session->holds.data, sizeof hold);
        thrum_buffer_consume(&session->holds, sizeof hold);
        session->held -= hold.after;
    }
    *wait = hold.wait;
    return hold.after;
}

void sink_session_secured(sink_session *session)
{
    sink_forget(session);
    thrum_buffer_clear(&session->line);
    session->stage = SINK_STAGE_FRESH;
    session->extended = false;
    session->mechanism = NULL;
    session->secure = true;
}

void sink_session_close(sink_session *session)
{
    session->closing = true;
}

void sink_session_end(sink_session *session)
{
    if (session->stage != SINK_STAGE_ENDED)
        sink_hang_up(session, "421 4.3.2 The sink is closing\r\n");
}
