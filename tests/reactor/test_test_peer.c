/* SPDX-License-Identifier: MIT */
/*
 * The peer with a script: each kind of step, right and wrong, over TCP, UNIX
 * sockets and memory. (Much of it: test_test_peer_much.c. What becomes of the
 * play itself: test_test_peer_end.c.)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/reactor/stage.h"

/* ---- Steps that are right ---- */

START_TEST(a_script_without_steps_is_played_at_once)
{
    stage here;

    stage_start(&here);
    stage_expect_well(&here);
    ck_assert(!here.closed && !here.ended);
    stage_end(&here);
}
END_TEST

START_TEST(what_is_sent_arrives_in_order)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_send(here.peer, "one ");
    thrum_test_peer_send(here.peer, "");
    thrum_test_peer_send_bytes(here.peer, "t\0o", 3, 0);
    stage_expect_well(&here);
    STAGE_UNTIL(&here, here.data.size >= 7);
    ck_assert_mem_eq(here.data.data, "one t\0o", 7);
    stage_end(&here);
}
END_TEST

START_TEST(bytes_are_sent_in_pieces_one_a_turn)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_send_bytes(here.peer, "bytewise", 8, 1);
    thrum_test_peer_send_bytes(here.peer, "by threes", 9, 3);
    stage_play(&here);
    for (int i = 0; i < 3; i++)
        thrum_reactor_turn(here.reactor);
    ck_assert(!here.over);
    stage_expect_data(&here, "bytewiseby threes");
    ck_assert_uint_ge(here.events, 8);
    ck_assert(here.over && here.well);
    stage_end(&here);
}
END_TEST

START_TEST(what_comes_in_any_pieces_is_expected_as_a_whole)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_expect(here.peer, "HELLO\r\n");
    thrum_test_peer_expect(here.peer, "");
    thrum_test_peer_expect_bytes(here.peer, "\0\xff", 2);
    stage_play(&here);
    for (const char *at = "HELLO\r\n"; *at != '\0'; at++) {
        stage_say_bytes(&here, at, 1);
        stage_rest(&here);
        ck_assert(!here.over);
    }
    stage_say_bytes(&here, "\0\xff", 2);
    STAGE_UNTIL(&here, here.over);
    ck_assert(here.well);
    stage_end(&here);
}
END_TEST

START_TEST(one_piece_may_be_for_several_steps)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_expect(here.peer, "HELLO\r\n");
    thrum_test_peer_send(here.peer, "WELCOME\r\n");
    thrum_test_peer_expect(here.peer, "QUIT\r\n");
    thrum_test_peer_send(here.peer, "BYE\r\n");
    stage_say(&here, "HELLO\r\nQUIT\r\n");
    stage_rest(&here); /* it comes before the play begins */
    stage_expect_well(&here);
    stage_expect_data(&here, "WELCOME\r\nBYE\r\n");
    stage_end(&here);
}
END_TEST

START_TEST(bytes_up_to_a_text_are_given_to_whoever_wants_them)
{
    stage here;
    thrum_buffer got;

    stage_start(&here);
    thrum_buffer_init(&got, here.context, SIZE_MAX);
    thrum_test_peer_expect_until(here.peer, ": ", NULL);
    thrum_test_peer_expect_until(here.peer, "\r\n", &got);
    thrum_test_peer_expect_until(here.peer, "", &got);
    thrum_test_peer_expect(here.peer, "rest");
    stage_say(&here, "Name: val\r");
    stage_rest(&here);
    stage_play(&here);
    stage_rest(&here);
    stage_say(&here, "\nrest");
    STAGE_UNTIL(&here, here.over);
    ck_assert(here.well);
    ck_assert_uint_eq(got.size, 5);
    ck_assert_mem_eq(got.data, "val\r\n", 5);
    thrum_buffer_fini(&got);
    stage_end(&here);
}
END_TEST

START_TEST(the_end_is_expected_and_the_peer_may_still_send)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_expect_end(here.peer);
    thrum_test_peer_send(here.peer, "last words");
    thrum_test_peer_close(here.peer);
    thrum_stream_lose_write(here.stream);
    stage_expect_well(&here);
    STAGE_UNTIL(&here, here.ended);
    stage_expect_data(&here, "last words");
    stage_end(&here);
}
END_TEST

START_TEST(a_close_comes_after_what_was_sent)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_send(here.peer, "bye");
    thrum_test_peer_close(here.peer);
    stage_expect_well(&here);
    STAGE_UNTIL(&here, here.ended);
    stage_expect_data(&here, "bye");
    ck_assert(!here.closed);
    stage_end(&here);
}
END_TEST

START_TEST(a_reset_comes_in_the_turn_after_what_was_sent)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_send(here.peer, "bye");
    thrum_test_peer_abort(here.peer);
    stage_play(&here);
    if (peer_over == PEER_MEMORY) {
        stage_expect_data(&here, "bye"); /* a kernel may call it back */
        STAGE_UNTIL(&here, here.closed);
        ck_assert_int_eq(here.why, THRUM_REACTOR_E_READ);
    }
    STAGE_UNTIL(&here, here.closed || here.ended);
    ck_assert(here.over && here.well);
    stage_end(&here);
}
END_TEST

START_TEST(a_reset_with_nothing_sent_is_at_once)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_abort(here.peer);
    stage_expect_well(&here);
    STAGE_UNTIL(&here, here.closed || here.ended);
    stage_end(&here);
}
END_TEST

/* ---- Time ---- */

START_TEST(a_delay_is_on_the_reactors_clock_and_bytes_wait_for_the_next_step)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_delay(here.peer, 3 * THRUM_S);
    thrum_test_peer_expect(here.peer, "early");
    stage_play(&here);
    stage_say(&here, "early");
    stage_rest(&here);
    thrum_test_clock_advance(here.clock, 3 * THRUM_S - 1);
    stage_rest(&here);
    ck_assert(!here.over);
    thrum_test_clock_advance(here.clock, 1);
    ck_assert(here.over && here.well);
    stage_end(&here);
}
END_TEST

START_TEST(two_delays_take_the_time_of_both)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_delay(here.peer, THRUM_S);
    thrum_test_peer_delay(here.peer, 0);
    thrum_test_peer_delay(here.peer, THRUM_S);
    stage_play(&here);
    stage_rest(&here);
    thrum_test_clock_advance(here.clock, 2 * THRUM_S - 1);
    ck_assert(!here.over);
    thrum_test_clock_advance(here.clock, 1);
    ck_assert(here.over && here.well);
    stage_end(&here);
}
END_TEST

/* Fills what lies between, and then the queue. Answers how much was taken. */
static size_t stage_fill(stage *here)
{
    static const char zeros[64 * 1024];
    size_t sent = 0;

    while (thrum_stream_write(here->stream, zeros, sizeof zeros) == 0) {
        sent += sizeof zeros;
        stage_rest(here);
    }
    return sent;
}

START_TEST(a_peer_that_stalls_reads_nothing_for_so_long)
{
    stage here;
    size_t sent;
    char *zeros;

    stage_start(&here);
    thrum_test_peer_stall(here.peer, THRUM_S);
    stage_play(&here);
    stage_rest(&here);
    sent = stage_fill(&here);
    ck_assert_uint_gt(thrum_stream_queued(here.stream), 512 * 1024);
    ck_assert(!here.over);
    thrum_test_clock_advance(here.clock, THRUM_S);
    ck_assert(here.over && here.well);
    zeros = calloc(1, sent);
    thrum_test_peer_expect_bytes(here.peer, zeros, sent);
    stage_expect_well(&here);
    ck_assert_uint_eq(thrum_stream_queued(here.stream), 0);
    free(zeros);
    stage_end(&here);
}
END_TEST

/* ---- Steps that go wrong ---- */

START_TEST(a_byte_that_differs_fails_the_step_and_is_shown)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_send(here.peer, "220 hello\r\n");
    thrum_test_peer_expect(here.peer, "HELLO you\r\n");
    stage_say(&here, "HELP\t\"me\"\r\n");
    stage_expect_failure(&here, THRUM_REACTOR_E_SCRIPT,
                         "step 2: expected \"HELLO you\\r\\n\", but "
                         "\"HELP\\t\\\"me\\\"\\r\\n\" came");
    ck_assert(!here.closed);
    stage_end(&here);
}
END_TEST

/* Right up to one byte, in pieces that end there: the text shows from eight
 * bytes before it, and as much as came. */
START_TEST(a_mismatch_at_any_offset_is_found)
{
    static const char right[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char wrong[sizeof right], wanted[200];
    int at = _i, from = at > 8 ? at - 8 : 0;
    int size = (int)sizeof right - 1 - from;
    stage here;

    memcpy(wrong, right, sizeof right);
    wrong[at] = '\\';
    snprintf(wanted, sizeof wanted,
             "step 1: expected %s\"%.32s\"%s, but %s\"%.*s\\\\\" came",
             from > 0 ? "..." : "", right + from, size > 32 ? "..." : "",
             from > 0 ? "..." : "", at - from, right + from);
    stage_start(&here);
    thrum_test_peer_expect(here.peer, right);
    stage_say_bytes(&here, wrong, at);
    stage_rest(&here);
    stage_say_bytes(&here, wrong + at, 1);
    stage_expect_failure(&here, THRUM_REACTOR_E_SCRIPT, wanted);
    stage_end(&here);
}
END_TEST

START_TEST(bytes_that_cannot_be_printed_are_told_as_c_writes_them)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_expect_bytes(here.peer, "\0\x7f\x80", 3);
    stage_say_bytes(&here, "\x1b\xff", 2);
    stage_expect_failure(&here, THRUM_REACTOR_E_SCRIPT,
                         "step 1: expected \"\\x00\\x7f\\x80\", but "
                         "\"\\x1b\\xff\" came");
    stage_end(&here);
}
END_TEST

START_TEST(the_longest_words_are_whole)
{
    char bytes[64], other[64];
    char wanted[400] = "step 1: expected \"";
    stage here;

    memset(bytes, 0x01, sizeof bytes);
    memset(other, 0x02, sizeof other);
    for (int i = 0; i < 32; i++)
        strncat(wanted, "\\x01", 5);
    strncat(wanted, "\"..., but \"", 20);
    for (int i = 0; i < 32; i++)
        strncat(wanted, "\\x02", 5);
    strncat(wanted, "\"... came", 20);
    stage_start(&here);
    thrum_test_peer_expect_bytes(here.peer, bytes, sizeof bytes);
    stage_say_bytes(&here, other, sizeof other);
    stage_expect_failure(&here, THRUM_REACTOR_E_SCRIPT, wanted);
    stage_end(&here);
}
END_TEST

static const struct {
    const char *expect, *until; /* or the end */
    const char *said;           /* before the end */
    const char *text;
} ends[] = {
    {"QUIT\r\n", NULL, "", "step 1: expected \"QUIT\\r\\n\", but the end came"},
    {"QUIT\r\n", NULL, "QU",
     "step 1: expected \"QUIT\\r\\n\", but \"QU\", then the end, came"},
    {"QUIT\r\n", NULL, "QX",
     "step 1: expected \"QUIT\\r\\n\", but \"QX\" came"},
    {NULL, "\r\n", "",
     "step 1: expected bytes up to \"\\r\\n\", but the end came"},
    {NULL, "\r\n", "abc\r",
     "step 1: expected bytes up to \"\\r\\n\", but \"abc\\r\", then the end, "
     "came"},
    {NULL, "!", "this is much longer than what is told of it",
     "step 1: expected bytes up to \"!\", but ...\"h longer than what is told "
     "of "
     "it\", then the end, came"},
    {NULL, NULL, "more", "step 1: expected the end, but \"more\" came"},
};

START_TEST(an_end_that_comes_too_early_or_too_late_is_told)
{
    stage here;

    stage_start(&here);
    if (ends[_i].expect != NULL)
        thrum_test_peer_expect(here.peer, ends[_i].expect);
    else if (ends[_i].until != NULL)
        thrum_test_peer_expect_until(here.peer, ends[_i].until, NULL);
    else
        thrum_test_peer_expect_end(here.peer);
    stage_say(&here, ends[_i].said);
    thrum_stream_lose_write(here.stream);
    stage_expect_failure(&here, THRUM_REACTOR_E_SCRIPT, ends[_i].text);
    stage_end(&here);
}
END_TEST

START_TEST(a_reset_by_the_other_side_fails_each_step_that_waits_for_bytes)
{
    stage here;

    if (peer_over == PEER_UNIX)
        return; /* has no reset */
    stage_start(&here);
    if (_i == 0)
        thrum_test_peer_expect(here.peer, "QUIT");
    else if (_i == 1)
        thrum_test_peer_expect_until(here.peer, "QUIT", NULL);
    else
        thrum_test_peer_expect_end(here.peer);
    stage_play(&here);
    stage_rest(&here);
    thrum_stream_abort(here.stream);
    STAGE_UNTIL(&here, here.over);
    ck_assert_int_eq(here.code, THRUM_REACTOR_E_READ);
    stage_end(&here);
}
END_TEST

START_TEST(what_a_buffer_does_not_take_fails_the_step)
{
    stage here;
    thrum_buffer got;

    stage_start(&here);
    thrum_buffer_init(&got, here.context, 3);
    thrum_test_peer_expect_until(here.peer, "d", &got);
    stage_say(&here, "abcd");
    stage_expect_failure(&here, THRUM_E_FULL, "step 1: a cap was reached");
    thrum_buffer_fini(&got);
    stage_end(&here);
}
END_TEST

START_TEST(a_peer_that_closed_cannot_send)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_close(here.peer);
    thrum_test_peer_send(here.peer, "more");
    stage_expect_failure(&here, THRUM_E_CLOSED, "step 2: already closed");
    stage_end(&here);
}
END_TEST

START_TEST(to_send_to_who_has_gone_fails_with_why_the_stream_ended)
{
    stage here;

    stage_start(&here);
    thrum_test_peer_expect_end(here.peer);
    thrum_test_peer_send_bytes(here.peer, "a message in pieces", 19, 1);
    thrum_stream_unref(here.stream);
    here.stream = NULL;
    stage_play(&here);
    STAGE_UNTIL(&here, here.over);
    ck_assert(!here.well);
    ck_assert(here.code == THRUM_REACTOR_E_WRITE ||
              here.code == THRUM_REACTOR_E_ENDED);
    stage_end(&here);
}
END_TEST

static void add_right(TCase *right)
{
    tcase_add_test(right, a_script_without_steps_is_played_at_once);
    tcase_add_test(right, what_is_sent_arrives_in_order);
    tcase_add_test(right, bytes_are_sent_in_pieces_one_a_turn);
    tcase_add_test(right, what_comes_in_any_pieces_is_expected_as_a_whole);
    tcase_add_test(right, one_piece_may_be_for_several_steps);
    tcase_add_test(right, bytes_up_to_a_text_are_given_to_whoever_wants_them);
    tcase_add_test(right, the_end_is_expected_and_the_peer_may_still_send);
    tcase_add_test(right, a_close_comes_after_what_was_sent);
    tcase_add_test(right, a_reset_comes_in_the_turn_after_what_was_sent);
    tcase_add_test(right, a_reset_with_nothing_sent_is_at_once);
}

static void add_time(TCase *time)
{
    tcase_add_test(
        time,
        a_delay_is_on_the_reactors_clock_and_bytes_wait_for_the_next_step);
    tcase_add_test(time, two_delays_take_the_time_of_both);
    tcase_add_test(time, a_peer_that_stalls_reads_nothing_for_so_long);
}

static void add_wrong(TCase *wrong)
{
    tcase_add_test(wrong, a_byte_that_differs_fails_the_step_and_is_shown);
    tcase_add_loop_test(wrong, a_mismatch_at_any_offset_is_found, 0, 62);
    tcase_add_test(wrong,
                   bytes_that_cannot_be_printed_are_told_as_c_writes_them);
    tcase_add_test(wrong, the_longest_words_are_whole);
    tcase_add_loop_test(wrong, an_end_that_comes_too_early_or_too_late_is_told,
                        0, sizeof ends / sizeof *ends);
    tcase_add_loop_test(
        wrong, a_reset_by_the_other_side_fails_each_step_that_waits_for_bytes,
        0, 3);
    tcase_add_test(wrong, what_a_buffer_does_not_take_fails_the_step);
    tcase_add_test(wrong, a_peer_that_closed_cannot_send);
    tcase_add_test(wrong,
                   to_send_to_who_has_gone_fails_with_why_the_stream_ended);
}

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *right = tcase_create("right"), *time = tcase_create("time");
        TCase *wrong = tcase_create("wrong");
        TCase *const cases[] = {right, time, wrong};

        add_right(right);
        add_time(time);
        add_wrong(wrong);
        status |= support_main(peer_over_name("test_peer"), cases,
                               sizeof cases / sizeof *cases);
    }
    return status;
}
