/* SPDX-License-Identifier: MIT */
/*
 * The pool by itself, so that its slabs can be looked at; and through a
 * context, which has one unless it was given an allocator.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "tests/support/support.h"

enum { MANY = 20000, PLACES = 300, MOVES = 20000 };

static const size_t edges[] = {1,   2,   7,   8,   9,   15,  16,
                               17,  104, 111, 112, 113, 495, 496,
                               497, 503, 504, 505, 511, 512};

static thrum__slab *slab_of(const void *block)
{
    return (thrum__slab *)((uintptr_t)block &
                           ~((uintptr_t)THRUM__POOL_SLAB - 1));
}

/* How many slabs with free blocks stand beside the open one of this size. */
static unsigned partial(const thrum__pool *pool, size_t size)
{
    const thrum__slab *slab = pool->partial[thrum__pool_index(size)];
    unsigned count = 0;

    for (; slab != NULL; slab = slab->next) {
        ck_assert_ptr_nonnull(slab->free);
        ck_assert_ptr_eq(*slab->at, slab);
        ck_assert_uint_gt(slab->used, 0);
        count++;
    }
    return count;
}

/* How many blocks of this size are out of the open slab. */
static unsigned out_of_open(const thrum__pool *pool, size_t size)
{
    return pool->open[thrum__pool_index(size)]->used - 1;
}

/* How many blocks of a size there are in a slab. */
static unsigned in_a_slab(size_t size)
{
    thrum__pool pool = {0};
    void *first = thrum__pool_make(&pool, size);
    void *free = slab_of(first)->free;
    unsigned count = 1;

    for (; free != NULL; free = thrum__pool_link(free))
        count++;
    thrum__pool_drop(&pool, first);
    thrum__pool_fini(&pool);
    return count;
}

/* ---- Sizes ---- */

START_TEST(blocks_of_every_size_are_apart_aligned_and_within_their_slab)
{
    size_t size = edges[_i];
    thrum__pool pool = {0};
    unsigned count = 2 * in_a_slab(size) + 1;
    char **blocks = malloc(count * sizeof *blocks);

    for (unsigned i = 0; i < count; i++) {
        blocks[i] = thrum__pool_make(&pool, size);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 8, 0);
        if (size % 16 == 0)
            ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
        ck_assert(blocks[i] >= (char *)(slab_of(blocks[i]) + 1));
        ck_assert_ptr_eq(slab_of(blocks[i]), slab_of(blocks[i] + size - 1));
        memset(blocks[i], (int)i, size);
    }
    for (unsigned i = 0; i < count; i++) {
        size_t same = 0;

        while (same < size && blocks[i][same] == (char)i)
            same++;
        ck_assert_uint_eq(same, size);
        thrum__pool_drop(&pool, blocks[i]);
    }
    free(blocks);
    thrum__pool_fini(&pool);
}
END_TEST

START_TEST(sizes_within_one_step_share_a_slab_and_others_do_not)
{
    thrum__pool pool = {0};
    char *a = thrum__pool_make(&pool, 97), *b = thrum__pool_make(&pool, 104);
    char *c = thrum__pool_make(&pool, 105);

    ck_assert_ptr_eq(slab_of(a), slab_of(b));
    ck_assert_int_eq(b - a, 104);
    ck_assert_ptr_ne(slab_of(a), slab_of(c));
    thrum__pool_drop(&pool, a);
    thrum__pool_drop(&pool, b);
    thrum__pool_drop(&pool, c);
    thrum__pool_fini(&pool);
}
END_TEST

START_TEST(little_of_a_slab_is_lost)
{
    ck_assert_uint_eq(in_a_slab(104), 38);
    for (size_t size = 8; size <= 128; size += 8)
        ck_assert_uint_ge(in_a_slab(size) * size, 3950);
    for (size_t size = 128; size <= THRUM__POOL_MOST; size += 8)
        ck_assert_uint_ge(in_a_slab(size) * size, 3500);
}
END_TEST

/* ---- Slabs ---- */

START_TEST(the_block_given_back_last_is_had_first)
{
    thrum__pool pool = {0};
    void *a = thrum__pool_make(&pool, 40), *b = thrum__pool_make(&pool, 40);

    thrum__pool_drop(&pool, a);
    thrum__pool_drop(&pool, b);
    ck_assert_ptr_eq(thrum__pool_make(&pool, 40), b);
    ck_assert_ptr_eq(thrum__pool_make(&pool, 40), a);
    thrum__pool_drop(&pool, a);
    thrum__pool_drop(&pool, b);
    thrum__pool_fini(&pool);
}
END_TEST

START_TEST(the_open_slab_stays_though_it_got_all_its_blocks_back)
{
    thrum__pool pool = {0};
    void *block = thrum__pool_make(&pool, 40);
    thrum__slab *slab = slab_of(block);

    for (int i = 0; i < 100; i++) {
        ck_assert_ptr_eq(slab_of(block), slab);
        thrum__pool_drop(&pool, block);
        ck_assert_uint_eq(out_of_open(&pool, 40), 0);
        ck_assert_ptr_null(pool.spare);
        block = thrum__pool_make(&pool, 40);
    }
    thrum__pool_drop(&pool, block);
    thrum__pool_fini(&pool);
}
END_TEST

/* At the edge of a slab, where a pool that is too eager would free one and
 * make one again and again. */
START_TEST(a_block_made_and_dropped_at_the_edge_of_a_slab_moves_no_slab)
{
    thrum__pool pool = {0};
    void *blocks[1000], *last;
    unsigned count = in_a_slab(40);

    for (unsigned i = 0; i < count; i++)
        blocks[i] = thrum__pool_make(&pool, 40);
    last = thrum__pool_make(&pool, 40);
    for (int i = 0; i < 100; i++) {
        void *was = last;

        ck_assert_ptr_ne(slab_of(last), slab_of(blocks[0]));
        thrum__pool_drop(&pool, last);
        last = thrum__pool_make(&pool, 40);
        ck_assert_ptr_eq(last, was);
    }
    ck_assert_uint_eq(pool.spares, 0);
    thrum__pool_drop(&pool, last);
    for (unsigned i = 0; i < count; i++)
        thrum__pool_drop(&pool, blocks[i]);
    thrum__pool_fini(&pool);
}
END_TEST

START_TEST(a_used_up_slab_that_gets_a_block_back_serves_before_a_fresh_one)
{
    thrum__pool pool = {0};
    void *blocks[1000];
    unsigned count = in_a_slab(64);

    for (unsigned i = 0; i < 2 * count; i++)
        blocks[i] = thrum__pool_make(&pool, 64);
    ck_assert_uint_eq(partial(&pool, 64), 0);
    thrum__pool_drop(&pool, blocks[3]);
    ck_assert_uint_eq(partial(&pool, 64), 1);
    ck_assert_ptr_eq(thrum__pool_make(&pool, 64), blocks[3]);
    ck_assert_uint_eq(partial(&pool, 64), 0);
    for (unsigned i = 0; i < 2 * count; i++)
        thrum__pool_drop(&pool, blocks[i]);
    thrum__pool_fini(&pool);
}
END_TEST

START_TEST(a_slab_that_has_all_its_blocks_serves_any_size)
{
    thrum__pool pool = {0};
    void *blocks[1000], *other;
    unsigned count = in_a_slab(64);
    thrum__slab *first;

    for (unsigned i = 0; i < 2 * count; i++)
        blocks[i] = thrum__pool_make(&pool, 64);
    first = slab_of(blocks[0]);
    for (unsigned i = 0; i < count; i++) {
        ck_assert_uint_eq(pool.spares, 0);
        thrum__pool_drop(&pool, blocks[i]);
    }
    ck_assert_uint_eq(pool.spares, 1);
    ck_assert_uint_eq(partial(&pool, 64), 0);
    other = thrum__pool_make(&pool, 200);
    ck_assert_ptr_eq(slab_of(other), first);
    ck_assert_uint_eq(pool.spares, 0);
    thrum__pool_drop(&pool, other);
    for (unsigned i = count; i < 2 * count; i++)
        thrum__pool_drop(&pool, blocks[i]);
    thrum__pool_fini(&pool);
}
END_TEST

/* Gives all back, every `step`th of them at a time. */
static void drop_all(thrum__pool *pool, void **blocks, size_t step)
{
    for (size_t first = 0; first < step; first++)
        for (size_t i = first; i < MANY; i += step)
            thrum__pool_drop(pool, blocks[i]);
}

START_TEST(after_a_burst_only_so_many_slabs_are_kept)
{
    static const size_t steps[] = {1, 2, 7, 38, 39, 1000, MANY};
    static void *blocks[MANY];
    thrum__pool pool = {0};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        for (size_t n = 0; n < MANY; n++)
            blocks[n] = thrum__pool_make(&pool, 104);
        ck_assert_uint_eq(pool.spares, 0);
        drop_all(&pool, blocks, steps[i]);
        ck_assert_uint_eq(pool.spares, THRUM__POOL_SPARES);
        ck_assert_uint_eq(partial(&pool, 104), 0);
        ck_assert_uint_eq(out_of_open(&pool, 104), 0);
    }
    thrum__pool_fini(&pool);
}
END_TEST

START_TEST(a_block_that_is_out_outlives_the_pool)
{
    thrum__pool pool = {0};
    char *block = thrum__pool_make(&pool, 104);

    memset(block, 'x', 104);
    thrum__pool_fini(&pool);
    ck_assert_int_eq(block[103], 'x');
    free(slab_of(block));
}
END_TEST

/* ---- At random, against a shadow ---- */

typedef struct shadow {
    unsigned char *block;
    size_t size;
    unsigned char fill;
} shadow;

static unsigned random_next(unsigned *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

static void shadow_fill(shadow *self, unsigned char *block, size_t size,
                        unsigned fill)
{
    *self = (shadow){block, size, (unsigned char)fill};
    memset(block, self->fill, size);
}

static void shadow_check(const shadow *self, size_t size)
{
    size_t same = 0;

    while (same < size && self->block[same] == self->fill)
        same++;
    ck_assert_uint_eq(same, size);
}

START_TEST(blocks_made_and_dropped_at_random_keep_their_bytes)
{
    static shadow places[PLACES];
    thrum__pool pool = {0};
    unsigned state = (unsigned)_i;

    for (int i = 0; i < MOVES; i++) {
        shadow *self = &places[random_next(&state) % PLACES];

        if (self->block != NULL) {
            shadow_check(self, self->size);
            thrum__pool_drop(&pool, self->block);
            self->block = NULL;
        } else {
            size_t size = random_next(&state) % THRUM__POOL_MOST + 1;

            if (random_next(&state) % 2 == 0) /* fill some slabs */
                size = 480 + size % 2;
            shadow_fill(self, thrum__pool_make(&pool, size), size, state);
        }
    }
    for (size_t i = 0; i < PLACES; i++)
        if (places[i].block != NULL)
            thrum__pool_drop(&pool, places[i].block);
    memset(places, 0, sizeof places);
    for (size_t size = 8; size <= THRUM__POOL_MOST; size += 8) {
        ck_assert_uint_eq(partial(&pool, size), 0);
        if (pool.open[thrum__pool_index(size)] != NULL)
            ck_assert_uint_eq(out_of_open(&pool, size), 0);
    }
    thrum__pool_fini(&pool);
}
END_TEST

/* The same through a context, with changes of size. */
static void context_move(thrum_context *context, shadow *self, size_t size,
                         unsigned fill)
{
    unsigned char *block;
    size_t kept = size < self->size ? size : self->size;

    if (self->block != NULL && size % 3 == 0) {
        shadow_check(self, self->size);
        thrum_context_release(context, self->block);
        *self = (shadow){0};
        return;
    }
    block = thrum_context_resize(context, self->block, size);
    ck_assert_uint_eq((uintptr_t)block % 16, 0);
    self->block = block;
    shadow_check(self, kept);
    shadow_fill(self, block, size, fill);
}

START_TEST(blocks_of_a_context_changed_at_random_keep_their_bytes)
{
    static shadow places[PLACES];
    thrum_context *context = thrum_context_new(NULL);
    unsigned state = (unsigned)_i;
    size_t live = 0;

    for (int i = 0; i < MOVES; i++) {
        shadow *self = &places[random_next(&state) % PLACES];
        size_t most = random_next(&state) % 4 == 0 ? 5000 : 600;

        live -= self->block != NULL;
        context_move(context, self, random_next(&state) % most, state);
        live += self->block != NULL;
        ck_assert_uint_eq(thrum_context_blocks(context), live);
    }
    for (size_t i = 0; i < PLACES; i++)
        thrum_context_release(context, places[i].block);
    memset(places, 0, sizeof places);
    ck_assert_uint_eq(thrum_context_blocks(context), 0);
    thrum_context_unref(context);
}
END_TEST

/* ---- Through a context ---- */

START_TEST(a_block_grows_and_shrinks_over_the_edge_of_the_pool)
{
    static const size_t sizes[] = {496, 497, 496, 1,    512, 495, 0,
                                   700, 500, 20,  4096, 16,  17,  496};
    thrum_context *context = thrum_context_new(NULL);
    shadow self = {0};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t kept = self.size < sizes[i] ? self.size : sizes[i];

        self.block = thrum_context_resize(context, self.block, sizes[i]);
        shadow_check(&self, kept);
        shadow_fill(&self, self.block, sizes[i], (unsigned)i + 1);
        ck_assert_uint_eq(thrum_context_blocks(context), 1);
    }
    thrum_context_release(context, self.block);
    thrum_context_unref(context);
}
END_TEST

START_TEST(a_context_with_an_allocator_of_its_own_asks_it_for_each_block)
{
    thrum_context *context = support_context();
    long before = support_blocks();
    void *a = thrum__make(context, 104), *b = thrum__make(context, 104);

    ck_assert_int_eq(support_blocks(), before + 2);
    ck_assert_uint_eq(thrum_context_blocks(context), 2);
    thrum__drop(context, a);
    ck_assert_int_eq(support_blocks(), before + 1);
    thrum__drop(context, b);
    thrum__drop(context, NULL);
    ck_assert_int_eq(support_blocks(), before);
    support_fail_at(1);
    ck_assert_ptr_null(thrum__make(context, 104));
    ck_assert_uint_eq(thrum_context_blocks(context), 0);
    support_context_end(context);
}
END_TEST

START_TEST(a_context_counts_what_it_makes_of_its_pool)
{
    thrum_context *context = thrum_context_new(NULL);
    void *a = thrum__make(context, 104), *b = thrum__make(context, 512);

    ck_assert_uint_eq(thrum_context_blocks(context), 2);
    thrum__drop(context, a);
    thrum__drop(context, b);
    thrum__drop(context, NULL);
    ck_assert_uint_eq(thrum_context_blocks(context), 0);
    thrum_context_unref(context);
}
END_TEST

static TCase *case_of_slabs(void)
{
    TCase *all = tcase_create("slabs");

    tcase_add_test(all, the_block_given_back_last_is_had_first);
    tcase_add_test(all, the_open_slab_stays_though_it_got_all_its_blocks_back);
    tcase_add_test(
        all, a_block_made_and_dropped_at_the_edge_of_a_slab_moves_no_slab);
    tcase_add_test(
        all, a_used_up_slab_that_gets_a_block_back_serves_before_a_fresh_one);
    tcase_add_test(all, a_slab_that_has_all_its_blocks_serves_any_size);
    tcase_add_test(all, after_a_burst_only_so_many_slabs_are_kept);
    tcase_add_test(all, a_block_that_is_out_outlives_the_pool);
    return all;
}

int main(void)
{
    TCase *cases[] = {tcase_create("sizes"), case_of_slabs(),
                      tcase_create("random"), tcase_create("context")};

    tcase_add_loop_test(
        cases[0], blocks_of_every_size_are_apart_aligned_and_within_their_slab,
        0, sizeof edges / sizeof *edges);
    tcase_add_test(cases[0],
                   sizes_within_one_step_share_a_slab_and_others_do_not);
    tcase_add_test(cases[0], little_of_a_slab_is_lost);
    tcase_add_loop_test(
        cases[2], blocks_made_and_dropped_at_random_keep_their_bytes, 1, 9);
    tcase_add_loop_test(
        cases[2], blocks_of_a_context_changed_at_random_keep_their_bytes, 1, 9);
    tcase_add_test(cases[3],
                   a_block_grows_and_shrinks_over_the_edge_of_the_pool);
    tcase_add_test(
        cases[3],
        a_context_with_an_allocator_of_its_own_asks_it_for_each_block);
    tcase_add_test(cases[3], a_context_counts_what_it_makes_of_its_pool);
    return support_main("pool", cases, 4);
}
