/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/cooperator.h>
#include <thrum/deferred.h>
#include <thrum/deferred_list.h>
#include <thrum/test_clock.h>

#include "tests/support/support.h"

static char trace[1000];

static void note(const char *what)
{
    strncat(trace, what, sizeof trace - strlen(trace) - 1);
}

static thrum_outcome note_value(void *value, void *ctx)
{
    note(ctx);
    note("=");
    note(value != NULL ? value : "none");
    note(" ");
    return thrum_keep();
}

static thrum_outcome note_failure(const thrum_failure *why, void *ctx)
{
    note(ctx);
    note("!");
    note(thrum_failure_text(why));
    note(" ");
    return thrum_done();
}

static thrum_outcome answer_wait(void *value, void *ctx)
{
    (void)value;
    return thrum_wait(ctx);
}

START_TEST(a_value_runs_down_the_chain)
{
    thrum_context *context = support_context();
    thrum_deferred *d = thrum_deferred_new(context, "test");

    thrum_deferred_add(d, note_value, note_failure, "a", NULL);
    thrum_deferred_add(d, note_value, note_failure, "b", NULL);
    thrum_deferred_add(d, note_value, note_failure, "c", NULL);
    ck_assert_int_eq(thrum_deferred_fire(d, strdup("x"), free), 0);
    thrum_deferred_add(d, note_value, note_failure, "d", NULL);
    thrum_deferred_finish(d);
    ck_assert_str_eq(trace, "a=x b=x c=x d=x ");
    support_context_end(context);
}
END_TEST

START_TEST(a_chain_waits_for_another_and_takes_its_result)
{
    thrum_context *context = support_context();
    thrum_deferred *outer = thrum_deferred_new(context, "outer");
    thrum_deferred *inner = thrum_deferred_new(context, "inner");

    thrum_deferred_add(outer, answer_wait, NULL, inner, NULL);
    thrum_deferred_add(outer, note_value, note_failure, "outer", NULL);
    thrum_deferred_fire(outer, NULL, NULL);
    ck_assert_str_eq(trace, "");
    thrum_deferred_fire(inner, "x", NULL);
    ck_assert_str_eq(trace, "outer=x ");
    thrum_deferred_finish(outer);
    support_context_end(context);
}
END_TEST

START_TEST(a_failure_that_nobody_handles_reaches_the_hook)
{
    thrum_context *context = support_context();
    thrum_deferred *d = thrum_deferred_new(context, "operation");
    int line;

    thrum_deferred_fail(d, thrum_failure_new(context, &thrum_domain_base,
                                             THRUM_E_FULL, "no room"));
    ck_assert_uint_eq(support_unhandled(), 0);
    line = __LINE__ + 1;
    thrum_deferred_finish(d);
    ck_assert_uint_eq(support_unhandled(), 1);
    ck_assert_str_eq(support_unhandled_operation(), "operation");
    ck_assert_int_eq(support_unhandled_line(), line);
    support_context_end(context);
}
END_TEST

/* Each waits for the next; the head is fired first, or the tail. */
static void chain_of(thrum_context *context, int count, bool head_first,
                     bool fail)
{
    thrum_deferred **d = calloc((size_t)count, sizeof *d);

    for (int i = 0; i < count; i++)
        d[i] = thrum_deferred_new(context, "link");
    for (int i = 0; i < count - 1; i++)
        thrum_deferred_add(d[i], answer_wait, NULL, d[i + 1], NULL);
    thrum_deferred_add(d[0], note_value, note_failure, "end", NULL);
    for (int i = 0; i < count - 1; i++)
        thrum_deferred_fire(d[head_first ? i : count - 2 - i], NULL, NULL);
    if (fail)
        thrum_deferred_abandon(d[count - 1]);
    else
        thrum_deferred_fire(d[count - 1], "x", NULL);
    thrum_deferred_finish(d[0]);
    free(d);
}

static void *run_long_chains(void *ctx)
{
    chain_of(ctx, 1000000, true, false);
    chain_of(ctx, 1000000, false, false);
    chain_of(ctx, 1000000, true, true);
    chain_of(ctx, 1000000, false, true);
    return NULL;
}

START_TEST(a_million_that_wait_on_each_other_need_a_stack_of_64_kib)
{
    thrum_context *context = support_context();
    pthread_attr_t attributes;
    pthread_t thread;

    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    ck_assert_int_eq(
        pthread_create(&thread, &attributes, run_long_chains, context), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    ck_assert_str_eq(trace, "end=x end=x end!abandoned by its producer "
                            "end!abandoned by its producer ");
    support_context_end(context);
}
END_TEST

typedef struct counter {
    thrum_context *context;
    thrum_deferred *open[16];
    int steps, end, opened;
} counter;

static thrum_outcome count_step(void *it)
{
    counter *self = it;

    return ++self->steps < self->end ? thrum_keep() : thrum_done();
}

static thrum_outcome open_step(void *it)
{
    counter *self = it;
    thrum_deferred *d;

    if (self->opened == self->end)
        return thrum_done();
    d = thrum_deferred_new(self->context, "item");
    self->open[self->opened++] = d;
    return thrum_wait(d);
}

START_TEST(each_keeps_at_most_n_open_and_ends_with_the_last)
{
    thrum_context *context = support_context();
    thrum_test_clock *clock = thrum_test_clock_new(context);
    thrum_cooperator_config config = {.clock = thrum_test_clock_clock(clock)};
    thrum_cooperator *c = thrum_cooperator_new(context, &config);
    counter items = {.context = context, .end = 5};
    thrum_deferred *d = thrum_each(c, open_step, &items, NULL, 2);

    thrum_deferred_add(d, note_value, note_failure, "each", NULL);
    ck_assert_int_eq(thrum_cooperator_tick(c), 0);
    ck_assert_int_eq(items.opened, 2);
    thrum_deferred_fire(items.open[0], "x", NULL);
    thrum_cooperator_tick(c);
    ck_assert_int_eq(items.opened, 3);
    for (int i = 1; i < 5; i++) {
        ck_assert_str_eq(trace, "");
        thrum_deferred_fire(items.open[i], NULL, NULL);
        thrum_cooperator_tick(c);
    }
    ck_assert_str_eq(trace, "each=none ");
    thrum_deferred_finish(d);
    thrum_cooperator_free(c);
    thrum_test_clock_free(clock);
    support_context_end(context);
}
END_TEST

START_TEST(coiterate_steps_to_the_end)
{
    thrum_context *context = support_context();
    thrum_test_clock *clock = thrum_test_clock_new(context);
    thrum_cooperator_config config = {.clock = thrum_test_clock_clock(clock)};
    thrum_cooperator *c = thrum_cooperator_new(context, &config);
    counter steps = {.end = 10000};
    thrum_deferred *d = thrum_coiterate(c, count_step, &steps, NULL);

    thrum_deferred_add(d, note_value, note_failure, "end", NULL);
    ck_assert_int_eq(thrum_cooperator_tick(c), 1);
    ck_assert_int_eq(steps.steps, 4096);
    while (thrum_cooperator_tick(c))
        ;
    ck_assert_int_eq(steps.steps, 10000);
    ck_assert_str_eq(trace, "end=none ");
    thrum_deferred_finish(d);
    thrum_cooperator_free(c);
    thrum_test_clock_free(clock);
    support_context_end(context);
}
END_TEST

START_TEST(a_list_gathers_values_and_failures)
{
    thrum_context *context = support_context();
    thrum_deferred *m[3], *list, *second;

    for (int i = 0; i < 3; i++)
        m[i] = thrum_deferred_new(context, "member");
    second = m[1];
    list = thrum_deferred_list(context, m, 3, THRUM_LIST_CONSUME_ERRORS);
    thrum_deferred_fire(m[0], strdup("x"), free);
    thrum_deferred_fire(m[2], strdup("z"), free);
    thrum_deferred_abandon(second);
    thrum_deferred_ref(list);
    thrum_deferred_finish(list);
    thrum_deferred_unref(list);
    ck_assert_uint_eq(support_unhandled(), 0);
    support_context_end(context);
}
END_TEST

static void setup(void)
{
    trace[0] = '\0';
}

int main(void)
{
    TCase *chain = tcase_create("chain");

    tcase_set_timeout(chain, 120);
    tcase_add_checked_fixture(chain, setup, NULL);
    tcase_add_test(chain, a_value_runs_down_the_chain);
    tcase_add_test(chain, a_chain_waits_for_another_and_takes_its_result);
    tcase_add_test(chain, a_failure_that_nobody_handles_reaches_the_hook);
    tcase_add_test(chain,
                   a_million_that_wait_on_each_other_need_a_stack_of_64_kib);
    tcase_add_test(chain, each_keeps_at_most_n_open_and_ends_with_the_last);
    tcase_add_test(chain, coiterate_steps_to_the_end);
    tcase_add_test(chain, a_list_gathers_values_and_failures);
    return support_main("deferred", &chain, 1);
}
