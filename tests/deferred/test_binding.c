/* SPDX-License-Identifier: MIT */
/*
 * What a binding to another language asks for.
 */
#include <string.h>

#include "tests/deferred/chain.h"

static thrum_context *context;
static thrum_deferred *d;

static void setup(void)
{
    trace_setup();
    context = support_context();
    d = thrum_deferred_new(context, "d");
}

static void teardown(void)
{
    thrum_deferred_finish(d);
    support_context_end(context);
}

static void add(thrum_deferred *to, const char *name)
{
    thrum_deferred_add(to, trace_value, trace_failure, (void *)name,
                       trace_release);
}

/* ---- Answers through a pointer ---- */

typedef struct answer {
    thrum_outcome out;
    const char *trace; /* of the value "x", then of the failure "x" */
} answer;

static void foreign(const thrum_outcome *in, thrum_outcome *out, void *ctx)
{
    if (in->kind == THRUM_OUTCOME_VALUE)
        trace_value(in->ptr, "in");
    else if (in->kind == THRUM_OUTCOME_FAILURE)
        trace_failure(in->ptr, "in");
    ck_assert_int_eq(out->kind, THRUM_OUTCOME_KEEP);
    *out = *(thrum_outcome *)ctx;
}

static void foreign_name(const thrum_outcome *in, thrum_outcome *out, void *ctx)
{
    (void)in;
    (void)out;
    trace_note(ctx);
}

START_TEST(a_foreign_callback_answers_through_its_pointer)
{
    answer answers[] = {
        {thrum_keep(), "in=x a=x ~a ~x in!x a!x ~a "},
        {thrum_done(), "in=x ~x a=none ~a in!x a=none ~a "},
        {thrum_value("y", NULL), "in=x ~x a=y ~a in!x a=y ~a "},
        {thrum_fail(NULL), "in=x ~x a!out of memory ~a in!x a!out of memory "
                           "~a "},
        {thrum_wait(NULL), "in=x ~x a!out of memory ~a in!x a!out of memory "
                           "~a "},
    };

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        for (int fails = 0; fails < 2; fails++) {
            thrum_deferred *one =
                fails ? thrum_deferred_failed(context,
                                              chain_failure(context, "x"))
                      : thrum_deferred_succeed(context, "x", trace_release);

            ck_assert_int_eq(
                thrum_deferred_add_foreign(one, foreign, &answers[i].out, NULL),
                0);
            add(one, "a");
            thrum_deferred_finish(one);
        }
        ck_assert_str_eq(trace_take(), answers[i].trace);
    }
    thrum_deferred_fire(d, NULL, NULL);
}
END_TEST

START_TEST(a_foreign_callback_may_wait_or_take)
{
    thrum_outcome wait =
        thrum_wait(thrum_deferred_succeed(context, "y", trace_release));
    thrum_outcome taken = thrum_taken();

    thrum_deferred_add_foreign(d, foreign, &wait, NULL);
    thrum_deferred_add_foreign(d, foreign, &taken, NULL);
    add(d, "a");
    thrum_deferred_fire(d, "x", trace_release);
    ck_assert_str_eq(trace_take(), "in=x ~x in=y a=none ~a ");
}
END_TEST

START_TEST(a_foreign_context_is_released_once)
{
    thrum_deferred_add_foreign(d, foreign_name, "f ", trace_release);
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "f ~f  ");
    ck_assert_int_eq(
        thrum_deferred_add_foreign(NULL, foreign_name, "n", trace_release),
        THRUM_E_NOMEM);
    ck_assert_str_eq(trace_take(), "~n ");
}
END_TEST

START_TEST(a_foreign_callback_that_finds_no_memory_makes_the_chain_fail)
{
    add(d, "a");
    for (unsigned long n = 1; n <= 2; n++) {
        support_fail_at(n); /* its block, or a place in the chain */
        ck_assert_int_eq(
            thrum_deferred_add_foreign(d, foreign_name, "f", trace_release),
            THRUM_E_NOMEM);
        ck_assert_str_eq(trace_take(), "~f ");
    }
    support_fail_at(0);
    thrum_deferred_fire(d, "x", NULL);
    add(d, "b");
    ck_assert_str_eq(trace_take(), "a=x ~a b!out of memory ~b ");
}
END_TEST

/* ---- inspect ---- */

static thrum_outcome look(void *value, void *ctx)
{
    thrum_deferred_info info = thrum_deferred_inspect(ctx);

    ck_assert_int_eq(info.running, 1);
    ck_assert_int_eq(info.state, THRUM_DEFERRED_VALUE);
    ck_assert_ptr_eq(info.value, value);
    ck_assert_uint_eq(info.pairs, 2);
    trace_note("looked ");
    return thrum_keep();
}

START_TEST(all_that_can_be_asked_is_told)
{
    thrum_deferred *inner = thrum_deferred_new(context, "inner");
    thrum_deferred_info info = thrum_deferred_inspect(d);
    int line;

    ck_assert_int_eq(info.state, THRUM_DEFERRED_PENDING);
    ck_assert(!info.fired && !info.running && info.pairs == 0);
    ck_assert_str_eq(info.operation, "d");
    ck_assert_ptr_null(info.file);
    thrum_deferred_add(d, look, NULL, d, NULL);
    thrum_deferred_add(d, answer_wait, NULL, inner, NULL);
    line = __LINE__ + 1;
    thrum_deferred_add(d, NULL, NULL, NULL, NULL);
    info = thrum_deferred_inspect(d);
    ck_assert_uint_eq(info.pairs, 3);
    ck_assert_int_eq(info.line, line);
    ck_assert_str_eq(info.file, __FILE__);
    thrum_deferred_fire(d, "x", NULL);
    ck_assert_str_eq(trace_take(), "looked ");
    info = thrum_deferred_inspect(d);
    ck_assert_int_eq(info.state, THRUM_DEFERRED_WAITING);
    ck_assert(info.fired && !info.running && info.pairs == 1);
    ck_assert_ptr_eq(info.waits_on, inner);
    ck_assert_ptr_null(info.value);
    thrum_deferred_fail(inner, chain_failure(context, "x"));
    info = thrum_deferred_inspect(d);
    ck_assert_int_eq(info.state, THRUM_DEFERRED_FAILURE);
    ck_assert_str_eq(thrum_failure_text(info.failure), "x");
    ck_assert(info.waits_on == NULL && info.pairs == 0);
    thrum_deferred_mark_handled(d);
}
END_TEST

START_TEST(null_is_seen_as_failed_for_want_of_memory)
{
    thrum_deferred_info info = thrum_deferred_inspect(NULL);

    ck_assert_int_eq(info.state, THRUM_DEFERRED_FAILURE);
    ck_assert_str_eq(thrum_failure_text(info.failure), "out of memory");
    ck_assert(info.fired && !info.running && info.pairs == 0);
    ck_assert_ptr_null(info.operation);
    thrum_deferred_fire(d, NULL, NULL);
}
END_TEST

/* ---- mark_handled ---- */

static thrum_outcome fail_again(const thrum_failure *why, void *ctx)
{
    (void)why;
    (void)ctx;
    return thrum_fail(chain_failure(context, "again"));
}

START_TEST(a_failure_marked_as_handled_reaches_no_hook)
{
    thrum_deferred_fail(d, chain_failure(context, "x"));
    thrum_deferred_mark_handled(d);
    thrum_deferred_add(d, trace_value, NULL, NULL, NULL); /* passed by */
    thrum_deferred_finish(d);
    ck_assert_uint_eq(support_unhandled(), 0);
    d = NULL;
    thrum_deferred_mark_handled(NULL);
}
END_TEST

START_TEST(the_next_failure_is_another_matter)
{
    thrum_deferred_fail(d, chain_failure(context, "x"));
    thrum_deferred_mark_handled(d);
    thrum_deferred_add(d, NULL, fail_again, NULL, NULL);
    thrum_deferred_finish(d);
    ck_assert_uint_eq(support_unhandled(), 1);
    ck_assert_str_eq(support_unhandled_text(), "again");
    d = NULL;
}
END_TEST

START_TEST(the_mark_does_not_go_with_a_failure_to_another)
{
    thrum_deferred *outer = thrum_deferred_new(context, "outer");

    thrum_deferred_fail(d, chain_failure(context, "x"));
    thrum_deferred_mark_handled(d);
    thrum_deferred_add(outer, answer_wait, NULL, d, NULL);
    thrum_deferred_fire(outer, NULL, NULL);
    thrum_deferred_finish(outer);
    ck_assert_uint_eq(support_unhandled(), 1);
    d = NULL;
}
END_TEST

START_TEST(only_a_failure_that_is_there_can_be_marked)
{
    thrum_deferred_mark_handled(d);
    thrum_deferred_fail(d, chain_failure(context, "x"));
    thrum_deferred_finish(d);
    ck_assert_uint_eq(support_unhandled(), 1);
    d = NULL;
}
END_TEST

/* ---- user ---- */

static thrum_cancelled late(thrum_deferred *deferred, void *ctx)
{
    (void)ctx;
    trace_note(thrum_deferred_user(deferred));
    return THRUM_CANCELLED_LATE;
}

START_TEST(a_pointer_of_its_own_goes_with_the_deferred)
{
    ck_assert_ptr_null(thrum_deferred_user(d));
    ck_assert_int_eq(thrum_deferred_set_user(d, "one", trace_release), 0);
    ck_assert_str_eq(thrum_deferred_user(d), "one");
    ck_assert_int_eq(thrum_deferred_set_user(d, "two", trace_release), 0);
    ck_assert_str_eq(trace_take(), "~one ");
    thrum_deferred_fire(d, NULL, NULL);
    ck_assert_str_eq(thrum_deferred_user(d), "two");
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace_take(), "~two ");
    d = NULL;
    ck_assert_ptr_null(thrum_deferred_user(NULL));
}
END_TEST

START_TEST(the_pointer_and_a_canceller_live_side_by_side)
{
    for (int first = 0; first < 2; first++) {
        thrum_deferred *one = thrum_deferred_new(context, "one");

        if (first)
            thrum_deferred_set_user(one, "user ", trace_release);
        thrum_deferred_on_cancel(one, late, "c", trace_release);
        if (!first)
            thrum_deferred_set_user(one, "user ", trace_release);
        add(one, "a");
        thrum_deferred_cancel(one);
        ck_assert_str_eq(trace_take(), "user ~c a!cancelled ~a ");
        ck_assert_str_eq(thrum_deferred_user(one), "user ");
        thrum_deferred_abandon(one);
        thrum_deferred_finish(one);
        ck_assert_str_eq(trace_take(), "~user  ");
    }
    thrum_deferred_fire(d, NULL, NULL);
}
END_TEST

static int nothing_released;

static void release_nothing(void *data)
{
    ck_assert_ptr_null(data);
    nothing_released++;
}

START_TEST(a_release_function_without_a_pointer_outlives_a_canceller)
{
    thrum_deferred *one = thrum_deferred_new(context, "one");

    nothing_released = 0;
    thrum_deferred_set_user(one, NULL, release_nothing);
    thrum_deferred_on_cancel(one, late, "c", trace_release);
    thrum_deferred_fire(one, NULL, NULL);
    ck_assert_str_eq(trace_take(), "~c ");
    ck_assert_int_eq(nothing_released, 0);
    thrum_deferred_finish(one);
    ck_assert_int_eq(nothing_released, 1);
    thrum_deferred_fire(d, NULL, NULL);
}
END_TEST

START_TEST(a_pointer_without_memory_is_released)
{
    support_fail_at(1);
    ck_assert_int_eq(thrum_deferred_set_user(d, "u", trace_release),
                     THRUM_E_NOMEM);
    ck_assert_int_eq(thrum_deferred_set_user(NULL, "n", trace_release),
                     THRUM_E_NOMEM);
    ck_assert_str_eq(trace_take(), "~u ~n ");
    thrum_deferred_fire(d, NULL, NULL);
}
END_TEST

/* ---- The hook for settled failures ---- */

static void settled(thrum_deferred *deferred, const thrum_failure *why,
                    void *ctx)
{
    ck_assert_ptr_eq(thrum_deferred_inspect(deferred).failure, why);
    trace_note(ctx);
    trace_note(thrum_deferred_inspect(deferred).operation);
    trace_note("!");
    trace_note(thrum_failure_text(why));
    trace_note(" ");
}

static void settled_handles(thrum_deferred *deferred, const thrum_failure *why,
                            void *ctx)
{
    (void)why;
    add(deferred, ctx);
}

START_TEST(a_chain_that_rests_with_a_failure_is_told)
{
    thrum_deferred *inner = thrum_deferred_new(context, "inner");
    thrum_pause *pause;

    ck_assert_int_eq(thrum_deferred_on_settled_failure(context, settled, "S:"),
                     0);
    thrum_deferred_add(d, NULL, answer_wait_failed, inner, NULL);
    thrum_deferred_fail(d, chain_failure(context, "x"));
    ck_assert_str_eq(trace_take(), ""); /* it waits */
    pause = thrum_deferred_pause(d);
    thrum_deferred_fail(inner, chain_failure(context, "y"));
    ck_assert_str_eq(trace_take(), ""); /* it is paused; inner has no more */
    thrum_pause_end(pause);
    ck_assert_str_eq(trace_take(), "S:d!y ");
    add(d, "a");
    ck_assert_str_eq(trace_take(), "a!y ~a "); /* handled */
}
END_TEST

START_TEST(the_hook_may_handle_what_it_is_told)
{
    thrum_deferred_on_settled_failure(context, settled_handles, "h");
    thrum_deferred_fail(d, chain_failure(context, "x"));
    ck_assert_str_eq(trace_take(), "h!x ~h ");
    thrum_deferred_finish(d);
    ck_assert_uint_eq(support_unhandled(), 0);
    d = NULL;
}
END_TEST

START_TEST(a_hook_that_was_taken_away_is_told_nothing)
{
    ck_assert_int_eq(thrum_deferred_on_settled_failure(context, NULL, NULL), 0);
    thrum_deferred_on_settled_failure(context, settled, "S:");
    thrum_deferred_on_settled_failure(context, NULL, NULL);
    thrum_deferred_fail(d, chain_failure(context, "x"));
    ck_assert_str_eq(trace_take(), "");
    thrum_deferred_mark_handled(d);
}
END_TEST

START_TEST(a_hook_that_finds_no_memory_is_not_set)
{
    support_fail_at(1);
    ck_assert_int_eq(thrum_deferred_on_settled_failure(context, settled, "S:"),
                     THRUM_E_NOMEM);
    thrum_deferred_fail(d, chain_failure(context, "x"));
    ck_assert_str_eq(trace_take(), "");
    thrum_deferred_mark_handled(d);
}
END_TEST

int main(void)
{
    TCase *binding = tcase_create("binding");

    tcase_add_checked_fixture(binding, setup, teardown);
    tcase_add_test(binding, a_foreign_callback_answers_through_its_pointer);
    tcase_add_test(binding, a_foreign_callback_may_wait_or_take);
    tcase_add_test(binding, a_foreign_context_is_released_once);
    tcase_add_test(
        binding, a_foreign_callback_that_finds_no_memory_makes_the_chain_fail);
    tcase_add_test(binding, all_that_can_be_asked_is_told);
    tcase_add_test(binding, null_is_seen_as_failed_for_want_of_memory);
    tcase_add_test(binding, a_failure_marked_as_handled_reaches_no_hook);
    tcase_add_test(binding, the_next_failure_is_another_matter);
    tcase_add_test(binding, the_mark_does_not_go_with_a_failure_to_another);
    tcase_add_test(binding, only_a_failure_that_is_there_can_be_marked);
    tcase_add_test(binding, a_pointer_of_its_own_goes_with_the_deferred);
    tcase_add_test(binding, the_pointer_and_a_canceller_live_side_by_side);
    tcase_add_test(binding,
                   a_release_function_without_a_pointer_outlives_a_canceller);
    tcase_add_test(binding, a_pointer_without_memory_is_released);
    tcase_add_test(binding, a_chain_that_rests_with_a_failure_is_told);
    tcase_add_test(binding, the_hook_may_handle_what_it_is_told);
    tcase_add_test(binding, a_hook_that_was_taken_away_is_told_nothing);
    tcase_add_test(binding, a_hook_that_finds_no_memory_is_not_set);
    return support_main("binding", &binding, 1);
}
