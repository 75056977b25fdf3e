/* SPDX-License-Identifier: MIT */
/*
 * Replies leave in their order; one that is held holds those behind it. While
 * one is, or while a slow sink reads, the stream rests, so nothing grows.
 */
#include <string.h>

#include "cli/sink_connection.h"
#include "cli/sink_server.h"

enum {
    READS_A_SECOND = 20,         /* of a slow sink that has enough to read */
    UNREAD_MOST = 1024 * 1024,   /* of what came in the turn it began to rest */
    QUEUE_LONG = 64 * 1024,      /* then no more commands are read */
    QUEUE_MOST = 4 * 1024 * 1024 /* twice what the session makes in a turn */
};

#define CONNECTION_HANDSHAKE (10 * THRUM_S)

static void connection_free(void *ctx)
{
    sink_connection *self = ctx;

    sink_session_fini(&self->session);
    sink_line_fini(&self->line);
    thrum_buffer_fini(&self->unread);
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

/* All that is due has been sent. Who sends commands and reads no replies gets
 * no more of them made: reading rests until the queue is short again. */
static void connection_settle(sink_connection *self)
{
    bool rest = self->held != NULL || self->slow != NULL ||
                thrum_stream_queued(self->stream) > QUEUE_LONG;

    if (self->held == NULL && self->session.stage == SINK_STAGE_ENDED) {
        thrum_stream_lose(self->stream);
        return;
    }
    if (self->held == NULL && self->slow == NULL && self->over) {
        thrum_stream_lose(self->stream);
        return;
    }
    if (rest && !self->paused)
        thrum_stream_pause(self->stream);
    else if (!rest && self->paused)
        thrum_stream_resume(self->stream);
    self->paused = rest;
    if (self->held == NULL && self->handshake == NULL &&
        self->session.stage == SINK_STAGE_HANDSHAKE)
        connection_start_tls(self);
}

static void connection_held(void *ctx)
{
    sink_connection *self = ctx;

    self->held = NULL;
    sink_server_went_on(self->server);
    sink_connection_send(self);
}

/* Sends `due` bytes, and waits. Errors: not 0. */
static int connection_hold(sink_connection *self, size_t due, uint64_t wait)
{
    thrum_buffer *replies = &self->session.replies;
    thrum_clock *clock = thrum_reactor_clock(self->server->reactor);
    int error = thrum_stream_write(self->stream, replies->data, due);

    if (error != 0)
        return error;
    thrum_buffer_consume(replies, due);
    self->held = thrum_clock_call_later(clock, (thrum_ns)wait * THRUM_MS,
                                        connection_held, self, NULL);
    return self->held != NULL ? 0 : THRUM_E_NOMEM;
}

void sink_connection_send(sink_connection *self)
{
    thrum_buffer *replies = &self->session.replies;
    uint64_t wait = 1;
    int error = 0;

    while (self->held == NULL && wait > 0 && error == 0) {
        size_t due = sink_session_due(&self->session, &wait);

        if (wait > 0)
            error = connection_hold(self, due, wait);
        else if (replies->size > 0)
            error = thrum_stream_take(self->stream, replies);
    }
    if (error != 0)
        thrum_stream_abort(self->stream);
    else
        connection_settle(self);
}

/* ---- Reading ---- */

static void connection_read_on(sink_connection *self);

static void connection_slow(void *ctx)
{
    sink_connection *self = ctx;

    self->slow = NULL;
    connection_read_on(self);
}

/* Gives the session what it may have now, and waits as long as reading that
 * took. */
static void connection_read_on(sink_connection *self)
{
    thrum_clock *clock = thrum_reactor_clock(self->server->reactor);
    uint64_t rate = self->server->rate;
    uint64_t piece = rate / READS_A_SECOND + 1;

    if (piece > self->unread.size)
        piece = self->unread.size;
    if (piece > 0) {
        sink_session_receive(&self->session, self->unread.data, piece);
        thrum_buffer_consume(&self->unread, piece);
        self->slow = thrum_clock_call_later(
            clock, (thrum_ns)(piece * (uint64_t)THRUM_S / rate),
            connection_slow, self, NULL);
        if (self->slow == NULL) {
            thrum_stream_abort(self->stream);
            return;
        }
    }
    sink_connection_send(self);
}

static void connection_received(thrum_stream *stream, const char *data,
                                size_t size, void *ctx)
{
    sink_connection *self = ctx;

    if (self->server->rate == 0) {
        sink_session_receive(&self->session, data, size);
        sink_connection_send(self);
    } else if (thrum_buffer_append(&self->unread, data, size) != 0) {
        thrum_stream_abort(stream);
    } else if (self->slow == NULL) {
        connection_read_on(self);
    }
}

static void connection_ended(thrum_stream *stream, void *ctx)
{
    sink_connection *self = ctx;

    (void)stream;
    self->over = true;
    connection_settle(self);
}

static void connection_drained(thrum_stream *stream, void *ctx)
{
    (void)stream;
    connection_settle(ctx);
}

/* ---- Its beginning and its end ---- */

static void connection_closed(thrum_stream *stream, const thrum_failure *why,
                              void *ctx)
{
    sink_connection *self = ctx;
    thrum_clock *clock = thrum_reactor_clock(self->server->reactor);

    (void)why;
    *self->link = self->next;
    if (self->next != NULL)
        self->next->link = self->link;
    thrum_deferred_cancel(self->handshake);
    thrum_clock_cancel(clock, self->held);
    thrum_clock_cancel(clock, self->slow);
    self->held = self->slow = NULL;
    self->stream = NULL;
    thrum_stream_unref(stream);
    sink_server_left(self->server);
}

static const thrum_stream_handler connection_handler = {
    .received = connection_received,
    .ended = connection_ended,
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
    memset(self, 0, sizeof *self);
    self->server = server;
    self->stream = stream;
    thrum_buffer_init(&self->unread, context, UNREAD_MOST);
    connection_link(self, server);
    sink_line_init(&self->line, context);
    sink_session_init(&self->session, context, &server->session, self);
    if (server->implicit && self->session.stage == SINK_STAGE_FRESH)
        sink_session_secured(&self->session);
    thrum_stream_set_marks(stream, QUEUE_LONG / 4, QUEUE_LONG, QUEUE_MOST);
    thrum_stream_set_handler(stream, &connection_handler, self,
                             connection_free);
    sink_connection_send(self);
}
