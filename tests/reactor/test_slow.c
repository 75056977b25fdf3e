/* SPDX-License-Identifier: MIT */
/*
 * Callbacks that hold the loop are told of by name and place.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/connect.h>
#include <thrum/health.h>
#include <thrum/test_clock.h>
#include <thrum/thread.h>

#include "tests/reactor/peer.h"

#define LIMIT (5 * THRUM_MS)

/* A reactor on the clock of a test, and what it told. */
typedef struct world {
    thrum_context *context;
    thrum_test_clock *clock;
    thrum_reactor *reactor;
    thrum_stream *streams[2];
    thrum_ns span; /* how long the next callbacks take */
    char earlier[500], what[500];
    thrum_ns took;
    unsigned told, released;
    char log[2000];
} world;

static void on_log(thrum_log_level level, const char *line, void *ctx)
{
    world *here = ctx;
    size_t size = strlen(here->log);

    snprintf(here->log + size, sizeof here->log - size, "%d %s\n", (int)level,
             line);
}

static void on_slow(const char *what, thrum_ns took, void *ctx)
{
    world *here = ctx;

    snprintf(here->earlier, sizeof here->earlier, "%s", here->what);
    snprintf(here->what, sizeof here->what, "%s", what);
    here->took = took;
    here->told++;
}

static void release(void *ctx)
{
    ((world *)ctx)->released++;
}

static void world_start(world *here, bool own_clock)
{
    thrum_context_config hooks = {
        .allocator = support_allocator(), .log = on_log, .ctx = here};
    thrum_reactor_config config;

    *here = (world){.context = thrum_context_new(&hooks), .span = LIMIT + 1};
    here->clock = thrum_test_clock_new(here->context);
    config = (thrum_reactor_config){.context = here->context};
    if (!own_clock)
        config.clock = thrum_test_clock_clock(here->clock);
    here->reactor = thrum_reactor_new(&config);
    ck_assert_ptr_nonnull(here->reactor);
    thrum_reactor_on_slow(here->reactor, LIMIT, on_slow, here, release);
}

static void world_end(world *here)
{
    thrum_stream_unref(here->streams[0]);
    thrum_stream_unref(here->streams[1]);
    thrum_reactor_free(here->reactor);
    ck_assert_uint_eq(here->released, 1);
    thrum_test_clock_free(here->clock);
    support_context_end(here->context);
}

static void rest(world *here)
{
    while (thrum_reactor_turn(here->reactor) == 1)
        ;
}

/* What a slow callback does. */
static void hold(void *ctx)
{
    world *here = ctx;

    thrum_test_clock_advance(here->clock, here->span);
}

/* One was told of: `what`, then the place in this file. */
static void expect_told(world *here, const char *what)
{
    size_t size = strlen(what);

    ck_assert_uint_eq(here->told, 1);
    ck_assert_msg(strncmp(here->what, what, size) == 0, "%s", here->what);
    ck_assert_ptr_nonnull(strstr(here->what + size, "test_slow.c:"));
    ck_assert_int_eq(here->took, here->span);
    here->told = 0;
}

/* ---- How it is told ---- */

START_TEST(a_callback_that_took_longer_is_told_with_its_place)
{
    world here;
    char wanted[300];

    world_start(&here, false);
    snprintf(wanted, sizeof wanted, "hold (%s:%d)", __FILE__, __LINE__ + 1);
    thrum_reactor_call_from_thread(here.reactor, hold, &here, NULL);
    rest(&here);
    ck_assert_uint_eq(here.told, 1);
    ck_assert_str_eq(here.what, wanted);
    ck_assert_int_eq(here.took, LIMIT + 1);
    world_end(&here);
}
END_TEST

START_TEST(at_the_limit_nothing_is_told)
{
    world here;

    world_start(&here, false);
    here.span = LIMIT;
    thrum_reactor_call_from_thread(here.reactor, hold, &here, NULL);
    rest(&here);
    ck_assert_uint_eq(here.told, 0);
    world_end(&here);
}
END_TEST

START_TEST(without_a_limit_nothing_is_measured)
{
    world here;
    thrum_ns before;

    world_start(&here, false);
    thrum_reactor_on_slow(here.reactor, 0, NULL, NULL, NULL);
    ck_assert_uint_eq(here.released, 1);
    here.span = 0;
    thrum_test_clock_set_pace(here.clock, 1); /* each reading moves it */
    rest(&here);
    before = thrum_clock_now(thrum_test_clock_clock(here.clock));
    thrum_reactor_turn(here.reactor);
    before = thrum_clock_now(thrum_test_clock_clock(here.clock)) - before;
    for (int i = 0; i < 2; i++) {
        thrum_ns turn = thrum_clock_now(thrum_test_clock_clock(here.clock));

        thrum_trigger_free(thrum_trigger_new(
            here.reactor, THRUM_TRIGGER_AFTER_SHUTDOWN, NULL, NULL, NULL));
        thrum_reactor_turn(here.reactor);
        turn = thrum_clock_now(thrum_test_clock_clock(here.clock)) - turn;
        ck_assert_int_eq(turn, before);
    }
    ck_assert_uint_eq(here.told, 0);
    world_end(&here);
}
END_TEST

START_TEST(without_a_function_the_log_is_warned)
{
    world here;
    char wanted[300];

    world_start(&here, false);
    thrum_reactor_on_slow(here.reactor, LIMIT, NULL, NULL, NULL);
    snprintf(wanted, sizeof wanted,
             "%d hold (%s:%d) held the loop for 5.000 ms\n",
             (int)THRUM_LOG_WARNING, __FILE__, __LINE__ + 1);
    thrum_reactor_call_from_thread(here.reactor, hold, &here, NULL);
    rest(&here);
    ck_assert_str_eq(here.log, wanted);
    world_end(&here);
}
END_TEST

static void on_slow_changes(const char *what, thrum_ns took, void *ctx)
{
    world *here = ctx;

    for (int i = 0; i < 2; i++)
        thrum_reactor_on_slow(here->reactor, i, NULL, NULL, NULL);
    ck_assert_uint_eq(here->released, 0); /* in use */
    on_slow(what, took, ctx);
    thrum_reactor_on_slow(here->reactor, 0, NULL, NULL, NULL);
}

START_TEST(who_is_told_may_end_the_telling)
{
    world here;

    world_start(&here, false);
    thrum_reactor_on_slow(here.reactor, LIMIT, NULL, NULL, NULL);
    here.released = 0;
    thrum_reactor_on_slow(here.reactor, LIMIT, on_slow_changes, &here, release);
    for (int i = 0; i < 2; i++)
        thrum_reactor_call_from_thread(here.reactor, hold, &here, NULL);
    rest(&here);
    expect_told(&here, "hold (");
    world_end(&here);
}
END_TEST

static void stop_measuring(void *ctx)
{
    world *here = ctx;

    hold(here);
    thrum_reactor_on_slow(here->reactor, 0, NULL, NULL, NULL);
}

START_TEST(a_limit_that_a_callback_takes_away_holds_for_itself_too)
{
    world here;

    world_start(&here, false);
    thrum_reactor_call_from_thread(here.reactor, stop_measuring, &here, NULL);
    rest(&here);
    ck_assert_uint_eq(here.told, 0);
    world_end(&here);
}
END_TEST

START_TEST(a_place_may_have_no_name)
{
    world here;

    world_start(&here, false);
    thrum_reactor_call_from_thread_at(here.reactor, hold, &here, NULL, NULL);
    rest(&here);
    ck_assert_str_eq(here.what, "(no name)");
    world_end(&here);
}
END_TEST

/* ---- What is measured ---- */

/* Until the reactor's own clock has moved by more than the limit. */
static void work(void *ctx)
{
    world *here = ctx;
    thrum_clock *clock = thrum_reactor_clock(here->reactor);
    thrum_ns until = thrum_clock_read(clock) + here->span;

    while (thrum_clock_read(clock) < until)
        ;
}

START_TEST(calls_later_of_its_own_clock)
{
    world here;

    world_start(&here, true);
    here.span = THRUM_US;
    thrum_reactor_on_slow(here.reactor, 1, on_slow, &here, NULL);
    thrum_clock_call_later(thrum_reactor_clock(here.reactor), 0, work, &here,
                           NULL);
    thrum_reactor_run(here.reactor);
    ck_assert_int_gt(here.took, THRUM_US);
    here.took = here.span;
    expect_told(&here, "work (");
    world_end(&here);
}
END_TEST

START_TEST(signals)
{
    world here;
    thrum_signal *watch;

    world_start(&here, false);
    watch = thrum_signal_new(here.reactor, SIGUSR2, hold, &here, NULL);
    raise(SIGUSR2);
    rest(&here);
    expect_told(&here, "hold (");
    thrum_signal_free(watch);
    world_end(&here);
}
END_TEST

static thrum_outcome hold_in_order(void *ctx)
{
    hold(ctx);
    return thrum_done();
}

START_TEST(triggers)
{
    world here;

    world_start(&here, false);
    thrum_trigger_new(here.reactor, THRUM_TRIGGER_STARTUP, hold_in_order, &here,
                      NULL);
    rest(&here);
    expect_told(&here, "hold_in_order (");
    world_end(&here);
}
END_TEST

static thrum_outcome hold_in_a_step(void *ctx)
{
    hold(ctx);
    return thrum_done();
}

START_TEST(ticks_of_the_cooperator)
{
    world here;

    world_start(&here, false);
    thrum_deferred_finish(thrum_coiterate(
        thrum_reactor_cooperator(here.reactor), hold_in_a_step, &here, NULL));
    rest(&here);
    ck_assert_uint_eq(here.told, 1);
    ck_assert_str_eq(here.what, "a tick of the cooperator");
    world_end(&here);
}
END_TEST

static thrum_outcome no_work(void *ctx)
{
    (void)ctx;
    return thrum_done();
}

static thrum_outcome hold_with_value(void *value, void *ctx)
{
    (void)value;
    hold(ctx);
    return thrum_keep();
}

static thrum_outcome hold_with_failure(const thrum_failure *why, void *ctx)
{
    (void)why;
    hold(ctx);
    return thrum_done();
}

static void hold_when_fired(world *here, thrum_deferred *deferred)
{
    thrum_deferred_add(deferred, hold_with_value, hold_with_failure, here,
                       NULL);
    thrum_deferred_finish(deferred);
    while (here->told == 0)
        ck_assert_int_ge(thrum_reactor_turn(here->reactor), 0);
}

START_TEST(callbacks_of_work_on_threads)
{
    world here;

    world_start(&here, false);
    hold_when_fired(&here,
                    thrum_defer_to_thread(here.reactor, no_work, NULL, NULL));
    expect_told(&here, "callbacks of no_work (");
    world_end(&here);
}
END_TEST

static void take_and_hold(thrum_listener *listener, thrum_stream *stream,
                          void *ctx)
{
    world *here = ctx;

    (void)listener;
    here->streams[0] = stream;
    hold(here);
}

START_TEST(peers_that_come_and_callbacks_of_attempts_to_connect)
{
    world here;
    thrum_listener *listener;
    uint16_t port;

    world_start(&here, false);
    listener = thrum_listen_tcp(here.reactor, "127.0.0.1", 0, NULL, NULL);
    port = thrum_listener_port(listener);
    hold_when_fired(
        &here, thrum_connect_tcp(here.reactor, "127.0.0.1", port, THRUM_S));
    ck_assert_str_eq(here.what, "callbacks of connect");
    here.told = 0;
    thrum_listener_accept(listener, take_and_hold, &here, NULL);
    while (here.told == 0)
        thrum_reactor_turn(here.reactor);
    expect_told(&here, "take_and_hold (");
    thrum_listener_free(listener);
    hold_when_fired(
        &here, thrum_connect_tcp(here.reactor, "127.0.0.1", port, THRUM_S));
    ck_assert_str_eq(here.what, "callbacks of connect");
    world_end(&here);
}
END_TEST

static void on_received(thrum_stream *stream, const char *data, size_t size,
                        void *ctx)
{
    (void)stream;
    (void)data;
    (void)size;
    hold(ctx);
}

static void on_ended(thrum_stream *stream, void *ctx)
{
    hold(ctx);
    thrum_stream_lose(stream);
}

static void on_drained(thrum_stream *stream, void *ctx)
{
    (void)stream;
    hold(ctx);
}

static void on_closed(thrum_stream *stream, const thrum_failure *why, void *ctx)
{
    (void)stream;
    (void)why;
    hold(ctx);
}

static const thrum_stream_handler slow_handler = {on_received, on_ended,
                                                  on_drained, on_closed};

START_TEST(bytes_that_a_stream_received)
{
    world here;

    world_start(&here, false);
    ck_assert_int_eq(
        thrum_stream_pair(here.reactor, &here.streams[0], &here.streams[1]), 0);
    thrum_stream_set_handler(here.streams[0], &slow_handler, &here, NULL);
    thrum_stream_write(here.streams[1], "x", 1);
    rest(&here);
    expect_told(&here, "received of &slow_handler (");
    world_end(&here);
}
END_TEST

static void silent(thrum_stream *stream, const char *data, size_t size,
                   void *ctx)
{
    (void)stream;
    (void)data;
    (void)size;
    (void)ctx;
}

START_TEST(the_drain_the_end_and_the_close_of_a_stream)
{
    static const thrum_stream_handler reader = {.received = silent};
    static const char zeros[512 * 1024];
    world here;

    world_start(&here, false);
    ck_assert_int_eq(
        thrum_stream_pair(here.reactor, &here.streams[0], &here.streams[1]), 0);
    thrum_stream_set_handler(here.streams[0], &slow_handler, &here, NULL);
    thrum_stream_write(here.streams[0], zeros, sizeof zeros);
    thrum_stream_set_handler(here.streams[1], &reader, NULL, NULL);
    while (here.told == 0)
        thrum_reactor_turn(here.reactor);
    expect_told(&here, "drained of &slow_handler (");
    rest(&here);
    thrum_stream_lose_write(here.streams[1]);
    rest(&here);
    ck_assert_uint_eq(here.told, 2);
    ck_assert_ptr_nonnull(strstr(here.earlier, "ended of &slow_handler ("));
    here.told = 1;
    expect_told(&here, "closed of &slow_handler (");
    world_end(&here);
}
END_TEST

static void add_told(TCase *told)
{
    tcase_add_test(told, a_callback_that_took_longer_is_told_with_its_place);
    tcase_add_test(told, at_the_limit_nothing_is_told);
    tcase_add_test(told, without_a_limit_nothing_is_measured);
    tcase_add_test(told, without_a_function_the_log_is_warned);
    tcase_add_test(told, who_is_told_may_end_the_telling);
    tcase_add_test(told,
                   a_limit_that_a_callback_takes_away_holds_for_itself_too);
    tcase_add_test(told, a_place_may_have_no_name);
}

static void add_measured(TCase *measured)
{
    tcase_add_test(measured, calls_later_of_its_own_clock);
    tcase_add_test(measured, signals);
    tcase_add_test(measured, triggers);
    tcase_add_test(measured, ticks_of_the_cooperator);
    tcase_add_test(measured, callbacks_of_work_on_threads);
    tcase_add_test(measured,
                   peers_that_come_and_callbacks_of_attempts_to_connect);
    tcase_add_test(measured, bytes_that_a_stream_received);
    tcase_add_test(measured, the_drain_the_end_and_the_close_of_a_stream);
}

int main(void)
{
    TCase *told = tcase_create("told"), *measured = tcase_create("measured");
    TCase *const cases[] = {told, measured};

    loop_watchdog();
    add_told(told);
    add_measured(measured);
    return support_main("slow", cases, sizeof cases / sizeof *cases);
}
