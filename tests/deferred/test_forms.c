/* SPDX-License-Identifier: MIT */
/*
 * A function that answers through a pointer, in the place of each that answers
 * by value: a step, a turn, a run, a call. (test_foreign.py does the same from
 * another language, where no sanitizer looks on.)
 */
#include <stdio.h>
#include <string.h>

#include <thrum/looping_call.h>
#include <thrum/semaphore.h>

#include "tests/deferred/chain.h"

/* Called as often as there are letters: k keep, w wait for `inner`, d done,
 * v a value, f a failure. */
typedef struct form {
    struct world world;
    thrum_deferred *inner;
    const char *letters;
    uint64_t turns;
    bool counts; /* `in` points to turns */
} form;

static void form_release(void *ctx)
{
    (void)ctx;
    trace_note("~form ");
}

static void form_call(const thrum_outcome *in, thrum_outcome *out, void *ctx)
{
    form *self = ctx;
    char letter = *self->letters++;
    const char note[] = {letter, ' ', '\0'};

    trace_note(note);
    ck_assert_int_eq(in->kind, THRUM_OUTCOME_VALUE);
    ck_assert_int_eq(out->kind, THRUM_OUTCOME_KEEP);
    if (self->counts)
        self->turns += *(uint64_t *)in->ptr;
    else
        ck_assert_ptr_null(in->ptr);
    if (letter == 'w')
        *out = thrum_wait(self->inner);
    else if (letter == 'd')
        *out = thrum_done();
    else if (letter == 'v')
        *out = thrum_value("v", trace_release);
    else if (letter == 'f')
        *out = thrum_fail(chain_failure(self->world.context, "bad"));
}

static thrum_foreign *form_open(form *self, const char *letters)
{
    memset(self, 0, sizeof *self);
    world_start(&self->world, 0);
    self->letters = letters;
    self->inner = thrum_deferred_new(self->world.context, "inner");
    return thrum_foreign_new(self->world.context, form_call, self,
                             form_release);
}

/* What came of it is added to the trace. */
static void form_see(thrum_deferred *d)
{
    thrum_deferred_add(d, trace_value, trace_failure, "d", NULL);
    thrum_deferred_finish(d);
}

static void form_ticks(form *self)
{
    while (thrum_cooperator_tick(self->world.cooperator))
        ;
}

static void form_fire(form *self)
{
    thrum_deferred_fire(self->inner, NULL, NULL);
}

/* No call waited for it. */
static void form_unused(form *self)
{
    form_fire(self);
    thrum_deferred_finish(self->inner);
}

static void form_close(form *self, const char *trace)
{
    world_end(&self->world);
    ck_assert_str_eq(trace_take(), trace);
    ck_assert_uint_eq(support_unhandled(), 0);
}

/* ---- Steps ---- */

typedef thrum_deferred *iterate_fn(form *self, thrum_foreign *foreign);

static thrum_deferred *by_coiterate(form *self, thrum_foreign *foreign)
{
    return thrum_coiterate(self->world.cooperator, thrum_foreign_step, foreign,
                           thrum_foreign_free);
}

static thrum_deferred *by_each(form *self, thrum_foreign *foreign)
{
    return thrum_each(self->world.cooperator, thrum_foreign_step, foreign,
                      thrum_foreign_free, 1);
}

static thrum_deferred *by_cooperate(form *self, thrum_foreign *foreign)
{
    thrum_task *task =
        thrum_cooperate(self->world.cooperator, thrum_foreign_step, foreign,
                        thrum_foreign_free);
    thrum_deferred *done = thrum_task_when_done(task);

    thrum_task_free(task);
    return done;
}

static iterate_fn *const iterates[] = {by_coiterate, by_each, by_cooperate};

enum { ITERATES = sizeof iterates / sizeof *iterates };

START_TEST(a_step_keeps_on_waits_and_ends)
{
    form self;

    form_see(iterates[_i](&self, form_open(&self, "kwd")));
    form_ticks(&self);
    ck_assert_str_eq(trace_take(), "k w ");
    form_fire(&self);
    form_ticks(&self);
    ck_assert_str_eq(trace_take(), "d d=none ~form ");
    form_close(&self, "");
}
END_TEST

START_TEST(a_step_that_fails_ends_the_iterator)
{
    form self;

    form_see(iterates[_i](&self, form_open(&self, "kf")));
    form_ticks(&self);
    ck_assert_str_eq(trace_take(), "k f d!bad ~form ");
    form_unused(&self);
    form_close(&self, "");
}
END_TEST

START_TEST(a_step_that_could_not_be_made_fails_for_want_of_memory)
{
    form self;

    thrum_foreign_free(form_open(&self, ""));
    ck_assert_str_eq(trace_take(), "~form ");
    form_see(iterates[_i](&self, NULL));
    form_ticks(&self);
    form_unused(&self);
    form_close(&self, "d!out of memory ");
}
END_TEST

/* ---- Calls ---- */

static thrum_deferred *by_maybe(form *self, thrum_foreign *foreign)
{
    thrum_deferred *d =
        thrum_deferred_maybe(self->world.context, thrum_foreign_step, foreign);

    thrum_foreign_free(foreign); /* it was borrowed */
    return d;
}

static thrum_deferred *by_later(form *self, thrum_foreign *foreign)
{
    thrum_deferred *d = thrum_deferred_later(
        self->world.context, thrum_test_clock_clock(self->world.clock), 5,
        thrum_foreign_step, foreign, thrum_foreign_free);

    thrum_test_clock_advance(self->world.clock, 5);
    return d;
}

static thrum_deferred *by_run(form *self, thrum_foreign *foreign)
{
    thrum_semaphore *semaphore = thrum_semaphore_new(self->world.context, 1);
    thrum_deferred *d = thrum_semaphore_run(semaphore, thrum_foreign_step,
                                            foreign, thrum_foreign_free);

    thrum_semaphore_free(semaphore);
    return d;
}

static iterate_fn *const calls[] = {by_maybe, by_later, by_run};

enum { CALLS = sizeof calls / sizeof *calls };

/* What a call answers, and what is in the trace without "~form ", which comes
 * where its caller says. */
static const struct {
    const char *letters, *trace;
} answers[] = {{"v", "v d=v ~v "},
               {"d", "d d=none "},
               {"k", "k d=none "},
               {"f", "f d!bad "}};

enum { ANSWERS = sizeof answers / sizeof *answers };

static void take_out(char *text, const char *what)
{
    char *at = strstr(text, what);

    ck_assert_ptr_nonnull(at);
    memmove(at, at + strlen(what), strlen(at + strlen(what)) + 1);
    ck_assert_ptr_null(strstr(text, what));
}

START_TEST(a_call_answers_through_its_pointer)
{
    for (size_t i = 0; i < ANSWERS; i++) {
        form self;
        char text[64];

        form_see(calls[_i](&self, form_open(&self, answers[i].letters)));
        snprintf(text, sizeof text, "%s", trace_take());
        take_out(text, "~form ");
        ck_assert_str_eq(text, answers[i].trace);
        form_unused(&self);
        form_close(&self, "");
    }
}
END_TEST

START_TEST(a_call_that_could_not_be_made_fails_for_want_of_memory)
{
    form self;

    thrum_foreign_free(form_open(&self, ""));
    trace_take();
    form_see(calls[_i](&self, NULL));
    form_unused(&self);
    form_close(&self, "d!out of memory ");
}
END_TEST

/* ---- Turns ---- */

static thrum_looping_call *looping(form *self, thrum_foreign *foreign)
{
    static const thrum_looping_call_config ten = {.interval = 10};

    return thrum_looping_call_start(
        self->world.context, thrum_test_clock_clock(self->world.clock), &ten,
        thrum_foreign_turn, foreign, thrum_foreign_free);
}

START_TEST(a_turn_is_told_how_many_there_were_and_may_wait)
{
    form self;
    thrum_foreign *foreign = form_open(&self, "kwkd");
    thrum_looping_call *call;

    self.counts = true;
    call = looping(&self, foreign);
    form_see(thrum_looping_call_when_done(call));
    thrum_test_clock_advance(self.world.clock, 55);
    ck_assert_str_eq(trace_take(), "k w ");
    ck_assert_uint_eq(self.turns, 2);
    form_fire(&self);
    thrum_test_clock_advance(self.world.clock, 5); /* the sixth beat */
    ck_assert_uint_eq(self.turns, 6);
    thrum_test_clock_advance(self.world.clock, 50);
    ck_assert_str_eq(trace_take(), "k d d=none ~form ");
    ck_assert_uint_eq(self.turns, 7);
    thrum_looping_call_free(call);
    form_close(&self, "");
}
END_TEST

START_TEST(a_turn_that_could_not_be_made_fails_for_want_of_memory)
{
    form self;
    thrum_looping_call *call;

    thrum_foreign_free(form_open(&self, ""));
    trace_take();
    call = looping(&self, NULL);
    form_see(thrum_looping_call_when_done(call));
    thrum_test_clock_advance(self.world.clock, 50);
    thrum_looping_call_free(call);
    form_unused(&self);
    form_close(&self, "d!out of memory ");
}
END_TEST

/* ---- Memory ---- */

static void without_memory(void)
{
    thrum_context *context = support_context();
    thrum_foreign *foreign;

    if (context == NULL)
        return;
    foreign = thrum_foreign_new(context, form_call, NULL, form_release);
    ck_assert_str_eq(trace_take(), foreign == NULL ? "~form " : "");
    thrum_foreign_free(foreign);
    ck_assert_str_eq(trace_take(), foreign == NULL ? "" : "~form ");
    support_context_end(context);
}

START_TEST(without_memory_its_context_is_released)
{
    support_every_allocation(without_memory);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("forms");

    tcase_add_checked_fixture(tests, trace_setup, NULL);
    tcase_add_loop_test(tests, a_step_keeps_on_waits_and_ends, 0, ITERATES);
    tcase_add_loop_test(tests, a_step_that_fails_ends_the_iterator, 0,
                        ITERATES);
    tcase_add_loop_test(tests,
                        a_step_that_could_not_be_made_fails_for_want_of_memory,
                        0, ITERATES);
    tcase_add_loop_test(tests, a_call_answers_through_its_pointer, 0, CALLS);
    tcase_add_loop_test(tests,
                        a_call_that_could_not_be_made_fails_for_want_of_memory,
                        0, CALLS);
    tcase_add_test(tests, a_turn_is_told_how_many_there_were_and_may_wait);
    tcase_add_test(tests,
                   a_turn_that_could_not_be_made_fails_for_want_of_memory);
    tcase_add_test(tests, without_memory_its_context_is_released);
    return support_main("forms", &tests, 1);
}
