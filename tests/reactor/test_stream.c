/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/reactor/peer.h"

/* The system calls that a stream makes, counted on their way. */
static unsigned sends, receives, waits;

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    sends++;
    return syscall(SYS_sendto, fd, data, size, flags, NULL, 0);
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
    receives++;
    return syscall(SYS_recvfrom, fd, data, size, flags, NULL, NULL);
}

/* libev's own call finds it only when it is visible. */
__attribute__((visibility("default"))) int
epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
    waits++;
    return (int)syscall(SYS_epoll_wait, fd, events, most, timeout);
}

/* ---- Reading and writing ---- */

START_TEST(bytes_go_both_ways)
{
    peer self;

    peer_open_heard(&self, loop_start());
    peer_say(&self, "hello");
    RUN_UNTIL(self.reactor, self.size == 5);
    ck_assert_str_eq(self.data, "hello");
    ck_assert_int_eq(thrum_stream_write(self.stream, "wor", 3), 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, "", 0), 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, "ld", 2), 0);
    ck_assert_uint_eq(thrum_stream_queued(self.stream), 5);
    peer_say(&self, "!");
    sends = 0;
    RUN_UNTIL(self.reactor, self.size == 6);
    ck_assert_uint_eq(sends, peer_over == PEER_MEMORY ? 0 : 1);
    ck_assert_uint_eq(thrum_stream_queued(self.stream), 0);
    peer_expect(&self, "world");
    peer_close(&self);
}
END_TEST

START_TEST(a_buffer_is_taken_without_a_copy_when_nothing_waits)
{
    const char *made;
    thrum_buffer bytes;
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_buffer_init(&bytes, thrum_reactor_context(self.reactor), 100);
    thrum_buffer_append(&bytes, "-hello", 6);
    thrum_buffer_consume(&bytes, 1);
    made = bytes.data;
    ck_assert_int_eq(thrum_stream_take(self.stream, &bytes), 0);
    ck_assert_uint_eq(bytes.size, 0);
    ck_assert_uint_eq(bytes.cap, 100);
    ck_assert_ptr_ne(bytes.data, made);
    ck_assert_uint_eq(thrum_stream_queued(self.stream), 5);
    thrum_buffer_append(&bytes, " world", 6);
    made = bytes.data;
    ck_assert_int_eq(thrum_stream_take(self.stream, &bytes), 0);
    ck_assert_ptr_eq(bytes.data, made);
    ck_assert_uint_eq(bytes.size, 0);
    peer_say(&self, "!");
    RUN_UNTIL(self.reactor, self.size == 1);
    peer_expect(&self, "hello world");
    thrum_buffer_fini(&bytes);
    peer_close(&self);
}
END_TEST

START_TEST(a_buffer_that_is_not_taken_is_as_it_was)
{
    thrum_buffer bytes;
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_set_marks(self.stream, 0, 4, 4);
    thrum_buffer_init(&bytes, thrum_reactor_context(self.reactor), 100);
    thrum_buffer_append(&bytes, "hello", 5);
    ck_assert_int_eq(thrum_stream_take(self.stream, &bytes), THRUM_E_FULL);
    thrum_stream_lose(self.stream);
    ck_assert_int_eq(thrum_stream_take(self.stream, &bytes), THRUM_E_CLOSED);
    ck_assert_uint_eq(bytes.size, 5);
    thrum_buffer_fini(&bytes);
    peer_close(&self);
}
END_TEST

START_TEST(a_stream_knows_its_reactor)
{
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_ptr_eq(thrum_stream_reactor(self.stream), self.reactor);
    peer_close(&self);
}
END_TEST

START_TEST(a_stream_knows_its_addresses)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    char text[40];
    peer self;

    peer_open_heard(&self, loop_start());
    getsockname(self.raw, (struct sockaddr *)&address, &size);
    snprintf(text, sizeof text, "127.0.0.1:%u",
             (unsigned)ntohs(address.sin_port));
    ck_assert_str_eq(thrum_stream_peer(self.stream), text);
    getpeername(self.raw, (struct sockaddr *)&address, &size);
    snprintf(text, sizeof text, "127.0.0.1:%u",
             (unsigned)ntohs(address.sin_port));
    ck_assert_str_eq(thrum_stream_name(self.stream), text);
    peer_close(&self);
}
END_TEST

START_TEST(a_stream_without_a_handler_reads_nothing_and_loses_nothing)
{
    peer self;

    peer_open(&self, loop_start());
    peer_say(&self, "early");
    receives = 0;
    thrum_clock_call_later(thrum_reactor_clock(self.reactor), 0,
                           (thrum_call_fn *)thrum_reactor_stop, self.reactor,
                           NULL);
    thrum_reactor_run(self.reactor);
    ck_assert_uint_eq(receives, 0);
    thrum_stream_set_handler(self.stream, &peer_handler, &self, peer_release);
    ck_assert_uint_eq(self.size, 0);
    RUN_UNTIL(self.reactor, self.size == 5);
    peer_close(&self);
    ck_assert_uint_eq(self.released, 1);
    ck_assert_uint_eq(self.closed, 0); /* nobody was left to hear it */
}
END_TEST

static void pause_it(peer *self)
{
    thrum_stream_pause(self->stream);
}

START_TEST(a_paused_stream_is_silent_until_it_is_resumed)
{
    peer self;

    peer_open_heard(&self, loop_start());
    self.on_received = pause_it;
    peer_say(&self, "a");
    RUN_UNTIL(self.reactor, self.size == 1);
    peer_say(&self, "b");
    thrum_clock_call_later(thrum_reactor_clock(self.reactor), THRUM_MS,
                           (thrum_call_fn *)thrum_reactor_stop, self.reactor,
                           NULL);
    thrum_reactor_run(self.reactor);
    ck_assert_uint_eq(self.size, 1);
    thrum_stream_resume(self.stream);
    ck_assert_uint_eq(self.size, 1);
    RUN_UNTIL(self.reactor, self.size == 2);
    ck_assert_str_eq(self.data, "ab");
    peer_close(&self);
}
END_TEST

/* ---- Marks ---- */

START_TEST(a_write_past_the_cap_is_refused_whole)
{
    static char bytes[100];
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_int_eq(thrum_stream_set_marks(self.stream, 0, 100, 100), 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, bytes, 60), 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, bytes, 41), THRUM_E_FULL);
    ck_assert_uint_eq(thrum_stream_queued(self.stream), 60);
    ck_assert_int_eq(thrum_stream_write(self.stream, bytes, SIZE_MAX),
                     THRUM_E_FULL);
    ck_assert_int_eq(thrum_stream_write(self.stream, bytes, 40), 0);
    ck_assert_int_eq(thrum_stream_set_marks(self.stream, 0, 10, 10), 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, bytes, 1), THRUM_E_FULL);
    peer_close(&self);
}
END_TEST

START_TEST(marks_in_the_wrong_order_are_refused)
{
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_int_eq(thrum_stream_set_marks(self.stream, 2, 1, 3),
                     THRUM_E_INVALID);
    ck_assert_int_eq(thrum_stream_set_marks(self.stream, 1, 3, 2),
                     THRUM_E_INVALID);
    ck_assert_int_eq(thrum_stream_set_marks(self.stream, 0, 0, 0), 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, "x", 1), THRUM_E_FULL);
    peer_close(&self);
}
END_TEST

START_TEST(a_queue_above_its_high_mark_does_not_wait_for_the_turns_end)
{
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_set_marks(self.stream, 2, 4, 100);
    thrum_stream_write(self.stream, "1234", 4);
    ck_assert_uint_eq(thrum_stream_queued(self.stream), 4);
    thrum_stream_write(self.stream, "5", 1);
    ck_assert_uint_eq(thrum_stream_queued(self.stream), 0);
    peer_expect(&self, "12345");
    peer_close(&self);
}
END_TEST

/* Fills the kernel's buffers and the queue up to its cap. */
static void fill(thrum_stream *stream)
{
    static char bytes[4096];
    int error;

    memset(bytes, 'f', sizeof bytes);
    do
        error = thrum_stream_write(stream, bytes, sizeof bytes);
    while (error == 0);
    ck_assert_int_eq(error, THRUM_E_FULL);
}

static size_t drain_raw(peer *self)
{
    static char bytes[65536];
    ssize_t got;
    size_t all = 0;

    while ((got = peer_take(self, bytes, sizeof bytes)) > 0)
        all += (size_t)got;
    return all;
}

static void drain_raw_later(void *ctx)
{
    peer *self = ctx;

    drain_raw(self);
    if (thrum_stream_queued(self->stream) > 0)
        thrum_clock_call_later(thrum_reactor_clock(self->reactor), 0,
                               drain_raw_later, self, NULL);
    thrum_reactor_stop(self->reactor);
}

START_TEST(drained_is_told_once_when_the_low_mark_is_reached)
{
    size_t blocks;
    peer self;

    peer_open_heard(&self, loop_start());
    drain_raw_later(&self);
    blocks = thrum_context_blocks(thrum_reactor_context(self.reactor));
    fill(self.stream);
    ck_assert_uint_ge(thrum_stream_queued(self.stream), 64 * 1024);
    drain_raw_later(&self);
    RUN_UNTIL(self.reactor, self.drained == 1);
    ck_assert_uint_le(thrum_stream_queued(self.stream), 16 * 1024);
    RUN_UNTIL(self.reactor, thrum_stream_queued(self.stream) == 0);
    thrum_reactor_run(self.reactor);
    ck_assert_uint_eq(self.drained, 1);
    ck_assert_uint_le(thrum_context_blocks(thrum_reactor_context(self.reactor)),
                      blocks + 1); /* the heap of calls; no queue is left */
    peer_close(&self);
}
END_TEST

/* ---- Ten megabytes ---- */

enum { BULK = 10 * 1024 * 1024 };

typedef struct bulk {
    thrum_stream *stream;
    uint32_t dice;
    size_t done;
    unsigned rests;
    thrum_reactor *reactor;
} bulk;

static char bulk_next(bulk *self)
{
    self->dice = self->dice * 1664525 + 1013904223;
    return (char)(self->dice >> 24);
}

static void bulk_write(thrum_stream *stream, void *ctx)
{
    bulk *self = ctx;
    char some[777];

    while (self->done < BULK && thrum_stream_queued(stream) <= 4000) {
        size_t size = BULK - self->done;

        if (size > sizeof some)
            size = sizeof some;
        for (size_t i = 0; i < size; i++)
            some[i] = bulk_next(self);
        ck_assert_int_eq(thrum_stream_write(stream, some, size), 0);
        self->done += size;
    }
    self->rests++;
    if (self->done == BULK)
        thrum_stream_lose(stream);
}

static void bulk_written(thrum_stream *stream, const thrum_failure *why,
                         void *ctx)
{
    (void)ctx;
    ck_assert_ptr_null(why);
    thrum_stream_unref(stream);
}

static void bulk_resume(void *ctx)
{
    thrum_stream_resume(ctx);
}

/* A reader that rests after every read, so that the writer has to. */
static void bulk_read(thrum_stream *stream, const char *data, size_t size,
                      void *ctx)
{
    bulk *self = ctx;

    bool same = true;

    ck_assert_uint_le(size, 64 * 1024);
    for (size_t i = 0; i < size; i++)
        same &= data[i] == bulk_next(self);
    ck_assert(same);
    self->done += size;
    thrum_stream_pause(stream);
    thrum_clock_call_later(thrum_reactor_clock(self->reactor), 0, bulk_resume,
                           stream, NULL);
}

static void bulk_read_all(thrum_stream *stream, const thrum_failure *why,
                          void *ctx)
{
    (void)ctx;
    ck_assert_ptr_null(why);
    thrum_stream_unref(stream);
}

static const thrum_stream_handler bulk_writer = {.drained = bulk_write,
                                                 .closed = bulk_written};
static const thrum_stream_handler bulk_reader = {.received = bulk_read,
                                                 .closed = bulk_read_all};

START_TEST(ten_megabytes_arrive_whole_through_small_marks)
{
    thrum_reactor *reactor = loop_start();
    bulk writer = {.dice = 1}, reader = {.dice = 1, .reactor = reactor};
    thrum_stream *streams[2];

    peer_pair(reactor, streams);
    thrum_stream_set_handler(streams[1], &bulk_reader, &reader, NULL);
    thrum_stream_set_marks(streams[0], 1000, 4000, 8000);
    thrum_stream_set_handler(streams[0], &bulk_writer, &writer, NULL);
    bulk_write(streams[0], &writer);
    thrum_reactor_run(reactor);
    ck_assert_uint_eq(reader.done, BULK);
    ck_assert_uint_gt(writer.rests, 1);
    loop_end(reactor);
}
END_TEST

/* ---- Ping and pong: what an exchange costs ---- */

enum { EXCHANGES = 1000 };

static void pong(thrum_stream *stream, const char *data, size_t size, void *ctx)
{
    int *left = ctx;

    if (--*left > 0)
        thrum_stream_write(stream, data, size);
    else
        thrum_stream_lose(stream);
}

static void pong_closed(thrum_stream *stream, const thrum_failure *why,
                        void *ctx)
{
    (void)why;
    (void)ctx;
    thrum_stream_unref(stream);
}

static const thrum_stream_handler pong_handler = {.received = pong,
                                                  .closed = pong_closed};

START_TEST(an_exchange_costs_one_send_one_receive_and_one_wait)
{
    thrum_reactor *reactor = loop_start();
    unsigned calls = peer_over == PEER_MEMORY ? 0 : EXCHANGES;
    int left = EXCHANGES;
    thrum_stream *streams[2];

    peer_pair(reactor, streams);
    thrum_stream_set_handler(streams[0], &pong_handler, &left, NULL);
    thrum_stream_set_handler(streams[1], &pong_handler, &left, NULL);
    thrum_stream_write(streams[0], "ping", 4);
    sends = receives = waits = 0;
    thrum_reactor_run(reactor);
    ck_assert_int_eq(left, 0);
    ck_assert_uint_eq(sends, calls);
    ck_assert_uint_le(receives, calls + 3); /* and the end */
    ck_assert_uint_le(waits, EXCHANGES + 5);
    ck_assert_uint_gt(waits, 0);
    loop_end(reactor);
}
END_TEST

static TCase *bytes_case(void)
{
    TCase *bytes = tcase_create("reading and writing");

    tcase_add_test(bytes, bytes_go_both_ways);
    tcase_add_test(bytes, a_buffer_is_taken_without_a_copy_when_nothing_waits);
    tcase_add_test(bytes, a_buffer_that_is_not_taken_is_as_it_was);
    tcase_add_test(bytes, a_stream_knows_its_reactor);
    tcase_add_test(bytes,
                   a_stream_without_a_handler_reads_nothing_and_loses_nothing);
    tcase_add_test(bytes, a_paused_stream_is_silent_until_it_is_resumed);
    if (peer_over == PEER_TCP)
        tcase_add_test(bytes, a_stream_knows_its_addresses);
    return bytes;
}

static TCase *marks_case(void)
{
    TCase *marks = tcase_create("marks");

    tcase_add_test(marks, a_write_past_the_cap_is_refused_whole);
    tcase_add_test(marks, marks_in_the_wrong_order_are_refused);
    tcase_add_test(marks,
                   a_queue_above_its_high_mark_does_not_wait_for_the_turns_end);
    tcase_add_test(marks, drained_is_told_once_when_the_low_mark_is_reached);
    return marks;
}

static TCase *whole_case(void)
{
    TCase *whole = tcase_create("whole conversations");

    tcase_add_test(whole, ten_megabytes_arrive_whole_through_small_marks);
    tcase_add_test(whole, an_exchange_costs_one_send_one_receive_and_one_wait);
    return whole;
}

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *const cases[] = {bytes_case(), marks_case(), whole_case()};

        status |= support_main(peer_over_name("stream"), cases,
                               sizeof cases / sizeof *cases);
    }
    return status;
}
