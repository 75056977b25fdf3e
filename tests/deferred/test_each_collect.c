/* SPDX-License-Identifier: MIT */
/*
 * thrum_each_collect: what became of each item, in the order of the steps. That
 * items open and close as under thrum_each is test_each.c's matter.
 */
#include <stdlib.h>

#include <thrum/results.h>

#include "tests/deferred/items.h"

/* "each=[value none !failure] " */
static thrum_outcome trace_results(void *value, void *name)
{
    const thrum_results *results = value;

    trace_note(name);
    trace_note("=[");
    for (size_t i = 0; i < thrum_results_count(results); i++) {
        const thrum_failure *why = thrum_results_failure(results, i);
        const char *one = thrum_results_value(results, i);

        if (i > 0)
            trace_note(" ");
        if (why != NULL)
            trace_note("!");
        if (why != NULL)
            trace_note(thrum_failure_text(why));
        else
            trace_note(one != NULL ? one : "none");
    }
    trace_note("] ");
    return thrum_keep();
}

/* The results go after `it`: they are the Deferred's, which is finished last.
 */
static const items_case cases[] = {
    {"nothing to collect", 1, "kk", "", "each=[] ~it ", 0, 0},
    {"in the order of the steps, not of the ends", 3, "ooo", "2# 0= 1#",
     "2=2 0=none 1=1 each=[none 1 2] ~it ~1 ~2 ", 3, 0},
    {"failures stop nothing", 1, "oooo",
     "0! 1# 2! 3=", "1=1 3=none each=[!0 1 !2 none] ~it ~1 ", 4, 0},
    {"items that have ended already", 2, "+!+", "",
     "0=none 2=none each=[none !1 none] ~it ", 3, 0},
    {"an item that could not be made", 2, "on", "0#",
     "0=0 each=[0 !out of memory] ~it ~0 ", 1, 0},
    {"a value is an item, a step without one is none", 2, "vkov", "0#",
     "0=0 each=[v 0 v] ~it ~v ~0 ~v ", 1, 0},
    {"a step that fails", 2, "vf", "", "each!step ~it ~v ", 0, 0},
    {"a step that fails waits for what is open", 3, "oof", "1! 0#",
     "0=0 each!step ~it ~0 ", 2, 0},
    {"an item fails in the step that opens one more", 3, "oF", "1#",
     "1=1 each=[!0 1] ~it ~1 ", 2, 0},
    {"cancelled, with what it has", 3, "voo", "0# C 1~",
     "0=0 each!cancelled ~it ~v ~0 ", 2, 0},
    {"cancelled before its first step", 3, "", "-C", "each!cancelled ~it ", 0,
     0},
    {"cancelled in its step that opens one more", 3, "oc", "| 0~ 1~",
     "each!cancelled ~it | ", 2, 0},
    {"the cooperator ends", 2, "vooo", "0! X 1~ 2~",
     "each!the cooperator was stopped ~it ~v ", 3, 0},
};

START_TEST(items_are_collected_case_by_case)
{
    items_check(&cases[_i], thrum_each_collect, trace_results);
}
END_TEST

/* ---- Many ---- */

enum { MANY = 10000, OPEN = 100 };

typedef struct many {
    thrum_context *context;
    thrum_deferred *open[MANY];
    int numbers[MANY];
    int opened;
} many;

static thrum_outcome many_step(void *it)
{
    many *self = it;
    int index = self->opened;

    if (index == MANY)
        return thrum_done();
    self->opened++;
    self->numbers[index] = index;
    if (index % 10 == 0)
        return thrum_value(&self->numbers[index], NULL);
    self->open[index] = thrum_deferred_new(self->context, "item");
    return thrum_wait(self->open[index]);
}

/* Ends the items that are open, the last one first, each third one badly. */
static void many_close(many *self, int from)
{
    for (int i = self->opened - 1; i >= from; i--) {
        if (self->open[i] == NULL)
            continue;
        if (i % 3 == 0)
            thrum_deferred_fail(self->open[i],
                                chain_failure(self->context, "third"));
        else
            thrum_deferred_fire(self->open[i], &self->numbers[i], NULL);
    }
}

static void many_check(const many *self, const thrum_results *results)
{
    ck_assert_uint_eq(thrum_results_count(results), MANY);
    ck_assert_uint_eq(thrum_results_first(results), 0);
    for (int i = 0; i < MANY; i++) {
        bool failed = i % 3 == 0 && i % 10 != 0;

        ck_assert((thrum_results_failure(results, (size_t)i) != NULL) ==
                  failed);
        ck_assert_ptr_eq(thrum_results_value(results, (size_t)i),
                         failed ? NULL : &self->numbers[i]);
    }
}

START_TEST(ten_thousand_keep_their_places)
{
    struct world world;
    many *self = calloc(1, sizeof *self);
    thrum_deferred *all;
    thrum_free_fn *free_results;
    thrum_failure *why;
    void *results;
    int from = 0;

    world_start(&world, 0);
    self->context = world.context;
    all = thrum_each_collect(world.cooperator, many_step, self, NULL, OPEN);
    while (thrum_cooperator_tick(world.cooperator) || from < MANY) {
        many_close(self, from);
        from = self->opened;
    }
    ck_assert_int_eq(thrum_deferred_take(all, &results, &free_results, &why),
                     0);
    many_check(self, results);
    free_results(results);
    thrum_deferred_finish(all);
    world_end(&world);
    free(self);
}
END_TEST

int main(void)
{
    TCase *collect = tcase_create("collect");

    tcase_add_checked_fixture(collect, trace_setup, NULL);
    tcase_add_loop_test(collect, items_are_collected_case_by_case, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(collect, ten_thousand_keep_their_places);
    return support_main("each collect", &collect, 1);
}
