/* SPDX-License-Identifier: MIT */
/*
 * Circles: a callback that answers "wait for that one" where that one waits, in
 * whatever way, for the callback's own Deferred. It is refused, nothing hangs,
 * and nothing is left.
 */
#include <stdlib.h>
#include <string.h>

#include <thrum/deferred_list.h>
#include <thrum/group.h>
#include <thrum/looping_call.h>
#include <thrum/semaphore.h>
#include <thrum/share.h>

#include "tests/deferred/stand.h"

/* ---- Through each, and through each of each ---- */

START_TEST(a_circle_through_one_is_refused)
{
    struct world world;
    thrum_deferred *m, *stand = NULL;

    world_start(&world, 0);
    m = stand_member(&world, &stand);
    stand = stand_for(&world, (enum stand)_i, m);
    thrum_deferred_fire(m, NULL, NULL);
    ck_assert_msg(strcmp(trace_take(), "m!" ITSELF " ") == 0, "through %s",
                  stand_names[_i]);
    stand_end(&world);
}
END_TEST

START_TEST(a_circle_through_two_is_refused)
{
    enum stand first = (enum stand)(_i / STANDS), second = _i % STANDS;
    struct world world;
    thrum_deferred *m, *stand = NULL;

    world_start(&world, 0);
    m = stand_member(&world, &stand);
    stand = stand_for(&world, second, stand_for(&world, first, m));
    thrum_deferred_fire(m, NULL, NULL);
    ck_assert_msg(strcmp(trace_take(), "m!" ITSELF " ") == 0,
                  "through %s of %s", stand_names[second], stand_names[first]);
    stand_end(&world);
}
END_TEST

/* The producer lets go without a word; but where a looping call waits, which
 * is its owner's to end, it says that it does. */
static void let_go(thrum_deferred *d, bool aloud)
{
    if (aloud)
        thrum_deferred_abandon(d);
    else
        thrum_deferred_unref(d);
}

/* What stands for one waits for what stands for another, which waits for it,
 * and is never fired. */
START_TEST(what_would_wait_for_each_other_unfired_leaves_nothing)
{
    enum stand first = (enum stand)(_i / STANDS), second = _i % STANDS;
    bool aloud = first == STAND_LOOPING || second == STAND_LOOPING;

    for (int producer_first = 0; producer_first < 2; producer_first++) {
        struct world world;
        thrum_deferred *a, *b, *of_a, *of_b;

        world_start(&world, 0);
        a = stand_member(&world, &of_b);
        b = stand_member(&world, &of_a);
        of_a = stand_for(&world, first, a);
        of_b = stand_for(&world, second, b);
        thrum_deferred_fire(a, NULL, NULL); /* and b would wait for it */
        ck_assert_str_eq(trace_take(), "");
        if (producer_first)
            let_go(b, aloud);
        thrum_deferred_finish(of_a);
        if (!producer_first)
            let_go(b, aloud);
        stand_end(&world);
        trace_take();
    }
}
END_TEST

START_TEST(what_only_looks_like_one_is_none)
{
    enum stand first = (enum stand)(_i / STANDS), second = _i % STANDS;
    struct world world;
    thrum_deferred *m, *other, *stand, *around = NULL;

    world_start(&world, 0);
    m = stand_member(&world, &around);
    other = thrum_deferred_new(world.context, "other");
    around = stand_for(&world, second, other);
    stand = stand_for(&world, second, stand_for(&world, first, m));
    thrum_deferred_add(stand, see_value, trace_failure, "s", NULL);
    thrum_deferred_fire(m, NULL, NULL);
    ck_assert_str_eq(trace_take(), "");
    thrum_deferred_fire(other, NULL, NULL);
    stand_settle(&world);
    ck_assert_msg(strcmp(trace_take(), "m=none s=none ") == 0, "%s of %s",
                  stand_names[second], stand_names[first]);
    thrum_deferred_finish(stand);
    ck_assert_uint_eq(support_unhandled(), 0);
    world_end(&world);
}
END_TEST

/* ---- By hand, and by what no callback answered ---- */

START_TEST(what_a_member_waits_for_does_not_wait_for_the_group)
{
    struct world world;
    thrum_deferred *m, *below, *all = NULL;

    world_start(&world, 0);
    below = stand_member(&world, &all);
    m = stand_for(&world, STAND_WAIT, below);
    all = stand_for(&world, STAND_ALL, m);
    thrum_deferred_fire(below, NULL, NULL);
    ck_assert_str_eq(trace_take(), "m!" ITSELF " ");
    stand_end(&world);
}
END_TEST

START_TEST(nor_is_a_group_chained_to_its_member)
{
    struct world world;
    thrum_deferred *m, *all;

    world_start(&world, 0);
    m = thrum_deferred_new(world.context, "member");
    thrum_deferred_add(m, see_value, see_failure, "m", NULL);
    all = stand_for(&world, STAND_ALL, m);
    ck_assert_int_eq(thrum_deferred_chain(all, m),
                     THRUM_DEFERRED_E_WAITS_FOR_ITSELF);
    ck_assert_str_eq(trace_take(), "m!" ITSELF " ");
    thrum_deferred_finish(all);
    stand_end(&world);
}
END_TEST

static thrum_outcome answer_own(void *it)
{
    thrum_deferred **own = it;
    thrum_deferred *on = *own;

    *own = NULL;
    return on != NULL ? thrum_wait(on) : thrum_done();
}

static thrum_outcome call_own(uint64_t turns, void *ctx)
{
    (void)turns;
    return answer_own(ctx);
}

START_TEST(an_iterator_does_not_open_itself)
{
    struct world world;
    thrum_deferred *own = NULL, *d;

    world_start(&world, 0);
    own = d = thrum_deferred_ref(
        _i == 0 ? thrum_each(world.cooperator, answer_own, &own, NULL, 2)
                : thrum_coiterate(world.cooperator, answer_own, &own, NULL));
    thrum_deferred_add(d, see_value, trace_failure, "d", NULL);
    stand_settle(&world);
    ck_assert_str_eq(trace_take(), "d!" ITSELF " ");
    thrum_deferred_unref(d);
    ck_assert_uint_eq(support_unhandled(), 0);
    world_end(&world);
}
END_TEST

static thrum_outcome see_one_failed(void *value, void *ctx)
{
    const thrum_each_counts *counts = value;

    (void)ctx;
    if (counts->failed == 1 && counts->succeeded == 0)
        trace_note("one failed");
    return thrum_keep();
}

START_TEST(an_item_that_would_circle_has_failed_like_any_other)
{
    struct world world;
    thrum_deferred *own = NULL, *d;

    world_start(&world, 0);
    d = thrum_each_count(world.cooperator, answer_own, &own, NULL, 2);
    thrum_deferred_add(d, see_one_failed, NULL, NULL, NULL);
    own = stand_for(&world, STAND_ALL, d);
    stand_settle(&world);
    ck_assert_str_eq(trace_take(), "one failed");
    stand_end(&world);
}
END_TEST

START_TEST(a_task_does_not_wait_for_its_own_end)
{
    struct world world;
    thrum_deferred *own = NULL, *done;
    thrum_task *task;

    world_start(&world, 0);
    task = thrum_cooperate(world.cooperator, answer_own, &own, NULL);
    own = thrum_task_when_done(task);
    done = thrum_task_when_done(task);
    thrum_deferred_add(done, see_value, trace_failure, "done", NULL);
    stand_settle(&world);
    ck_assert_str_eq(trace_take(), "done!" ITSELF " ");
    thrum_deferred_finish(done);
    thrum_task_free(task);
    stand_end(&world);
}
END_TEST

START_TEST(nor_does_a_looping_call)
{
    struct world world;
    thrum_looping_call_config config = {.interval = 10};
    thrum_deferred *own = NULL, *done;
    thrum_looping_call *call;

    world_start(&world, 0);
    call = thrum_looping_call_start(world.context,
                                    thrum_test_clock_clock(world.clock),
                                    &config, call_own, &own, NULL);
    own = thrum_looping_call_when_done(call);
    done = thrum_looping_call_when_done(call);
    thrum_deferred_add(done, see_value, trace_failure, "done", NULL);
    stand_settle(&world);
    ck_assert_str_eq(trace_take(), "done!" ITSELF " ");
    thrum_deferred_finish(done);
    thrum_looping_call_free(call);
    stand_end(&world);
}
END_TEST

static thrum_outcome wait_for_ctx(void *ctx)
{
    return thrum_wait(*(thrum_deferred **)ctx);
}

START_TEST(a_run_of_a_semaphore_does_not_wait_for_itself)
{
    struct world world;
    thrum_semaphore *semaphore;
    thrum_deferred *first, *run, *all = NULL;

    world_start(&world, 0);
    semaphore = thrum_semaphore_new(world.context, 1);
    first = thrum_semaphore_acquire(semaphore);
    run = thrum_semaphore_run(semaphore, wait_for_ctx, &all, NULL);
    thrum_deferred_add(run, see_value, see_failure, "run", NULL);
    all = stand_for(&world, STAND_ALL, run);
    thrum_semaphore_release(semaphore);
    ck_assert_str_eq(trace_take(), "run!" ITSELF " ");
    ck_assert_uint_eq(thrum_semaphore_tokens(semaphore), 1);
    thrum_deferred_finish(first);
    thrum_semaphore_free(semaphore);
    stand_end(&world);
}
END_TEST

/* ---- What is decided, or over, waits for nobody ---- */

START_TEST(a_member_may_wait_for_its_group_that_is_decided)
{
    struct world world;
    thrum_deferred *members[2], *any = NULL;

    world_start(&world, 0);
    members[0] = thrum_deferred_new(world.context, "other");
    members[1] = stand_member(&world, &any);
    any = stand_for_all(&world, STAND_ANY, members, 2);
    thrum_deferred_fire(members[0], NULL, NULL);
    thrum_deferred_fire(members[1], NULL, NULL);
    ck_assert_ptr_nonnull(strstr(trace_take(), "m="));
    ck_assert_uint_eq(support_unhandled(), 0);
    world_end(&world);
}
END_TEST

static thrum_outcome answer_later_failed(const thrum_failure *why, void *ctx)
{
    (void)why;
    return answer_own(ctx);
}

START_TEST(a_loser_may_wait_for_its_group_while_it_is_cancelled)
{
    static const thrum_group_config config = {.cancel_losers = 1};
    struct world world;
    thrum_deferred *members[2], *loser, *race = NULL;

    world_start(&world, 0);
    members[0] = thrum_deferred_new(world.context, "winner");
    members[1] = loser = thrum_deferred_new(world.context, "loser");
    thrum_deferred_add(loser, NULL, answer_later_failed, &race, NULL);
    thrum_deferred_add(loser, see_value, see_failure, "loser", NULL);
    race = thrum_race(world.context, members, 2, &config);
    thrum_deferred_fire(members[0], NULL, NULL);
    ck_assert_str_eq(trace_take(), "loser=none ");
    thrum_deferred_abandon(loser);
    ck_assert_uint_eq(support_unhandled(), 0);
    world_end(&world);
}
END_TEST

START_TEST(a_loser_that_goes_on_may_wait_for_what_it_lost)
{
    struct world world;
    thrum_deferred *m, *all = NULL, *hold;

    world_start(&world, 0);
    m = stand_member(&world, &all);
    all = stand_for(&world, STAND_ALL, m);
    hold = thrum_deferred_ref(all);
    thrum_deferred_add(all, NULL, trace_failure, "all", NULL);
    thrum_deferred_cancel(all); /* m fails, as it has no canceller */
    ck_assert_str_eq(trace_take(), "m!cancelled all!cancelled ");
    thrum_deferred_finish(all);
    thrum_deferred_unref(hold);
    thrum_deferred_abandon(m);
    stand_end(&world);
}
END_TEST

/* ---- The search ---- */

enum { WIDE = 40 };

/* More on both sides than the search has room for in place: a group of many
 * shares below, and a group of many above. */
static void scenario_wide(void)
{
    struct world world;
    thrum_deferred *m = NULL, *got[WIDE], *members[WIDE], *below, *above;
    thrum_deferred *on = NULL;
    thrum_share *share;

    world_start(&world, 0);
    if (world.cooperator == NULL) {
        thrum_test_clock_free(world.clock);
        support_context_end(world.context);
        return;
    }
    m = stand_member(&world, &on);
    thrum_deferred_ref(m);
    share = thrum_share_new(m);
    for (int i = 0; i < WIDE; i++) {
        got[i] = thrum_share_get(share);
        members[i] = thrum_deferred_new(world.context, "above");
    }
    above = stand_for_all(&world, STAND_ALL, members, WIDE);
    got[0] = stand_for_all(&world, STAND_ALL,
                           (thrum_deferred *[]){got[0], above}, 2);
    below = stand_for_all(&world, STAND_LIST, got, WIDE);
    on = below;
    thrum_deferred_fire(m, NULL, NULL);
    for (int i = 0; i < WIDE; i++)
        thrum_deferred_fire(members[i], NULL, NULL);
    thrum_share_free(share);
    thrum_deferred_unref(m);
    if (on != NULL) /* the callback was lost */
        thrum_deferred_finish(on);
    stand_end(&world);
}

START_TEST(a_search_survives_every_failing_allocation)
{
    support_every_allocation(scenario_wide);
}
END_TEST

START_TEST(a_wide_circle_is_found)
{
    scenario_wide();
    ck_assert_ptr_nonnull(strstr(trace_take(), "m!" ITSELF " "));
}
END_TEST

enum { DEEP = 200000 };

/* Each callback answers with a group of a fresh one, whose callback does the
 * same: what stands below is deep, above there is one. Would each be looked for
 * among all below, this would take hours. */
static struct {
    thrum_context *context;
    thrum_deferred *next;
    int left;
} deep;

static thrum_outcome deepen(void *value, void *ctx)
{
    thrum_deferred *all;

    (void)value;
    (void)ctx;
    if (--deep.left == 0)
        return thrum_done();
    deep.next = thrum_deferred_new(deep.context, "next");
    thrum_deferred_add(deep.next, deepen, NULL, NULL, NULL);
    all = thrum_all(deep.context, &deep.next, 1, NULL);
    return thrum_wait(all);
}

START_TEST(groups_that_wait_for_groups_are_not_searched_whole)
{
    thrum_context *context = support_context();
    thrum_deferred *d = thrum_deferred_new(context, "first"), *producer = d;

    deep.context = context;
    deep.left = DEEP;
    thrum_deferred_add(d, deepen, NULL, NULL, NULL);
    thrum_deferred_add(d, see_value, trace_failure, "d", trace_release);
    while (deep.left > 0) {
        thrum_deferred_fire(producer, NULL, NULL);
        producer = deep.next;
    }
    ck_assert_ptr_nonnull(strstr(trace_take(), "~d "));
    thrum_deferred_finish(d);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("circles"), tcase_create("search")};

    for (int i = 0; i < 2; i++)
        tcase_add_checked_fixture(cases[i], trace_setup, NULL);
    tcase_add_loop_test(cases[0], a_circle_through_one_is_refused, 0, STANDS);
    tcase_add_loop_test(cases[0], a_circle_through_two_is_refused, 0,
                        STANDS * STANDS);
    tcase_add_loop_test(cases[0],
                        what_would_wait_for_each_other_unfired_leaves_nothing,
                        0, STANDS * STANDS);
    tcase_add_loop_test(cases[0], what_only_looks_like_one_is_none, 0,
                        STANDS * STANDS);
    tcase_add_test(cases[0],
                   what_a_member_waits_for_does_not_wait_for_the_group);
    tcase_add_test(cases[0], nor_is_a_group_chained_to_its_member);
    tcase_add_loop_test(cases[0], an_iterator_does_not_open_itself, 0, 2);
    tcase_add_test(cases[0],
                   an_item_that_would_circle_has_failed_like_any_other);
    tcase_add_test(cases[0], a_task_does_not_wait_for_its_own_end);
    tcase_add_test(cases[0], nor_does_a_looping_call);
    tcase_add_test(cases[0], a_run_of_a_semaphore_does_not_wait_for_itself);
    tcase_add_test(cases[0], a_member_may_wait_for_its_group_that_is_decided);
    tcase_add_test(cases[0],
                   a_loser_may_wait_for_its_group_while_it_is_cancelled);
    tcase_add_test(cases[0], a_loser_that_goes_on_may_wait_for_what_it_lost);
    tcase_add_test(cases[1], a_search_survives_every_failing_allocation);
    tcase_add_test(cases[1], a_wide_circle_is_found);
    tcase_add_test(cases[1],
                   groups_that_wait_for_groups_are_not_searched_whole);
    return support_main("circle", cases, 2);
}
