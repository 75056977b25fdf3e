/* SPDX-License-Identifier: MIT */
/*
 * Small blocks for those who make and end the same few objects again and again,
 * thousands at a time.
 *
 * Each size has slabs of its own: a page cut into equal blocks, aligned, so the
 * slab of a block is where its address says, and nothing stands before it. One
 * slab of each size is open: blocks are taken from it until it is used up. Then
 * comes one of those that got blocks back meanwhile (partial), or a fresh one.
 * A slab that got all its blocks back, and is not open, is malloc's again, but
 * for the few that are kept for the next burst, of whatever size.
 *
 * Off under AddressSanitizer, which has to see every block freed.
 */
#ifndef THRUM_BASE_POOL_H
#define THRUM_BASE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define THRUM__POOL_ON false
#elif defined(__has_feature)
#define THRUM__POOL_ON (!__has_feature(address_sanitizer))
#else
#define THRUM__POOL_ON true
#endif

enum {
    THRUM__POOL_STEP = 8, /* between the sizes */
    THRUM__POOL_MOST = 512,
    THRUM__POOL_SIZES = THRUM__POOL_MOST / THRUM__POOL_STEP + 1,
    THRUM__POOL_SLAB = 4096,
    THRUM__POOL_SPARES = 64 /* slabs that are kept: 256 KiB */
};

/* Stands at the front of each slab. */
typedef struct thrum__slab {
    void *free;     /* the first block to be had, which begins with the
                     * address of the next; NULL: used up */
    uint32_t used;  /* blocks that are out, and one while it is open */
    uint32_t index; /* of its size */
    struct thrum__slab *next, **at; /* among the partial; NULL at: it is not */
} thrum__slab;

/* All zero: empty. */
typedef struct thrum__pool {
    thrum__slab *open[THRUM__POOL_SIZES];
    thrum__slab *partial[THRUM__POOL_SIZES];
    thrum__slab *spare;
    unsigned spares;
} thrum__pool;

static inline size_t thrum__pool_index(size_t size)
{
    return (size + THRUM__POOL_STEP - 1) / THRUM__POOL_STEP;
}

/* Links are copied: what stood in a block before had another type. */
static inline void *thrum__pool_link(const void *block)
{
    void *next;

    memcpy(&next, block, sizeof next);
    return next;
}

/* The open slab has no block: opens another one, and takes its first. */
void *thrum__pool_open(thrum__pool *pool, size_t index);

/* A slab had no block and has one, or has all of them. */
void thrum__pool_sort(thrum__pool *pool, thrum__slab *slab);

/* A block of `size` bytes, 1 to POOL_MOST, aligned for whatever has that size.
 * Errors: NULL, no memory. */
static inline void *thrum__pool_make(thrum__pool *pool, size_t size)
{
    size_t index = thrum__pool_index(size);
    thrum__slab *slab = pool->open[index];
    void *block;

    if (slab == NULL || slab->free == NULL)
        return thrum__pool_open(pool, index);
    block = slab->free;
    slab->free = thrum__pool_link(block);
    slab->used++;
    return block;
}

/* Takes it back. */
static inline void thrum__pool_drop(thrum__pool *pool, void *block)
{
    thrum__slab *slab =
        (thrum__slab *)((uintptr_t)block & -(uintptr_t)THRUM__POOL_SLAB);
    void *next = slab->free;

    memcpy(block, &next, sizeof next);
    slab->free = block;
    if (--slab->used == 0 || next == NULL)
        thrum__pool_sort(pool, slab);
}

/* Frees the slabs. A block that is still out keeps its own. */
void thrum__pool_fini(thrum__pool *pool);

#endif
