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
    stream->ending = stream->write_failed = true;
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
    if (handler == NULL || handler->drained == NULL || stream->ending)
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

/* Whether `size` bytes more may be queued. */
static int queue_allows(const thrum_stream *stream, size_t size)
{
    size_t queued = stream->queue.size;

    if (stream->ending)
        return THRUM_E_CLOSED;
    if (queued > stream->cap || size > stream->cap - queued)
        return THRUM_E_FULL;
    return 0;
}

/* Bytes were added. */
static void queue_grown(thrum_stream *stream)
{
    const thrum_buffer *queue = &stream->queue;

    if (ev_is_active(&stream->writer)) {
        stream->above |= queue->size > stream->high;
        return;
    }
    if (queue->size > stream->high) {
        thrum__stream_flush(stream);
        stream->above |= queue->size > stream->high;
    }
    if (queue->size > 0 && !ev_is_active(&stream->writer))
        thrum__stream_touch(stream);
}

int thrum_stream_write(thrum_stream *stream, const void *data, size_t size)
{
    int error = queue_allows(stream, size);

    if (error == 0)
        error = thrum_buffer_append(&stream->queue, data, size);
    if (error == 0)
        queue_grown(stream);
    return error;
}

/* Each keeps its own cap. */
static void queue_swap(thrum_buffer *queue, thrum_buffer *bytes)
{
    thrum_buffer before = *queue;

    *queue = *bytes;
    queue->cap = before.cap;
    before.cap = bytes->cap;
    *bytes = before;
}

int thrum_stream_take(thrum_stream *stream, thrum_buffer *bytes)
{
    int error = queue_allows(stream, bytes->size);

    if (error != 0)
        return error;
    if (stream->queue.size == 0 && bytes->context == stream->context) {
        queue_swap(&stream->queue, bytes);
    } else {
        error = thrum_buffer_append(&stream->queue, bytes->data, bytes->size);
        if (error != 0)
            return error;
        thrum_buffer_clear(bytes);
    }
    queue_grown(stream);
    return 0;
}

size_t thrum_stream_queued(const thrum_stream *stream)
{
    return stream->queue.size;
}
