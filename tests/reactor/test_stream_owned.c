/* SPDX-License-Identifier: MIT */
/*
 * Bytes that are sent from where they are, and large ones.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "reactor/stream.h"
#include "tests/reactor/peer.h"

static void count(void *times)
{
    ++*(int *)times;
}

START_TEST(bytes_are_released_when_they_were_sent)
{
    int released = 0;
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_int_eq(thrum_stream_write(self.stream, "a", 1), 0);
    ck_assert_int_eq(
        thrum_stream_write_owned(self.stream, "bc", 2, &released, count), 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, "d", 1), 0);
    ck_assert_int_eq(
        thrum_stream_write_owned(self.stream, "ef", 2, &released, count), 0);
    ck_assert_uint_eq(thrum_stream_queued(self.stream), 6);
    ck_assert_int_eq(released, 0);
    peer_expect(&self, "abcdef");
    ck_assert_int_eq(released, 2);
    ck_assert_uint_eq(thrum_stream_queued(self.stream), 0);
    peer_close(&self);
    ck_assert_int_eq(released, 2);
}
END_TEST

START_TEST(no_bytes_are_released_at_once)
{
    int released = 0;
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_int_eq(
        thrum_stream_write_owned(self.stream, NULL, 0, &released, count), 0);
    ck_assert_int_eq(released, 1);
    peer_close(&self);
}
END_TEST

START_TEST(what_is_refused_is_released)
{
    int released = 0;
    peer self;

    peer_open_heard(&self, loop_start());
    thrum_stream_set_marks(self.stream, 0, 2, 2);
    ck_assert_int_eq(
        thrum_stream_write_owned(self.stream, "abc", 3, &released, count),
        THRUM_E_FULL);
    ck_assert_int_eq(released, 1);
    support_fail_at(1);
    ck_assert_int_eq(
        thrum_stream_write_owned(self.stream, "a", 1, &released, count),
        THRUM_E_NOMEM);
    support_fail_at(0);
    ck_assert_int_eq(released, 2);
    thrum_stream_lose(self.stream);
    ck_assert_int_eq(
        thrum_stream_write_owned(self.stream, "a", 1, &released, count),
        THRUM_E_CLOSED);
    ck_assert_int_eq(released, 3);
    peer_close(&self);
}
END_TEST

static void fill(thrum_stream *stream)
{
    static char bytes[4096];

    while (thrum_stream_write(stream, bytes, sizeof bytes) == 0)
        ;
    thrum_stream_set_marks(stream, 0, 0, SIZE_MAX);
}

static void lose_and_hang_up(peer *self)
{
    thrum_stream_lose(self->stream);
    peer_hang_up(self, true);
}

static void abort_it(peer *self)
{
    thrum_stream_abort(self->stream);
}

static void hang_up(peer *self)
{
    peer_hang_up(self, true);
}

static void (*const endings[])(peer *) = {abort_it, hang_up, lose_and_hang_up};

START_TEST(what_could_not_be_sent_is_released_when_the_stream_ends)
{
    int released = 0;
    peer self;

    peer_open_heard(&self, loop_start());
    fill(self.stream);
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(
            thrum_stream_write_owned(self.stream, "abc", 3, &released, count),
            0);
    ck_assert_int_eq(released, 0);
    endings[_i](&self);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(released, 5);
    peer_close(&self);
    ck_assert_int_eq(released, 5);
}
END_TEST

START_TEST(what_could_not_be_sent_is_released_when_the_reactor_ends)
{
    thrum_context *context;
    int released = 0;
    peer self;

    peer_open_heard(&self, loop_start());
    context = thrum_reactor_context(self.reactor);
    fill(self.stream);
    ck_assert_int_eq(
        thrum_stream_write_owned(self.stream, "abc", 3, &released, count), 0);
    thrum_reactor_free(self.reactor);
    ck_assert_int_eq(released, 1);
    peer_hang_up(&self, false);
    thrum_stream_unref(self.stream);
    support_context_end(context);
}
END_TEST

/* ---- Owners that do something ---- */

typedef struct chain {
    peer *peer;
    int left;
    bool leaves;
} chain;

static void chain_next(void *ctx)
{
    chain *self = ctx;
    thrum_stream *stream = self->peer->stream;

    if (self->left-- > 0) {
        thrum_stream_write_owned(stream, "x", 1, self, chain_next);
    } else if (self->leaves) {
        self->peer->stream = NULL;
        thrum_stream_unref(stream);
    }
}

START_TEST(an_owner_may_write_more_and_leave_when_it_is_released)
{
    peer self;
    chain links = {&self, 5, _i == 1};

    peer_open_heard(&self, loop_start());
    if (_i == 2)
        thrum_stream_set_marks(self.stream, 0, 0, 100);
    chain_next(&links);
    peer_expect(&self, "xxxxx");
    ck_assert_int_eq(links.left, -1);
    if (_i == 1)
        peer_expect_end(&self, 0);
    peer_close(&self);
}
END_TEST

/* ---- Twenty megabytes ---- */

enum { LARGE = 20 * 1024 * 1024, TURN = 64 * 1024 };

static void unmap(void *bytes)
{
    munmap(bytes, LARGE);
}

/* A page of memory for each of the kernel's would show in the blocks; the
 * reader takes what is there, a turn sends no more than its share. */
START_TEST(twenty_megabytes_move_without_being_copied)
{
    static char got[1024 * 1024];
    char *bytes = mmap(NULL, LARGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t read = 0, queued = LARGE, blocks;
    peer self;

    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (char)(i * 2654435761U >> 24);
    peer_open_heard(&self, loop_start());
    thrum_stream_set_marks(self.stream, 0, LARGE, LARGE);
    blocks = thrum_context_blocks(thrum_reactor_context(self.reactor));
    ck_assert_int_eq(
        thrum_stream_write_owned(self.stream, bytes, LARGE, bytes, unmap), 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, "x", 1), THRUM_E_FULL);
    thrum_reactor_turn(self.reactor); /* the end of this, and one whole */
    queued = thrum_stream_queued(self.stream);
    while (read < LARGE) {
        ssize_t part = peer_take(&self, got, sizeof got);

        if (part > 0) {
            ck_assert_int_eq(got[0], (char)(read * 2654435761U >> 24));
            read += (size_t)part;
            ck_assert_int_eq(got[part - 1],
                             (char)((read - 1) * 2654435761U >> 24));
        }
        thrum_reactor_turn(self.reactor);
        ck_assert_uint_le(queued - thrum_stream_queued(self.stream), TURN);
        queued = thrum_stream_queued(self.stream);
        ck_assert_uint_le(
            thrum_context_blocks(thrum_reactor_context(self.reactor)),
            blocks + 2); /* the piece; an inbox */
    }
    ck_assert_uint_eq(queued, 0);
    peer_close(&self);
}
END_TEST

/* ---- One system call for many parts ---- */

START_TEST(many_parts_leave_in_one_turn)
{
    char text[61] = "";
    int released = 0;
    peer self;

    peer_open_heard(&self, loop_start());
    for (int i = 0; i < 30; i++) {
        ck_assert_int_eq(
            thrum_stream_write_owned(self.stream, "ab", 2, &released, count),
            0);
        strncat(text, "ab", sizeof text - strlen(text) - 1);
    }
    thrum_reactor_turn(self.reactor);
    ck_assert_int_eq(released, 30);
    peer_expect(&self, text);
    peer_close(&self);
}
END_TEST

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *owned = tcase_create("owned");
        TCase *const cases[] = {owned};

        tcase_add_test(owned, bytes_are_released_when_they_were_sent);
        tcase_add_test(owned, no_bytes_are_released_at_once);
        tcase_add_test(owned, what_is_refused_is_released);
        tcase_add_loop_test(
            owned, what_could_not_be_sent_is_released_when_the_stream_ends, 0,
            3);
        tcase_add_test(
            owned, what_could_not_be_sent_is_released_when_the_reactor_ends);
        tcase_add_loop_test(
            owned, an_owner_may_write_more_and_leave_when_it_is_released, 0, 3);
        tcase_add_test(owned, twenty_megabytes_move_without_being_copied);
        tcase_add_test(owned, many_parts_leave_in_one_turn);
        status |= support_main(peer_over_name("stream_owned"), cases, 1);
    }
    return status;
}
