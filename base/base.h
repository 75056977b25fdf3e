/* SPDX-License-Identifier: MIT */
/*
 * What the files of libthrum know of the context and of failures beyond their
 * public headers.
 */
#ifndef THRUM_BASE_BASE_H
#define THRUM_BASE_BASE_H

#include <thrum/context.h>
#include <thrum/failure.h>

#include "base/spare.h"
#include "base/turns.h"

typedef struct thrum__watch thrum__watch;

struct thrum_context {
    const thrum_allocator *allocator;
    thrum_log_fn *log;
    thrum_unhandled_fn *unhandled;
    void *ctx;
    size_t blocks;
    size_t refs;
    bool spares; /* blocks are kept when they are given back */
    /* What the floor above watches, and how it learns that a holder let go;
     * only while it watches. */
    thrum__watch *watch;
    void (*let_go)(thrum_context *context);
    thrum__spare spare;
    thrum__turns ends;   /* groups and shares that tell of their result */
    thrum__turns deaths; /* and those whose last holder has gone */
};

/* Releases a value or a context; both may be NULL. */
static inline void thrum__free(void *what, thrum_free_fn *free)
{
    if (free != NULL)
        free(what);
}

/* Tells the hook of a failure that nobody handled. */
void thrum__unhandled(thrum_context *context, const thrum_failure *why,
                      const char *operation, const char *file, int line);

/* The words of `code` in `domain`, for whatever code it is. */
const char *thrum__describe(const thrum_domain *domain, int code);

#endif
