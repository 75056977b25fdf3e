/* SPDX-License-Identifier: MIT */
/*
 * Options of the socket beneath.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "reactor/stream.h"
#include "tests/reactor/peer.h"

static int option(const thrum_stream *stream, int level, int name)
{
    int fd = stream->transport->ops->descriptor(stream->transport);
    int value = -1;
    socklen_t size = sizeof value;

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

START_TEST(small_segments_leave_at_once_unless_told_otherwise)
{
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_int_eq(option(self.stream, IPPROTO_TCP, TCP_NODELAY), 1);
    ck_assert_int_eq(thrum_stream_set_nodelay(self.stream, 0), 0);
    ck_assert_int_eq(option(self.stream, IPPROTO_TCP, TCP_NODELAY), 0);
    ck_assert_int_eq(thrum_stream_set_nodelay(self.stream, 7), 0);
    ck_assert_int_eq(option(self.stream, IPPROTO_TCP, TCP_NODELAY), 1);
    peer_close(&self);
}
END_TEST

typedef struct question {
    thrum_ns idle;
    int error;
    int on, after, every;
} question;

static const question questions[] = {
    {60 * THRUM_S, 0, 1, 60, 6},
    {59 * THRUM_S + 1, 0, 1, 60, 6},
    {1, 0, 1, 1, 1},
    {7200 * THRUM_S, 0, 1, 7200, 720},
    {-1, THRUM_E_INVALID, 0, 7200, 75},
    {INT64_MAX, THRUM_E_INVALID, 0, 7200, 75},
};

START_TEST(a_silent_peer_is_asked_whether_it_lives)
{
    const question *asked = &questions[_i];
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_int_eq(option(self.stream, SOL_SOCKET, SO_KEEPALIVE), 0);
    ck_assert_int_eq(thrum_stream_set_keepalive(self.stream, asked->idle),
                     asked->error);
    ck_assert_int_eq(option(self.stream, SOL_SOCKET, SO_KEEPALIVE), asked->on);
    if (asked->error == 0) {
        ck_assert_int_eq(option(self.stream, IPPROTO_TCP, TCP_KEEPIDLE),
                         asked->after);
        ck_assert_int_eq(option(self.stream, IPPROTO_TCP, TCP_KEEPINTVL),
                         asked->every);
        ck_assert_int_eq(option(self.stream, IPPROTO_TCP, TCP_KEEPCNT), 3);
    }
    ck_assert_int_eq(thrum_stream_set_keepalive(self.stream, 0), 0);
    ck_assert_int_eq(option(self.stream, SOL_SOCKET, SO_KEEPALIVE), 0);
    peer_close(&self);
}
END_TEST

START_TEST(what_is_not_tcp_has_no_such_options)
{
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_int_eq(thrum_stream_set_nodelay(self.stream, 1), THRUM_E_INVALID);
    ck_assert_int_eq(thrum_stream_set_keepalive(self.stream, THRUM_S),
                     THRUM_E_INVALID);
    ck_assert_int_eq(thrum_stream_set_keepalive(self.stream, 0),
                     THRUM_E_INVALID);
    peer_close(&self);
}
END_TEST

START_TEST(a_stream_that_is_closed_has_none)
{
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_lose(self.stream);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(thrum_stream_set_nodelay(self.stream, 1), THRUM_E_CLOSED);
    ck_assert_int_eq(thrum_stream_set_keepalive(self.stream, THRUM_S),
                     THRUM_E_CLOSED);
    peer_close(&self);
}
END_TEST

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *options = tcase_create("options");
        TCase *const cases[] = {options};

        if (peer_over == PEER_TCP) {
            tcase_add_test(options,
                           small_segments_leave_at_once_unless_told_otherwise);
            tcase_add_loop_test(options,
                                a_silent_peer_is_asked_whether_it_lives, 0,
                                sizeof questions / sizeof *questions);
        } else {
            tcase_add_test(options, what_is_not_tcp_has_no_such_options);
        }
        tcase_add_test(options, a_stream_that_is_closed_has_none);
        status |= support_main(peer_over_name("stream_option"), cases, 1);
    }
    return status;
}
