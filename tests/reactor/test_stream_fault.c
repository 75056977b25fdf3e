/* SPDX-License-Identifier: MIT */
/*
 * What the system may do to each of a stream's calls: interrupt it, put it off,
 * do a part of it, or fail; and descriptors whose numbers come again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "reactor/stream.h"
#include "tests/reactor/peer.h"

/* ---- The calls, on their way ---- */

enum { SHORT = -1 };

static struct {
    unsigned at, calls; /* the nth, from 1, of all calls */
    int fault;          /* an errno, or SHORT */
} plan;

/* Whether this call fails; a short one is told to do less. */
static bool faulty(size_t *size)
{
    if (++plan.calls != plan.at)
        return false;
    if (plan.fault == SHORT) {
        *size = *size > 1 ? 1 : *size;
        return false;
    }
    errno = plan.fault;
    return true;
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    if (faulty(&size))
        return -1;
    return syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    struct iovec part = message->msg_iov[0];
    struct msghdr less = {.msg_iov = &part, .msg_iovlen = 1};
    size_t size = part.iov_len;

    if (faulty(&size))
        return -1;
    if (size == part.iov_len)
        return syscall(SYS_sendmsg, fd, message, flags);
    part.iov_len = size;
    return syscall(SYS_sendmsg, fd, &less, flags);
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
    if (faulty(&size))
        return -1;
    return syscall(SYS_recvfrom, fd, data, size, flags, NULL, NULL);
}

int shutdown(int fd, int how)
{
    size_t size = 0;

    if (how == SHUT_WR && plan.fault != SHORT && plan.fault != EINTR &&
        plan.fault != EAGAIN && faulty(&size))
        return -1;
    return (int)syscall(SYS_shutdown, fd, how);
}

/* libev's own call finds it only when it is visible. */
__attribute__((visibility("default"))) int
epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
    size_t size = 2;

    if (plan.fault == EINTR && faulty(&size))
        return -1;
    return (int)syscall(SYS_epoll_wait, fd, events, most, timeout);
}

/* ---- A conversation ---- */

enum { ROUNDS = 6, SAID = 1000 };

typedef struct side {
    thrum_stream *stream;
    char said[ROUNDS * SAID], heard[2 * ROUNDS * SAID];
    size_t said_size, heard_size;
    unsigned owned, released, ended, closed;
    int code;
} side;

static void side_release(void *ctx)
{
    ((side *)ctx)->released++;
}

/* In three pieces, so that sendmsg has parts. */
static void side_say(side *self)
{
    char *bytes = self->said + self->said_size;

    for (size_t i = 0; i < SAID; i++)
        bytes[i] = (char)(self->said_size + i * 7);
    if (thrum_stream_write(self->stream, bytes, 100) != 0)
        return;
    self->owned++;
    if (thrum_stream_write_owned(self->stream, bytes + 100, SAID - 200, self,
                                 side_release) != 0)
        return;
    thrum_stream_write(self->stream, bytes + SAID - 100, 100);
    self->said_size += SAID;
}

static void on_received(thrum_stream *stream, const char *data, size_t size,
                        void *ctx)
{
    side *self = ctx;

    (void)stream;
    ck_assert_uint_eq(self->closed, 0);
    ck_assert_uint_le(self->heard_size + size, sizeof self->heard);
    memcpy(self->heard + self->heard_size, data, size);
    self->heard_size += size;
    if (self->heard_size % SAID != 0)
        return;
    if (self->said_size < ROUNDS * SAID)
        side_say(self);
    else
        thrum_stream_lose_write(self->stream);
}

static void on_ended(thrum_stream *stream, void *ctx)
{
    ((side *)ctx)->ended++;
    thrum_stream_lose(stream);
}

static void on_closed(thrum_stream *stream, const thrum_failure *why, void *ctx)
{
    side *self = ctx;

    (void)stream;
    self->closed++;
    self->code = why != NULL ? thrum_failure_code(why) : 0;
}

static const thrum_stream_handler handler = {on_received, on_ended, NULL,
                                             on_closed};

static side sides[2];

/* Returns how many calls it took. */
static unsigned converse(unsigned at, int fault)
{
    thrum_reactor *reactor = loop_start();
    thrum_stream *streams[2];

    peer_pair(reactor, streams);
    for (int i = 0; i < 2; i++) {
        sides[i] = (side){.stream = streams[i]};
        thrum_stream_set_handler(streams[i], &handler, &sides[i], NULL);
    }
    plan.calls = 0;
    plan.at = at;
    plan.fault = fault;
    side_say(&sides[0]);
    thrum_reactor_run(reactor);
    plan.at = 0;
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(sides[i].closed, 1);
        ck_assert_uint_eq(sides[i].released, sides[i].owned);
        thrum_stream_unref(streams[i]);
    }
    loop_end(reactor);
    return plan.calls;
}

static void expect_whole(void)
{
    for (int i = 0; i < 2; i++) {
        side *self = &sides[i], *other = &sides[1 - i];

        ck_assert_int_eq(self->code, 0);
        ck_assert_uint_eq(self->said_size, ROUNDS * SAID);
        ck_assert_uint_eq(self->heard_size, ROUNDS * SAID);
        ck_assert_mem_eq(self->heard, other->said, ROUNDS * SAID);
    }
}

static const int delays[] = {EINTR, EAGAIN, SHORT};

START_TEST(a_call_that_is_put_off_or_done_in_part_changes_nothing)
{
    unsigned calls = converse(0, delays[_i]);

    expect_whole();
    ck_assert_uint_ge(calls, 4 * ROUNDS);
    for (unsigned at = 1; at <= calls; at++) {
        converse(at, delays[_i]);
        expect_whole();
    }
}
END_TEST

static const int failures[] = {ECONNRESET, EPIPE, ENOBUFS, ETIMEDOUT};

/* What came through came in order, and both ends heard of it once. */
START_TEST(a_call_that_fails_ends_the_stream_once)
{
    unsigned calls = converse(0, failures[_i]);

    for (unsigned at = 1; at <= calls; at++) {
        converse(at, failures[_i]);
        for (int i = 0; i < 2; i++)
            ck_assert_mem_eq(sides[i].heard, sides[1 - i].said,
                             sides[i].heard_size);
    }
}
END_TEST

/* ---- Numbers that come again ---- */

typedef struct again {
    thrum_reactor *reactor;
    thrum_stream *streams[2], *made[2];
    int fd;
    unsigned received, closed;
} again;

static again first, second;

static int number(const thrum_stream *stream)
{
    return stream->transport->ops->descriptor(stream->transport);
}

static void made_received(thrum_stream *stream, const char *data, size_t size,
                          void *ctx)
{
    again *self = ctx;

    ck_assert_ptr_eq(stream, self->made[0]);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(data, "new", 3);
    thrum_stream_lose(self->made[0]);
    thrum_stream_lose(self->made[1]);
}

/* The other one, whose event of this turn is still to come, goes. */
static void again_received(thrum_stream *stream, const char *data, size_t size,
                           void *ctx)
{
    again *self = ctx, *other = self == &first ? &second : &first;

    (void)data;
    (void)size;
    self->received++;
    ck_assert_uint_eq(other->received, 0);
    thrum_stream_abort(other->streams[0]);
    thrum_stream_lose(stream);
}

static void again_closed(thrum_stream *stream, const thrum_failure *why,
                         void *ctx)
{
    static const thrum_stream_handler hears = {.received = made_received};
    again *self = ctx;

    (void)stream;
    (void)why;
    self->closed++;
    if (self->received > 0)
        return;
    peer_pair(self->reactor, self->made);
    if (peer_over != PEER_MEMORY)
        ck_assert(number(self->made[0]) == self->fd ||
                  number(self->made[1]) == self->fd);
    thrum_stream_set_handler(self->made[0], &hears, self, NULL);
    thrum_stream_write(self->made[1], "new", 3);
}

static void again_begin(again *self, thrum_reactor *reactor)
{
    static const thrum_stream_handler hears = {.received = again_received,
                                               .closed = again_closed};

    memset(self, 0, sizeof *self);
    self->reactor = reactor;
    peer_pair(reactor, self->streams);
    self->fd = number(self->streams[0]);
    thrum_stream_set_handler(self->streams[0], &hears, self, NULL);
    thrum_stream_write(self->streams[1], "old", 3);
}

static void again_end(again *self)
{
    for (int i = 0; i < 2; i++) {
        thrum_stream_unref(self->streams[i]);
        thrum_stream_unref(self->made[i]);
    }
}

START_TEST(a_number_that_comes_again_in_a_turn_brings_no_old_event)
{
    thrum_reactor *reactor = loop_start();

    again_begin(&first, reactor);
    again_begin(&second, reactor);
    while (first.closed + second.closed < 2)
        thrum_reactor_turn(reactor);
    ck_assert_uint_eq(first.received + second.received, 1);
    thrum_stream_lose(first.streams[1]);
    thrum_stream_lose(second.streams[1]);
    thrum_reactor_run(reactor);
    again_end(&first);
    again_end(&second);
    loop_end(reactor);
}
END_TEST

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *faults = tcase_create("faults");
        TCase *const cases[] = {faults};

        if (peer_over != PEER_MEMORY) {
            tcase_add_loop_test(
                faults, a_call_that_is_put_off_or_done_in_part_changes_nothing,
                0, sizeof delays / sizeof *delays);
            tcase_add_loop_test(faults, a_call_that_fails_ends_the_stream_once,
                                0, sizeof failures / sizeof *failures);
        }
        tcase_add_test(faults,
                       a_number_that_comes_again_in_a_turn_brings_no_old_event);
        status |= support_main(peer_over_name("stream_fault"), cases, 1);
    }
    return status;
}
