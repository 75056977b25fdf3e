/* SPDX-License-Identifier: MIT */
/*
 * Work on threads. What is to be running, or waiting, is held there by a gate
 * that the test opens: nothing here depends on who is faster.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/test_clock.h>
#include <thrum/thread.h>

#include "tests/reactor/loop.h"

/* What work waits at, in its thread. */
typedef struct gate {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool open;
    unsigned inside; /* so many have come */
} gate;

#define GATE                                                                   \
    {                                                                          \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0          \
    }

static void gate_enter(gate *self)
{
    pthread_mutex_lock(&self->lock);
    self->inside++;
    pthread_cond_broadcast(&self->moved);
    while (!self->open)
        pthread_cond_wait(&self->moved, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

static void gate_wait_for(gate *self, unsigned inside)
{
    pthread_mutex_lock(&self->lock);
    while (self->inside < inside)
        pthread_cond_wait(&self->moved, &self->lock);
    pthread_mutex_unlock(&self->lock);
}

static void gate_open(gate *self)
{
    pthread_mutex_lock(&self->lock);
    self->open = true;
    pthread_cond_broadcast(&self->moved);
    pthread_mutex_unlock(&self->lock);
}

static pthread_t home;
static unsigned released, values; /* contexts, and values, that went */
static unsigned fired;
static int last_code;

/* In the reactor's thread, and nowhere else. */
static void release(void *ctx)
{
    (void)ctx;
    ck_assert(pthread_equal(pthread_self(), home));
    released++;
}

static void release_value(void *value)
{
    ck_assert(pthread_equal(pthread_self(), home));
    values++;
    free(value);
}

static thrum_reactor *start(size_t threads, size_t jobs)
{
    thrum_reactor_config config = {
        .context = support_context(), .threads = threads, .thread_jobs = jobs};
    thrum_reactor *reactor = thrum_reactor_new(&config);

    ck_assert_ptr_nonnull(reactor);
    home = pthread_self();
    released = values = fired = 0;
    last_code = 0;
    return reactor;
}

static thrum_outcome on_value(void *value, void *ctx)
{
    (void)value;
    (void)ctx;
    ck_assert(pthread_equal(pthread_self(), home));
    fired++;
    return thrum_keep();
}

static thrum_outcome on_failure(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    last_code = thrum_failure_code(why);
    return thrum_done();
}

static thrum_deferred *defer(thrum_reactor *reactor, thrum_thread_fn *fn,
                             void *ctx)
{
    thrum_deferred *deferred = thrum_defer_to_thread(reactor, fn, ctx, release);

    ck_assert_int_eq(thrum_deferred_inspect(deferred).state,
                     THRUM_DEFERRED_PENDING);
    thrum_deferred_add(deferred, on_value, on_failure, NULL, NULL);
    return deferred;
}

/* ---- What work does ---- */

static thrum_outcome says_hello(void *ctx)
{
    ck_assert(!pthread_equal(pthread_self(), home));
    return thrum_value(strdup(ctx), release_value);
}

static thrum_outcome fails(void *context)
{
    return thrum_fail(thrum_failure_new(context, &thrum_domain_base,
                                        THRUM_E_FULL, "the disk is full"));
}

static thrum_outcome is_done(void *ctx)
{
    (void)ctx;
    return thrum_done();
}

static thrum_outcome passes_the_gate(void *ctx)
{
    gate_enter(ctx);
    return thrum_value(strdup("passed"), release_value);
}

static thrum_outcome names_its_thread(void *name)
{
    sigset_t blocked;

    pthread_getname_np(pthread_self(), name, 16);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    ck_assert_int_eq(sigismember(&blocked, SIGTERM), 1);
    ck_assert_int_eq(sigismember(&blocked, SIGUSR1), 1);
    return thrum_done();
}

static thrum_outcome waits(void *deferred)
{
    return thrum_wait(deferred);
}

/* ---- Tests ---- */

START_TEST(work_is_done_in_a_thread_and_its_answer_comes_back)
{
    thrum_reactor *reactor = start(0, 0);
    char text[] = "hello";
    void *value;
    thrum_free_fn *free_value;
    thrum_failure *why;

    ck_assert_int_eq(thrum_reactor_wait(reactor,
                                        defer(reactor, says_hello, text),
                                        &value, &free_value, &why),
                     0);
    ck_assert_str_eq(value, "hello");
    free_value(value);
    ck_assert_uint_eq(fired, 1);
    ck_assert_uint_eq(released, 1);
    loop_end(reactor);
}
END_TEST

START_TEST(failures_come_back_as_they_were_made)
{
    thrum_reactor *reactor = start(0, 0);

    thrum_deferred_finish(
        defer(reactor, fails, thrum_reactor_context(reactor)));
    thrum_deferred_finish(defer(reactor, is_done, NULL));
    thrum_reactor_run(reactor); /* work holds the loop */
    ck_assert_int_eq(last_code, THRUM_E_FULL);
    ck_assert_uint_eq(fired, 1);
    ck_assert_uint_eq(released, 2);
    loop_end(reactor);
}
END_TEST

START_TEST(an_answer_that_a_thread_cannot_give_is_a_failure)
{
    thrum_reactor *reactor = start(0, 0);
    thrum_deferred *never =
        thrum_deferred_succeed(thrum_reactor_context(reactor), NULL, NULL);

    thrum_deferred_finish(defer(reactor, waits, never));
    thrum_reactor_run(reactor);
    ck_assert_int_eq(last_code, THRUM_E_INVALID);
    loop_end(reactor);
}
END_TEST

START_TEST(threads_are_named_and_block_signals)
{
    thrum_reactor *reactor = start(1, 0);
    char name[16];
    sigset_t blocked;

    thrum_deferred_finish(defer(reactor, names_its_thread, name));
    thrum_reactor_run(reactor);
    ck_assert_str_eq(name, "thrum-0");
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    ck_assert_int_eq(sigismember(&blocked, SIGTERM), 0);
    loop_end(reactor);
}
END_TEST

START_TEST(no_more_threads_work_at_a_time_than_there_may)
{
    thrum_reactor *reactor = start(3, 10);
    gate door = GATE;

    for (int i = 0; i < 10; i++)
        thrum_deferred_finish(defer(reactor, passes_the_gate, &door));
    gate_wait_for(&door, 3);
    ck_assert_uint_eq(door.inside, 3);
    gate_open(&door);
    thrum_reactor_run(reactor);
    ck_assert_uint_eq(door.inside, 10);
    ck_assert_uint_eq(fired, 10);
    ck_assert_uint_eq(values, 10);
    ck_assert_uint_eq(released, 10);
    loop_end(reactor);
}
END_TEST

START_TEST(past_the_cap_work_is_refused_and_its_context_released)
{
    thrum_reactor *reactor = start(1, 2);
    gate door = GATE;

    for (int i = 0; i < 3; i++)
        thrum_deferred_finish(defer(reactor, passes_the_gate, &door));
    thrum_deferred_finish(defer(reactor, passes_the_gate, &door));
    ck_assert_uint_eq(released, 0); /* not before it returned */
    thrum_reactor_turn(reactor);
    ck_assert_int_eq(last_code, THRUM_E_FULL);
    ck_assert_uint_eq(released, 1);
    gate_open(&door);
    thrum_reactor_run(reactor);
    ck_assert_uint_eq(fired, 3);
    ck_assert_uint_eq(released, 4);
    loop_end(reactor);
}
END_TEST

START_TEST(work_that_was_refused_may_be_cancelled_before_it_is_told)
{
    thrum_reactor *reactor = start(1, 1);
    gate door = GATE;
    thrum_deferred *refused;

    for (int i = 0; i < 2; i++)
        thrum_deferred_finish(defer(reactor, passes_the_gate, &door));
    refused = defer(reactor, passes_the_gate, &door);
    thrum_deferred_cancel(refused);
    ck_assert_int_eq(last_code, THRUM_DEFERRED_E_CANCELLED);
    ck_assert_uint_eq(released, 1);
    thrum_deferred_finish(refused);
    gate_open(&door);
    thrum_reactor_run(reactor);
    ck_assert_uint_eq(released, 3);
    loop_end(reactor);
}
END_TEST

START_TEST(work_that_has_not_begun_is_taken_back)
{
    thrum_reactor *reactor = start(1, 2);
    gate door = GATE;
    thrum_deferred *second;

    thrum_deferred_finish(defer(reactor, passes_the_gate, &door));
    gate_wait_for(&door, 1);
    second = defer(reactor, passes_the_gate, &door);
    thrum_deferred_finish(defer(reactor, is_done, NULL));
    thrum_deferred_cancel(second);
    ck_assert_int_eq(last_code, THRUM_DEFERRED_E_CANCELLED);
    ck_assert_uint_eq(released, 1);
    thrum_deferred_finish(second);
    gate_open(&door);
    thrum_reactor_run(reactor);
    ck_assert_uint_eq(door.inside, 1);
    ck_assert_uint_eq(fired, 2);
    ck_assert_uint_eq(released, 3);
    loop_end(reactor);
}
END_TEST

START_TEST(work_that_has_begun_goes_on_and_what_it_answers_is_released)
{
    thrum_reactor *reactor = start(1, 1);
    gate door = GATE;
    thrum_deferred *work = defer(reactor, passes_the_gate, &door);

    gate_wait_for(&door, 1);
    thrum_deferred_cancel(work);
    thrum_deferred_finish(work);
    ck_assert_int_eq(last_code, THRUM_DEFERRED_E_CANCELLED);
    ck_assert_uint_eq(released, 0);
    gate_open(&door);
    thrum_reactor_run(reactor);
    ck_assert_uint_eq(fired, 0);
    ck_assert_uint_eq(values, 1);
    ck_assert_uint_eq(released, 1);
    loop_end(reactor);
}
END_TEST

static void *open_soon(void *ctx)
{
    gate_open(ctx);
    return NULL;
}

START_TEST(the_reactors_end_waits_for_what_has_begun_and_fails_the_rest)
{
    thrum_reactor *reactor = start(2, 5);
    gate door = GATE;
    pthread_t opener;

    for (int i = 0; i < 5; i++)
        thrum_deferred_finish(defer(reactor, passes_the_gate, &door));
    gate_wait_for(&door, 2);
    pthread_create(&opener, NULL, open_soon, &door);
    loop_end(reactor);
    pthread_join(opener, NULL);
    ck_assert_uint_ge(door.inside, 2); /* it was open before the end, perhaps */
    ck_assert_uint_eq(fired, door.inside);
    ck_assert_uint_eq(values, door.inside);
    ck_assert(door.inside == 5 || last_code == THRUM_REACTOR_E_STOPPED);
    ck_assert_uint_eq(released, 5);
}
END_TEST

static thrum_outcome asks_for_more(void *value, void *reactor)
{
    thrum_deferred *more =
        thrum_defer_to_thread(reactor, is_done, NULL, release);

    (void)value;
    thrum_deferred_add(more, NULL, on_failure, NULL, NULL);
    thrum_deferred_finish(more);
    return thrum_done();
}

START_TEST(work_that_is_asked_for_at_the_end_is_refused)
{
    thrum_reactor *reactor = start(1, 1);
    gate door = GATE;
    thrum_deferred *work =
        thrum_defer_to_thread(reactor, passes_the_gate, &door, release);

    thrum_deferred_add(work, asks_for_more, NULL, reactor, NULL);
    thrum_deferred_finish(work);
    gate_wait_for(&door, 1);
    gate_open(&door);
    loop_end(reactor);
    ck_assert_int_eq(last_code, THRUM_REACTOR_E_STOPPED);
    ck_assert_uint_eq(released, 2);
}
END_TEST

/* In place of pthread_create, by the linker (--wrap). */
static bool no_threads;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*run)(void *), void *arg)
{
    if (no_threads)
        return EAGAIN;
    return __real_pthread_create(thread, attributes, run, arg);
}

START_TEST(without_threads_work_fails_and_says_why)
{
    thrum_reactor *reactor = start(1, 1);

    no_threads = true;
    thrum_deferred_finish(defer(reactor, is_done, NULL));
    no_threads = false;
    thrum_reactor_run(reactor);
    ck_assert_int_eq(last_code, THRUM_REACTOR_E_THREAD);
    ck_assert_uint_eq(released, 1);
    thrum_deferred_finish(defer(reactor, is_done, NULL));
    thrum_reactor_run(reactor); /* the next one is lucky */
    ck_assert_uint_eq(fired, 1);
    loop_end(reactor);
}
END_TEST

START_TEST(without_one_more_thread_those_there_are_do_the_work)
{
    thrum_reactor *reactor = start(2, 2);
    gate door = GATE;

    thrum_deferred_finish(defer(reactor, passes_the_gate, &door));
    no_threads = true;
    thrum_deferred_finish(defer(reactor, passes_the_gate, &door));
    no_threads = false;
    gate_open(&door);
    thrum_reactor_run(reactor);
    ck_assert_uint_eq(fired, 2);
    loop_end(reactor);
}
END_TEST

/* Completions that the clock of the test finds slow: 1 ms a reading. */
START_TEST(completions_take_at_most_a_slice_of_a_turn)
{
    thrum_context *context = support_context();
    thrum_test_clock *clock = thrum_test_clock_new(context);
    thrum_reactor_config config = {.context = context,
                                   .clock = thrum_test_clock_clock(clock),
                                   .threads = 1};
    thrum_reactor *reactor = thrum_reactor_new(&config);
    gate door = GATE;

    home = pthread_self();
    fired = values = released = 0;
    thrum_test_clock_set_pace(clock, THRUM_MS);
    gate_open(&door);
    for (int i = 0; i < 20; i++)
        thrum_deferred_finish(defer(reactor, passes_the_gate, &door));
    while (fired < 20) {
        unsigned before = fired;

        thrum_reactor_turn(reactor);
        ck_assert_uint_le(fired - before, 2);
    }
    thrum_reactor_free(reactor);
    thrum_test_clock_free(clock);
    support_context_end(context);
}
END_TEST

enum { MANY = 2000 };

static thrum_outcome counts(void *sum)
{
    atomic_fetch_add((atomic_int *)sum, 1);
    return thrum_value(malloc(1), release_value);
}

/* Half of them are cancelled, some before they begin and some after. */
START_TEST(thousands_of_jobs_each_release_their_context_once)
{
    thrum_reactor *reactor = start(4, MANY);
    atomic_int sum = 0;
    unsigned cancelled = 0;

    for (int i = 0; i < MANY; i++) {
        thrum_deferred *work = defer(reactor, counts, &sum);

        if (i % 2 == 1) {
            last_code = 0;
            thrum_deferred_cancel(work);
            cancelled += last_code == THRUM_DEFERRED_E_CANCELLED;
        }
        thrum_deferred_finish(work);
    }
    thrum_reactor_run(reactor);
    ck_assert_uint_eq(cancelled, MANY / 2);
    ck_assert_uint_eq(fired, MANY / 2);
    ck_assert_uint_eq(released, MANY);
    ck_assert_uint_eq(values, (unsigned)sum);
    loop_end(reactor);
}
END_TEST

static void release_anywhere(void *ctx)
{
    (void)ctx;
    released++;
}

static thrum_outcome on_either(const thrum_failure *why, void *ctx)
{
    (void)why;
    (void)ctx;
    return thrum_done();
}

static void scenario(void)
{
    thrum_context *context = support_context();
    thrum_reactor_config config = {.context = context, .threads = 1};
    thrum_reactor *reactor =
        context != NULL ? thrum_reactor_new(&config) : NULL;

    released = 0;
    if (reactor != NULL) {
        for (int i = 0; i < 2; i++) {
            thrum_deferred *work =
                thrum_defer_to_thread(reactor, is_done, NULL, release_anywhere);

            thrum_deferred_add(work, NULL, on_either, NULL, NULL);
            thrum_deferred_finish(work);
        }
        thrum_reactor_run(reactor);
        ck_assert_uint_eq(released, 2);
    }
    thrum_reactor_free(reactor);
    support_unhandled();
    support_context_end(context);
}

START_TEST(work_survives_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *threads = tcase_create("threads");
    TCase *const cases[] = {threads};

    loop_watchdog();
    tcase_add_test(threads, work_is_done_in_a_thread_and_its_answer_comes_back);
    tcase_add_test(threads, failures_come_back_as_they_were_made);
    tcase_add_test(threads, an_answer_that_a_thread_cannot_give_is_a_failure);
    tcase_add_test(threads, threads_are_named_and_block_signals);
    tcase_add_test(threads, no_more_threads_work_at_a_time_than_there_may);
    tcase_add_test(threads,
                   past_the_cap_work_is_refused_and_its_context_released);
    tcase_add_test(threads,
                   work_that_was_refused_may_be_cancelled_before_it_is_told);
    tcase_add_test(threads, work_that_has_not_begun_is_taken_back);
    tcase_add_test(threads,
                   work_that_has_begun_goes_on_and_what_it_answers_is_released);
    tcase_add_test(
        threads, the_reactors_end_waits_for_what_has_begun_and_fails_the_rest);
    tcase_add_test(threads, work_that_is_asked_for_at_the_end_is_refused);
    tcase_add_test(threads, without_threads_work_fails_and_says_why);
    tcase_add_test(threads,
                   without_one_more_thread_those_there_are_do_the_work);
    tcase_add_test(threads, completions_take_at_most_a_slice_of_a_turn);
    tcase_add_test(threads, thousands_of_jobs_each_release_their_context_once);
    tcase_add_test(threads, work_survives_every_failing_allocation);
    return support_main("thread", cases, sizeof cases / sizeof *cases);
}
