/* SPDX-License-Identifier: MIT */
/*
 * The write queue. Bytes are added to it and leave at the end of the turn, all
 * with one system call; a queue above its high mark does not wait so long.
 * Write interest is registered only after a short write, and taken back when
 * the queue is empty.
 */
#include <errno.h>

#include "reactor/stream.h"

/* An empty queue keeps no more memory than this: connections idle by the
 * thousand. */
enum { QUEUE_KEPT = 8 * 1024 };

static void queue_shrink(thrum_buffer *queue)
{
    thrum_context *context = queue->context;

    if (queue->room <= QUEUE_KEPT)
        return;
    thrum_context_ref(context);
    thrum_buffer_fini(queue);
    thrum_buffer_init(queue, context, SIZE_MAX);
    thrum_context_unref(context);
}

/* What is queued can go nowhere. What the peer sent can still be read; the
 * shutdown puts an end behind it. */
static void queue_fail(thrum_stream *stream, int error)
{
    thrum__stream_fail(stream,
                       stream->read_over ? THRUM_REACTOR_E_ENDED
                                         : THRUM_REACTOR_E_WRITE,
                       error);
    stream->write_failed = true;
    shutdown(stream->fd, SHUT_RD);
    ev_io_stop(stream->reactor->loop, &stream->writer);
    thrum_buffer_clear(&stream->queue);
    queue_shrink(&stream->queue);
    thrum__stream_touch(stream);
}

void thrum__stream_flush(thrum_stream *stream)
{
    thrum_buffer *queue = &stream->queue;
    struct ev_loop *loop = stream->reactor->loop;
    ssize_t sent = send(stream->fd, queue->data, queue->size, MSG_NOSIGNAL);

    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        queue_fail(stream, errno);
        return;
    }
    thrum_buffer_consume(queue, sent > 0 ? (size_t)sent : 0);
    if (queue->size > 0) {
        ev_io_start(loop, &stream->writer);
        return;
    }
    if (ev_is_active(&stream->writer))
        ev_io_stop(loop, &stream->writer);
    queue_shrink(queue);
}

void thrum__stream_tell_drained(thrum_stream *stream)
{
    const thrum_stream_handler *handler = stream->handler;

    if (!stream->above || stream->queue.size > stream->low)
        return;
    stream->above = false;
    if (handler == NULL || handler->drained == NULL || stream->losing ||
        stream->aborted || stream->write_failed)
        return;
    thrum__stream_enter(stream);
    handler->drained(stream, stream->ctx);
    thrum__stream_leave(stream);
}

void thrum__stream_on_writable(struct ev_loop *loop, ev_io *writer, int events)
{
    thrum_stream *stream = writer->data;

    (void)loop;
    (void)events;
    thrum__stream_flush(stream);
    if (stream->queue.size == 0 || stream->above)
        thrum__stream_touch(stream);
}

int thrum_stream_set_marks(thrum_stream *stream, size_t low, size_t high,
                           size_t cap)
{
    if (low > high || high > cap)
        return THRUM_E_INVALID;
    stream->low = low;
    stream->high = high;
    stream->cap = cap;
    if (stream->queue.size > high)
        stream->above = true;
    if (stream->above && !stream->closed)
        thrum__stream_touch(stream);
    return 0;
}

int thrum_stream_write(thrum_stream *stream, const void *data, size_t size)
{
    thrum_buffer *queue = &stream->queue;
    int error;

    if (stream->losing || stream->aborted || stream->closed ||
        stream->write_failed || stream->read_failed)
        return THRUM_E_CLOSED;
    if (queue->size > stream->cap || size > stream->cap - queue->size)
        return THRUM_E_FULL;
    error = thrum_buffer_append(queue, data, size);
    if (error != 0)
        return error;
    if (ev_is_active(&stream->writer)) {
        stream->above |= queue->size > stream->high;
        return 0;
    }
    if (queue->size > stream->high) {
        thrum__stream_flush(stream);
        stream->above |= queue->size > stream->high;
    }
    if (queue->size > 0 && !ev_is_active(&stream->writer))
        thrum__stream_touch(stream);
    return 0;
}

size_t thrum_stream_queued(const thrum_stream *stream)
{
    return stream->queue.size;
}
