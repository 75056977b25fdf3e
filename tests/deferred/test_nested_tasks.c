/* SPDX-License-Identifier: MIT */
/*
 * Iterators that wait for iterators, and looping calls that wait for looping
 * calls, a million deep, on a stack of 64 KiB:
 * however the innermost ends, and whoever ends the outermost.
 */
#include <stdlib.h>

#include <thrum/looping_call.h>

#include "tests/deferred/chain.h"

enum { DEPTH = 1000000, STACK = 64 * 1024 };

typedef enum kind { COITERATE, EACH, EACH_COUNT, TASK, LOOPING, KINDS } kind;
typedef enum ending { FIRED, FAILED, CANCELLED, STOPPED, ENDINGS } ending;

static struct world world;
static kind how;
static ending end;
static unsigned told, failed, released;

typedef struct level {
    thrum_deferred *on;
    thrum_looping_call *call; /* of which it is the context */
} level;

static thrum_outcome level_step(void *it)
{
    level *self = it;
    thrum_deferred *on = self->on;

    self->on = NULL;
    return on != NULL ? thrum_wait(on) : thrum_done();
}

static thrum_outcome level_call(uint64_t turns, void *it)
{
    (void)turns;
    return level_step(it);
}

static void level_release(void *it)
{
    level *self = it;

    released++;
    thrum_looping_call_free(self->call);
    free(self);
}

static thrum_outcome note_value(void *value, void *ctx)
{
    (void)value;
    (void)ctx;
    told++;
    return thrum_done();
}

static thrum_outcome note_failure(const thrum_failure *why, void *ctx)
{
    (void)why;
    (void)ctx;
    told++;
    failed++;
    return thrum_done();
}

/* A task that two wait for; one of them is the next level. */
static thrum_deferred *start_task(level *it)
{
    thrum_task *task =
        thrum_cooperate(world.cooperator, level_step, it, level_release);
    thrum_deferred *first = thrum_task_when_done(task);
    thrum_deferred *second = thrum_task_when_done(task);

    thrum_deferred_add(second, note_value, note_failure, NULL, NULL);
    thrum_deferred_finish(second);
    thrum_task_free(task);
    return first;
}

/* The same of a looping call, which ends at its second call, or fails. */
static thrum_deferred *start_looping(level *it)
{
    static const thrum_looping_call_config config = {.now = 1};
    thrum_deferred *first, *second;

    it->call = thrum_looping_call_start(world.context,
                                        thrum_test_clock_clock(world.clock),
                                        &config, level_call, it, level_release);
    first = thrum_looping_call_when_done(it->call);
    second = thrum_looping_call_when_done(it->call);
    thrum_deferred_add(second, note_value, note_failure, NULL, NULL);
    thrum_deferred_finish(second);
    return first;
}

static thrum_deferred *start(level *it)
{
    switch (how) {
    case COITERATE:
        return thrum_coiterate(world.cooperator, level_step, it, level_release);
    case EACH:
        return thrum_each(world.cooperator, level_step, it, level_release, 1);
    case EACH_COUNT:
        return thrum_each_count(world.cooperator, level_step, it, level_release,
                                1);
    case LOOPING:
        return start_looping(it);
    default:
        return start_task(it);
    }
}

static void run_ticks(void)
{
    while (thrum_cooperator_tick(world.cooperator))
        ;
    thrum_test_clock_advance(world.clock, 0);
}

static void finish(thrum_deferred *innermost, thrum_deferred *outermost)
{
    if (end == FIRED)
        thrum_deferred_fire(innermost, NULL, NULL);
    else if (end == FAILED)
        thrum_deferred_fail(innermost, thrum_failure_no_memory());
    else if (end == CANCELLED)
        thrum_deferred_cancel(outermost);
    run_ticks();
    thrum_cooperator_free(world.cooperator);
    world.cooperator = NULL;
    if (end == CANCELLED || end == STOPPED)
        thrum_deferred_abandon(innermost); /* late */
}

static void nest(void)
{
    thrum_deferred *innermost, *d;

    told = failed = released = 0;
    world_start(&world, 0);
    d = innermost = thrum_deferred_new(world.context, "innermost");
    for (int i = 0; i < DEPTH; i++) {
        level *it = malloc(sizeof *it);

        *it = (level){.on = d};
        d = start(it);
        run_ticks(); /* it waits */
    }
    thrum_deferred_add(d, note_value, note_failure, NULL, NULL);
    finish(innermost, d);
    thrum_deferred_finish(d);
    ck_assert_uint_eq(released, DEPTH);
    ck_assert_uint_eq(told, how >= TASK ? DEPTH + 1 : 1);
    if (end == FIRED || (how == EACH_COUNT && end == FAILED))
        ck_assert_uint_eq(failed, 0);
    else
        ck_assert_uint_eq(failed, told);
    ck_assert_uint_eq(support_unhandled(), 0);
    world_end(&world);
}

START_TEST(a_million_in_each_other)
{
    how = (kind)(_i / ENDINGS);
    end = (ending)(_i % ENDINGS);
    on_small_stack(nest, STACK);
}
END_TEST

int main(void)
{
    TCase *nested = tcase_create("nested tasks");

    tcase_set_timeout(nested, 300);
    tcase_add_loop_test(nested, a_million_in_each_other, 0,
                        LOOPING * ENDINGS + CANCELLED);
    return support_main("nested tasks", &nested, 1);
}
