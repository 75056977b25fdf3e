/* SPDX-License-Identifier: MIT */
/*
 * A callback does not run the loop: not within the loop (test_reactor.c), and
 * not where others wait for it to return, whoever called it.
 */
#include <thrum/cooperator.h>
#include <thrum/group.h>
#include <thrum/looping_call.h>
#include <thrum/queue.h>
#include <thrum/semaphore.h>
#include <thrum/share.h>
#include <thrum/test_clock.h>

#include "tests/reactor/loop.h"

static int ran; /* what running the loop answered; 1: it was not tried */

static thrum_outcome run_loop(void *value, void *reactor)
{
    (void)value;
    ran = thrum_reactor_run(reactor);
    return thrum_done();
}

static thrum_outcome run_loop_failed(const thrum_failure *why, void *reactor)
{
    (void)why;
    return run_loop(NULL, reactor);
}

static void run_loop_late(void *reactor)
{
    run_loop(NULL, reactor);
}

static thrum_deferred *new_deferred(thrum_reactor *reactor)
{
    return thrum_deferred_new(thrum_reactor_context(reactor), "d");
}

static void run_at_end_of(thrum_deferred *d, thrum_reactor *reactor)
{
    thrum_deferred_add(d, run_loop, run_loop_failed, reactor, NULL);
    thrum_deferred_finish(d);
}

/* ---- Where others wait ---- */

static void from_a_share(thrum_reactor *reactor)
{
    thrum_deferred *d = new_deferred(reactor);
    thrum_share *share = thrum_share_new(d);

    run_at_end_of(thrum_share_get(share), reactor);
    thrum_deferred_finish(thrum_share_get(share));
    thrum_deferred_fire(d, NULL, NULL);
    thrum_share_free(share);
}

static void from_a_group_that_cancels(thrum_reactor *reactor)
{
    static const thrum_group_config config = {.cancel_losers = 1};
    thrum_deferred *members[] = {new_deferred(reactor), new_deferred(reactor)};

    thrum_deferred_add(members[1], NULL, run_loop_failed, reactor, NULL);
    thrum_deferred_finish(
        thrum_race(thrum_reactor_context(reactor), members, 2, &config));
    thrum_deferred_fire(members[0], NULL, NULL);
    thrum_deferred_abandon(members[1]);
}

static void from_a_group_that_is_cancelled(thrum_reactor *reactor)
{
    thrum_deferred *d = new_deferred(reactor), *all;

    thrum_deferred_add(d, NULL, run_loop_failed, reactor, NULL);
    all = thrum_all_settled(thrum_reactor_context(reactor), &d, 1, NULL);
    thrum_deferred_cancel(all);
    thrum_deferred_finish(all);
    thrum_deferred_abandon(d);
}

static void from_a_group_whose_member_goes_on(thrum_reactor *reactor)
{
    thrum_deferred *d = thrum_deferred_ref(new_deferred(reactor)), *all;

    all = thrum_all(thrum_reactor_context(reactor), &d, 1, NULL);
    run_at_end_of(all, reactor);
    thrum_deferred_add(d, NULL, NULL, NULL, NULL); /* waits for the group */
    thrum_deferred_fire(d, NULL, NULL);
    thrum_deferred_unref(d);
}

static void from_results_that_go(thrum_reactor *reactor)
{
    thrum_deferred *d = thrum_deferred_succeed(thrum_reactor_context(reactor),
                                               reactor, run_loop_late);

    thrum_deferred_finish(
        thrum_all(thrum_reactor_context(reactor), &d, 1, NULL));
}

static void from_a_semaphore(thrum_reactor *reactor)
{
    thrum_semaphore *semaphore =
        thrum_semaphore_new(thrum_reactor_context(reactor), 1);

    thrum_deferred_finish(thrum_semaphore_acquire(semaphore));
    run_at_end_of(thrum_semaphore_acquire(semaphore), reactor);
    thrum_semaphore_release(semaphore);
    thrum_semaphore_free(semaphore);
}

static void from_a_queue(thrum_reactor *reactor)
{
    thrum_queue *queue = thrum_queue_new(thrum_reactor_context(reactor), NULL);

    run_at_end_of(thrum_queue_get(queue), reactor);
    thrum_queue_put(queue, NULL, NULL);
    thrum_queue_free(queue);
}

static thrum_outcome step(void *reactor)
{
    return run_loop(NULL, reactor);
}

static void from_a_tick_by_hand(thrum_reactor *reactor)
{
    thrum_cooperator_config config = {.clock = thrum_reactor_clock(reactor)};
    thrum_cooperator *cooperator =
        thrum_cooperator_new(thrum_reactor_context(reactor), &config);

    thrum_deferred_finish(thrum_coiterate(cooperator, step, reactor, NULL));
    thrum_cooperator_tick(cooperator);
    thrum_cooperator_free(cooperator);
}

static thrum_outcome call(uint64_t turns, void *ctx)
{
    (void)turns;
    (void)ctx;
    return thrum_done();
}

static void from_a_looping_call_that_ends(thrum_reactor *reactor)
{
    static const thrum_looping_call_config config = {.interval = THRUM_S};
    thrum_looping_call *looping = thrum_looping_call_start(
        thrum_reactor_context(reactor), thrum_reactor_clock(reactor), &config,
        call, NULL, NULL);

    run_at_end_of(thrum_looping_call_when_done(looping), reactor);
    thrum_looping_call_free(looping);
}

/* ---- Where nobody waits ---- */

static void from_a_callback_of_ones_own(thrum_reactor *reactor)
{
    thrum_deferred *d = new_deferred(reactor);

    thrum_deferred_add(d, run_loop, NULL, reactor, NULL);
    thrum_deferred_fire(d, NULL, NULL);
    thrum_deferred_finish(d);
}

static const struct {
    const char *name;
    void (*from)(thrum_reactor *reactor);
    int ran;
} cases[] = {
    {"a share", from_a_share, THRUM_E_INVALID},
    {"a group that cancels", from_a_group_that_cancels, THRUM_E_INVALID},
    {"a group that is cancelled", from_a_group_that_is_cancelled,
     THRUM_E_INVALID},
    {"a group whose member goes on", from_a_group_whose_member_goes_on,
     THRUM_E_INVALID},
    {"results that go", from_results_that_go, THRUM_E_INVALID},
    {"a semaphore", from_a_semaphore, THRUM_E_INVALID},
    {"a queue", from_a_queue, THRUM_E_INVALID},
    {"a tick by hand", from_a_tick_by_hand, THRUM_E_INVALID},
    {"a looping call that ends", from_a_looping_call_that_ends,
     THRUM_E_INVALID},
    {"a callback of one's own", from_a_callback_of_ones_own, 0},
};

START_TEST(the_loop_is_not_run_from_a_callback_for_which_others_wait)
{
    thrum_reactor *reactor = loop_start();

    ran = 1;
    cases[_i].from(reactor);
    ck_assert_msg(ran == cases[_i].ran, "from %s: %d", cases[_i].name, ran);
    ck_assert_int_eq(thrum_reactor_run(reactor), 0); /* nobody waits now */
    support_unhandled();
    loop_end(reactor);
}
END_TEST

int main(void)
{
    TCase *nested = tcase_create("nested");

    loop_watchdog();
    tcase_add_loop_test(
        nested, the_loop_is_not_run_from_a_callback_for_which_others_wait, 0,
        sizeof cases / sizeof *cases);
    return support_main("nested", &nested, 1);
}
