/* SPDX-License-Identifier: MIT */
/*
 * Every public function of this floor, with each of its allocations failing in
 * turn, amid one of everything. After each of these calls all that was made
 * comes to its end with memory, and what holds then: each context was released,
 * each value too, each Deferred has ended, and no block is left. A function
 * that says it needs no memory asks for none.
 *
 * test_every_function.py compares the table with the headers; called with
 * "--list" the program prints it.
 */
#include <stdio.h>
#include <string.h>

#include <thrum/debug.h>
#include <thrum/deferred_list.h>

#include "tests/deferred/desk.h"

/* ---- The calls: each answers the Deferred that it made, if any ---- */

/* Eighty functions of one line are a table, and these make it one. */
#define CALL(name) static thrum_deferred *call_##name(void)
#define CALLS(name, statement)                                                 \
    CALL(name)                                                                 \
    {                                                                          \
        statement;                                                             \
        return NULL;                                                           \
    }
#define MAKES(name, expression)                                                \
    CALL(name)                                                                 \
    {                                                                          \
        return expression;                                                     \
    }

static thrum_outcome answer_value(void *ctx)
{
    return thrum_value(ctx, desk_give_back);
}

static void foreign(const thrum_outcome *in, thrum_outcome *out, void *ctx)
{
    (void)in;
    (void)out;
    (void)ctx;
}

static void settled(thrum_deferred *d, const thrum_failure *why, void *ctx)
{
    (void)d;
    (void)why;
    (void)ctx;
}

static void nothing(void *ctx)
{
    (void)ctx;
}

static void looked_at(const thrum_deferred *d, thrum_ns age, void *ctx)
{
    (void)d;
    (void)age;
    (void)ctx;
}

/* Two members: one of the desk's, and one that has ended. */
static thrum_deferred *
call_group(thrum_deferred *(*group)(thrum_context *, thrum_deferred *const *,
                                    size_t, const thrum_group_config *),
           thrum_deferred *consumer)
{
    thrum_group_config config = {desk.clock, 10, 1};
    thrum_deferred *members[] = {consumer, desk.failed};

    desk.failed = NULL;
    desk.consumer = NULL;
    return group(desk.context, members, 2, &config);
}

CALL(deferred_new_at)
{
    thrum_deferred *d = thrum_deferred_new(desk.context, "new");

    thrum_deferred_fire(d, NULL, NULL);
    return d;
}

CALLS(deferred_on_cancel, thrum_deferred_on_cancel(desk.other, desk_stop,
                                                   desk_give(), desk_give_back))

CALL(deferred_fire)
{
    thrum_deferred_fire(desk.pending, desk_give(), desk_give_back);
    desk.pending = NULL;
    return NULL;
}

CALL(deferred_fail)
{
    thrum_deferred_fail(desk.pending, NULL);
    desk.pending = NULL;
    return NULL;
}

CALL(deferred_abandon)
{
    thrum_deferred_abandon(desk.pending);
    desk.pending = NULL;
    return NULL;
}

MAKES(deferred_succeed,
      thrum_deferred_succeed(desk.context, desk_give(), desk_give_back))
MAKES(deferred_failed, thrum_deferred_failed(desk.context, desk_failure()))
MAKES(deferred_maybe,
      thrum_deferred_maybe(desk.context, answer_value, desk_give()))
CALLS(deferred_add_at,
      thrum_deferred_add(desk.pending, desk_ended_well, desk_ended_badly,
                         desk_give(), desk_give_back);
      desk.followed += !support_failed())
CALLS(deferred_timeout_as,
      thrum_deferred_timeout_as(desk.pending, desk.clock, 5, NULL, desk_give(),
                                desk_give_back))
CALL(deferred_chain)
{
    thrum_deferred_chain(desk.value, desk.pending);
    desk.pending = NULL;
    return NULL;
}

CALLS(deferred_pause, thrum_pause_end(thrum_deferred_pause(desk.pending)))

CALL(pause_end)
{
    thrum_pause_end(desk.pause);
    desk.pause = NULL;
    return NULL;
}

CALL(deferred_take)
{
    thrum_failure *why;
    thrum_free_fn *free;
    void *value;

    ck_assert_int_eq(thrum_deferred_take(desk.failed, &value, &free, &why), 0);
    thrum_failure_unref(why);
    return NULL;
}

CALLS(deferred_cancel, thrum_deferred_cancel(desk.pending))

CALL(deferred_finish_at)
{
    thrum_deferred_finish(desk.failed);
    desk.failed = NULL;
    return NULL;
}

CALLS(deferred_ref, thrum_deferred_unref(thrum_deferred_ref(desk.other)))

CALL(deferred_unref)
{
    thrum_deferred_unref(desk.failed);
    desk.failed = NULL;
    return NULL;
}

CALLS(foreign_new,
      thrum_foreign_free(thrum_foreign_new(desk.context, foreign, desk_give(),
                                           desk_give_back)))
CALLS(foreign_callback, thrum_foreign_callback(NULL, NULL))
CALLS(foreign_errback, thrum_foreign_errback(NULL, NULL))
CALLS(foreign_step, thrum_foreign_step(NULL))
CALLS(foreign_turn, thrum_foreign_turn(1, NULL))
CALLS(foreign_free, thrum_foreign_free(NULL))

CALLS(deferred_add_foreign,
      thrum_deferred_add_foreign(desk.pending, foreign, desk_give(),
                                 desk_give_back))
CALLS(deferred_add_first, thrum_deferred_add_first(desk.pending, NULL, NULL,
                                                   desk_give(), desk_give_back))
CALLS(deferred_inspect, thrum_deferred_inspect(desk.waits))
CALLS(deferred_mark_handled, thrum_deferred_mark_handled(desk.failed))
CALLS(deferred_on_settled_failure,
      thrum_deferred_on_settled_failure(desk.context, settled, NULL))
CALLS(deferred_set_user,
      thrum_deferred_set_user(desk.other, desk_give(), desk_give_back))
CALLS(deferred_user, thrum_deferred_user(desk.other))

CALL(deferred_list)
{
    thrum_deferred *members[] = {desk.consumer, desk.failed};

    desk.failed = NULL;
    desk.consumer = NULL;
    return thrum_deferred_list(desk.context, members, 2, 0);
}

MAKES(all, call_group(thrum_all, desk.consumer))
MAKES(all_settled, call_group(thrum_all_settled, desk.consumer))
MAKES(any, call_group(thrum_any, desk.consumer))
MAKES(race, call_group(thrum_race, desk.consumer))

CALL(share_new)
{
    thrum_share *share = thrum_share_new(desk.consumer);

    desk.consumer = NULL;
    thrum_share_free(share);
    return NULL;
}

MAKES(share_get, thrum_share_get(desk.share))

CALL(share_free)
{
    thrum_share_free(desk.share);
    desk.share = NULL;
    return NULL;
}

CALLS(semaphore_new, thrum_semaphore_free(thrum_semaphore_new(desk.context, 1)))

CALL(semaphore_free)
{
    thrum_semaphore_free(desk.semaphore);
    desk.semaphore = NULL;
    return NULL;
}

MAKES(semaphore_acquire, thrum_semaphore_acquire(desk.semaphore))
CALLS(semaphore_release, thrum_semaphore_release(desk.semaphore))
MAKES(semaphore_run, thrum_semaphore_run(desk.semaphore, desk_last_step,
                                         desk_give(), desk_give_back))
CALLS(semaphore_tokens, thrum_semaphore_tokens(desk.semaphore))
CALLS(semaphore_waiting, thrum_semaphore_waiting(desk.semaphore))

CALLS(queue_new, thrum_queue_free(thrum_queue_new(desk.context, NULL)))

CALL(queue_free)
{
    thrum_queue_free(desk.queue);
    desk.queue = NULL;
    return NULL;
}

CALL(queue_put)
{
    thrum_queue *queue = thrum_queue_new(desk.context, NULL);

    if (queue != NULL)
        thrum_queue_put(queue, desk_give(), desk_give_back);
    thrum_queue_free(queue);
    return NULL;
}

MAKES(queue_put_wait,
      thrum_queue_put_wait(desk.queue, desk_give(), desk_give_back))
MAKES(queue_get, thrum_queue_get(desk.queue))
CALLS(queue_close, thrum_queue_close(desk.queue))
CALLS(queue_size, thrum_queue_size(desk.queue))
CALLS(queue_waiting, thrum_queue_waiting(desk.queue))

CALL(cooperator_new)
{
    thrum_cooperator_config config = {.clock = desk.clock};

    thrum_cooperator_free(thrum_cooperator_new(desk.context, &config));
    return NULL;
}

CALL(cooperator_free)
{
    thrum_cooperator_free(desk.world.cooperator);
    desk.world.cooperator = NULL;
    return NULL;
}

CALLS(cooperator_tick, thrum_cooperator_tick(desk.world.cooperator))
CALLS(cooperator_get_stats, thrum_cooperator_get_stats(desk.world.cooperator))
MAKES(coiterate, thrum_coiterate(desk.world.cooperator, desk_step, desk_give(),
                                 desk_give_back))
CALLS(cooperate,
      thrum_task_free(thrum_cooperate(desk.world.cooperator, desk_step,
                                      desk_give(), desk_give_back)))
CALLS(task_pause, thrum_task_pause(desk.task))
CALLS(task_resume, thrum_task_resume(desk.task))
CALLS(task_stop, thrum_task_stop(desk.task))
MAKES(task_when_done, thrum_task_when_done(desk.task))

CALL(task_free)
{
    thrum_task_free(desk.task);
    desk.task = NULL;
    return NULL;
}

MAKES(each, thrum_each(desk.world.cooperator, desk_step, desk_give(),
                       desk_give_back, 1))
MAKES(each_count, thrum_each_count(desk.world.cooperator, desk_step,
                                   desk_give(), desk_give_back, 1))
MAKES(each_collect, thrum_each_collect(desk.world.cooperator, desk_step,
                                       desk_give(), desk_give_back, 1))

CALL(looping_call_start)
{
    thrum_looping_call_config config = {.now = 1};

    thrum_looping_call_free(thrum_looping_call_start(
        desk.context, desk.clock, &config, desk_looping_step, desk_give(),
        desk_give_back));
    return NULL;
}

MAKES(looping_call_when_done, thrum_looping_call_when_done(desk.looping))
CALLS(looping_call_stop, thrum_looping_call_stop(desk.looping))
CALLS(looping_call_set_interval,
      thrum_looping_call_set_interval(desk.looping, 7))

CALL(looping_call_free)
{
    thrum_looping_call_free(desk.looping);
    desk.looping = NULL;
    return NULL;
}

MAKES(deferred_later,
      thrum_deferred_later(desk.context, desk.clock, 5, desk_last_step,
                           desk_give(), desk_give_back))

CALLS(results_count, thrum_results_count(desk.results))
CALLS(results_state, thrum_results_state(desk.results, 0))
CALLS(results_value, thrum_results_value(desk.results, 0))

CALL(results_take)
{
    thrum_free_fn *free;
    void *value = thrum_results_take(desk.results, 0, &free);

    free(value);
    return NULL;
}

CALLS(results_failure, thrum_results_failure(desk.results, 1))
CALLS(results_first, thrum_results_first(desk.results))
CALLS(results_first_failed,
      thrum_results_first_failed(thrum_results_failure(desk.results, 1)))

CALLS(clock_now, thrum_clock_now(desk.clock))
CALLS(clock_read, thrum_clock_read(desk.clock))
CALLS(clock_wall, thrum_clock_wall(desk.clock))
CALLS(clock_call_later, thrum_clock_call_later(desk.clock, 1, nothing,
                                               desk_give(), desk_give_back))
CALLS(clock_cancel, thrum_clock_cancel(desk.clock, desk.call))
CALLS(clock_reset, thrum_clock_reset(desk.clock, desk.call, 1))

CALLS(test_clock_new, thrum_test_clock_free(thrum_test_clock_new(desk.context)))

CALL(test_clock_free)
{
    thrum_cooperator_free(desk.world.cooperator);
    desk.world.cooperator = NULL;
    thrum_test_clock_free(desk.world.clock);
    desk.world.clock = NULL;
    thrum_looping_call_free(desk.looping);
    desk.looping = NULL;
    return NULL;
}

CALLS(test_clock_clock, thrum_test_clock_clock(desk.world.clock))
CALLS(test_clock_advance, thrum_test_clock_advance(desk.world.clock, 10))

CALL(test_clock_pump)
{
    static const thrum_ns spans[] = {5, 5};

    thrum_test_clock_pump(desk.world.clock, spans, 2);
    return NULL;
}

CALLS(test_clock_due, thrum_test_clock_due(desk.world.clock, 0))
CALLS(test_clock_set_pace, thrum_test_clock_set_pace(desk.world.clock, 1))
CALLS(test_clock_set_wall, thrum_test_clock_set_wall(desk.world.clock, 1))
CALLS(test_clock_pending, thrum_test_clock_pending(desk.world.clock))

CALLS(debug_deferreds, thrum_debug_deferreds(desk.context, desk.clock))
CALLS(debug_each, thrum_debug_each(desk.context, looked_at, NULL))
CALLS(debug_dump, thrum_debug_dump(desk.context))

/* ---- The table ---- */

static const struct {
    const char *name;
    thrum_deferred *(*call)(void);
    bool needs_memory;
    bool makes; /* a Deferred: NULL only for want of memory */
} table[] = {
    {"thrum_deferred_new_at", call_deferred_new_at, true, true},
    {"thrum_deferred_on_cancel", call_deferred_on_cancel, true, false},
    {"thrum_deferred_fire", call_deferred_fire, false, false},
    {"thrum_deferred_fail", call_deferred_fail, false, false},
    {"thrum_deferred_abandon", call_deferred_abandon, true, false},
    {"thrum_deferred_succeed", call_deferred_succeed, true, true},
    {"thrum_deferred_failed", call_deferred_failed, true, true},
    {"thrum_deferred_maybe", call_deferred_maybe, true, true},
    {"thrum_deferred_add_at", call_deferred_add_at, true, false},
    {"thrum_deferred_timeout_as", call_deferred_timeout_as, true, false},
    {"thrum_deferred_chain", call_deferred_chain, true, false},
    {"thrum_deferred_pause", call_deferred_pause, true, false},
    {"thrum_pause_end", call_pause_end, false, false},
    {"thrum_deferred_take", call_deferred_take, false, false},
    {"thrum_deferred_cancel", call_deferred_cancel, true, false},
    {"thrum_deferred_finish_at", call_deferred_finish_at, false, false},
    {"thrum_deferred_ref", call_deferred_ref, false, false},
    {"thrum_deferred_unref", call_deferred_unref, false, false},
    {"thrum_foreign_new", call_foreign_new, true, false},
    {"thrum_foreign_callback", call_foreign_callback, false, false},
    {"thrum_foreign_errback", call_foreign_errback, false, false},
    {"thrum_foreign_step", call_foreign_step, false, false},
    {"thrum_foreign_turn", call_foreign_turn, false, false},
    {"thrum_foreign_free", call_foreign_free, false, false},
    {"thrum_deferred_add_foreign", call_deferred_add_foreign, true, false},
    {"thrum_deferred_add_first", call_deferred_add_first, true, false},
    {"thrum_deferred_inspect", call_deferred_inspect, false, false},
    {"thrum_deferred_mark_handled", call_deferred_mark_handled, false, false},
    {"thrum_deferred_on_settled_failure", call_deferred_on_settled_failure,
     true, false},
    {"thrum_deferred_set_user", call_deferred_set_user, true, false},
    {"thrum_deferred_user", call_deferred_user, false, false},
    {"thrum_deferred_list", call_deferred_list, true, true},
    {"thrum_all", call_all, true, true},
    {"thrum_all_settled", call_all_settled, true, true},
    {"thrum_any", call_any, true, true},
    {"thrum_race", call_race, true, true},
    {"thrum_share_new", call_share_new, true, false},
    {"thrum_share_get", call_share_get, true, true},
    {"thrum_share_free", call_share_free, false, false},
    {"thrum_semaphore_new", call_semaphore_new, true, false},
    {"thrum_semaphore_free", call_semaphore_free, true, false},
    {"thrum_semaphore_acquire", call_semaphore_acquire, true, true},
    {"thrum_semaphore_release", call_semaphore_release, false, false},
    {"thrum_semaphore_run", call_semaphore_run, true, true},
    {"thrum_semaphore_tokens", call_semaphore_tokens, false, false},
    {"thrum_semaphore_waiting", call_semaphore_waiting, false, false},
    {"thrum_queue_new", call_queue_new, true, false},
    {"thrum_queue_free", call_queue_free, true, false},
    {"thrum_queue_put", call_queue_put, true, false},
    {"thrum_queue_put_wait", call_queue_put_wait, true, true},
    {"thrum_queue_get", call_queue_get, true, true},
    {"thrum_queue_close", call_queue_close, true, false},
    {"thrum_queue_size", call_queue_size, false, false},
    {"thrum_queue_waiting", call_queue_waiting, false, false},
    {"thrum_cooperator_new", call_cooperator_new, true, false},
    {"thrum_cooperator_free", call_cooperator_free, true, false},
    {"thrum_cooperator_tick", call_cooperator_tick, false, false},
    {"thrum_cooperator_get_stats", call_cooperator_get_stats, false, false},
    {"thrum_coiterate", call_coiterate, true, true},
    {"thrum_cooperate", call_cooperate, true, false},
    {"thrum_task_pause", call_task_pause, false, false},
    {"thrum_task_resume", call_task_resume, false, false},
    {"thrum_task_stop", call_task_stop, true, false},
    {"thrum_task_when_done", call_task_when_done, true, true},
    {"thrum_task_free", call_task_free, false, false},
    {"thrum_each", call_each, true, true},
    {"thrum_each_count", call_each_count, true, true},
    {"thrum_each_collect", call_each_collect, true, true},
    {"thrum_looping_call_start", call_looping_call_start, true, false},
    {"thrum_looping_call_when_done", call_looping_call_when_done, true, true},
    {"thrum_looping_call_stop", call_looping_call_stop, false, false},
    {"thrum_looping_call_set_interval", call_looping_call_set_interval, false,
     false},
    {"thrum_looping_call_free", call_looping_call_free, false, false},
    {"thrum_deferred_later", call_deferred_later, true, true},
    {"thrum_results_count", call_results_count, false, false},
    {"thrum_results_state", call_results_state, false, false},
    {"thrum_results_value", call_results_value, false, false},
    {"thrum_results_take", call_results_take, false, false},
    {"thrum_results_failure", call_results_failure, false, false},
    {"thrum_results_first", call_results_first, false, false},
    {"thrum_results_first_failed", call_results_first_failed, false, false},
    {"thrum_clock_now", call_clock_now, false, false},
    {"thrum_clock_read", call_clock_read, false, false},
    {"thrum_clock_wall", call_clock_wall, false, false},
    {"thrum_clock_call_later_at", call_clock_call_later, true, false},
    {"thrum_clock_cancel", call_clock_cancel, false, false},
    {"thrum_clock_reset", call_clock_reset, false, false},
    {"thrum_test_clock_new", call_test_clock_new, true, false},
    {"thrum_test_clock_free", call_test_clock_free, true, false},
    {"thrum_test_clock_clock", call_test_clock_clock, false, false},
    {"thrum_test_clock_advance", call_test_clock_advance, true, false},
    {"thrum_test_clock_pump", call_test_clock_pump, true, false},
    {"thrum_test_clock_due", call_test_clock_due, false, false},
    {"thrum_test_clock_set_pace", call_test_clock_set_pace, false, false},
    {"thrum_test_clock_set_wall", call_test_clock_set_wall, false, false},
    {"thrum_test_clock_pending", call_test_clock_pending, false, false},
    {"thrum_debug_deferreds", call_debug_deferreds, true, false},
    {"thrum_debug_each", call_debug_each, false, false},
    {"thrum_debug_dump", call_debug_dump, false, false}};

enum { ROWS = sizeof table / sizeof *table };

/* Answers whether the nth allocation of the call was reached. */
static bool call_failing(int row, unsigned long n)
{
    thrum_deferred *made;
    bool failed;

    desk_open();
    support_fail_at(n);
    made = table[row].call();
    failed = support_failed();
    support_fail_at(0);
    ck_assert_msg(made != NULL || failed || !table[row].makes, "%s",
                  table[row].name);
    desk_follow(made);
    if (desk.world.clock != NULL)
        thrum_test_clock_advance(desk.world.clock, 20);
    desk_close();
    return failed;
}

START_TEST(a_function_survives_each_of_its_allocations_failing)
{
    unsigned long n = 1;
    long before = support_blocks();

    while (call_failing(_i, n))
        n++;
    ck_assert_msg((n > 1) == table[_i].needs_memory, "%s: %lu allocations",
                  table[_i].name, n - 1);
    ck_assert_int_eq(support_blocks(), before);
}
END_TEST

int main(int argc, char **argv)
{
    TCase *functions = tcase_create("functions");

    for (int i = 0; argc > 1 && strcmp(argv[1], "--list") == 0; i++) {
        if (i == ROWS)
            return 0;
        puts(table[i].name);
    }
    tcase_add_checked_fixture(functions, trace_setup, NULL);
    tcase_add_loop_test(functions,
                        a_function_survives_each_of_its_allocations_failing, 0,
                        ROWS);
    return support_main("memory table", &functions, 1);
}
