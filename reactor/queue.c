/* SPDX-License-Identifier: MIT */
#include "reactor/queue.h"

#include "base/base.h"

/* Up to here a copy costs less than a piece of its own. */
enum { QUEUE_COPIED = 4 * 1024 };

struct thrum__piece {
    thrum__piece *next;
    const char *data;
    size_t size;
    void *owner;
    thrum_free_fn *free;
    bool block; /* owner is one of the context's */
};

void thrum__queue_init(thrum__queue *queue, thrum_context *context)
{
    thrum_buffer_init(&queue->tail, context, SIZE_MAX);
    queue->first = queue->spent = NULL;
    queue->end = &queue->first;
    queue->size = 0;
}

static void queue_add(thrum__queue *queue, thrum__piece *piece)
{
    piece->next = NULL;
    *queue->end = piece;
    queue->end = &piece->next;
}

/* What the buffer holds becomes a piece, so that another can follow it. */
static int queue_seal(thrum__queue *queue)
{
    thrum_buffer *tail = &queue->tail;
    thrum__piece *piece;

    if (tail->size == 0)
        return 0;
    piece = thrum_context_allocate(tail->context, sizeof *piece);
    if (piece == NULL)
        return THRUM_E_NOMEM;
    *piece = (thrum__piece){.data = tail->data,
                            .size = tail->size,
                            .owner = tail->block,
                            .block = true};
    queue_add(queue, piece);
    tail->data = tail->block = NULL;
    tail->size = tail->room = 0;
    return 0;
}

int thrum__queue_take_behind(thrum__queue *queue, thrum_buffer *bytes)
{
    thrum_buffer *tail = &queue->tail;
    bool copied = bytes->context != tail->context ||
                  (tail->size > 0 && bytes->size <= QUEUE_COPIED);
    int error = copied ? thrum_buffer_append(tail, bytes->data, bytes->size)
                       : queue_seal(queue);

    if (error != 0)
        return error;
    queue->size += bytes->size;
    if (copied)
        thrum_buffer_clear(bytes);
    else
        thrum__queue_swap(queue, bytes);
    return 0;
}

int thrum__queue_own(thrum__queue *queue, const void *data, size_t size,
                     void *owner, thrum_free_fn *free)
{
    thrum_context *context = queue->tail.context;
    thrum__piece *piece = thrum_context_allocate(context, sizeof *piece);
    int error = piece != NULL ? queue_seal(queue) : THRUM_E_NOMEM;

    if (error != 0) {
        thrum_context_release(context, piece);
        return error;
    }
    *piece = (thrum__piece){
        .data = data, .size = size, .owner = owner, .free = free};
    queue_add(queue, piece);
    queue->size += size;
    return 0;
}

int thrum__queue_piece_parts(const thrum__queue *queue, struct iovec *parts,
                             int most, size_t limit)
{
    const thrum__piece *piece = queue->first;
    int count = 0;

    for (; piece != NULL && count < most && limit > 0; piece = piece->next) {
        size_t size = piece->size < limit ? piece->size : limit;

        parts[count].iov_base = (void *)piece->data;
        parts[count++].iov_len = size;
        limit -= size;
    }
    if (piece == NULL && count < most && limit > 0 && queue->tail.size > 0) {
        size_t size = queue->tail.size < limit ? queue->tail.size : limit;

        parts[count].iov_base = queue->tail.data;
        parts[count++].iov_len = size;
    }
    return count;
}

/* Puts the first piece aside. */
static void queue_spend(thrum__queue *queue)
{
    thrum__piece *piece = queue->first;

    queue->first = piece->next;
    if (queue->first == NULL)
        queue->end = &queue->first;
    piece->next = queue->spent;
    queue->spent = piece;
}

void thrum__queue_consume_pieces(thrum__queue *queue, size_t size)
{
    while (queue->first != NULL && size >= queue->first->size) {
        size -= queue->first->size;
        queue_spend(queue);
    }
    if (queue->first != NULL) {
        queue->first->data += size;
        queue->first->size -= size;
    } else if (size > 0) {
        thrum_buffer_consume(&queue->tail, size);
    }
}

void thrum__queue_clear(thrum__queue *queue)
{
    while (queue->first != NULL)
        queue_spend(queue);
    thrum_buffer_clear(&queue->tail);
    queue->size = 0;
}

static void queue_shrink(thrum_buffer *tail)
{
    thrum_context_release(tail->context, tail->block);
    tail->data = tail->block = NULL;
    tail->room = 0;
}

void thrum__queue_give_back(thrum__queue *queue)
{
    thrum_context *context = queue->tail.context;
    thrum__piece *piece;

    while ((piece = queue->spent) != NULL) {
        queue->spent = piece->next;
        if (piece->block)
            thrum_context_release(context, piece->owner);
        else
            thrum__free(piece->owner, piece->free);
        thrum_context_release(context, piece);
    }
    if (queue->tail.size == 0 && queue->tail.room > THRUM__QUEUE_KEPT)
        queue_shrink(&queue->tail);
}

void thrum__queue_fini(thrum__queue *queue)
{
    thrum__queue_clear(queue);
    thrum__queue_release(queue);
    thrum_buffer_fini(&queue->tail);
}
