/* SPDX-License-Identifier: MIT */
/*
 * Scripts: asynchronous calls made in order, one after the other.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <thrum/connect.h>
#include <thrum/deferred.h>
#include <thrum/listener.h>

#include "tests/reactor/loop.h"

typedef struct got {
    int error;
    void *value;
    thrum_free_fn *free;
    thrum_failure *why;
} got;

/* What came of it; both results stand on something first, to see them set. */
static got wait_for(thrum_reactor *reactor, thrum_deferred *deferred)
{
    got it = {.value = &it, .free = free, .why = thrum_failure_no_memory()};

    it.error =
        thrum_reactor_wait(reactor, deferred, &it.value, &it.free, &it.why);
    return it;
}

static void expect_nothing(got it, int error)
{
    ck_assert_int_eq(it.error, error);
    ck_assert_ptr_null(it.value);
    ck_assert_ptr_null(it.free);
    ck_assert_ptr_null(it.why);
}

static thrum_deferred *pending(thrum_reactor *reactor)
{
    return thrum_deferred_new(thrum_reactor_context(reactor), "step");
}

static thrum_failure *failure(thrum_reactor *reactor)
{
    return thrum_failure_new(thrum_reactor_context(reactor), &thrum_domain_base,
                             THRUM_E_FULL, "stuck");
}

static void fire(void *deferred)
{
    thrum_deferred_fire(deferred, strdup("value"), free);
}

static thrum_deferred *in_a_moment(thrum_reactor *reactor)
{
    thrum_deferred *deferred = pending(reactor);

    thrum_clock_call_later(thrum_reactor_clock(reactor), THRUM_US, fire,
                           deferred, NULL);
    return deferred;
}

START_TEST(a_script_waits_for_one_thing_after_the_other)
{
    thrum_reactor *reactor = loop_start();

    for (int i = 0; i < 3; i++) {
        got it = wait_for(reactor, in_a_moment(reactor));

        ck_assert_int_eq(it.error, 0);
        ck_assert_str_eq(it.value, "value");
        ck_assert_ptr_null(it.why);
        it.free(it.value);
    }
    loop_end(reactor);
}
END_TEST

START_TEST(what_is_there_already_is_answered_without_a_turn)
{
    thrum_reactor *reactor = loop_start();
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_deferred *late = in_a_moment(reactor);
    got it = wait_for(reactor, thrum_deferred_succeed(context, NULL, NULL));

    expect_nothing(it, 0);
    ck_assert_int_eq(thrum_deferred_inspect(late).state,
                     THRUM_DEFERRED_PENDING);
    it = wait_for(reactor, late);
    it.free(it.value);
    loop_end(reactor);
}
END_TEST

START_TEST(a_failure_is_the_scripts_and_nobody_else_is_told)
{
    thrum_reactor *reactor = loop_start();
    got it =
        wait_for(reactor, thrum_deferred_failed(thrum_reactor_context(reactor),
                                                failure(reactor)));

    ck_assert_int_eq(it.error, 0);
    ck_assert_ptr_null(it.value);
    ck_assert_str_eq(thrum_failure_text(it.why), "stuck");
    thrum_failure_unref(it.why);
    ck_assert_uint_eq(support_unhandled(), 0);
    loop_end(reactor);
}
END_TEST

/* A result that comes of the very end of a turn, after which the loop would
 * wait for an hour. */
static thrum_outcome step_and_fire(void *deferred)
{
    fire(deferred);
    return thrum_done();
}

static void never(void *ctx)
{
    (void)ctx;
    ck_abort_msg("this call must not be made");
}

START_TEST(a_result_at_the_end_of_a_turn_is_not_slept_over)
{
    thrum_reactor *reactor = loop_start();
    thrum_deferred *deferred = pending(reactor);
    got it;

    thrum_clock_call_later(thrum_reactor_clock(reactor), 3600 * THRUM_S, never,
                           NULL, NULL);
    thrum_deferred_finish(thrum_coiterate(thrum_reactor_cooperator(reactor),
                                          step_and_fire, deferred, NULL));
    it = wait_for(reactor, deferred);
    ck_assert_str_eq(it.value, "value");
    it.free(it.value);
    loop_end(reactor);
}
END_TEST

static thrum_cancelled on_cancel(thrum_deferred *deferred, void *times)
{
    (void)deferred;
    ++*(int *)times;
    return THRUM_CANCELLED_STOPPED;
}

START_TEST(when_the_loop_ends_first_it_is_cancelled)
{
    thrum_reactor *reactor = loop_start();
    thrum_deferred *deferred = pending(reactor);
    int cancelled = 0;

    thrum_deferred_on_cancel(deferred, on_cancel, &cancelled, NULL);
    expect_nothing(wait_for(reactor, deferred), THRUM_DEFERRED_E_NO_RESULT);
    ck_assert_int_eq(cancelled, 1);
    ck_assert_uint_eq(support_unhandled(), 0);
    loop_end(reactor);
}
END_TEST

static thrum_outcome fails_worse(const thrum_failure *why, void *reactor)
{
    (void)why;
    return thrum_fail(failure(reactor));
}

START_TEST(another_failure_than_that_it_was_cancelled_is_told)
{
    thrum_reactor *reactor = loop_start();
    thrum_deferred *deferred = pending(reactor);
    int cancelled = 0;

    thrum_deferred_on_cancel(deferred, on_cancel, &cancelled, NULL);
    thrum_deferred_add(deferred, NULL, fails_worse, reactor, NULL);
    expect_nothing(wait_for(reactor, deferred), THRUM_DEFERRED_E_NO_RESULT);
    ck_assert_uint_eq(support_unhandled(), 1);
    loop_end(reactor);
}
END_TEST

START_TEST(a_stop_ends_the_wait)
{
    thrum_reactor *reactor = loop_start();
    thrum_deferred *deferred = pending(reactor);
    int cancelled = 0;

    thrum_deferred_on_cancel(deferred, on_cancel, &cancelled, NULL);
    thrum_clock_call_later(thrum_reactor_clock(reactor), 3600 * THRUM_S, never,
                           NULL, NULL);
    thrum_clock_call_later(thrum_reactor_clock(reactor), 0,
                           (thrum_call_fn *)thrum_reactor_stop, reactor, NULL);
    expect_nothing(wait_for(reactor, deferred), THRUM_DEFERRED_E_NO_RESULT);
    ck_assert_int_eq(cancelled, 1);
    loop_end(reactor);
}
END_TEST

typedef struct inner {
    thrum_reactor *reactor;
    thrum_deferred *outer, *inner;
} inner;

static void wait_inside(void *ctx)
{
    inner *self = ctx;

    expect_nothing(wait_for(self->reactor, self->inner), THRUM_E_INVALID);
    fire(self->outer);
}

START_TEST(within_a_callback_waiting_is_refused)
{
    thrum_reactor *reactor = loop_start();
    inner self = {reactor, pending(reactor), pending(reactor)};
    thrum_deferred *kept = self.inner;
    got it;

    thrum_clock_call_later(thrum_reactor_clock(reactor), 0, wait_inside, &self,
                           NULL);
    it = wait_for(reactor, self.outer);
    it.free(it.value);
    thrum_deferred_fire(kept, NULL, NULL); /* its consumer has gone */
    loop_end(reactor);
}
END_TEST

START_TEST(what_could_not_be_made_has_failed_for_want_of_memory)
{
    thrum_reactor *reactor = loop_start();

    expect_nothing(wait_for(reactor, NULL), THRUM_E_NOMEM);
    loop_end(reactor);
}
END_TEST

static thrum_stream *came;

static void on_peer(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    (void)listener;
    (void)ctx;
    came = stream;
}

START_TEST(a_connection_is_a_line_of_a_script)
{
    thrum_reactor *reactor = loop_start();
    thrum_listener *listener =
        thrum_listen_tcp(reactor, "127.0.0.1", 0, NULL, NULL);
    got it;

    came = NULL;
    thrum_listener_accept(listener, on_peer, NULL, NULL);
    it = wait_for(reactor,
                  thrum_connect_tcp(reactor, "127.0.0.1",
                                    thrum_listener_port(listener), THRUM_S));
    ck_assert_ptr_nonnull(it.value);
    it.free(it.value);
    thrum_listener_free(listener);
    while (came == NULL)
        thrum_reactor_turn(reactor);
    thrum_stream_unref(came);
    loop_end(reactor);
}
END_TEST

static void scenario(void)
{
    thrum_context *context = support_context();
    thrum_reactor_config config = {.context = context};
    thrum_reactor *reactor =
        context != NULL ? thrum_reactor_new(&config) : NULL;

    if (reactor != NULL) {
        thrum_deferred *deferred = pending(reactor);
        thrum_call *call = thrum_clock_call_later(
            thrum_reactor_clock(reactor), 0,
            (thrum_call_fn *)thrum_deferred_abandon, deferred, NULL);
        got it;

        if (call == NULL)
            thrum_deferred_abandon(deferred);
        it = wait_for(reactor, deferred);
        ck_assert(it.error == 0 || it.error == THRUM_E_NOMEM);
        ck_assert(it.error != 0 || it.why != NULL);
        thrum_failure_unref(it.why);
    }
    thrum_reactor_free(reactor);
    support_context_end(context);
}

START_TEST(waiting_survives_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *wait = tcase_create("wait");
    TCase *const cases[] = {wait};

    loop_watchdog();
    tcase_add_test(wait, a_script_waits_for_one_thing_after_the_other);
    tcase_add_test(wait, what_is_there_already_is_answered_without_a_turn);
    tcase_add_test(wait, a_failure_is_the_scripts_and_nobody_else_is_told);
    tcase_add_test(wait, a_result_at_the_end_of_a_turn_is_not_slept_over);
    tcase_add_test(wait, when_the_loop_ends_first_it_is_cancelled);
    tcase_add_test(wait, another_failure_than_that_it_was_cancelled_is_told);
    tcase_add_test(wait, a_stop_ends_the_wait);
    tcase_add_test(wait, within_a_callback_waiting_is_refused);
    tcase_add_test(wait, what_could_not_be_made_has_failed_for_want_of_memory);
    tcase_add_test(wait, a_connection_is_a_line_of_a_script);
    tcase_add_test(wait, waiting_survives_every_failing_allocation);
    return support_main("wait", cases, sizeof cases / sizeof *cases);
}
