/* SPDX-License-Identifier: MIT */
/*
 * Deferreds that have their result when they are made; results that are taken
 * out; pairs that are added before the others.
 */
#include <string.h>

#include "tests/deferred/chain.h"

static thrum_context *context;

static void setup(void)
{
    trace_setup();
    context = support_context();
}

static void teardown(void)
{
    support_context_end(context);
}

static void add(thrum_deferred *d, const char *name)
{
    thrum_deferred_add(d, trace_value, trace_failure, (void *)name,
                       trace_release);
}

static void add_first(thrum_deferred *d, const char *name)
{
    thrum_deferred_add_first(d, trace_value, trace_failure, (void *)name,
                             trace_release);
}

/* ---- succeed, failed, maybe ---- */

START_TEST(succeed_has_its_value)
{
    thrum_deferred *d = thrum_deferred_succeed(context, "x", trace_release);

    ck_assert_int_eq(thrum_deferred_inspect(d).fired, 1);
    add(d, "a");
    ck_assert_str_eq(trace_take(), "a=x ~a ");
    thrum_deferred_cancel(d);
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace_take(), "~x ");
}
END_TEST

START_TEST(failed_has_its_failure)
{
    thrum_deferred *d =
        thrum_deferred_failed(context, chain_failure(context, "x"));

    thrum_deferred_finish(d);
    ck_assert_uint_eq(support_unhandled(), 1);
    ck_assert_str_eq(support_unhandled_text(), "x");
    d = thrum_deferred_failed(context, NULL);
    add(d, "a");
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace_take(), "a!out of memory ~a ");
}
END_TEST

START_TEST(without_memory_there_is_neither)
{
    support_fail_at(1);
    ck_assert_ptr_null(thrum_deferred_succeed(context, "x", trace_release));
    ck_assert_str_eq(trace_take(), "~x ");
    support_fail_at(2); /* the failure, the Deferred */
    ck_assert_ptr_null(
        thrum_deferred_failed(context, chain_failure(context, "x")));
}
END_TEST

static thrum_outcome call_it(void *ctx)
{
    return *(thrum_outcome *)ctx;
}

START_TEST(maybe_makes_a_deferred_of_any_answer)
{
    thrum_deferred *pending = thrum_deferred_new(context, "pending");
    struct {
        thrum_outcome outcome;
        const char *trace;
    } cases[] = {
        {thrum_keep(), "a=none ~a "},
        {thrum_done(), "a=none ~a "},
        {thrum_taken(), "a=none ~a "},
        {thrum_value("x", NULL), "a=x ~a "},
        {thrum_value("x", trace_release), "a=x ~a ~x "},
        {thrum_fail(chain_failure(context, "x")), "a!x ~a "},
        {thrum_fail(NULL), "a!out of memory ~a "},
        {thrum_wait(thrum_deferred_succeed(context, "x", NULL)), "a=x ~a "},
        {thrum_wait(NULL), "~a "},
        {thrum_wait(pending), ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        thrum_deferred *d =
            thrum_deferred_maybe(context, call_it, &cases[i].outcome);

        add(d, "a");
        thrum_deferred_finish(d);
        ck_assert_str_eq(trace_take(), cases[i].trace);
    }
    thrum_deferred_fire(pending, "late", NULL);
    ck_assert_str_eq(trace_take(), "a=late ~a ");
}
END_TEST

START_TEST(maybe_hands_on_the_deferred_itself)
{
    thrum_deferred *d = thrum_deferred_new(context, "d");
    thrum_outcome outcome = thrum_wait(d);

    ck_assert_ptr_eq(thrum_deferred_maybe(context, call_it, &outcome), d);
    thrum_deferred_fire(d, NULL, NULL);
    thrum_deferred_finish(d);
}
END_TEST

START_TEST(maybe_without_memory_releases_the_answer)
{
    thrum_outcome outcome = thrum_value("x", trace_release);

    support_fail_at(1);
    ck_assert_ptr_null(thrum_deferred_maybe(context, call_it, &outcome));
    ck_assert_str_eq(trace_take(), "~x ");
}
END_TEST

/* ---- take ---- */

static int take(thrum_deferred *d)
{
    void *value = "?";
    thrum_free_fn *free = trace_release;
    thrum_failure *why = NULL;
    int error = thrum_deferred_take(d, &value, &free, &why);

    if (error != 0)
        ck_assert(value == NULL && free == NULL && why == NULL);
    if (why != NULL)
        trace_failure(why, "taken");
    else if (error == 0)
        trace_value(value, "taken");
    thrum_failure_unref(why);
    if (free != NULL)
        free(value);
    return error;
}

START_TEST(a_value_is_taken_once)
{
    thrum_deferred *d = thrum_deferred_succeed(context, "x", trace_release);

    ck_assert_int_eq(take(d), 0);
    ck_assert_str_eq(trace_take(), "taken=x ~x ");
    ck_assert_int_eq(take(d), 0);
    ck_assert_str_eq(trace_take(), "taken=none ");
    add(d, "a");
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace_take(), "a=none ~a ");
}
END_TEST

START_TEST(a_failure_that_was_taken_is_handled)
{
    thrum_deferred *d =
        thrum_deferred_failed(context, chain_failure(context, "x"));

    ck_assert_int_eq(take(d), 0);
    ck_assert_str_eq(trace_take(), "taken!x ");
    thrum_deferred_finish(d);
    ck_assert_uint_eq(support_unhandled(), 0);
}
END_TEST

static thrum_outcome take_within(void *value, void *ctx)
{
    (void)value;
    ck_assert_int_eq(take(ctx), THRUM_DEFERRED_E_NO_RESULT);
    return thrum_keep();
}

START_TEST(there_is_nothing_to_take_before_the_chain_rests)
{
    thrum_deferred *d = thrum_deferred_new(context, "d");
    thrum_deferred *inner = thrum_deferred_new(context, "inner");
    thrum_pause *pause;

    ck_assert_int_eq(take(NULL), THRUM_E_NOMEM);
    ck_assert_int_eq(take(d), THRUM_DEFERRED_E_NO_RESULT);
    thrum_deferred_add(d, take_within, NULL, d, NULL);
    thrum_deferred_add(d, answer_wait, NULL, inner, NULL);
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_int_eq(take(d), THRUM_DEFERRED_E_NO_RESULT);
    pause = thrum_deferred_pause(d);
    thrum_deferred_fire(inner, "y", NULL);
    ck_assert_int_eq(take(d), THRUM_DEFERRED_E_NO_RESULT);
    thrum_pause_end(pause);
    ck_assert_int_eq(take(d), 0);
    ck_assert_str_eq(trace_take(), "taken=y ");
    thrum_deferred_finish(d);
}
END_TEST

/* ---- add_first ---- */

START_TEST(a_pair_may_be_added_before_the_others)
{
    thrum_deferred *d = thrum_deferred_new(context, "d");

    add_first(d, "d");
    add(d, "e");
    add_first(d, "c");
    add(d, "f");
    add_first(d, "b");
    add_first(d, "a");
    add(d, "g");
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "a=x ~a b=x ~b c=x ~c d=x ~d e=x ~e f=x ~f "
                                   "g=x ~g ");
    add_first(d, "h");
    ck_assert_str_eq(trace_take(), "h=x ~h ");
    thrum_deferred_finish(d);
}
END_TEST

static thrum_outcome add_next(void *value, void *ctx)
{
    trace_value(value, "add");
    add_first(ctx, "next");
    return thrum_keep();
}

START_TEST(a_callback_adds_one_that_is_next)
{
    thrum_deferred *d = thrum_deferred_new(context, "d");

    thrum_deferred_add(d, add_next, NULL, d, NULL);
    add(d, "a");
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "add=x next=x ~next a=x ~a ");
    thrum_deferred_finish(d);
}
END_TEST

START_TEST(a_pair_may_be_added_before_one_who_waits)
{
    thrum_deferred *outer = thrum_deferred_new(context, "outer");
    thrum_deferred *inner = thrum_deferred_new(context, "inner");

    thrum_deferred_add(outer, answer_wait, NULL, inner, NULL);
    add(outer, "outer");
    thrum_deferred_fire(outer, NULL, NULL);
    add_first(inner, "inner");
    thrum_deferred_fail(inner, chain_failure(context, "x"));
    ck_assert_str_eq(trace_take(), "inner!x ~inner outer=none ~outer ");
    thrum_deferred_finish(outer);
}
END_TEST

START_TEST(without_memory_the_chain_fails_at_its_end)
{
    thrum_deferred *d = thrum_deferred_new(context, "d");

    ck_assert_int_eq(
        thrum_deferred_add_first(NULL, NULL, NULL, "n", trace_release),
        THRUM_E_NOMEM);
    add(d, "a");
    support_fail_at(1);
    add_first(d, "b");
    ck_assert_str_eq(trace_take(), "~n ~b ");
    add_first(d, "c"); /* lost too: its place is unknown */
    thrum_deferred_fire(d, "x", NULL);
    add(d, "d");
    ck_assert_str_eq(trace_take(), "~c a=x ~a d!out of memory ~d ");
    thrum_deferred_finish(d);
}
END_TEST

int main(void)
{
    TCase *maybe = tcase_create("maybe");

    tcase_add_checked_fixture(maybe, setup, teardown);
    tcase_add_test(maybe, succeed_has_its_value);
    tcase_add_test(maybe, failed_has_its_failure);
    tcase_add_test(maybe, without_memory_there_is_neither);
    tcase_add_test(maybe, maybe_makes_a_deferred_of_any_answer);
    tcase_add_test(maybe, maybe_hands_on_the_deferred_itself);
    tcase_add_test(maybe, maybe_without_memory_releases_the_answer);
    tcase_add_test(maybe, a_value_is_taken_once);
    tcase_add_test(maybe, a_failure_that_was_taken_is_handled);
    tcase_add_test(maybe, there_is_nothing_to_take_before_the_chain_rests);
    tcase_add_test(maybe, a_pair_may_be_added_before_the_others);
    tcase_add_test(maybe, a_callback_adds_one_that_is_next);
    tcase_add_test(maybe, a_pair_may_be_added_before_one_who_waits);
    tcase_add_test(maybe, without_memory_the_chain_fails_at_its_end);
    return support_main("maybe", &maybe, 1);
}
