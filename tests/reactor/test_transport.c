/* SPDX-License-Identifier: MIT */
/*
 * Transports: what each promises, how they stack, and how a stream exchanges
 * one for another while it lives.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reactor/stream.h"
#include "tests/reactor/chop.h"
#include "tests/reactor/peer.h"

static const char SAYS[] = "The quick brown fox jumps over the lazy dog";
enum { SAYS_SIZE = sizeof SAYS - 1 };

/* `text` as the raw end sees it when it is hidden. */
static char *hidden(const char *text)
{
    static char into[256];
    size_t size = strlen(text);

    memset(into, 0, sizeof into);
    for (size_t i = 0; i < size; i++)
        into[i] = text[i] ^ CHOP_KEY;
    return into;
}

static void put_on(peer *self, chop *plan)
{
    ck_assert_int_eq(thrum__stream_set_transport(self->stream,
                                                 chop_new(self->reactor, plan)),
                     0);
}

/* ---- Cut at every offset ---- */

static void converse(chop *plan)
{
    peer self;

    peer_open_heard(&self, loop_start());
    put_on(&self, plan);
    ck_assert_uint_eq(plan->stacked, 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(thrum_stream_write(self.stream, SAYS, SAYS_SIZE), 0);
        peer_say(&self, SAYS);
        peer_expect(&self, SAYS);
    }
    RUN_UNTIL(self.reactor, self.size == 3 * SAYS_SIZE);
    for (int i = 0; i < 3; i++)
        ck_assert_mem_eq(self.data + i * SAYS_SIZE, SAYS, SAYS_SIZE);
    ck_assert_int_eq(thrum_stream_write(self.stream, SAYS, SAYS_SIZE), 0);
    peer_say(&self, "?");
    peer_say_end(&self);
    RUN_UNTIL(self.reactor, self.ended == 1);
    ck_assert_uint_eq(self.size, 3 * SAYS_SIZE + 1);
    thrum_stream_lose(self.stream);
    peer_expect(&self, SAYS);
    peer_expect_end(&self, 0);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, 0);
    ck_assert_uint_eq(plan->closed, 1);
    ck_assert_uint_eq(plan->reset, 0);
    peer_close(&self);
}

START_TEST(a_conversation_passes_whole)
{
    chop plan = {0};

    converse(&plan);
}
END_TEST

START_TEST(a_conversation_passes_bytewise)
{
    chop plan = {.piece = 1};

    converse(&plan);
}
END_TEST

START_TEST(a_conversation_passes_cut_at_every_offset)
{
    for (size_t cut = 1; cut <= 4 * SAYS_SIZE; cut++) {
        chop plan = {.cut = cut};

        converse(&plan);
    }
}
END_TEST

/* ---- Exchanged on the fly ---- */

START_TEST(what_was_queued_before_leaves_through_the_old_one)
{
    chop plan = {.key = CHOP_KEY};
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_int_eq(thrum_stream_write(self.stream, "220 go", 6), 0);
    put_on(&self, &plan);
    ck_assert_uint_eq(plan.stacked, 0);
    ck_assert_int_eq(thrum_stream_write(self.stream, "secret", 6), 0);
    peer_expect(&self, "220 go");
    peer_expect(&self, hidden("secret"));
    ck_assert_uint_eq(plan.stacked, 1);
    peer_close(&self);
}
END_TEST

START_TEST(a_full_queue_leaves_before_the_exchange)
{
    static char bytes[4096], got[4096];
    chop plan = {.key = CHOP_KEY};
    size_t written = 0;
    peer self;

    peer_open_heard(&self, loop_start());
    while (thrum_stream_write(self.stream, bytes, sizeof bytes) == 0)
        written += sizeof bytes;
    put_on(&self, &plan);
    thrum_stream_set_marks(self.stream, 0, 0, SIZE_MAX);
    ck_assert_int_eq(thrum_stream_write(self.stream, "x", 1), 0);
    thrum_reactor_turn(self.reactor);
    ck_assert_uint_eq(plan.stacked, 0);
    while (written > 0) {
        size_t size = written < sizeof got ? written : sizeof got;
        ssize_t part = peer_take(&self, got, size);

        if (part > 0)
            ck_assert_mem_eq(got, bytes, (size_t)part);
        else
            thrum_reactor_turn(self.reactor);
        written -= part > 0 ? (size_t)part : 0;
    }
    peer_expect(&self, hidden("x"));
    peer_close(&self);
}
END_TEST

START_TEST(nothing_is_received_through_the_old_one_any_more)
{
    chop plan = {.key = CHOP_KEY};
    peer self;

    peer_open_heard(&self, loop_start());
    peer_say(&self, hidden("hello"));
    ck_assert_int_eq(thrum_stream_write(self.stream, "220", 3), 0);
    put_on(&self, &plan);
    RUN_UNTIL(self.reactor, self.size == 5);
    ck_assert_str_eq(self.data, "hello");
    peer_close(&self);
}
END_TEST

static chop exchanged;

static void exchange(peer *self)
{
    if (exchanged.stacked > 0)
        return;
    ck_assert_int_eq(thrum_stream_write(self->stream, "220", 3), 0);
    put_on(self, &exchanged);
}

START_TEST(it_may_be_exchanged_within_received)
{
    peer self;

    exchanged = (chop){.key = CHOP_KEY};
    peer_open_heard(&self, loop_start());
    self.on_received = exchange;
    peer_say(&self, "STARTTLS");
    RUN_UNTIL(self.reactor, self.size == 8);
    peer_expect(&self, "220");
    peer_say(&self, hidden("EHLO"));
    RUN_UNTIL(self.reactor, self.size == 12);
    ck_assert_str_eq(self.data, "STARTTLSEHLO");
    peer_close(&self);
}
END_TEST

START_TEST(two_may_stand_on_each_other)
{
    chop one = {.key = CHOP_KEY}, two = {.key = CHOP_KEY, .piece = 1};
    peer self;

    peer_open_heard(&self, loop_start());
    put_on(&self, &one);
    ck_assert_int_eq(thrum_stream_write(self.stream, "a", 1), 0);
    put_on(&self, &two);
    ck_assert_int_eq(thrum_stream_write(self.stream, "bc", 2), 0);
    peer_expect(&self, hidden("a"));
    peer_expect(&self, "bc");
    thrum_stream_abort(self.stream);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_uint_eq(one.closed, 1);
    ck_assert_uint_eq(two.closed, 1);
    ck_assert_uint_eq(one.reset, 1);
    ck_assert_int_eq(one.code, THRUM_REACTOR_E_ABORTED);
    peer_close(&self);
}
END_TEST

START_TEST(only_one_waits_at_a_time)
{
    chop one = {.key = CHOP_KEY}, two = {0};
    thrum__transport *refused;
    peer self;

    peer_open_heard(&self, loop_start());
    ck_assert_int_eq(thrum_stream_write(self.stream, "220", 3), 0);
    put_on(&self, &one);
    refused = chop_new(self.reactor, &two);
    ck_assert_int_eq(thrum__stream_set_transport(self.stream, refused),
                     THRUM_E_INVALID);
    thrum_stream_lose(self.stream);
    ck_assert_int_eq(thrum__stream_set_transport(self.stream, refused),
                     THRUM_E_CLOSED);
    ck_assert_uint_eq(two.closed, 0);
    refused->ops->close(refused, false, NULL);
    RUN_UNTIL(self.reactor, self.closed == 1);
    peer_close(&self);
}
END_TEST

START_TEST(a_stream_that_ends_before_closes_the_one_that_waits)
{
    static char bytes[4096];
    chop plan = {0};
    peer self;

    peer_open_heard(&self, loop_start());
    while (thrum_stream_write(self.stream, bytes, sizeof bytes) == 0)
        ;
    put_on(&self, &plan);
    if (_i == 0)
        thrum_stream_abort(self.stream);
    else
        peer_hang_up(&self, false);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_uint_eq(plan.stacked, 0);
    ck_assert_uint_eq(plan.closed, 1);
    ck_assert_int_eq(plan.code, self.code);
    ck_assert_int_eq(self.code,
                     _i == 0 ? THRUM_REACTOR_E_ABORTED : THRUM_REACTOR_E_WRITE);
    peer_close(&self);
}
END_TEST

/* ---- An end made of bytes, and breaking ---- */

START_TEST(an_end_made_of_bytes_is_sent_before_the_stream_is_closed)
{
    chop plan = {.says_end = true, .late = (unsigned)_i};
    peer self;

    peer_open_heard(&self, loop_start());
    put_on(&self, &plan);
    ck_assert_int_eq(thrum_stream_write(self.stream, "bye", 3), 0);
    thrum_stream_lose(self.stream);
    peer_expect(&self, "bye$");
    peer_expect_end(&self, 0);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, 0);
    ck_assert_uint_eq(plan.late, 0);
    peer_close(&self);
}
END_TEST

START_TEST(a_half_ends_by_the_words_of_its_transport)
{
    chop plan = {.says_end = true, .late = (unsigned)_i};
    peer self;

    peer_open_heard(&self, loop_start());
    put_on(&self, &plan);
    ck_assert_int_eq(thrum_stream_lose_write(self.stream), 0);
    peer_expect(&self, "$");
    peer_expect_end(&self, 0);
    peer_say(&self, "yes");
    RUN_UNTIL(self.reactor, self.size == 3);
    thrum_stream_lose(self.stream);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, 0);
    peer_close(&self);
}
END_TEST

START_TEST(an_aborted_stream_has_no_last_words)
{
    chop plan = {.says_end = true};
    peer self;

    peer_open_heard(&self, loop_start());
    put_on(&self, &plan);
    thrum_stream_abort(self.stream);
    peer_expect_end(&self, ECONNRESET);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_uint_eq(plan.reset, 1);
    peer_close(&self);
}
END_TEST

START_TEST(a_transport_that_breaks_ends_a_stream_that_rests)
{
    chop plan = {0};
    peer self;

    peer_open_heard(&self, loop_start());
    put_on(&self, &plan);
    thrum_stream_pause(self.stream);
    chop_break(&plan, THRUM_REACTOR_E_TLS);
    ck_assert_uint_eq(self.closed, 0);
    RUN_UNTIL(self.reactor, self.closed == 1);
    ck_assert_int_eq(self.code, THRUM_REACTOR_E_TLS);
    ck_assert_int_eq(plan.code, THRUM_REACTOR_E_TLS);
    peer_close(&self);
}
END_TEST

/* ---- The table itself, at the bottom ---- */

START_TEST(bytes_are_seen_without_being_taken)
{
    char got[8];
    peer self;

    peer_open(&self, loop_start());
    const thrum__transport_ops *ops = self.stream->transport->ops;

    ck_assert(!ops->has_bytes(self.stream->transport));
    ck_assert_int_eq(ops->receive(self.stream->transport, got, sizeof got),
                     THRUM__TRANSPORT_AGAIN);
    peer_say(&self, "abc");
    ck_assert(ops->has_bytes(self.stream->transport));
    ck_assert(ops->has_bytes(self.stream->transport));
    ck_assert_int_eq(ops->receive(self.stream->transport, got, 2), 2);
    ck_assert(ops->has_bytes(self.stream->transport));
    ck_assert_int_eq(ops->receive(self.stream->transport, got, 2), 1);
    ck_assert(!ops->has_bytes(self.stream->transport));
    peer_say_end(&self);
    ck_assert(!ops->has_bytes(self.stream->transport));
    ck_assert_int_eq(ops->receive(self.stream->transport, got, 2), 0);
    ck_assert_int_eq(ops->receive(self.stream->transport, got, 2), 0);
    peer_close(&self);
}
END_TEST

START_TEST(parts_are_sent_in_their_order)
{
    struct iovec parts[] = {{"one ", 4}, {"two ", 4}, {"three", 5}};
    peer self;

    peer_open(&self, loop_start());
    ck_assert_int_eq(
        self.stream->transport->ops->send(self.stream->transport, parts, 3),
        13);
    peer_expect(&self, "one two three");
    peer_close(&self);
}
END_TEST

START_TEST(a_half_may_be_shut_twice)
{
    peer self;

    peer_open(&self, loop_start());
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(
            self.stream->transport->ops->shutdown(self.stream->transport), 0);
    peer_expect_end(&self, 0);
    peer_close(&self);
}
END_TEST

static TCase *cut_case(void)
{
    TCase *cut = tcase_create("cut");

    tcase_add_test(cut, a_conversation_passes_whole);
    tcase_add_test(cut, a_conversation_passes_bytewise);
    tcase_add_test(cut, a_conversation_passes_cut_at_every_offset);
    return cut;
}

static TCase *exchange_case(void)
{
    TCase *swap = tcase_create("exchanged");

    tcase_add_test(swap, what_was_queued_before_leaves_through_the_old_one);
    tcase_add_test(swap, a_full_queue_leaves_before_the_exchange);
    tcase_add_test(swap, nothing_is_received_through_the_old_one_any_more);
    tcase_add_test(swap, it_may_be_exchanged_within_received);
    tcase_add_test(swap, two_may_stand_on_each_other);
    tcase_add_test(swap, only_one_waits_at_a_time);
    tcase_add_loop_test(
        swap, a_stream_that_ends_before_closes_the_one_that_waits, 0, 2);
    return swap;
}

static TCase *ends_case(void)
{
    TCase *ends = tcase_create("ends");

    tcase_add_loop_test(
        ends, an_end_made_of_bytes_is_sent_before_the_stream_is_closed, 0, 3);
    tcase_add_loop_test(ends, a_half_ends_by_the_words_of_its_transport, 0, 3);
    tcase_add_test(ends, an_aborted_stream_has_no_last_words);
    tcase_add_test(ends, a_transport_that_breaks_ends_a_stream_that_rests);
    return ends;
}

static TCase *table_case(void)
{
    TCase *table = tcase_create("table");

    tcase_add_test(table, bytes_are_seen_without_being_taken);
    tcase_add_test(table, parts_are_sent_in_their_order);
    tcase_add_test(table, a_half_may_be_shut_twice);
    return table;
}

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *const cases[] = {cut_case(), exchange_case(), ends_case(),
                                table_case()};

        status |= support_main(peer_over_name("transport"), cases,
                               sizeof cases / sizeof *cases);
    }
    return status;
}
