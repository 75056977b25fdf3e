/* SPDX-License-Identifier: MIT */
/*
 * Writing. Bytes are added to the queue and leave at the end of the turn, with
 * one system call; a queue above its high mark does not wait so long. Write
 * interest is registered only after a short write, and taken back when the
 * queue is empty.
 */
#include "base/base.h"
#include "reactor/stream.h"

enum {
    STREAM_PARTS = 32,       /* in one system call */
    STREAM_SENDS = 64 * 1024 /* bytes in a turn */
};

/* What is queued can go nowhere; what the peer sent can still be read. */
static void queue_fail(thrum_stream *stream)
{
    thrum__stream_fail(stream,
                       stream->read_over ? THRUM_REACTOR_E_ENDED
                                         : THRUM_REACTOR_E_WRITE,
                       thrum__transport_take_why(stream->transport));
    stream->ending = stream->write_failed = true;
    stream->stuck = false;
    thrum__queue_clear(&stream->queue);
    thrum__stream_watch(stream);
    thrum__stream_touch(stream);
    thrum__queue_release(&stream->queue);
}

/* What was queued before the transport is exchanged leaves through the old one.
 */
static void queue_sent(thrum_stream *stream, size_t sent)
{
    if (stream->rare != NULL)
        stream->rare->took = thrum_clock_now(stream->reactor->time);
    thrum__queue_consume(&stream->queue, sent);
    if (stream->upper != NULL) {
        stream->lower -= sent;
        if (stream->lower == 0)
            thrum__stream_exchange(stream);
    }
}

/* Pieces, or bytes that are still for the transport below. */
static ssize_t stream_send_parts(thrum_stream *stream)
{
    struct iovec parts[STREAM_PARTS];
    size_t limit = STREAM_SENDS;
    int count;

    if (stream->upper != NULL && stream->lower < limit)
        limit = stream->lower;
    count = thrum__queue_parts(&stream->queue, parts, STREAM_PARTS, limit);
    return stream->transport->ops->send(stream->transport, parts, count);
}

/* Mostly there is one part. */
static ssize_t stream_send(thrum_stream *stream)
{
    const thrum__queue *queue = &stream->queue;
    struct iovec part = {queue->tail.data, queue->size};

    if (queue->first != NULL || stream->upper != NULL ||
        queue->size > STREAM_SENDS)
        return stream_send_parts(stream);
    return stream->transport->ops->send(stream->transport, &part, 1);
}

/* Past what a turn may send the stream is stuck, as if the transport took no
 * more: the next turn goes on. */
void thrum__stream_flush(thrum_stream *stream)
{
    thrum__queue *queue = &stream->queue;
    ssize_t sent = stream_send(stream);

    if (sent == THRUM__TRANSPORT_FAILED) {
        queue_fail(stream);
        return;
    }
    if (sent > 0)
        queue_sent(stream, (size_t)sent);
    if (stream->stuck != (queue->size > 0)) {
        stream->stuck = !stream->stuck;
        thrum__stream_watch(stream);
    }
    thrum__queue_release(queue);
}

void thrum__stream_shut(thrum_stream *stream)
{
    thrum__transport *transport = stream->transport;
    int answer;

    if (stream->shut || stream->write_failed || stream->queue.size > 0)
        return;
    answer = transport->ops->shutdown(transport);
    if (answer == THRUM__TRANSPORT_FAILED) {
        queue_fail(stream);
        return;
    }
    stream->shut = answer == 0;
    stream->stuck = !stream->shut;
    thrum__stream_watch(stream);
}

void thrum__stream_tell_drained(thrum_stream *stream)
{
    const thrum_stream_handler *handler = stream->handler;
    bool told = stream->above;

    if (stream->queue.size > stream->low)
        return;
    stream->above = false;
    if (told && handler != NULL && handler->drained != NULL &&
        !stream->ending) {
        thrum__timed timed = thrum__stream_enter(stream);

        handler->drained(stream, stream->ctx);
        thrum__stream_leave(stream, timed, "drained");
    }
    if (stream->waited && stream->queue.size <= stream->low)
        thrum__stream_tell_waiters(stream);
}

void thrum__stream_writable(thrum_stream *stream)
{
    if (stream->queue.size > 0) {
        thrum__stream_flush(stream);
    } else {
        stream->stuck = false;
        thrum__stream_watch(stream);
    }
    if (stream->queue.size == 0 || stream->above || stream->waited)
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
    if ((stream->above || stream->waited) && !stream->closed)
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
    const thrum__queue *queue = &stream->queue;

    stream->spoken = true;
    if (stream->stuck) {
        stream->above |= queue->size > stream->high;
        return;
    }
    if (queue->size > stream->high) {
        thrum__stream_flush(stream);
        stream->above |= queue->size > stream->high;
    }
    if (queue->size > 0 && !stream->stuck)
        thrum__stream_touch(stream);
}

int thrum_stream_write(thrum_stream *stream, const void *data, size_t size)
{
    int error = queue_allows(stream, size);

    if (error == 0)
        error = thrum__queue_append(&stream->queue, data, size);
    if (error == 0)
        queue_grown(stream);
    return error;
}

int thrum_stream_write_owned(thrum_stream *stream, const void *data,
                             size_t size, void *owner, thrum_free_fn *free)
{
    int error = queue_allows(stream, size);

    if (error == 0 && size > 0)
        error = thrum__queue_own(&stream->queue, data, size, owner, free);
    if (error != 0 || size == 0) {
        thrum__free(owner, free);
        return error;
    }
    queue_grown(stream);
    return 0;
}

int thrum_stream_take(thrum_stream *stream, thrum_buffer *bytes)
{
    int error = queue_allows(stream, bytes->size);

    if (error == 0)
        error = thrum__queue_take(&stream->queue, bytes);
    if (error == 0)
        queue_grown(stream);
    return error;
}

size_t thrum_stream_queued(const thrum_stream *stream)
{
    return stream->queue.size;
}
