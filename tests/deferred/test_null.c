/* SPDX-License-Identifier: MIT */
/*
 * NULL, as the general rules have it: of what ends an object it is nothing;
 * where a Deferred or a task is asked for it is one that failed for want of
 * memory. What comes with it is taken all the same.
 *
 * test_every_function.py compares the table with the headers; called with
 * "--list" the program prints it.
 */
#include <stdio.h>
#include <string.h>

#include <thrum/deferred_list.h>
#include <thrum/group.h>
#include <thrum/looping_call.h>
#include <thrum/queue.h>
#include <thrum/semaphore.h>
#include <thrum/share.h>

#include "tests/deferred/chain.h"

#define NOMEM "out of memory"

static struct world world;

/* ---- What ends an object ---- */

static void call_ends(void)
{
    thrum_cooperator_free(NULL);
    thrum_task_free(NULL);
    thrum_foreign_free(NULL);
    thrum_looping_call_free(NULL);
    thrum_queue_free(NULL);
    thrum_semaphore_free(NULL);
    thrum_share_free(NULL);
    thrum_test_clock_free(NULL);
    thrum_pause_end(NULL);
    thrum_deferred_unref(NULL);
    thrum_deferred_finish(NULL);
    thrum_deferred_abandon(NULL);
    thrum_context_unref(NULL);
    thrum_failure_unref(NULL);
}

/* ---- A Deferred ---- */

static thrum_cancelled stop(thrum_deferred *deferred, void *ctx)
{
    (void)deferred;
    (void)ctx;
    return THRUM_CANCELLED_STOPPED;
}

static void foreign(const thrum_outcome *in, thrum_outcome *out, void *ctx)
{
    (void)in;
    (void)out;
    (void)ctx;
}

static int call_on_cancel(void)
{
    return thrum_deferred_on_cancel(NULL, stop, "a", trace_release);
}

static int call_fire(void)
{
    return thrum_deferred_fire(NULL, "a", trace_release);
}

/* Its failure holds a name, which is released with it. */
static int call_fail(void)
{
    return thrum_deferred_fail(
        NULL, thrum_failure_explain(chain_failure(world.context, "x"), "a",
                                    trace_release));
}

static int call_add(void)
{
    return thrum_deferred_add(NULL, trace_value, trace_failure, "a",
                              trace_release);
}

static int call_add_first(void)
{
    return thrum_deferred_add_first(NULL, trace_value, trace_failure, "a",
                                    trace_release);
}

static int call_add_foreign(void)
{
    return thrum_deferred_add_foreign(NULL, foreign, "a", trace_release);
}

static int call_timeout(void)
{
    return thrum_deferred_timeout_as(NULL, thrum_test_clock_clock(world.clock),
                                     5, trace_failure, "a", trace_release);
}

static int call_set_user(void)
{
    return thrum_deferred_set_user(NULL, "a", trace_release);
}

static int call_chain(void)
{
    thrum_deferred *to = thrum_deferred_new(world.context, "to");

    thrum_deferred_add(to, trace_value, trace_failure, "to", NULL);
    ck_assert_int_eq(thrum_deferred_chain(NULL, to), THRUM_E_NOMEM);
    thrum_deferred_finish(to);
    ck_assert_str_eq(trace_take(), "to!" NOMEM " ");
    trace_note("~a ");
    return thrum_deferred_chain(NULL, NULL);
}

static int call_take(void)
{
    void *value;
    thrum_free_fn *free;
    thrum_failure *why;

    trace_note("~a ");
    return thrum_deferred_take(NULL, &value, &free, &why);
}

/* A function that is given a context of its own answers so, and releases it. */
static const struct {
    const char *name;
    int (*call)(void);
} codes[] = {
    {"thrum_deferred_on_cancel", call_on_cancel},
    {"thrum_deferred_fire", call_fire},
    {"thrum_deferred_fail", call_fail},
    {"thrum_deferred_add_at", call_add},
    {"thrum_deferred_add_first", call_add_first},
    {"thrum_deferred_add_foreign", call_add_foreign},
    {"thrum_deferred_timeout_as", call_timeout},
    {"thrum_deferred_set_user", call_set_user},
    {"thrum_deferred_chain", call_chain},
    {"thrum_deferred_take", call_take},
};

enum { CODES = sizeof codes / sizeof *codes };

START_TEST(what_is_given_to_none_is_released_and_no_memory_answered)
{
    ck_assert_msg(codes[_i].call() == THRUM_E_NOMEM, "%s", codes[_i].name);
    ck_assert_str_eq(trace_take(), "~a ");
}
END_TEST

/* ---- Members of groups, and what stands for one ---- */

static thrum_deferred *none[2]; /* two members */

static thrum_deferred *of_list(void)
{
    return thrum_deferred_list(world.context, none, 2,
                               THRUM_LIST_FIRE_ON_ONE_ERRBACK |
                                   THRUM_LIST_CONSUME_ERRORS);
}

static thrum_deferred *of_all(void)
{
    return thrum_all(world.context, none, 2, NULL);
}

static thrum_deferred *of_any(void)
{
    return thrum_any(world.context, none, 2, NULL);
}

static thrum_deferred *of_race(void)
{
    return thrum_race(world.context, none, 2, NULL);
}

static thrum_deferred *of_settled(void)
{
    return thrum_all_settled(world.context, none, 2, NULL);
}

static thrum_deferred *of_wait(void)
{
    thrum_deferred *d = thrum_deferred_succeed(world.context, NULL, NULL);

    thrum_deferred_add(d, answer_wait, NULL, NULL, NULL);
    return d;
}

static const struct {
    const char *name;
    thrum_deferred *(*call)(void);
    const char *trace;
} groups[] = {
    {"thrum_deferred_list", of_list, "d!member 0 failed: " NOMEM " "},
    {"thrum_all", of_all, "d!member 0 failed: " NOMEM " "},
    {"thrum_any", of_any, "d!no member of the group succeeded "},
    {"thrum_race", of_race, "d!member 0 failed: " NOMEM " "},
    {"thrum_all_settled", of_settled, "d=some "},
    {"thrum_wait", of_wait, "d!" NOMEM " "},
};

enum { GROUPS = sizeof groups / sizeof *groups };

static thrum_outcome see_results(void *results, void *ctx)
{
    (void)ctx;
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(thrum_results_state(results, i),
                         THRUM_DEFERRED_FAILURE);
        ck_assert_int_eq(thrum_failure_code(thrum_results_failure(results, i)),
                         THRUM_E_NOMEM);
    }
    trace_note("d=some ");
    return thrum_done();
}

START_TEST(a_member_that_is_none_has_failed_for_want_of_memory)
{
    thrum_deferred *d = groups[_i].call();

    ck_assert_ptr_nonnull(d);
    thrum_deferred_add(d, see_results, trace_failure, "d", NULL);
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace_take(), groups[_i].trace);
}
END_TEST

/* ---- All others ---- */

START_TEST(to_end_what_is_not_there_does_nothing)
{
    long blocks = support_blocks();

    call_ends();
    ck_assert_int_eq(support_blocks(), blocks);
    ck_assert_uint_eq(support_unhandled(), 0);
    ck_assert_str_eq(trace_take(), "");
}
END_TEST

START_TEST(a_deferred_that_is_none_can_be_asked)
{
    thrum_deferred_info info = thrum_deferred_inspect(NULL);

    ck_assert_int_eq(info.state, THRUM_DEFERRED_FAILURE);
    ck_assert_int_eq(thrum_failure_code(info.failure), THRUM_E_NOMEM);
    ck_assert_ptr_null(thrum_deferred_user(NULL));
    ck_assert_ptr_null(thrum_deferred_ref(NULL));
    ck_assert_ptr_null(thrum_deferred_pause(NULL));
    ck_assert_ptr_null(thrum_share_new(NULL));
    ck_assert_ptr_null(thrum_share_get(NULL));
    thrum_deferred_mark_handled(NULL);
    thrum_deferred_cancel(NULL);
}
END_TEST

START_TEST(a_task_that_is_none_answers_so)
{
    ck_assert_int_eq(thrum_task_pause(NULL), THRUM_E_NOMEM);
    ck_assert_int_eq(thrum_task_resume(NULL), THRUM_E_NOMEM);
    ck_assert_int_eq(thrum_task_stop(NULL), THRUM_E_NOMEM);
    ck_assert_ptr_null(thrum_task_when_done(NULL));
}
END_TEST

/* Those that are called outside the tables. */
static const char *const others[] = {
    "thrum_cooperator_free",    "thrum_task_free",
    "thrum_foreign_free",       "thrum_looping_call_free",
    "thrum_queue_free",         "thrum_semaphore_free",
    "thrum_share_free",         "thrum_test_clock_free",
    "thrum_pause_end",          "thrum_deferred_unref",
    "thrum_deferred_finish_at", "thrum_deferred_abandon",
    "thrum_context_unref",      "thrum_failure_unref",
    "thrum_deferred_inspect",   "thrum_deferred_user",
    "thrum_deferred_ref",       "thrum_deferred_pause",
    "thrum_share_new",          "thrum_deferred_mark_handled",
    "thrum_deferred_cancel",    "thrum_task_pause",
    "thrum_task_resume",        "thrum_task_stop",
    "thrum_task_when_done",
};

static void list_all(void)
{
    for (size_t i = 0; i < CODES; i++)
        puts(codes[i].name);
    for (size_t i = 0; i < GROUPS; i++)
        puts(groups[i].name);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        puts(others[i]);
}

static void setup(void)
{
    trace_setup();
    world_start(&world, 0);
}

static void teardown(void)
{
    world_end(&world);
}

int main(int argc, char **argv)
{
    TCase *tests = tcase_create("NULL");

    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        list_all();
        return 0;
    }
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(
        tests, what_is_given_to_none_is_released_and_no_memory_answered, 0,
        CODES);
    tcase_add_loop_test(
        tests, a_member_that_is_none_has_failed_for_want_of_memory, 0, GROUPS);
    tcase_add_test(tests, to_end_what_is_not_there_does_nothing);
    tcase_add_test(tests, a_deferred_that_is_none_can_be_asked);
    tcase_add_test(tests, a_task_that_is_none_answers_so);
    return support_main("NULL", &tests, 1);
}
