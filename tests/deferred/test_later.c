/* SPDX-License-Identifier: MIT */
#include <thrum/looping_call.h>

#include "tests/deferred/chain.h"

typedef struct desk {
    thrum_context *context;
    thrum_test_clock *test;
    thrum_clock *clock;
    thrum_deferred *later; /* what is tested */
    thrum_deferred *inner; /* what its answer waits for */
} desk;

static void desk_open(desk *self)
{
    *self = (desk){.context = support_context()};
    self->test = thrum_test_clock_new(self->context);
    self->clock = thrum_test_clock_clock(self->test);
}

static void desk_close(desk *self)
{
    thrum_test_clock_free(self->test);
    ck_assert_uint_eq(support_unhandled(), 0);
    support_context_end(self->context);
}

static void desk_release(void *ctx)
{
    (void)ctx;
    trace_note("~ctx ");
}

static void desk_call(desk *self, thrum_ns after,
                      thrum_outcome (*fn)(void *ctx))
{
    self->later = thrum_deferred_later(self->context, self->clock, after, fn,
                                       self, desk_release);
    thrum_deferred_add(self->later, trace_value, trace_failure, "end", NULL);
}

/* ---- Answers ---- */

static thrum_outcome answer_a_value(void *ctx)
{
    (void)ctx;
    trace_note("call ");
    return thrum_value("v", trace_release);
}

static thrum_outcome answer_done(void *ctx)
{
    (void)ctx;
    return thrum_done();
}

static thrum_outcome answer_keep(void *ctx)
{
    (void)ctx;
    return thrum_keep();
}

static thrum_outcome answer_taken(void *ctx)
{
    (void)ctx;
    return thrum_taken();
}

static thrum_outcome answer_a_failure(void *ctx)
{
    return thrum_fail(chain_failure(((desk *)ctx)->context, "bad"));
}

static thrum_outcome answer_no_memory(void *ctx)
{
    (void)ctx;
    return thrum_fail(NULL);
}

static thrum_outcome answer_nothing_to_wait_for(void *ctx)
{
    (void)ctx;
    return thrum_wait(NULL);
}

static thrum_outcome answer_one_that_has_fired(void *ctx)
{
    return thrum_wait(
        thrum_deferred_succeed(((desk *)ctx)->context, "fired", NULL));
}

static thrum_outcome answer_another(void *ctx)
{
    desk *self = ctx;

    trace_note("call ");
    self->inner = thrum_deferred_new(self->context, "inner");
    return thrum_wait(self->inner);
}

static const struct answer {
    thrum_outcome (*fn)(void *ctx);
    const char *trace;
} answers[] = {
    {NULL, "~ctx end=none "},
    {answer_a_value, "call ~ctx end=v "},
    {answer_done, "~ctx end=none "},
    {answer_keep, "~ctx end=none "},
    {answer_taken, "~ctx end=none "},
    {answer_a_failure, "~ctx end!bad "},
    {answer_no_memory, "~ctx end!out of memory "},
    {answer_nothing_to_wait_for, "~ctx end!out of memory "},
    {answer_one_that_has_fired, "~ctx end=fired "},
};

START_TEST(it_fires_in_time_with_the_answer)
{
    desk self;

    desk_open(&self);
    desk_call(&self, 10, answers[_i].fn);
    thrum_test_clock_advance(self.test, 9);
    ck_assert_str_eq(trace_take(), "");
    thrum_test_clock_advance(self.test, 1);
    ck_assert_str_eq(trace_take(), answers[_i].trace);
    thrum_deferred_finish(self.later);
    desk_close(&self);
}
END_TEST

START_TEST(without_delay_it_is_called_in_the_next_turn)
{
    static const thrum_ns delays[] = {0, -1, INT64_MIN};
    desk self;

    desk_open(&self);
    desk_call(&self, delays[_i], answer_a_value);
    ck_assert_str_eq(trace_take(), "");
    thrum_test_clock_advance(self.test, 0);
    ck_assert_str_eq(trace_take(), "call ~ctx end=v ");
    thrum_deferred_finish(self.later);
    desk_close(&self);
}
END_TEST

START_TEST(cancelling_takes_the_call_back)
{
    desk self;

    desk_open(&self);
    desk_call(&self, INT64_MAX, _i == 0 ? answer_a_value : NULL);
    ck_assert_uint_eq(thrum_test_clock_pending(self.test), 1);
    thrum_deferred_cancel(self.later);
    ck_assert_uint_eq(thrum_test_clock_pending(self.test), 0);
    ck_assert_str_eq(trace_take(), "~ctx end!cancelled ");
    thrum_deferred_cancel(self.later);
    thrum_deferred_finish(self.later);
    desk_close(&self);
}
END_TEST

START_TEST(the_context_lives_as_long_as_what_the_answer_waits_for)
{
    desk self;

    desk_open(&self);
    desk_call(&self, 10, answer_another);
    thrum_test_clock_advance(self.test, 10);
    ck_assert_str_eq(trace_take(), "call ");
    thrum_deferred_fire(self.inner, "in", NULL);
    ck_assert_str_eq(trace_take(), "~ctx end=in ");
    thrum_deferred_finish(self.later);
    desk_close(&self);
}
END_TEST

START_TEST(cancelling_reaches_what_the_answer_waits_for)
{
    desk self;

    desk_open(&self);
    desk_call(&self, 10, answer_another);
    thrum_test_clock_advance(self.test, 10);
    thrum_deferred_cancel(self.later);
    ck_assert_str_eq(trace_take(), "call ~ctx end!cancelled ");
    thrum_deferred_fire(self.inner, NULL, NULL); /* late */
    thrum_deferred_finish(self.later);
    desk_close(&self);
}
END_TEST

START_TEST(it_is_abandoned_with_its_clock)
{
    desk self;

    desk_open(&self);
    desk_call(&self, 10, _i == 0 ? answer_a_value : NULL);
    thrum_test_clock_free(self.test);
    self.test = NULL;
    ck_assert_str_eq(trace_take(), "~ctx end!abandoned by its producer ");
    thrum_deferred_finish(self.later);
    desk_close(&self);
}
END_TEST

START_TEST(it_goes_on_when_its_consumer_has_gone)
{
    desk self;

    desk_open(&self);
    desk_call(&self, 10, answer_a_value);
    thrum_deferred_finish(self.later);
    thrum_test_clock_advance(self.test, 10);
    ck_assert_str_eq(trace_take(), "call ~ctx end=v ~v ");
    desk_close(&self);
}
END_TEST

static thrum_outcome cancel_and_free(void *ctx)
{
    desk *self = ctx;

    trace_note("call ");
    thrum_deferred_cancel(self->later); /* is being called: nothing */
    thrum_deferred_finish(self->later);
    thrum_test_clock_free(self->test);
    self->test = NULL;
    return thrum_value("v", trace_release);
}

START_TEST(the_call_may_cancel_its_deferred_and_free_the_clock)
{
    desk self;

    desk_open(&self);
    desk_call(&self, 10, cancel_and_free);
    thrum_test_clock_advance(self.test, 10);
    ck_assert_str_eq(trace_take(), "call ~ctx end=v ~v ");
    desk_close(&self);
}
END_TEST

static thrum_outcome answer_another_later(void *ctx)
{
    desk *self = ctx;

    trace_note("call ");
    return thrum_wait(thrum_deferred_later(self->context, self->clock, 5,
                                           answer_a_value, self, NULL));
}

START_TEST(one_may_wait_for_the_next)
{
    desk self;

    desk_open(&self);
    desk_call(&self, 10, answer_another_later);
    thrum_test_clock_advance(self.test, 14);
    ck_assert_str_eq(trace_take(), "call ");
    thrum_test_clock_advance(self.test, 1);
    ck_assert_str_eq(trace_take(), "call ~ctx end=v ");
    thrum_deferred_finish(self.later);
    desk_close(&self);
}
END_TEST

/* ---- Memory ---- */

static int called, released;

static void count_release(void *ctx)
{
    (void)ctx;
    released++;
}

static thrum_outcome count_call(void *ctx)
{
    (void)ctx;
    called++;
    return thrum_done();
}

static void without_memory(void)
{
    thrum_context *context = support_context();
    thrum_test_clock *test =
        context != NULL ? thrum_test_clock_new(context) : NULL;
    thrum_deferred *d = NULL;

    called = released = 0;
    if (test != NULL) {
        d = thrum_deferred_later(context, thrum_test_clock_clock(test), 5,
                                 count_call, &called, count_release);
        ck_assert_int_eq(released, d == NULL);
        thrum_test_clock_advance(test, 5);
        ck_assert_int_eq(called, d != NULL);
        ck_assert_int_eq(released, 1);
        ck_assert_uint_eq(thrum_test_clock_pending(test), 0);
    }
    thrum_deferred_finish(d);
    thrum_test_clock_free(test);
    support_context_end(context);
}

START_TEST(without_memory_nothing_is_called_and_the_context_released)
{
    support_every_allocation(without_memory);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("later");

    tcase_add_checked_fixture(c, trace_setup, NULL);
    tcase_add_loop_test(c, it_fires_in_time_with_the_answer, 0,
                        sizeof answers / sizeof *answers);
    tcase_add_loop_test(c, without_delay_it_is_called_in_the_next_turn, 0, 3);
    tcase_add_loop_test(c, cancelling_takes_the_call_back, 0, 2);
    tcase_add_test(c, the_context_lives_as_long_as_what_the_answer_waits_for);
    tcase_add_test(c, cancelling_reaches_what_the_answer_waits_for);
    tcase_add_loop_test(c, it_is_abandoned_with_its_clock, 0, 2);
    tcase_add_test(c, it_goes_on_when_its_consumer_has_gone);
    tcase_add_test(c, the_call_may_cancel_its_deferred_and_free_the_clock);
    tcase_add_test(c, one_may_wait_for_the_next);
    tcase_add_test(c,
                   without_memory_nothing_is_called_and_the_context_released);
    return support_main("later", &c, 1);
}
