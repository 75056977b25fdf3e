/* SPDX-License-Identifier: MIT */
/*
 * Pauses: tokens that hold the chain where it is.
 */
#include "tests/deferred/chain.h"

enum { MANY = 1000 };

static thrum_context *context;
static thrum_deferred *d;
static thrum_pause *held;

static void setup(void)
{
    trace_setup();
    context = support_context();
    d = thrum_deferred_new(context, "paused");
    held = NULL;
}

static void teardown(void)
{
    thrum_deferred_finish(d);
    support_context_end(context);
}

static void add(thrum_deferred *to, const char *name)
{
    thrum_deferred_add(to, trace_value, trace_failure, (void *)name,
                       trace_release);
}

/* A callback that pauses its Deferred, ctx. */
static thrum_outcome pause_it(void *value, void *ctx)
{
    trace_value(value, "pause");
    held = thrum_deferred_pause(ctx);
    return thrum_keep();
}

static thrum_outcome pause_and_end(void *value, void *ctx)
{
    trace_value(value, "both");
    thrum_pause_end(thrum_deferred_pause(ctx));
    trace_note("ended ");
    return thrum_keep();
}

/* A callback that ends the pause. */
static thrum_outcome end_it(void *value, void *ctx)
{
    (void)ctx;
    trace_value(value, "end");
    thrum_pause_end(held);
    trace_note("ended ");
    return thrum_keep();
}

START_TEST(a_pause_holds_a_result_that_comes)
{
    thrum_pause *pause = thrum_deferred_pause(d);

    add(d, "a");
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "");
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "a=x ~a ");
}
END_TEST

START_TEST(a_pause_holds_pairs_that_are_added_to_a_result)
{
    thrum_pause *pause;

    thrum_deferred_fire(d, "x", NULL);
    pause = thrum_deferred_pause(d);
    add(d, "a");
    add(d, "b");
    ck_assert_str_eq(trace_take(), "");
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "a=x ~a b=x ~b ");
}
END_TEST

START_TEST(a_pause_that_ends_before_the_result_does_nothing)
{
    thrum_pause_end(thrum_deferred_pause(d));
    add(d, "a");
    ck_assert_str_eq(trace_take(), "");
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "a=x ~a ");
}
END_TEST

START_TEST(pauses_nest_and_end_in_any_order)
{
    static const int orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {1, 0, 2}};
    thrum_pause *pauses[3];

    thrum_deferred_fire(d, "x", NULL);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        for (int k = 0; k < 3; k++)
            pauses[k] = thrum_deferred_pause(d);
        add(d, "a");
        for (int k = 0; k < 3; k++) {
            ck_assert_str_eq(trace_take(), "");
            ck_assert_uint_eq(thrum_deferred_inspect(d).pauses,
                              (unsigned)(3 - k));
            thrum_pause_end(pauses[orders[i][k]]);
        }
        ck_assert_str_eq(trace_take(), "a=x ~a ");
    }
}
END_TEST

START_TEST(pauses_nest_deeply)
{
    static thrum_pause *pauses[MANY];

    add(d, "a");
    thrum_deferred_fire(thrum_deferred_ref(d), "x", NULL);
    ck_assert_str_eq(trace_take(), "a=x ~a ");
    for (int i = 0; i < MANY; i++)
        pauses[i] = thrum_deferred_pause(d);
    add(d, "b");
    for (int i = 0; i < MANY; i++) {
        ck_assert_str_eq(trace_take(), "");
        ck_assert_uint_eq(thrum_deferred_inspect(d).pauses,
                          (unsigned)(MANY - i));
        thrum_pause_end(pauses[i]);
    }
    ck_assert_str_eq(trace_take(), "b=x ~b ");
    thrum_deferred_unref(d);
}
END_TEST

START_TEST(a_pause_within_a_callback_stops_the_chain_behind_it)
{
    thrum_deferred_add(d, pause_it, NULL, d, NULL);
    add(d, "a");
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "pause=x ");
    thrum_pause_end(held);
    ck_assert_str_eq(trace_take(), "a=x ~a ");
}
END_TEST

START_TEST(a_pause_that_a_callback_begins_and_ends_is_none)
{
    thrum_deferred_add(d, pause_and_end, NULL, d, NULL);
    add(d, "a");
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "both=x ended a=x ~a ");
}
END_TEST

START_TEST(a_callback_may_end_the_pause_of_another)
{
    thrum_deferred *other = thrum_deferred_succeed(context, "y", NULL);

    held = thrum_deferred_pause(other);
    add(other, "other");
    thrum_deferred_add(d, end_it, NULL, NULL, NULL);
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "end=x other=y ~other ended ");
    thrum_deferred_finish(other);
}
END_TEST

START_TEST(a_token_keeps_the_deferred)
{
    thrum_pause *pause = thrum_deferred_pause(d);

    add(d, "a");
    thrum_deferred_fire(d, "x", NULL);
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace_take(), "");
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "a=x ~a ");
    d = NULL;
}
END_TEST

START_TEST(the_last_token_abandons_what_its_producer_left)
{
    thrum_pause *pause = thrum_deferred_pause(d);

    add(d, "a");
    thrum_deferred_unref(d); /* as a producer does that forgets */
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace_take(), "");
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "a!abandoned by its producer ~a ");
    d = NULL;
}
END_TEST

START_TEST(one_that_is_paused_is_waited_for)
{
    thrum_deferred *outer = thrum_deferred_new(context, "outer");
    thrum_pause *pause;

    thrum_deferred_fire(d, "x", NULL);
    pause = thrum_deferred_pause(d);
    thrum_deferred_add(outer, answer_wait, NULL, d, NULL);
    add(outer, "outer");
    thrum_deferred_fire(outer, NULL, NULL);
    ck_assert_int_eq(thrum_deferred_inspect(outer).state,
                     THRUM_DEFERRED_WAITING);
    ck_assert_str_eq(trace_take(), "");
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "outer=x ~outer ");
    thrum_deferred_finish(outer);
    d = NULL;
}
END_TEST

START_TEST(one_that_waits_stays_paused_when_its_result_comes)
{
    thrum_deferred *outer = thrum_deferred_new(context, "outer");
    thrum_pause *pause;

    thrum_deferred_add(outer, answer_wait, NULL, d, NULL);
    add(outer, "outer");
    thrum_deferred_fire(outer, NULL, NULL);
    pause = thrum_deferred_pause(outer);
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "");
    ck_assert_ptr_null(thrum_deferred_inspect(outer).waits_on);
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "outer=x ~outer ");
    thrum_deferred_finish(outer);
    d = NULL;
}
END_TEST

START_TEST(a_pause_ended_while_the_chain_waits_does_not_wake_it)
{
    thrum_deferred *outer = thrum_deferred_new(context, "outer");

    thrum_deferred_add(outer, answer_wait, NULL, d, NULL);
    add(outer, "outer");
    thrum_deferred_fire(outer, NULL, NULL);
    thrum_pause_end(thrum_deferred_pause(outer));
    ck_assert_str_eq(trace_take(), "");
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "outer=x ~outer ");
    thrum_deferred_finish(outer);
    d = NULL;
}
END_TEST

START_TEST(a_pause_does_not_hold_a_cancel)
{
    thrum_pause *pause = thrum_deferred_pause(d);

    add(d, "a");
    thrum_deferred_cancel(d);
    ck_assert_str_eq(trace_take(), "");
    ck_assert_int_eq(thrum_deferred_inspect(d).fired, 1);
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "a!cancelled ~a ");
    thrum_deferred_abandon(d);
}
END_TEST

START_TEST(a_pause_holds_the_failure_of_a_lost_pair)
{
    thrum_pause *pause;

    thrum_deferred_fire(d, "x", NULL);
    pause = thrum_deferred_pause(d);
    add(d, "a");
    support_fail_at(1);
    add(d, "b");
    ck_assert_str_eq(trace_take(), "~b ");
    thrum_pause_end(pause);
    add(d, "c");
    ck_assert_str_eq(trace_take(), "a=x ~a c!out of memory ~c ");
}
END_TEST

START_TEST(nobody_pauses_what_could_not_be_made)
{
    ck_assert_ptr_null(thrum_deferred_pause(NULL));
    thrum_pause_end(NULL);
    support_fail_at(1);
    ck_assert_ptr_null(thrum_deferred_pause(d));
    add(d, "a");
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "a=x ~a ");
}
END_TEST

int main(void)
{
    TCase *pauses = tcase_create("pauses");

    tcase_add_checked_fixture(pauses, setup, teardown);
    tcase_add_test(pauses, a_pause_holds_a_result_that_comes);
    tcase_add_test(pauses, a_pause_holds_pairs_that_are_added_to_a_result);
    tcase_add_test(pauses, a_pause_that_ends_before_the_result_does_nothing);
    tcase_add_test(pauses, pauses_nest_and_end_in_any_order);
    tcase_add_test(pauses, pauses_nest_deeply);
    tcase_add_test(pauses, a_pause_within_a_callback_stops_the_chain_behind_it);
    tcase_add_test(pauses, a_pause_that_a_callback_begins_and_ends_is_none);
    tcase_add_test(pauses, a_callback_may_end_the_pause_of_another);
    tcase_add_test(pauses, a_token_keeps_the_deferred);
    tcase_add_test(pauses, the_last_token_abandons_what_its_producer_left);
    tcase_add_test(pauses, one_that_is_paused_is_waited_for);
    tcase_add_test(pauses, one_that_waits_stays_paused_when_its_result_comes);
    tcase_add_test(pauses,
                   a_pause_ended_while_the_chain_waits_does_not_wake_it);
    tcase_add_test(pauses, a_pause_does_not_hold_a_cancel);
    tcase_add_test(pauses, a_pause_holds_the_failure_of_a_lost_pair);
    tcase_add_test(pauses, nobody_pauses_what_could_not_be_made);
    return support_main("pause", &pauses, 1);
}
