/* SPDX-License-Identifier: MIT */
#include <thrum/semaphore.h>

#include "tests/deferred/chain.h"

static thrum_deferred *acquire(thrum_semaphore *semaphore, char *name)
{
    thrum_deferred *d = thrum_semaphore_acquire(semaphore);

    thrum_deferred_add(d, trace_value, trace_failure, name, NULL);
    return d;
}

START_TEST(those_who_wait_get_theirs_in_their_order)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 2);
    char *names[] = {"a", "b", "c", "d"};

    for (int i = 0; i < 4; i++)
        thrum_deferred_finish(acquire(semaphore, names[i]));
    ck_assert_str_eq(trace_take(), "a=none b=none ");
    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 0);
    ck_assert_uint_eq(thrum_semaphore_waiting(semaphore), 2);
    ck_assert_int_eq(thrum_semaphore_release(semaphore), 0);
    ck_assert_str_eq(trace_take(), "c=none ");
    ck_assert_int_eq(thrum_semaphore_release(semaphore), 0);
    ck_assert_str_eq(trace_take(), "d=none ");
    ck_assert_int_eq(thrum_semaphore_release(semaphore), 0);
    ck_assert_int_eq(thrum_semaphore_release(semaphore), 0);
    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 2);
    ck_assert_int_eq(thrum_semaphore_release(semaphore), THRUM_E_INVALID);
    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 2);
    thrum_semaphore_free(semaphore);
    thrum_semaphore_free(NULL);
    support_context_end(context);
}
END_TEST

START_TEST(no_tokens_at_all_counts_as_one)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 0);

    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 1);
    thrum_semaphore_free(semaphore);
    support_context_end(context);
}
END_TEST

START_TEST(a_cancelled_waiter_loses_its_place)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);
    thrum_deferred *d[4];
    char *names[] = {"a", "b", "c", "d"};

    for (int i = 0; i < 4; i++)
        d[i] = acquire(semaphore, names[i]);
    thrum_deferred_cancel(d[2]);
    thrum_deferred_cancel(d[0]); /* has its token: nothing */
    ck_assert_uint_eq(thrum_semaphore_waiting(semaphore), 2);
    thrum_semaphore_release(semaphore);
    thrum_deferred_cancel(d[3]); /* the last in the queue */
    thrum_deferred_finish(acquire(semaphore, "e"));
    thrum_semaphore_release(semaphore);
    ck_assert_str_eq(trace_take(), "a=none c!cancelled b=none d!cancelled "
                                   "e=none ");
    for (int i = 0; i < 4; i++)
        thrum_deferred_finish(d[i]);
    thrum_semaphore_free(semaphore);
    support_context_end(context);
}
END_TEST

START_TEST(those_who_still_wait_are_abandoned)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);

    thrum_deferred_finish(acquire(semaphore, "a"));
    thrum_deferred_finish(acquire(semaphore, "b"));
    thrum_deferred_finish(acquire(semaphore, "c"));
    thrum_semaphore_free(semaphore);
    ck_assert_str_eq(trace_take(), "a=none b!abandoned by its producer "
                                   "c!abandoned by its producer ");
    support_context_end(context);
}
END_TEST

static thrum_outcome release_it(void *value, void *semaphore)
{
    (void)value;
    trace_note("r");
    thrum_semaphore_release(semaphore);
    trace_note(".");
    return thrum_keep();
}

START_TEST(who_gives_its_token_back_in_its_callback_is_no_recursion)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);

    thrum_deferred_finish(acquire(semaphore, "a"));
    for (int i = 0; i < 3; i++) {
        thrum_deferred *d = thrum_semaphore_acquire(semaphore);

        thrum_deferred_add(d, release_it, NULL, semaphore, NULL);
        thrum_deferred_finish(d);
    }
    thrum_semaphore_release(semaphore);
    ck_assert_str_eq(trace_take(), "a=none r.r.r.");
    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 1);
    thrum_semaphore_free(semaphore);
    support_context_end(context);
}
END_TEST

static thrum_outcome free_it(void *value, void *semaphore)
{
    (void)value;
    trace_note("free ");
    thrum_semaphore_free(semaphore);
    return thrum_keep();
}

START_TEST(who_is_given_a_token_may_free_the_semaphore)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);
    thrum_deferred *d;

    thrum_deferred_finish(acquire(semaphore, "a"));
    d = thrum_semaphore_acquire(semaphore);
    thrum_deferred_add(d, free_it, NULL, semaphore, NULL);
    thrum_deferred_finish(d);
    thrum_deferred_finish(acquire(semaphore, "c"));
    thrum_semaphore_release(semaphore);
    ck_assert_str_eq(trace_take(), "a=none free c!abandoned by its producer ");
    support_context_end(context);
}
END_TEST

/* What one may do who is told that it gets no token any more, though all are
 * out. */
static thrum_outcome do_acquire(const thrum_failure *why, void *semaphore)
{
    (void)why;
    thrum_deferred_finish(acquire(semaphore, "again"));
    return thrum_done();
}

/* And who gives one back as well. */
static thrum_outcome do_everything(const thrum_failure *why, void *semaphore)
{
    (void)why;
    thrum_semaphore_release(semaphore);
    thrum_deferred_finish(acquire(semaphore, "again"));
    thrum_semaphore_free(semaphore);
    return thrum_done();
}

START_TEST(who_is_abandoned_may_release_acquire_and_free)
{
    thrum_errback_fn *act = _i == 0 ? do_acquire : do_everything;
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);
    thrum_deferred *d;

    thrum_deferred_finish(acquire(semaphore, "a"));
    d = thrum_semaphore_acquire(semaphore);
    thrum_deferred_add(d, NULL, act, semaphore, NULL);
    thrum_deferred_finish(d);
    thrum_deferred_finish(acquire(semaphore, "c"));
    thrum_semaphore_free(semaphore);
    ck_assert_str_eq(trace_take(), "a=none again!abandoned by its producer "
                                   "c!abandoned by its producer ");
    support_context_end(context);
}
END_TEST

static thrum_outcome cancel_the_next(void *value, void *ctx)
{
    thrum_deferred **next = ctx;

    (void)value;
    trace_note("cancel ");
    thrum_deferred_cancel(*next);
    return thrum_keep();
}

START_TEST(who_is_told_of_a_token_may_cancel_the_next)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);
    thrum_deferred *d, *next;

    thrum_deferred_finish(acquire(semaphore, "a"));
    d = thrum_semaphore_acquire(semaphore);
    next = acquire(semaphore, "c");
    thrum_deferred_add(d, cancel_the_next, NULL, &next, NULL);
    thrum_deferred_finish(d);
    thrum_semaphore_release(semaphore);
    ck_assert_str_eq(trace_take(), "a=none cancel c!cancelled ");
    ck_assert_uint_eq(thrum_semaphore_waiting(semaphore), 0);
    thrum_deferred_finish(next);
    thrum_semaphore_free(semaphore);
    support_context_end(context);
}
END_TEST

/* ---- Run ---- */

enum { JOBS = 4 };

typedef struct office {
    thrum_context *context;
    thrum_semaphore *semaphore;
    struct job {
        struct office *office;
        char *name;
        char answer;           /* v: value, f: failure, w: wait, k: keep,
                                  d: done, r: one that has fired */
        thrum_deferred *inner; /* what it waits for */
        thrum_deferred *run;
    } jobs[JOBS];
} office;

static thrum_outcome job_begin(void *ctx)
{
    struct job *self = ctx;
    thrum_context *context = self->office->context;

    trace_note(self->name);
    trace_note("+ ");
    switch (self->answer) {
    case 'v':
        return thrum_value(self->name, NULL);
    case 'f':
        return thrum_fail(chain_failure(context, "bad"));
    case 'w':
        return thrum_wait(self->inner = thrum_deferred_new(context, "inner"));
    case 'r':
        return thrum_wait(thrum_deferred_succeed(context, "there", NULL));
    default:
        return self->answer == 'd' ? thrum_done() : thrum_keep();
    }
}

static void job_release(void *ctx)
{
    struct job *self = ctx;

    trace_note("~");
    trace_note(self->name);
    trace_note(" ");
}

static void office_run(office *self, int i, char answer)
{
    static char *const names[JOBS] = {"a", "b", "c", "d"};
    struct job *job = &self->jobs[i];

    *job = (struct job){.office = self, .name = names[i], .answer = answer};
    job->run =
        thrum_semaphore_run(self->semaphore, job_begin, job, job_release);
    thrum_deferred_add(job->run, trace_value, trace_failure, job->name, NULL);
}

static void office_open(office *self, size_t tokens, const char *answers)
{
    self->context = support_context();
    self->semaphore = thrum_semaphore_new(self->context, tokens);
    for (int i = 0; answers[i] != '\0'; i++)
        office_run(self, i, answers[i]);
}

static void office_close(office *self, int jobs)
{
    for (int i = 0; i < jobs; i++)
        thrum_deferred_finish(self->jobs[i].run);
    thrum_semaphore_free(self->semaphore);
    ck_assert_uint_eq(support_unhandled(), 0);
    support_context_end(self->context);
}

static const struct {
    char answer[2];
    const char *trace;
} answers[] = {
    {"v", "a+ ~a a=a "},    {"f", "a+ ~a a!bad "},  {"r", "a+ ~a a=there "},
    {"k", "a+ ~a a=none "}, {"d", "a+ ~a a=none "},
};

START_TEST(a_run_ends_with_the_answer_and_without_its_token)
{
    office self;

    office_open(&self, 1, answers[_i].answer);
    ck_assert_str_eq(trace_take(), answers[_i].trace);
    ck_assert_uint_eq(thrum_semaphore_tokens(self.semaphore), 1);
    office_close(&self, 1);
}
END_TEST

START_TEST(as_many_run_as_there_are_tokens_and_until_their_answers_end)
{
    office self;

    office_open(&self, 2, "wwwv");
    ck_assert_str_eq(trace_take(), "a+ b+ ");
    ck_assert_uint_eq(thrum_semaphore_waiting(self.semaphore), 2);
    thrum_deferred_fire(self.jobs[1].inner, "x", NULL);
    ck_assert_str_eq(trace_take(), "c+ ~b b=x ");
    thrum_deferred_fail(self.jobs[0].inner, chain_failure(self.context, "y"));
    ck_assert_str_eq(trace_take(), "d+ ~d d=d ~a a!y ");
    ck_assert_uint_eq(thrum_semaphore_tokens(self.semaphore), 1);
    thrum_deferred_fire(self.jobs[2].inner, "z", NULL);
    ck_assert_str_eq(trace_take(), "~c c=z ");
    ck_assert_uint_eq(thrum_semaphore_tokens(self.semaphore), 2);
    office_close(&self, 4);
}
END_TEST

START_TEST(a_run_that_is_cancelled_gives_up_its_place_or_its_answer)
{
    office self;

    office_open(&self, 1, "www");
    thrum_deferred_cancel(self.jobs[1].run);
    ck_assert_str_eq(trace_take(), "a+ ~b b!cancelled ");
    thrum_deferred_cancel(self.jobs[0].run);
    ck_assert_str_eq(trace_take(), "c+ ~a a!cancelled ");
    thrum_deferred_fire(self.jobs[0].inner, NULL, NULL); /* late */
    thrum_deferred_fire(self.jobs[2].inner, NULL, NULL);
    ck_assert_str_eq(trace_take(), "~c c=none ");
    ck_assert_uint_eq(thrum_semaphore_tokens(self.semaphore), 1);
    office_close(&self, 3);
}
END_TEST

START_TEST(a_run_that_has_its_token_outlives_the_semaphore)
{
    office self;

    office_open(&self, 1, "ww");
    thrum_semaphore_free(self.semaphore);
    self.semaphore = NULL;
    ck_assert_str_eq(trace_take(), "a+ ~b b!abandoned by its producer ");
    thrum_deferred_fire(self.jobs[0].inner, "x", NULL);
    ck_assert_str_eq(trace_take(), "~a a=x ");
    office_close(&self, 2);
}
END_TEST

START_TEST(a_run_that_is_paused_begins_when_the_pause_has_ended)
{
    office self;
    thrum_pause *pause;

    office_open(&self, 1, "ww");
    pause = thrum_deferred_pause(self.jobs[1].run);
    thrum_deferred_fire(self.jobs[0].inner, "x", NULL);
    ck_assert_str_eq(trace_take(), "a+ ~a a=x ");
    ck_assert_uint_eq(thrum_semaphore_tokens(self.semaphore), 0);
    thrum_semaphore_free(self.semaphore);
    self.semaphore = NULL;
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "b+ ");
    thrum_deferred_fire(self.jobs[1].inner, "y", NULL);
    ck_assert_str_eq(trace_take(), "~b b=y ");
    office_close(&self, 2);
}
END_TEST

static thrum_outcome free_the_semaphore(void *ctx)
{
    office *self = ctx;

    thrum_semaphore_free(self->semaphore);
    self->semaphore = NULL;
    trace_note("freed ");
    return thrum_keep();
}

START_TEST(a_run_may_free_the_semaphore)
{
    office self;
    thrum_deferred *d;

    office_open(&self, 1, "w");
    d = thrum_semaphore_run(self.semaphore, free_the_semaphore, &self, NULL);
    office_run(&self, 1, 'w');
    thrum_deferred_fire(self.jobs[0].inner, "x", NULL);
    ck_assert_str_eq(trace_take(), "a+ ~b b!abandoned by its producer freed "
                                   "~a a=x ");
    thrum_deferred_finish(d);
    office_close(&self, 2);
}
END_TEST

static int runs;

static thrum_outcome count_run(void *ctx)
{
    (void)ctx;
    runs++;
    return thrum_done();
}

static void run_a_million(void)
{
    enum { MILLION = 1000000 };
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = thrum_semaphore_new(context, 1);

    runs = 0;
    thrum_deferred_finish(thrum_semaphore_acquire(semaphore));
    for (int i = 0; i < MILLION; i++)
        thrum_deferred_finish(
            thrum_semaphore_run(semaphore, count_run, NULL, NULL));
    thrum_semaphore_release(semaphore);
    ck_assert_int_eq(runs, MILLION);
    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 1);
    thrum_semaphore_free(semaphore);
    support_context_end(context);
}

START_TEST(a_million_runs_need_no_stack)
{
    on_small_stack(run_a_million, 65536);
}
END_TEST

static int given, released;

static void count_release(void *ctx)
{
    (void)ctx;
    released++;
}

static void without_memory(void)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore =
        context != NULL ? thrum_semaphore_new(context, 1) : NULL;
    thrum_deferred *d[5] = {NULL};

    given = released = runs = 0;
    if (semaphore != NULL) {
        d[0] = thrum_semaphore_acquire(semaphore);
        for (; given < 3; given++)
            d[given + 1] =
                thrum_semaphore_run(semaphore, count_run, NULL, count_release);
        d[4] = thrum_semaphore_acquire(semaphore);
        for (int i = 0; i < 5; i += 4)
            if (d[i] != NULL)
                ck_assert_int_eq(thrum_semaphore_release(semaphore), 0);
        for (int i = 1; i < 4; i++)
            runs += d[i] == NULL;
        ck_assert_int_eq(runs, 3);
        ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 1);
    }
    for (int i = 0; i < 5; i++)
        thrum_deferred_finish(d[i]);
    ck_assert_int_eq(released, given);
    ck_assert_uint_eq(support_unhandled(), 0);
    thrum_semaphore_free(semaphore);
    support_context_end(context);
}

START_TEST(without_memory_nothing_is_run_and_no_token_lost)
{
    support_every_allocation(without_memory);
}
END_TEST

static TCase *run_case(void)
{
    TCase *run = tcase_create("run");

    tcase_set_timeout(run, 120);
    tcase_add_checked_fixture(run, trace_setup, NULL);
    tcase_add_loop_test(run, a_run_ends_with_the_answer_and_without_its_token,
                        0, sizeof answers / sizeof *answers);
    tcase_add_test(run,
                   as_many_run_as_there_are_tokens_and_until_their_answers_end);
    tcase_add_test(run,
                   a_run_that_is_cancelled_gives_up_its_place_or_its_answer);
    tcase_add_test(run, a_run_that_has_its_token_outlives_the_semaphore);
    tcase_add_test(run, a_run_that_is_paused_begins_when_the_pause_has_ended);
    tcase_add_test(run, a_run_may_free_the_semaphore);
    tcase_add_test(run, a_million_runs_need_no_stack);
    tcase_add_test(run, without_memory_nothing_is_run_and_no_token_lost);
    return run;
}

int main(void)
{
    TCase *semaphore = tcase_create("semaphore"), *cases[2];

    tcase_add_checked_fixture(semaphore, trace_setup, NULL);
    tcase_add_test(semaphore, those_who_wait_get_theirs_in_their_order);
    tcase_add_test(semaphore, no_tokens_at_all_counts_as_one);
    tcase_add_test(semaphore, a_cancelled_waiter_loses_its_place);
    tcase_add_test(semaphore, those_who_still_wait_are_abandoned);
    tcase_add_test(semaphore,
                   who_gives_its_token_back_in_its_callback_is_no_recursion);
    tcase_add_test(semaphore, who_is_given_a_token_may_free_the_semaphore);
    tcase_add_loop_test(semaphore,
                        who_is_abandoned_may_release_acquire_and_free, 0, 2);
    tcase_add_test(semaphore, who_is_told_of_a_token_may_cancel_the_next);
    cases[0] = semaphore;
    cases[1] = run_case();
    return support_main("semaphore", cases, 2);
}
