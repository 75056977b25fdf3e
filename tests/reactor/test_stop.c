/* SPDX-License-Identifier: MIT */
/*
 * Starting and stopping in order, and what cuts a stop short.
 */
#include "tests/reactor/story.h"

/* ---- Order ---- */

START_TEST(start_up_comes_as_asked_and_shutdown_in_reverse_by_phases)
{
    thrum_reactor *reactor = loop_start();
    act acts[8];

    for (int i = 0; i < 8; i++) {
        acts[i] = (act){.reactor = reactor, .letter = (char)('a' + i)};
        ck_assert_ptr_nonnull(story_on(
            (thrum_trigger_phase)(THRUM_TRIGGER_AFTER_SHUTDOWN - i % 4),
            &acts[i]));
    }
    story_run_until_stopped(reactor);
    story_expect("dh!gcfbea");
    story_expect_released(8);
    loop_end(reactor);
}
END_TEST

START_TEST(triggers_are_called_once_and_a_run_follows_a_run)
{
    thrum_reactor *reactor = loop_start();
    act start = {.reactor = reactor, .letter = 'a'};
    act end = {.reactor = reactor, .letter = 'z'};

    story_on(THRUM_TRIGGER_STARTUP, &start);
    story_on(THRUM_TRIGGER_DURING_SHUTDOWN, &end);
    story_run_until_stopped(reactor);
    story_run_until_stopped(reactor);
    story_expect("a!z!");
    story_on(THRUM_TRIGGER_STARTUP, &start);
    story_on(THRUM_TRIGGER_AFTER_SHUTDOWN, &end);
    story_run_until_stopped(reactor);
    story_expect("a!z");
    loop_end(reactor);
    story_expect_released(4);
}
END_TEST

START_TEST(a_trigger_that_was_taken_back_is_not_called)
{
    thrum_reactor *reactor = loop_start();
    act one = {.reactor = reactor, .letter = 'a'};
    thrum_trigger *trigger = story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &one);

    thrum_trigger_free(trigger);
    thrum_trigger_free(NULL);
    story_expect_released(1);
    story_run_until_stopped(reactor);
    story_expect("!");
    loop_end(reactor);
}
END_TEST

START_TEST(triggers_that_were_not_called_are_released_with_the_reactor)
{
    thrum_reactor *reactor = loop_start();
    act one = {.reactor = reactor, .letter = 'a'};

    for (int i = 0; i < 4; i++)
        story_on((thrum_trigger_phase)i, &one);
    loop_end(reactor);
    story_expect_released(4);
    story_expect("");
}
END_TEST

/* Asks for a trigger of each phase while it is called itself. */
static thrum_outcome asks_for_more(void *ctx)
{
    act *self = ctx;

    story_tell('?');
    for (int i = 0; i < 4; i++)
        story_tell(story_on((thrum_trigger_phase)i, self) != NULL ? '+' : '-');
    return thrum_done();
}

START_TEST(a_phase_that_is_over_takes_no_more_triggers)
{
    thrum_reactor *reactor = loop_start();
    act more = {.reactor = reactor, .letter = 'm'};

    thrum_trigger_new(reactor, THRUM_TRIGGER_STARTUP, asks_for_more, &more,
                      NULL);
    thrum_trigger_new(reactor, THRUM_TRIGGER_DURING_SHUTDOWN, asks_for_more,
                      &more, NULL);
    story_run_until_stopped(reactor);
    story_expect("?-+++!mm?--++mmm");
    story_expect_released(8);
    loop_end(reactor);
}
END_TEST

/* ---- Waiting ---- */

START_TEST(a_phase_begins_when_all_of_the_one_before_has_ended)
{
    thrum_reactor *reactor = loop_start();
    act before = {
        .reactor = reactor, .letter = 'b', .on = story_pending(reactor)};
    act after = {.reactor = reactor, .letter = 'd'};
    thrum_deferred *end = before.on;

    story_on(THRUM_TRIGGER_DURING_SHUTDOWN, &after);
    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    story_later(reactor, story_stop, reactor);
    thrum_clock_call_later(thrum_reactor_clock(reactor), THRUM_MS, story_fire,
                           end, NULL);
    ck_assert_int_eq(thrum_reactor_run(reactor), 0);
    story_expect("!bfd");
    story_expect_released(2);
    loop_end(reactor);
}
END_TEST

START_TEST(what_has_ended_already_is_not_waited_for)
{
    thrum_reactor *reactor = loop_start();
    thrum_context *context = thrum_reactor_context(reactor);
    act before = {.reactor = reactor,
                  .letter = 'b',
                  .on = thrum_deferred_succeed(context, NULL, NULL)};

    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    story_run_until_stopped(reactor);
    story_expect("!b");
    story_expect_released(1);
    loop_end(reactor);
}
END_TEST

static thrum_outcome answers_nothing_that_was_made(void *ctx)
{
    (void)ctx;
    return thrum_wait(NULL);
}

START_TEST(failures_of_shutdown_are_told_and_the_others_go_on)
{
    thrum_reactor *reactor = loop_start();
    act fails = {.reactor = reactor, .letter = 'f', .fails = true};
    act late = {
        .reactor = reactor, .letter = 'l', .on = story_pending(reactor)};
    act after = {.reactor = reactor, .letter = 'a'};

    thrum_deferred_fail(late.on, story_failure(reactor));
    story_on(THRUM_TRIGGER_AFTER_SHUTDOWN, &after);
    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &late);
    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &fails);
    thrum_trigger_new(reactor, THRUM_TRIGGER_BEFORE_SHUTDOWN,
                      answers_nothing_that_was_made, NULL, NULL);
    story_run_until_stopped(reactor);
    story_expect("!fla");
    ck_assert_uint_eq(support_unhandled(), 3);
    story_expect_released(3);
    loop_end(reactor);
}
END_TEST

START_TEST(a_start_up_that_fails_stops_the_run)
{
    for (int late = 0; late < 2; late++) {
        thrum_reactor *reactor = loop_start();
        act start = {.reactor = reactor, .letter = 's', .fails = !late};
        act end = {.reactor = reactor, .letter = 'e'};

        if (late)
            start.on = thrum_deferred_failed(thrum_reactor_context(reactor),
                                             story_failure(reactor));
        story_hold(reactor);
        story_on(THRUM_TRIGGER_STARTUP, &start);
        story_on(THRUM_TRIGGER_AFTER_SHUTDOWN, &end);
        ck_assert_int_eq(thrum_reactor_run(reactor), THRUM_REACTOR_E_STOPPED);
        story_expect("se");
        ck_assert_uint_eq(support_unhandled(), 1);
        loop_end(reactor);
        story_expect_released(2);
    }
}
END_TEST

START_TEST(a_start_up_that_is_still_waited_for_is_cancelled_by_a_stop)
{
    thrum_reactor *reactor = loop_start();
    act start = {
        .reactor = reactor, .letter = 's', .on = story_pending(reactor)};
    thrum_deferred *late = start.on;

    story_on(THRUM_TRIGGER_STARTUP, &start);
    story_run_until_stopped(reactor);
    story_expect("s!");
    story_expect_released(1);
    ck_assert_uint_eq(support_unhandled(), 0);
    thrum_deferred_fire(late, NULL, NULL);
    loop_end(reactor);
}
END_TEST

/* ---- Cut short ---- */

START_TEST(a_stop_that_takes_too_long_is_cut_and_calls_the_rest)
{
    thrum_reactor_config config = {.context = support_context(),
                                   .stop_within = THRUM_MS};
    thrum_reactor *reactor = thrum_reactor_new(&config);
    act before = {
        .reactor = reactor, .letter = 'b', .on = story_pending(reactor)};
    act during = {
        .reactor = reactor, .letter = 'd', .on = story_pending(reactor)};
    act after = {.reactor = reactor, .letter = 'a'};
    thrum_deferred *late[] = {before.on, during.on};

    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    story_on(THRUM_TRIGGER_DURING_SHUTDOWN, &during);
    story_on(THRUM_TRIGGER_AFTER_SHUTDOWN, &after);
    story_later(reactor, story_stop, reactor);
    ck_assert_int_eq(thrum_reactor_run(reactor), THRUM_REACTOR_E_TIMEOUT);
    story_expect("!bda");
    ck_assert_uint_eq(support_unhandled(), 0);
    story_expect_released(3);
    for (int i = 0; i < 2; i++)
        thrum_deferred_fire(late[i], NULL, NULL);
    story_run_until_stopped(reactor); /* the next stop is not late */
    story_expect("!");
    loop_end(reactor);
}
END_TEST

static void stop_again_next_turn(void *reactor)
{
    story_stop(reactor);
    story_later(reactor, story_stop, reactor);
}

START_TEST(a_second_stop_is_at_once)
{
    thrum_reactor *reactor = loop_start();
    act before = {
        .reactor = reactor, .letter = 'b', .on = story_pending(reactor)};
    act after = {.reactor = reactor, .letter = 'a'};
    thrum_deferred *late = before.on;

    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    story_on(THRUM_TRIGGER_AFTER_SHUTDOWN, &after);
    story_later(reactor, stop_again_next_turn, reactor);
    ck_assert_int_eq(thrum_reactor_run(reactor), THRUM_REACTOR_E_STOPPED);
    story_expect("!b!a");
    thrum_deferred_fire(late, NULL, NULL);
    loop_end(reactor);
    story_expect_released(2);
}
END_TEST

START_TEST(two_stops_in_one_turn_are_one)
{
    thrum_reactor *reactor = loop_start();
    act before = {
        .reactor = reactor, .letter = 'b', .on = story_pending(reactor)};
    thrum_deferred *end = before.on;

    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    story_later(reactor, story_stop, reactor);
    story_later(reactor, story_stop, reactor);
    thrum_clock_call_later(thrum_reactor_clock(reactor), THRUM_MS, story_fire,
                           end, NULL);
    ck_assert_int_eq(thrum_reactor_run(reactor), 0);
    story_expect("!!bf");
    loop_end(reactor);
    story_expect_released(1);
}
END_TEST

START_TEST(a_trigger_that_stops_again_cuts_what_it_waits_for_itself)
{
    thrum_reactor *reactor = loop_start();
    act before = {.reactor = reactor,
                  .letter = 'b',
                  .on = story_pending(reactor),
                  .stops = true};
    thrum_deferred *late = before.on;

    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    story_hold(reactor);
    story_later(reactor, story_stop, reactor);
    ck_assert_int_eq(thrum_reactor_run(reactor), THRUM_REACTOR_E_STOPPED);
    story_expect("!b");
    thrum_deferred_fire(late, NULL, NULL);
    loop_end(reactor);
    story_expect_released(1);
}
END_TEST

static thrum_outcome waits_on(const thrum_failure *why, void *other)
{
    (void)why;
    return thrum_wait(other);
}

/* It answers its being cancelled by waiting for another: nobody waits for
 * that, and its trigger goes when it ends. */
START_TEST(what_does_not_end_by_being_cancelled_goes_on_alone)
{
    thrum_reactor *reactor = loop_start();
    act before = {.reactor = reactor,
                  .letter = 'b',
                  .on = story_pending(reactor),
                  .stops = true};
    thrum_deferred *first = before.on, *other = story_pending(reactor);

    thrum_deferred_add(first, NULL, waits_on, other, NULL);
    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    story_hold(reactor);
    story_later(reactor, story_stop, reactor);
    thrum_reactor_run(reactor);
    story_expect("!b");
    story_expect_released(0);
    thrum_deferred_fire(other, NULL, NULL);
    story_expect_released(1);
    thrum_deferred_fire(first, NULL, NULL);
    loop_end(reactor);
}
END_TEST

static TCase *case_order(void)
{
    TCase *order = tcase_create("order");

    tcase_add_test(order,
                   start_up_comes_as_asked_and_shutdown_in_reverse_by_phases);
    tcase_add_test(order, triggers_are_called_once_and_a_run_follows_a_run);
    tcase_add_test(order, a_trigger_that_was_taken_back_is_not_called);
    tcase_add_test(order,
                   triggers_that_were_not_called_are_released_with_the_reactor);
    tcase_add_test(order, a_phase_that_is_over_takes_no_more_triggers);
    tcase_add_test(order, a_phase_begins_when_all_of_the_one_before_has_ended);
    tcase_add_test(order, what_has_ended_already_is_not_waited_for);
    tcase_add_test(order, failures_of_shutdown_are_told_and_the_others_go_on);
    tcase_add_test(order, a_start_up_that_fails_stops_the_run);
    tcase_add_test(order,
                   a_start_up_that_is_still_waited_for_is_cancelled_by_a_stop);
    return order;
}

static TCase *case_cut(void)
{
    TCase *cut = tcase_create("cut short");

    tcase_add_test(cut, a_stop_that_takes_too_long_is_cut_and_calls_the_rest);
    tcase_add_test(cut, a_second_stop_is_at_once);
    tcase_add_test(cut, two_stops_in_one_turn_are_one);
    tcase_add_test(cut,
                   a_trigger_that_stops_again_cuts_what_it_waits_for_itself);
    tcase_add_test(cut, what_does_not_end_by_being_cancelled_goes_on_alone);
    return cut;
}

int main(void)
{
    TCase *const cases[] = {case_order(), case_cut()};

    loop_watchdog();
    return support_main("stop", cases, sizeof cases / sizeof *cases);
}
