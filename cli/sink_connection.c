/* SPDX-License-Identifier: MIT */
#include "cli/sink_connection.h"
#include "cli/sink_server.h"

enum {
    QUEUE_LONG = 64 * 1024,      /* then no more commands are read */
    QUEUE_MOST = 4 * 1024 * 1024 /* twice what the session makes in a turn */
};

#define CONNECTION_HANDSHAKE (10 * THRUM_S)

static void connection_free(void *ctx)
{
    sink_connection *self = ctx;

    sink_session_fini(&self->session);
    sink_line_fini(&self->line);
    thrum_context_release(thrum_reactor_context(self->server->reactor), self);
}

/* ---- STARTTLS ---- */

static thrum_outcome connection_secured(void *value, void *ctx)
{
    sink_connection *self = ctx;

    (void)value;
    self->handshake = NULL;
    sink_session_secured(&self->session);
    if (self->server->closing)
        sink_session_close(&self->session);
    return thrum_done();
}

/* The stream was aborted, and will tell so. */
static thrum_outcome connection_not_secured(const thrum_failure *why, void *ctx)
{
    sink_connection *self = ctx;

    (void)why;
    self->handshake = NULL;
    return thrum_done();
}

/* The session says so once; what is sent before leaves in the clear. */
static void connection_start_tls(sink_connection *self)
{
    thrum_deferred *begun = thrum_stream_serve_tls(
        self->stream, self->server->tls, 0, CONNECTION_HANDSHAKE);

    if (begun == NULL) {
        thrum_stream_abort(self->stream);
        return;
    }
    self->handshake = begun;
    if (thrum_deferred_add(begun, connection_secured, connection_not_secured,
                           self, NULL) != 0) {
        self->handshake = NULL;
        thrum_deferred_mark_handled(begun);
        thrum_stream_abort(self->stream);
    }
    thrum_deferred_finish(begun);
}

/* ---- Replies ---- */

/* Who sends commands and reads no replies gets no more of them made: reading
 * rests until the queue is short again. */
void sink_connection_send(sink_connection *self)
{
    thrum_buffer *replies = &self->session.replies;

    if (replies->size > 0 && thrum_stream_take(self->stream, replies) != 0) {
        thrum_stream_abort(self->stream);
        return;
    }
    if (self->session.stage == SINK_STAGE_ENDED)
        thrum_stream_lose(self->stream);
    else if (self->session.stage == SINK_STAGE_HANDSHAKE &&
             self->handshake == NULL)
        connection_start_tls(self);
    else if (thrum_stream_queued(self->stream) > QUEUE_LONG)
        thrum_stream_pause(self->stream);
}

static void connection_received(thrum_stream *stream, const char *data,
                                size_t size, void *ctx)
{
    sink_connection *self = ctx;

    (void)stream;
    sink_session_receive(&self->session, data, size);
    sink_connection_send(self);
}

static void connection_drained(thrum_stream *stream, void *ctx)
{
    (void)ctx;
    thrum_stream_resume(stream);
}

/* ---- Its beginning and its end ---- */

static void connection_closed(thrum_stream *stream, const thrum_failure *why,
                              void *ctx)
{
    sink_connection *self = ctx;

    (void)why;
    *self->link = self->next;
    if (self->next != NULL)
        self->next->link = self->link;
    thrum_deferred_cancel(self->handshake);
    self->stream = NULL;
    thrum_stream_unref(stream);
    sink_server_left(self->server);
}

static const thrum_stream_handler connection_handler = {
    .received = connection_received,
    .drained = connection_drained,
    .closed = connection_closed,
};

static void connection_link(sink_connection *self, sink_server *server)
{
    self->link = &server->connections;
    self->next = server->connections;
    if (self->next != NULL)
        self->next->link = &self->next;
    server->connections = self;
}

void sink_connection_open(sink_server *server, thrum_stream *stream)
{
    thrum_context *context = thrum_reactor_context(server->reactor);
    sink_connection *self = thrum_context_allocate(context, sizeof *self);

    if (self == NULL) {
        thrum_stream_abort(stream);
        thrum_stream_unref(stream);
        return;
    }
    self->server = server;
    self->stream = stream;
    self->handshake = NULL;
    connection_link(self, server);
    sink_line_init(&self->line, context);
    if (sink_session_init(&self->session, context, &server->session, self) ==
            0 &&
        server->implicit)
        sink_session_secured(&self->session);
    thrum_stream_set_marks(stream, QUEUE_LONG / 4, QUEUE_LONG, QUEUE_MOST);
    thrum_stream_set_handler(stream, &connection_handler, self,
                             connection_free);
    sink_connection_send(self);
}
