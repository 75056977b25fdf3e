/* SPDX-License-Identifier: MIT */
/*
 * Blocks that were given back, kept by size for whoever asks next. A loop that
 * makes and ends the same few objects for each message does so in bursts, and
 * those run past the few blocks that malloc keeps at hand itself.
 *
 * Only for blocks of malloc, whose sizes can be asked. Off under
 * AddressSanitizer, which has to see every block freed.
 */
#ifndef THRUM_BASE_SPARE_H
#define THRUM_BASE_SPARE_H

#include <malloc.h>
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
    THRUM__SPARE_SIZES = 32,
    THRUM__SPARE_MOST = 64 /* of each size */
};

typedef struct thrum__spare {
    void *first[THRUM__SPARE_SIZES]; /* each begins with the next one */
    unsigned count[THRUM__SPARE_SIZES];
} thrum__spare;

/* malloc's blocks hold a multiple of 16 bytes and 8 more: block `index` holds
 * 16 * index + 8 or more. Where that is not so it wastes a little. */
static inline size_t thrum__spare_index(size_t size)
{
    return (size + THRUM__SPARE_STEP - 9) / THRUM__SPARE_STEP;
}

/* A block of at least `size` bytes, or NULL. */
static inline void *thrum__spare_take(thrum__spare *spare, size_t size)
{
    size_t index = thrum__spare_index(size);
    void *block;

    if (index >= THRUM__SPARE_SIZES || spare->first[index] == NULL)
        return NULL;
    block = spare->first[index];
    spare->first[index] = *(void **)block;
    spare->count[index]--;
    return block;
}

/* Keeps the block, unless it is large or enough are kept. */
static inline bool thrum__spare_put(thrum__spare *spare, void *block)
{
    size_t index = (malloc_usable_size(block) - 8) / THRUM__SPARE_STEP;

    if (index >= THRUM__SPARE_SIZES || spare->count[index] == THRUM__SPARE_MOST)
        return false;
    *(void **)block = spare->first[index];
    spare->first[index] = block;
    spare->count[index]++;
    return true;
}

#endif
