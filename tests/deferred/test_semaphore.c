/* SPDX-License-Identifier: MIT */
#include <thrum/semaphore.h>

#include "tests/deferred/chain.h"

static thrum_deferred *acquire(thrum_semaphore *semaphore, char *name)
{
    thrum_deferred *d = thrum_semaphore_acquire(semaphore);

    thrum_deferred_add(d, trace_value, trace_failure, name, NULL);
    return d;
}

START_TEST(those_who_wait_get_theirs_in_their_order)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 2);
    char *names[] = {"a", "b", "c", "d"};

    for (int i = 0; i < 4; i++)
        thrum_deferred_finish(acquire(semaphore, names[i]));
    ck_assert_str_eq(trace_take(), "a=none b=none ");
    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 0);
    ck_assert_uint_eq(thrum_semaphore_waiting(semaphore), 2);
    ck_assert_int_eq(thrum_semaphore_release(semaphore), 0);
    ck_assert_str_eq(trace_take(), "c=none ");
    ck_assert_int_eq(thrum_semaphore_release(semaphore), 0);
    ck_assert_str_eq(trace_take(), "d=none ");
    ck_assert_int_eq(thrum_semaphore_release(semaphore), 0);
    ck_assert_int_eq(thrum_semaphore_release(semaphore), 0);
    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 2);
    ck_assert_int_eq(thrum_semaphore_release(semaphore), THRUM_E_INVALID);
    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 2);
    thrum_semaphore_free(semaphore);
    thrum_semaphore_free(NULL);
    support_context_end(context);
}
END_TEST

START_TEST(no_tokens_at_all_counts_as_one)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 0);

    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 1);
    thrum_semaphore_free(semaphore);
    support_context_end(context);
}
END_TEST

START_TEST(a_cancelled_waiter_loses_its_place)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);
    thrum_deferred *d[4];
    char *names[] = {"a", "b", "c", "d"};

    for (int i = 0; i < 4; i++)
        d[i] = acquire(semaphore, names[i]);
    thrum_deferred_cancel(d[2]);
    thrum_deferred_cancel(d[0]); /* has its token: nothing */
    ck_assert_uint_eq(thrum_semaphore_waiting(semaphore), 2);
    thrum_semaphore_release(semaphore);
    thrum_deferred_cancel(d[3]); /* the last in the queue */
    thrum_deferred_finish(acquire(semaphore, "e"));
    thrum_semaphore_release(semaphore);
    ck_assert_str_eq(trace_take(), "a=none c!cancelled b=none d!cancelled "
                                   "e=none ");
    for (int i = 0; i < 4; i++)
        thrum_deferred_finish(d[i]);
    thrum_semaphore_free(semaphore);
    support_context_end(context);
}
END_TEST

START_TEST(those_who_still_wait_are_abandoned)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);

    thrum_deferred_finish(acquire(semaphore, "a"));
    thrum_deferred_finish(acquire(semaphore, "b"));
    thrum_deferred_finish(acquire(semaphore, "c"));
    thrum_semaphore_free(semaphore);
    ck_assert_str_eq(trace_take(), "a=none b!abandoned by its producer "
                                   "c!abandoned by its producer ");
    support_context_end(context);
}
END_TEST

static thrum_outcome release_it(void *value, void *semaphore)
{
    (void)value;
    trace_note("r");
    thrum_semaphore_release(semaphore);
    trace_note(".");
    return thrum_keep();
}

START_TEST(who_gives_its_token_back_in_its_callback_is_no_recursion)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);

    thrum_deferred_finish(acquire(semaphore, "a"));
    for (int i = 0; i < 3; i++) {
        thrum_deferred *d = thrum_semaphore_acquire(semaphore);

        thrum_deferred_add(d, release_it, NULL, semaphore, NULL);
        thrum_deferred_finish(d);
    }
    thrum_semaphore_release(semaphore);
    ck_assert_str_eq(trace_take(), "a=none r.r.r.");
    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 1);
    thrum_semaphore_free(semaphore);
    support_context_end(context);
}
END_TEST

static thrum_outcome free_it(void *value, void *semaphore)
{
    (void)value;
    trace_note("free ");
    thrum_semaphore_free(semaphore);
    return thrum_keep();
}

START_TEST(who_is_given_a_token_may_free_the_semaphore)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);
    thrum_deferred *d;

    thrum_deferred_finish(acquire(semaphore, "a"));
    d = thrum_semaphore_acquire(semaphore);
    thrum_deferred_add(d, free_it, NULL, semaphore, NULL);
    thrum_deferred_finish(d);
    thrum_deferred_finish(acquire(semaphore, "c"));
    thrum_semaphore_release(semaphore);
    ck_assert_str_eq(trace_take(), "a=none free c!abandoned by its producer ");
    support_context_end(context);
}
END_TEST

/* What one may do who is told that it gets no token any more. */
static thrum_outcome do_everything(const thrum_failure *why, void *semaphore)
{
    (void)why;
    thrum_semaphore_release(semaphore);
    thrum_deferred_finish(acquire(semaphore, "again"));
    thrum_semaphore_free(semaphore);
    return thrum_done();
}

START_TEST(who_is_abandoned_may_release_acquire_and_free)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);
    thrum_deferred *d;

    thrum_deferred_finish(acquire(semaphore, "a"));
    d = thrum_semaphore_acquire(semaphore);
    thrum_deferred_add(d, NULL, do_everything, semaphore, NULL);
    thrum_deferred_finish(d);
    thrum_deferred_finish(acquire(semaphore, "c"));
    thrum_semaphore_free(semaphore);
    ck_assert_str_eq(trace_take(), "a=none again!abandoned by its producer "
                                   "c!abandoned by its producer ");
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *semaphore = tcase_create("semaphore");

    tcase_add_checked_fixture(semaphore, trace_setup, NULL);
    tcase_add_test(semaphore, those_who_wait_get_theirs_in_their_order);
    tcase_add_test(semaphore, no_tokens_at_all_counts_as_one);
    tcase_add_test(semaphore, a_cancelled_waiter_loses_its_place);
    tcase_add_test(semaphore, those_who_still_wait_are_abandoned);
    tcase_add_test(semaphore,
                   who_gives_its_token_back_in_its_callback_is_no_recursion);
    tcase_add_test(semaphore, who_is_given_a_token_may_free_the_semaphore);
    tcase_add_test(semaphore, who_is_abandoned_may_release_acquire_and_free);
    return support_main("semaphore", &semaphore, 1);
}
