/* SPDX-License-Identifier: MIT */
/*
 * TLS begins on a live stream. Whatever comes of it is told once, by the
 * transport: the handshake's end, or the stream's. A refusal is an abort of the
 * stream, so it is told in a later turn like everything else.
 */
#include <string.h>

#include "reactor/stream.h"
#include "reactor/transport_tls.h"

typedef struct start {
    thrum_stream *stream; /* held */
    thrum_deferred *deferred;
    thrum__transport *transport;
    thrum_call *timer;
} start;

typedef struct start_how {
    thrum_tls *tls; /* NULL: the reactor's own */
    const char *host;
    bool server;
} start_how;

thrum_tls *thrum__reactor_tls(thrum_reactor *reactor, thrum_failure **why)
{
    if (reactor->tls == NULL)
        reactor->tls = thrum_tls_new(reactor->context, NULL, why);
    return reactor->tls;
}

static void start_free(start *self)
{
    thrum_stream *stream = self->stream;

    thrum_clock_cancel(thrum_reactor_clock(stream->reactor), self->timer);
    thrum_context_release(stream->context, self);
    thrum_stream_unref(stream);
}

/* The stream's first reason stays what it ends with. */
static void start_abort(thrum_stream *stream, const thrum_failure *why)
{
    if (stream->closed)
        return;
    thrum__stream_fail(stream, THRUM_REACTOR_E_TLS, thrum_failure_ref(why));
    thrum_stream_abort(stream);
}

static void start_done(const thrum_failure *why, void *ctx)
{
    start *self = ctx;
    thrum_deferred *deferred = self->deferred;
    thrum__slow *slow = &self->stream->reactor->slow;

    if (why != NULL)
        start_abort(self->stream, why);
    start_free(self);
    if (why != NULL)
        thrum__slow_fail(slow, deferred, thrum_failure_ref(why));
    else
        thrum__slow_fire(slow, deferred, NULL, NULL);
}

static void start_late(void *ctx)
{
    start *self = ctx;
    thrum_stream *stream = self->stream;
    thrum_failure *why = thrum__reactor_failure(
        stream->context, THRUM_REACTOR_E_TIMEOUT, 0,
        "%s: no TLS: the time is over in the handshake", stream->peer);

    self->timer = NULL;
    thrum__transport_tls_forget(self->transport);
    start_done(why, self);
    thrum_failure_unref(why);
}

static thrum_cancelled start_cancelled(thrum_deferred *deferred, void *ctx)
{
    start *self = ctx;

    (void)deferred;
    thrum__transport_tls_forget(self->transport);
    thrum_stream_abort(self->stream);
    start_free(self);
    return THRUM_CANCELLED_STOPPED;
}

/* Errors: NULL, no memory; nothing is held then. */
static start *start_new(thrum_stream *stream, const char *operation)
{
    start *self = thrum_context_allocate(stream->context, sizeof *self);

    if (self == NULL)
        return NULL;
    memset(self, 0, sizeof *self);
    self->deferred = thrum_deferred_new(stream->context, operation);
    if (self->deferred == NULL) {
        thrum_context_release(stream->context, self);
        return NULL;
    }
    self->stream = thrum_stream_ref(stream);
    return self;
}

/* What somebody put there before TLS is not to be read as if it had come
 * through it (RFC 3207, section 6). A client's kernel is asked when TLS begins;
 * a server's now, since the client may be quick to answer what is queued. Where
 * nothing was said in the clear, what waits is the client's first word of TLS:
 * it may well come before the listener does. */
static void start_check(start *self, thrum__tls_session *session, size_t unread)
{
    thrum__transport *beneath = self->stream->transport;

    if (unread > 0 || (session->server && self->stream->spoken &&
                       beneath->ops->has_bytes(beneath)))
        thrum__tls_session_refuse(session, THRUM__TLS_BEFORE);
}

/* Ownership: *why new, only on error. Errors: NULL. */
static thrum__tls_session *
start_session(thrum_stream *stream, const start_how *how, thrum_failure **why)
{
    thrum_tls *tls = how->tls;
    thrum__tls_session *session;

    if (tls == NULL)
        tls = thrum__reactor_tls(stream->reactor, why);
    if (tls == NULL)
        return NULL;
    session =
        thrum__tls_session_new(tls, how->server, how->host, stream->peer, why);
    if (session != NULL)
        session->began = thrum_clock_wall(thrum_reactor_clock(stream->reactor));
    return session;
}

/* Nothing has begun: what the consumer gets has failed already. */
static thrum_deferred *start_refused(start *self, thrum_failure *why)
{
    thrum_deferred *deferred = self->deferred;

    start_abort(self->stream, why);
    start_free(self);
    thrum_deferred_fail(deferred, why);
    return deferred;
}

static thrum_failure *start_too_late(const thrum_stream *stream)
{
    return thrum__reactor_failure(
        stream->context, THRUM_REACTOR_E_TLS, 0, "%s: no TLS: the stream %s",
        stream->peer, stream->ending ? "has ended" : "begins it already");
}

static int start_prepare(start *self, thrum_ns within)
{
    self->timer =
        thrum_clock_call_later(thrum_reactor_clock(self->stream->reactor),
                               within, start_late, self, NULL);
    if (self->timer == NULL)
        return THRUM_E_NOMEM;
    return thrum_deferred_on_cancel(self->deferred, start_cancelled, self,
                                    NULL);
}

/* The transport is the stream's from here on, and tells of its end. */
static thrum_deferred *start_begin(start *self, thrum__tls_session *session,
                                   thrum_failure *why, thrum_ns within)
{
    thrum_stream *stream = self->stream;
    thrum_deferred *deferred = self->deferred;

    self->transport =
        thrum__transport_tls_new(stream->reactor, session, start_done, self);
    if (self->transport == NULL) {
        thrum_failure_unref(why);
        return start_refused(self, thrum_failure_no_memory());
    }
    thrum__stream_set_transport(stream, self->transport);
    if (start_prepare(self, within) != 0 && why == NULL)
        why = thrum_failure_no_memory();
    if (why != NULL)
        start_abort(stream, why);
    thrum_failure_unref(why);
    return deferred;
}

static thrum_deferred *start_tls(thrum_stream *stream, start *self,
                                 const start_how *how, size_t unread,
                                 thrum_ns within)
{
    thrum_failure *why = NULL;
    thrum__tls_session *session;

    if (self == NULL)
        return NULL;
    if (stream->ending || stream->upper != NULL)
        return start_refused(self, start_too_late(stream));
    session = start_session(stream, how, &why);
    if (session != NULL)
        start_check(self, session, unread);
    return start_begin(self, session, why, within);
}

thrum_deferred *thrum_stream_start_tls(thrum_stream *stream, thrum_tls *tls,
                                       const char *host, size_t unread,
                                       thrum_ns within)
{
    start_how how = {.tls = tls, .host = host};

    return start_tls(stream, start_new(stream, "start TLS"), &how, unread,
                     within);
}

thrum_deferred *thrum_stream_serve_tls(thrum_stream *stream, thrum_tls *tls,
                                       size_t unread, thrum_ns within)
{
    start_how how = {.tls = tls, .server = true};

    return start_tls(stream, start_new(stream, "serve TLS"), &how, unread,
                     within);
}

const thrum_tls_facts *thrum_stream_tls_facts(const thrum_stream *stream)
{
    const thrum__tls_session *session =
        thrum__transport_tls_session(stream->transport);

    return session == NULL ? NULL : &session->facts;
}
