/* SPDX-License-Identifier: MIT */
/*
 * What the files of libthrum know of the context and of failures beyond their
 * public headers.
 */
#ifndef THRUM_BASE_BASE_H
#define THRUM_BASE_BASE_H

#include <thrum/context.h>
#include <thrum/failure.h>

#include "base/pool.h"
#include "base/thread.h"
#include "base/turns.h"

typedef struct thrum__watch thrum__watch;

struct thrum_context {
    const thrum_allocator *allocator;
    thrum_log_fn *log;
    thrum_unhandled_fn *unhandled;
    void *ctx;
    size_t blocks;
    size_t refs;
    bool pooled; /* small blocks come of the pool */
    /* What the floor above watches, and how it learns that a holder let go;
     * only while it watches. */
    thrum__watch *watch;
    void (*let_go)(thrum_context *context);
    thrum__pool pool;
    thrum__turns ends;   /* groups and shares that tell of their result */
    thrum__turns deaths; /* and those whose last holder has gone */
    /* Loops that go on with others' callbacks when the one that they have
     * called returns. */
    unsigned holding;
    size_t kept; /* references of what only waits for others to act */
#ifdef THRUM__CHECK_THREADS
    thrum__thread thread, maker; /* to whom it belongs, now and otherwise */
#endif
};

/* Releases a value or a context; both may be NULL. */
static inline void thrum__free(void *what, thrum_free_fn *free)
{
    if (free != NULL)
        free(what);
}

/* The same, of what may go early: *free is NULL from then on. */
static inline void thrum__free_once(void *what, thrum_free_fn **free)
{
    thrum_free_fn *once = *free;

    *free = NULL;
    thrum__free(what, once);
}

/* Memory for an object of a fixed size, at most THRUM__POOL_MOST, which
 * thrum__drop gives back; the two go together, as thrum_context_allocate and
 * thrum_context_release do. Errors: NULL, no memory. */
static inline void *thrum__make(thrum_context *context, size_t size)
{
    void *block;

    THRUM__HERE(context);
    block = context->pooled
                ? thrum__pool_make(&context->pool, size)
                : context->allocator->allocate(size, context->allocator->state);
    context->blocks += block != NULL;
    return block;
}

/* NULL is nothing. */
static inline void thrum__drop(thrum_context *context, void *block)
{
    if (block == NULL)
        return;
    THRUM__HERE(context);
    context->blocks--;
    if (context->pooled)
        thrum__pool_drop(&context->pool, block);
    else
        context->allocator->release(block, context->allocator->state);
}

/* Whether a callback is being called whose return others wait for: a loop that
 * were run now might wait for them in vain. */
static inline bool thrum__context_holds(const thrum_context *context)
{
    return context->holding > 0 || context->ends.taking ||
           context->deaths.taking;
}

/* thrum_context_unref, in line where nothing comes of it. */
static inline void thrum__context_unref(thrum_context *context)
{
    if (context->refs > 1 && context->watch == NULL)
        context->refs--;
    else
        thrum_context_unref(context);
}

/* A reference of an object that gives no Deferred its result unless somebody
 * else acts: it does not keep the context from being told what never fired. */
static inline thrum_context *thrum__context_keep(thrum_context *context)
{
    context->kept++;
    return thrum_context_ref(context);
}

static inline void thrum__context_leave(thrum_context *context)
{
    context->kept--;
    thrum__context_unref(context);
}

/* Tells the hook of a failure that nobody handled. */
void thrum__unhandled(thrum_context *context, const thrum_failure *why,
                      const char *operation, const char *file, int line);

/* The words of `code` in `domain`, for whatever code it is. */
const char *thrum__describe(const thrum_domain *domain, int code);

#endif
