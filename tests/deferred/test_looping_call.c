/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/looping_call.h>

#include "tests/deferred/chain.h"

/* A looping call whose nth call does what the nth letter says, and all further
 * ones what the last one says. */
typedef struct loop {
    thrum_context *context;
    thrum_test_clock *test;
    thrum_clock *clock;
    thrum_looping_call *call;
    const char *letters;
    thrum_deferred *inner; /* what a call waits for */
    thrum_deferred *done;
} loop;

static void loop_release(void *ctx)
{
    (void)ctx;
    trace_note("~ctx ");
}

static void loop_note(loop *self, uint64_t turns)
{
    char text[64];

    snprintf(text, sizeof text, "%lld:%llu ",
             (long long)thrum_clock_now(self->clock),
             (unsigned long long)turns);
    trace_note(text);
}

static void loop_free(loop *self)
{
    thrum_looping_call_free(self->call);
    self->call = NULL;
}

static thrum_outcome loop_wait(loop *self)
{
    self->inner = thrum_deferred_new(self->context, "inner");
    return thrum_wait(self->inner);
}

static thrum_outcome loop_fail(loop *self)
{
    return thrum_fail(chain_failure(self->context, "bad"));
}

/* What a call does before it answers. */
static void loop_act(loop *self, char letter)
{
    if (letter == 'b') /* busy: the clock is then at its pace */
        thrum_clock_read(self->clock);
    if (letter == 's' || letter == 'S' || letter == 'F')
        thrum_looping_call_stop(self->call);
    if (letter == 'x' || letter == 'X')
        loop_free(self);
    if (letter == 'i' || letter == 'I')
        thrum_looping_call_set_interval(self->call, 100);
    if (letter == 'z')
        thrum_looping_call_set_interval(self->call, 0);
    if (letter == 'c') {
        thrum_test_clock_free(self->test);
        self->test = NULL;
    }
}

static thrum_outcome loop_call(uint64_t turns, void *ctx)
{
    loop *self = ctx;
    char letter = *self->letters;

    if (self->letters[1] != '\0')
        self->letters++;
    loop_note(self, turns);
    loop_act(self, letter);
    switch (letter) {
    case 'd':
        return thrum_done();
    case 't':
        return thrum_taken();
    case 'v':
        return thrum_value("v", trace_release);
    case 'w':
    case 'S':
    case 'X':
    case 'I':
        return loop_wait(self);
    case 'r': /* one that has fired */
        return thrum_wait(
            thrum_deferred_succeed(self->context, "r", trace_release));
    case 'R':
        return thrum_wait(thrum_deferred_failed(
            self->context, chain_failure(self->context, "bad")));
    case 'f':
    case 'F':
        return loop_fail(self);
    case 'n':
        return thrum_fail(NULL);
    case 'N':
        return thrum_wait(NULL);
    default:
        return thrum_keep();
    }
}

static void loop_open(loop *self, const thrum_looping_call_config *config,
                      const char *letters)
{
    *self = (loop){.context = support_context(), .letters = letters};
    self->test = thrum_test_clock_new(self->context);
    self->clock = thrum_test_clock_clock(self->test);
    thrum_test_clock_advance(self->test, 1000);
    thrum_test_clock_set_pace(self->test, 25);
    self->call = thrum_looping_call_start(self->context, self->clock, config,
                                          loop_call, self, loop_release);
    self->done = thrum_looping_call_when_done(self->call);
    thrum_deferred_add(self->done, trace_value, trace_failure, "end", NULL);
}

static void loop_close(loop *self)
{
    loop_free(self);
    thrum_deferred_finish(self->done);
    thrum_test_clock_free(self->test);
    support_context_end(self->context);
    trace_take();
}

/* ---- What a call answers, and when the next one is ---- */

#define ABANDONED "abandoned by its producer "

static const struct {
    thrum_looping_call_config config;
    const char *letters;
    thrum_ns advance;
    const char *trace;
    unsigned unhandled;
} cases[] = {
    /* The rhythm. */
    {{10, 0, 0}, "k", 9, "", 0},
    {{10, 0, 0}, "k", 35, "1010:1 1020:1 1030:1 ", 0},
    {{10, 1, 0}, "k", 25, "1000:1 1010:1 1020:1 ", 0},
    {{10, 1, 0}, "k", 0, "1000:1 ", 0},
    {{1, 0, 0}, "k", 3, "1001:1 1002:1 1003:1 ", 0},
    {{10, 0, 0}, "kb", 70, "1010:1 1020:1 1050:3 ", 0},
    {{10, 1, 0}, "bk", 50, "1000:1 1030:3 1040:1 1050:1 ", 0},
    {{25, 0, 0}, "bk", 80, "1025:1 1075:2 ", 0},
    {{24, 0, 0}, "bk", 80, "1024:1 1072:2 ", 0},
    {{26, 0, 0}, "bk", 80, "1026:1 1052:1 1078:1 ", 0},
    /* No interval, or less, or more than there is time. */
    {{0, 0, 0}, "kkd", 0, "1000:1 1000:1 1000:1 end=none ~ctx ", 0},
    {{0, 1, 0}, "kbd", 25, "1000:1 1000:1 1025:1 end=none ~ctx ", 0},
    {{-5, 0, 0}, "kd", 0, "1000:1 1000:1 end=none ~ctx ", 0},
    {{INT64_MIN, 0, 0}, "d", 0, "1000:1 end=none ~ctx ", 0},
    {{INT64_MAX, 0, 0}, "k", INT64_MAX, "", 0},
    {{INT64_MAX, 1, 0}, "k", INT64_MAX, "1000:1 ", 0},
    {{INT64_MAX - 1000, 0, 0}, "k", INT64_MAX, "9223372036854775807:1 ", 0},
    {{INT64_MAX / 2, 0, 0}, "k", INT64_MAX, "4611686018427388903:1 ", 0},
    /* What it answers. */
    {{10, 0, 0}, "kd", 50, "1010:1 1020:1 end=none ~ctx ", 0},
    {{10, 0, 0}, "t", 50, "1010:1 end=none ~ctx ", 0},
    {{10, 0, 0}, "vd", 50, "1010:1 ~v 1020:1 end=none ~ctx ", 0},
    {{10, 0, 0}, "rd", 50, "1010:1 ~r 1020:1 end=none ~ctx ", 0},
    {{10, 0, 0}, "w", 50, "1010:1 ", 0},
    {{10, 0, 0}, "f", 50, "1010:1 end!bad ~ctx ", 0},
    {{10, 0, 0}, "R", 50, "1010:1 end!bad ~ctx ", 0},
    {{10, 0, 0}, "n", 50, "1010:1 end!out of memory ~ctx ", 0},
    {{10, 0, 0}, "N", 50, "1010:1 end!out of memory ~ctx ", 0},
    /* Failures that end nothing. */
    {{10, 0, 1}, "ffd", 50, "1010:1 1020:1 1030:1 end=none ~ctx ", 2},
    {{10, 0, 1}, "RnNd", 50, "1010:1 1020:1 1030:1 1040:1 end=none ~ctx ", 3},
    /* Stopped, freed, changed, or left without a clock in its own call. */
    {{10, 0, 0}, "ks", 50, "1010:1 1020:1 end=none ~ctx ", 0},
    {{10, 0, 0}, "S", 50, "1010:1 end=none ~ctx ", 0},
    {{10, 0, 0}, "F", 50, "1010:1 end!bad ~ctx ", 0},
    {{10, 0, 1}, "F", 50, "1010:1 end=none ~ctx ", 1},
    {{10, 0, 0}, "x", 50, "1010:1 end=none ~ctx ", 0},
    {{10, 0, 0}, "X", 50, "1010:1 end=none ~ctx ", 0},
    {{10, 0, 0}, "ik", 250, "1010:1 1110:1 1210:1 ", 0},
    {{10, 0, 0}, "zd", 50, "1010:1 1010:1 end=none ~ctx ", 0},
    {{10, 0, 0}, "c", 50, "1010:1 end!" ABANDONED "~ctx ", 0},
};

START_TEST(calls_are_made_to_the_rhythm_and_as_they_answer)
{
    loop self;

    loop_open(&self, &cases[_i].config, cases[_i].letters);
    ck_assert_str_eq(trace_take(), "");
    thrum_test_clock_advance(self.test, cases[_i].advance);
    ck_assert_str_eq(trace_take(), cases[_i].trace);
    ck_assert_uint_eq(support_unhandled(), cases[_i].unhandled);
    if (self.inner != NULL)
        thrum_deferred_fire(self.inner, NULL, NULL); /* or late */
    loop_close(&self);
    ck_assert_uint_eq(support_unhandled(), 0);
}
END_TEST

static const thrum_looping_call_config every_ten = {.interval = 10};

START_TEST(a_call_that_waits_puts_the_next_off_to_the_beat_after_its_end)
{
    loop self;

    loop_open(&self, &every_ten, "wk");
    thrum_test_clock_advance(self.test, 35);
    ck_assert_uint_eq(thrum_test_clock_pending(self.test), 0);
    thrum_deferred_fire(self.inner, NULL, NULL);
    ck_assert_int_eq(thrum_test_clock_due(self.test, 0), 1040);
    thrum_test_clock_advance(self.test, 15);
    ck_assert_str_eq(trace_take(), "1010:1 1040:3 1050:1 ");
    loop_close(&self);
}
END_TEST

START_TEST(a_call_whose_waiting_fails_ends_the_calls_or_is_reported)
{
    thrum_looping_call_config config = {.interval = 10, .keep_on = _i};
    loop self;

    loop_open(&self, &config, "wk");
    thrum_test_clock_advance(self.test, 15);
    thrum_deferred_fail(self.inner, chain_failure(self.context, "bad"));
    thrum_test_clock_advance(self.test, 10);
    ck_assert_str_eq(trace_take(),
                     _i == 0 ? "1010:1 end!bad ~ctx " : "1010:1 1020:1 ");
    ck_assert_uint_eq(support_unhandled(), (unsigned)_i);
    if (_i == 1) {
        ck_assert_str_eq(support_unhandled_text(), "bad");
        ck_assert_str_eq(support_unhandled_operation(), "looping call");
    }
    loop_close(&self);
}
END_TEST

/* ---- Stopping ---- */

static thrum_deferred *ask(loop *self, char *name)
{
    thrum_deferred *d = thrum_looping_call_when_done(self->call);

    thrum_deferred_add(d, trace_value, trace_failure, name, NULL);
    return d;
}

START_TEST(stopping_takes_the_next_call_back)
{
    loop self;

    loop_open(&self, &every_ten, "k");
    thrum_test_clock_advance(self.test, 10);
    thrum_looping_call_stop(self.call);
    ck_assert_str_eq(trace_take(), "1010:1 end=none ~ctx ");
    ck_assert_uint_eq(thrum_test_clock_pending(self.test), 0);
    thrum_looping_call_stop(self.call);
    thrum_looping_call_set_interval(self.call, 5);
    ck_assert_uint_eq(thrum_test_clock_pending(self.test), 0);
    ck_assert_str_eq(trace_take(), "");
    thrum_deferred_finish(ask(&self, "late"));
    ck_assert_str_eq(trace_take(), "late=none ");
    loop_close(&self);
    thrum_looping_call_free(NULL);
}
END_TEST

START_TEST(stopping_cancels_what_a_call_waits_for_whatever_it_says)
{
    loop self;

    loop_open(&self, &every_ten, "w");
    thrum_test_clock_advance(self.test, 10);
    thrum_looping_call_stop(self.call);
    ck_assert_str_eq(trace_take(), "1010:1 end=none ~ctx ");
    thrum_deferred_fail(self.inner, NULL); /* late */
    ck_assert_uint_eq(support_unhandled(), 0);
    loop_close(&self);
}
END_TEST

START_TEST(calls_end_only_when_what_the_last_one_waits_for_has)
{
    loop self;
    thrum_pause *pause;

    loop_open(&self, &every_ten, "w");
    thrum_test_clock_advance(self.test, 10);
    pause = thrum_deferred_pause(self.inner);
    if (_i == 0)
        thrum_looping_call_stop(self.call);
    else
        loop_free(&self);
    ck_assert_str_eq(trace_take(), "1010:1 ");
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "end=none ~ctx ");
    thrum_deferred_fire(self.inner, NULL, NULL); /* late */
    loop_close(&self);
}
END_TEST

/* ---- Another interval ---- */

START_TEST(another_interval_counts_from_now)
{
    static const struct {
        thrum_ns interval;
        const char *trace;
    } changes[] = {{20, "1035:1 1055:1 "},
                   {7, "1022:1 1029:1 1036:1 1043:1 1050:1 "},
                   {10, "1025:1 1035:1 1045:1 1055:1 "},
                   {INT64_MAX, ""}};
    loop self;

    loop_open(&self, &every_ten, "k");
    thrum_test_clock_advance(self.test, 15);
    ck_assert_str_eq(trace_take(), "1010:1 ");
    thrum_looping_call_set_interval(self.call, changes[_i].interval);
    thrum_test_clock_advance(self.test, 40);
    ck_assert_str_eq(trace_take(), changes[_i].trace);
    thrum_looping_call_set_interval(self.call, 1);
    thrum_test_clock_advance(self.test, 1);
    ck_assert_str_eq(trace_take(), "1056:1 ");
    loop_close(&self);
}
END_TEST

START_TEST(another_interval_while_a_call_waits_holds_for_the_next)
{
    loop self;

    loop_open(&self, &every_ten, "wk");
    thrum_test_clock_advance(self.test, 15);
    thrum_looping_call_set_interval(self.call, 100);
    ck_assert_uint_eq(thrum_test_clock_pending(self.test), 0);
    thrum_test_clock_advance(self.test, 30);
    thrum_deferred_fire(self.inner, NULL, NULL);
    thrum_test_clock_advance(self.test, 200);
    ck_assert_str_eq(trace_take(), "1010:1 1115:1 1215:1 ");
    loop_close(&self);
}
END_TEST

START_TEST(another_interval_within_a_call_that_waits_makes_no_other_call)
{
    loop self;

    loop_open(&self, &every_ten, "Ik");
    thrum_test_clock_advance(self.test, 250);
    ck_assert_uint_eq(thrum_test_clock_pending(self.test), 0);
    ck_assert_str_eq(trace_take(), "1010:1 ");
    thrum_deferred_fire(self.inner, NULL, NULL);
    thrum_test_clock_advance(self.test, 60);
    ck_assert_str_eq(trace_take(), "1310:3 ");
    loop_close(&self);
}
END_TEST

START_TEST(the_first_call_at_once_can_still_be_put_off)
{
    thrum_looping_call_config config = {.interval = 10, .now = 1};
    loop self;

    loop_open(&self, &config, "k");
    thrum_looping_call_set_interval(self.call, 20);
    thrum_test_clock_advance(self.test, 20);
    ck_assert_str_eq(trace_take(), "1020:1 ");
    loop_close(&self);
}
END_TEST

/* ---- The end ---- */

START_TEST(several_may_wait_for_the_end_and_ask_after_it)
{
    loop self;
    thrum_deferred *b;

    loop_open(&self, &every_ten, "f");
    thrum_deferred_finish(ask(&self, "a"));
    b = ask(&self, "b");
    thrum_deferred_finish(ask(&self, "c"));
    thrum_deferred_cancel(b);
    ck_assert_str_eq(trace_take(), "b!cancelled ");
    thrum_deferred_finish(b);
    thrum_test_clock_advance(self.test, 10);
    ck_assert_str_eq(trace_take(), "1010:1 end!bad a!bad c!bad ~ctx ");
    thrum_deferred_finish(ask(&self, "d"));
    ck_assert_str_eq(trace_take(), "d!bad ");
    loop_close(&self);
    ck_assert_uint_eq(support_unhandled(), 0);
}
END_TEST

START_TEST(a_failure_that_nobody_asks_for_is_reported)
{
    loop self;

    loop_open(&self, &every_ten, "f");
    thrum_deferred_cancel(self.done);
    thrum_test_clock_advance(self.test, 10);
    ck_assert_uint_eq(support_unhandled(), 0);
    loop_free(&self);
    ck_assert_uint_eq(support_unhandled(), 1);
    ck_assert_str_eq(support_unhandled_text(), "bad");
    loop_close(&self);
}
END_TEST

static thrum_outcome free_at_the_end(void *value, void *ctx)
{
    (void)value;
    loop_free(ctx);
    trace_note("freed ");
    return thrum_keep();
}

START_TEST(who_is_told_of_the_end_may_free_the_calls)
{
    loop self;

    loop_open(&self, &every_ten, "d");
    thrum_deferred_add(self.done, free_at_the_end, NULL, &self, NULL);
    thrum_deferred_finish(ask(&self, "after"));
    if (_i == 0)
        thrum_test_clock_advance(self.test, 10);
    else
        thrum_looping_call_stop(self.call);
    ck_assert_str_eq(trace_take(), _i == 0 ? "1010:1 end=none freed after=none "
                                             "~ctx "
                                           : "end=none freed after=none ~ctx ");
    loop_close(&self);
}
END_TEST

START_TEST(calls_are_abandoned_with_their_clock)
{
    loop self;

    loop_open(&self, &every_ten, "k");
    thrum_test_clock_advance(self.test, 10);
    thrum_test_clock_free(self.test);
    self.test = NULL;
    ck_assert_str_eq(trace_take(), "1010:1 end!" ABANDONED "~ctx ");
    thrum_looping_call_stop(self.call);
    loop_close(&self);
}
END_TEST

START_TEST(a_failure_that_is_asked_for_afterwards_is_not_reported)
{
    loop self;

    loop_open(&self, &every_ten, "f");
    thrum_deferred_cancel(self.done);
    thrum_test_clock_advance(self.test, 10);
    trace_take();
    thrum_deferred_finish(ask(&self, "late"));
    ck_assert_str_eq(trace_take(), "late!bad ");
    loop_close(&self);
    ck_assert_uint_eq(support_unhandled(), 0);
}
END_TEST

static void stop_on_unhandled(const thrum_failure *why, const char *operation,
                              const char *file, int line, void *ctx)
{
    (void)file;
    (void)line;
    trace_note(operation);
    trace_note("!");
    trace_note(thrum_failure_text(why));
    trace_note(" ");
    thrum_looping_call_stop(*(thrum_looping_call **)ctx);
}

START_TEST(who_learns_of_a_failure_may_stop_the_calls)
{
    thrum_looping_call *call = NULL;
    thrum_context_config config = {.allocator = support_allocator(),
                                   .unhandled = stop_on_unhandled,
                                   .ctx = &call};
    thrum_looping_call_config ten = {.interval = 10, .keep_on = 1};
    loop self = {.letters = "f"};

    self.context = thrum_context_new(&config);
    self.test = thrum_test_clock_new(self.context);
    self.clock = thrum_test_clock_clock(self.test);
    self.call = call = thrum_looping_call_start(self.context, self.clock, &ten,
                                                loop_call, &self, loop_release);
    self.done = ask(&self, "end");
    thrum_test_clock_advance(self.test, 50);
    ck_assert_str_eq(trace_take(), "10:1 looping call!bad end=none ~ctx ");
    loop_close(&self);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("looping call");

    tcase_add_checked_fixture(c, trace_setup, NULL);
    tcase_add_loop_test(c, calls_are_made_to_the_rhythm_and_as_they_answer, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(
        c, a_call_that_waits_puts_the_next_off_to_the_beat_after_its_end);
    tcase_add_loop_test(
        c, a_call_whose_waiting_fails_ends_the_calls_or_is_reported, 0, 2);
    tcase_add_test(c, stopping_takes_the_next_call_back);
    tcase_add_test(c, stopping_cancels_what_a_call_waits_for_whatever_it_says);
    tcase_add_loop_test(c, calls_end_only_when_what_the_last_one_waits_for_has,
                        0, 2);
    tcase_add_loop_test(c, another_interval_counts_from_now, 0, 4);
    tcase_add_test(c, another_interval_while_a_call_waits_holds_for_the_next);
    tcase_add_test(
        c, another_interval_within_a_call_that_waits_makes_no_other_call);
    tcase_add_test(c, the_first_call_at_once_can_still_be_put_off);
    tcase_add_test(c, several_may_wait_for_the_end_and_ask_after_it);
    tcase_add_test(c, a_failure_that_nobody_asks_for_is_reported);
    tcase_add_test(c, a_failure_that_is_asked_for_afterwards_is_not_reported);
    tcase_add_loop_test(c, who_is_told_of_the_end_may_free_the_calls, 0, 2);
    tcase_add_test(c, calls_are_abandoned_with_their_clock);
    tcase_add_test(c, who_learns_of_a_failure_may_stop_the_calls);
    return support_main("looping call", &c, 1);
}
