/* SPDX-License-Identifier: MIT */
/*
 * Groups in groups and shares of shares, a million deep, on a stack of 64 KiB.
 */
#include <stdlib.h>

#include <thrum/group.h>
#include <thrum/share.h>

#include "tests/deferred/chain.h"

enum { MILLION = 1000000, STACK = 65536 };
enum ending { FIRED, FAILED, CANCELLED, TIMED_OUT, ENDINGS };

static thrum_context *context;
static thrum_test_clock *clock_by_hand;
static int stopped;

static thrum_cancelled count_stopped(thrum_deferred *deferred, void *ctx)
{
    (void)deferred;
    (void)ctx;
    stopped++;
    return THRUM_CANCELLED_STOPPED;
}

/* One whose producer only waits to be cancelled. */
static thrum_deferred *idle(void)
{
    thrum_deferred *deferred = thrum_deferred_new(context, "idle");

    thrum_deferred_on_cancel(deferred, count_stopped, NULL, NULL);
    return deferred;
}

static thrum_outcome tell_any(void *value, void *ctx)
{
    (void)value;
    (void)ctx;
    trace_note("value ");
    return thrum_keep();
}

static void end_with(thrum_deferred *last, thrum_deferred *first,
                     enum ending ending)
{
    thrum_deferred_add(last, tell_any, trace_failure, "end", NULL);
    if (ending == FIRED)
        thrum_deferred_fire(first, "x", NULL);
    else if (ending == FAILED)
        thrum_deferred_fail(first, chain_failure(context, "x"));
    else if (ending == CANCELLED)
        thrum_deferred_cancel(last);
    else
        thrum_test_clock_advance(clock_by_hand, 10);
    thrum_deferred_finish(last);
}

/* Each group has the one beneath it as a member, and a loser. */
static void groups(enum ending ending, int depth)
{
    thrum_group_config config = {.cancel_losers = 1};
    thrum_deferred *first = idle(), *last = first;

    stopped = 0;
    for (int i = 0; i < depth; i++) {
        thrum_deferred *members[] = {last, idle()};

        if (i == depth - 1 && ending == TIMED_OUT) {
            config.clock = thrum_test_clock_clock(clock_by_hand);
            config.within = 10;
        }
        last = thrum_race(context, members, 2, &config);
    }
    end_with(last, first, ending);
    ck_assert_int_eq(stopped, ending >= CANCELLED ? depth + 1 : depth);
}

/* The first is let go by its producer, without a word, when each group has but
 * the one above it as a consumer, and the last one none: before, or after. */
static void let_go(bool consumer_first)
{
    thrum_deferred *first = idle(), *last = first;

    stopped = 0;
    for (int i = 0; i < MILLION; i++) {
        thrum_deferred *members[] = {last, NULL};

        last = thrum_all_settled(context, members, 1 + i % 2, NULL);
    }
    if (consumer_first)
        thrum_deferred_finish(last);
    thrum_deferred_unref(first);
    if (!consumer_first)
        thrum_deferred_finish(last);
    ck_assert_int_eq(stopped, 0);
    ck_assert_uint_eq(support_unhandled(), 0);
}

static void all_let_go(void)
{
    let_go(false);
    let_go(true);
}

START_TEST(a_million_groups_in_each_other_let_go_unfired)
{
    on_small_stack_with(&context, all_let_go, STACK);
}
END_TEST

static void all_groups(void)
{
    clock_by_hand = thrum_test_clock_new(context);
    groups(FIRED, MILLION);
    groups(CANCELLED, MILLION);
    groups(TIMED_OUT, MILLION);
    ck_assert_str_eq(trace_take(), "value end!cancelled end!the time is over ");
    /* A failure in a failure in a failure: the text of each is 1,000 bytes. */
    groups(FAILED, MILLION / 20);
    ck_assert_str_ne(trace_take(), "");
    thrum_test_clock_free(clock_by_hand);
}

START_TEST(a_million_groups_in_each_other_each_with_a_loser)
{
    on_small_stack_with(&context, all_groups, STACK);
}
END_TEST

/* ---- Shares ---- */

/* Each share has the next one as a consumer, and `others` beside it; or, in
 * turn, a group of one of its own. */
static void shares(enum ending ending, int others, bool grouped)
{
    thrum_deferred *first = idle(), *last = first;

    stopped = 0;
    for (int i = 0; i < MILLION; i++) {
        thrum_share *share = thrum_share_new(last);

        for (int k = 0; k < others; k++)
            thrum_deferred_finish(thrum_share_get(share));
        last = thrum_share_get(share);
        thrum_share_free(share);
        if (grouped) {
            thrum_deferred *member = last;

            last = thrum_all_settled(context, &member, 1, NULL);
        }
    }
    end_with(last, first, ending);
    if (ending == CANCELLED && others > 0)
        thrum_deferred_fire(first, NULL, NULL);
    else
        ck_assert_int_eq(stopped, ending == CANCELLED);
}

static void all_shares(void)
{
    for (int ending = FIRED; ending <= CANCELLED; ending++) {
        shares(ending, 0, false);
        shares(ending, 0, true);
    }
    shares(FIRED, 1, false);
    shares(CANCELLED, 1, false);
    ck_assert_str_eq(trace_take(), "value value end!x value end!cancelled "
                                   "value value end!cancelled ");
}

START_TEST(a_million_shares_of_each_other)
{
    on_small_stack_with(&context, all_shares, STACK);
}
END_TEST

/* One share for a million. */
static void consumers(void)
{
    thrum_deferred **d = calloc(MILLION, sizeof *d);

    for (int ending = FIRED; ending <= CANCELLED; ending++) {
        thrum_deferred *source = idle();
        thrum_share *share = thrum_share_new(source);

        for (int i = 0; i < MILLION; i++)
            d[i] = thrum_share_get(share);
        stopped = 0;
        if (ending == FIRED)
            thrum_deferred_fire(source, NULL, NULL);
        else if (ending == FAILED)
            thrum_deferred_fail(source, chain_failure(context, "x"));
        for (int i = 0; ending == CANCELLED && i < MILLION; i++)
            thrum_deferred_cancel(d[i]);
        ck_assert_int_eq(stopped, ending == CANCELLED);
        for (int i = 0; i < MILLION; i++)
            thrum_deferred_finish(d[i]);
        thrum_share_free(share);
    }
    free(d);
}

START_TEST(a_million_consumers_of_one_share)
{
    on_small_stack_with(&context, consumers, STACK);
    ck_assert_uint_eq(support_unhandled(), 2 * MILLION);
}
END_TEST

int main(void)
{
    TCase *million = tcase_create("million groups");

    tcase_set_timeout(million, 240);
    tcase_add_checked_fixture(million, trace_setup, NULL);
    tcase_add_test(million, a_million_groups_in_each_other_each_with_a_loser);
    tcase_add_test(million, a_million_groups_in_each_other_let_go_unfired);
    tcase_add_test(million, a_million_shares_of_each_other);
    tcase_add_test(million, a_million_consumers_of_one_share);
    return support_main("million groups", &million, 1);
}
