/* SPDX-License-Identifier: MIT */
/*
 * The play of a script: begun, cancelled, freed while it goes on, without its
 * reactor, without memory.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/reactor/stage.h"

/* ---- Playing ---- */

START_TEST(nothing_is_told_before_play_has_returned)
{
    stage here;

    stage_start(&here);
    stage_play(&here);
    ck_assert(!here.over);
    stage_rest(&here);
    ck_assert(here.over);
    stage_end(&here);
}
END_TEST

START_TEST(steps_that_are_added_later_are_played_by_another_play)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_expect(here.peer, "one");
    stage_say(&here, "onetwo");
    stage_expect_well(&here);
    stage_expect_well(&here); /* nothing to do */
    thrum_test_peer_expect(here.peer, "two");
    stage_expect_well(&here);
    thrum_test_peer_expect(here.peer, "three");
    stage_say(&here, "four");
    stage_expect_failure(&here, THRUM_REACTOR_E_SCRIPT,
                         "step 3: expected \"three\", but \"four\" came");
    stage_end(&here);
}
END_TEST

START_TEST(steps_may_be_added_while_it_is_played)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_expect(here.peer, "one");
    stage_play(&here);
    stage_rest(&here);
    thrum_test_peer_send(here.peer, "two");
    stage_say(&here, "one");
    stage_expect_data(&here, "two");
    ck_assert(here.over && here.well);
    stage_end(&here);
}
END_TEST

START_TEST(a_script_that_is_played_cannot_be_played_again)
{
    stage here;
    thrum_deferred *again;
    void *value;
    thrum_free_fn *release;
    thrum_failure *why;

    stage_start(&here);
    thrum_test_peer_expect(here.peer, "one");
    stage_play(&here);
    again = thrum_test_peer_play(here.peer);
    ck_assert_int_eq(thrum_deferred_take(again, &value, &release, &why), 0);
    ck_assert_int_eq(thrum_failure_code(why), THRUM_E_INVALID);
    thrum_failure_unref(why);
    thrum_deferred_finish(again);
    stage_say(&here, "one");
    STAGE_UNTIL(&here, here.over);
    ck_assert(here.well);
    stage_end(&here);
}
END_TEST

START_TEST(after_a_failure_the_play_stands_where_it_failed)
{
    stage here;
    static const char text[] = "step 1: expected \"one\", but \"ona\" came";

    stage_start(&here);
    thrum_test_peer_expect(here.peer, "one");
    stage_say(&here, "ona");
    stage_expect_failure(&here, THRUM_REACTOR_E_SCRIPT, text);
    stage_expect_failure(&here, THRUM_REACTOR_E_SCRIPT, text);
    stage_end(&here);
}
END_TEST

/* ---- Cancelled ---- */

START_TEST(a_cancelled_play_stops_where_it_is_and_may_go_on)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_expect(here.peer, "one");
    thrum_test_peer_send(here.peer, "two");
    thrum_deferred_cancel(stage_play(&here));
    ck_assert_int_eq(here.code, THRUM_DEFERRED_E_CANCELLED);
    stage_say(&here, "one");
    stage_rest(&here);
    ck_assert_uint_eq(here.data.size, 0);
    stage_expect_well(&here);
    stage_expect_data(&here, "two");
    stage_end(&here);
}
END_TEST

/* The step begins anew. */
START_TEST(a_play_that_is_cancelled_while_time_runs_waits_no_more)
{
    stage here;
    thrum_deferred *played;

    stage_start(&here);
    if (_i == 0)
        thrum_test_peer_delay(here.peer, THRUM_S);
    else
        thrum_test_peer_stall(here.peer, THRUM_S);
    thrum_test_peer_expect(here.peer, "one");
    played = stage_play(&here);
    stage_rest(&here);
    ck_assert_uint_eq(thrum_test_clock_pending(here.clock), 1);
    thrum_deferred_cancel(played);
    ck_assert_uint_eq(thrum_test_clock_pending(here.clock), 0);
    stage_say(&here, "one");
    stage_play(&here);
    stage_rest(&here);
    thrum_test_clock_advance(here.clock, THRUM_S);
    STAGE_UNTIL(&here, here.over);
    ck_assert(here.well);
    stage_end(&here);
}
END_TEST

/* ---- Freed ---- */

START_TEST(a_peer_that_is_freed_while_it_plays_fails_its_play)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_delay(here.peer, _i == 0 ? THRUM_S : 0);
    stage_play(&here);
    if (_i == 0)
        stage_rest(&here);
    thrum_test_peer_free(here.peer);
    here.peer = NULL;
    ck_assert_int_eq(here.code, THRUM_REACTOR_E_ABORTED);
    ck_assert_str_eq(here.text, "the test peer was freed");
    ck_assert_uint_eq(thrum_test_clock_pending(here.clock), 0);
    STAGE_UNTIL(&here, here.ended); /* its stream went with it */
    stage_end(&here);
}
END_TEST

START_TEST(whoever_is_told_of_the_end_may_free_the_peer)
{
    stage here;

    stage_start(&here);
    here.frees = true;
    if (_i == 0) /* well, from what was received */
        thrum_test_peer_expect(here.peer, "one");
    else if (_i == 1) /* badly */
        thrum_test_peer_expect(here.peer, "two");
    else if (_i == 2) /* at the end of a stream */
        thrum_test_peer_expect_end(here.peer);
    stage_play(&here);
    if (_i < 2)
        stage_say(&here, "one");
    else
        thrum_stream_lose(here.stream);
    STAGE_UNTIL(&here, here.over && (here.ended || here.closed));
    ck_assert_ptr_null(here.peer);
    stage_end(&here);
}
END_TEST

START_TEST(a_peer_may_be_freed_by_who_hears_that_it_is_freed)
{
    stage here;

    stage_start(&here);
    here.frees = true;
    thrum_test_peer_expect(here.peer, "one");
    stage_play(&here);
    thrum_test_peer_free(here.peer);
    ck_assert_int_eq(here.code, THRUM_REACTOR_E_ABORTED);
    stage_end(&here);
}
END_TEST

START_TEST(no_peer_is_freed_and_played_in_peace)
{
    thrum_test_peer_send(NULL, "text");
    thrum_test_peer_expect_until(NULL, "text", NULL);
    thrum_test_peer_delay(NULL, 1);
    thrum_test_peer_close(NULL);
    ck_assert_ptr_null(thrum_test_peer_play(NULL));
    thrum_test_peer_free(NULL);
}
END_TEST

/* ---- Without the reactor ---- */

START_TEST(the_reactors_end_fails_the_play_and_the_peer_is_still_to_be_freed)
{
    stage here;

    stage_start(&here);
    if (_i == 0)
        thrum_test_peer_expect(here.peer, "one");
    else if (_i == 1)
        thrum_test_peer_delay(here.peer, THRUM_S);
    here.frees = _i == 2;
    stage_play(&here);
    if (_i < 2)
        stage_rest(&here);
    thrum_reactor_free(here.reactor);
    here.reactor = NULL;
    ck_assert_int_eq(here.code, THRUM_REACTOR_E_STOPPED);
    if (_i < 2) {
        stage_play(&here);
        ck_assert_int_eq(here.code, THRUM_REACTOR_E_STOPPED);
    }
    stage_end(&here);
}
END_TEST

static void late_closed(thrum_stream *stream, const thrum_failure *why,
                        void *late)
{
    (void)why;
    *(thrum_test_peer **)late = thrum_test_peer_new(thrum_stream_ref(stream));
}

START_TEST(a_peer_that_is_made_while_the_reactor_ends_plays_nothing)
{
    static const thrum_stream_handler handler = {.closed = late_closed};
    thrum_test_peer *late = NULL;
    thrum_free_fn *free;
    thrum_failure *why;
    thrum_deferred *played;
    void *value;
    stage here;

    stage_start(&here);
    thrum_stream_set_handler(here.stream, &handler, &late, NULL);
    thrum_reactor_free(here.reactor);
    here.reactor = NULL;
    ck_assert_ptr_nonnull(late);
    played = thrum_test_peer_play(late);
    ck_assert_int_eq(thrum_deferred_take(played, &value, &free, &why), 0);
    ck_assert_int_eq(thrum_failure_code(why), THRUM_REACTOR_E_STOPPED);
    thrum_failure_unref(why);
    thrum_deferred_finish(played);
    thrum_test_peer_free(late);
    stage_end(&here);
}
END_TEST

/* ---- Without memory ---- */

static void scenario(void)
{
    stage here;
    thrum_buffer got;

    stage_start(&here);
    if (here.peer != NULL) {
        thrum_buffer_init(&got, here.context, SIZE_MAX);
        thrum_test_peer_send(here.peer, "220 hello\r\n");
        thrum_test_peer_expect(here.peer, "HELLO ");
        thrum_test_peer_expect_until(here.peer, "\r\n", &got);
        thrum_test_peer_delay(here.peer, THRUM_S);
        thrum_test_peer_send_bytes(here.peer, "welcome", 7, 2);
        thrum_test_peer_expect_end(here.peer);
        thrum_test_peer_close(here.peer);
        stage_play(&here);
        (void)thrum_stream_write(here.stream, "HELLO you\r\n", 11);
        stage_rest(&here);
        thrum_test_clock_advance(here.clock, THRUM_S);
        stage_rest(&here);
        thrum_stream_lose_write(here.stream);
        stage_rest(&here);
        ck_assert(here.over || support_failed());
        ck_assert(here.well || here.code != THRUM_REACTOR_E_SCRIPT ||
                  support_failed());
        thrum_buffer_fini(&got);
    }
    stage_end(&here);
    support_unhandled();
}

START_TEST(a_play_survives_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

/* A step that could not be added is not left out. */
START_TEST(a_step_without_memory_fails_the_play)
{
    stage here;

    stage_start(&here);
    support_fail_at(1);
    thrum_test_peer_expect(here.peer, "one");
    support_fail_at(0);
    stage_expect_failure(&here, THRUM_E_NOMEM, "out of memory");
    stage_end(&here);
}
END_TEST

int main(void)
{
    TCase *play = tcase_create("play"), *freed = tcase_create("freed");
    TCase *memory = tcase_create("memory");
    TCase *const cases[] = {play, freed, memory};

    peer_over = PEER_MEMORY;
    loop_watchdog();
    tcase_add_test(play, nothing_is_told_before_play_has_returned);
    tcase_add_test(play, steps_that_are_added_later_are_played_by_another_play);
    tcase_add_test(play, steps_may_be_added_while_it_is_played);
    tcase_add_test(play, a_script_that_is_played_cannot_be_played_again);
    tcase_add_test(play, after_a_failure_the_play_stands_where_it_failed);
    tcase_add_test(play, a_cancelled_play_stops_where_it_is_and_may_go_on);
    tcase_add_loop_test(
        play, a_play_that_is_cancelled_while_time_runs_waits_no_more, 0, 2);
    tcase_add_loop_test(
        freed, a_peer_that_is_freed_while_it_plays_fails_its_play, 0, 2);
    tcase_add_loop_test(freed, whoever_is_told_of_the_end_may_free_the_peer, 0,
                        3);
    tcase_add_test(freed, a_peer_may_be_freed_by_who_hears_that_it_is_freed);
    tcase_add_test(freed, no_peer_is_freed_and_played_in_peace);
    tcase_add_test(freed,
                   a_peer_that_is_made_while_the_reactor_ends_plays_nothing);
    tcase_add_loop_test(
        freed,
        the_reactors_end_fails_the_play_and_the_peer_is_still_to_be_freed, 0,
        3);
    tcase_add_test(memory, a_play_survives_every_failing_allocation);
    tcase_add_test(memory, a_step_without_memory_fails_the_play);
    return support_main("test_peer_end", cases, sizeof cases / sizeof *cases);
}
