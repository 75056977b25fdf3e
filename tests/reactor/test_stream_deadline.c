/* SPDX-License-Identifier: MIT */
/*
 * How long a stream may be silent, and its peer deaf: on the clock of a test.
 */
#include <stdlib.h>
#include <string.h>

#include <thrum/test_clock.h>

#include "reactor/stream.h"
#include "tests/reactor/peer.h"

enum { IDLE = 100, WRITE = 50 };

/* The clock outlives the reactor, which is freed with the peer. */
static struct {
    thrum_context *context;
    thrum_test_clock *clock;
} time_of;

static void open_on_test_clock(peer *self)
{
    thrum_reactor_config config = {.context = support_context()};

    time_of.context = support_context();
    time_of.clock = thrum_test_clock_new(time_of.context);
    config.clock = thrum_test_clock_clock(time_of.clock);
    peer_open_heard(self, thrum_reactor_new(&config));
}

static void close_all(peer *self)
{
    peer_close(self);
    ck_assert_uint_eq(thrum_test_clock_pending(time_of.clock), 0);
    thrum_test_clock_free(time_of.clock);
    support_context_end(time_of.context);
}

static void turn(peer *self)
{
    while (thrum_reactor_turn(self->reactor) > 0)
        ;
}

/* Time passes, and the loop turns. */
static void pass(peer *self, thrum_ns span)
{
    turn(self);
    thrum_test_clock_advance(time_of.clock, span);
    turn(self);
}

/* Until neither the peer's end nor the queue takes more. */
static void fill(peer *self)
{
    static char bytes[4096];
    size_t before;

    do {
        while (thrum_stream_write(self->stream, bytes, sizeof bytes) == 0)
            ;
        before = thrum_stream_queued(self->stream);
        turn(self);
    } while (thrum_stream_queued(self->stream) < before);
}

static void take_some(peer *self)
{
    static char got[256 * 1024];
    size_t queued = thrum_stream_queued(self->stream);

    while (thrum_stream_queued(self->stream) == queued) {
        peer_take(self, got, sizeof got);
        turn(self);
    }
}

START_TEST(a_silent_stream_is_aborted_when_its_time_is_over)
{
    peer self;

    open_on_test_clock(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, IDLE, 0), 0);
    pass(&self, IDLE - 1);
    ck_assert_uint_eq(self.closed, 0);
    pass(&self, 1);
    ck_assert_uint_eq(self.closed, 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_TIMEOUT);
    close_all(&self);
}
END_TEST

START_TEST(bytes_give_a_stream_its_whole_time_again)
{
    peer self;

    open_on_test_clock(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, IDLE, 0), 0);
    for (unsigned i = 1; i <= 5; i++) {
        pass(&self, IDLE - 1);
        peer_say(&self, "x");
        turn(&self);
        ck_assert_uint_eq(self.size, i);
    }
    ck_assert_uint_eq(thrum_test_clock_pending(time_of.clock), 1);
    pass(&self, IDLE - 1);
    ck_assert_uint_eq(self.closed, 0);
    pass(&self, 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_TIMEOUT);
    close_all(&self);
}
END_TEST

/* The loop was held up: the call is due, and so are the bytes. */
START_TEST(bytes_that_came_while_the_loop_was_held_up_count)
{
    peer self;

    open_on_test_clock(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, IDLE, 0), 0);
    turn(&self);
    peer_say(&self, "x");
    thrum_test_clock_advance(time_of.clock, 10 * IDLE);
    turn(&self);
    ck_assert_uint_eq(self.closed, 0);
    ck_assert_uint_eq(self.size, 1);
    pass(&self, IDLE);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_TIMEOUT);
    close_all(&self);
}
END_TEST

START_TEST(a_stream_that_rests_is_not_idle)
{
    peer self;

    open_on_test_clock(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, IDLE, 0), 0);
    pass(&self, IDLE - 1);
    thrum_stream_pause(self.stream);
    pass(&self, 10 * IDLE);
    ck_assert_uint_eq(self.closed, 0);
    thrum_stream_resume(self.stream);
    pass(&self, IDLE - 1);
    ck_assert_uint_eq(self.closed, 0);
    pass(&self, 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_TIMEOUT);
    close_all(&self);
}
END_TEST

START_TEST(a_peer_that_said_its_end_is_not_idle)
{
    peer self;

    open_on_test_clock(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, IDLE, 0), 0);
    peer_say_end(&self);
    turn(&self);
    ck_assert_uint_eq(self.ended, 1);
    pass(&self, 10 * IDLE);
    ck_assert_uint_eq(self.closed, 0);
    close_all(&self);
}
END_TEST

START_TEST(a_deaf_peer_is_aborted_when_its_time_is_over)
{
    peer self;

    open_on_test_clock(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, 0, WRITE), 0);
    pass(&self, 10 * WRITE); /* nothing waits */
    fill(&self);
    pass(&self, WRITE - 1);
    ck_assert_uint_eq(self.closed, 0);
    pass(&self, 1);
    ck_assert_uint_eq(self.closed, 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_TIMEOUT);
    close_all(&self);
}
END_TEST

START_TEST(a_slow_peer_is_not_deaf)
{
    peer self;

    open_on_test_clock(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, 0, WRITE), 0);
    fill(&self);
    turn(&self);
    for (int i = 0; i < 3; i++) {
        pass(&self, WRITE - 1);
        take_some(&self);
        fill(&self);
    }
    ck_assert_uint_gt(thrum_stream_queued(self.stream), 0);
    ck_assert_uint_eq(self.closed, 0);
    pass(&self, WRITE);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_TIMEOUT);
    close_all(&self);
}
END_TEST

START_TEST(room_that_came_while_the_loop_was_held_up_counts)
{
    static char got[4 * 1024 * 1024];
    peer self;

    open_on_test_clock(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, 0, WRITE), 0);
    fill(&self);
    turn(&self);
    ck_assert_int_gt(peer_take(&self, got, sizeof got), 0);
    thrum_test_clock_advance(time_of.clock, WRITE);
    turn(&self);
    ck_assert_uint_eq(self.closed, 0);
    close_all(&self);
}
END_TEST

START_TEST(a_stream_that_is_lost_has_its_deadline_too)
{
    peer self;

    open_on_test_clock(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, 0, WRITE), 0);
    fill(&self);
    thrum_stream_lose(self.stream);
    pass(&self, WRITE);
    ck_assert_uint_eq(self.closed, 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_TIMEOUT);
    close_all(&self);
}
END_TEST

START_TEST(the_sooner_of_two_deadlines_counts)
{
    peer self;

    open_on_test_clock(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, IDLE, WRITE), 0);
    pass(&self, 1);
    fill(&self);
    turn(&self);
    ck_assert_uint_eq(thrum_test_clock_pending(time_of.clock), 1);
    pass(&self, WRITE);
    ck_assert_uint_eq(self.closed, 1);
    close_all(&self);
}
END_TEST

START_TEST(deadlines_may_be_moved_and_taken_back)
{
    peer self;

    open_on_test_clock(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, 0, 0), 0);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, IDLE, 0), 0);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, IDLE / 2, 0), 0);
    pass(&self, IDLE / 4);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, INT64_MAX, 0), 0);
    pass(&self, 10 * IDLE);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, IDLE, 0), 0);
    pass(&self, IDLE - 1);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, 0, 0), 0);
    pass(&self, 10 * IDLE);
    ck_assert_uint_eq(self.closed, 0);
    thrum_stream_abort(self.stream);
    turn(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, IDLE, 0), 0);
    close_all(&self);
}
END_TEST

START_TEST(without_memory_nothing_has_changed)
{
    unsigned long n = 0;
    peer self;

    open_on_test_clock(&self);
    for (;;) {
        int error;

        support_fail_at(++n);
        error = thrum_stream_set_deadlines(self.stream, IDLE, WRITE);
        if (!support_failed())
            break;
        ck_assert_int_eq(error, THRUM_E_NOMEM);
        ck_assert_uint_eq(thrum_test_clock_pending(time_of.clock), 0);
    }
    support_fail_at(0);
    ck_assert_uint_gt(n, 1);
    pass(&self, IDLE);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_TIMEOUT);
    close_all(&self);
}
END_TEST

/* Nobody would watch the stream any more. */
START_TEST(a_deadline_that_finds_no_memory_ends_the_stream)
{
    peer self;

    open_on_test_clock(&self);
    ck_assert_int_eq(thrum_stream_set_deadlines(self.stream, IDLE, 0), 0);
    pass(&self, IDLE / 2);
    peer_say(&self, "x");
    turn(&self);
    support_fail_at(1);
    thrum_test_clock_advance(time_of.clock, IDLE / 2);
    ck_assert(support_failed());
    support_fail_at(0);
    turn(&self);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_TIMEOUT);
    close_all(&self);
}
END_TEST

static TCase *silent_case(void)
{
    TCase *silent = tcase_create("silent");

    tcase_add_test(silent, a_silent_stream_is_aborted_when_its_time_is_over);
    tcase_add_test(silent, bytes_give_a_stream_its_whole_time_again);
    tcase_add_test(silent, bytes_that_came_while_the_loop_was_held_up_count);
    tcase_add_test(silent, a_stream_that_rests_is_not_idle);
    tcase_add_test(silent, a_peer_that_said_its_end_is_not_idle);
    return silent;
}

static TCase *deaf_case(void)
{
    TCase *deaf = tcase_create("deaf");

    tcase_add_test(deaf, a_deaf_peer_is_aborted_when_its_time_is_over);
    tcase_add_test(deaf, a_slow_peer_is_not_deaf);
    tcase_add_test(deaf, room_that_came_while_the_loop_was_held_up_counts);
    tcase_add_test(deaf, a_stream_that_is_lost_has_its_deadline_too);
    return deaf;
}

static TCase *both_case(void)
{
    TCase *both = tcase_create("both");

    tcase_add_test(both, the_sooner_of_two_deadlines_counts);
    tcase_add_test(both, deadlines_may_be_moved_and_taken_back);
    tcase_add_test(both, without_memory_nothing_has_changed);
    tcase_add_test(both, a_deadline_that_finds_no_memory_ends_the_stream);
    return both;
}

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *const cases[] = {silent_case(), deaf_case(), both_case()};

        status |= support_main(peer_over_name("stream_deadline"), cases,
                               sizeof cases / sizeof *cases);
    }
    return status;
}
