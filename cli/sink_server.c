/* SPDX-License-Identifier: MIT */
/*
 * The sink ends in three steps, of which any may be the first: it closes (no
 * more messages, but clients may say QUIT), it ends (421 to those that are
 * left), it stops. The first is due after the last message, the second on a
 * signal, and each follows the one before it when the grace is over.
 */
#include <signal.h>
#include <string.h>

#include "cli/sink_server.h"

#define SINK_GRACE THRUM_S
/* A file that is looked at while the sink runs is at most this far behind. */
#define SINK_FLUSH (100 * THRUM_MS)

static void server_finish(sink_server *server);
static void server_end(sink_server *server);

/* ---- The dump ---- */

static void server_flush(void *ctx)
{
    sink_server *server = ctx;

    server->flush = NULL;
    if (sink_dump_flush(server->dump) != 0)
        server_end(server);
}

static int session_begin(sink_session *session, void *ctx)
{
    sink_connection *self = ctx;

    if (self->server->dump == NULL)
        return 0;
    return sink_line_begin(&self->line, &session->envelope);
}

static int session_text(sink_session *session, const char *data, size_t size,
                        void *ctx)
{
    sink_connection *self = ctx;

    (void)session;
    if (self->server->dump == NULL)
        return 0;
    return sink_line_add(&self->line, data, size);
}

static int server_keep(sink_server *server, sink_connection *from)
{
    thrum_clock *clock = thrum_reactor_clock(server->reactor);
    const thrum_tls_facts *facts = thrum_stream_tls_facts(from->stream);
    sink_peer peer = {
        .version = facts != NULL ? facts->version : NULL,
        .cipher = facts != NULL ? facts->cipher : NULL,
        .mechanism = from->session.mechanism,
    };

    if (peer.mechanism != NULL)
        peer.user = server->session.account->user;

    if (sink_line_end(&from->line, &from->session.envelope, &peer,
                      server->dump) != 0)
        return -1;
    if (server->flush == NULL)
        server->flush = thrum_clock_call_later(clock, SINK_FLUSH, server_flush,
                                               server, NULL);
    return 0;
}

/* ---- The ends ---- */

static void server_stop(void *ctx)
{
    sink_server *server = ctx;

    server->grace = NULL;
    thrum_reactor_stop(server->reactor);
}

/* Nothing is left: nothing may keep the loop alive either. */
static void server_finish(sink_server *server)
{
    thrum_clock *clock = thrum_reactor_clock(server->reactor);

    thrum_clock_cancel(clock, server->grace);
    thrum_clock_cancel(clock, server->flush);
    server->grace = server->flush = NULL;
}

/* After the grace `next` is called; without memory for that, it ends now. */
static void server_wait(sink_server *server, thrum_call_fn *next)
{
    thrum_clock *clock = thrum_reactor_clock(server->reactor);

    thrum_clock_cancel(clock, server->grace);
    server->grace =
        thrum_clock_call_later(clock, SINK_GRACE, next, server, NULL);
    if (server->grace == NULL)
        thrum_reactor_stop(server->reactor);
}

static bool server_holds_replies(const sink_server *server)
{
    const sink_connection *at = server->connections;

    while (at != NULL && at->held == NULL)
        at = at->next;
    return at != NULL;
}

/* Who is to wait for a reply has no part of the grace yet. */
static void server_grace_is_over(void *ctx)
{
    sink_server *server = ctx;

    server->grace = NULL;
    if (server_holds_replies(server))
        server_wait(server, server_grace_is_over);
    else
        server_end(server);
}

void sink_server_went_on(sink_server *server)
{
    if (server->grace != NULL && !server->ending)
        server_wait(server, server_grace_is_over);
}

static void server_close(sink_server *server)
{
    if (server->closing)
        return;
    server->closing = true;
    thrum_listener_free(server->listener);
    server->listener = NULL;
    for (sink_connection *at = server->connections; at != NULL; at = at->next)
        sink_session_close(&at->session);
    server_wait(server, server_grace_is_over);
    if (server->connections == NULL)
        server_finish(server);
}

static void server_end(sink_server *server)
{
    server_close(server);
    if (server->ending || server->connections == NULL)
        return;
    server->ending = true;
    server_wait(server, server_stop);
    for (sink_connection *at = server->connections; at != NULL; at = at->next) {
        sink_session_end(&at->session);
        sink_connection_send(at);
    }
}

void sink_server_left(sink_server *server)
{
    if (server->closing && server->connections == NULL)
        server_finish(server);
}

static void server_signalled(void *ctx)
{
    sink_server *server = ctx;

    if (server->ending)
        thrum_reactor_stop(server->reactor);
    server_end(server);
}

static int session_end(sink_session *session, void *ctx)
{
    sink_connection *self = ctx;
    sink_server *server = self->server;

    (void)session;
    if (server->dump != NULL && server_keep(server, self) != 0) {
        server_close(server);
        return -1;
    }
    if (server->totals.messages + 1 == server->count)
        server_close(server);
    return 0;
}

/* ---- The server ---- */

static const sink_session_events server_events = {
    .begin = session_begin,
    .text = session_text,
    .end = session_end,
};

static void server_accept(thrum_listener *listener, thrum_stream *stream,
                          void *ctx)
{
    (void)listener;
    sink_connection_open(ctx, stream);
}

int sink_server_start(sink_server *server, const char *host, uint16_t port,
                      thrum_failure **why)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    thrum_listener_config config = {
        .tls = server->implicit ? server->tls : NULL,
    };

    server->session.tls = server->tls != NULL;
    server->session.events = &server_events;
    server->session.totals = &server->totals;
    for (size_t i = 0; i < 2; i++) {
        server->signals[i] = thrum_signal_new(server->reactor, numbers[i],
                                              server_signalled, server, NULL);
        if (server->signals[i] == NULL) {
            *why = thrum_failure_no_memory();
            return -1;
        }
    }
    server->listener =
        thrum_listen_tcp(server->reactor, host, port, &config, why);
    thrum_listener_accept(server->listener, server_accept, server, NULL);
    return server->listener != NULL ? 0 : -1;
}

void sink_server_fini(sink_server *server)
{
    server_finish(server);
    thrum_listener_free(server->listener);
    for (size_t i = 0; i < 2; i++)
        thrum_signal_free(server->signals[i]);
}
