/* SPDX-License-Identifier: MIT */
/*
 * Chains made by hand: one Deferred as the producer of another.
 */
#include <stdlib.h>

#include <thrum/deferred_list.h>

#include "tests/deferred/chain.h"

enum { MILLION = 1000000, STACK = 65536 };

static thrum_context *context;
static thrum_deferred *from, *to;

static void setup(void)
{
    trace_setup();
    context = support_context();
    from = thrum_deferred_new(context, "from");
    to = thrum_deferred_new(context, "to");
}

static void teardown(void)
{
    thrum_deferred_finish(from);
    thrum_deferred_finish(to);
    support_context_end(context);
}

static void add(thrum_deferred *d, const char *name)
{
    thrum_deferred_add(d, trace_value, trace_failure, (void *)name,
                       trace_release);
}

static void chain(void)
{
    ck_assert_int_eq(thrum_deferred_chain(from, to), 0);
    add(from, "from");
    add(to, "to");
}

static thrum_cancelled stop(thrum_deferred *d, void *name)
{
    (void)d;
    trace_note("stop ");
    trace_note(name);
    trace_note(" ");
    return THRUM_CANCELLED_STOPPED;
}

/* ---- What can be seen ---- */

START_TEST(what_to_waits_for_is_seen_until_it_has_its_result)
{
    ck_assert_ptr_null(thrum_deferred_inspect(to).waits_on);
    chain();
    ck_assert_ptr_eq(thrum_deferred_inspect(to).waits_on, from);
    ck_assert_int_eq(thrum_deferred_inspect(to).state, THRUM_DEFERRED_PENDING);
    ck_assert_ptr_null(thrum_deferred_inspect(from).waits_on);
    thrum_deferred_fire(from, "x", NULL);
    trace_take();
    ck_assert_ptr_null(thrum_deferred_inspect(to).waits_on);
}
END_TEST

START_TEST(one_that_was_cancelled_waits_for_nothing)
{
    chain();
    thrum_deferred_cancel(to);
    trace_take();
    ck_assert_ptr_null(thrum_deferred_inspect(to).waits_on);
    thrum_deferred_abandon(from);
}
END_TEST

/* ---- What goes over ---- */

START_TEST(a_value_goes_over_and_leaves_none)
{
    chain();
    thrum_deferred_fire(from, "x", trace_release);
    ck_assert_str_eq(trace_take(), "to=x ~to from=none ~from ");
    thrum_deferred_finish(to);
    ck_assert_str_eq(trace_take(), "~x ");
    to = NULL;
}
END_TEST

START_TEST(a_failure_goes_over_and_leaves_none)
{
    chain();
    thrum_deferred_fail(from, chain_failure(context, "x"));
    ck_assert_str_eq(trace_take(), "to!x ~to from=none ~from ");
}
END_TEST

START_TEST(a_failure_that_nobody_handles_is_that_of_to)
{
    ck_assert_int_eq(thrum_deferred_chain(from, to), 0);
    thrum_deferred_fail(from, chain_failure(context, "x"));
    thrum_deferred_finish(from);
    ck_assert_uint_eq(support_unhandled(), 0);
    thrum_deferred_finish(to);
    ck_assert_uint_eq(support_unhandled(), 1);
    ck_assert_str_eq(support_unhandled_operation(), "to");
    from = to = NULL;
}
END_TEST

START_TEST(what_is_there_already_goes_over_at_once)
{
    thrum_deferred_fire(from, "x", NULL);
    add(to, "to");
    ck_assert_int_eq(thrum_deferred_chain(from, to), 0);
    ck_assert_str_eq(trace_take(), "to=x ~to ");
    ck_assert_ptr_null(thrum_deferred_inspect(from).value);
}
END_TEST

START_TEST(the_result_goes_over_as_it_is_at_that_place)
{
    add(from, "before");
    chain();
    thrum_deferred_fail(from, chain_failure(context, "x"));
    ck_assert_str_eq(trace_take(),
                     "before!x ~before to=none ~to from=none ~from ");
}
END_TEST

START_TEST(a_paused_one_gets_it_and_keeps_it)
{
    thrum_pause *pause = thrum_deferred_pause(to);

    chain();
    thrum_deferred_fire(from, "x", NULL);
    ck_assert_str_eq(trace_take(), "from=none ~from ");
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "to=x ~to ");
}
END_TEST

START_TEST(a_from_that_is_abandoned_fails_to)
{
    chain();
    thrum_deferred_abandon(from);
    ck_assert_str_eq(trace_take(),
                     "to!abandoned by its producer ~to from=none ~from ");
}
END_TEST

START_TEST(consumers_may_both_be_gone)
{
    chain();
    thrum_deferred_finish(to);
    thrum_deferred_ref(from);
    thrum_deferred_finish(from);
    thrum_deferred_fire(from, "x", trace_release);
    ck_assert_str_eq(trace_take(), "to=x ~to ~x from=none ~from ");
    to = NULL;
}
END_TEST

/* ---- Cancelling ---- */

START_TEST(cancelling_to_cancels_from)
{
    thrum_deferred_on_cancel(from, stop, "from", trace_release);
    chain();
    thrum_deferred_cancel(to);
    ck_assert_str_eq(trace_take(),
                     "stop from ~from to!cancelled ~to from=none ~from ");
}
END_TEST

START_TEST(a_late_result_of_from_is_swallowed)
{
    chain();
    thrum_deferred_cancel(to);
    ck_assert_str_eq(trace_take(), "to!cancelled ~to from=none ~from ");
    ck_assert_int_eq(thrum_deferred_fire(from, "x", trace_release), 0);
    ck_assert_str_eq(trace_take(), "~x ");
}
END_TEST

START_TEST(to_ends_when_from_cannot_be_cancelled)
{
    thrum_pause *pause = thrum_deferred_pause(from);

    chain();
    thrum_deferred_fire(from, "x", trace_release);
    thrum_deferred_cancel(to); /* from has its result */
    ck_assert_str_eq(trace_take(), "to!cancelled ~to ");
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "~x from=none ~from ");
}
END_TEST

START_TEST(to_that_was_cancelled_before_swallows_the_result)
{
    thrum_deferred_cancel(to);
    chain();
    ck_assert_str_eq(trace_take(), "to!cancelled ~to ");
    thrum_deferred_fail(from, chain_failure(context, "x"));
    ck_assert_str_eq(trace_take(), "from=none ~from ");
}
END_TEST

START_TEST(the_canceller_that_to_had_goes)
{
    thrum_deferred_on_cancel(to, stop, "to", trace_release);
    chain();
    ck_assert_str_eq(trace_take(), "~to ");
    thrum_deferred_cancel(to);
    ck_assert_str_eq(trace_take(), "to!cancelled ~to from=none ~from ");
    thrum_deferred_abandon(from);
}
END_TEST

static thrum_cancelled chain_within(thrum_deferred *d, void *name)
{
    ck_assert_int_eq(thrum_deferred_chain(from, d), 0);
    trace_note(name);
    return THRUM_CANCELLED_LATE;
}

START_TEST(a_canceller_may_chain_what_it_cancels)
{
    thrum_deferred_on_cancel(to, chain_within, "chain ", NULL);
    add(to, "to");
    thrum_deferred_cancel(to);
    ck_assert_str_eq(trace_take(), "chain to!cancelled ~to ");
    thrum_deferred_fire(from, "x", trace_release);
    ck_assert_str_eq(trace_take(), "~x ");
}
END_TEST

/* ---- What is refused ---- */

START_TEST(one_that_has_its_result_takes_no_other)
{
    thrum_deferred_fire(to, "x", NULL);
    ck_assert_int_eq(thrum_deferred_chain(from, to), THRUM_DEFERRED_E_FIRED);
    add(from, "from");
    thrum_deferred_fire(from, "y", NULL);
    ck_assert_str_eq(trace_take(), "from=y ~from ");
}
END_TEST

START_TEST(null_is_one_that_failed_for_want_of_memory)
{
    ck_assert_int_eq(thrum_deferred_chain(from, NULL), THRUM_E_NOMEM);
    add(from, "from");
    thrum_deferred_fire(from, "x", NULL);
    ck_assert_str_eq(trace_take(), "from=x ~from ");
    add(to, "to");
    ck_assert_int_eq(thrum_deferred_chain(NULL, to), THRUM_E_NOMEM);
    ck_assert_str_eq(trace_take(), "to!out of memory ~to ");
    ck_assert_int_eq(thrum_deferred_chain(NULL, NULL), THRUM_E_NOMEM);
}
END_TEST

START_TEST(a_deferred_is_not_chained_to_itself)
{
    add(to, "to");
    ck_assert_int_eq(thrum_deferred_chain(to, to),
                     THRUM_DEFERRED_E_WAITS_FOR_ITSELF);
    ck_assert_str_eq(trace_take(), "to!a Deferred would wait for itself ~to ");
    thrum_deferred_abandon(from);
}
END_TEST

START_TEST(a_circle_of_three_is_refused)
{
    thrum_deferred *third = thrum_deferred_new(context, "third");

    ck_assert_int_eq(thrum_deferred_chain(from, to), 0);
    ck_assert_int_eq(thrum_deferred_chain(to, third), 0);
    add(to, "to");
    add(third, "third");
    ck_assert_int_eq(thrum_deferred_chain(third, from),
                     THRUM_DEFERRED_E_WAITS_FOR_ITSELF);
    ck_assert_str_eq(
        trace_take(),
        "third!a Deferred would wait for itself ~third to=none ~to ");
    thrum_deferred_finish(third);
}
END_TEST

START_TEST(a_callback_does_not_wait_for_what_waits_for_it)
{
    ck_assert_int_eq(thrum_deferred_chain(from, to), 0);
    thrum_deferred_add_first(from, answer_wait, NULL, to, NULL);
    thrum_deferred_ref(to);
    add(to, "to");
    thrum_deferred_fire(from, NULL, NULL);
    ck_assert_str_eq(trace_take(), "to!a Deferred would wait for itself ~to ");
}
END_TEST

START_TEST(one_whose_result_was_passed_on_may_be_waited_for)
{
    ck_assert_int_eq(thrum_deferred_chain(from, to), 0);
    thrum_deferred_add(to, answer_wait, NULL, thrum_deferred_ref(from), NULL);
    add(to, "to");
    thrum_deferred_fire(from, "x", NULL); /* to waits for the rest of from */
    ck_assert_str_eq(trace_take(), "to=none ~to ");
}
END_TEST

START_TEST(one_that_only_swallows_the_result_may_be_waited_for)
{
    thrum_deferred_cancel(to);
    thrum_deferred_mark_handled(to);
    ck_assert_int_eq(thrum_deferred_chain(from, to), 0);
    thrum_deferred_add_first(from, trace_value, trace_failure, "b", NULL);
    thrum_deferred_add_first(from, answer_wait, NULL, thrum_deferred_ref(to),
                             NULL);
    thrum_deferred_add_first(from, trace_value, trace_failure, "a", NULL);
    thrum_deferred_fire(from, "x", NULL);
    add(from, "from");
    ck_assert_str_eq(trace_take(), "a=x b!cancelled from=none ~from ");
}
END_TEST

START_TEST(one_that_was_cancelled_and_goes_on_may_be_waited_for)
{
    thrum_deferred *rest = thrum_deferred_new(context, "rest");
    thrum_pause *pause;

    thrum_deferred_add(from, answer_wait, NULL, thrum_deferred_ref(to), NULL);
    ck_assert_int_eq(thrum_deferred_chain(from, to), 0);
    thrum_deferred_add(to, NULL, answer_wait_failed, rest, NULL);
    pause = thrum_deferred_pause(from);
    thrum_deferred_fire(from, NULL, NULL);
    thrum_deferred_cancel(to);
    ck_assert_ptr_eq(thrum_deferred_inspect(to).waits_on, rest);
    thrum_pause_end(pause); /* from waits for to, which only swallows */
    ck_assert_ptr_eq(thrum_deferred_inspect(from).waits_on, to);
    add(from, "from");
    thrum_deferred_fire(rest, "x", trace_release);
    ck_assert_str_eq(trace_take(), "~x from=none ~from ");
}
END_TEST

/* A pair that was there, or found no memory, is none that gets the result. */
START_TEST(one_that_was_chained_waits_like_any_other)
{
    thrum_deferred *inner = thrum_deferred_new(context, "inner");
    thrum_deferred *outer = thrum_deferred_new(context, "outer");

    ck_assert_int_eq(thrum_deferred_chain(inner, outer), 0);
    if (_i == 0) {
        thrum_deferred_add(from, answer_wait, NULL, outer, NULL);
        support_fail_at(3); /* the pair */
        ck_assert_int_eq(thrum_deferred_chain(from, to), THRUM_E_NOMEM);
        thrum_deferred_mark_handled(to);
    } else {
        ck_assert_int_eq(thrum_deferred_chain(from, to), 0);
        thrum_deferred_add(from, answer_wait, NULL, outer, NULL);
    }
    thrum_deferred_fire(from, "x", NULL);
    ck_assert_ptr_eq(thrum_deferred_inspect(from).waits_on, outer);
    thrum_deferred_fire(inner, "y", NULL);
    thrum_deferred_finish(inner);
    add(from, "from");
    ck_assert_str_eq(trace_take(),
                     _i == 0 ? "from!out of memory ~from " : "from=y ~from ");
}
END_TEST

/* ---- Every allocation failing; a million ---- */

static void scenario(void)
{
    context = support_context();
    if (context == NULL)
        return;
    from = thrum_deferred_new(context, "from");
    to = thrum_deferred_new(context, "to");
    add(from, "from");
    add(from, "from");
    if (to != NULL)
        thrum_deferred_on_cancel(to, stop, "to", NULL);
    thrum_deferred_chain(from, to);
    add(to, "to");
    trace_take();
    thrum_deferred_fire(from, "x", trace_release);
    if (to != NULL && from != NULL)
        ck_assert_int_eq(thrum_deferred_inspect(to).fired, 1);
    thrum_deferred_finish(from);
    thrum_deferred_finish(to);
    support_unhandled();
    support_context_end(context);
}

START_TEST(a_chain_survives_every_failing_allocation)
{
    trace_setup();
    support_every_allocation(scenario);
}
END_TEST

START_TEST(without_memory_both_fail)
{
    for (unsigned long n = 1; n <= 3; n++) {
        setup();
        add(from, "a");
        support_fail_at(n); /* the link, its canceller, the pair */
        ck_assert_int_eq(thrum_deferred_chain(from, to), THRUM_E_NOMEM);
        add(to, "to");
        ck_assert_str_eq(trace_take(), "to!out of memory ~to ");
        thrum_deferred_fire(from, "x", NULL);
        ck_assert_str_eq(trace_take(), "a=x ~a ");
        add(from, "b");
        ck_assert_str_eq(trace_take(), "b!out of memory ~b ");
        teardown();
    }
}
END_TEST

static void link_all(thrum_deferred **d, bool forward)
{
    for (int i = 0; i < MILLION - 1; i++) {
        int at = forward ? i : MILLION - 2 - i;

        ck_assert_int_eq(thrum_deferred_chain(d[at], d[at + 1]), 0);
    }
}

enum ending { FIRED, FAILED, CANCELLED, LET_GO };

static void end_of_a_million(thrum_deferred *first, thrum_deferred *last,
                             enum ending ending)
{
    if (ending == CANCELLED)
        thrum_deferred_cancel(last);
    if (ending == FAILED)
        thrum_deferred_fail(first, chain_failure(context, "x"));
    else if (ending == LET_GO) /* the producer's, without a word */
        thrum_deferred_unref(first);
    else
        thrum_deferred_fire(first, "x", NULL);
    thrum_deferred_finish(first);
}

static void chain_of_a_million(bool forward, enum ending ending)
{
    static const char *const traces[] = {"end=x ~end ", "end!x ~end ",
                                         "end!cancelled ~end ",
                                         "end!abandoned by its producer ~end "};
    thrum_deferred **d = calloc(MILLION, sizeof *d);

    for (int i = 0; i < MILLION; i++)
        d[i] = thrum_deferred_new(context, "link");
    link_all(d, forward);
    add(d[MILLION - 1], "end");
    for (int i = 1; i < MILLION - 1; i++)
        thrum_deferred_finish(d[i]);
    end_of_a_million(d[0], d[MILLION - 1], ending);
    ck_assert_str_eq(trace_take(), traces[ending]);
    thrum_deferred_finish(d[MILLION - 1]);
    free(d);
}

static void chains(void)
{
    for (int ending = FIRED; ending <= LET_GO; ending++)
        for (int forward = 0; forward < 2; forward++)
            chain_of_a_million(forward, (enum ending)ending);
}

START_TEST(a_million_in_a_chain)
{
    trace_setup();
    on_small_stack_with(&context, chains, STACK);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("chain"), tcase_create("all of it")};

    tcase_add_checked_fixture(cases[0], setup, teardown);
    tcase_add_test(cases[0], what_to_waits_for_is_seen_until_it_has_its_result);
    tcase_add_test(cases[0], one_that_was_cancelled_waits_for_nothing);
    tcase_add_test(cases[0], a_value_goes_over_and_leaves_none);
    tcase_add_test(cases[0], a_failure_goes_over_and_leaves_none);
    tcase_add_test(cases[0], a_failure_that_nobody_handles_is_that_of_to);
    tcase_add_test(cases[0], what_is_there_already_goes_over_at_once);
    tcase_add_test(cases[0], the_result_goes_over_as_it_is_at_that_place);
    tcase_add_test(cases[0], a_paused_one_gets_it_and_keeps_it);
    tcase_add_test(cases[0], a_from_that_is_abandoned_fails_to);
    tcase_add_test(cases[0], consumers_may_both_be_gone);
    tcase_add_test(cases[0], cancelling_to_cancels_from);
    tcase_add_test(cases[0], a_late_result_of_from_is_swallowed);
    tcase_add_test(cases[0], to_ends_when_from_cannot_be_cancelled);
    tcase_add_test(cases[0], to_that_was_cancelled_before_swallows_the_result);
    tcase_add_test(cases[0], the_canceller_that_to_had_goes);
    tcase_add_test(cases[0], a_canceller_may_chain_what_it_cancels);
    tcase_add_test(cases[0], one_that_has_its_result_takes_no_other);
    tcase_add_test(cases[0], null_is_one_that_failed_for_want_of_memory);
    tcase_add_test(cases[0], a_deferred_is_not_chained_to_itself);
    tcase_add_test(cases[0], a_circle_of_three_is_refused);
    tcase_add_test(cases[0], a_callback_does_not_wait_for_what_waits_for_it);
    tcase_add_test(cases[0], one_whose_result_was_passed_on_may_be_waited_for);
    tcase_add_test(cases[0],
                   one_that_only_swallows_the_result_may_be_waited_for);
    tcase_add_test(cases[0],
                   one_that_was_cancelled_and_goes_on_may_be_waited_for);
    tcase_add_loop_test(cases[0], one_that_was_chained_waits_like_any_other, 0,
                        2);
    tcase_set_timeout(cases[1], 240);
    tcase_add_test(cases[1], a_chain_survives_every_failing_allocation);
    tcase_add_test(cases[1], without_memory_both_fail);
    tcase_add_test(cases[1], a_million_in_a_chain);
    return support_main("chain", cases, 2);
}
