/* SPDX-License-Identifier: MIT */
/*
 * What comes from outside the loop: other threads, and signals.
 */
#include <pthread.h>
#include <signal.h>

#include <thrum/connect.h>
#include <thrum/deferred.h>
#include <thrum/listener.h>
#include <thrum/test_clock.h>

#include "tests/reactor/loop.h"

static unsigned released;

static void release(void *ctx)
{
    (void)ctx;
    released++;
}

static unsigned releases(void)
{
    unsigned count = released;

    released = 0;
    return count;
}

/* ---- Other threads ---- */

enum { THREADS = 4, CALLS = 1000 };

typedef struct sender {
    thrum_reactor *reactor;
    pthread_t thread;
    struct sender_call {
        struct sender *sender;
        int number;
    } calls[CALLS];
    int next; /* the number that is expected */
    int *open;
} sender;

static void sender_called(void *ctx)
{
    struct sender_call *call = ctx;

    ck_assert_int_eq(call->number, call->sender->next);
    if (++call->sender->next == CALLS && --*call->sender->open == 0)
        thrum_reactor_stop(call->sender->reactor);
}

static void *sender_run(void *arg)
{
    sender *self = arg;

    for (int i = 0; i < CALLS; i++) {
        self->calls[i] = (struct sender_call){self, i};
        thrum_reactor_call_from_thread(self->reactor, sender_called,
                                       &self->calls[i], release);
    }
    return NULL;
}

static void never(void *ctx)
{
    (void)ctx;
    ck_abort_msg("this call must not be made");
}

/* Calls from threads keep no loop alive; this call later does. */
static thrum_call *keep_alive(thrum_reactor *reactor)
{
    return thrum_clock_call_later(thrum_reactor_clock(reactor), 3600 * THRUM_S,
                                  never, NULL, NULL);
}

START_TEST(calls_from_four_threads_are_made_each_threads_in_order)
{
    static sender senders[THREADS];
    thrum_reactor *reactor = loop_start();
    int open = THREADS;

    keep_alive(reactor);
    for (int i = 0; i < THREADS; i++) {
        senders[i].reactor = reactor;
        senders[i].next = 0;
        senders[i].open = &open;
        pthread_create(&senders[i].thread, NULL, sender_run, &senders[i]);
    }
    thrum_reactor_run(reactor);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(senders[i].thread, NULL);
        ck_assert_int_eq(senders[i].next, CALLS);
    }
    ck_assert_uint_eq(releases(), THREADS * CALLS);
    loop_end(reactor);
}
END_TEST

/* A batch of more than 2 ms is cut, and the rest comes in later turns. */
typedef struct slow {
    thrum_reactor *reactor;
    thrum_ns last;
    int made, turns;
} slow;

static void slow_called(void *ctx)
{
    slow *self = ctx;
    thrum_clock *clock = thrum_reactor_clock(self->reactor);
    thrum_ns now = thrum_clock_now(clock);

    self->turns += now != self->last;
    self->last = now;
    while (thrum_clock_read(clock) < now + 3 * THRUM_MS)
        ;
    if (++self->made == 3)
        thrum_reactor_stop(self->reactor);
}

START_TEST(a_long_batch_of_calls_from_threads_is_cut_into_turns)
{
    thrum_reactor *reactor = loop_start();
    slow state = {reactor, 0, 0, 0};

    keep_alive(reactor);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(
            thrum_reactor_call_from_thread(reactor, slow_called, &state, NULL),
            0);
    thrum_reactor_run(reactor);
    ck_assert_int_eq(state.made, 3);
    ck_assert_int_eq(state.turns, 3);
    loop_end(reactor);
}
END_TEST

typedef struct uneven {
    thrum_test_clock *clock;
    unsigned made, slow;
} uneven;

/* The first hundred are short, then each takes a millisecond. */
static void uneven_called(void *ctx)
{
    uneven *self = ctx;

    if (self->made++ < 100)
        return;
    self->slow++;
    thrum_test_clock_advance(self->clock, THRUM_MS);
}

START_TEST(calls_that_were_short_do_not_make_a_turn_of_long_ones)
{
    thrum_context *context = support_context();
    uneven self = {.clock = thrum_test_clock_new(context)};
    thrum_reactor_config config = {.context = context,
                                   .clock = thrum_test_clock_clock(self.clock)};
    thrum_reactor *reactor = thrum_reactor_new(&config);

    for (unsigned i = 0; i < 200; i++)
        thrum_reactor_call_from_thread(reactor, uneven_called, &self, NULL);
    while (self.made < 200) {
        unsigned before = self.slow;

        thrum_reactor_turn(reactor);
        ck_assert_uint_le(self.slow - before, 9);
    }
    thrum_reactor_free(reactor);
    thrum_test_clock_free(self.clock);
    support_context_end(context);
}
END_TEST

static void ask_meanwhile(void *ctx)
{
    slow *self = ctx;

    ck_assert_int_eq(
        thrum_reactor_call_from_thread(self->reactor, slow_called, self, NULL),
        0);
    slow_called(self);
}

START_TEST(a_call_that_comes_while_a_batch_is_cut_is_not_forgotten)
{
    thrum_reactor *reactor = loop_start();
    slow state = {reactor, 0, 0, 0};

    keep_alive(reactor);
    thrum_reactor_call_from_thread(reactor, ask_meanwhile, &state, NULL);
    thrum_reactor_call_from_thread(reactor, slow_called, &state, NULL);
    thrum_reactor_run(reactor);
    ck_assert_int_eq(state.made, 3);
    loop_end(reactor);
}
END_TEST

START_TEST(calls_from_threads_that_were_not_made_are_released_with_the_reactor)
{
    thrum_reactor *reactor = loop_start();

    for (int i = 0; i < 5; i++)
        thrum_reactor_call_from_thread(reactor, never, NULL, release);
    loop_end(reactor);
    ck_assert_uint_eq(releases(), 5);
}
END_TEST

static void scenario_from_thread(void)
{
    thrum_context *context = support_context();
    thrum_reactor_config config = {.context = context};
    thrum_reactor *reactor =
        context != NULL ? thrum_reactor_new(&config) : NULL;

    if (reactor != NULL) {
        thrum_reactor_call_from_thread(reactor, never, NULL, release);
        thrum_signal_free(
            thrum_signal_new(reactor, SIGUSR1, never, NULL, release));
        ck_assert_uint_ge(releases(), 1);
    }
    thrum_reactor_free(reactor);
    support_context_end(context);
    releases();
}

START_TEST(calls_from_threads_and_signals_survive_every_failing_allocation)
{
    support_every_allocation(scenario_from_thread);
}
END_TEST

/* ---- Two reactors at once ---- */

static void count_down(void *ctx)
{
    int *left = ctx;

    --*left;
}

static void guest_came(thrum_listener *listener, thrum_stream *stream,
                       void *ctx)
{
    thrum_stream_unref(stream);
    thrum_listener_free(listener);
    count_down(ctx);
}

static thrum_outcome guest_connected(void *stream, void *left)
{
    thrum_stream_write(stream, "hello", 5);
    count_down(left);
    return thrum_done();
}

static void *reactor_of_its_own(void *arg)
{
    thrum_reactor *reactor = thrum_reactor_new(NULL);
    int left = 102;
    thrum_listener *listener =
        thrum_listen_tcp(reactor, "127.0.0.1", 0, NULL, NULL);
    thrum_listener_accept(listener, guest_came, &left, NULL);
    thrum_deferred *guest = thrum_connect_tcp(
        reactor, "localhost", thrum_listener_port(listener), 60 * THRUM_S);

    (void)arg;
    for (int i = 0; i < 100; i++)
        thrum_clock_call_later(thrum_reactor_clock(reactor), i * 10 * THRUM_US,
                               count_down, &left, NULL);
    thrum_deferred_add(guest, guest_connected, NULL, &left, NULL);
    thrum_deferred_finish(guest);
    thrum_reactor_run(reactor);
    thrum_reactor_free(reactor);
    return left == 0 ? reactor_of_its_own : NULL;
}

START_TEST(two_reactors_run_in_two_threads)
{
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, reactor_of_its_own, NULL);
    for (int i = 0; i < 2; i++) {
        void *result;

        pthread_join(threads[i], &result);
        ck_assert_ptr_nonnull(result);
    }
}
END_TEST

static void *run_it(void *reactor)
{
    return thrum_reactor_run(reactor) == 0 ? reactor : NULL;
}

START_TEST(a_reactor_belongs_to_the_thread_that_runs_it_while_it_runs)
{
    thrum_reactor *reactor = thrum_reactor_new(NULL);
    int left = 1;
    pthread_t runner;
    void *result;

    thrum_clock_call_later(thrum_reactor_clock(reactor), 0, count_down, &left,
                           NULL);
    pthread_create(&runner, NULL, run_it, reactor);
    pthread_join(runner, &result);
    ck_assert_ptr_eq(result, reactor);
    ck_assert_int_eq(left, 0);
    thrum_reactor_free(reactor);
}
END_TEST

/* ---- Signals ---- */

typedef struct caught {
    thrum_reactor *reactor;
    thrum_signal *watch;
    int times, wanted;
} caught;

static void caught_one(void *ctx)
{
    caught *self = ctx;

    if (++self->times < self->wanted) {
        raise(SIGUSR1);
        return;
    }
    thrum_signal_free(self->watch);
    self->watch = NULL;
    thrum_reactor_stop(self->reactor);
    ck_assert_uint_eq(releases(), 0); /* not while the call is made */
}

static bool is_default(int number)
{
    struct sigaction now;

    sigaction(number, NULL, &now);
    return now.sa_handler == SIG_DFL;
}

START_TEST(a_signal_is_told_each_time_until_its_watch_is_freed)
{
    thrum_reactor *reactor = loop_start();
    caught state = {.reactor = reactor, .wanted = 3};

    state.watch =
        thrum_signal_new(reactor, SIGUSR1, caught_one, &state, release);
    ck_assert_ptr_nonnull(state.watch);
    ck_assert(!is_default(SIGUSR1));
    keep_alive(reactor);
    raise(SIGUSR1);
    thrum_reactor_run(reactor);
    ck_assert_int_eq(state.times, 3);
    ck_assert_uint_eq(releases(), 1);
    ck_assert(is_default(SIGUSR1));
    thrum_signal_free(NULL);
    loop_end(reactor);
}
END_TEST

START_TEST(a_watch_alone_keeps_no_loop_alive_and_outlives_its_reactor)
{
    thrum_reactor *reactor = loop_start();
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_signal *watch =
        thrum_signal_new(reactor, SIGUSR2, never, NULL, release);

    thrum_reactor_run(reactor);
    thrum_reactor_free(reactor);
    ck_assert(is_default(SIGUSR2));
    thrum_signal_free(watch);
    ck_assert_uint_eq(releases(), 1);
    support_context_end(context);
}
END_TEST

START_TEST(signals_that_cannot_be_caught_are_refused)
{
    static const int numbers[] = {-1, 0, SIGKILL, SIGSTOP, 32, NSIG, 1000};
    thrum_reactor *reactor = loop_start();

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        ck_assert_ptr_null(
            thrum_signal_new(reactor, numbers[i], never, NULL, release));
    ck_assert_uint_eq(releases(), sizeof numbers / sizeof *numbers);
    loop_end(reactor);
}
END_TEST

START_TEST(a_signal_that_another_reactor_watches_is_refused_until_it_is_free)
{
    thrum_reactor *one = loop_start(), *other = loop_start();
    thrum_signal *first = thrum_signal_new(one, SIGUSR1, never, NULL, NULL);
    thrum_signal *second = thrum_signal_new(one, SIGUSR1, never, NULL, NULL);

    ck_assert_ptr_null(thrum_signal_new(other, SIGUSR1, never, NULL, NULL));
    thrum_signal_free(first);
    ck_assert_ptr_null(thrum_signal_new(other, SIGUSR1, never, NULL, NULL));
    thrum_signal_free(second);
    first = thrum_signal_new(other, SIGUSR1, never, NULL, NULL);
    ck_assert_ptr_nonnull(first);
    thrum_signal_free(first);
    loop_end(one);
    loop_end(other);
}
END_TEST

int main(void)
{
    TCase *threads = tcase_create("other threads");
    TCase *signals = tcase_create("signals");
    TCase *const cases[] = {threads, signals};

    loop_watchdog();
    tcase_add_test(threads,
                   calls_from_four_threads_are_made_each_threads_in_order);
    tcase_add_test(threads,
                   a_long_batch_of_calls_from_threads_is_cut_into_turns);
    tcase_add_test(threads,
                   a_call_that_comes_while_a_batch_is_cut_is_not_forgotten);
    tcase_add_test(threads,
                   calls_that_were_short_do_not_make_a_turn_of_long_ones);
    tcase_add_test(
        threads,
        calls_from_threads_that_were_not_made_are_released_with_the_reactor);
    tcase_add_test(
        threads,
        calls_from_threads_and_signals_survive_every_failing_allocation);
    tcase_add_test(threads, two_reactors_run_in_two_threads);
    tcase_add_test(threads,
                   a_reactor_belongs_to_the_thread_that_runs_it_while_it_runs);
    tcase_add_test(signals,
                   a_signal_is_told_each_time_until_its_watch_is_freed);
    tcase_add_test(signals,
                   a_watch_alone_keeps_no_loop_alive_and_outlives_its_reactor);
    tcase_add_test(signals, signals_that_cannot_be_caught_are_refused);
    tcase_add_test(
        signals,
        a_signal_that_another_reactor_watches_is_refused_until_it_is_free);
    return support_main("outside", cases, sizeof cases / sizeof *cases);
}
