/* SPDX-License-Identifier: MIT */
/*
 * The queue of pairs by itself, in each of its forms: one in place, one in
 * place and one who waits, or that its owner keeps, and a block.
 */
#include <string.h>

#include "base/base.h"
#include "deferred/pairs.h"
#include "tests/support/support.h"

enum { MOST = 40, MOVES = 20000 };

/* Aligned as a Deferred is: the lowest bit of their addresses is free. */
static void *things[MOVES + 1];

/* The nth pair that was ever added: one who waits, or a callback's. */
static deferred_pair pair_of(size_t n, bool waits)
{
    return (deferred_pair){.ctx = &things[n],
                           .free = waits ? thrum__deferred_waiter : NULL};
}

/* The same where its owner keeps it. */
static const deferred_pair *kept_of(size_t n)
{
    static deferred_pair kept[MOVES + 1];

    kept[n] = pair_of(n, false);
    return &kept[n];
}

/* A queue with its first pair, and what it should hold. */
typedef struct model {
    deferred_pairs pairs;
    deferred_pair shadow[MOST];
    size_t count;
} model;

static model model_of(bool waits)
{
    model self = {.pairs = {.first = pair_of(0, waits)}, .count = 1};

    self.shadow[0] = self.pairs.first;
    return self;
}

static void model_check(const model *self)
{
    size_t same = 0;

    ck_assert_uint_eq(thrum__pairs_count(&self->pairs), self->count);
    while (same < self->count) {
        deferred_pair pair = thrum__pairs_get(&self->pairs, same);

        if (memcmp(&pair, &self->shadow[same], sizeof pair) != 0)
            break;
        same++;
    }
    ck_assert_uint_eq(same, self->count);
}

static void model_push(model *self, thrum_context *context, deferred_pair pair)
{
    if (thrum__pairs_push(&self->pairs, context, &pair))
        self->shadow[self->count++] = pair;
    else
        ck_assert(support_failed());
    model_check(self);
}

static void model_push_kept(model *self, thrum_context *context,
                            const deferred_pair *pair)
{
    if (thrum__pairs_push_kept(&self->pairs, context, pair))
        self->shadow[self->count++] = *pair;
    else
        ck_assert(support_failed());
    model_check(self);
}

static void model_push_first(model *self, thrum_context *context,
                             deferred_pair pair)
{
    if (thrum__pairs_push_first(&self->pairs, context, &pair)) {
        memmove(self->shadow + 1, self->shadow, self->count * sizeof pair);
        self->shadow[0] = pair;
        self->count++;
    } else {
        ck_assert(support_failed());
    }
    model_check(self);
}

/* Not of the last one, which stays in place: its owner knows. */
static void model_shift(model *self)
{
    ck_assert(thrum__pairs_shift(&self->pairs));
    self->count--;
    memmove(self->shadow, self->shadow + 1, self->count * sizeof *self->shadow);
    model_check(self);
}

static void model_end(model *self, thrum_context *context)
{
    while (self->count > 1)
        model_shift(self);
    ck_assert(!thrum__pairs_shift(&self->pairs));
    thrum__pairs_fini(&self->pairs, context);
}

START_TEST(one_who_waits_behind_one_pair_takes_no_memory)
{
    thrum_context *context = support_context();
    model self = model_of(false);

    model_push(&self, context, pair_of(1, true));
    ck_assert_uint_eq(thrum_context_blocks(context), 0);
    model_shift(&self);
    model_push(&self, context, pair_of(2, true));
    ck_assert_uint_eq(thrum_context_blocks(context), 0);
    model_end(&self, context);
    support_context_end(context);
}
END_TEST

START_TEST(a_kept_pair_behind_one_pair_takes_no_memory)
{
    thrum_context *context = support_context();
    model self = model_of(false);

    for (size_t n = 1; n < 3; n++) {
        model_push_kept(&self, context, kept_of(n));
        ck_assert_uint_eq(thrum_context_blocks(context), 0);
        model_shift(&self);
    }
    model_push_kept(&self, context, kept_of(3));
    model_end(&self, context);
    support_context_end(context);
}
END_TEST

/* Its owner keeps it no longer than until it has moved. */
START_TEST(a_kept_pair_that_was_shifted_is_its_owners_again)
{
    thrum_context *context = support_context();
    model self = model_of(false);
    deferred_pair kept = pair_of(1, false);

    model_push_kept(&self, context, &kept);
    model_shift(&self);
    kept = pair_of(2, false);
    model_check(&self);
    model_end(&self, context);
    support_context_end(context);
}
END_TEST

START_TEST(whatever_comes_around_a_kept_pair_keeps_its_place)
{
    thrum_context *context = support_context();
    model self = model_of(true);

    model_push_kept(&self, context, kept_of(1));
    model_push(&self, context, pair_of(2, true));
    ck_assert_uint_eq(thrum_context_blocks(context), 1);
    model_push_kept(&self, context, kept_of(3));
    model_push_first(&self, context, pair_of(4, false));
    model_end(&self, context);
    self = model_of(false);
    model_push_kept(&self, context, kept_of(5));
    model_push_first(&self, context, pair_of(6, true));
    model_end(&self, context);
    support_context_end(context);
}
END_TEST

START_TEST(whatever_comes_after_one_who_waits_stands_behind_it)
{
    thrum_context *context = support_context();
    model self = model_of(false);

    model_push(&self, context, pair_of(1, true));
    model_push(&self, context, pair_of(2, false));
    ck_assert_uint_eq(thrum_context_blocks(context), 1);
    model_push(&self, context, pair_of(3, true));
    model_end(&self, context);
    support_context_end(context);
}
END_TEST

START_TEST(what_is_put_first_stands_before_one_who_waits)
{
    thrum_context *context = support_context();
    model self = model_of(true);

    model_push(&self, context, pair_of(1, true));
    model_push_first(&self, context, pair_of(2, false));
    model_push_first(&self, context, pair_of(3, true));
    model_end(&self, context);
    support_context_end(context);
}
END_TEST

START_TEST(a_queue_that_was_emptied_takes_pairs_again)
{
    thrum_context *context = support_context();
    model self = model_of(false);

    for (size_t n = 1; n < 10; n++)
        model_push(&self, context, pair_of(n, n % 2 == 0));
    while (self.count > 1)
        model_shift(&self);
    model_push(&self, context, pair_of(10, true));
    model_push(&self, context, pair_of(11, false));
    model_end(&self, context);
    support_context_end(context);
}
END_TEST

static void scenario(void)
{
    thrum_context *context = support_context();
    model self = model_of(false);

    if (context == NULL)
        return;
    for (size_t n = 1; n < 12; n++) {
        if (n % 4 == 3)
            model_push_first(&self, context, pair_of(n, n % 3 == 0));
        else if (n % 4 == 1)
            model_push_kept(&self, context, kept_of(n));
        else
            model_push(&self, context, pair_of(n, n % 3 != 0));
    }
    model_end(&self, context);
    support_context_end(context);
}

START_TEST(without_memory_the_queue_stays_as_it_was)
{
    support_every_allocation(scenario);
}
END_TEST

START_TEST(a_queue_keeps_its_order_whatever_is_done_to_it)
{
    thrum_context *context = support_context();
    model self = model_of(_i % 2 == 0);
    unsigned state = (unsigned)_i;

    for (size_t n = 1; n <= MOVES; n++) {
        unsigned what;

        state = state * 1664525U + 1013904223U;
        what = state >> 16;
        if (self.count > 1 && (what % 8 < 4 || self.count == MOST))
            model_shift(&self);
        else if (self.count < MOST && what % 8 == 7)
            model_push_first(&self, context, pair_of(n, what % 16 < 8));
        else if (self.count < MOST && what % 8 == 6)
            model_push_kept(&self, context, kept_of(n));
        else if (self.count < MOST)
            model_push(&self, context, pair_of(n, what % 16 < 8));
    }
    model_end(&self, context);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("pairs");

    tcase_add_test(all, one_who_waits_behind_one_pair_takes_no_memory);
    tcase_add_test(all, a_kept_pair_behind_one_pair_takes_no_memory);
    tcase_add_test(all, a_kept_pair_that_was_shifted_is_its_owners_again);
    tcase_add_test(all, whatever_comes_around_a_kept_pair_keeps_its_place);
    tcase_add_test(all, whatever_comes_after_one_who_waits_stands_behind_it);
    tcase_add_test(all, what_is_put_first_stands_before_one_who_waits);
    tcase_add_test(all, a_queue_that_was_emptied_takes_pairs_again);
    tcase_add_test(all, without_memory_the_queue_stays_as_it_was);
    tcase_add_loop_test(all, a_queue_keeps_its_order_whatever_is_done_to_it, 1,
                        5);
    return support_main("pairs", &all, 1);
}
