/* SPDX-License-Identifier: MIT */
/*
 * thrum_each_count. That items open and close as under thrum_each is
 * test_each.c's matter: here it is what becomes of them.
 */
#include <stdio.h>

#include "tests/deferred/items.h"

static thrum_outcome trace_counts(void *value, void *name)
{
    const thrum_each_counts *counts = value;
    char text[60];

    snprintf(text, sizeof text, "%s=%u+%u ", (char *)name,
             (unsigned)counts->succeeded, (unsigned)counts->failed);
    trace_note(text);
    return thrum_keep();
}

static const items_case cases[] = {
    {"nothing to count", 1, "kk", "", "each=0+0 ~it ", 0, 0},
    {"items that succeed", 2, "ooo",
     "0# 1= 2=", "0=0 ~0 1=none 2=none each=3+0 ~it ", 3, 0},
    {"items that fail stop nothing", 1, "oooo", "0! 1! 2= 3!",
     "2=none each=1+3 ~it ", 4, 0},
    {"items that have ended already", 2, "+!+!+", "",
     "0=none 2=none 4=none each=3+2 ~it ", 5, 0},
    {"an item that could not be made", 2, "on", "0=", "0=none each=1+1 ~it ", 1,
     0},
    {"a value is an item that has succeeded", 2, "vkv", "",
     "~v ~v each=2+0 ~it ", 0, 0},
    {"a step that fails", 2, "vf", "", "~v each!step ~it ", 0, 0},
    {"a step that fails waits for what is open", 3, "oof",
     "1! 0=", "0=none each!step ~it ", 2, 0},
    {"an item fails in the step that fails", 3, "oB", "", "each!step ~it ", 1,
     0},
    {"an item fails in the step that opens one more", 3, "oF",
     "1=", "1=none each=1+1 ~it ", 2, 0},
    {"cancelled after an item has failed", 3, "ooo", "1! C 0~ 2~",
     "each!cancelled ~it ", 3, 0},
    {"cancelled before its first step", 3, "", "-C", "each!cancelled ~it ", 0,
     0},
    {"cancelled in its step that opens one more", 3, "oc", "| 0~ 1~",
     "each!cancelled ~it | ", 2, 0},
    {"the cooperator ends", 2, "ooo", "0! X 1~ 2~",
     "each!the cooperator was stopped ~it ", 3, 0},
};

START_TEST(items_are_counted_case_by_case)
{
    items_check(&cases[_i], thrum_each_count, trace_counts);
}
END_TEST

START_TEST(the_counts_live_as_long_as_the_value)
{
    items self;
    void *value;
    thrum_free_fn *free_value;
    thrum_failure *why;

    items_start(&self, thrum_each_count, "v!n", 1);
    items_run(&self);
    ck_assert_str_eq(trace_take(), "~v ~it ");
    ck_assert_int_eq(thrum_deferred_take(self.each, &value, &free_value, &why),
                     0);
    thrum_deferred_finish(self.each);
    ck_assert_uint_eq(((thrum_each_counts *)value)->succeeded, 1);
    ck_assert_uint_eq(((thrum_each_counts *)value)->failed, 2);
    free_value(value);
    items_end(&self);
}
END_TEST

int main(void)
{
    TCase *count = tcase_create("count");

    tcase_add_checked_fixture(count, trace_setup, NULL);
    tcase_add_loop_test(count, items_are_counted_case_by_case, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(count, the_counts_live_as_long_as_the_value);
    return support_main("each count", &count, 1);
}
