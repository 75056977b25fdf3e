/* SPDX-License-Identifier: MIT */
#include "tests/deferred/items.h"

static const items_case cases[] = {
    {"one at a time", 1, "ooo",
     "0= 1= 2=", "0=none 1=none 2=none each=none ~it ", 3, 0},
    {"none at a time counts as one", 0, "oo",
     "0= 1=", "0=none 1=none each=none ~it ", 2, 0},
    {"two at a time, in any order", 2, "oooo",
     "1= 2= 0= 3=", "1=none 2=none 0=none 3=none each=none ~it ", 4, 0},
    {"it goes on while fewer are open", 3, "ook",
     "0= 1=", "0=none 1=none each=none ~it ", 2, 0},
    {"no items at all", 2, "kvk", "", "~v each=none ~it ", 0, 0},
    {"items that are fired already", 2, "+++++", "",
     "0=none 1=none 2=none 3=none 4=none each=none ~it ", 5, 0},
    {"a step that fails", 2, "kf", "", "each!step ~it ", 0, 0},
    {"a step that fails for want of memory", 2, "m", "",
     "each!out of memory ~it ", 0, 0},
    {"a step that fails waits for what is open", 3, "oof",
     "1= 0=", "1=none 0=none each!step ~it ", 2, 0},
    {"an item that fails stops it, when the others have closed", 3, "oooo",
     "1! 0= 2=", "0=none 2=none each!1 ~it ", 3, 0},
    {"the failures after the first are reported", 3, "oooo", "1! 0! 2!",
     "each!1 ~it ", 3, 2},
    {"an item that has failed already", 3, "o!o", "0=", "0=none each!1 ~it ", 2,
     0},
    {"an item that could not be made", 3, "ono",
     "0=", "0=none each!out of memory ~it ", 1, 0},
    {"cancelled, it cancels what is open", 3, "oooo", "C | 0~ 1~ 2~",
     "each!cancelled ~it | ", 3, 0},
    {"cancelled before its first step", 3, "", "-C", "each!cancelled ~it ", 0,
     0},
    {"cancelled after an item has failed", 3, "ooo", "1! C 0~ 2~",
     "each!cancelled ~it ", 3, 0},
    {"cancelled in its step that says there is more", 3, "oC", "| 0~",
     "each!cancelled ~it | ", 1, 0},
    {"cancelled in its step that opens one more", 3, "oc", "| 0~ 1~",
     "each!cancelled ~it | ", 2, 0},
    {"an item fails in the step that opens one more", 3, "oF",
     "1=", "1=none each!0 ~it ", 2, 0},
    {"an item fails in the step that fails", 3, "oB", "", "each!0 ~it ", 1, 1},
    {"the cooperator ends", 2, "ooo", "X 0~ 1~",
     "each!the cooperator was stopped ~it ", 2, 0},
    {"the cooperator ends after an item has failed", 2, "ooo", "0! X 1~",
     "each!0 ~it ", 2, 0},
};

START_TEST(items_open_and_close_case_by_case)
{
    items_check(&cases[_i], thrum_each, trace_value);
}
END_TEST

START_TEST(never_are_more_open_than_may_be)
{
    items self;

    items_start(&self, thrum_each, "ooooooooooooo", 4);
    thrum_deferred_add(self.each, trace_value, trace_failure, "each", NULL);
    items_run(&self);
    for (int i = 0; i < 13; i++) {
        int most = i + 4 < 13 ? i + 4 : 13;

        ck_assert_int_eq(self.opened, most);
        thrum_deferred_fire(self.open[i], NULL, NULL);
        ck_assert_int_eq(self.opened, most);
        items_run(&self);
    }
    thrum_deferred_finish(self.each);
    items_end(&self);
}
END_TEST

/* ---- Cancelling items that do what they like ---- */

typedef struct stubborn {
    thrum_context *context;
    thrum_deferred *items[3], *rests[3];
    int opened, asked;
} stubborn;

static thrum_cancelled stubborn_cancel(thrum_deferred *d, void *ctx)
{
    (void)d;
    ((stubborn *)ctx)->asked++;
    return THRUM_CANCELLED_STOPPED;
}

/* Cancelled, the first goes on with something of its own, after it has closed
 * the second. */
static thrum_outcome stubborn_go_on(const thrum_failure *why, void *ctx)
{
    stubborn *self = ctx;

    (void)why;
    thrum_deferred_fire(self->items[1], NULL, NULL);
    return thrum_wait(self->rests[0]);
}

static thrum_outcome stubborn_step(void *it)
{
    stubborn *self = it;
    thrum_deferred *item = thrum_deferred_new(self->context, "item");
    thrum_deferred *rest = thrum_deferred_new(self->context, "rest");

    self->items[self->opened] = item;
    self->rests[self->opened] = rest;
    thrum_deferred_on_cancel(rest, stubborn_cancel, self, NULL);
    if (self->opened++ == 0) {
        thrum_deferred_add(item, NULL, stubborn_go_on, self, NULL);
    } else {
        thrum_deferred_finish(rest);
        thrum_deferred_fire(rest, NULL, NULL);
    }
    return thrum_wait(item);
}

START_TEST(an_item_that_goes_on_is_asked_once_and_keeps_the_iterator)
{
    struct world world;
    stubborn self = {NULL, {NULL}, {NULL}, 0, 0};
    thrum_deferred *each;

    world_start(&world, 0);
    self.context = world.context;
    each = thrum_each(world.cooperator, stubborn_step, &self, items_release, 3);
    thrum_deferred_add(each, trace_value, trace_failure, "each", NULL);
    thrum_cooperator_tick(world.cooperator);
    ck_assert_int_eq(self.opened, 3);
    thrum_deferred_cancel(each);
    ck_assert_str_eq(trace_take(), "each!cancelled ");
    ck_assert_int_eq(self.asked, 0);
    thrum_deferred_abandon(self.items[0]); /* late */
    thrum_deferred_abandon(self.items[2]);
    thrum_deferred_fire(self.rests[0], NULL, NULL);
    ck_assert_str_eq(trace_take(), "~it ");
    thrum_deferred_finish(each);
    ck_assert_uint_eq(support_unhandled(), 0);
    world_end(&world);
}
END_TEST

START_TEST(items_may_be_cancelled_one_by_one_and_then_all)
{
    items self;

    items_start(&self, thrum_each, "oooo", 4);
    thrum_deferred_add(self.each, trace_value, trace_failure, "each", NULL);
    items_run(&self);
    thrum_deferred_cancel(self.open[2]); /* fails, and stops the iterator */
    ck_assert_str_eq(trace_take(), "");
    thrum_deferred_cancel(self.open[1]);
    thrum_deferred_cancel(self.each);
    ck_assert_str_eq(trace_take(), "each!cancelled ~it ");
    for (int i = 0; i < 4; i++)
        thrum_deferred_abandon(self.open[i]);
    thrum_deferred_finish(self.each);
    ck_assert_uint_eq(support_unhandled(), 1); /* the second's */
    items_end(&self);
}
END_TEST

static thrum_outcome free_the_cooperator(void *value, void *ctx)
{
    struct world *self = ctx;

    (void)value;
    thrum_cooperator_free(self->cooperator);
    self->cooperator = NULL;
    return thrum_keep();
}

START_TEST(the_end_may_free_the_cooperator_from_within_a_tick)
{
    items self;

    items_start(&self, thrum_each, "+++", 2);
    thrum_deferred_add(self.each, trace_value, trace_failure, "each", NULL);
    thrum_deferred_add(self.each, free_the_cooperator, NULL, &self.world, NULL);
    items_run(&self);
    thrum_deferred_finish(self.each);
    ck_assert_str_eq(trace_take(), "0=none 1=none 2=none each=none ~it ");
    items_end(&self);
}
END_TEST

int main(void)
{
    TCase *each = tcase_create("each");

    tcase_add_checked_fixture(each, trace_setup, NULL);
    tcase_add_loop_test(each, items_open_and_close_case_by_case, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(each, never_are_more_open_than_may_be);
    tcase_add_test(each,
                   an_item_that_goes_on_is_asked_once_and_keeps_the_iterator);
    tcase_add_test(each, items_may_be_cancelled_one_by_one_and_then_all);
    tcase_add_test(each, the_end_may_free_the_cooperator_from_within_a_tick);
    return support_main("each", &each, 1);
}
