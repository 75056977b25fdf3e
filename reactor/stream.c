/* SPDX-License-Identifier: MIT */
/*
 * A stream: who hears of it, and reading. (Writing is in stream_write.c, the
 * end in stream_end.c, what carries the bytes behind transport.h.)
 *
 * Callbacks of the transport only note what happened, tell the handler, and
 * touch the stream; what follows from it is decided at the end of the turn.
 *
 * One read a turn: the transport tells again when there is more, and a second
 * read would in most cases only learn that there is nothing.
 */
#include <string.h>

#include "base/base.h"
#include "reactor/stream.h"

enum {
    STREAM_LOW = 16 * 1024,
    STREAM_HIGH = 64 * 1024,
    STREAM_CAP = 1024 * 1024
};

/* The last of users and holds has gone. */
static void stream_release_if_unused(thrum_stream *stream)
{
    thrum_context *context = stream->context;

    if (stream->refs > 0 || stream->holds > 0)
        return;
    thrum_failure_unref(stream->why);
    thrum_context_release(context, stream->rare);
    thrum_context_release(context, stream);
    thrum_context_unref(context);
}

void thrum__stream_unhold(thrum_stream *stream)
{
    stream->holds--;
    stream_release_if_unused(stream);
}

thrum__timed thrum__stream_enter(thrum_stream *stream)
{
    stream->holds++;
    stream->calling = true;
    return thrum__slow_begin(&stream->reactor->slow, stream->place);
}

void thrum__stream_leave(thrum_stream *stream, thrum__timed timed,
                         const char *of)
{
    thrum_free_fn *free = stream->spent_free;

    thrum__slow_end(&stream->reactor->slow, timed, of);
    stream->calling = false;
    stream->spent_free = NULL;
    thrum__free(stream->spent, free);
    thrum__stream_unhold(stream);
}

/* Nobody hears of the stream from here on. The ctx of a call that is being made
 * stays until that has returned; of two replaced within one call, the second
 * was not in use. */
void thrum__stream_drop_handler(thrum_stream *stream)
{
    thrum_free_fn *free = stream->free;
    void *ctx = stream->ctx;

    stream->handler = NULL;
    stream->free = NULL;
    if (stream->calling && stream->spent_free == NULL) {
        stream->spent = ctx;
        stream->spent_free = free;
        return;
    }
    thrum__free(ctx, free);
}

void thrum__stream_fail(thrum_stream *stream, int code, thrum_failure *beneath)
{
    const char *words = thrum__describe(&thrum_domain_reactor, code);

    if (stream->why != NULL) {
        thrum_failure_unref(beneath);
        return;
    }
    if (beneath != NULL &&
        thrum_failure_domain(beneath) == &thrum_domain_reactor) {
        stream->why = beneath;
        return;
    }
    stream->why = thrum__reactor_failure(stream->context, code, 0, "%s: %s",
                                         stream->peer, words);
    if (beneath != NULL)
        stream->why = thrum_failure_because(stream->why, beneath);
}

void thrum__stream_touch(thrum_stream *stream)
{
    thrum_reactor *reactor = stream->reactor;

    if (stream->touched)
        return;
    if (reactor->touched == NULL)
        ev_ref(reactor->loop);
    stream->touched = true;
    stream->holds++;
    stream->next = NULL;
    *reactor->touched_end = stream;
    reactor->touched_end = &stream->next;
}

/* Without a handler nothing is read, until the stream is to be closed: then
 * what comes is dropped, since a peer that cannot write may not read either. */
static bool stream_reads(const thrum_stream *stream)
{
    return !stream->read_over && !stream->read_failed && !stream->aborted &&
           !stream->paused && stream->upper == NULL &&
           (stream->handler != NULL || stream->losing);
}

void thrum__stream_watch(thrum_stream *stream)
{
    int events = (stream_reads(stream) ? THRUM__TRANSPORT_RECEIVE : 0) |
                 (stream->stuck ? THRUM__TRANSPORT_SEND : 0);

    int before = stream->watched;

    if (stream->closed || events == before)
        return;
    stream->watched = events;
    stream->transport->ops->watch(stream->transport, events);
    if (stream->rare != NULL)
        thrum__stream_deadline_watch(stream, before);
}

static void stream_ended(thrum_stream *stream)
{
    const thrum_stream_handler *handler = stream->handler;

    stream->read_over = true;
    thrum__stream_watch(stream);
    if (stream->write_failed || stream->losing) {
        thrum__stream_touch(stream);
    } else if (handler->ended != NULL) {
        thrum__timed timed = thrum__stream_enter(stream);

        handler->ended(stream, stream->ctx);
        thrum__stream_leave(stream, timed, "ended");
    } else {
        thrum_stream_lose(stream);
    }
}

static void stream_received(thrum_stream *stream, const char *data, size_t size)
{
    const thrum_stream_handler *handler = stream->handler;
    thrum__timed timed;

    if (handler == NULL || handler->received == NULL)
        return;
    stream->spoken = true;
    timed = thrum__stream_enter(stream);
    handler->received(stream, data, size, stream->ctx);
    thrum__stream_leave(stream, timed, "received");
}

/* Why TLS is refused says more than that nothing could be sent: the peer's last
 * words may come after it has closed. */
static void stream_broken(thrum_stream *stream)
{
    thrum_failure *why = thrum__transport_take_why(stream->transport);

    if (stream->write_failed && stream->why != NULL && why != NULL &&
        thrum_failure_is(stream->why, &thrum_domain_reactor,
                         THRUM_REACTOR_E_WRITE) &&
        thrum_failure_is(why, &thrum_domain_reactor, THRUM_REACTOR_E_TLS)) {
        thrum_failure_unref(stream->why);
        stream->why = NULL;
    }
    thrum__stream_fail(stream, THRUM_REACTOR_E_READ, why);
    stream->ending = stream->read_failed = true;
    thrum__stream_watch(stream);
    thrum__stream_touch(stream);
}

static void stream_readable(thrum_stream *stream)
{
    thrum__transport *transport = stream->transport;
    char *scratch = stream->reactor->scratch;
    ssize_t got = transport->ops->receive(transport, scratch, THRUM__SCRATCH);

    if (stream->rare != NULL && got > 0)
        stream->rare->heard = thrum_clock_now(stream->reactor->time);
    if (got > 0)
        stream_received(stream, scratch, (size_t)got);
    else if (got == 0)
        stream_ended(stream);
    else if (got == THRUM__TRANSPORT_FAILED)
        stream_broken(stream);
}

/* Reading comes first: what the peer said may change what is sent. The stream
 * outlives a call to its handler, since it is closed at the turn's end. */
static void stream_ready(void *owner, int events)
{
    thrum_stream *stream = owner;

    if (events == THRUM__TRANSPORT_RECEIVE) { /* as mostly */
        stream_readable(stream);
        return;
    }
    if ((events & THRUM__TRANSPORT_BROKEN) != 0) {
        stream_broken(stream);
        return;
    }
    if ((events & THRUM__TRANSPORT_RECEIVE) != 0)
        stream_readable(stream);
    if ((events & stream->watched & THRUM__TRANSPORT_SEND) != 0)
        thrum__stream_writable(stream);
}

void thrum__stream_exchange(thrum_stream *stream)
{
    thrum__transport *beneath = stream->transport;

    if (stream->watched != 0)
        beneath->ops->watch(beneath, 0);
    stream->watched = 0;
    stream->transport = stream->upper;
    stream->upper = NULL;
    thrum__transport_set_owner(stream->transport, stream_ready, stream);
    stream->transport->ops->stack(stream->transport, beneath);
    stream->stuck = stream->queue.size > 0;
    thrum__stream_watch(stream);
}

int thrum__stream_set_transport(thrum_stream *stream, thrum__transport *upper)
{
    if (stream->ending)
        return THRUM_E_CLOSED;
    if (stream->upper != NULL)
        return THRUM_E_INVALID;
    stream->upper = upper;
    stream->lower = stream->queue.size;
    if (stream->lower == 0)
        thrum__stream_exchange(stream);
    else
        thrum__stream_watch(stream);
    return 0;
}

thrum_stream *thrum__stream_over(thrum_reactor *reactor,
                                 thrum__transport *transport, const char *name,
                                 const char *peer)
{
    size_t name_size = strlen(name) + 1, peer_size = strlen(peer) + 1;
    thrum_stream *stream = thrum_context_allocate(
        reactor->context, sizeof *stream + name_size + peer_size);

    if (stream == NULL) {
        transport->ops->close(transport, false, NULL);
        return NULL;
    }
    memset(stream, 0, sizeof *stream);
    stream->peer = stream->name + name_size;
    memcpy(stream->name, name, name_size);
    memcpy(stream->name + name_size, peer, peer_size);
    stream->reactor = reactor;
    stream->context = thrum_context_ref(reactor->context);
    stream->transport = transport;
    thrum__transport_set_owner(transport, stream_ready, stream);
    stream->refs = stream->holds = 1;
    stream->low = STREAM_LOW;
    stream->high = STREAM_HIGH;
    stream->cap = STREAM_CAP;
    thrum__queue_init(&stream->queue, stream->context);
    thrum__link_append(&reactor->streams, &stream->link);
    reactor->counts.streams++;
    ev_ref(reactor->loop);
    return stream;
}

thrum_stream *thrum__stream_new(thrum_reactor *reactor, int fd,
                                const thrum__address *peer)
{
    thrum__transport *transport = thrum__transport_socket_new(reactor, fd);
    char names[2][THRUM__NAME];

    if (transport == NULL)
        return NULL;
    thrum__stream_names(fd, peer, names);
    return thrum__stream_over(reactor, transport, names[0], names[1]);
}

thrum__stream_rare *thrum__stream_rare_make(thrum_stream *stream)
{
    thrum__stream_rare *rare = stream->rare;

    if (rare != NULL)
        return rare;
    rare = thrum_context_allocate(stream->context, sizeof *rare);
    if (rare == NULL)
        return NULL;
    memset(rare, 0, sizeof *rare);
    thrum__waiters_init(&rare->waiters);
    thrum__ready_init(&rare->ready);
    thrum__soon_init(&rare->again, thrum__stream_deadline_look_again, stream);
    stream->rare = rare;
    return rare;
}

void thrum_stream_set_handler_at(thrum_stream *stream,
                                 const thrum_stream_handler *handler, void *ctx,
                                 thrum_free_fn *free, const char *place)
{
    bool told = thrum__link_alone(&stream->link);

    thrum__stream_drop_handler(stream);
    if (told) {
        thrum__free(ctx, free);
        return;
    }
    stream->handler = handler;
    stream->ctx = ctx;
    stream->free = free;
    stream->place = place;
    thrum__stream_watch(stream);
    if (stream->closed)
        thrum__stream_touch(stream);
}

void thrum_stream_pause(thrum_stream *stream)
{
    stream->paused = true;
    thrum__stream_watch(stream);
    if (stream->write_failed && stream->losing && !stream->closed)
        thrum__stream_touch(stream); /* nobody waits for the rest */
}

void thrum_stream_resume(thrum_stream *stream)
{
    stream->paused = false;
    thrum__stream_watch(stream);
}

int thrum_stream_lose_write(thrum_stream *stream)
{
    if (stream->ending)
        return THRUM_E_CLOSED;
    stream->ending = stream->halving = true;
    thrum__stream_touch(stream);
    return 0;
}

void thrum_stream_lose(thrum_stream *stream)
{
    if (stream->losing || stream->aborted || stream->closed)
        return;
    stream->ending = stream->losing = true;
    thrum__stream_watch(stream);
    thrum__stream_touch(stream);
}

void thrum_stream_abort(thrum_stream *stream)
{
    if (stream->aborted || stream->closed)
        return;
    stream->ending = stream->aborted = true;
    thrum__stream_watch(stream);
    thrum__stream_touch(stream);
}

const char *thrum_stream_peer(const thrum_stream *stream)
{
    return stream->peer;
}

const char *thrum_stream_name(const thrum_stream *stream)
{
    return stream->name;
}

thrum_reactor *thrum_stream_reactor(thrum_stream *stream)
{
    return stream->reactor;
}

thrum_stream *thrum_stream_ref(thrum_stream *stream)
{
    stream->refs++;
    return stream;
}

void thrum_stream_unref(void *what)
{
    thrum_stream *stream = what;

    if (stream == NULL || --stream->refs > 0)
        return;
    if (!thrum__link_alone(&stream->link)) {
        thrum__stream_drop_handler(stream);
        thrum_stream_lose(stream);
        if (stream->closed)
            thrum__stream_touch(stream);
        return;
    }
    stream_release_if_unused(stream);
}
