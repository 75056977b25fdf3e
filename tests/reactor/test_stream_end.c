/* SPDX-License-Identifier: MIT */
/*
 * How a stream ends: by us, by the peer, by a fault; in all of them with one
 * notice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thrum/deferred.h>

#include "tests/reactor/peer.h"

static void lose_it(peer *self)
{
    thrum_stream_lose(self->stream);
}

static void abort_it(peer *self)
{
    thrum_stream_abort(self->stream);
}

static void leave_it(peer *self)
{
    thrum_stream *stream = self->stream;

    self->stream = NULL;
    thrum_stream_unref(stream);
    ck_assert_uint_eq(self->released, 0); /* not while its call is made */
}

/* ---- Ended here ---- */

START_TEST(lose_sends_what_is_queued_and_then_closes)
{
    static char bytes[256 * 1024], got[sizeof bytes];
    peer self;

    peer_open_heard(&self, loop_start());
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 >> 3);
    ck_assert_int_eq(thrum_stream_write(self.stream, bytes, sizeof bytes), 0);
    thrum_stream_lose(self.stream);
    thrum_stream_lose(self.stream);
    ck_assert_uint_eq(self.closed, 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, "x", 1), THRUM_E_CLOSED);
    for (size_t at = 0; at < sizeof bytes;) {
        ssize_t part = peer_take(&self, got + at, sizeof got - at);

        if (part > 0)
            at += (size_t)part;
        else
            thrum_reactor_turn(self.reactor);
    }
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_mem_eq(got, bytes, sizeof bytes);
    peer_expect_end(&self, 0);
    ck_assert_int_eq(self.code, 0);
    ck_assert_uint_eq(self.released, 1);
    ck_assert_int_eq(thrum_stream_write(self.stream, "x", 1), THRUM_E_CLOSED);
    ck_assert_uint_eq(thrum_stream_queued(self.stream), 0);
    peer_close(&self);
    ck_assert_uint_eq(self.closed, 1);
}
END_TEST

START_TEST(lose_with_bytes_unread_resets_nothing)
{
    static char bytes[100 * 1024];
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_pause(self.stream);
    ck_assert_uint_ge(peer_send(&self, bytes, sizeof bytes), 60 * 1024);
    thrum_stream_write(self.stream, "221 bye", 7);
    thrum_stream_lose(self.stream);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_uint_eq(self.size, 0);
    peer_expect(&self, "221 bye");
    peer_expect_end(&self, 0);
    peer_close(&self);
}
END_TEST

START_TEST(abort_drops_what_is_queued_and_resets_the_connection)
{
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_write(self.stream, "lost", 4);
    thrum_stream_abort(self.stream);
    thrum_stream_abort(self.stream);
    thrum_stream_lose(self.stream);
    ck_assert_uint_eq(self.closed, 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, "x", 1), THRUM_E_CLOSED);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_ABORTED);
    peer_expect_end(&self, ECONNRESET);
    peer_close(&self);
    ck_assert_uint_eq(self.closed, 1);
    ck_assert_uint_eq(self.released, 1);
}
END_TEST

START_TEST(abort_after_lose_does_not_wait_for_a_peer_that_does_not_read)
{
    static char bytes[1024 * 1024];
    peer self;

    peer_open_heard(&self, loop_start());
    while (thrum_stream_write(self.stream, bytes, sizeof bytes) == 0)
        ;
    thrum_stream_lose(self.stream);
    peer_say(&self, "?");
    RUN_UNTIL(self.reactor, self.size == 1); /* it is still read */
    thrum_stream_abort(self.stream);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_ABORTED);
    peer_close(&self);
}
END_TEST

static void (*const endings[])(peer *) = {lose_it, abort_it, leave_it};

START_TEST(a_stream_may_be_ended_in_its_own_received)
{
    peer self;

    peer_open_heard(&self, loop_start());
    self.on_received = endings[_i];
    peer_say(&self, "x");
    RUN_UNTIL(self.reactor, self.released == 1);
    ck_assert_uint_eq(self.events, 1);
    ck_assert_uint_eq(self.closed, self.stream != NULL);
    peer_expect_end(&self, _i == 1 ? ECONNRESET : 0);
    peer_close(&self);
}
END_TEST

START_TEST(a_stream_may_be_ended_in_its_own_ended)
{
    peer self;

    peer_open_heard(&self, loop_start());
    self.on_ended = endings[_i];
    peer_hang_up(&self, false);
    RUN_UNTIL(self.reactor, self.released == 1);
    ck_assert_uint_eq(self.ended, 1);
    ck_assert_uint_eq(self.closed, self.stream != NULL);
    peer_close(&self);
}
END_TEST

START_TEST(a_stream_may_be_left_in_its_own_closed)
{
    peer self;

    peer_open_heard(&self, loop_start());
    self.on_closed = endings[_i];
    thrum_stream_lose(self.stream);
    RUN_UNTIL(self.reactor, self.released == 1);
    ck_assert_uint_eq(self.closed, 1);
    peer_close(&self);
}
END_TEST

START_TEST(the_last_holder_that_leaves_loses_the_stream_and_hears_no_more)
{
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_write(self.stream, "bye", 3);
    ck_assert_ptr_eq(thrum_stream_ref(self.stream), self.stream);
    thrum_stream_unref(self.stream);
    ck_assert_uint_eq(self.released, 0);
    thrum_stream_unref(self.stream);
    self.stream = NULL;
    ck_assert_uint_eq(self.released, 1);
    thrum_reactor_run(self.reactor);
    peer_expect(&self, "bye");
    peer_expect_end(&self, 0);
    ck_assert_uint_eq(self.closed, 0);
    peer_close(&self);
}
END_TEST

/* ---- Ended by the peer ---- */

START_TEST(without_ended_the_end_of_the_peer_is_the_end_of_the_stream)
{
    static const thrum_stream_handler no_ended = {0};
    peer self;

    peer_open(&self, loop_start());
    thrum_stream_set_handler(self.stream, &no_ended, &self, peer_release);
    peer_say(&self, "unheard");
    peer_hang_up(&self, false);
    thrum_reactor_run(self.reactor); /* until nothing is left */
    ck_assert_uint_eq(self.released, 1);
    peer_close(&self);
}
END_TEST

static void answer(peer *self)
{
    ck_assert_int_eq(thrum_stream_write(self->stream, "answer", 6), 0);
    thrum_stream_lose(self->stream);
}

START_TEST(a_peer_that_ended_can_still_be_answered)
{
    peer self;

    peer_open_heard(&self, loop_start());
    self.on_ended = answer;
    peer_say(&self, "question");
    peer_say_end(&self);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_str_eq(self.data, "question");
    peer_expect(&self, "answer");
    peer_expect_end(&self, 0);
    ck_assert_int_eq(self.code, 0);
    ck_assert_uint_eq(self.ended, 1);
    peer_close(&self);
}
END_TEST

START_TEST(a_reset_is_a_failure_to_read_with_the_systems_words_beneath)
{
    peer self;

    peer_open_heard(&self, loop_start());
    peer_hang_up(&self, true);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_READ);
    ck_assert_int_eq(self.error, ECONNRESET);
    ck_assert_uint_eq(self.ended, 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, "x", 1), THRUM_E_CLOSED);
    peer_close(&self);
    ck_assert_uint_eq(self.closed, 1);
}
END_TEST

START_TEST(what_the_peer_said_before_a_write_failed_is_still_heard)
{
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_write(self.stream, "MAIL", 4);
    peer_say(&self, "x");
    RUN_UNTIL(self.reactor, self.size == 1);
    peer_say(&self, "554 go away\r\n");
    peer_hang_up(&self, false); /* MAIL was not read: this is a reset */
    thrum_stream_write(self.stream, "RCPT", 4);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_str_eq(self.data, "x554 go away\r\n");
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_WRITE);
    ck_assert_uint_eq(self.ended, 0);
    peer_close(&self);
}
END_TEST

START_TEST(a_failed_write_waits_for_a_paused_reader_to_hear_the_rest)
{
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_write(self.stream, "MAIL", 4);
    peer_say(&self, "x");
    RUN_UNTIL(self.reactor, self.size == 1);
    thrum_stream_pause(self.stream);
    peer_say(&self, "554");
    peer_hang_up(&self, false);
    thrum_stream_write(self.stream, "RCPT", 4);
    thrum_clock_call_later(thrum_reactor_clock(self.reactor), 0,
                           (thrum_call_fn *)thrum_reactor_stop, self.reactor,
                           NULL);
    thrum_reactor_run(self.reactor);
    ck_assert_uint_eq(self.closed, 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, "x", 1), THRUM_E_CLOSED);
    thrum_stream_resume(self.stream);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_str_eq(self.data, "x554");
    peer_close(&self);
}
END_TEST

START_TEST(a_paused_stream_that_is_lost_does_not_wait)
{
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_write(self.stream, "MAIL", 4);
    peer_say(&self, "x");
    RUN_UNTIL(self.reactor, self.size == 1);
    thrum_stream_pause(self.stream);
    peer_hang_up(&self, true);
    thrum_stream_write(self.stream, "RCPT", 4);
    thrum_stream_lose(self.stream);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_WRITE);
    peer_close(&self);
}
END_TEST

static void pause_it(void *ctx)
{
    peer *self = ctx;

    ck_assert_int_eq(thrum_stream_write(self->stream, "x", 1), THRUM_E_CLOSED);
    ck_assert_uint_eq(self->closed, 0);
    thrum_stream_pause(self->stream);
}

/* The pause comes in the next turn, before its events. */
static void lose_and_pause(peer *self)
{
    thrum_stream_lose(self->stream);
    thrum_clock_call_later(thrum_reactor_clock(self->reactor), 0, pause_it,
                           self, NULL);
}

START_TEST(a_stream_paused_after_it_failed_and_was_lost_does_not_wait)
{
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_write(self.stream, "MAIL", 4);
    peer_say(&self, "x");
    RUN_UNTIL(self.reactor, self.size == 1);
    peer_say(&self, "554");
    peer_hang_up(&self, false);
    self.on_received = lose_and_pause;
    thrum_stream_write(self.stream, "RCPT", 4);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_WRITE);
    ck_assert_str_eq(self.data, "x554");
    peer_close(&self);
}
END_TEST

static void reset_after_end(peer *self)
{
    peer_hang_up(self, true);
}

START_TEST(a_peer_that_ended_and_then_takes_nothing_has_closed)
{
    peer self;

    peer_open_heard(&self, loop_start());
    self.on_ended = reset_after_end;
    peer_say_end(&self);
    RUN_UNTIL(self.reactor, self.ended == 1);
    ck_assert_int_eq(thrum_stream_write(self.stream, "x", 1), 0);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_ENDED);
    peer_close(&self);
}
END_TEST

START_TEST(a_peer_that_goes_while_bytes_are_queued_is_a_failure)
{
    static char bytes[1024 * 1024];
    peer self;

    peer_open_heard(&self, loop_start());
    while (thrum_stream_write(self.stream, bytes, sizeof bytes) == 0)
        ;
    ck_assert_uint_gt(thrum_stream_queued(self.stream), 0);
    thrum_stream_lose(self.stream);
    peer_hang_up(&self, true);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert(self.code == THRUM_REACTOR_E_READ ||
              self.code == THRUM_REACTOR_E_WRITE);
    ck_assert(self.error == ECONNRESET || self.error == EPIPE);
    peer_close(&self);
}
END_TEST

/* ---- Handlers ---- */

static void hand_over(peer *self)
{
    static peer next;

    next = *self;
    next.on_received = NULL;
    next.released = 0;
    next.data = NULL;
    next.size = 0;
    thrum_stream_set_handler(self->stream, &peer_handler, &next, peer_release);
    thrum_stream_set_handler(self->stream, &peer_handler, &next, NULL);
    ck_assert_uint_eq(next.released, 1); /* that one was not in use */
    ck_assert_uint_eq(self->released, 0);
    self->next = &next;
}

START_TEST(a_handler_may_be_replaced_within_its_own_call)
{
    peer self, *next;

    peer_open_heard(&self, loop_start());
    self.on_received = hand_over;
    peer_say(&self, "a");
    RUN_UNTIL(self.reactor, self.size == 1);
    ck_assert_uint_eq(self.released, 1);
    next = self.next;
    peer_say(&self, "b");
    RUN_UNTIL(self.reactor, next->size == 1);
    ck_assert_str_eq(next->data, "b");
    ck_assert_uint_eq(self.size, 1);
    free(next->data);
    peer_close(&self);
}
END_TEST

START_TEST(a_stream_that_ended_before_it_had_a_handler_tells_it_then)
{
    peer self;

    peer_open(&self, loop_start());
    thrum_stream_lose(self.stream);
    thrum_reactor_run(self.reactor);
    peer_expect_end(&self, 0);
    thrum_stream_set_handler(self.stream, &peer_handler, &self, peer_release);
    ck_assert_uint_eq(self.closed, 0);
    thrum_reactor_run(self.reactor);
    ck_assert_uint_eq(self.closed, 1);
    ck_assert_uint_eq(self.released, 1);
    thrum_stream_set_handler(self.stream, &peer_handler, &self, peer_release);
    ck_assert_uint_eq(self.released, 2); /* there is nothing left to tell */
    peer_close(&self);
    ck_assert_uint_eq(self.closed, 1);
}
END_TEST

START_TEST(a_stream_that_ended_unheard_goes_with_its_last_holder)
{
    peer self;

    peer_open(&self, loop_start());
    thrum_stream_abort(self.stream);
    thrum_reactor_run(self.reactor);
    peer_close(&self);
    ck_assert_uint_eq(self.closed, 0);
}
END_TEST

static TCase *ours_case(void)
{
    TCase *ours = tcase_create("ended here");

    tcase_add_test(ours, lose_sends_what_is_queued_and_then_closes);
    tcase_add_test(ours, lose_with_bytes_unread_resets_nothing);
    tcase_add_test(ours, abort_drops_what_is_queued_and_resets_the_connection);
    tcase_add_test(
        ours, abort_after_lose_does_not_wait_for_a_peer_that_does_not_read);
    tcase_add_loop_test(ours, a_stream_may_be_ended_in_its_own_received, 0, 3);
    tcase_add_loop_test(ours, a_stream_may_be_ended_in_its_own_ended, 0, 3);
    tcase_add_loop_test(ours, a_stream_may_be_left_in_its_own_closed, 0, 3);
    tcase_add_test(
        ours, the_last_holder_that_leaves_loses_the_stream_and_hears_no_more);
    return ours;
}

static TCase *theirs_case(void)
{
    TCase *theirs = tcase_create("ended by the peer");

    tcase_add_test(theirs,
                   without_ended_the_end_of_the_peer_is_the_end_of_the_stream);
    tcase_add_test(theirs, a_peer_that_ended_can_still_be_answered);
    if (peer_over != PEER_UNIX)
        tcase_add_test(
            theirs,
            a_reset_is_a_failure_to_read_with_the_systems_words_beneath);
    tcase_add_test(theirs,
                   what_the_peer_said_before_a_write_failed_is_still_heard);
    tcase_add_test(theirs,
                   a_failed_write_waits_for_a_paused_reader_to_hear_the_rest);
    tcase_add_test(theirs, a_paused_stream_that_is_lost_does_not_wait);
    tcase_add_test(theirs,
                   a_stream_paused_after_it_failed_and_was_lost_does_not_wait);
    tcase_add_test(theirs, a_peer_that_ended_and_then_takes_nothing_has_closed);
    tcase_add_test(theirs,
                   a_peer_that_goes_while_bytes_are_queued_is_a_failure);
    return theirs;
}

static TCase *heard_case(void)
{
    TCase *heard = tcase_create("handlers");

    tcase_add_test(heard, a_handler_may_be_replaced_within_its_own_call);
    tcase_add_test(heard,
                   a_stream_that_ended_before_it_had_a_handler_tells_it_then);
    tcase_add_test(heard,
                   a_stream_that_ended_unheard_goes_with_its_last_holder);
    return heard;
}

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *const cases[] = {ours_case(), theirs_case(), heard_case()};

        status |= support_main(peer_over_name("stream_end"), cases,
                               sizeof cases / sizeof *cases);
    }
    return status;
}
