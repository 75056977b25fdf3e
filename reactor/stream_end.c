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
#include <unistd.h>

#include "reactor/stream.h"

/* Times 64 KiB: more than a peer's window that nobody read. */
enum { STREAM_READ_OFF = 16 };

static void stream_tell_closed(thrum_stream *stream)
{
    const thrum_stream_handler *handler = stream->handler;

    thrum__link_remove(&stream->link);
    thrum__stream_enter(stream);
    if (handler != NULL && handler->closed != NULL)
        handler->closed(stream, stream->why, stream->ctx);
    thrum__stream_drop_handler(stream);
    thrum__stream_leave(stream);
    thrum__stream_unhold(stream);
}

/* To close with bytes unread is to reset: the kernel would call back what it
 * has not delivered yet. So what came meanwhile is read, and dropped. */
static void stream_read_off(const thrum_stream *stream)
{
    char *scratch = stream->reactor->scratch;
    ssize_t got = THRUM__SCRATCH;

    for (int i = 0; i < STREAM_READ_OFF && got == THRUM__SCRATCH; i++)
        got = recv(stream->fd, scratch, THRUM__SCRATCH, 0);
}

/* `reset`: the peer learns that something went wrong. */
static void stream_close(thrum_stream *stream, bool reset)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct ev_loop *loop = stream->reactor->loop;

    ev_io_stop(loop, &stream->reader);
    ev_io_stop(loop, &stream->writer);
    if (reset)
        setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    else if (!stream->read_over)
        stream_read_off(stream);
    close(stream->fd);
    stream->fd = -1;
    stream->closed = true;
    thrum_buffer_fini(&stream->queue);
    ev_unref(loop);
}

static bool stream_is_over(const thrum_stream *stream)
{
    if (stream->aborted || stream->read_failed)
        return true;
    if (stream->write_failed)
        return stream->read_over ||
               (stream->losing && !ev_is_active(&stream->reader));
    return stream->losing && stream->queue.size == 0;
}

/* A stream that ends before it got a handler keeps its notice for it. */
static void stream_end(thrum_stream *stream)
{
    if (!stream->closed && stream_is_over(stream)) {
        if (stream->aborted)
            thrum__stream_fail(stream, THRUM_REACTOR_E_ABORTED, 0);
        stream_close(stream, stream->aborted);
    }
    if (stream->closed && !thrum__link_alone(&stream->link) &&
        (stream->handler != NULL || stream->refs == 0))
        stream_tell_closed(stream);
}

static inline void stream_see_to(thrum_stream *stream)
{
    if (stream->queue.size > 0 && !ev_is_active(&stream->writer) &&
        !stream->aborted && !stream->read_failed)
        thrum__stream_flush(stream);
    if (stream->above)
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

/* What the kernel takes of the queue still leaves; a reset would call it back.
 */
static void stream_cut(thrum_stream *stream)
{
    if (stream->queue.size > 0)
        thrum__stream_flush(stream);
    if (!stream->losing || stream->queue.size > 0)
        thrum__stream_fail(stream, THRUM_REACTOR_E_ABORTED, 0);
    stream->ending = true;
    stream_close(stream, stream->queue.size > 0);
}

/* Streams that nobody listens to yet are closed as well; their notice is lost
 * with the reactor. */
void thrum__streams_end(thrum_reactor *reactor)
{
    thrum__streams_turn(reactor);
    while (!thrum__link_alone(&reactor->streams)) {
        thrum_stream *stream = (thrum_stream *)reactor->streams.next;

        if (!stream->closed)
            stream_cut(stream);
        stream_tell_closed(stream);
    }
    thrum__streams_turn(reactor);
}
