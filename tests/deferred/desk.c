/* SPDX-License-Identifier: MIT */
#include "tests/deferred/desk.h"

#include <string.h>

#include <thrum/debug.h>
#include <thrum/deferred_list.h>

struct desk desk;

void desk_give_back(void *ctx)
{
    (void)ctx;
    desk.released++;
}

void *desk_give(void)
{
    desk.given++;
    return &desk;
}

thrum_outcome desk_ended_well(void *value, void *ctx)
{
    (void)value;
    (void)ctx;
    desk.ended++;
    return thrum_done();
}

thrum_outcome desk_ended_badly(const thrum_failure *why, void *ctx)
{
    (void)why;
    return desk_ended_well(NULL, ctx);
}

static void desk_due(void *ctx)
{
    (void)ctx;
}

/* Follows one to its end. */
static void follow(thrum_deferred *d)
{
    if (d != NULL && thrum_deferred_add(d, desk_ended_well, desk_ended_badly,
                                        NULL, NULL) == 0)
        desk.followed++;
}

void desk_follow(thrum_deferred *d)
{
    follow(d);
    thrum_deferred_finish(d);
}

thrum_cancelled desk_stop(thrum_deferred *d, void *ctx)
{
    (void)d;
    (void)ctx;
    desk.pending = NULL;
    return THRUM_CANCELLED_STOPPED;
}

thrum_outcome desk_step(void *it)
{
    (void)it;
    return thrum_keep();
}

thrum_outcome desk_last_step(void *it)
{
    (void)it;
    return thrum_done();
}

thrum_outcome desk_looping_step(uint64_t turns, void *ctx)
{
    (void)turns;
    (void)ctx;
    return thrum_keep();
}

static thrum_outcome take_results(void *value, void *ctx)
{
    (void)ctx;
    desk.results = value;
    return thrum_keep();
}

thrum_failure *desk_failure(void)
{
    return chain_failure(desk.context, "x");
}

static void desk_open_deferreds(void)
{
    thrum_deferred *members[2];

    desk.pending = thrum_deferred_new(desk.context, "pending");
    desk.consumer = desk.pending;
    thrum_deferred_on_cancel(desk.pending, desk_stop, desk_give(),
                             desk_give_back);
    follow(desk.pending);
    desk.other = thrum_deferred_new(desk.context, "other");
    desk.waits = thrum_deferred_new(desk.context, "waits");
    thrum_deferred_add(desk.waits, answer_wait, NULL, desk.other, NULL);
    follow(desk.waits);
    thrum_deferred_fire(desk.waits, NULL, NULL);
    desk.failed = thrum_deferred_failed(desk.context, desk_failure());
    desk.value =
        thrum_deferred_succeed(desk.context, desk_give(), desk_give_back);
    desk.pause = thrum_deferred_pause(desk.value);
    members[0] =
        thrum_deferred_succeed(desk.context, desk_give(), desk_give_back);
    members[1] = thrum_deferred_failed(desk.context, desk_failure());
    desk.list = thrum_deferred_list(desk.context, members, 2,
                                    THRUM_LIST_CONSUME_ERRORS);
    thrum_deferred_add(desk.list, take_results, NULL, NULL, NULL);
}

void desk_open(void)
{
    thrum_looping_call_config looping = {.interval = 10};
    thrum_queue_config queue = {.size = 1};

    memset(&desk, 0, sizeof desk);
    world_start(&desk.world, 0);
    desk.context = desk.world.context;
    desk.clock = thrum_test_clock_clock(desk.world.clock);
    desk_open_deferreds();
    desk.shared = thrum_deferred_new(desk.context, "shared");
    desk.share = thrum_share_new(desk.shared);
    desk.semaphore = thrum_semaphore_new(desk.context, 1);
    for (int i = 0; i < 2; i++)
        desk_follow(thrum_semaphore_acquire(desk.semaphore));
    desk.queue = thrum_queue_new(desk.context, &queue);
    thrum_queue_put(desk.queue, desk_give(), desk_give_back);
    desk.task = thrum_cooperate(desk.world.cooperator, desk_step, desk_give(),
                                desk_give_back);
    desk.call = thrum_clock_call_later(desk.clock, 15, desk_due, desk_give(),
                                       desk_give_back);
    desk.looping = thrum_looping_call_start(desk.context, desk.clock, &looping,
                                            desk_looping_step, desk_give(),
                                            desk_give_back);
}

void desk_close(void)
{
    thrum_deferred_finish(desk.list);
    thrum_pause_end(desk.pause);
    thrum_deferred_finish(desk.failed);
    thrum_deferred_finish(desk.value);
    thrum_deferred_abandon(desk.other);
    thrum_deferred_finish(desk.waits);
    if (desk.pending != NULL)
        thrum_deferred_abandon(desk.pending);
    thrum_deferred_finish(desk.consumer);
    thrum_deferred_abandon(desk.shared);
    thrum_share_free(desk.share);
    thrum_semaphore_free(desk.semaphore);
    thrum_queue_free(desk.queue);
    thrum_task_free(desk.task);
    thrum_looping_call_free(desk.looping);
    thrum_debug_deferreds(desk.context, NULL);
    world_end(&desk.world);
    ck_assert_int_eq(desk.released, desk.given);
    ck_assert_int_eq(desk.ended, desk.followed);
    support_unhandled();
}
