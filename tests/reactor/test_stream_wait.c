/* SPDX-License-Identifier: MIT */
/*
 * Writers that wait by a Deferred until a stream takes more.
 */
#include <stdlib.h>
#include <string.h>

#include "reactor/stream.h"
#include "tests/reactor/peer.h"

typedef struct waiter {
    thrum_reactor *reactor;
    unsigned fired;
    int code; /* of the failure */
} waiter;

static thrum_outcome waiter_fired(void *value, void *ctx)
{
    waiter *self = ctx;

    ck_assert_ptr_null(value);
    self->fired++;
    thrum_reactor_stop(self->reactor);
    return thrum_done();
}

static thrum_outcome waiter_failed(const thrum_failure *why, void *ctx)
{
    waiter *self = ctx;

    self->code = thrum_failure_code(why);
    thrum_reactor_stop(self->reactor);
    return thrum_done();
}

static void wait_for(waiter *self, thrum_stream *stream)
{
    thrum_deferred *drained = thrum_stream_when_drained(stream);

    ck_assert_ptr_nonnull(drained);
    self->reactor = thrum_stream_reactor(stream);
    thrum_deferred_add(drained, waiter_fired, waiter_failed, self, NULL);
    thrum_deferred_finish(drained);
}

static void fill(thrum_stream *stream)
{
    static char bytes[4096];
    int error;

    do
        error = thrum_stream_write(stream, bytes, sizeof bytes);
    while (error == 0);
    ck_assert_int_eq(error, THRUM_E_FULL);
}

static void drain(peer *self, size_t to)
{
    static char got[65536];

    while (thrum_stream_queued(self->stream) > to)
        if (peer_take(self, got, sizeof got) <= 0)
            thrum_reactor_turn(self->reactor);
}

START_TEST(a_queue_at_its_low_mark_has_drained_already)
{
    waiter waits = {0};
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_set_marks(self.stream, 2, 4, 8);
    wait_for(&waits, self.stream);
    ck_assert_uint_eq(waits.fired, 1);
    thrum_stream_write(self.stream, "ab", 2);
    wait_for(&waits, self.stream);
    ck_assert_uint_eq(waits.fired, 2);
    thrum_stream_write(self.stream, "c", 1);
    wait_for(&waits, self.stream);
    ck_assert_uint_eq(waits.fired, 2);
    peer_expect(&self, "abc");
    ck_assert_uint_eq(waits.fired, 3);
    ck_assert_uint_eq(self.drained, 0); /* it was not above the high mark */
    peer_close(&self);
}
END_TEST

START_TEST(all_who_wait_are_told_at_the_low_mark)
{
    waiter waits[5] = {0};
    size_t low = 16 * 1024;
    peer self;

    peer_open_heard(&self, loop_start());
    fill(self.stream);
    for (int i = 0; i < 5; i++)
        wait_for(&waits[i], self.stream);
    drain(&self, low + 1);
    drain(&self, low);
    thrum_reactor_turn(self.reactor);
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(waits[i].fired, 1);
    ck_assert_uint_eq(self.drained, 1);
    peer_close(&self);
}
END_TEST

START_TEST(nobody_is_told_above_the_low_mark)
{
    waiter waits = {0};
    peer self;

    peer_open_heard(&self, loop_start());
    fill(self.stream);
    wait_for(&waits, self.stream);
    drain(&self, 1024 * 1024 - 100 * 1024);
    ck_assert_uint_eq(waits.fired, 0);
    thrum_stream_set_marks(self.stream, 1024 * 1024, 1024 * 1024, 1024 * 1024);
    thrum_reactor_turn(self.reactor);
    ck_assert_uint_eq(waits.fired, 1); /* the mark came to it */
    peer_close(&self);
}
END_TEST

START_TEST(who_is_cancelled_waits_no_more)
{
    waiter waits = {0};
    thrum_deferred *drained;
    peer self;

    peer_open_heard(&self, loop_start());
    fill(self.stream);
    wait_for(&waits, self.stream);
    drained = thrum_stream_when_drained(self.stream);
    thrum_deferred_add(drained, waiter_fired, waiter_failed, &waits, NULL);
    thrum_deferred_cancel(drained);
    thrum_deferred_finish(drained);
    ck_assert_int_eq(waits.code, THRUM_DEFERRED_E_CANCELLED);
    drain(&self, 0);
    thrum_reactor_turn(self.reactor);
    ck_assert_uint_eq(waits.fired, 1);
    peer_close(&self);
}
END_TEST

static void hang_up(peer *self)
{
    peer_hang_up(self, true);
}

static void abort_it(peer *self)
{
    thrum_stream_abort(self->stream);
    ck_assert_uint_eq(self->closed, 0);
}

static void (*const endings[])(peer *) = {abort_it, hang_up};

START_TEST(who_waits_fails_with_what_ended_the_stream)
{
    waiter waits = {0}, late = {0};
    peer self;

    peer_open_heard(&self, loop_start());
    fill(self.stream);
    wait_for(&waits, self.stream);
    endings[_i](&self);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_ne(self.code, 0);
    ck_assert_int_eq(waits.code, self.code);
    ck_assert_uint_eq(waits.fired, 0);
    wait_for(&late, self.stream);
    ck_assert_int_eq(late.code, self.code);
    peer_close(&self);
}
END_TEST

START_TEST(who_waits_for_a_stream_that_is_lost_hears_that_it_drained)
{
    waiter waits = {0}, late = {0};
    peer self;

    peer_open_heard(&self, loop_start());
    fill(self.stream);
    wait_for(&waits, self.stream);
    thrum_stream_lose(self.stream);
    drain(&self, 0);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, 0);
    ck_assert_uint_eq(waits.fired, 1);
    wait_for(&late, self.stream);
    ck_assert_uint_eq(late.fired, 1);
    peer_close(&self);
}
END_TEST

START_TEST(who_waits_fails_when_the_reactor_ends)
{
    waiter waits = {0};
    thrum_context *context;
    peer self;

    peer_open_heard(&self, loop_start());
    context = thrum_reactor_context(self.reactor);
    fill(self.stream);
    wait_for(&waits, self.stream);
    thrum_reactor_free(self.reactor);
    ck_assert_int_eq(waits.code, THRUM_REACTOR_E_ABORTED);
    peer_hang_up(&self, false);
    thrum_stream_unref(self.stream);
    support_context_end(context);
}
END_TEST

/* A writer that writes when it may, and waits when it may not: what a slow
 * peer makes of it never grows past the cap. */
enum { SLOWLY = 3 * 1024 * 1024, CAP = 32 * 1024 };

typedef struct writer {
    thrum_stream *stream;
    size_t left;
    bool ended;
} writer;

static void writer_go(writer *self);

static thrum_outcome writer_goes_on(void *value, void *ctx)
{
    (void)value;
    writer_go(ctx);
    return thrum_done();
}

static void writer_go(writer *self)
{
    static const char bytes[1000];
    thrum_deferred *drained;

    while (self->left > 0) {
        size_t size = self->left < sizeof bytes ? self->left : sizeof bytes;

        if (thrum_stream_write(self->stream, bytes, size) == THRUM_E_FULL) {
            drained = thrum_stream_when_drained(self->stream);
            thrum_deferred_add(drained, writer_goes_on, NULL, self, NULL);
            thrum_deferred_finish(drained);
            return;
        }
        self->left -= size;
    }
    self->ended = true;
}

START_TEST(a_slow_peer_never_makes_memory_grow_past_the_cap)
{
    static char got[10000];
    size_t read = 0;
    writer writes = {.left = SLOWLY};
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_set_marks(self.stream, CAP / 4, CAP / 2, CAP);
    writes.stream = self.stream;
    writer_go(&writes);
    while (read < SLOWLY) {
        ssize_t part = peer_take(&self, got, sizeof got);

        read += part > 0 ? (size_t)part : 0;
        thrum_reactor_turn(self.reactor);
        ck_assert_uint_le(thrum_stream_queued(self.stream), CAP);
    }
    ck_assert(writes.ended);
    peer_close(&self);
}
END_TEST

START_TEST(every_allocation_of_waiting_may_fail)
{
    unsigned long n = 0;
    peer self;

    peer_open_heard(&self, loop_start());
    fill(self.stream);
    do {
        thrum_deferred *drained;

        support_fail_at(++n);
        drained = thrum_stream_when_drained(self.stream);
        if (drained != NULL) {
            ck_assert(!support_failed());
            thrum_deferred_cancel(drained);
            thrum_deferred_mark_handled(drained);
        }
        thrum_deferred_finish(drained);
    } while (support_failed());
    support_fail_at(0);
    ck_assert_uint_gt(n, 2);
    support_unhandled();
    peer_close(&self);
}
END_TEST

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *waits = tcase_create("waits");
        TCase *const cases[] = {waits};

        tcase_add_test(waits, a_queue_at_its_low_mark_has_drained_already);
        tcase_add_test(waits, all_who_wait_are_told_at_the_low_mark);
        tcase_add_test(waits, nobody_is_told_above_the_low_mark);
        tcase_add_test(waits, who_is_cancelled_waits_no_more);
        tcase_add_loop_test(waits, who_waits_fails_with_what_ended_the_stream,
                            0, 2);
        tcase_add_test(
            waits, who_waits_for_a_stream_that_is_lost_hears_that_it_drained);
        tcase_add_test(waits, who_waits_fails_when_the_reactor_ends);
        tcase_add_test(waits, a_slow_peer_never_makes_memory_grow_past_the_cap);
        tcase_add_test(waits, every_allocation_of_waiting_may_fail);
        status |= support_main(peer_over_name("stream_wait"), cases, 1);
    }
    return status;
}
