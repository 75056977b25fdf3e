/* SPDX-License-Identifier: MIT */
#include "base/pool.h"

#include <stdlib.h>

enum {
    /* What malloc puts before a block: so much less, and slabs lie page by
     * page, with nothing between. */
    SLAB_MALLOC = 16,
    SLAB_END = THRUM__POOL_SLAB - SLAB_MALLOC
};

_Static_assert(sizeof(thrum__slab) % 16 == 0,
               "the first block of a slab is aligned as malloc's are");

/* ---- Slabs ---- */

static void slab_enter(thrum__slab *slab, thrum__slab **list)
{
    slab->next = *list;
    slab->at = list;
    if (slab->next != NULL)
        slab->next->at = &slab->next;
    *list = slab;
}

static void slab_leave(thrum__slab *slab)
{
    *slab->at = slab->next;
    if (slab->next != NULL)
        slab->next->at = slab->at;
    slab->at = NULL;
}

/* Cuts it into blocks, the first of which is to be had first. */
static void slab_cut(thrum__slab *slab, size_t index)
{
    size_t size = index * THRUM__POOL_STEP;
    size_t count = (SLAB_END - sizeof *slab) / size;
    char *block = (char *)(slab + 1) + count * size;

    *slab = (thrum__slab){.index = (uint32_t)index};
    while (count-- > 0) {
        block -= size;
        memcpy(block, &slab->free, sizeof slab->free);
        slab->free = block;
    }
}

/* One that has all its blocks. */
static thrum__slab *slab_new(thrum__pool *pool, size_t index)
{
    thrum__slab *slab = pool->spare;
    void *page;

    if (slab != NULL) {
        slab_leave(slab);
        pool->spares--;
    } else {
        if (posix_memalign(&page, THRUM__POOL_SLAB, SLAB_END) != 0)
            return NULL;
        slab = page;
    }
    slab_cut(slab, index);
    return slab;
}

static void slab_free(thrum__pool *pool, thrum__slab *slab)
{
    if (pool->spares == THRUM__POOL_SPARES) {
        free(slab);
        return;
    }
    slab_enter(slab, &pool->spare);
    pool->spares++;
}

/* ---- Blocks ---- */

void *thrum__pool_open(thrum__pool *pool, size_t index)
{
    thrum__slab *used_up = pool->open[index], *slab = pool->partial[index];
    void *block;

    if (slab != NULL)
        slab_leave(slab);
    else
        slab = slab_new(pool, index);
    if (slab == NULL)
        return NULL;
    if (used_up != NULL)
        used_up->used--;
    pool->open[index] = slab;
    block = slab->free;
    slab->free = thrum__pool_link(block);
    slab->used += 2;
    return block;
}

void thrum__pool_sort(thrum__pool *pool, thrum__slab *slab)
{
    if (slab->used == 0) {
        slab_leave(slab);
        slab_free(pool, slab);
    } else if (slab != pool->open[slab->index]) {
        slab_enter(slab, &pool->partial[slab->index]);
    }
}

void thrum__pool_fini(thrum__pool *pool)
{
    thrum__slab *slab;

    for (size_t i = 0; i < THRUM__POOL_SIZES; i++)
        if (pool->open[i] != NULL && --pool->open[i]->used == 0)
            free(pool->open[i]);
    while ((slab = pool->spare) != NULL) {
        slab_leave(slab);
        free(slab);
    }
}
