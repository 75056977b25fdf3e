/* SPDX-License-Identifier: MIT */
/*
 * Who hears of a stop, who asks for one, and in which loop.
 */
#include <ev.h>
#include <signal.h>

#include <thrum/test_clock.h>

#include "tests/reactor/story.h"

static void never(void *ctx)
{
    (void)ctx;
    ck_abort_msg("this call must not be made");
}

/* ---- Who waits for it ---- */

START_TEST(who_waits_for_a_stop_is_told_when_all_has_ended)
{
    thrum_reactor *reactor = loop_start();
    act after = {.reactor = reactor, .letter = 'a'};

    story_on(THRUM_TRIGGER_AFTER_SHUTDOWN, &after);
    thrum_deferred_finish(story_when_stopped(reactor, reactor));
    thrum_deferred_finish(story_when_stopped(reactor, NULL));
    story_run_until_stopped(reactor);
    story_expect("!aww");
    story_run_until_stopped(reactor);
    story_expect("!");
    loop_end(reactor);
    story_expect_released(1);
}
END_TEST

START_TEST(who_waits_for_a_stop_may_leave_and_learns_of_the_reactors_end)
{
    thrum_reactor *reactor = loop_start();
    thrum_context *context = thrum_context_ref(thrum_reactor_context(reactor));
    thrum_deferred *one = thrum_reactor_when_stopped(reactor);

    thrum_deferred_cancel(one);
    thrum_deferred_mark_handled(one);
    thrum_deferred_finish(one);
    thrum_deferred_finish(story_when_stopped(reactor, NULL));
    thrum_reactor_free(reactor);
    story_expect("n");
    ck_assert_uint_eq(support_unhandled(), 0);
    thrum_context_unref(context);
    support_context_end(context);
}
END_TEST

/* ---- Other loops ---- */

START_TEST(a_stop_of_what_nobody_runs_is_nothing)
{
    thrum_reactor *reactor = loop_start();
    act before = {.reactor = reactor, .letter = 'b'};

    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    thrum_reactor_stop(reactor);
    ck_assert_int_eq(thrum_reactor_run(reactor), 0); /* runs dry */
    thrum_reactor_stop(reactor);
    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    story_expect("");
    loop_end(reactor);
    story_expect_released(1);
}
END_TEST

START_TEST(a_reactor_driven_by_turns_stops_in_them)
{
    thrum_test_clock *clock;
    thrum_context *context = support_context();
    thrum_reactor_config config = {.context = context,
                                   .stop_within = 5 * THRUM_S};
    thrum_reactor *reactor;
    act start = {.letter = 's'}, before = {.letter = 'b'};

    clock = thrum_test_clock_new(context);
    config.clock = thrum_test_clock_clock(clock);
    start.reactor = before.reactor = reactor = thrum_reactor_new(&config);
    before.on = story_pending(reactor);
    story_on(THRUM_TRIGGER_STARTUP, &start);
    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    thrum_deferred_finish(story_when_stopped(reactor, NULL));
    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    thrum_reactor_stop(reactor);
    story_expect("s");
    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    story_expect("b");
    thrum_test_clock_advance(clock, 5 * THRUM_S - 1);
    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    story_expect("");
    thrum_test_clock_advance(clock, 1);
    thrum_reactor_turn(reactor);
    story_expect("w");
    thrum_deferred_fire(before.on, NULL, NULL);
    thrum_reactor_free(reactor);
    thrum_test_clock_free(clock);
    support_context_end(context);
    story_expect_released(2);
}
END_TEST

static thrum_outcome break_own_loop(void *value, void *loop)
{
    (void)value;
    story_tell('w');
    ev_break(loop, EVBREAK_ONE);
    return thrum_done();
}

START_TEST(in_a_loop_of_its_own_the_program_learns_of_the_stop_and_ends_it)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    thrum_reactor_config config = {.loop = loop, .context = support_context()};
    thrum_reactor *reactor = thrum_reactor_new(&config);
    act start = {.reactor = reactor, .letter = 's'};
    act before = {
        .reactor = reactor, .letter = 'b', .on = story_pending(reactor)};
    thrum_deferred *told = thrum_reactor_when_stopped(reactor);

    story_on(THRUM_TRIGGER_STARTUP, &start);
    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    thrum_deferred_add(told, break_own_loop, NULL, loop, NULL);
    thrum_deferred_finish(told);
    story_hold(reactor);
    story_later(reactor, story_stop, reactor);
    thrum_clock_call_later(thrum_reactor_clock(reactor), THRUM_MS, story_fire,
                           before.on, NULL);
    ck_assert_int_ne(ev_run(loop, 0), 0); /* the hour is left */
    story_expect("s!bfw");
    thrum_reactor_free(reactor);
    ck_assert_int_eq(ev_run(loop, 0), 0);
    ev_loop_destroy(loop);
    support_context_end(config.context);
    story_expect_released(2);
}
END_TEST

/* ---- Signals ---- */

static void raise_int(void *ctx)
{
    (void)ctx;
    story_tell('I');
    raise(SIGINT);
}

static thrum_outcome waits_and_is_interrupted(void *ctx)
{
    act *self = ctx;

    story_tell('b');
    story_later(self->reactor, raise_int, NULL);
    return thrum_wait(self->on);
}

static void raise_term(void *ctx)
{
    (void)ctx;
    story_tell('T');
    raise(SIGTERM);
}

START_TEST(the_first_signal_stops_in_order_and_the_second_at_once)
{
    thrum_reactor *reactor = loop_start();
    act before = {.reactor = reactor, .on = story_pending(reactor)};
    thrum_deferred *late = before.on;

    ck_assert_int_eq(thrum_reactor_stop_on_signals(reactor), 0);
    ck_assert_int_eq(thrum_reactor_stop_on_signals(reactor), 0);
    thrum_trigger_new(reactor, THRUM_TRIGGER_BEFORE_SHUTDOWN,
                      waits_and_is_interrupted, &before, NULL);
    story_hold(reactor);
    story_later(reactor, raise_term, NULL);
    ck_assert_int_eq(thrum_reactor_run(reactor), THRUM_REACTOR_E_STOPPED);
    story_expect("TbI");
    thrum_deferred_fire(late, NULL, NULL);
    loop_end(reactor);
}
END_TEST

START_TEST(signals_that_another_reactor_has_are_refused_whole)
{
    thrum_reactor *one = loop_start(), *other = loop_start();
    thrum_signal *taken = thrum_signal_new(one, SIGINT, never, NULL, NULL);
    struct sigaction now;

    ck_assert_int_eq(thrum_reactor_stop_on_signals(other), THRUM_E_INVALID);
    sigaction(SIGTERM, NULL, &now);
    ck_assert(now.sa_handler == SIG_DFL);
    thrum_signal_free(taken);
    ck_assert_int_eq(thrum_reactor_stop_on_signals(other), 0);
    loop_end(one);
    loop_end(other);
    sigaction(SIGTERM, NULL, &now);
    ck_assert(now.sa_handler == SIG_DFL);
}
END_TEST

/* ---- Memory ---- */

static void scenario_in(thrum_reactor *reactor)
{
    act start = {.reactor = reactor, .letter = 's'};
    act before = {
        .reactor = reactor, .letter = 'b', .on = story_pending(reactor)};
    thrum_deferred *end = before.on;
    int error;

    story_later(reactor, story_stop, reactor);
    story_on(THRUM_TRIGGER_STARTUP, &start);
    story_on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    thrum_deferred_finish(story_when_stopped(reactor, NULL));
    error = thrum_reactor_stop_on_signals(reactor);
    ck_assert(error == 0 || error == THRUM_E_NOMEM);
    if (thrum_clock_call_later(thrum_reactor_clock(reactor), THRUM_MS,
                               story_fire, end, NULL) == NULL)
        story_fire(end);
    thrum_reactor_run(reactor);
    if (!story_has('b'))
        thrum_deferred_finish(end);
    if (!story_has('f'))
        thrum_deferred_fire(end, NULL, NULL);
}

static void scenario(void)
{
    thrum_context *context = support_context();
    thrum_reactor_config config = {.context = context};
    thrum_reactor *reactor =
        context != NULL ? thrum_reactor_new(&config) : NULL;

    if (reactor != NULL)
        scenario_in(reactor);
    thrum_reactor_free(reactor);
    if (reactor != NULL)
        story_expect_released(2);
    story_forget();
    support_unhandled();
    support_context_end(context);
}

START_TEST(starting_and_stopping_survive_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *others = tcase_create("others");
    TCase *const cases[] = {others};

    loop_watchdog();
    tcase_add_test(others, who_waits_for_a_stop_is_told_when_all_has_ended);
    tcase_add_test(
        others, who_waits_for_a_stop_may_leave_and_learns_of_the_reactors_end);
    tcase_add_test(others, a_stop_of_what_nobody_runs_is_nothing);
    tcase_add_test(others, a_reactor_driven_by_turns_stops_in_them);
    tcase_add_test(
        others,
        in_a_loop_of_its_own_the_program_learns_of_the_stop_and_ends_it);
    tcase_add_test(others,
                   the_first_signal_stops_in_order_and_the_second_at_once);
    tcase_add_test(others, signals_that_another_reactor_has_are_refused_whole);
    tcase_add_test(others,
                   starting_and_stopping_survive_every_failing_allocation);
    return support_main("stopped", cases, sizeof cases / sizeof *cases);
}
