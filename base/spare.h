/* SPDX-License-Identifier: MIT */
/*
 * Blocks that were given back, kept by size for whoever asks next. A loop that
 * makes and ends the same few objects for each message does so in bursts, and
 * those run past the few blocks that malloc keeps at hand itself.
 *
 * A block bears its size in front. Off under AddressSanitizer, which has to see
 * every block freed.
 */
#ifndef THRUM_BASE_SPARE_H
#define THRUM_BASE_SPARE_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define THRUM__SPARE_ON false
#elif defined(__has_feature)
#define THRUM__SPARE_ON (!__has_feature(address_sanitizer))
#else
#define THRUM__SPARE_ON true
#endif

/* All of it is at most half a MiB, should every size be used. */
enum {
    THRUM__SPARE_STEP = 16,
    THRUM__SPARE_SIZES = 32, /* up to 496 bytes; larger ones are not kept */
    THRUM__SPARE_MOST = 64   /* of each size */
};

/* What stands before the bytes. */
typedef struct thrum__spare_block {
    _Alignas(16) struct thrum__spare_block *next; /* while it is kept */
    size_t index;                                 /* steps that it holds */
} thrum__spare_block;

typedef struct thrum__spare {
    thrum__spare_block *first[THRUM__SPARE_SIZES];
    unsigned count[THRUM__SPARE_SIZES];
} thrum__spare;

/* How many steps hold `size` bytes. */
static inline size_t thrum__spare_index(size_t size)
{
    return size / THRUM__SPARE_STEP + (size % THRUM__SPARE_STEP != 0);
}

/* Fresh memory. Errors: NULL, no memory. */
void *thrum__spare_make(size_t size);

/* A block of at least `size` bytes. Errors: NULL, no memory. */
static inline void *thrum__spare_allocate(thrum__spare *spare, size_t size)
{
    size_t index = thrum__spare_index(size);
    thrum__spare_block *block;

    if (index >= THRUM__SPARE_SIZES || spare->first[index] == NULL)
        return thrum__spare_make(size);
    block = spare->first[index];
    spare->first[index] = block->next;
    spare->count[index]--;
    return block + 1;
}

/* As realloc. */
void *thrum__spare_resize(thrum__spare *spare, void *bytes, size_t size);

/* Frees a block that is not kept. */
void thrum__spare_drop(thrum__spare_block *block);

/* Keeps the block, unless it is large or enough are kept. */
static inline void thrum__spare_release(thrum__spare *spare, void *bytes)
{
    thrum__spare_block *block = (thrum__spare_block *)bytes - 1;
    size_t index = block->index;

    if (index >= THRUM__SPARE_SIZES ||
        spare->count[index] == THRUM__SPARE_MOST) {
        thrum__spare_drop(block);
        return;
    }
    block->next = spare->first[index];
    spare->first[index] = block;
    spare->count[index]++;
}

/* Frees all that is kept. */
void thrum__spare_fini(thrum__spare *spare);

#endif
