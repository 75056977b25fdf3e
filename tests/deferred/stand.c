/* SPDX-License-Identifier: MIT */
#include "tests/deferred/stand.h"

#include <stdlib.h>

#include <thrum/deferred_list.h>
#include <thrum/group.h>
#include <thrum/looping_call.h>
#include <thrum/share.h>

const char *const stand_names[STANDS] = {
    "wait", "chain", "list", "first",   "all",       "settled", "any",
    "race", "share", "each", "collect", "coiterate", "task",    "looping call"};

/* What a step answers, once. */
typedef struct once {
    thrum_deferred *on;
} once;

static once *once_new(thrum_deferred *on)
{
    once *self = malloc(sizeof *self);

    ck_assert_ptr_nonnull(self);
    self->on = on;
    return self;
}

static thrum_outcome once_step(void *it)
{
    once *self = it;
    thrum_deferred *on = self->on;

    self->on = NULL;
    return on != NULL ? thrum_wait(on) : thrum_done();
}

static thrum_outcome once_call(uint64_t turns, void *ctx)
{
    (void)turns;
    return once_step(ctx);
}

static thrum_deferred *stand_wait(struct world *world, thrum_deferred *on)
{
    thrum_deferred *d = thrum_deferred_new(world->context, "wait");

    thrum_deferred_add(d, answer_wait, NULL, on, NULL);
    thrum_deferred_fire(d, NULL, NULL);
    return d;
}

static thrum_deferred *stand_chain(struct world *world, thrum_deferred *on)
{
    thrum_deferred *d = thrum_deferred_new(world->context, "chain");

    thrum_deferred_chain(on, d);
    thrum_deferred_finish(on);
    return d;
}

static thrum_deferred *stand_share(thrum_deferred *on)
{
    thrum_share *share = thrum_share_new(on);
    thrum_deferred *d = thrum_share_get(share);

    thrum_share_free(share);
    return d;
}

static thrum_deferred *stand_task(struct world *world, thrum_deferred *on)
{
    thrum_task *task =
        thrum_cooperate(world->cooperator, once_step, once_new(on), free);
    thrum_deferred *d = thrum_task_when_done(task);

    thrum_task_free(task);
    thrum_cooperator_tick(world->cooperator);
    return d;
}

static void stand_looping_end(void *call)
{
    thrum_looping_call_free(call);
}

static thrum_deferred *stand_looping(struct world *world, thrum_deferred *on)
{
    thrum_looping_call_config config = {.interval = THRUM_S, .now = 1};
    thrum_looping_call *call = thrum_looping_call_start(
        world->context, thrum_test_clock_clock(world->clock), &config,
        once_call, once_new(on), free);
    thrum_deferred *d = thrum_looping_call_when_done(call);

    /* The call goes with what waits for it. */
    thrum_deferred_set_user(d, call, stand_looping_end);
    thrum_test_clock_advance(world->clock, 0);
    return d;
}

static thrum_deferred *stand_iterator(struct world *world, enum stand kind,
                                      thrum_deferred *on)
{
    thrum_deferred *d;

    if (kind == STAND_COITERATE)
        d = thrum_coiterate(world->cooperator, once_step, once_new(on), free);
    else if (kind == STAND_EACH)
        d = thrum_each(world->cooperator, once_step, once_new(on), free, 2);
    else
        d = thrum_each_collect(world->cooperator, once_step, once_new(on), free,
                               2);
    thrum_cooperator_tick(world->cooperator);
    return d;
}

thrum_deferred *stand_for_all(struct world *world, enum stand kind,
                              thrum_deferred *const *members, size_t count)
{
    static thrum_deferred *(*const groups[STANDS])(
        thrum_context *, thrum_deferred *const *, size_t,
        const thrum_group_config *) = {[STAND_ALL] = thrum_all,
                                       [STAND_SETTLED] = thrum_all_settled,
                                       [STAND_ANY] = thrum_any,
                                       [STAND_RACE] = thrum_race};
    unsigned flags = kind == STAND_FIRST ? THRUM_LIST_FIRE_ON_ONE_CALLBACK |
                                               THRUM_LIST_FIRE_ON_ONE_ERRBACK
                                         : 0;

    if (groups[kind] != NULL)
        return groups[kind](world->context, members, count, NULL);
    return thrum_deferred_list(world->context, members, count,
                               flags | THRUM_LIST_CONSUME_ERRORS);
}

thrum_deferred *stand_for(struct world *world, enum stand kind,
                          thrum_deferred *on)
{
    switch (kind) {
    case STAND_WAIT:
        return stand_wait(world, on);
    case STAND_CHAIN:
        return stand_chain(world, on);
    case STAND_SHARE:
        return stand_share(on);
    case STAND_EACH:
    case STAND_COLLECT:
    case STAND_COITERATE:
        return stand_iterator(world, kind, on);
    case STAND_TASK:
        return stand_task(world, on);
    case STAND_LOOPING:
        return stand_looping(world, on);
    default:
        return stand_for_all(world, kind, &on, 1);
    }
}

void stand_settle(struct world *world)
{
    for (int i = 0; i < 8; i++) {
        while (thrum_cooperator_tick(world->cooperator) != 0)
            ;
        thrum_test_clock_advance(world->clock, THRUM_S);
    }
}

/* Answers with what ctx points to, which was made later. */
static thrum_outcome answer_later(void *value, void *ctx)
{
    thrum_deferred **later = ctx, *on = *later;

    (void)value;
    *later = NULL;
    return thrum_wait(on);
}

thrum_outcome see_value(void *value, void *name)
{
    (void)value;
    return trace_value(NULL, name);
}

thrum_outcome see_failure(const thrum_failure *why, void *name)
{
    trace_failure(why, name);
    return thrum_keep();
}

thrum_deferred *stand_member(struct world *world, thrum_deferred **on)
{
    thrum_deferred *m = thrum_deferred_new(world->context, "member");

    thrum_deferred_add(m, answer_later, NULL, on, NULL);
    thrum_deferred_add(m, see_value, see_failure, "m", NULL);
    return m;
}

void stand_end(struct world *world)
{
    stand_settle(world);
    support_unhandled();
    world_end(world);
}
