/* SPDX-License-Identifier: MIT */
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <thrum/deferred.h>
#include <thrum/reactor.h>

#include "tests/reactor/loop.h"

/* What happened, one letter each. */
static char story[64];

static void tell(char letter)
{
    size_t size = strlen(story);

    ck_assert_uint_lt(size, sizeof story - 1);
    story[size] = letter;
}

static const char *told(void)
{
    static char copy[sizeof story];

    memcpy(copy, story, sizeof copy);
    memset(story, 0, sizeof story);
    return copy;
}

static void say(void *letter)
{
    tell(*(char *)letter);
}

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

static thrum_call *later(thrum_reactor *reactor, thrum_ns after, char *letter)
{
    return thrum_clock_call_later(thrum_reactor_clock(reactor), after, say,
                                  letter, release);
}

START_TEST(the_loop_ends_when_nothing_keeps_it_alive)
{
    thrum_reactor *reactor = loop_start();

    ck_assert_int_eq(thrum_reactor_run(reactor), 0);
    later(reactor, 0, "a");
    ck_assert_int_eq(thrum_reactor_run(reactor), 0);
    ck_assert_str_eq(told(), "a");
    loop_end(reactor);
    ck_assert_uint_eq(releases(), 1);
}
END_TEST

static void ask_in_disorder(thrum_reactor *reactor)
{
    later(reactor, 3 * THRUM_MS, "e");
    later(reactor, 0, "a");
    later(reactor, -THRUM_S, "b");
    later(reactor, 2 * THRUM_MS, "d");
    later(reactor, THRUM_MS, "c");
}

static void ask_and_reset(thrum_reactor *reactor)
{
    thrum_clock *clock = thrum_reactor_clock(reactor);
    thrum_call *hour = later(reactor, 3600 * THRUM_S, "b");
    thrum_call *soon = later(reactor, 0, "c");

    thrum_clock_reset(clock, hour, 0);
    thrum_clock_reset(clock, soon, THRUM_MS);
    later(reactor, 0, "-");
    thrum_clock_reset(clock, later(reactor, INT64_MAX, "!"), 0);
}

/* What comes of such asking, when it took less than the millisecond that lies
 * between the times; a machine that was busy meanwhile is asked again. */
static const char *story_of(void (*ask)(thrum_reactor *reactor))
{
    const char *all;
    thrum_ns took;

    do {
        thrum_reactor *reactor = loop_start();
        thrum_clock *clock = thrum_reactor_clock(reactor);

        took = -thrum_clock_read(clock);
        ask(reactor);
        took += thrum_clock_read(clock);
        thrum_reactor_run(reactor);
        loop_end(reactor);
        ck_assert_uint_eq(releases(), strlen(all = told()));
    } while (took >= THRUM_MS);
    return all;
}

START_TEST(calls_come_in_the_order_of_their_times_then_of_asking)
{
    ck_assert_str_eq(story_of(ask_in_disorder), "abcde");
}
END_TEST

START_TEST(a_reset_call_is_made_at_its_new_time)
{
    ck_assert_str_eq(story_of(ask_and_reset), "b-!c");
}
END_TEST

static void ask_again(void *reactor)
{
    tell('a');
    later(reactor, 0, "c");
    tell('.');
}

START_TEST(a_call_asked_for_in_a_call_waits_for_the_next_turn)
{
    thrum_reactor *reactor = loop_start();

    thrum_clock_call_later(thrum_reactor_clock(reactor), 0, ask_again, reactor,
                           NULL);
    later(reactor, 0, "b");
    thrum_reactor_run(reactor);
    ck_assert_str_eq(told(), "a.bc");
    loop_end(reactor);
    releases();
}
END_TEST

START_TEST(a_cancelled_call_is_not_made_and_its_context_is_released)
{
    thrum_reactor *reactor = loop_start();
    thrum_clock *clock = thrum_reactor_clock(reactor);
    thrum_call *a = later(reactor, THRUM_MS, "a");

    later(reactor, THRUM_MS, "b");
    thrum_clock_cancel(clock, a);
    ck_assert_uint_eq(releases(), 1);
    thrum_clock_cancel(clock, NULL);
    thrum_reactor_run(reactor);
    ck_assert_str_eq(told(), "b");
    later(reactor, THRUM_S, "never");
    loop_end(reactor);
    ck_assert_uint_eq(releases(), 2);
    ck_assert_str_eq(told(), "");
}
END_TEST

typedef struct due_pair {
    thrum_reactor *reactor;
    thrum_call *other;
} due_pair;

static void cancel_the_other(void *ctx)
{
    due_pair *pair = ctx;

    tell('a');
    thrum_clock_cancel(thrum_reactor_clock(pair->reactor), pair->other);
}

START_TEST(a_call_may_cancel_another_that_is_due_with_it)
{
    thrum_reactor *reactor = loop_start();
    due_pair pair = {reactor, NULL};

    thrum_clock_call_later(thrum_reactor_clock(reactor), 0, cancel_the_other,
                           &pair, NULL);
    pair.other = later(reactor, 0, "b");
    later(reactor, 0, "c");
    thrum_reactor_run(reactor);
    ck_assert_str_eq(told(), "ac");
    loop_end(reactor);
    ck_assert_uint_eq(releases(), 2);
}
END_TEST

typedef struct long_turn {
    thrum_clock *clock;
    thrum_ns asked, made;
} long_turn;

static void long_turn_check(void *ctx)
{
    long_turn *turn = ctx;

    turn->made = thrum_clock_read(turn->clock);
}

/* Works until 20 ms of the turn are over, then asks for a call in 10 ms. */
static void long_turn_work(void *ctx)
{
    long_turn *turn = ctx;
    thrum_ns now = thrum_clock_now(turn->clock);

    do {
        turn->asked = thrum_clock_read(turn->clock);
        ck_assert_int_ge(turn->asked, now);
    } while (turn->asked < now + 20 * THRUM_MS);
    ck_assert_int_eq(thrum_clock_now(turn->clock), now);
    thrum_clock_call_later(turn->clock, 10 * THRUM_MS, long_turn_check, turn,
                           NULL);
}

START_TEST(a_call_asked_for_late_in_a_long_turn_is_not_early)
{
    thrum_reactor *reactor = loop_start();
    long_turn turn = {.clock = thrum_reactor_clock(reactor)};

    thrum_clock_call_later(turn.clock, 0, long_turn_work, &turn, NULL);
    thrum_reactor_run(reactor);
    ck_assert_int_ge(turn.made - turn.asked, 10 * THRUM_MS);
    loop_end(reactor);
}
END_TEST

START_TEST(the_wall_clock_shows_the_time_of_day)
{
    thrum_reactor *reactor = loop_start();
    struct timespec before, after;
    thrum_ns wall;

    clock_gettime(CLOCK_REALTIME, &before);
    wall = thrum_clock_wall(thrum_reactor_clock(reactor));
    clock_gettime(CLOCK_REALTIME, &after);
    ck_assert_int_ge(wall / THRUM_S, before.tv_sec);
    ck_assert_int_le(wall / THRUM_S, after.tv_sec);
    loop_end(reactor);
}
END_TEST

enum { MANY = 5000 };

/* A call is due between the readings taken before and after it was asked for,
 * so the earliest of a later one is never before the latest of an earlier. */
static struct {
    thrum_clock *clock;
    struct many_call {
        thrum_call *call;
        thrum_ns earliest, latest;
    } calls[MANY];
    thrum_ns last;
    unsigned made, early, disorderly;
} many;

static void many_made(void *ctx)
{
    struct many_call *call = ctx;

    call->call = NULL;
    many.early += thrum_clock_now(many.clock) < call->earliest;
    many.disorderly += call->latest < many.last;
    many.last = call->earliest;
    many.made++;
}

static void many_ask(struct many_call *call, unsigned dice)
{
    thrum_ns after = (thrum_ns)(dice % 2000) * 10 * THRUM_US;

    call->earliest = thrum_clock_read(many.clock) + after;
    if (call->call == NULL)
        call->call =
            thrum_clock_call_later(many.clock, after, many_made, call, release);
    else
        thrum_clock_reset(many.clock, call->call, after);
    call->latest = thrum_clock_read(many.clock) + after;
}

START_TEST(thousands_of_calls_asked_for_cancelled_and_reset_keep_their_order)
{
    thrum_reactor *reactor = loop_start();
    unsigned dice = 1, cancelled = 0;

    memset(&many, 0, sizeof many);
    many.clock = thrum_reactor_clock(reactor);
    for (int i = 0; i < MANY; i++)
        many_ask(&many.calls[i], dice = dice * 1103515245 + 12345);
    for (int i = 0; i < MANY; i++) {
        struct many_call *call = &many.calls[i];

        dice = dice * 1103515245 + 12345;
        if (dice >> 30 == 0) {
            thrum_clock_cancel(many.clock, call->call);
            cancelled++;
        } else if (dice >> 30 == 1) {
            many_ask(call, dice >> 8);
        }
    }
    thrum_reactor_run(reactor);
    ck_assert_uint_eq(many.made + cancelled, MANY);
    ck_assert_uint_eq(many.early, 0);
    ck_assert_uint_eq(many.disorderly, 0);
    ck_assert_uint_eq(releases(), MANY);
    loop_end(reactor);
}
END_TEST

static void run_inside(void *reactor)
{
    ck_assert_int_eq(thrum_reactor_run(reactor), THRUM_E_INVALID);
    tell('r');
}

static void stop_inside(void *reactor)
{
    thrum_reactor_stop(reactor);
    tell('s');
}

START_TEST(run_within_run_is_refused_and_stop_ends_the_present_turn)
{
    thrum_reactor *reactor = loop_start();
    thrum_clock *clock = thrum_reactor_clock(reactor);

    thrum_clock_call_later(clock, 0, run_inside, reactor, NULL);
    thrum_clock_call_later(clock, 0, stop_inside, reactor, NULL);
    later(reactor, 0, "x");
    later(reactor, THRUM_S, "y");
    ck_assert_int_eq(thrum_reactor_run(reactor), 0);
    ck_assert_str_eq(told(), "rsx");
    thrum_reactor_stop(reactor); /* does not run: nothing */
    loop_end(reactor);
    releases();
}
END_TEST

static void timer_of_the_program(struct ev_loop *loop, ev_timer *timer, int e)
{
    (void)loop;
    (void)timer;
    (void)e;
    tell('p');
}

START_TEST(a_reactor_lives_in_the_loop_of_the_program)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    thrum_reactor_config config = {.loop = loop, .context = support_context()};
    thrum_reactor *reactor = thrum_reactor_new(&config);
    ev_timer timer;

    later(reactor, 0, "a");
    later(reactor, 4 * THRUM_MS, "b");
    ev_timer_init(&timer, timer_of_the_program, 0.002, 0.);
    ev_timer_start(loop, &timer);
    ev_run(loop, 0);
    ck_assert_uint_eq(strlen(story), 3); /* on a slow machine, in any order */
    ck_assert_ptr_nonnull(strchr(told(), 'p'));
    later(reactor, THRUM_S, "c");
    thrum_reactor_free(reactor);
    ck_assert_int_eq(ev_run(loop, 0), 0); /* nothing is left in it */
    ck_assert_uint_eq(ev_pending_count(loop), 0);
    ev_loop_destroy(loop);
    support_context_end(config.context);
    releases();
}
END_TEST

START_TEST(a_reactor_makes_a_context_when_it_is_given_none)
{
    thrum_reactor *reactor = thrum_reactor_new(NULL);

    ck_assert_ptr_nonnull(thrum_reactor_context(reactor));
    thrum_reactor_free(reactor);
    thrum_reactor_free(NULL);
}
END_TEST

typedef struct counter {
    thrum_reactor *reactor;
    int steps, wanted;
    char letter;
} counter;

static thrum_outcome count_step(void *it)
{
    counter *self = it;

    tell(self->letter);
    return ++self->steps < self->wanted ? thrum_keep() : thrum_done();
}

START_TEST(tasks_keep_the_loop_alive_and_take_turns_with_calls)
{
    thrum_reactor *reactor = loop_start();
    thrum_cooperator *turns = thrum_reactor_cooperator(reactor);
    counter one = {reactor, 0, 3, '1'}, two = {reactor, 0, 2, '2'};

    thrum_deferred_finish(thrum_coiterate(turns, count_step, &one, NULL));
    thrum_deferred_finish(thrum_coiterate(turns, count_step, &two, NULL));
    thrum_reactor_run(reactor);
    ck_assert_str_eq(told(), "12121");
    loop_end(reactor);
}
END_TEST

static thrum_outcome endless_step(void *it)
{
    counter *self = it;

    self->steps++;
    return thrum_keep();
}

static thrum_outcome stopped(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    ck_assert(thrum_failure_is(why, &thrum_domain_deferred,
                               THRUM_DEFERRED_E_STOPPED));
    tell('S');
    return thrum_done();
}

/* An endless task keeps the loop busy; calls come in between all the same, and
 * free ends it. */
START_TEST(an_endless_task_keeps_nobody_waiting)
{
    thrum_reactor *reactor = loop_start();
    counter endless = {reactor, 0, 0, 'e'};
    thrum_deferred *task = thrum_coiterate(thrum_reactor_cooperator(reactor),
                                           endless_step, &endless, release);

    thrum_deferred_add(task, NULL, stopped, NULL, NULL);
    thrum_deferred_finish(task);
    later(reactor, THRUM_MS, "a");
    thrum_clock_call_later(thrum_reactor_clock(reactor), 3 * THRUM_MS,
                           stop_inside, reactor, NULL);
    thrum_reactor_run(reactor);
    ck_assert_str_eq(told(), "as");
    ck_assert_int_gt(endless.steps, 1);
    loop_end(reactor);
    ck_assert_str_eq(told(), "S");
    ck_assert_uint_eq(releases(), 2);
}
END_TEST

START_TEST(a_reactor_without_descriptors_is_not_made)
{
    struct rlimit limit, none;

    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    ck_assert_ptr_null(thrum_reactor_new(NULL));
    setrlimit(RLIMIT_NOFILE, &limit);
}
END_TEST

static void scenario_reactor(void)
{
    thrum_context *context = support_context();
    thrum_reactor_config config = {.context = context,
                                   .nameservers = "127.0.0.1"};
    thrum_reactor *reactor = NULL;

    if (context != NULL)
        reactor = thrum_reactor_new(&config);
    if (reactor != NULL) {
        unsigned asked = 20, made = 0;

        for (unsigned i = 0; i < asked; i++)
            made += later(reactor, 0, "x") != NULL;
        thrum_reactor_run(reactor);
        ck_assert_uint_eq(strlen(told()), made);
        ck_assert_uint_eq(releases(), asked);
    }
    thrum_reactor_free(reactor);
    support_context_end(context);
}

START_TEST(a_reactor_and_its_calls_survive_every_failing_allocation)
{
    support_every_allocation(scenario_reactor);
}
END_TEST

int main(void)
{
    TCase *calls = tcase_create("calls later");
    TCase *loop = tcase_create("the loop");
    TCase *const cases[] = {calls, loop};

    loop_watchdog();
    tcase_add_test(calls, the_loop_ends_when_nothing_keeps_it_alive);
    tcase_add_test(calls,
                   calls_come_in_the_order_of_their_times_then_of_asking);
    tcase_add_test(calls, a_call_asked_for_in_a_call_waits_for_the_next_turn);
    tcase_add_test(calls,
                   a_cancelled_call_is_not_made_and_its_context_is_released);
    tcase_add_test(calls, a_call_may_cancel_another_that_is_due_with_it);
    tcase_add_test(calls, a_reset_call_is_made_at_its_new_time);
    tcase_add_test(calls, a_call_asked_for_late_in_a_long_turn_is_not_early);
    tcase_add_test(calls, the_wall_clock_shows_the_time_of_day);
    tcase_add_test(
        calls,
        thousands_of_calls_asked_for_cancelled_and_reset_keep_their_order);
    tcase_add_test(loop,
                   run_within_run_is_refused_and_stop_ends_the_present_turn);
    tcase_add_test(loop, a_reactor_lives_in_the_loop_of_the_program);
    tcase_add_test(loop, a_reactor_makes_a_context_when_it_is_given_none);
    tcase_add_test(loop, tasks_keep_the_loop_alive_and_take_turns_with_calls);
    tcase_add_test(loop, an_endless_task_keeps_nobody_waiting);
    tcase_add_test(loop, a_reactor_without_descriptors_is_not_made);
    tcase_add_test(loop,
                   a_reactor_and_its_calls_survive_every_failing_allocation);
    return support_main("reactor", cases, sizeof cases / sizeof *cases);
}
