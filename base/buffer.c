/* SPDX-License-Identifier: MIT */
/*
 * [block .. data) was consumed, [data .. data + size) is there, and `room`
 * bytes follow it. Growing first moves the bytes to the front of the block when
 * that gives room enough, so a buffer that is filled and drained at one pace
 * never grows. One more byte than `room` is always there, for the NUL that
 * vsnprintf insists on.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <thrum/buffer.h>

#include "base/base.h"

enum { BUFFER_LEAST = 256 };

void thrum_buffer_init(thrum_buffer *buffer, thrum_context *context, size_t cap)
{
    memset(buffer, 0, sizeof *buffer);
    buffer->context = thrum_context_ref(context);
    buffer->cap = cap;
}

void thrum_buffer_fini(thrum_buffer *buffer)
{
    thrum_context *context = buffer->context;

    if (context == NULL)
        return;
    thrum_context_release(context, buffer->block);
    memset(buffer, 0, sizeof *buffer);
    thrum_context_unref(context);
}

static void buffer_compact(thrum_buffer *buffer)
{
    size_t consumed = (size_t)(buffer->data - buffer->block);

    memmove(buffer->block, buffer->data, buffer->size);
    buffer->data = buffer->block;
    buffer->room += consumed;
}

static int buffer_grow(thrum_buffer *buffer, size_t size)
{
    size_t wanted, twice;
    char *block;

    if (size > buffer->cap || buffer->size > buffer->cap - size)
        return THRUM_E_FULL;
    if (buffer->data != buffer->block)
        buffer_compact(buffer);
    if (buffer->room >= size)
        return 0;
    wanted = buffer->size + size;
    twice = 2 * (buffer->size + buffer->room);
    if (wanted < twice)
        wanted = twice;
    if (wanted < BUFFER_LEAST)
        wanted = BUFFER_LEAST;
    block = thrum_context_resize(buffer->context, buffer->block, wanted + 1);
    if (block == NULL)
        return THRUM_E_NOMEM;
    buffer->block = buffer->data = block;
    buffer->room = wanted - buffer->size;
    return 0;
}

static inline int buffer_room(thrum_buffer *buffer, size_t size)
{
    if (buffer->room >= size && buffer->size + size <= buffer->cap)
        return 0;
    return buffer_grow(buffer, size);
}

int thrum_buffer_append(thrum_buffer *buffer, const void *data, size_t size)
{
    int error = buffer_room(buffer, size);

    if (error != 0 || size == 0)
        return error;
    memcpy(buffer->data + buffer->size, data, size);
    thrum_buffer_commit(buffer, size);
    return 0;
}

int thrum_buffer_format(thrum_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    int length, error;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0)
        return THRUM_E_INVALID;
    error = buffer_room(buffer, (size_t)length);
    if (error != 0 || length == 0)
        return error;
    va_start(arguments, format);
    vsnprintf(buffer->data + buffer->size, (size_t)length + 1, format,
              arguments);
    va_end(arguments);
    thrum_buffer_commit(buffer, (size_t)length);
    return 0;
}

char *thrum_buffer_reserve(thrum_buffer *buffer, size_t size)
{
    if (buffer->block == NULL && size == 0)
        size = 1;
    if (buffer_room(buffer, size) != 0)
        return NULL;
    return buffer->data + buffer->size;
}

void thrum_buffer_consume(thrum_buffer *buffer, size_t size)
{
    if (size >= buffer->size) {
        thrum_buffer_clear(buffer);
        return;
    }
    buffer->data += size;
    buffer->size -= size;
}

void thrum_buffer_clear(thrum_buffer *buffer)
{
    buffer->room += buffer->size + (size_t)(buffer->data - buffer->block);
    buffer->data = buffer->block;
    buffer->size = 0;
}
