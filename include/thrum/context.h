/* SPDX-License-Identifier: MIT */
/*
 * The context: what would otherwise be global. It holds the allocator, the
 * log, and the hook that learns of failures nobody handled. One per loop
 * thread; a reactor makes its own, a test makes one by hand. A context belongs
 * to its thread, as everything that was made from it does.
 */
#ifndef THRUM_CONTEXT_H
#define THRUM_CONTEXT_H

#include <thrum/api.h>

THRUM_BEGIN

typedef struct thrum_context thrum_context;
typedef struct thrum_failure thrum_failure;

/* Where memory comes from. The table must outlive all that was made from it;
 * `release` may be called in any thread, since a failure may end in another
 * one, and `allocate` wherever thrum_reactor_call_from_thread is. `state` is
 * handed to each function as it is. */
typedef struct thrum_allocator {
    void *(*allocate)(size_t size, void *state);
    void *(*resize)(void *block, size_t size, void *state);
    void (*release)(void *block, void *state);
    void *state;
} thrum_allocator;

typedef enum thrum_log_level {
    THRUM_LOG_DEBUG,
    THRUM_LOG_INFO,
    THRUM_LOG_WARNING,
    THRUM_LOG_ERROR
} thrum_log_level;

/* Takes one line, without its line end. */
typedef void thrum_log_fn(thrum_log_level level, const char *line, void *ctx);

/* Learns of a failure that reached the end of its Deferred unhandled.
 * `operation` is the name that the producer gave; `file` and `line` are where
 * its consumer last added a callback or finished it (NULL and 0: never). */
typedef void thrum_unhandled_fn(const thrum_failure *why, const char *operation,
                                const char *file, int line, void *ctx);

typedef struct thrum_context_config {
    const thrum_allocator *allocator; /* NULL: malloc, realloc, free */
    thrum_log_fn *log;                /* NULL: silence */
    thrum_unhandled_fn *unhandled;    /* NULL: a line to the log */
    void *ctx;                        /* for log and unhandled; not owned */
} thrum_context_config;

/* Makes a context. `config` may be NULL: all defaults.
 * Ownership: new; the config is copied. Errors: NULL, no memory. */
THRUM_API thrum_context *thrum_context_new(const thrum_context_config *config);

/* One more holder of the context. Ownership: returns `context`. */
THRUM_API thrum_context *thrum_context_ref(thrum_context *context);

/* One holder less; the last one frees it. NULL is nothing. */
THRUM_API void thrum_context_unref(thrum_context *context);

/* Memory from the context's allocator, not cleared. A size of 0 gives one byte.
 * Ownership: new, given back by thrum_context_release. Errors: NULL, no
 * memory. */
THRUM_API void *thrum_context_allocate(thrum_context *context, size_t size);

/* Changes the size of `block` (NULL: allocates). Errors: NULL, no memory; the
 * old block is then still there. */
THRUM_API void *thrum_context_resize(thrum_context *context, void *block,
                                     size_t size);

/* Gives memory back. NULL is nothing. */
THRUM_API void thrum_context_release(thrum_context *context, void *block);

/* A NUL-terminated copy of `size` bytes. Ownership: new, given back by
 * thrum_context_release. Errors: NULL, no memory. */
THRUM_API char *thrum_context_copy(thrum_context *context, const char *text,
                                   size_t size);

/* How many blocks of this context's allocator are in use now: a test ends
 * with as many as it began with. Failures are not counted, since they may
 * outlive the context and cross threads. */
THRUM_API size_t thrum_context_blocks(const thrum_context *context);

/* Writes one line to the log. One longer than 1,000 bytes is cut. */
THRUM_API void thrum_context_log(thrum_context *context, thrum_log_level level,
                                 const char *format, ...) THRUM_PRINTF(3, 4);

THRUM_END

#endif
