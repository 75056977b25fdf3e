/* SPDX-License-Identifier: MIT */
/*
 * A buffer of bytes with a cap: filled at its end, consumed at its front. The
 * struct is open so that a loop over its bytes costs no calls; only the
 * functions change it.
 */
#ifndef THRUM_BUFFER_H
#define THRUM_BUFFER_H

#include <thrum/context.h>

THRUM_BEGIN

typedef struct thrum_buffer {
    char *data;  /* the first byte that is not consumed */
    size_t size; /* how many there are */
    char *block; /* what was allocated; data points into it */
    size_t room; /* how many more fit before it has to grow */
    size_t cap;  /* `size` never passes this */
    thrum_context *context;
} thrum_buffer;

/* Makes an empty buffer that allocates nothing yet. `cap` is in bytes.
 * Ownership: the struct is the caller's; the context is held. */
THRUM_API void thrum_buffer_init(thrum_buffer *buffer, thrum_context *context,
                                 size_t cap);

/* Frees what the buffer holds; init makes it usable again. */
THRUM_API void thrum_buffer_fini(thrum_buffer *buffer);

/* Adds bytes at the end. Errors: THRUM_E_NOMEM, THRUM_E_FULL; then nothing was
 * added. */
THRUM_API int thrum_buffer_append(thrum_buffer *buffer, const void *data,
                                  size_t size);

/* Adds formatted text, without its NUL. Errors: as append. */
THRUM_API int thrum_buffer_format(thrum_buffer *buffer, const char *format, ...)
    THRUM_PRINTF(2, 3);

/* Room for `size` bytes after the last one; thrum_buffer_commit says how many
 * were written. Ownership: borrowed until the next change.
 * Errors: NULL, no memory or past the cap. */
THRUM_API char *thrum_buffer_reserve(thrum_buffer *buffer, size_t size);

/* Makes `size` bytes of the reserved room part of the buffer. */
static inline void thrum_buffer_commit(thrum_buffer *buffer, size_t size)
{
    buffer->size += size;
    buffer->room -= size;
}

/* Drops `size` bytes, that have to be there, from the end. */
static inline void thrum_buffer_trim(thrum_buffer *buffer, size_t size)
{
    buffer->size -= size;
    buffer->room += size;
}

/* Drops `size` bytes (at most all) from the front. */
THRUM_API void thrum_buffer_consume(thrum_buffer *buffer, size_t size);

/* Empties the buffer and keeps its memory. */
THRUM_API void thrum_buffer_clear(thrum_buffer *buffer);

THRUM_END

#endif
