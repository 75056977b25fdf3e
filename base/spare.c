/* SPDX-License-Identifier: MIT */
#include "base/spare.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SPARE_MOST = THRUM__SPARE_STEP * (THRUM__SPARE_SIZES - 1) };

void *thrum__spare_make(size_t size)
{
    thrum__spare_block *block;
    size_t index = THRUM__SPARE_SIZES;

    if (size > SIZE_MAX - sizeof *block)
        return NULL;
    if (size <= SPARE_MOST) {
        index = thrum__spare_index(size);
        size = index * THRUM__SPARE_STEP;
    }
    block = malloc(sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->index = index;
    return block + 1;
}

void *thrum__spare_resize(thrum__spare *spare, void *bytes, size_t size)
{
    thrum__spare_block *block = (thrum__spare_block *)bytes - 1;
    size_t held;
    void *moved;

    if (bytes == NULL)
        return thrum__spare_allocate(spare, size);
    if (block->index == THRUM__SPARE_SIZES && size > SPARE_MOST) {
        if (size > SIZE_MAX - sizeof *block)
            return NULL;
        block = realloc(block, sizeof *block + size);
        return block == NULL ? NULL : block + 1;
    }
    held = block->index * THRUM__SPARE_STEP;
    if (block->index < THRUM__SPARE_SIZES && size <= held)
        return bytes;
    moved = thrum__spare_allocate(spare, size);
    if (moved == NULL)
        return NULL;
    memcpy(moved, bytes, size < held ? size : held);
    thrum__spare_release(spare, bytes);
    return moved;
}

void thrum__spare_drop(thrum__spare_block *block)
{
    free(block);
}

void thrum__spare_fini(thrum__spare *spare)
{
    for (size_t i = 0; i < THRUM__SPARE_SIZES; i++)
        while (spare->first[i] != NULL) {
            thrum__spare_block *block = spare->first[i];

            spare->first[i] = block->next;
            free(block);
        }
}
