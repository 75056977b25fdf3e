/* SPDX-License-Identifier: MIT */
/*
 * A reactor that is driven by hand: turn by turn, and by the clock of a test.
 */
#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <thrum/stream.h>
#include <thrum/test_clock.h>

#include "tests/reactor/peer.h"

typedef struct world {
    thrum_context *context;
    thrum_test_clock *clock;
    thrum_reactor *reactor;
} world;

static world world_start(void)
{
    world here = {.context = support_context()};
    thrum_reactor_config config = {.context = here.context};

    here.clock = thrum_test_clock_new(here.context);
    config.clock = thrum_test_clock_clock(here.clock);
    here.reactor = thrum_reactor_new(&config);
    ck_assert_ptr_nonnull(here.reactor);
    return here;
}

static void world_end(world *here)
{
    thrum_reactor_free(here->reactor);
    thrum_test_clock_free(here->clock);
    support_context_end(here->context);
}

static void count(void *times)
{
    ++*(int *)times;
}

static void turn_until_quiet(thrum_reactor *reactor)
{
    int more;

    do
        ck_assert_int_ge(more = thrum_reactor_turn(reactor), 0);
    while (more == 1);
}

/* ---- Turns ---- */

START_TEST(a_turn_with_nothing_to_do_waits_for_nothing)
{
    thrum_reactor *reactor = loop_start();
    int times = 0;

    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    thrum_clock_call_later(thrum_reactor_clock(reactor), 3600 * THRUM_S, count,
                           &times, NULL);
    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    ck_assert_int_eq(times, 0);
    loop_end(reactor);
}
END_TEST

static void ask_again(void *ctx)
{
    thrum_reactor *reactor = ctx;

    thrum_clock_call_later(thrum_reactor_clock(reactor), 0,
                           (thrum_call_fn *)thrum_reactor_stop, reactor, NULL);
}

START_TEST(a_call_that_is_due_is_made_in_the_next_turn)
{
    thrum_reactor *reactor = loop_start();

    thrum_clock_call_later(thrum_reactor_clock(reactor), 0, ask_again, reactor,
                           NULL);
    ck_assert_int_eq(thrum_reactor_turn(reactor), 1);
    turn_until_quiet(reactor);
    loop_end(reactor);
}
END_TEST

static thrum_outcome three_steps(void *it)
{
    return ++*(int *)it < 3 ? thrum_keep() : thrum_done();
}

START_TEST(a_task_ticks_once_a_turn_until_it_is_done)
{
    world here = world_start();
    int steps = 0;

    /* Each reading of the clock takes as long as a slice. */
    thrum_test_clock_set_pace(here.clock, THRUM_MS);
    thrum_deferred_finish(thrum_coiterate(
        thrum_reactor_cooperator(here.reactor), three_steps, &steps, NULL));
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(thrum_reactor_turn(here.reactor), i < 3);
        ck_assert_int_eq(steps, i);
    }
    world_end(&here);
}
END_TEST

START_TEST(a_call_from_a_thread_is_something_to_do)
{
    thrum_reactor *reactor = loop_start();
    int times = 0;

    thrum_reactor_call_from_thread(reactor, count, &times, NULL);
    ck_assert_int_eq(thrum_reactor_turn(reactor), 1);
    ck_assert_int_eq(times, 1);
    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    loop_end(reactor);
}
END_TEST

START_TEST(turns_carry_bytes_until_nothing_more_comes)
{
    peer self;

    peer_open_heard(&self, loop_start());
    peer_say(&self, "hello");
    turn_until_quiet(self.reactor);
    ck_assert_str_eq(self.data, "hello");
    thrum_stream_write(self.stream, "well", 4);
    ck_assert_int_eq(thrum_reactor_turn(self.reactor), 0);
    peer_expect(&self, "well");
    peer_close(&self);
}
END_TEST

static void turn_inside(void *ctx)
{
    ck_assert_int_eq(thrum_reactor_turn(ctx), THRUM_E_INVALID);
}

START_TEST(a_turn_within_a_turn_is_refused)
{
    thrum_reactor *reactor = loop_start();

    thrum_clock_call_later(thrum_reactor_clock(reactor), 0, turn_inside,
                           reactor, NULL);
    thrum_reactor_run(reactor);
    loop_end(reactor);
}
END_TEST

static void on_check(struct ev_loop *loop, ev_check *check, int events)
{
    (void)loop;
    (void)check;
    (void)events;
}

START_TEST(where_others_look_at_each_turn_there_may_always_be_more)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    thrum_reactor_config config = {.loop = loop, .context = support_context()};
    thrum_reactor *reactor = thrum_reactor_new(&config);
    ev_check others;

    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    ev_check_init(&others, on_check);
    ev_check_start(loop, &others);
    ck_assert_int_eq(thrum_reactor_turn(reactor), 1);
    ev_check_stop(loop, &others);
    ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    thrum_reactor_free(reactor);
    ev_loop_destroy(loop);
    support_context_end(config.context);
}
END_TEST

/* ---- The clock of a test ---- */

START_TEST(the_clock_of_a_test_makes_the_calls_and_holds_no_loop)
{
    world here = world_start();
    thrum_clock *clock = thrum_reactor_clock(here.reactor);
    int times = 0;

    ck_assert_ptr_eq(clock, thrum_test_clock_clock(here.clock));
    thrum_clock_call_later(clock, 0, count, &times, NULL);
    thrum_clock_call_later(clock, 3600 * THRUM_S, count, &times, NULL);
    ck_assert_int_eq(thrum_reactor_run(here.reactor), 0);
    ck_assert_int_eq(thrum_reactor_turn(here.reactor), 0);
    ck_assert_int_eq(times, 0);
    thrum_test_clock_advance(here.clock, 3600 * THRUM_S);
    ck_assert_int_eq(times, 2);
    world_end(&here);
}
END_TEST

static void say_good_bye(void *stream)
{
    ck_assert_int_eq(thrum_stream_write(stream, "bye", 3), 0);
    thrum_stream_lose(stream);
}

START_TEST(what_is_written_when_the_clock_moves_leaves_in_the_next_turn)
{
    world here = world_start();
    peer self;
    char byte;

    peer_open_heard(&self, here.reactor);
    thrum_clock_call_later(thrum_reactor_clock(here.reactor), THRUM_S,
                           say_good_bye, self.stream, NULL);
    turn_until_quiet(here.reactor);
    thrum_test_clock_advance(here.clock, THRUM_S);
    ck_assert_int_eq(recv(self.raw, &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_uint_eq(self.closed, 0);
    thrum_reactor_turn(here.reactor);
    peer_expect(&self, "bye");
    peer_expect_end(&self, 0);
    ck_assert_uint_eq(self.closed, 1);
    peer_hang_up(&self, false);
    thrum_stream_unref(self.stream);
    free(self.data);
    world_end(&here);
}
END_TEST

/* Two readings of 1 ms each lie between two calls. */
START_TEST(a_batch_from_threads_is_cut_by_the_clock_of_the_test)
{
    world here = world_start();
    int times = 0, turns = 0;

    thrum_test_clock_set_pace(here.clock, THRUM_MS);
    for (int i = 0; i < 8; i++)
        thrum_reactor_call_from_thread(here.reactor, count, &times, NULL);
    for (int before = 0; times < 8; before = times, turns++) {
        ck_assert_int_eq(thrum_reactor_turn(here.reactor), 1);
        ck_assert_int_le(times - before, 2);
    }
    ck_assert_int_ge(turns, 4);
    world_end(&here);
}
END_TEST

static void scenario(void)
{
    thrum_context *context = support_context();
    thrum_test_clock *clock =
        context != NULL ? thrum_test_clock_new(context) : NULL;
    thrum_reactor_config config = {.context = context};
    thrum_reactor *reactor = NULL;

    if (clock != NULL) {
        config.clock = thrum_test_clock_clock(clock);
        reactor = thrum_reactor_new(&config);
    }
    if (reactor != NULL)
        ck_assert_int_eq(thrum_reactor_turn(reactor), 0);
    thrum_reactor_free(reactor);
    thrum_test_clock_free(clock);
    support_context_end(context);
}

START_TEST(a_reactor_with_a_clock_survives_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *turns = tcase_create("turns");
    TCase *clock = tcase_create("the clock of a test");
    TCase *const cases[] = {turns, clock};

    loop_watchdog();
    tcase_add_test(turns, a_turn_with_nothing_to_do_waits_for_nothing);
    tcase_add_test(turns, a_call_that_is_due_is_made_in_the_next_turn);
    tcase_add_test(turns, a_task_ticks_once_a_turn_until_it_is_done);
    tcase_add_test(turns, a_call_from_a_thread_is_something_to_do);
    tcase_add_test(turns, turns_carry_bytes_until_nothing_more_comes);
    tcase_add_test(turns, a_turn_within_a_turn_is_refused);
    tcase_add_test(turns,
                   where_others_look_at_each_turn_there_may_always_be_more);
    tcase_add_test(clock,
                   the_clock_of_a_test_makes_the_calls_and_holds_no_loop);
    tcase_add_test(
        clock, what_is_written_when_the_clock_moves_leaves_in_the_next_turn);
    tcase_add_test(clock, a_batch_from_threads_is_cut_by_the_clock_of_the_test);
    tcase_add_test(clock,
                   a_reactor_with_a_clock_survives_every_failing_allocation);
    return support_main("turn", cases, sizeof cases / sizeof *cases);
}
