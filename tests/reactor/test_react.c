/* SPDX-License-Identifier: MIT */
/*
 * A program's way through thrum_react.
 */
#include <stdio.h>
#include <unistd.h>

#include <thrum/deferred.h>

#include "tests/reactor/loop.h"

static void never(void *ctx)
{
    (void)ctx;
    ck_abort_msg("this call must not be made");
}

static thrum_call *keep_alive(thrum_reactor *reactor)
{
    return thrum_clock_call_later(thrum_reactor_clock(reactor), 3600 * THRUM_S,
                                  never, NULL, NULL);
}

static char printed[512];

/* Runs a program with its standard error kept aside. */
static int react(thrum_main_fn *program, void *arg)
{
    FILE *kept = tmpfile();
    int stderr_before = dup(STDERR_FILENO), status;
    size_t size;

    fflush(stderr);
    dup2(fileno(kept), STDERR_FILENO);
    status = thrum_react(program, arg);
    fflush(stderr);
    dup2(stderr_before, STDERR_FILENO);
    close(stderr_before);
    rewind(kept);
    size = fread(printed, 1, sizeof printed - 1, kept);
    printed[size] = '\0';
    fclose(kept);
    return status;
}

static thrum_deferred *ends_at_once(thrum_reactor *reactor, void *arg)
{
    thrum_deferred *end =
        thrum_deferred_new(thrum_reactor_context(reactor), "end");

    ck_assert_str_eq(arg, "argument");
    keep_alive(reactor);
    thrum_deferred_fire(end, NULL, NULL);
    return end;
}

START_TEST(a_program_whose_deferred_has_fired_ends_with_status_0)
{
    ck_assert_int_eq(react(ends_at_once, "argument"), 0);
    ck_assert_str_eq(printed, "");
}
END_TEST

static void fire_it(void *deferred)
{
    thrum_deferred_fire(deferred, NULL, NULL);
}

static thrum_deferred *ends_later(thrum_reactor *reactor, void *arg)
{
    thrum_deferred *end =
        thrum_deferred_new(thrum_reactor_context(reactor), "end");

    (void)arg;
    keep_alive(reactor);
    thrum_clock_call_later(thrum_reactor_clock(reactor), THRUM_MS, fire_it, end,
                           NULL);
    return end;
}

START_TEST(the_end_of_its_deferred_ends_a_program)
{
    ck_assert_int_eq(react(ends_later, NULL), 0);
    ck_assert_str_eq(printed, "");
}
END_TEST

static thrum_deferred *fails(thrum_reactor *reactor, void *arg)
{
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_deferred *end = thrum_deferred_new(context, "open the door");
    thrum_failure *why = thrum_failure_new(context, &thrum_domain_base,
                                           THRUM_E_FULL, "it is stuck");

    (void)arg;
    thrum_failure_because(
        why, thrum_failure_new(context, &thrum_domain_system, 2, NULL));
    thrum_deferred_fail(end, why);
    return end;
}

START_TEST(a_program_that_failed_says_what_and_why_and_ends_with_status_1)
{
    ck_assert_int_eq(react(fails, NULL), 1);
    ck_assert_str_eq(printed,
                     "open the door: it is stuck: No such file or directory\n");
}
END_TEST

static thrum_deferred *has_no_memory(thrum_reactor *reactor, void *arg)
{
    (void)reactor;
    (void)arg;
    return NULL;
}

START_TEST(a_program_without_a_deferred_has_run_out_of_memory)
{
    ck_assert_int_eq(react(has_no_memory, NULL), 1);
    ck_assert_str_eq(printed, "thrum_react: out of memory\n");
}
END_TEST

static thrum_cancelled stop_waiting(thrum_deferred *deferred, void *stops)
{
    (void)deferred;
    ++*(int *)stops;
    return THRUM_CANCELLED_STOPPED;
}

static thrum_deferred *waits_for_nothing(thrum_reactor *reactor, void *stops)
{
    thrum_deferred *end =
        thrum_deferred_new(thrum_reactor_context(reactor), "wait");

    thrum_deferred_on_cancel(end, stop_waiting, stops, NULL);
    return end;
}

START_TEST(a_program_whose_loop_runs_dry_says_so_and_is_cancelled)
{
    int stops = 0;

    ck_assert_int_eq(react(waits_for_nothing, &stops), 1);
    ck_assert_str_eq(printed,
                     "thrum_react: the loop ended before the Deferred\n"
                     "wait: cancelled\n");
    ck_assert_int_eq(stops, 1);
}
END_TEST

static thrum_deferred *serves_until_stopped(thrum_reactor *reactor, void *arg)
{
    (void)arg;
    keep_alive(reactor);
    thrum_clock_call_later(thrum_reactor_clock(reactor), 0,
                           (thrum_call_fn *)thrum_reactor_stop, reactor, NULL);
    return thrum_reactor_when_stopped(reactor);
}

START_TEST(a_program_that_serves_until_it_is_stopped_ends_with_status_0)
{
    ck_assert_int_eq(react(serves_until_stopped, NULL), 0);
    ck_assert_str_eq(printed, "");
}
END_TEST

static thrum_deferred *is_stopped(thrum_reactor *reactor, void *stops)
{
    keep_alive(reactor);
    thrum_reactor_stop(reactor); /* before it runs */
    return waits_for_nothing(reactor, stops);
}

START_TEST(what_a_stopped_program_still_waits_for_is_cancelled_in_silence)
{
    int stops = 0;

    ck_assert_int_eq(react(is_stopped, &stops), 0);
    ck_assert_int_eq(stops, 1);
    ck_assert_str_eq(printed, "");
}
END_TEST

static thrum_outcome is_stuck(const thrum_failure *why, void *context)
{
    (void)why;
    return thrum_fail(
        thrum_failure_new(context, &thrum_domain_base, THRUM_E_FULL, "stuck"));
}

static thrum_deferred *does_not_end_well(thrum_reactor *reactor, void *stops)
{
    thrum_deferred *end = is_stopped(reactor, stops);

    thrum_deferred_add(end, NULL, is_stuck, thrum_reactor_context(reactor),
                       NULL);
    return end;
}

START_TEST(what_fails_when_it_is_cancelled_fails_the_program)
{
    int stops = 0;

    ck_assert_int_eq(react(does_not_end_well, &stops), 1);
    ck_assert_str_eq(printed, "wait: stuck\n");
}
END_TEST

static thrum_outcome count_trigger(void *times)
{
    ++*(int *)times;
    return thrum_done();
}

static void clean_up(thrum_reactor *reactor, void *times)
{
    thrum_trigger_new(reactor, THRUM_TRIGGER_AFTER_SHUTDOWN, count_trigger,
                      times, NULL);
}

static thrum_deferred *ends_well(thrum_reactor *reactor, void *times)
{
    clean_up(reactor, times);
    return ends_later(reactor, NULL);
}

static thrum_deferred *runs_dry(thrum_reactor *reactor, void *times)
{
    static int stops;

    clean_up(reactor, times);
    return waits_for_nothing(reactor, &stops);
}

static thrum_deferred *fails_at_once(thrum_reactor *reactor, void *times)
{
    clean_up(reactor, times);
    return fails(reactor, NULL);
}

START_TEST(a_program_is_stopped_in_order_however_it_ends)
{
    thrum_main_fn *const programs[] = {ends_well, runs_dry, fails_at_once};

    for (int i = 0; i < 3; i++) {
        int times = 0;

        ck_assert_int_eq(react(programs[i], &times), i > 0);
        ck_assert_int_eq(times, 1);
    }
}
END_TEST

static thrum_outcome cannot_start(void *reactor)
{
    return is_stuck(NULL, thrum_reactor_context(reactor));
}

static thrum_deferred *does_not_start(thrum_reactor *reactor, void *stops)
{
    keep_alive(reactor);
    thrum_trigger_new(reactor, THRUM_TRIGGER_STARTUP, cannot_start, reactor,
                      NULL);
    return waits_for_nothing(reactor, stops);
}

START_TEST(a_program_that_does_not_start_ends_with_status_1)
{
    int stops = 0;

    ck_assert_int_eq(react(does_not_start, &stops), 1);
    ck_assert_str_eq(printed, "start-up trigger: stuck\n"
                              "thrum_react: the reactor was stopped\n");
    ck_assert_int_eq(stops, 1);
}
END_TEST

int main(void)
{
    TCase *programs = tcase_create("programs");
    TCase *const cases[] = {programs};

    loop_watchdog();
    tcase_add_test(programs,
                   a_program_whose_deferred_has_fired_ends_with_status_0);
    tcase_add_test(programs, the_end_of_its_deferred_ends_a_program);
    tcase_add_test(
        programs,
        a_program_that_failed_says_what_and_why_and_ends_with_status_1);
    tcase_add_test(programs,
                   a_program_without_a_deferred_has_run_out_of_memory);
    tcase_add_test(programs,
                   a_program_whose_loop_runs_dry_says_so_and_is_cancelled);
    tcase_add_test(
        programs, a_program_that_serves_until_it_is_stopped_ends_with_status_0);
    tcase_add_test(
        programs,
        what_a_stopped_program_still_waits_for_is_cancelled_in_silence);
    tcase_add_test(programs, what_fails_when_it_is_cancelled_fails_the_program);
    tcase_add_test(programs, a_program_is_stopped_in_order_however_it_ends);
    tcase_add_test(programs, a_program_that_does_not_start_ends_with_status_1);
    return support_main("react", cases, sizeof cases / sizeof *cases);
}
