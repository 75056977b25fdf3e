/* SPDX-License-Identifier: MIT */
/*
 * Streams that are left when their reactor ends.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/reactor/peer.h"

START_TEST(streams_that_are_left_send_what_is_queued_and_are_aborted)
{
    thrum_context *context;
    peer self;

    peer_open_heard(&self, loop_start());
    context = thrum_reactor_context(self.reactor);
    thrum_stream_write(self.stream, "last words", 10);
    thrum_reactor_free(self.reactor);
    ck_assert_uint_eq(self.closed, 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_ABORTED);
    ck_assert_uint_eq(self.released, 1);
    peer_expect(&self, "last words");
    peer_hang_up(&self, false);
    thrum_stream_unref(self.stream);
    support_context_end(context);
}
END_TEST

START_TEST(a_stream_that_was_lost_and_sent_all_ends_well_with_the_reactor)
{
    thrum_context *context;
    peer self;

    peer_open_heard(&self, loop_start());
    context = thrum_reactor_context(self.reactor);
    thrum_stream_write(self.stream, "QUIT", 4);
    thrum_stream_lose(self.stream);
    thrum_reactor_free(self.reactor);
    ck_assert_uint_eq(self.closed, 1);
    ck_assert_int_eq(self.code, 0);
    peer_expect(&self, "QUIT");
    peer_expect_end(&self, 0);
    peer_hang_up(&self, false);
    thrum_stream_unref(self.stream);
    support_context_end(context);
}
END_TEST

START_TEST(a_full_queue_is_reset_with_the_reactor)
{
    static char bytes[1024 * 1024];
    thrum_context *context;
    peer self;

    peer_open_heard(&self, loop_start());
    context = thrum_reactor_context(self.reactor);
    while (thrum_stream_write(self.stream, bytes, sizeof bytes) == 0)
        ;
    thrum_stream_lose(self.stream);
    thrum_reactor_free(self.reactor);
    ck_assert_uint_eq(self.closed, 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_ABORTED);
    peer_hang_up(&self, false);
    thrum_stream_unref(self.stream);
    support_context_end(context);
}
END_TEST

START_TEST(a_forked_child_lets_go_of_what_its_parent_goes_on_with)
{
    int status = -1;
    pid_t child;
    peer self;

    peer_open_heard(&self, loop_start());
    peer_say(&self, "unread");
    ck_assert_int_eq(thrum_stream_write(self.stream, "hello", 5), 0);
    child = fork();
    if (child == 0) {
        thrum_reactor_free(self.reactor);
        _exit(self.closed == 0 && self.released == 1 ? 0 : 1);
    }
    waitpid(child, &status, 0);
    ck_assert_int_eq(status, 0);
    peer_expect(&self, "hello");
    RUN_UNTIL(self.reactor, self.size == 6);
    ck_assert_int_eq(thrum_stream_write(self.stream, "again", 5), 0);
    peer_expect(&self, "again");
    peer_close(&self);
}
END_TEST

/* Ends before the peer's stream, and takes that with it. */
static void last_takes_another(thrum_stream *stream, const thrum_failure *why,
                               void *it)
{
    const peer *self = it;
    thrum_stream *pair[2];

    (void)stream;
    (void)why;
    ck_assert_int_eq(thrum_stream_write(self->stream, "secret", 6), 0);
    thrum_stream_abort(self->stream);
    ck_assert_int_eq(thrum_stream_pair(self->reactor, &pair[0], &pair[1]),
                     THRUM_REACTOR_E_STOPPED);
    ck_assert_ptr_null(pair[0]);
    ck_assert_ptr_null(pair[1]);
}

START_TEST(what_is_aborted_while_the_reactor_ends_sends_nothing_and_is_reset)
{
    static const thrum_stream_handler first = {.closed = last_takes_another};
    thrum_reactor *reactor = loop_start();
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_stream *pair[2];
    peer self;

    ck_assert_int_eq(thrum_stream_pair(reactor, &pair[0], &pair[1]), 0);
    thrum_stream_set_handler(pair[0], &first, &self, NULL);
    peer_open_heard(&self, reactor);
    thrum_reactor_free(reactor);
    ck_assert_uint_eq(self.closed, 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_ABORTED);
    peer_expect_end(&self, ECONNRESET);
    peer_hang_up(&self, false);
    thrum_stream_unref(self.stream);
    thrum_stream_unref(pair[0]);
    thrum_stream_unref(pair[1]);
    support_context_end(context);
}
END_TEST

static TCase *last_case(void)
{
    TCase *last = tcase_create("the reactor's end");

    tcase_add_test(last,
                   streams_that_are_left_send_what_is_queued_and_are_aborted);
    tcase_add_test(
        last, a_stream_that_was_lost_and_sent_all_ends_well_with_the_reactor);
    tcase_add_test(last, a_full_queue_is_reset_with_the_reactor);
    tcase_add_test(
        last,
        what_is_aborted_while_the_reactor_ends_sends_nothing_and_is_reset);
    tcase_add_test(last,
                   a_forked_child_lets_go_of_what_its_parent_goes_on_with);
    return last;
}

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *const cases[] = {last_case()};

        status |= support_main(peer_over_name("stream_last"), cases, 1);
    }
    return status;
}
