/* SPDX-License-Identifier: MIT */
/*
 * How long turns were, and what is counted.
 */
#include <string.h>

#include <thrum/connect.h>
#include <thrum/health.h>
#include <thrum/listener.h>
#include <thrum/records.h>
#include <thrum/test_clock.h>
#include <thrum/thread.h>

#include "tests/reactor/peer.h"

/* A reactor on the clock of a test. */
typedef struct world {
    thrum_context *context;
    thrum_test_clock *clock;
    thrum_reactor *reactor;
    thrum_ns span;
} world;

static void world_start(world *here)
{
    thrum_reactor_config config;

    *here = (world){.context = support_context()};
    here->clock = thrum_test_clock_new(here->context);
    config = (thrum_reactor_config){
        .context = here->context, .clock = thrum_test_clock_clock(here->clock)};
    here->reactor = thrum_reactor_new(&config);
    ck_assert_ptr_nonnull(here->reactor);
}

static void world_end(world *here)
{
    thrum_reactor_free(here->reactor);
    thrum_test_clock_free(here->clock);
    support_context_end(here->context);
}

static thrum_health health_of(const thrum_reactor *reactor)
{
    thrum_health health;

    memset(&health, 0xff, sizeof health); /* all of it is written */
    thrum_reactor_get_health(reactor, &health);
    return health;
}

/* Holds the loop for a span of the test's time. */
static void hold(void *here)
{
    world *self = here;

    thrum_test_clock_advance(self->clock, self->span);
}

/* A turn that takes so long. */
static void turn_of(world *here, thrum_ns span)
{
    here->span = span;
    thrum_reactor_call_from_thread(here->reactor, hold, here, NULL);
    ck_assert_int_eq(thrum_reactor_run(here->reactor), 0);
}

/* ---- Buckets ---- */

START_TEST(two_buckets_make_a_factor_of_two_from_a_microsecond_up)
{
    static const thrum_ns first[] = {0,    1000, 1500, 2000,
                                     3000, 4000, 6000, 8000};

    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        ck_assert_int_eq(thrum_health_floor(i), first[i]);
    for (size_t i = 1; i + 2 < THRUM_HEALTH_BUCKETS; i++)
        ck_assert_int_eq(thrum_health_floor(i + 2), 2 * thrum_health_floor(i));
    for (size_t i = 0; i < THRUM_HEALTH_BUCKETS; i++)
        ck_assert_int_lt(thrum_health_floor(i), thrum_health_floor(i + 1));
}
END_TEST

START_TEST(the_last_bucket_has_no_end)
{
    ck_assert_int_gt(thrum_health_floor(THRUM_HEALTH_BUCKETS - 1),
                     30 * 60 * THRUM_S);
    ck_assert_int_eq(thrum_health_floor(THRUM_HEALTH_BUCKETS), INT64_MAX);
    ck_assert_int_eq(thrum_health_floor(SIZE_MAX), INT64_MAX);
}
END_TEST

/* Which bucket counts a turn of this length. */
static size_t bucket_of(world *here, thrum_ns span)
{
    thrum_health health;
    size_t bucket = SIZE_MAX;

    thrum_reactor_run(here->reactor);
    thrum_reactor_reset_health(here->reactor);
    turn_of(here, span);
    health = health_of(here->reactor);
    ck_assert_int_eq(health.longest, span);
    for (size_t i = THRUM_HEALTH_BUCKETS; i-- > 0 && bucket == SIZE_MAX;)
        if (health.lag[i] > 0)
            bucket = i;
    return bucket;
}

START_TEST(a_turn_is_counted_from_its_buckets_floor_to_the_next)
{
    world here;

    world_start(&here);
    for (size_t i = 1; i < THRUM_HEALTH_BUCKETS; i++) {
        thrum_ns floor = thrum_health_floor(i);

        ck_assert_uint_eq(bucket_of(&here, floor - 1), i - 1);
        ck_assert_uint_eq(bucket_of(&here, floor), i);
    }
    ck_assert_uint_eq(bucket_of(&here, 365 * 24 * 3600 * THRUM_S),
                      THRUM_HEALTH_BUCKETS - 1);
    world_end(&here);
}
END_TEST

static const struct {
    uint64_t lag[8]; /* how many turns in each of the first buckets */
    thrum_ns longest;
    uint32_t parts;
    thrum_ns wanted;
} lags[] = {
    {{0}, 0, 999000, 0},
    {{10}, 700, 0, 0},
    {{10}, 700, 1, 700},
    {{10}, 700, 1000000, 700},
    {{9, 1}, 1200, 900000, 1000},
    {{9, 1}, 1200, 900001, 1200},
    {{0, 0, 4, 0, 0, 4}, 5000, 500000, 2000},
    {{0, 0, 4, 0, 0, 4}, 5000, 500001, 5000},
    {{0, 0, 4, 0, 0, 4}, 5000, 4000000000u, 5000},
    {{1000000, 0, 0, 0, 0, 0, 0, 1}, 8500, 999999, 1000},
    {{999999, 0, 0, 0, 0, 0, 0, 2}, 8500, 999999, 8500},
    {{UINT64_MAX - 1, 0, 0, 0, 0, 0, 0, 1}, 8500, 999999, 1000},
};

START_TEST(the_lag_that_so_many_turns_did_not_pass_is_a_buckets_end)
{
    thrum_health health = {.longest = lags[_i].longest};

    for (size_t i = 0; i < 8; i++) {
        health.lag[i] = lags[_i].lag[i];
        health.turns += lags[_i].lag[i];
    }
    ck_assert_int_eq(thrum_health_lag(&health, lags[_i].parts),
                     lags[_i].wanted);
}
END_TEST

START_TEST(without_turns_there_was_no_lag)
{
    thrum_health health = {.turns = 0};

    ck_assert_int_eq(thrum_health_lag(&health, 1000000), 0);
}
END_TEST

/* ---- Turns ---- */

START_TEST(a_run_is_counted_to_its_end)
{
    world here;
    thrum_health health;

    world_start(&here);
    turn_of(&here, 5 * THRUM_MS);
    health = health_of(here.reactor);
    ck_assert_int_eq(health.longest, 5 * THRUM_MS);
    ck_assert_int_eq(thrum_health_lag(&health, 1000000), 5 * THRUM_MS);
    ck_assert_uint_eq(health.turns, 2); /* before it waited, and after */
    world_end(&here);
}
END_TEST

START_TEST(time_between_two_runs_is_nobodys_lag)
{
    world here;

    world_start(&here);
    turn_of(&here, THRUM_US);
    thrum_test_clock_advance(here.clock, 3600 * THRUM_S);
    turn_of(&here, THRUM_US);
    ck_assert_int_eq(health_of(here.reactor).longest, THRUM_US);
    world_end(&here);
}
END_TEST

START_TEST(turns_by_hand_are_one_each_and_the_time_between_them_is_none)
{
    world here;

    world_start(&here);
    here.span = 3 * THRUM_MS;
    thrum_reactor_call_from_thread(here.reactor, hold, &here, NULL);
    ck_assert_int_eq(thrum_reactor_turn(here.reactor), 1);
    ck_assert_int_eq(health_of(here.reactor).longest, 0);
    thrum_test_clock_advance(here.clock, 3600 * THRUM_S);
    thrum_reactor_turn(here.reactor);
    ck_assert_int_eq(health_of(here.reactor).longest, 3 * THRUM_MS);
    ck_assert_uint_eq(health_of(here.reactor).turns, 2);
    world_end(&here);
}
END_TEST

START_TEST(a_reset_begins_anew)
{
    world here;
    thrum_health health;

    world_start(&here);
    turn_of(&here, 5 * THRUM_MS);
    thrum_reactor_reset_health(here.reactor);
    health = health_of(here.reactor);
    ck_assert_uint_eq(health.turns, 0);
    ck_assert_int_eq(health.longest, 0);
    for (size_t i = 0; i < THRUM_HEALTH_BUCKETS; i++)
        ck_assert_uint_eq(health.lag[i], 0);
    turn_of(&here, THRUM_MS);
    ck_assert_int_eq(health_of(here.reactor).longest, THRUM_MS);
    world_end(&here);
}
END_TEST

/* Until a millisecond of real time has been used up. */
static void work(void *reactor)
{
    thrum_clock *clock = thrum_reactor_clock(reactor);
    thrum_ns until = thrum_clock_now(clock) + THRUM_MS;

    while (thrum_clock_read(clock) < until)
        ;
}

START_TEST(on_its_own_clock_calls_later_are_part_of_the_turn)
{
    thrum_reactor *reactor = loop_start();

    thrum_clock_call_later(thrum_reactor_clock(reactor), 0, work, reactor,
                           NULL);
    thrum_reactor_run(reactor);
    ck_assert_int_ge(health_of(reactor).longest, THRUM_MS);
    loop_end(reactor);
}
END_TEST

/* ---- Counts ---- */

static void expect_counts(const thrum_reactor *reactor, size_t watches,
                          size_t streams, size_t listeners, size_t connects)
{
    thrum_health health = health_of(reactor);

    ck_assert_uint_eq(health.watches, watches);
    ck_assert_uint_eq(health.streams, streams);
    ck_assert_uint_eq(health.listeners, listeners);
    ck_assert_uint_eq(health.connects, connects);
}

START_TEST(a_new_reactor_has_nothing)
{
    thrum_reactor *reactor = loop_start();
    thrum_health health = health_of(reactor), nothing = {.turns = 0};

    ck_assert_mem_eq(&health, &nothing, sizeof health);
    loop_end(reactor);
}
END_TEST

static void no_call(void *ctx)
{
    (void)ctx;
}

START_TEST(calls_later_are_counted)
{
    thrum_reactor *reactor = loop_start();
    thrum_clock *clock = thrum_reactor_clock(reactor);
    thrum_call *one = thrum_clock_call_later(clock, 0, no_call, NULL, NULL);

    thrum_clock_call_later(clock, 0, no_call, NULL, NULL);
    ck_assert_uint_eq(health_of(reactor).calls, 2);
    thrum_clock_cancel(clock, one);
    ck_assert_uint_eq(health_of(reactor).calls, 1);
    thrum_reactor_run(reactor);
    ck_assert_uint_eq(health_of(reactor).calls, 0);
    loop_end(reactor);
}
END_TEST

static thrum_outcome two_steps(void *it)
{
    return ++*(int *)it < 2 ? thrum_keep() : thrum_done();
}

static thrum_outcome step_that_waits(void *on)
{
    return thrum_wait(on);
}

START_TEST(tasks_are_counted_until_their_end_also_those_that_wait)
{
    thrum_reactor *reactor = loop_start();
    thrum_cooperator *cooperator = thrum_reactor_cooperator(reactor);
    thrum_deferred *on =
        thrum_deferred_new(thrum_reactor_context(reactor), "wait");
    thrum_task *task = thrum_cooperate(cooperator, step_that_waits, on, NULL);
    int steps = 0;

    thrum_deferred_finish(thrum_coiterate(cooperator, two_steps, &steps, NULL));
    ck_assert_uint_eq(health_of(reactor).tasks, 2);
    thrum_reactor_run(reactor);
    ck_assert_uint_eq(health_of(reactor).tasks, 1);
    thrum_task_stop(task);
    ck_assert_uint_eq(health_of(reactor).tasks, 0);
    thrum_task_free(task);
    thrum_deferred_fire(on, NULL, NULL);
    loop_end(reactor);
}
END_TEST

static thrum_outcome no_work(void *ctx)
{
    (void)ctx;
    return thrum_done();
}

START_TEST(work_on_threads_is_counted_until_its_end_is_told)
{
    thrum_reactor *reactor = loop_start();

    thrum_deferred_finish(thrum_defer_to_thread(reactor, no_work, NULL, NULL));
    thrum_deferred_finish(thrum_defer_to_thread(reactor, no_work, NULL, NULL));
    ck_assert_uint_eq(health_of(reactor).jobs, 2);
    thrum_reactor_run(reactor);
    ck_assert_uint_eq(health_of(reactor).jobs, 0);
    loop_end(reactor);
}
END_TEST

static void on_peer(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    (void)listener;
    (void)ctx;
    thrum_stream_unref(stream);
}

START_TEST(listeners_are_counted_and_watched_while_they_take_peers)
{
    thrum_reactor *reactor = loop_start();
    thrum_listener *listener =
        thrum_listen_tcp(reactor, "127.0.0.1", 0, NULL, NULL);

    expect_counts(reactor, 0, 0, 1, 0);
    thrum_listener_accept(listener, on_peer, NULL, NULL);
    expect_counts(reactor, 1, 0, 1, 0);
    thrum_listener_accept(listener, NULL, NULL, NULL);
    expect_counts(reactor, 0, 0, 1, 0);
    thrum_listener_accept(listener, on_peer, NULL, NULL);
    thrum_listener_free(listener);
    expect_counts(reactor, 0, 0, 0, 0);
    loop_end(reactor);
}
END_TEST

START_TEST(attempts_to_connect_and_look_ups_are_counted_until_their_end)
{
    thrum_reactor *reactor = loop_start();
    thrum_deferred *all[2];

    all[0] = thrum_connect_tcp(reactor, "127.0.0.1", 1, THRUM_S);
    all[1] =
        thrum_records_lookup(reactor, THRUM_RECORD_MX, "mail.example", THRUM_S);
    expect_counts(reactor, 0, 0, 0, 2);
    thrum_deferred_cancel(all[1]);
    expect_counts(reactor, 0, 0, 0, 1);
    thrum_reactor_run(reactor); /* nobody listens there */
    expect_counts(reactor, 0, 0, 0, 0);
    for (int i = 0; i < 2; i++) {
        thrum_deferred_mark_handled(all[i]);
        thrum_deferred_finish(all[i]);
    }
    loop_end(reactor);
}
END_TEST

START_TEST(streams_and_their_descriptors_are_counted)
{
    thrum_reactor *reactor = loop_start();
    peer self;

    peer_open(&self, reactor);
    expect_counts(reactor, 0, 1, 0, 0);
    thrum_stream_set_handler(self.stream, &peer_handler, &self, peer_release);
    expect_counts(reactor, 1, 1, 0, 0);
    thrum_stream_pause(self.stream);
    expect_counts(reactor, 0, 1, 0, 0);
    thrum_stream_resume(self.stream);
    thrum_stream_resume(self.stream);
    expect_counts(reactor, 1, 1, 0, 0);
    thrum_stream_lose(self.stream);
    RUN_UNTIL(reactor, self.closed);
    expect_counts(reactor, 0, 0, 0, 0);
    peer_close(&self);
}
END_TEST

int main(void)
{
    TCase *buckets = tcase_create("buckets");
    TCase *turns = tcase_create("turns");
    TCase *counts = tcase_create("counts");
    TCase *const cases[] = {buckets, turns, counts};

    loop_watchdog();
    tcase_add_test(buckets,
                   two_buckets_make_a_factor_of_two_from_a_microsecond_up);
    tcase_add_test(buckets, the_last_bucket_has_no_end);
    tcase_add_test(buckets,
                   a_turn_is_counted_from_its_buckets_floor_to_the_next);
    tcase_add_loop_test(
        buckets, the_lag_that_so_many_turns_did_not_pass_is_a_buckets_end, 0,
        sizeof lags / sizeof *lags);
    tcase_add_test(buckets, without_turns_there_was_no_lag);
    tcase_add_test(turns, a_run_is_counted_to_its_end);
    tcase_add_test(turns, time_between_two_runs_is_nobodys_lag);
    tcase_add_test(
        turns, turns_by_hand_are_one_each_and_the_time_between_them_is_none);
    tcase_add_test(turns, a_reset_begins_anew);
    tcase_add_test(turns, on_its_own_clock_calls_later_are_part_of_the_turn);
    tcase_add_test(counts, a_new_reactor_has_nothing);
    tcase_add_test(counts, calls_later_are_counted);
    tcase_add_test(counts,
                   tasks_are_counted_until_their_end_also_those_that_wait);
    tcase_add_test(counts, work_on_threads_is_counted_until_its_end_is_told);
    tcase_add_test(counts, streams_and_their_descriptors_are_counted);
    tcase_add_test(counts,
                   listeners_are_counted_and_watched_while_they_take_peers);
    tcase_add_test(
        counts, attempts_to_connect_and_look_ups_are_counted_until_their_end);
    return support_main("health", cases, sizeof cases / sizeof *cases);
}
