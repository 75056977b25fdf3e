/* SPDX-License-Identifier: MIT */
/*
 * A connection of which one half has ended.
 */
#include <stdlib.h>
#include <string.h>

#include "reactor/stream.h"
#include "tests/reactor/peer.h"

START_TEST(the_peer_reads_what_was_queued_and_then_the_end)
{
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_int_eq(thrum_stream_write(self.stream, "last", 4), 0);
    ck_assert_int_eq(thrum_stream_lose_write(self.stream), 0);
    peer_expect(&self, "last");
    peer_expect_end(&self, 0);
    ck_assert_uint_eq(self.closed, 0);
    peer_close(&self);
}
END_TEST

START_TEST(bytes_are_still_received_after_the_own_half_ended)
{
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_int_eq(thrum_stream_lose_write(self.stream), 0);
    peer_expect_end(&self, 0);
    peer_say(&self, "later");
    RUN_UNTIL(self.reactor, self.size == 5);
    peer_say_end(&self);
    RUN_UNTIL(self.reactor, self.ended == 1);
    ck_assert_str_eq(self.data, "later");
    ck_assert_uint_eq(self.closed, 0);
    thrum_stream_lose(self.stream);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, 0);
    peer_close(&self);
}
END_TEST

START_TEST(no_more_is_taken_after_the_own_half_ended)
{
    thrum_buffer bytes;
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_buffer_init(&bytes, thrum_reactor_context(self.reactor), 100);
    thrum_buffer_append(&bytes, "x", 1);
    ck_assert_int_eq(thrum_stream_lose_write(self.stream), 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, "x", 1), THRUM_E_CLOSED);
    ck_assert_int_eq(thrum_stream_take(self.stream, &bytes), THRUM_E_CLOSED);
    ck_assert_int_eq(thrum_stream_lose_write(self.stream), THRUM_E_CLOSED);
    peer_expect_end(&self, 0);
    thrum_buffer_fini(&bytes);
    peer_close(&self);
}
END_TEST

static void (*const endings[])(thrum_stream *) = {thrum_stream_lose,
                                                  thrum_stream_abort};

START_TEST(a_stream_of_one_half_may_be_ended)
{
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_int_eq(thrum_stream_lose_write(self.stream), 0);
    peer_expect_end(&self, 0);
    endings[_i](self.stream);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, _i == 1 ? THRUM_REACTOR_E_ABORTED : 0);
    peer_close(&self);
}
END_TEST

START_TEST(a_stream_that_was_ended_has_no_half_to_end)
{
    peer self;

    peer_open_heard(&self, loop_start());
    endings[_i](self.stream);
    ck_assert_int_eq(thrum_stream_lose_write(self.stream), THRUM_E_CLOSED);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(thrum_stream_lose_write(self.stream), THRUM_E_CLOSED);
    peer_close(&self);
}
END_TEST

START_TEST(a_full_queue_leaves_before_the_end)
{
    static char bytes[8192], got[sizeof bytes];
    size_t written = 0, read = 0;
    peer self;

    peer_open_heard(&self, loop_start());
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 >> 3);
    while (thrum_stream_write(self.stream, bytes, sizeof bytes) == 0)
        written += sizeof bytes;
    ck_assert_int_eq(thrum_stream_lose_write(self.stream), 0);
    for (ssize_t part; read<written; read += part> 0 ? (size_t)part : 0) {
        size_t at = read % sizeof bytes;

        part = peer_take(&self, got, sizeof got - at);
        if (part > 0)
            ck_assert_mem_eq(got, bytes + at, (size_t)part);
        else
            thrum_reactor_turn(self.reactor);
    }
    peer_expect_end(&self, 0);
    ck_assert_uint_eq(self.closed, 0);
    peer_close(&self);
}
END_TEST

START_TEST(a_peer_that_has_gone_is_found_when_the_half_is_ended)
{
    peer self;

    peer_open_heard(&self, loop_start());
    peer_hang_up(&self, false);
    RUN_UNTIL(self.reactor, self.ended == 1);
    ck_assert_int_eq(thrum_stream_lose_write(self.stream), 0);
    thrum_reactor_turn(self.reactor);
    thrum_stream_lose(self.stream);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, 0);
    peer_close(&self);
}
END_TEST

/* ---- Both halves, one after the other ---- */

enum { TALK = 300 * 1024 };

typedef struct side {
    size_t said, heard;
    bool ended;
} side;

static void side_say(thrum_stream *stream, void *ctx)
{
    static const char bytes[4096];
    side *self = ctx;

    while (self->said < TALK &&
           thrum_stream_write(stream, bytes, sizeof bytes) == 0)
        self->said += sizeof bytes;
    if (self->said >= TALK)
        ck_assert_int_eq(thrum_stream_lose_write(stream), 0);
}

static void side_heard(thrum_stream *stream, const char *data, size_t size,
                       void *ctx)
{
    side *self = ctx;

    (void)stream;
    (void)data;
    self->heard += size;
}

static void answering_ended(thrum_stream *stream, void *ctx)
{
    side *self = ctx;

    self->ended = true;
    ck_assert_uint_eq(self->said, 0);
    ck_assert_uint_eq(self->heard, TALK);
    side_say(stream, ctx);
}

static void asking_ended(thrum_stream *stream, void *ctx)
{
    side *self = ctx;

    self->ended = true;
    thrum_stream_lose(stream);
    thrum_reactor_stop(thrum_stream_reactor(stream));
}

static void side_closed(thrum_stream *stream, const thrum_failure *why,
                        void *ctx)
{
    (void)ctx;
    ck_assert_ptr_null(why);
    thrum_stream_unref(stream);
}

static void answering_drained(thrum_stream *stream, void *ctx)
{
    side *self = ctx;

    if (self->said > 0)
        side_say(stream, ctx);
}

START_TEST(a_question_and_then_an_answer_pass_through_small_marks)
{
    static const thrum_stream_handler asks = {side_heard, asking_ended,
                                              side_say, side_closed};
    static const thrum_stream_handler answers = {
        side_heard, answering_ended, answering_drained, side_closed};
    thrum_reactor *reactor = loop_start();
    side asking = {0}, answering = {0};
    thrum_stream *streams[2];

    peer_pair(reactor, streams);
    for (int i = 0; i < 2; i++)
        thrum_stream_set_marks(streams[i], 4096, 8192, 16384);
    thrum_stream_set_handler(streams[0], &asks, &asking, NULL);
    thrum_stream_set_handler(streams[1], &answers, &answering, NULL);
    side_say(streams[0], &asking);
    RUN_UNTIL(reactor, asking.ended);
    ck_assert_uint_eq(asking.heard, TALK);
    ck_assert_uint_eq(answering.heard, TALK);
    thrum_stream_lose(streams[1]);
    thrum_reactor_run(reactor);
    loop_end(reactor);
}
END_TEST

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *half = tcase_create("half");
        TCase *const cases[] = {half};

        tcase_add_test(half, the_peer_reads_what_was_queued_and_then_the_end);
        tcase_add_test(half, bytes_are_still_received_after_the_own_half_ended);
        tcase_add_test(half, no_more_is_taken_after_the_own_half_ended);
        tcase_add_loop_test(half, a_stream_of_one_half_may_be_ended, 0, 2);
        tcase_add_loop_test(half, a_stream_that_was_ended_has_no_half_to_end, 0,
                            2);
        tcase_add_test(half, a_full_queue_leaves_before_the_end);
        tcase_add_test(half,
                       a_peer_that_has_gone_is_found_when_the_half_is_ended);
        tcase_add_test(half,
                       a_question_and_then_an_answer_pass_through_small_marks);
        status |= support_main(peer_over_name("stream_half"), cases, 1);
    }
    return status;
}
