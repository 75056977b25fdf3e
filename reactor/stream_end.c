/* SPDX-License-Identifier: MIT */
/*
 * The end of a turn, and of a stream. Closing has one place, here: so a
 * descriptor's number is never given to another socket while events of the turn
 * are still under way, and nobody's `closed` comes out of a call of his own.
 *
 * A write that fails does not end the stream at once. What the peer sent before
 * it went away - often the very reason why - is read and told first; the
 * reading side was shut down, so it comes to an end.
 */
#include "reactor/listener.h"
#include "reactor/stream.h"

static void stream_tell_closed(thrum_stream *stream)
{
    const thrum_stream_handler *handler = stream->handler;
    thrum__timed timed;

    thrum__link_remove(&stream->link);
    stream->reactor->counts.streams--;
    timed = thrum__stream_enter(stream);
    if (handler != NULL && handler->closed != NULL)
        handler->closed(stream, stream->why, stream->ctx);
    thrum__stream_drop_handler(stream);
    thrum__stream_leave(stream, timed, "closed");
    thrum__stream_unhold(stream);
}

static void stream_close_transport(const thrum_stream *stream,
                                   thrum__transport *transport, bool reset)
{
    if (transport != NULL)
        transport->ops->close(transport, reset, stream->why);
}

/* `reset`: the peer learns that something went wrong. A transport may call back
 * whoever made it, the queue whoever owned a piece of it; so the stream is
 * closed before. */
static void stream_close(thrum_stream *stream, bool reset)
{
    thrum__transport *transport = stream->transport, *upper = stream->upper;

    stream->transport = stream->upper = NULL;
    stream->closed = true;
    ev_unref(stream->reactor->loop);
    if (stream->rare != NULL)
        thrum__stream_deadline_end(stream);
    stream_close_transport(stream, upper, reset);
    stream_close_transport(stream, transport, reset);
    thrum__queue_fini(&stream->queue);
    if (stream->came_by != NULL)
        thrum__listener_left(stream->came_by);
    stream->came_by = NULL;
    if (stream->waited)
        thrum__stream_tell_waiters(stream);
}

static bool stream_is_over(const thrum_stream *stream)
{
    if (stream->aborted || stream->read_failed)
        return true;
    if (stream->write_failed)
        return stream->read_over || stream->upper != NULL ||
               (stream->losing &&
                (stream->watched & THRUM__TRANSPORT_RECEIVE) == 0);
    return stream->losing && stream->queue.size == 0 &&
           (stream->shut || !stream->transport->ops->says_end);
}

/* Well ended is what the peer was told of, where the transport has words for
 * it. */
static void stream_say_end(thrum_stream *stream)
{
    if (stream->closed || stream->aborted || stream->upper != NULL)
        return;
    if (stream->halving || (stream->losing && stream->transport->ops->says_end))
        thrum__stream_shut(stream);
}

/* A stream that ends before it got a handler keeps its notice for it. */
static void stream_end(thrum_stream *stream)
{
    stream_say_end(stream);
    if (!stream->closed && stream_is_over(stream)) {
        if (stream->aborted)
            thrum__stream_fail(stream, THRUM_REACTOR_E_ABORTED, NULL);
        stream_close(stream, stream->aborted);
    }
    if (stream->closed && !thrum__link_alone(&stream->link) &&
        (stream->handler != NULL || stream->refs == 0))
        stream_tell_closed(stream);
}

static inline void stream_see_to(thrum_stream *stream)
{
    if (stream->queue.size > 0 && !stream->stuck && !stream->aborted &&
        !stream->read_failed)
        thrum__stream_flush(stream);
    if (stream->above || stream->waited)
        thrum__stream_tell_drained(stream);
    if (stream->ending)
        stream_end(stream);
}

void thrum__streams_turn(thrum_reactor *reactor)
{
    thrum_stream *stream = reactor->touched, *next;

    if (stream == NULL)
        return;
    ev_unref(reactor->loop);
    reactor->touched = NULL;
    reactor->touched_end = &reactor->touched;
    for (; stream != NULL; stream = next) {
        next = stream->next;
        stream->touched = false;
        stream_see_to(stream);
        thrum__stream_unhold(stream);
    }
}

/* What the transport takes of the queue still leaves; a reset would call it
 * back. But what was aborted in the last of all calls drops it. */
static void stream_cut(thrum_stream *stream)
{
    if (stream->queue.size > 0 && !stream->aborted && !stream->read_failed)
        thrum__stream_flush(stream);
    stream_say_end(stream);
    if (!stream->losing || stream->queue.size > 0)
        thrum__stream_fail(stream, THRUM_REACTOR_E_ABORTED, NULL);
    stream->ending = true;
    stream_close(stream, stream->aborted || stream->queue.size > 0);
}

/* In a forked child: the memory goes, and the descriptor; nobody is told. */
static void stream_forget(thrum_stream *stream)
{
    if (!stream->closed) {
        thrum__stream_fail(stream, THRUM_REACTOR_E_FORKED, NULL);
        stream->ending = true;
        stream_close(stream, true);
    }
    thrum__link_remove(&stream->link);
    thrum__stream_drop_handler(stream);
    thrum__stream_unhold(stream);
}

/* Whoever lets go of a stream meanwhile touches it. */
static void streams_forget(thrum_reactor *reactor)
{
    thrum_stream *stream, *next;

    while (!thrum__link_alone(&reactor->streams))
        stream_forget((thrum_stream *)reactor->streams.next);
    stream = reactor->touched;
    if (stream != NULL)
        ev_unref(reactor->loop);
    reactor->touched = NULL;
    reactor->touched_end = &reactor->touched;
    for (; stream != NULL; stream = next) {
        next = stream->next;
        stream->touched = false;
        thrum__stream_unhold(stream);
    }
}

/* Streams that nobody listens to yet are closed as well; their notice is lost
 * with the reactor. */
void thrum__streams_end(thrum_reactor *reactor)
{
    if (reactor->forked) {
        streams_forget(reactor);
        return;
    }
    thrum__streams_turn(reactor);
    while (!thrum__link_alone(&reactor->streams)) {
        thrum_stream *stream = (thrum_stream *)reactor->streams.next;

        if (!stream->closed)
            stream_cut(stream);
        stream_tell_closed(stream);
    }
    thrum__streams_turn(reactor);
}
