/* SPDX-License-Identifier: MIT */
/*
 * Time-outs, on a clock that is moved by hand.
 */
#include <thrum/test_clock.h>

#include "tests/deferred/chain.h"

enum { AFTER = 10 };

static thrum_context *context;
static thrum_test_clock *hand;
static thrum_clock *timer;
static thrum_deferred *d;

static void setup(void)
{
    trace_setup();
    context = support_context();
    hand = thrum_test_clock_new(context);
    timer = thrum_test_clock_clock(hand);
    d = thrum_deferred_new(context, "slow");
}

static void teardown(void)
{
    thrum_deferred_finish(d);
    ck_assert_uint_eq(thrum_test_clock_pending(hand), 0);
    thrum_test_clock_free(hand);
    support_context_end(context);
}

static void add(const char *name)
{
    thrum_deferred_add(d, trace_value, trace_failure, (void *)name,
                       trace_release);
}

static thrum_outcome convert(const thrum_failure *why, void *name)
{
    trace_note(name);
    trace_note("?");
    trace_note(thrum_failure_text(why));
    trace_note(" ");
    return thrum_value("instead", NULL);
}

static void limit_as(const char *name)
{
    ck_assert_int_eq(thrum_deferred_timeout_as(d, timer, AFTER, convert,
                                               (void *)name, trace_release),
                     0);
}

static thrum_cancelled fire_instead(thrum_deferred *deferred, void *value)
{
    thrum_deferred_fire(deferred, value, NULL);
    return THRUM_CANCELLED_LATE;
}

static thrum_outcome fail_cancelled(void *value, void *ctx)
{
    (void)value;
    (void)ctx;
    return thrum_fail(thrum_failure_new(context, &thrum_domain_deferred,
                                        THRUM_DEFERRED_E_CANCELLED, NULL));
}

static thrum_outcome fail_otherwise(const thrum_failure *why, void *ctx)
{
    (void)why;
    (void)ctx;
    return thrum_fail(chain_failure(context, "otherwise"));
}

static thrum_outcome cause_is_cancelled(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    ck_assert_int_eq(thrum_failure_code(why), THRUM_DEFERRED_E_TIMEOUT);
    ck_assert_int_eq(thrum_failure_code(thrum_failure_cause(why)),
                     THRUM_DEFERRED_E_CANCELLED);
    trace_note("caused ");
    return thrum_done();
}

START_TEST(what_is_late_fails_with_timeout_because_it_was_cancelled)
{
    thrum_deferred_timeout(d, timer, AFTER);
    thrum_deferred_add(d, NULL, cause_is_cancelled, NULL, NULL);
    thrum_test_clock_advance(hand, AFTER - 1);
    ck_assert_str_eq(trace_take(), "");
    thrum_test_clock_advance(hand, 1);
    ck_assert_str_eq(trace_take(), "caused ");
    thrum_deferred_abandon(d);
}
END_TEST

START_TEST(what_is_in_time_ends_the_call)
{
    limit_as("convert");
    add("a");
    thrum_test_clock_advance(hand, AFTER - 1);
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_uint_eq(thrum_test_clock_pending(hand), 0);
    ck_assert_str_eq(trace_take(), "~convert a=x ~a ");
}
END_TEST

START_TEST(a_failure_in_time_ends_the_call_and_passes)
{
    limit_as("convert");
    add("a");
    thrum_deferred_fail(d, chain_failure(context, "x"));
    ck_assert_uint_eq(thrum_test_clock_pending(hand), 0);
    ck_assert_str_eq(trace_take(), "~convert a!x ~a ");
}
END_TEST

START_TEST(a_result_that_is_there_asks_for_no_time)
{
    thrum_deferred_fire(d, "x", NULL);
    limit_as("convert");
    ck_assert_uint_eq(thrum_test_clock_pending(hand), 0);
    ck_assert_str_eq(trace_take(), "~convert ");
}
END_TEST

START_TEST(one_cancelled_by_another_is_not_converted)
{
    limit_as("convert");
    add("a");
    thrum_deferred_cancel(d);
    ck_assert_uint_eq(thrum_test_clock_pending(hand), 0);
    ck_assert_str_eq(trace_take(), "~convert a!cancelled ~a ");
    thrum_deferred_abandon(d);
}
END_TEST

START_TEST(a_conversion_of_ones_own_answers_for_it)
{
    limit_as("convert");
    add("a");
    thrum_test_clock_advance(hand, AFTER);
    ck_assert_str_eq(trace_take(), "convert?cancelled ~convert a=instead ~a ");
    thrum_deferred_abandon(d);
}
END_TEST

START_TEST(a_failure_that_was_changed_on_the_way_passes)
{
    thrum_deferred_add(d, NULL, fail_otherwise, NULL, NULL);
    limit_as("convert");
    add("a");
    thrum_test_clock_advance(hand, AFTER);
    ck_assert_str_eq(trace_take(), "~convert a!otherwise ~a ");
    thrum_deferred_abandon(d);
}
END_TEST

START_TEST(only_what_stands_behind_it_sees_the_conversion)
{
    add("before");
    thrum_deferred_add(d, fail_cancelled, NULL, NULL, NULL);
    limit_as("convert");
    add("a");
    thrum_test_clock_advance(hand, AFTER);
    ck_assert_str_eq(trace_take(), "before!cancelled ~before convert?cancelled "
                                   "~convert a=instead ~a ");
    thrum_deferred_abandon(d);
}
END_TEST

START_TEST(a_canceller_that_still_finds_a_value_wins)
{
    thrum_deferred_on_cancel(d, fire_instead, "found", NULL);
    limit_as("convert");
    add("a");
    thrum_test_clock_advance(hand, AFTER);
    ck_assert_str_eq(trace_take(), "~convert a=found ~a ");
}
END_TEST

START_TEST(the_one_waited_for_is_cancelled)
{
    thrum_deferred *inner = thrum_deferred_new(context, "inner");

    thrum_deferred_add(d, answer_wait, NULL, inner, NULL);
    limit_as("convert");
    thrum_deferred_fire(d, NULL, NULL);
    thrum_test_clock_advance(hand, AFTER);
    ck_assert_str_eq(trace_take(), "convert?cancelled ~convert ");
    thrum_deferred_abandon(inner);
}
END_TEST

START_TEST(time_that_ends_in_a_pause_changes_no_result)
{
    thrum_pause *pause = thrum_deferred_pause(d);

    limit_as("convert");
    add("a");
    thrum_deferred_fire(d, "x", NULL);
    thrum_test_clock_advance(hand, AFTER);
    ck_assert_str_eq(trace_take(), "");
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "~convert a=x ~a ");
}
END_TEST

START_TEST(a_cancel_by_another_after_the_time_is_the_time_outs)
{
    thrum_deferred *inner = thrum_deferred_new(context, "inner");
    thrum_pause *pause = thrum_deferred_pause(d);

    thrum_deferred_fire(d, NULL, NULL);
    thrum_deferred_add(d, answer_wait, NULL, inner, NULL);
    limit_as("convert");
    thrum_test_clock_advance(hand, AFTER); /* while d is paused: too early */
    thrum_pause_end(pause);
    thrum_deferred_cancel(d);
    ck_assert_str_eq(trace_take(), "convert?cancelled ~convert ");
    thrum_deferred_abandon(inner);
}
END_TEST

START_TEST(the_shorter_of_two_wins)
{
    thrum_deferred_timeout(d, timer, AFTER);
    thrum_deferred_timeout_as(d, timer, AFTER / 2, convert, "second",
                              trace_release);
    add("a");
    thrum_test_clock_advance(hand, AFTER / 2);
    ck_assert_uint_eq(thrum_test_clock_pending(hand), 0);
    ck_assert_str_eq(trace_take(), "second?cancelled ~second a=instead ~a ");
    thrum_deferred_abandon(d);
}
END_TEST

START_TEST(the_last_holder_may_be_gone)
{
    limit_as("convert");
    thrum_deferred_on_cancel(d, fire_instead, "found", NULL);
    add("a");
    thrum_deferred_finish(d);
    thrum_test_clock_advance(hand, AFTER);
    ck_assert_str_eq(trace_take(), "~convert a=found ~a ");
    d = NULL;
}
END_TEST

START_TEST(a_clock_that_ends_early_ends_the_time_out)
{
    limit_as("convert");
    add("a");
    thrum_test_clock_free(hand);
    ck_assert_str_eq(trace_take(), "");
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "~convert a=x ~a ");
    hand = thrum_test_clock_new(context);
}
END_TEST

START_TEST(null_has_no_time)
{
    ck_assert_int_eq(thrum_deferred_timeout_as(NULL, timer, AFTER, convert, "c",
                                               trace_release),
                     THRUM_E_NOMEM);
    ck_assert_str_eq(trace_take(), "~c ");
    thrum_deferred_abandon(d);
    thrum_deferred_mark_handled(d);
}
END_TEST

START_TEST(without_memory_the_chain_fails)
{
    for (unsigned long n = 1; n <= 3; n++) {
        setup();
        add("a");
        support_fail_at(
            n); /* the block, the call (the heap has room), a pair */
        thrum_deferred_timeout_as(d, timer, AFTER, convert, "c", trace_release);
        ck_assert_str_eq(trace_take(), "~c ");
        ck_assert_uint_eq(thrum_test_clock_pending(hand), 0);
        thrum_deferred_fire(d, "x", NULL);
        ck_assert_str_eq(trace_take(), "a=x ~a ");
        add("b");
        ck_assert_str_eq(trace_take(), "b!out of memory ~b ");
        teardown();
    }
}
END_TEST

START_TEST(without_memory_a_result_that_is_there_is_lost)
{
    setup();
    thrum_deferred_fire(d, "x", trace_release);
    support_fail_at(1);
    ck_assert_int_eq(thrum_deferred_timeout(d, timer, AFTER), THRUM_E_NOMEM);
    ck_assert_str_eq(trace_take(), "~x ");
    add("a");
    ck_assert_str_eq(trace_take(), "a!out of memory ~a ");
    teardown();
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("timeout"), tcase_create("memory")};

    tcase_add_checked_fixture(cases[0], setup, teardown);
    tcase_add_test(cases[0],
                   what_is_late_fails_with_timeout_because_it_was_cancelled);
    tcase_add_test(cases[0], what_is_in_time_ends_the_call);
    tcase_add_test(cases[0], a_failure_in_time_ends_the_call_and_passes);
    tcase_add_test(cases[0], a_result_that_is_there_asks_for_no_time);
    tcase_add_test(cases[0], one_cancelled_by_another_is_not_converted);
    tcase_add_test(cases[0], a_conversion_of_ones_own_answers_for_it);
    tcase_add_test(cases[0], a_failure_that_was_changed_on_the_way_passes);
    tcase_add_test(cases[0], only_what_stands_behind_it_sees_the_conversion);
    tcase_add_test(cases[0], a_canceller_that_still_finds_a_value_wins);
    tcase_add_test(cases[0], the_one_waited_for_is_cancelled);
    tcase_add_test(cases[0], time_that_ends_in_a_pause_changes_no_result);
    tcase_add_test(cases[0],
                   a_cancel_by_another_after_the_time_is_the_time_outs);
    tcase_add_test(cases[0], the_shorter_of_two_wins);
    tcase_add_test(cases[0], the_last_holder_may_be_gone);
    tcase_add_test(cases[0], a_clock_that_ends_early_ends_the_time_out);
    tcase_add_test(cases[0], null_has_no_time);
    tcase_add_test(cases[1], without_memory_the_chain_fails);
    tcase_add_test(cases[1], without_memory_a_result_that_is_there_is_lost);
    return support_main("timeout", cases, 2);
}
