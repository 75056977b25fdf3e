/* SPDX-License-Identifier: MIT */
/*
 * Every allocation failing in turn. What holds in all of these runs: each
 * context is released, each value too, and each Deferred that was made ends,
 * with a value or a failure.
 */
#include <string.h>

#include <thrum/deferred_list.h>
#include <thrum/semaphore.h>

#include "tests/deferred/chain.h"

/* What a run gave out and got back. */
static struct {
    int given, released;
    int followed, ended; /* Deferreds */
} tally;

static void give_back(void *ctx)
{
    (void)ctx;
    tally.released++;
}

static void *give(void)
{
    tally.given++;
    return &tally;
}

static thrum_outcome ended_well(void *value, void *ctx)
{
    (void)value;
    (void)ctx;
    tally.ended++;
    return thrum_done();
}

static thrum_outcome ended_badly(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    ck_assert_ptr_nonnull(why);
    tally.ended++;
    return thrum_done();
}

/* Follows a Deferred to its end; the pair may be the one that finds no memory,
 * then the failure goes to the hook. */
static void follow(thrum_deferred *d)
{
    int failed =
        thrum_deferred_add(d, ended_well, ended_badly, give(), give_back);

    ck_assert_int_eq(failed, failed != 0 ? THRUM_E_NOMEM : 0);
    tally.followed += failed == 0;
}

static void begin(void)
{
    memset(&tally, 0, sizeof tally);
}

static void end(void)
{
    ck_assert_int_eq(tally.released, tally.given);
    ck_assert_int_eq(tally.ended, tally.followed);
    support_unhandled();
}

static thrum_outcome wait_on(void *value, void *ctx)
{
    (void)value;
    return thrum_wait(ctx);
}

static thrum_cancelled stop(thrum_deferred *d, void *ctx)
{
    (void)d;
    (void)ctx;
    return THRUM_CANCELLED_STOPPED;
}

/* Four pairs, a canceller, and two that wait for one. */
static void scenario_chain(void)
{
    thrum_context *context = support_context();
    thrum_deferred *outer, *inner;

    begin();
    if (context == NULL)
        return;
    outer = thrum_deferred_new(context, "outer");
    inner = thrum_deferred_new(context, "inner");
    thrum_deferred_on_cancel(inner, stop, give(), give_back);
    for (int i = 0; i < 4; i++)
        follow(inner);
    if (thrum_deferred_add(outer, wait_on, NULL, inner, NULL) != 0)
        thrum_deferred_finish(inner);
    follow(outer);
    thrum_deferred_fire(outer, give(), give_back);
    thrum_deferred_fire(inner, give(), give_back);
    thrum_deferred_finish(outer);
    end();
    support_context_end(context);
}

START_TEST(a_chain_survives_every_failing_allocation)
{
    support_every_allocation(scenario_chain);
}
END_TEST

static void scenario_cancel(void)
{
    thrum_context *context = support_context();
    thrum_deferred *d;

    begin();
    if (context == NULL)
        return;
    d = thrum_deferred_new(context, "d");
    thrum_deferred_on_cancel(d, stop, give(), give_back);
    follow(d);
    thrum_deferred_cancel(thrum_deferred_ref(d));
    thrum_deferred_abandon(d); /* late, where the canceller was lost */
    thrum_deferred_unref(d);
    thrum_deferred_finish(d);
    end();
    support_context_end(context);
}

START_TEST(a_cancel_survives_every_failing_allocation)
{
    support_every_allocation(scenario_cancel);
}
END_TEST

START_TEST(a_pair_that_is_lost_makes_the_chain_fail_where_it_stood)
{
    thrum_context *context = support_context();
    thrum_deferred *d = thrum_deferred_new(context, "d");

    thrum_deferred_add(d, trace_value, trace_failure, "a", trace_release);
    support_fail_at(1);
    ck_assert_int_eq(
        thrum_deferred_add(d, trace_value, trace_failure, "b", trace_release),
        THRUM_E_NOMEM);
    ck_assert_int_eq(
        thrum_deferred_add(d, trace_value, trace_failure, "c", trace_release),
        THRUM_E_NOMEM);
    thrum_deferred_fire(d, "x", trace_release);
    thrum_deferred_add(d, trace_value, trace_failure, "d", trace_release);
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace_take(), "~b ~c a=x ~a ~x d!out of memory ~d ");
    support_context_end(context);
}
END_TEST

static void scenario_list(unsigned flags, bool cancel)
{
    thrum_context *context = support_context();
    thrum_deferred *members[3], *hold[3], *list;

    begin();
    if (context == NULL)
        return;
    for (int i = 0; i < 3; i++) {
        members[i] = thrum_deferred_new(context, "member");
        hold[i] = thrum_deferred_ref(members[i]);
        follow(members[i]);
    }
    thrum_deferred_fire(members[0], give(), give_back);
    list = thrum_deferred_list(context, members, 3, flags);
    follow(list);
    if (cancel)
        thrum_deferred_cancel(list);
    thrum_deferred_fail(members[1], chain_failure(context, "x"));
    thrum_deferred_fire(members[2], give(), give_back);
    thrum_deferred_finish(list);
    for (int i = 0; i < 3; i++)
        thrum_deferred_unref(hold[i]);
    end();
    support_context_end(context);
}

static void scenario_list_of_all(void)
{
    scenario_list(0, false);
}

static void scenario_list_of_first(void)
{
    scenario_list(THRUM_LIST_FIRE_ON_ONE_CALLBACK |
                      THRUM_LIST_FIRE_ON_ONE_ERRBACK |
                      THRUM_LIST_CONSUME_ERRORS,
                  false);
}

static void scenario_list_cancelled(void)
{
    scenario_list(THRUM_LIST_CONSUME_ERRORS, true);
}

START_TEST(a_list_survives_every_failing_allocation)
{
    support_every_allocation(scenario_list_of_all);
    support_every_allocation(scenario_list_of_first);
    support_every_allocation(scenario_list_cancelled);
}
END_TEST

static void scenario_semaphore(void)
{
    thrum_context *context = support_context();
    thrum_semaphore *semaphore = NULL;
    int taken = 0;

    begin();
    if (context != NULL)
        semaphore = thrum_semaphore_new(context, 1);
    for (int i = 0; semaphore != NULL && i < 3; i++) {
        thrum_deferred *d = thrum_semaphore_acquire(semaphore);

        taken += d != NULL;
        follow(d);
        if (i == 1)
            thrum_deferred_cancel(d);
        thrum_deferred_finish(d);
    }
    if (taken > 0)
        ck_assert_int_eq(thrum_semaphore_release(semaphore), 0);
    thrum_semaphore_free(semaphore);
    end();
    support_context_end(context);
}

START_TEST(a_semaphore_survives_every_failing_allocation)
{
    support_every_allocation(scenario_semaphore);
}
END_TEST

static void called(void *ctx)
{
    (void)ctx;
    tally.ended++;
}

static void scenario_clock(void)
{
    thrum_context *context = support_context();
    thrum_test_clock *clock = NULL;

    begin();
    if (context != NULL)
        clock = thrum_test_clock_new(context);
    for (int i = 0; clock != NULL && i < 40; i++)
        tally.followed +=
            thrum_clock_call_later(thrum_test_clock_clock(clock), i, called,
                                   give(), give_back) != NULL;
    if (clock != NULL)
        thrum_test_clock_advance(clock, 100);
    thrum_test_clock_free(clock);
    end();
    support_context_end(context);
}

START_TEST(a_clock_survives_every_failing_allocation)
{
    support_every_allocation(scenario_clock);
}
END_TEST

/* An iterator whose items are open in pairs, and wait for nobody in the end. */
typedef struct run {
    struct world world;
    thrum_deferred *open[8];
    int opened, steps;
} run;

static thrum_outcome run_step(void *it)
{
    run *self = it;
    thrum_deferred *d;

    if (++self->steps > 6)
        return thrum_done();
    if (self->steps % 3 == 0)
        return thrum_keep();
    d = thrum_deferred_new(self->world.context, "item");
    follow(d);
    self->open[self->opened++] = thrum_deferred_ref(d);
    return thrum_wait(d);
}

static void run_release(void *it)
{
    run *self = it;

    for (int i = 0; i < self->opened; i++) /* its items have ended */
        ck_assert_int_eq(
            thrum_deferred_on_cancel(self->open[i], stop, NULL, NULL),
            self->open[i] == NULL ? THRUM_E_NOMEM : THRUM_DEFERRED_E_FIRED);
    tally.released++;
}

static void run_to_the_end(run *self, bool cancel, thrum_deferred *d)
{
    for (int i = 0; i < 10; i++) {
        thrum_cooperator_tick(self->world.cooperator);
        if (cancel && i == 1)
            thrum_deferred_cancel(d);
        if (i < self->opened)
            thrum_deferred_fire(self->open[i], give(), give_back);
    }
    for (int i = 0; i < self->opened; i++)
        thrum_deferred_abandon(self->open[i]);
}

typedef enum run_kind { COITERATE, EACH, EACH_COUNT, EACH_COLLECT } run_kind;

static thrum_deferred *run_as(run_kind kind, run *self)
{
    static thrum_deferred *(*const each[])(thrum_cooperator *, thrum_step_fn *,
                                           void *, thrum_free_fn *, size_t) = {
        NULL, thrum_each, thrum_each_count, thrum_each_collect};

    if (kind == COITERATE)
        return thrum_coiterate(self->world.cooperator, run_step, self,
                               run_release);
    return each[kind](self->world.cooperator, run_step, self, run_release, 2);
}

static void scenario_iterator(run_kind kind, bool cancel)
{
    run self = {.opened = 0};
    thrum_deferred *d = NULL;

    begin();
    world_start(&self.world, 0);
    if (self.world.cooperator != NULL) {
        give();
        d = run_as(kind, &self);
        follow(d);
        run_to_the_end(&self, cancel, d);
        thrum_deferred_finish(d);
    }
    for (int i = 0; i < self.opened; i++)
        thrum_deferred_unref(self.open[i]);
    thrum_cooperator_free(self.world.cooperator);
    thrum_test_clock_free(self.world.clock);
    end();
    support_context_end(self.world.context);
}

static void scenario_coiterate(void)
{
    scenario_iterator(COITERATE, false);
}

static void scenario_coiterate_cancelled(void)
{
    scenario_iterator(COITERATE, true);
}

static void scenario_each(void)
{
    scenario_iterator(EACH, false);
}

static void scenario_each_cancelled(void)
{
    scenario_iterator(EACH, true);
}

static void scenario_each_count(void)
{
    scenario_iterator(EACH_COUNT, false);
}

static void scenario_each_count_cancelled(void)
{
    scenario_iterator(EACH_COUNT, true);
}

static void scenario_each_collect(void)
{
    scenario_iterator(EACH_COLLECT, false);
}

static void scenario_each_collect_cancelled(void)
{
    scenario_iterator(EACH_COLLECT, true);
}

START_TEST(iterators_survive_every_failing_allocation)
{
    support_every_allocation(scenario_coiterate);
    support_every_allocation(scenario_coiterate_cancelled);
    support_every_allocation(scenario_each);
    support_every_allocation(scenario_each_cancelled);
    support_every_allocation(scenario_each_count);
    support_every_allocation(scenario_each_count_cancelled);
    support_every_allocation(scenario_each_collect);
    support_every_allocation(scenario_each_collect_cancelled);
}
END_TEST

static void scenario_task(void)
{
    run self = {.opened = 0};
    thrum_deferred *done[3];
    thrum_task *task = NULL;

    begin();
    world_start(&self.world, 0);
    if (self.world.cooperator != NULL) {
        give();
        task = thrum_cooperate(self.world.cooperator, run_step, &self,
                               run_release);
        for (int i = 0; i < 3; i++) {
            done[i] = thrum_task_when_done(task);
            follow(done[i]);
            if (i == 1)
                thrum_deferred_cancel(done[i]);
        }
        run_to_the_end(&self, false, NULL);
        for (int i = 0; i < 3; i++)
            thrum_deferred_finish(done[i]);
    }
    thrum_task_free(task);
    for (int i = 0; i < self.opened; i++)
        thrum_deferred_unref(self.open[i]);
    thrum_cooperator_free(self.world.cooperator);
    thrum_test_clock_free(self.world.clock);
    end();
    support_context_end(self.world.context);
}

START_TEST(a_task_survives_every_failing_allocation)
{
    support_every_allocation(scenario_task);
}
END_TEST

int main(void)
{
    TCase *memory = tcase_create("memory");

    tcase_add_checked_fixture(memory, trace_setup, NULL);
    tcase_add_test(memory, a_chain_survives_every_failing_allocation);
    tcase_add_test(memory, a_cancel_survives_every_failing_allocation);
    tcase_add_test(memory,
                   a_pair_that_is_lost_makes_the_chain_fail_where_it_stood);
    tcase_add_test(memory, a_list_survives_every_failing_allocation);
    tcase_add_test(memory, a_semaphore_survives_every_failing_allocation);
    tcase_add_test(memory, a_clock_survives_every_failing_allocation);
    tcase_add_test(memory, iterators_survive_every_failing_allocation);
    tcase_add_test(memory, a_task_survives_every_failing_allocation);
    return support_main("memory", &memory, 1);
}
