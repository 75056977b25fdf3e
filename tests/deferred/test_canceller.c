/* SPDX-License-Identifier: MIT */
/*
 * The context of a canceller: it goes once, and may do things as it goes.
 */
#include "tests/deferred/chain.h"

static thrum_cancelled answer_late(thrum_deferred *deferred, void *ctx)
{
    (void)deferred;
    (void)ctx;
    return THRUM_CANCELLED_LATE;
}

static thrum_cancelled answer_stopped(thrum_deferred *deferred, void *ctx)
{
    (void)deferred;
    (void)ctx;
    return THRUM_CANCELLED_STOPPED;
}

/* A canceller's context that, as it goes, cancels once more. */
static void cancel_again(void *deferred)
{
    trace_note("again ");
    thrum_deferred_cancel(deferred);
    ck_assert_int_eq(
        thrum_deferred_on_cancel(deferred, answer_late, "n", trace_release),
        THRUM_E_INVALID);
}

START_TEST(a_canceller_s_context_may_cancel_again_as_it_goes)
{
    thrum_context *context = support_context();
    thrum_deferred *d = thrum_deferred_new(context, "d");

    thrum_deferred_on_cancel(d, _i == 0 ? answer_stopped : answer_late, d,
                             cancel_again);
    thrum_deferred_add(d, trace_value, trace_failure, "e", NULL);
    thrum_deferred_cancel(d);
    ck_assert_str_eq(trace_take(), "again ~n e!cancelled ");
    if (_i == 1)
        ck_assert_int_eq(thrum_deferred_fire(d, "late", trace_release), 0);
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace_take(), _i == 0 ? "" : "~late ");
    support_context_end(context);
}
END_TEST

/* ---- A canceller's context, in every way a Deferred can end ---- */

static thrum_cancelled fire_itself(thrum_deferred *deferred, void *ctx)
{
    (void)ctx;
    thrum_deferred_fire(deferred, NULL, NULL);
    return THRUM_CANCELLED_LATE;
}

static thrum_context *endings_context;

static void by_firing(thrum_deferred *d)
{
    thrum_deferred_fire(d, NULL, NULL);
}

static void by_failing(thrum_deferred *d)
{
    thrum_deferred_fail(d, NULL);
}

static void by_being_let_go(thrum_deferred *d)
{
    thrum_deferred_unref(d);
}

static void by_a_late_result(thrum_deferred *d)
{
    thrum_deferred_cancel(d);
    thrum_deferred_fire(d, NULL, NULL);
}

static void by_one_that_has_a_result(thrum_deferred *d)
{
    thrum_deferred *from = thrum_deferred_succeed(endings_context, NULL, NULL);

    ck_assert_int_eq(thrum_deferred_chain(from, d), 0);
    thrum_deferred_finish(from);
}

static void by_one_that_is_cancelled_with_it(thrum_deferred *d)
{
    thrum_deferred *from = thrum_deferred_new(endings_context, "from");

    ck_assert_int_eq(thrum_deferred_chain(from, d), 0);
    thrum_deferred_cancel(d);
    thrum_deferred_abandon(from);
    thrum_deferred_finish(from);
}

static void by_a_time_out(thrum_deferred *d)
{
    thrum_test_clock *clock = thrum_test_clock_new(endings_context);

    thrum_deferred_timeout(d, thrum_test_clock_clock(clock), 5);
    thrum_test_clock_advance(clock, 5);
    thrum_test_clock_free(clock);
}

static const struct {
    const char *name;
    void (*end)(thrum_deferred *d);
    thrum_canceller_fn *canceller;
} endings[] = {
    {"fired", by_firing, answer_stopped},
    {"failed", by_failing, answer_stopped},
    {"abandoned", thrum_deferred_abandon, answer_stopped},
    {"let go by its producer", by_being_let_go, answer_stopped},
    {"cancelled, its producer stops", thrum_deferred_cancel, answer_stopped},
    {"cancelled, its producer is late", by_a_late_result, answer_late},
    {"cancelled, fired by the canceller", thrum_deferred_cancel, fire_itself},
    {"over time", by_a_time_out, answer_stopped},
    {"another chained to it that has ended", by_one_that_has_a_result,
     answer_stopped},
    {"another chained to it, then cancelled", by_one_that_is_cancelled_with_it,
     answer_stopped},
};

static int gone;

static void count_gone(void *ctx)
{
    (void)ctx;
    gone++;
}

START_TEST(a_canceller_s_context_goes_once_however_it_ends)
{
    for (int finished = 0; finished < 2; finished++) {
        thrum_context *context = endings_context = support_context();
        thrum_deferred *d = thrum_deferred_new(context, "d");

        gone = 0;
        ck_assert_int_eq(thrum_deferred_on_cancel(d, endings[_i].canceller,
                                                  NULL, count_gone),
                         0);
        if (finished) { /* its consumer went first */
            thrum_deferred_finish(d);
            ck_assert_int_eq(gone, 0);
        }
        endings[_i].end(d);
        if (!finished)
            thrum_deferred_finish(d);
        ck_assert_msg(gone == 1, "%s: %d times", endings[_i].name, gone);
        support_unhandled();
        support_context_end(context);
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("canceller");

    tcase_add_checked_fixture(tests, trace_setup, NULL);
    tcase_add_loop_test(
        tests, a_canceller_s_context_may_cancel_again_as_it_goes, 0, 2);
    tcase_add_loop_test(tests, a_canceller_s_context_goes_once_however_it_ends,
                        0, sizeof endings / sizeof *endings);
    return support_main("canceller", &tests, 1);
}
