/* SPDX-License-Identifier: MIT */
/*
 * Starting and stopping in order. What happens is told by one letter each.
 */
#include <ev.h>
#include <signal.h>
#include <string.h>

#include <thrum/deferred.h>
#include <thrum/test_clock.h>

#include "tests/reactor/loop.h"

static char story[64];
static unsigned released;

static void tell(char letter)
{
    size_t size = strlen(story);

    ck_assert_uint_lt(size, sizeof story - 1);
    story[size] = letter;
}

static void expect(const char *wanted)
{
    ck_assert_str_eq(story, wanted);
    memset(story, 0, sizeof story);
}

static void expect_released(unsigned wanted)
{
    ck_assert_uint_eq(released, wanted);
    released = 0;
}

static void release(void *ctx)
{
    (void)ctx;
    released++;
}

/* What a trigger does: says its letter, and answers. */
typedef struct act {
    thrum_reactor *reactor;
    thrum_deferred *on; /* what it waits for */
    char letter;
    bool fails, stops;
} act;

static thrum_failure *stuck(thrum_reactor *reactor)
{
    return thrum_failure_new(thrum_reactor_context(reactor), &thrum_domain_base,
                             THRUM_E_FULL, "stuck");
}

static thrum_outcome act_out(void *ctx)
{
    act *self = ctx;

    tell(self->letter);
    if (self->stops)
        thrum_reactor_stop(self->reactor);
    if (self->on != NULL)
        return thrum_wait(self->on);
    if (self->fails)
        return thrum_fail(stuck(self->reactor));
    return thrum_done();
}

static thrum_trigger *on(thrum_trigger_phase phase, act *what)
{
    return thrum_trigger_new(what->reactor, phase, act_out, what, release);
}

static void stop(void *reactor)
{
    tell('!');
    thrum_reactor_stop(reactor);
}

static void later(thrum_reactor *reactor, thrum_call_fn *fn, void *ctx)
{
    thrum_clock_call_later(thrum_reactor_clock(reactor), 0, fn, ctx, NULL);
}

static void never(void *ctx)
{
    (void)ctx;
    ck_abort_msg("this call must not be made");
}

static void hold(thrum_reactor *reactor)
{
    thrum_clock_call_later(thrum_reactor_clock(reactor), 3600 * THRUM_S, never,
                           NULL, NULL);
}

static void run_until_stopped(thrum_reactor *reactor)
{
    hold(reactor);
    later(reactor, stop, reactor);
    ck_assert_int_eq(thrum_reactor_run(reactor), 0);
}

static thrum_deferred *pending(thrum_reactor *reactor)
{
    return thrum_deferred_new(thrum_reactor_context(reactor), "closing");
}

static void fire(void *deferred)
{
    tell('f');
    thrum_deferred_fire(deferred, NULL, NULL);
}

/* ---- Order ---- */

START_TEST(start_up_comes_as_asked_and_shutdown_in_reverse_by_phases)
{
    thrum_reactor *reactor = loop_start();
    act acts[8];

    for (int i = 0; i < 8; i++) {
        acts[i] = (act){.reactor = reactor, .letter = (char)('a' + i)};
        ck_assert_ptr_nonnull(
            on((thrum_trigger_phase)(THRUM_TRIGGER_AFTER_SHUTDOWN - i % 4),
               &acts[i]));
    }
    run_until_stopped(reactor);
    expect("dh!gcfbea");
    expect_released(8);
    loop_end(reactor);
}
END_TEST

START_TEST(triggers_are_called_once_and_a_run_follows_a_run)
{
    thrum_reactor *reactor = loop_start();
    act start = {.reactor = reactor, .letter = 'a'};
    act end = {.reactor = reactor, .letter = 'z'};

    on(THRUM_TRIGGER_STARTUP, &start);
    on(THRUM_TRIGGER_DURING_SHUTDOWN, &end);
    run_until_stopped(reactor);
    run_until_stopped(reactor);
    expect("a!z!");
    on(THRUM_TRIGGER_STARTUP, &start);
    on(THRUM_TRIGGER_AFTER_SHUTDOWN, &end);
    run_until_stopped(reactor);
    expect("a!z");
    loop_end(reactor);
    expect_released(4);
}
END_TEST

START_TEST(a_trigger_that_was_taken_back_is_not_called)
{
    thrum_reactor *reactor = loop_start();
    act one = {.reactor = reactor, .letter = 'a'};
    thrum_trigger *trigger = on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &one);

    thrum_trigger_free(trigger);
    thrum_trigger_free(NULL);
    expect_released(1);
    run_until_stopped(reactor);
    expect("!");
    loop_end(reactor);
}
END_TEST

START_TEST(triggers_that_were_not_called_are_released_with_the_reactor)
{
    thrum_reactor *reactor = loop_start();
    act one = {.reactor = reactor, .letter = 'a'};

    for (int i = 0; i < 4; i++)
        on((thrum_trigger_phase)i, &one);
    loop_end(reactor);
    expect_released(4);
    expect("");
}
END_TEST

/* Asks for a trigger of each phase while it is called itself. */
static thrum_outcome asks_for_more(void *ctx)
{
    act *self = ctx;

    tell('?');
    for (int i = 0; i < 4; i++)
        tell(on((thrum_trigger_phase)i, self) != NULL ? '+' : '-');
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
    run_until_stopped(reactor);
    expect("?-+++!mm?--++mmm");
    expect_released(8);
    loop_end(reactor);
}
END_TEST

/* ---- Waiting ---- */

START_TEST(a_phase_begins_when_all_of_the_one_before_has_ended)
{
    thrum_reactor *reactor = loop_start();
    act before = {.reactor = reactor, .letter = 'b', .on = pending(reactor)};
    act after = {.reactor = reactor, .letter = 'd'};
    thrum_deferred *end = before.on;

    on(THRUM_TRIGGER_DURING_SHUTDOWN, &after);
    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    later(reactor, stop, reactor);
    thrum_clock_call_later(thrum_reactor_clock(reactor), THRUM_MS, fire, end,
                           NULL);
    ck_assert_int_eq(thrum_reactor_run(reactor), 0);
    expect("!bfd");
    expect_released(2);
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

    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    run_until_stopped(reactor);
    expect("!b");
    expect_released(1);
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
    act late = {.reactor = reactor, .letter = 'l', .on = pending(reactor)};
    act after = {.reactor = reactor, .letter = 'a'};

    thrum_deferred_fail(late.on, stuck(reactor));
    on(THRUM_TRIGGER_AFTER_SHUTDOWN, &after);
    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &late);
    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &fails);
    thrum_trigger_new(reactor, THRUM_TRIGGER_BEFORE_SHUTDOWN,
                      answers_nothing_that_was_made, NULL, NULL);
    run_until_stopped(reactor);
    expect("!fla");
    ck_assert_uint_eq(support_unhandled(), 3);
    expect_released(3);
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
                                             stuck(reactor));
        hold(reactor);
        on(THRUM_TRIGGER_STARTUP, &start);
        on(THRUM_TRIGGER_AFTER_SHUTDOWN, &end);
        ck_assert_int_eq(thrum_reactor_run(reactor), THRUM_REACTOR_E_STOPPED);
        expect("se");
        ck_assert_uint_eq(support_unhandled(), 1);
        loop_end(reactor);
        expect_released(2);
    }
}
END_TEST

START_TEST(a_start_up_that_is_still_waited_for_is_cancelled_by_a_stop)
{
    thrum_reactor *reactor = loop_start();
    act start = {.reactor = reactor, .letter = 's', .on = pending(reactor)};
    thrum_deferred *late = start.on;

    on(THRUM_TRIGGER_STARTUP, &start);
    run_until_stopped(reactor);
    expect("s!");
    expect_released(1);
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
    act before = {.reactor = reactor, .letter = 'b', .on = pending(reactor)};
    act during = {.reactor = reactor, .letter = 'd', .on = pending(reactor)};
    act after = {.reactor = reactor, .letter = 'a'};
    thrum_deferred *late[] = {before.on, during.on};

    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    on(THRUM_TRIGGER_DURING_SHUTDOWN, &during);
    on(THRUM_TRIGGER_AFTER_SHUTDOWN, &after);
    later(reactor, stop, reactor);
    ck_assert_int_eq(thrum_reactor_run(reactor), THRUM_REACTOR_E_TIMEOUT);
    expect("!bda");
    ck_assert_uint_eq(support_unhandled(), 0);
    expect_released(3);
    for (int i = 0; i < 2; i++)
        thrum_deferred_fire(late[i], NULL, NULL);
    run_until_stopped(reactor); /* the next stop is not late */
    expect("!");
    loop_end(reactor);
}
END_TEST

static void stop_again_next_turn(void *reactor)
{
    stop(reactor);
    later(reactor, stop, reactor);
}

START_TEST(a_second_stop_is_at_once)
{
    thrum_reactor *reactor = loop_start();
    act before = {.reactor = reactor, .letter = 'b', .on = pending(reactor)};
    act after = {.reactor = reactor, .letter = 'a'};
    thrum_deferred *late = before.on;

    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    on(THRUM_TRIGGER_AFTER_SHUTDOWN, &after);
    later(reactor, stop_again_next_turn, reactor);
    ck_assert_int_eq(thrum_reactor_run(reactor), THRUM_REACTOR_E_STOPPED);
    expect("!b!a");
    thrum_deferred_fire(late, NULL, NULL);
    loop_end(reactor);
    expect_released(2);
}
END_TEST

START_TEST(two_stops_in_one_turn_are_one)
{
    thrum_reactor *reactor = loop_start();
    act before = {.reactor = reactor, .letter = 'b', .on = pending(reactor)};
    thrum_deferred *end = before.on;

    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    later(reactor, stop, reactor);
    later(reactor, stop, reactor);
    thrum_clock_call_later(thrum_reactor_clock(reactor), THRUM_MS, fire, end,
                           NULL);
    ck_assert_int_eq(thrum_reactor_run(reactor), 0);
    expect("!!bf");
    loop_end(reactor);
    expect_released(1);
}
END_TEST

START_TEST(a_trigger_that_stops_again_cuts_what_it_waits_for_itself)
{
    thrum_reactor *reactor = loop_start();
    act before = {.reactor = reactor,
                  .letter = 'b',
                  .on = pending(reactor),
                  .stops = true};
    thrum_deferred *late = before.on;

    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    hold(reactor);
    later(reactor, stop, reactor);
    ck_assert_int_eq(thrum_reactor_run(reactor), THRUM_REACTOR_E_STOPPED);
    expect("!b");
    thrum_deferred_fire(late, NULL, NULL);
    loop_end(reactor);
    expect_released(1);
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
                  .on = pending(reactor),
                  .stops = true};
    thrum_deferred *first = before.on, *other = pending(reactor);

    thrum_deferred_add(first, NULL, waits_on, other, NULL);
    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    hold(reactor);
    later(reactor, stop, reactor);
    thrum_reactor_run(reactor);
    expect("!b");
    expect_released(0);
    thrum_deferred_fire(other, NULL, NULL);
    expect_released(1);
    thrum_deferred_fire(first, NULL, NULL);
    loop_end(reactor);
}
END_TEST

/* ---- Who waits for it ---- */

static thrum_outcome stopped(void *value, void *reactor)
{
    ck_assert_ptr_null(value);
    tell('w');
    if (reactor != NULL)
        thrum_reactor_stop(reactor); /* is stopped: nothing */
    return thrum_done();
}

static thrum_outcome not_stopped(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    ck_assert(
        thrum_failure_is(why, &thrum_domain_reactor, THRUM_REACTOR_E_STOPPED));
    tell('n');
    return thrum_done();
}

static thrum_deferred *when_stopped(thrum_reactor *reactor, void *ctx)
{
    thrum_deferred *deferred = thrum_reactor_when_stopped(reactor);

    thrum_deferred_add(deferred, stopped, not_stopped, ctx, NULL);
    return deferred;
}

START_TEST(who_waits_for_a_stop_is_told_when_all_has_ended)
{
    thrum_reactor *reactor = loop_start();
    act after = {.reactor = reactor, .letter = 'a'};

    on(THRUM_TRIGGER_AFTER_SHUTDOWN, &after);
    thrum_deferred_finish(when_stopped(reactor, reactor));
    thrum_deferred_finish(when_stopped(reactor, NULL));
    run_until_stopped(reactor);
    expect("!aww");
    run_until_stopped(reactor);
    expect("!");
    loop_end(reactor);
    expect_released(1);
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
    thrum_deferred_finish(when_stopped(reactor, NULL));
    thrum_reactor_free(reactor);
    expect("n");
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

    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    thrum_reactor_stop(reactor);
    ck_assert_int_eq(thrum_reactor_run(reactor), 0); /* runs dry */
    thrum_reactor_stop(reactor);
    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    expect("");
    loop_end(reactor);
    expect_released(1);
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
    before.on = pending(reactor);
    on(THRUM_TRIGGER_STARTUP, &start);
    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    thrum_deferred_finish(when_stopped(reactor, NULL));
    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    thrum_reactor_stop(reactor);
    expect("s");
    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    expect("b");
    thrum_test_clock_advance(clock, 5 * THRUM_S - 1);
    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    expect("");
    thrum_test_clock_advance(clock, 1);
    thrum_reactor_turn(reactor);
    expect("w");
    thrum_deferred_fire(before.on, NULL, NULL);
    thrum_reactor_free(reactor);
    thrum_test_clock_free(clock);
    support_context_end(context);
    expect_released(2);
}
END_TEST

static thrum_outcome break_own_loop(void *value, void *loop)
{
    (void)value;
    tell('w');
    ev_break(loop, EVBREAK_ONE);
    return thrum_done();
}

START_TEST(in_a_loop_of_its_own_the_program_learns_of_the_stop_and_ends_it)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    thrum_reactor_config config = {.loop = loop, .context = support_context()};
    thrum_reactor *reactor = thrum_reactor_new(&config);
    act start = {.reactor = reactor, .letter = 's'};
    act before = {.reactor = reactor, .letter = 'b', .on = pending(reactor)};
    thrum_deferred *told = thrum_reactor_when_stopped(reactor);

    on(THRUM_TRIGGER_STARTUP, &start);
    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    thrum_deferred_add(told, break_own_loop, NULL, loop, NULL);
    thrum_deferred_finish(told);
    hold(reactor);
    later(reactor, stop, reactor);
    thrum_clock_call_later(thrum_reactor_clock(reactor), THRUM_MS, fire,
                           before.on, NULL);
    ck_assert_int_ne(ev_run(loop, 0), 0); /* the hour is left */
    expect("s!bfw");
    thrum_reactor_free(reactor);
    ck_assert_int_eq(ev_run(loop, 0), 0);
    ev_loop_destroy(loop);
    support_context_end(config.context);
    expect_released(2);
}
END_TEST

/* ---- Signals ---- */

static void raise_int(void *ctx)
{
    (void)ctx;
    tell('I');
    raise(SIGINT);
}

static thrum_outcome waits_and_is_interrupted(void *ctx)
{
    act *self = ctx;

    tell('b');
    later(self->reactor, raise_int, NULL);
    return thrum_wait(self->on);
}

static void raise_term(void *ctx)
{
    (void)ctx;
    tell('T');
    raise(SIGTERM);
}

START_TEST(the_first_signal_stops_in_order_and_the_second_at_once)
{
    thrum_reactor *reactor = loop_start();
    act before = {.reactor = reactor, .on = pending(reactor)};
    thrum_deferred *late = before.on;

    ck_assert_int_eq(thrum_reactor_stop_on_signals(reactor), 0);
    ck_assert_int_eq(thrum_reactor_stop_on_signals(reactor), 0);
    thrum_trigger_new(reactor, THRUM_TRIGGER_BEFORE_SHUTDOWN,
                      waits_and_is_interrupted, &before, NULL);
    hold(reactor);
    later(reactor, raise_term, NULL);
    ck_assert_int_eq(thrum_reactor_run(reactor), THRUM_REACTOR_E_STOPPED);
    expect("TbI");
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
    act before = {.reactor = reactor, .letter = 'b', .on = pending(reactor)};
    thrum_deferred *end = before.on;
    int error;

    later(reactor, stop, reactor);
    on(THRUM_TRIGGER_STARTUP, &start);
    on(THRUM_TRIGGER_BEFORE_SHUTDOWN, &before);
    thrum_deferred_finish(when_stopped(reactor, NULL));
    error = thrum_reactor_stop_on_signals(reactor);
    ck_assert(error == 0 || error == THRUM_E_NOMEM);
    if (thrum_clock_call_later(thrum_reactor_clock(reactor), THRUM_MS, fire,
                               end, NULL) == NULL)
        fire(end);
    thrum_reactor_run(reactor);
    if (strchr(story, 'b') == NULL)
        thrum_deferred_finish(end);
    if (strchr(story, 'f') == NULL)
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
        expect_released(2);
    memset(story, 0, sizeof story);
    support_unhandled();
    support_context_end(context);
}

START_TEST(starting_and_stopping_survive_every_failing_allocation)
{
    support_every_allocation(scenario);
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

static TCase *case_others(void)
{
    TCase *others = tcase_create("others");

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
    return others;
}

int main(void)
{
    TCase *const cases[] = {case_order(), case_cut(), case_others()};

    loop_watchdog();
    return support_main("stop", cases, sizeof cases / sizeof *cases);
}
