/* SPDX-License-Identifier: MIT */
/*
 * What a stream has to send: pieces that stay where they are, and behind them a
 * buffer into which small writes are copied. Mostly there is only the buffer.
 *
 * Pieces that were sent are put aside, and released by a call of its own: that
 * calls whoever owned them, who may write again.
 */
#ifndef THRUM_REACTOR_QUEUE_H
#define THRUM_REACTOR_QUEUE_H

#include <sys/uio.h>

#include <thrum/buffer.h>

typedef struct thrum__piece thrum__piece;

typedef struct thrum__queue {
    thrum_buffer tail; /* what was copied, or taken, last */
    thrum__piece *first, **end;
    thrum__piece *spent;
    size_t size; /* of all that is to be sent */
} thrum__queue;

/* Allocates nothing. */
void thrum__queue_init(thrum__queue *queue, thrum_context *context);

/* Releases all of it. */
void thrum__queue_fini(thrum__queue *queue);

/* An empty queue keeps no more memory than this: connections idle by the
 * thousand. */
enum { THRUM__QUEUE_KEPT = 8 * 1024 };

/* Adds a copy. Errors: THRUM_E_NOMEM, and nothing has changed. */
static inline int thrum__queue_append(thrum__queue *queue, const void *data,
                                      size_t size)
{
    int error = thrum_buffer_append(&queue->tail, data, size);

    if (error == 0)
        queue->size += size;
    return error;
}

/* As take, of a queue that is not empty, or for another context's buffer. */
int thrum__queue_take_behind(thrum__queue *queue, thrum_buffer *bytes);

/* The two change their memory; the queue's buffer is empty. Each keeps its cap
 * and its context. */
static inline void thrum__queue_swap(thrum__queue *queue, thrum_buffer *bytes)
{
    thrum_buffer *tail = &queue->tail;
    char *block = tail->block;
    size_t room = tail->room;

    tail->block = bytes->block;
    tail->data = bytes->data;
    tail->size = bytes->size;
    tail->room = bytes->room;
    bytes->block = bytes->data = block;
    bytes->size = 0;
    bytes->room = room;
}

/* Adds all of a buffer and empties that. Errors: as append. */
static inline int thrum__queue_take(thrum__queue *queue, thrum_buffer *bytes)
{
    if (queue->size > 0 || bytes->context != queue->tail.context)
        return thrum__queue_take_behind(queue, bytes);
    queue->size = bytes->size;
    thrum__queue_swap(queue, bytes);
    return 0;
}

/* Adds bytes that are not copied. Ownership: owner taken, unless on error.
 * Errors: as append. */
int thrum__queue_own(thrum__queue *queue, const void *data, size_t size,
                     void *owner, thrum_free_fn *free);

/* As parts and consume, of a queue that has pieces. */
int thrum__queue_piece_parts(const thrum__queue *queue, struct iovec *parts,
                             int most, size_t limit);
void thrum__queue_consume_pieces(thrum__queue *queue, size_t size);

/* Describes what comes first: at most `most` parts of at most `limit` bytes
 * together, none of them empty. Returns how many. */
static inline int thrum__queue_parts(const thrum__queue *queue,
                                     struct iovec *parts, int most,
                                     size_t limit)
{
    const thrum_buffer *tail = &queue->tail;

    if (queue->first != NULL)
        return thrum__queue_piece_parts(queue, parts, most, limit);
    parts->iov_base = tail->data;
    parts->iov_len = tail->size < limit ? tail->size : limit;
    return parts->iov_len > 0;
}

/* The first `size` bytes were sent. */
static inline void thrum__queue_consume(thrum__queue *queue, size_t size)
{
    queue->size -= size;
    if (queue->first != NULL)
        thrum__queue_consume_pieces(queue, size);
    else
        thrum_buffer_consume(&queue->tail, size);
}

/* Nothing of it will be sent. */
void thrum__queue_clear(thrum__queue *queue);

/* As release, when there is something to give back. */
void thrum__queue_give_back(thrum__queue *queue);

/* Calls the owners of pieces that were put aside; an empty queue gives back
 * memory. The queue must outlive it. */
static inline void thrum__queue_release(thrum__queue *queue)
{
    if (queue->spent != NULL ||
        (queue->size == 0 && queue->tail.room > THRUM__QUEUE_KEPT))
        thrum__queue_give_back(queue);
}

#endif
