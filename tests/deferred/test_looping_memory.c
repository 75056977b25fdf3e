/* SPDX-License-Identifier: MIT */
/*
 * Looping calls for which there is no memory.
 */
#include <thrum/looping_call.h>

#include "tests/deferred/chain.h"

typedef struct loop {
    thrum_context *context;
    thrum_test_clock *test;
    thrum_clock *clock;
    thrum_looping_call *call;
    thrum_deferred *inner; /* what a call waits for */
    thrum_deferred *done;
} loop;

static void loop_end(loop *self)
{
    thrum_looping_call_free(self->call);
    thrum_deferred_finish(self->done);
    thrum_test_clock_free(self->test);
    support_context_end(self->context);
}

static thrum_cancelled note_cancel(thrum_deferred *deferred, void *ctx)
{
    (void)deferred;
    (void)ctx;
    trace_note("stopped ");
    return THRUM_CANCELLED_STOPPED;
}

/* Waits for one that has a pair, behind which there is no memory for its own.
 */
static thrum_outcome wait_in_vain(uint64_t turns, void *ctx)
{
    loop *self = ctx;

    (void)turns;
    self->inner = thrum_deferred_new(self->context, "inner");
    thrum_deferred_on_cancel(self->inner, note_cancel, NULL, NULL);
    thrum_deferred_add(self->inner, trace_value, trace_failure, "inner", NULL);
    support_fail_at(1);
    return thrum_wait(self->inner);
}

START_TEST(what_a_call_cannot_wait_for_without_memory_is_cancelled)
{
    thrum_looping_call_config config = {.interval = 10};
    loop self = {.context = support_context()};

    self.test = thrum_test_clock_new(self.context);
    self.clock = thrum_test_clock_clock(self.test);
    self.call = thrum_looping_call_start(self.context, self.clock, &config,
                                         wait_in_vain, &self, NULL);
    self.done = thrum_looping_call_when_done(self.call);
    thrum_deferred_add(self.done, trace_value, trace_failure, "end", NULL);
    thrum_test_clock_advance(self.test, 50);
    ck_assert(support_failed());
    ck_assert_str_eq(trace_take(),
                     "stopped inner!cancelled end!out of memory ");
    loop_end(&self);
    ck_assert_uint_eq(support_unhandled(), 0);
}
END_TEST

static int released, ends;

static thrum_outcome wait_a_little(uint64_t turns, void *ctx)
{
    loop *self = ctx;

    (void)turns;
    return thrum_wait(
        thrum_deferred_later(self->context, self->clock, 5, NULL, NULL, NULL));
}

static void count_release(void *ctx)
{
    (void)ctx;
    released++;
}

static thrum_outcome count_end(void *value, void *ctx)
{
    (void)value;
    (void)ctx;
    ends++;
    return thrum_done();
}

static thrum_outcome count_failure(const thrum_failure *why, void *ctx)
{
    ck_assert(thrum_failure_is(why, &thrum_domain_base, THRUM_E_NOMEM));
    return count_end(NULL, ctx);
}

static void loop_without_memory(loop *self)
{
    thrum_looping_call_config config = {.interval = 10};

    self->clock = thrum_test_clock_clock(self->test);
    self->call = thrum_looping_call_start(self->context, self->clock, &config,
                                          wait_a_little, self, count_release);
    ck_assert_int_eq(released, self->call == NULL);
    if (self->call == NULL)
        return;
    self->done = thrum_looping_call_when_done(self->call);
    if (self->done != NULL)
        thrum_deferred_add(self->done, count_end, count_failure, NULL, NULL);
    thrum_test_clock_advance(self->test, 25);
    thrum_looping_call_set_interval(self->call, 20);
    thrum_test_clock_advance(self->test, 30);
    thrum_looping_call_stop(self->call);
    ck_assert_int_eq(ends, self->done != NULL);
    ck_assert_int_eq(released, 1);
}

static void without_memory(void)
{
    loop self = {.context = support_context()};

    released = ends = 0;
    if (self.context != NULL)
        self.test = thrum_test_clock_new(self.context);
    if (self.test != NULL)
        loop_without_memory(&self);
    loop_end(&self);
    support_unhandled();
}

START_TEST(without_memory_the_calls_end_with_that)
{
    support_every_allocation(without_memory);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("looping call");

    tcase_add_checked_fixture(tests, trace_setup, NULL);
    tcase_add_test(tests,
                   what_a_call_cannot_wait_for_without_memory_is_cancelled);
    tcase_add_test(tests, without_memory_the_calls_end_with_that);
    return support_main("looping call, memory", &tests, 1);
}
