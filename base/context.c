/* SPDX-License-Identifier: MIT */
/*
 * The context is a struct of function pointers and one counter. The counter is
 * not atomic: a context belongs to one thread, and what may end in another
 * thread (failures) takes its memory from the allocator itself.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

enum { LOG_LINE = 1000 };

static void *context_malloc(size_t size, void *state)
{
    (void)state;
    return malloc(size);
}

static void *context_realloc(void *block, size_t size, void *state)
{
    (void)state;
    return realloc(block, size);
}

static void context_free(void *block, void *state)
{
    (void)state;
    free(block);
}

static const thrum_allocator context_heap = {context_malloc, context_realloc,
                                             context_free, NULL};

thrum_context *thrum_context_new(const thrum_context_config *config)
{
    static const thrum_context_config defaults;
    const thrum_allocator *allocator;
    thrum_context *context;

    if (config == NULL)
        config = &defaults;
    allocator = config->allocator != NULL ? config->allocator : &context_heap;
    context = allocator->allocate(sizeof *context, allocator->state);
    if (context == NULL)
        return NULL;
    context->allocator = allocator;
    context->log = config->log;
    context->unhandled = config->unhandled;
    context->ctx = config->ctx;
    context->blocks = 0;
    context->refs = 1;
    context->pooled = allocator == &context_heap && THRUM__POOL_ON;
    context->watch = NULL;
    memset(&context->pool, 0, sizeof context->pool);
    context->ends = context->deaths = (thrum__turns){0};
    context->holding = 0;
    context->kept = 0;
#ifdef THRUM__CHECK_THREADS
    context->thread = context->maker = thrum__thread_here();
#endif
    return context;
}

thrum_context *thrum_context_ref(thrum_context *context)
{
    THRUM__HERE(context);
    context->refs++;
    return context;
}

void thrum_context_unref(thrum_context *context)
{
    if (context == NULL)
        return;
    THRUM__HERE(context);
    context->refs--;
    if (context->watch != NULL)
        context->let_go(context);
    if (context->refs > 0)
        return;
    thrum__pool_fini(&context->pool);
    context->allocator->release(context, context->allocator->state);
}

/* ---- Blocks of any size ---- */

/* What stands before a block whose size nobody will say again. An allocator of
 * the user's own gets to see none of it. */
typedef struct context_header {
    _Alignas(16) size_t room; /* bytes after it */
} context_header;

enum { ROOM_POOLED = THRUM__POOL_MOST - sizeof(context_header) };

static inline context_header *header_of(void *bytes)
{
    return (context_header *)bytes - 1;
}

static inline void *context_make(thrum_context *context, size_t size)
{
    context_header *header;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + 15) & ~(size_t)15;
    header = size <= ROOM_POOLED
                 ? thrum__pool_make(&context->pool, sizeof *header + size)
                 : malloc(sizeof *header + size);
    if (header == NULL)
        return NULL;
    header->room = size;
    return header + 1;
}

static inline void context_drop(thrum_context *context, void *bytes)
{
    context_header *header = header_of(bytes);

    if (header->room <= ROOM_POOLED)
        thrum__pool_drop(&context->pool, header);
    else
        free(header);
}

/* One of malloc's that stays one is malloc's to move. */
static void *context_grow(void *bytes, size_t size)
{
    context_header *header = realloc(header_of(bytes), sizeof *header + size);

    if (header == NULL)
        return NULL;
    header->room = size;
    return header + 1;
}

static void *context_change(thrum_context *context, void *bytes, size_t size)
{
    size_t room;
    void *moved;

    if (bytes == NULL || size > SIZE_MAX / 2)
        return context_make(context, size);
    room = header_of(bytes)->room;
    if (room > ROOM_POOLED && size > ROOM_POOLED)
        return context_grow(bytes, size);
    if (room <= ROOM_POOLED && size <= room)
        return bytes;
    moved = context_make(context, size);
    if (moved == NULL)
        return NULL;
    memcpy(moved, bytes, size < room ? size : room);
    context_drop(context, bytes);
    return moved;
}

void *thrum_context_allocate(thrum_context *context, size_t size)
{
    const thrum_allocator *allocator = context->allocator;
    void *block;

    THRUM__HERE(context);
    block = context->pooled
                ? context_make(context, size)
                : allocator->allocate(size + (size == 0), allocator->state);
    context->blocks += block != NULL;
    return block;
}

void *thrum_context_resize(thrum_context *context, void *block, size_t size)
{
    const thrum_allocator *allocator = context->allocator;
    void *moved;

    THRUM__HERE(context);
    moved = context->pooled ? context_change(context, block, size)
                            : allocator->resize(block, size + (size == 0),
                                                allocator->state);
    context->blocks += block == NULL && moved != NULL;
    return moved;
}

void thrum_context_release(thrum_context *context, void *block)
{
    if (block == NULL)
        return;
    THRUM__HERE(context);
    context->blocks--;
    if (context->pooled)
        context_drop(context, block);
    else
        context->allocator->release(block, context->allocator->state);
}

char *thrum_context_copy(thrum_context *context, const char *text, size_t size)
{
    char *copy = thrum_context_allocate(context, size + 1);

    if (copy == NULL)
        return NULL;
    if (size > 0)
        memcpy(copy, text, size);
    copy[size] = '\0';
    return copy;
}

size_t thrum_context_blocks(const thrum_context *context)
{
    return context->blocks;
}

void thrum_context_log(thrum_context *context, thrum_log_level level,
                       const char *format, ...)
{
    char line[LOG_LINE];
    va_list arguments;

    if (context->log == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    context->log(level, line, context->ctx);
}

void thrum__unhandled(thrum_context *context, const thrum_failure *why,
                      const char *operation, const char *file, int line)
{
    if (context->unhandled != NULL)
        context->unhandled(why, operation, file, line, context->ctx);
    else if (file == NULL)
        thrum_context_log(context, THRUM_LOG_ERROR, "%s: %s (no consumer)",
                          operation, thrum_failure_text(why));
    else
        thrum_context_log(context, THRUM_LOG_ERROR, "%s: %s (%s:%d)", operation,
                          thrum_failure_text(why), file, line);
}
