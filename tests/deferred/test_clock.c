/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "tests/deferred/chain.h"

typedef struct desk {
    thrum_context *context;
    thrum_test_clock *test;
    thrum_clock *clock;
    thrum_call *call;
} desk;

static void desk_open(desk *self)
{
    self->context = support_context();
    self->test = thrum_test_clock_new(self->context);
    self->clock = thrum_test_clock_clock(self->test);
}

static void desk_close(desk *self)
{
    thrum_test_clock_free(self->test);
    support_context_end(self->context);
}

static void call_name(void *name)
{
    trace_note(name);
    trace_note(" ");
}

static thrum_call *later(desk *self, thrum_ns after, char *name)
{
    return thrum_clock_call_later(self->clock, after, call_name, name,
                                  trace_release);
}

START_TEST(a_new_clock_shows_nothing)
{
    desk self;

    desk_open(&self);
    ck_assert_int_eq(thrum_clock_now(self.clock), 0);
    ck_assert_int_eq(thrum_clock_read(self.clock), 0);
    ck_assert_int_eq(thrum_clock_wall(self.clock), 0);
    ck_assert_uint_eq(thrum_test_clock_pending(self.test), 0);
    thrum_test_clock_advance(self.test, 10);
    ck_assert_int_eq(thrum_clock_now(self.clock), 10);
    ck_assert_int_eq(thrum_clock_wall(self.clock), 10);
    thrum_test_clock_advance(self.test, -5);
    ck_assert_int_eq(thrum_clock_now(self.clock), 10);
    desk_close(&self);
    thrum_test_clock_free(NULL);
}
END_TEST

START_TEST(calls_come_in_the_order_of_their_times_then_of_asking)
{
    desk self;

    desk_open(&self);
    later(&self, 30, "c");
    later(&self, 10, "a");
    later(&self, 30, "d");
    later(&self, 20, "b");
    ck_assert_uint_eq(thrum_test_clock_pending(self.test), 4);
    thrum_test_clock_advance(self.test, 9);
    ck_assert_str_eq(trace_take(), "");
    thrum_test_clock_advance(self.test, 1);
    ck_assert_str_eq(trace_take(), "a ~a ");
    thrum_test_clock_advance(self.test, 1000);
    ck_assert_str_eq(trace_take(), "b ~b c ~c d ~d ");
    ck_assert_int_eq(thrum_clock_now(self.clock), 1010);
    desk_close(&self);
}
END_TEST

START_TEST(a_call_without_delay_is_not_made_at_once)
{
    desk self;

    desk_open(&self);
    later(&self, 0, "a");
    later(&self, -7, "b");
    later(&self, INT64_MAX, "never");
    ck_assert_str_eq(trace_take(), "");
    thrum_test_clock_advance(self.test, 0);
    ck_assert_str_eq(trace_take(), "a ~a b ~b ");
    desk_close(&self);
    ck_assert_str_eq(trace_take(), "~never ");
}
END_TEST

START_TEST(a_cancelled_call_is_not_made)
{
    desk self;
    thrum_call *call;

    desk_open(&self);
    later(&self, 1, "a");
    call = later(&self, 2, "b");
    later(&self, 3, "c");
    thrum_clock_cancel(self.clock, call);
    thrum_clock_cancel(self.clock, NULL);
    ck_assert_str_eq(trace_take(), "~b ");
    thrum_test_clock_advance(self.test, 3);
    ck_assert_str_eq(trace_take(), "a ~a c ~c ");
    desk_close(&self);
}
END_TEST

START_TEST(a_call_that_is_reset_counts_from_now_and_as_asked_for_now)
{
    desk self;
    thrum_call *a, *b;

    desk_open(&self);
    a = later(&self, 10, "a");
    b = later(&self, 20, "b");
    later(&self, 15, "c");
    thrum_test_clock_advance(self.test, 5);
    thrum_clock_reset(self.clock, a, 10); /* at 15, behind c */
    thrum_clock_reset(self.clock, b, 0);
    ck_assert_str_eq(trace_take(), "");
    thrum_test_clock_advance(self.test, 0);
    ck_assert_str_eq(trace_take(), "b ~b ");
    thrum_test_clock_advance(self.test, 10);
    ck_assert_str_eq(trace_take(), "c ~c a ~a ");
    desk_close(&self);
}
END_TEST

static void call_and_ask(void *ctx)
{
    desk *self = ctx;
    char text[32];

    snprintf(text, sizeof text, "at %d ", (int)thrum_clock_now(self->clock));
    trace_note(text);
    if (thrum_clock_now(self->clock) < 40)
        thrum_clock_call_later(self->clock, 10, call_and_ask, self, NULL);
}

START_TEST(each_call_is_made_at_its_own_time_also_those_that_calls_ask_for)
{
    desk self;

    desk_open(&self);
    thrum_clock_call_later(self.clock, 10, call_and_ask, &self, NULL);
    thrum_test_clock_advance(self.test, 100);
    ck_assert_str_eq(trace_take(), "at 10 at 20 at 30 at 40 ");
    ck_assert_int_eq(thrum_clock_now(self.clock), 100);
    desk_close(&self);
}
END_TEST

static void cancel_and_reset_itself(void *ctx)
{
    desk *self = ctx;

    trace_note("made ");
    thrum_clock_cancel(self->clock, self->call);
    thrum_clock_reset(self->clock, self->call, 1);
}

START_TEST(a_call_that_is_being_made_is_neither_cancelled_nor_reset)
{
    desk self;

    desk_open(&self);
    self.call = thrum_clock_call_later(self.clock, 1, cancel_and_reset_itself,
                                       &self, NULL);
    later(&self, 2, "other");
    thrum_test_clock_advance(self.test, 10);
    ck_assert_str_eq(trace_take(), "made other ~other ");
    desk_close(&self);
}
END_TEST

static void free_the_clock(void *ctx)
{
    desk *self = ctx;

    thrum_test_clock_free(self->test);
    trace_note("freed ");
}

static void advance_deeper(void *ctx)
{
    desk *self = ctx;

    thrum_test_clock_advance(self->test, 10);
    trace_note("back ");
}

START_TEST(a_call_may_free_the_clock)
{
    desk self;

    desk_open(&self);
    thrum_clock_call_later(self.clock, 1, free_the_clock, &self, NULL);
    later(&self, 1, "a");
    thrum_test_clock_advance(self.test, 10);
    ck_assert_str_eq(trace_take(), "~a freed ");
    support_context_end(self.context);
}
END_TEST

START_TEST(a_call_may_advance_the_clock_in_which_another_frees_it)
{
    desk self;

    desk_open(&self);
    thrum_clock_call_later(self.clock, 1, advance_deeper, &self, NULL);
    thrum_clock_call_later(self.clock, 5, free_the_clock, &self, NULL);
    later(&self, 7, "a");
    thrum_test_clock_advance(self.test, 1);
    ck_assert_str_eq(trace_take(), "~a freed back ");
    support_context_end(self.context);
}
END_TEST

START_TEST(readings_move_the_clock_at_its_pace)
{
    desk self;

    desk_open(&self);
    thrum_test_clock_set_pace(self.test, 7);
    ck_assert_int_eq(thrum_clock_read(self.clock), 0);
    ck_assert_int_eq(thrum_clock_read(self.clock), 7);
    ck_assert_int_eq(thrum_clock_now(self.clock), 14);
    ck_assert_int_eq(thrum_clock_now(self.clock), 14);
    desk_close(&self);
}
END_TEST

START_TEST(the_time_of_day_is_set_alone)
{
    desk self;

    desk_open(&self);
    thrum_test_clock_advance(self.test, 5);
    thrum_test_clock_set_wall(self.test, 1000);
    later(&self, 10, "a");
    ck_assert_int_eq(thrum_clock_wall(self.clock), 1000);
    ck_assert_int_eq(thrum_clock_now(self.clock), 5);
    thrum_test_clock_advance(self.test, 9);
    ck_assert_int_eq(thrum_clock_wall(self.clock), 1009);
    ck_assert_str_eq(trace_take(), "");
    desk_close(&self);
}
END_TEST

START_TEST(pumping_advances_by_each_span_in_turn)
{
    static const thrum_ns spans[] = {5, 0, 10, -3, 25};
    desk self;

    desk_open(&self);
    thrum_clock_call_later(self.clock, 10, call_and_ask, &self, NULL);
    thrum_test_clock_pump(self.test, spans, 2);
    ck_assert_str_eq(trace_take(), "");
    ck_assert_int_eq(thrum_clock_now(self.clock), 5);
    thrum_test_clock_pump(self.test, spans + 2, 3);
    ck_assert_str_eq(trace_take(), "at 10 at 20 at 30 at 40 ");
    ck_assert_int_eq(thrum_clock_now(self.clock), 40);
    thrum_test_clock_pump(self.test, NULL, 0);
    ck_assert_int_eq(thrum_clock_now(self.clock), 40);
    desk_close(&self);
}
END_TEST

START_TEST(a_call_may_free_the_clock_that_is_pumped)
{
    static const thrum_ns spans[] = {5, 5, 5};
    desk self;

    desk_open(&self);
    thrum_clock_call_later(self.clock, 7, free_the_clock, &self, NULL);
    later(&self, 12, "a");
    thrum_test_clock_pump(self.test, spans, 3);
    ck_assert_str_eq(trace_take(), "~a freed ");
    support_context_end(self.context);
}
END_TEST

static void free_and_ask(void *ctx)
{
    desk *self = ctx;

    thrum_test_clock_free(self->test);
    later(self, 0, "b");
    trace_note("asked ");
}

START_TEST(what_is_asked_of_a_clock_that_was_freed_is_cancelled)
{
    desk self;

    desk_open(&self);
    thrum_clock_call_later(self.clock, 1, free_and_ask, &self, NULL);
    thrum_test_clock_advance(self.test, 10);
    ck_assert_str_eq(trace_take(), "asked ~b ");
    support_context_end(self.context);
}
END_TEST

START_TEST(the_clock_tells_when_its_calls_are_due)
{
    static const thrum_ns delays[] = {30, 10, INT64_MAX, 20, 10, 0};
    static const thrum_ns due[] = {5, 15, 15, 25, 35, INT64_MAX, -1, -1};
    desk self;

    desk_open(&self);
    ck_assert_int_eq(thrum_test_clock_due(self.test, 0), -1);
    thrum_test_clock_advance(self.test, 5);
    for (int i = 0; i < 6; i++)
        later(&self, delays[i], "");
    for (size_t i = 0; i < 8; i++)
        ck_assert_int_eq(thrum_test_clock_due(self.test, i), due[i]);
    ck_assert_int_eq(thrum_test_clock_due(self.test, SIZE_MAX), -1);
    thrum_test_clock_advance(self.test, 10);
    ck_assert_int_eq(thrum_test_clock_due(self.test, 0), 25);
    desk_close(&self);
}
END_TEST

enum { WAITING = 200000 };

/* With a look at each for each, this would take a minute. */
START_TEST(a_reader_may_go_through_all_that_wait)
{
    desk self;

    desk_open(&self);
    for (int i = 0; i < WAITING; i++)
        later(&self, 1 + (i * 7919L) % WAITING, "");
    for (size_t i = 0; i < WAITING; i++)
        ck_assert_int_eq(thrum_test_clock_due(self.test, i), (thrum_ns)i + 1);
    thrum_test_clock_advance(self.test, 2);
    for (size_t i = 0; i < WAITING - 2; i++)
        ck_assert_int_eq(thrum_test_clock_due(self.test, i), (thrum_ns)i + 3);
    desk_close(&self);
}
END_TEST

/* ---- A thousand calls at random, against a plain list ---- */

enum { MANY = 1000, ROUNDS = 200 };

typedef struct many {
    desk desk;
    struct many_call {
        struct many *owner;
        thrum_call *call;
        thrum_ns due;
        uint64_t turn;
        bool pending;
    } calls[MANY];
    uint64_t turns, released;
} many;

/* It must be the least of those that are pending. */
static void many_made(void *ctx)
{
    struct many_call *call = ctx;
    many *self = call->owner;

    ck_assert(call->pending);
    ck_assert_int_eq(thrum_clock_now(self->desk.clock), call->due);
    call->pending = false;
    for (int i = 0; i < MANY; i++) {
        const struct many_call *other = &self->calls[i];

        ck_assert(!other->pending || other->due > call->due ||
                  (other->due == call->due && other->turn > call->turn));
    }
}

static void many_release(void *ctx)
{
    ((struct many_call *)ctx)->owner->released++;
}

static uint64_t many_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static void many_touch(many *self, struct many_call *call, uint64_t *seed)
{
    thrum_clock *clock = self->desk.clock;
    thrum_ns after = (thrum_ns)(many_random(seed) % 50);

    call->due = thrum_clock_now(clock) + after;
    call->turn = self->turns++;
    if (!call->pending) {
        call->call =
            thrum_clock_call_later(clock, after, many_made, call, many_release);
        call->pending = true;
    } else if (many_random(seed) % 2 == 0) {
        thrum_clock_reset(clock, call->call, after);
    } else {
        thrum_clock_cancel(clock, call->call);
        call->pending = false;
    }
}

/* The clock tells of each that is pending, the least first. */
static void many_in_order(const many *self)
{
    thrum_test_clock *clock = self->desk.test;
    size_t pending = thrum_test_clock_pending(clock);
    thrum_ns last = 0, due, sum = 0;

    for (size_t i = 0; i < pending; i++) {
        due = thrum_test_clock_due(clock, i);
        ck_assert_int_ge(due, last);
        last = due;
        sum += due;
    }
    for (int i = 0; i < MANY; i++)
        sum -= self->calls[i].pending ? self->calls[i].due : 0;
    ck_assert_int_eq(sum, 0);
}

START_TEST(a_thousand_calls_asked_reset_and_cancelled_keep_their_order)
{
    many *self = calloc(1, sizeof *self);
    uint64_t seed = 20261120, asked = 0;

    desk_open(&self->desk);
    for (int i = 0; i < MANY; i++)
        self->calls[i].owner = self;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 20; i++) {
            struct many_call *call = &self->calls[many_random(&seed) % MANY];

            asked += !call->pending;
            many_touch(self, call, &seed);
        }
        if (round % 3 == 0)
            many_in_order(self);
        thrum_test_clock_advance(self->desk.test,
                                 (thrum_ns)(many_random(&seed) % 3));
    }
    ck_assert_uint_eq(asked - self->released,
                      thrum_test_clock_pending(self->desk.test));
    desk_close(&self->desk);
    ck_assert_uint_eq(self->released, asked);
    free(self);
}
END_TEST

int main(void)
{
    TCase *clock = tcase_create("clock");

    tcase_add_checked_fixture(clock, trace_setup, NULL);
    tcase_add_test(clock, a_new_clock_shows_nothing);
    tcase_add_test(clock,
                   calls_come_in_the_order_of_their_times_then_of_asking);
    tcase_add_test(clock, a_call_without_delay_is_not_made_at_once);
    tcase_add_test(clock, a_cancelled_call_is_not_made);
    tcase_add_test(clock,
                   a_call_that_is_reset_counts_from_now_and_as_asked_for_now);
    tcase_add_test(
        clock, each_call_is_made_at_its_own_time_also_those_that_calls_ask_for);
    tcase_add_test(clock,
                   a_call_that_is_being_made_is_neither_cancelled_nor_reset);
    tcase_add_test(clock, a_call_may_free_the_clock);
    tcase_add_test(clock,
                   a_call_may_advance_the_clock_in_which_another_frees_it);
    tcase_add_test(clock, readings_move_the_clock_at_its_pace);
    tcase_add_test(clock, the_time_of_day_is_set_alone);
    tcase_add_test(clock, pumping_advances_by_each_span_in_turn);
    tcase_add_test(clock, a_call_may_free_the_clock_that_is_pumped);
    tcase_add_test(clock, what_is_asked_of_a_clock_that_was_freed_is_cancelled);
    tcase_add_test(clock, the_clock_tells_when_its_calls_are_due);
    tcase_add_test(clock, a_reader_may_go_through_all_that_wait);
    tcase_add_test(clock,
                   a_thousand_calls_asked_reset_and_cancelled_keep_their_order);
    return support_main("clock", &clock, 1);
}
