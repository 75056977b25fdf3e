/* SPDX-License-Identifier: MIT */
/*
 * The tests of a service, by what is installed: the service has one end of a
 * stream in memory, a peer with a script the other, and time is what the test
 * says it is. Nothing sleeps, and nothing listens.
 */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tested_service.h"

static thrum_context *context;
static thrum_test_clock *clock;
static thrum_reactor *reactor;
static thrum_test_peer *peer;
static bool played;

static void begin(void)
{
    thrum_reactor_config config = {.context = thrum_context_new(NULL)};
    thrum_stream *ours, *theirs;

    context = config.context;
    clock = thrum_test_clock_new(context);
    config.clock = thrum_test_clock_clock(clock);
    reactor = thrum_reactor_new(&config);
    ck_assert_int_eq(thrum_stream_pair(reactor, &ours, &theirs), 0);
    adder_serve(theirs);
    peer = thrum_test_peer_new(ours);
    thrum_test_peer_expect(peer, "hello\n");
    played = false;
}

static void end(void)
{
    thrum_test_peer_free(peer);
    thrum_reactor_free(reactor);
    thrum_test_clock_free(clock);
    ck_assert_uint_eq(thrum_context_blocks(context), 0); /* nothing leaks */
    thrum_context_unref(context);
}

static thrum_outcome on_played(void *value, void *ctx)
{
    (void)value;
    (void)ctx;
    played = true;
    return thrum_done();
}

/* The words of the failure say which step went wrong, and what came. */
static thrum_outcome on_failed(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    ck_abort_msg("%s", thrum_failure_text(why));
    return thrum_done();
}

/* Turns the loop until it would wait. */
static void turn(void)
{
    while (thrum_reactor_turn(reactor) == 1)
        continue;
}

static void play(void)
{
    thrum_deferred *script = thrum_test_peer_play(peer);

    thrum_deferred_add(script, on_played, on_failed, NULL, NULL);
    thrum_deferred_finish(script);
    turn();
}

static void pass(thrum_ns time)
{
    thrum_test_clock_advance(clock, time);
    turn();
}

START_TEST(it_adds)
{
    thrum_test_peer_send(peer, "add 2\n");
    thrum_test_peer_expect(peer, "2\n");
    thrum_test_peer_send_bytes(peer, "add 40\r\nadd -42\r\n", 17, 1);
    thrum_test_peer_expect(peer, "42\n0\n");
    play();
    ck_assert(played);
}
END_TEST

START_TEST(whoever_quits_is_bidden_farewell)
{
    thrum_test_peer_send(peer, "quit\n");
    thrum_test_peer_expect(peer, "bye\n");
    thrum_test_peer_expect_end(peer);
    play();
    ck_assert(played);
}
END_TEST

START_TEST(a_line_without_an_end_is_not_waited_for)
{
    static const char endless[200] = "add ";

    thrum_test_peer_send_bytes(peer, endless, sizeof endless, 0);
    thrum_test_peer_expect(peer, "too long\n");
    thrum_test_peer_expect_end(peer);
    play();
    ck_assert(played);
}
END_TEST

START_TEST(its_patience_is_thirty_seconds)
{
    thrum_test_peer_expect(peer, "too slow\n");
    thrum_test_peer_expect_end(peer);
    play();
    pass(ADDER_PATIENCE - 1);
    ck_assert(!played);
    pass(1);
    ck_assert(played);
}
END_TEST

START_TEST(each_line_gives_it_new_patience)
{
    thrum_test_peer_delay(peer, ADDER_PATIENCE - 1);
    thrum_test_peer_send(peer, "add 1\n");
    thrum_test_peer_expect(peer, "1\n");
    thrum_test_peer_expect(peer, "too slow\n");
    play();
    pass(ADDER_PATIENCE - 1);
    pass(ADDER_PATIENCE - 1);
    ck_assert(!played);
    pass(1);
    ck_assert(played);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("adder");
    TCase *all = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(all, begin, end);
    tcase_add_test(all, it_adds);
    tcase_add_test(all, whoever_quits_is_bidden_farewell);
    tcase_add_test(all, a_line_without_an_end_is_not_waited_for);
    tcase_add_test(all, its_patience_is_thirty_seconds);
    tcase_add_test(all, each_line_gives_it_new_patience);
    suite_add_tcase(suite, all);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
