/* SPDX-License-Identifier: MIT */
/*
 * How many connections there may be, told what became of each.
 */
#include "mail/smtp/pool.h"
#include "tests/support/support.h"

static thrum__smtp_pool pool_of(size_t most)
{
    thrum__smtp_pool pool = {.most = most, .failures = 3, .rest = 60 * THRUM_S};

    thrum__smtp_pool_init(&pool);
    return pool;
}

static void accept_some(thrum__smtp_pool *pool, int count)
{
    for (int i = 0; i < count; i++)
        thrum__smtp_pool_accepted(pool);
}

START_TEST(it_begins_with_two_and_doubles_as_messages_are_accepted)
{
    static const struct {
        int accepted;
        size_t limit;
    } steps[] = {{0, 2}, {1, 2}, {1, 4}, {3, 4}, {1, 8}, {8, 10}, {99, 10}};
    thrum__smtp_pool pool = pool_of(10);

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        accept_some(&pool, steps[i].accepted);
        ck_assert_uint_eq(thrum__smtp_pool_limit(&pool), steps[i].limit);
    }
    thrum__smtp_pool_fini(&pool);
}
END_TEST

static const size_t mosts[] = {1, 2, 3, 4, 5, 7, 64, 100, SIZE_MAX};

START_TEST(it_never_passes_the_most)
{
    thrum__smtp_pool pool = pool_of(mosts[_i]);

    for (int i = 0; i < 1000; i++) {
        ck_assert_uint_ge(thrum__smtp_pool_limit(&pool), 1);
        ck_assert_uint_le(thrum__smtp_pool_limit(&pool), mosts[_i]);
        thrum__smtp_pool_accepted(&pool);
    }
    if (mosts[_i] <= 100)
        ck_assert_uint_eq(thrum__smtp_pool_limit(&pool), mosts[_i]);
    thrum__smtp_pool_fini(&pool);
}
END_TEST

START_TEST(R11_a_server_that_has_too_much_to_do_gets_half_and_then_more)
{
    thrum__smtp_pool pool = pool_of(8);

    accept_some(&pool, 100);
    ck_assert_uint_eq(thrum__smtp_pool_limit(&pool), 8);
    thrum__smtp_pool_halve(&pool);
    ck_assert_uint_eq(thrum__smtp_pool_limit(&pool), 4);
    thrum__smtp_pool_halve(&pool);
    thrum__smtp_pool_halve(&pool);
    thrum__smtp_pool_halve(&pool);
    ck_assert_uint_eq(thrum__smtp_pool_limit(&pool), 1);
    accept_some(&pool, 1);
    ck_assert_uint_eq(thrum__smtp_pool_limit(&pool), 2);
    thrum__smtp_pool_fini(&pool);
}
END_TEST

/* A server that takes three: of four attempts one fails. */
START_TEST(no_more_than_the_server_takes_and_one_attempt_for_each_that_ends)
{
    thrum__smtp_pool pool = pool_of(8);

    accept_some(&pool, 100);
    thrum__smtp_pool_failed(&pool, 3, 3, thrum_failure_no_memory(), 0);
    ck_assert_uint_eq(thrum__smtp_pool_limit(&pool), 3);
    thrum__smtp_pool_ended(&pool, 2);
    ck_assert_uint_eq(thrum__smtp_pool_limit(&pool), 4);
    thrum__smtp_pool_ended(&pool, 0);
    ck_assert_uint_eq(thrum__smtp_pool_limit(&pool), 8);
    thrum__smtp_pool_fini(&pool);
}
END_TEST

START_TEST(after_three_failures_in_a_row_it_rests_and_begins_slowly)
{
    const thrum_failure *why = thrum_failure_no_memory();
    thrum__smtp_pool pool = pool_of(8);

    accept_some(&pool, 100);
    thrum__smtp_pool_failed(&pool, 0, 0, why, 1);
    ck_assert_uint_eq(thrum__smtp_pool_limit(&pool), 2);
    thrum__smtp_pool_failed(&pool, 1, 0, why, 2);
    ck_assert_ptr_null(thrum__smtp_pool_rests(&pool, 2));
    thrum__smtp_pool_failed(&pool, 0, 0, why, 3);
    ck_assert_ptr_eq(thrum__smtp_pool_rests(&pool, 3), why);
    ck_assert_ptr_eq(thrum__smtp_pool_rests(&pool, 60 * THRUM_S + 2), why);
    ck_assert_ptr_null(thrum__smtp_pool_rests(&pool, 60 * THRUM_S + 3));
    thrum__smtp_pool_failed(&pool, 0, 0, why, 60 * THRUM_S + 4);
    ck_assert_ptr_null(thrum__smtp_pool_rests(&pool, 60 * THRUM_S + 4));
    thrum__smtp_pool_fini(&pool);
}
END_TEST

START_TEST(one_that_was_opened_ends_the_row)
{
    thrum__smtp_pool pool = pool_of(8);

    for (int i = 0; i < 10; i++) {
        thrum__smtp_pool_failed(&pool, 0, 0, thrum_failure_no_memory(), 1);
        thrum__smtp_pool_failed(&pool, 0, 0, thrum_failure_no_memory(), 1);
        thrum__smtp_pool_opened(&pool);
        ck_assert_ptr_null(thrum__smtp_pool_rests(&pool, 1));
    }
    thrum__smtp_pool_fini(&pool);
}
END_TEST

/* A server that is there and takes no more is not one that is gone. */
START_TEST(attempts_that_fail_while_others_are_up_are_no_reason_to_rest)
{
    thrum__smtp_pool pool = pool_of(8);

    for (int i = 0; i < 10; i++)
        thrum__smtp_pool_failed(&pool, 2, 1, thrum_failure_no_memory(), 1);
    ck_assert_ptr_null(thrum__smtp_pool_rests(&pool, 1));
    thrum__smtp_pool_fini(&pool);
}
END_TEST

START_TEST(a_rest_may_be_for_ever)
{
    thrum__smtp_pool pool = pool_of(8);

    pool.rest = INT64_MAX;
    thrum__smtp_pool_rest(&pool, thrum_failure_no_memory(), INT64_MAX / 2);
    ck_assert_ptr_nonnull(thrum__smtp_pool_rests(&pool, INT64_MAX - 1));
    thrum__smtp_pool_fini(&pool);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("pool");

    tcase_add_test(all,
                   it_begins_with_two_and_doubles_as_messages_are_accepted);
    tcase_add_loop_test(all, it_never_passes_the_most, 0,
                        sizeof mosts / sizeof mosts[0]);
    tcase_add_test(
        all, R11_a_server_that_has_too_much_to_do_gets_half_and_then_more);
    tcase_add_test(
        all, no_more_than_the_server_takes_and_one_attempt_for_each_that_ends);
    tcase_add_test(all,
                   after_three_failures_in_a_row_it_rests_and_begins_slowly);
    tcase_add_test(all, one_that_was_opened_ends_the_row);
    tcase_add_test(
        all, attempts_that_fail_while_others_are_up_are_no_reason_to_rest);
    tcase_add_test(all, a_rest_may_be_for_ever);
    return support_main("pool", &all, 1);
}
