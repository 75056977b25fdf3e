/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/deferred/play.h"

/* ---- Case by case ---- */

typedef struct group_case {
    const char *name;
    enum kind kind;
    int losers;
    thrum_ns within;
    /* 0=a fire, 0!a fail, 0R refuses to be cancelled, 0@5 fires at 5, G make
     * the group, / cancel it, . finish it, +5 advance the clock */
    const char *words;
    const char *trace;
} group_case;

static const group_case cases[] = {
    {"all waits for the last", ALL, 0, 0, "G 0=a 2=c 1=b .",
     "[0=a 1=b 2=c] first 0 ~a ~b ~c "},
    {"all fails at the first failure", ALL, 0, 0, "G 2=c 1!b 0=a .",
     "failed 1: b ~a ~c "},
    {"a value that comes after all has failed is released", ALL, 0, 0,
     "G 1!b . 2=c 0=a", "failed 1: b ~c ~a "},
    {"all cancels what it waited for, before it fails", ALL, 1, 0, "G 1!b .",
     "x0 x2 failed 1: b "},
    {"all_settled has nobody to cancel", SETTLED, 1, 0, "G 1!b 0!a 2=c .",
     "[0!a 1!b 2=c] first 2 ~c "},
    {"any takes the first value", ANY, 0, 0, "G 1!b 2=c 0=a .",
     "[0? 1!b 2=c] first 2 ~a ~c "},
    {"any cancels the others, and shows it", ANY, 1, 0, "G 1!b 2=c .",
     "x0 [0!cancelled 1!b 2=c] first 2 ~c "},
    {"any fails with the last failure beneath", ANY, 0, 0, "G 1!b 2!c 0!a .",
     "none: a "},
    {"race takes a failure as well", RACE, 1, 0, "G 1!b .",
     "x0 x2 failed 1: b "},
    {"race takes a value", RACE, 1, 0, "G 1=b .",
     "x0 x2 [0!cancelled 1=b 2!cancelled] first 1 ~b "},
    {"a loser that refuses has failed all the same", RACE, 1, 0,
     "0R G 1=b . 0=a", "late0 x2 [0!cancelled 1=b 2!cancelled] first 1 ~b ~a "},
    {"members that had ended decide when the group is made", RACE, 1, 0,
     "1=b G .", "x0 x2 [0!cancelled 1=b 2!cancelled] first 1 ~b "},
    {"the one that was given first, of those that had ended", ANY, 0, 0,
     "1=b 0=a G 2=c .", "[0=a 1=b 2?] first 0 ~c ~a ~b "},

    {"cancelled, all says so", ALL, 0, 0, "G 1=b / .", "x0 x2 cancelled ~b "},
    {"cancelled, all_settled tells of each", SETTLED, 0, 0, "G 1=b / .",
     "x0 x2 [0!cancelled 1=b 2!cancelled] first 1 ~b "},
    {"cancelled, any says so", ANY, 0, 0, "G 1!b / .", "x0 x2 cancelled "},
    {"cancelled, race says so", RACE, 0, 0, "G / .", "x0 x1 x2 cancelled "},
    {"cancelled while one refuses", ALL, 0, 0, "1R G / . 1=b",
     "x0 late1 x2 cancelled ~b "},
    {"with its result there is nothing to cancel", ANY, 0, 0,
     "G 1=b / 0=a 2!c .", "[0? 1=b 2?] first 1 ~a ~b "},

    {"the deadline cancels the members", ALL, 0, 10, "G 1=b +9 +1 .",
     "x0 x2 the time is over ~b "},
    {"the deadline of all_settled", SETTLED, 0, 10, "G 1=b +10 .",
     "x0 x2 the time is over ~b "},
    {"the deadline of any", ANY, 0, 10, "G 1!b +10 .",
     "x0 x2 the time is over "},
    {"the deadline of race", RACE, 0, 10, "G +10 .",
     "x0 x1 x2 the time is over "},
    {"a member that refuses holds up no deadline", ALL, 0, 10,
     "0R G 1=b +10 . 0=a", "late0 x2 the time is over ~b ~a "},
    {"one nanosecond before it is in time", RACE, 1, 10, "1@9 G +10 .",
     "x0 x2 [0!cancelled 1=b 2!cancelled] first 1 ~b "},
    {"at the deadline, asked for before it, is in time", RACE, 1, 10,
     "1@10 G +10 .", "x0 x2 [0!cancelled 1=b 2!cancelled] first 1 ~b "},
    {"at the deadline, asked for after it, is too late", RACE, 1, 10,
     "1R G 1@10 +10 .", "x0 late1 x2 the time is over ~b "},
    {"after the last member there is no deadline", SETTLED, 0, 10,
     "G 0=a 1=b 2=c +10 .", "[0=a 1=b 2=c] first 0 ~a ~b ~c "},
    {"cancelled, there is no deadline", ALL, 0, 10, "1R G / +10 . 1=b",
     "x0 late1 x2 cancelled ~b "},
    {"a time that is over already is not over at once", RACE, 0, -5, "G +0 .",
     "x0 x1 x2 the time is over "},
};

static void hand_fire(void *ctx)
{
    const struct hand *hand = ctx;

    if (hand->play->members[hand->index] != NULL)
        play_fire(hand->play, hand->index, letters[hand->index]);
}

static void play_word(play *self, const group_case *it, const char *word)
{
    thrum_clock *clock = thrum_test_clock_clock(self->clock);
    thrum_group_config config = {it->within != 0 ? clock : NULL, it->within,
                                 it->losers};
    int index = *word - '0';

    if (*word == 'G') {
        play_group(self, it->kind, &config);
    } else if (*word == '/') {
        thrum_deferred_cancel(self->group);
    } else if (*word == '.') {
        play_finish(self);
    } else if (*word == '+') {
        thrum_test_clock_advance(self->clock, strtol(word + 1, NULL, 10));
    } else if (word[1] == 'R') {
        self->refuses[index] = true;
    } else if (word[1] == '@') {
        thrum_clock_call_later(clock, strtol(word + 2, NULL, 10), hand_fire,
                               &self->hands[index], NULL);
    } else if (word[1] == '=') {
        play_fire(self, index, word + 2);
    } else {
        play_fail(self, index, word + 2);
    }
}

START_TEST(what_becomes_of_a_group_case_by_case)
{
    const group_case *it = &cases[_i];
    play self;
    const char *trace;

    play_start(&self);
    for (const char *word = it->words; word != NULL; word = strchr(word, ' ')) {
        word += *word == ' ';
        play_word(&self, it, word);
    }
    trace = trace_take();
    ck_assert_msg(strcmp(trace, it->trace) == 0, "%s: \"%s\", not \"%s\"",
                  it->name, trace, it->trace);
    ck_assert_uint_eq(support_unhandled(), 0);
    play_end(&self);
}
END_TEST

/* ---- None, and no memory ---- */

START_TEST(a_group_of_nobody)
{
    static const char *const traces[KINDS] = {
        "[] first 0 ", "[] first 0 ", "none: no members ", "none: no members "};
    thrum_context *context = support_context();
    thrum_deferred *group = kinds[_i](context, NULL, 0, NULL);

    thrum_deferred_add(group, tell_results, tell_failure, NULL, NULL);
    thrum_deferred_finish(group);
    ck_assert_str_eq(trace_take(), traces[_i]);
    support_context_end(context);
}
END_TEST

START_TEST(a_member_that_could_not_be_made_has_failed)
{
    static const char *const traces[KINDS] = {
        "x1 failed 0: out of memory ",
        "[0!out of memory 1=b 2!out of memory] first 1 ~b ",
        "[0!out of memory 1=b 2!out of memory] first 1 ~b ",
        "x1 failed 0: out of memory "};
    thrum_group_config config = {.cancel_losers = 1};
    play self;
    thrum_deferred *members[MEMBERS] = {NULL, NULL, NULL};

    play_start(&self);
    members[1] = self.members[1];
    for (int i = 0; i < MEMBERS; i += 2)
        thrum_deferred_unref(self.members[i]);
    self.group = kinds[_i](self.context, members, MEMBERS, &config);
    thrum_deferred_add(self.group, tell_results, tell_failure, NULL, NULL);
    if (self.members[1] != NULL)
        play_fire(&self, 1, "b");
    play_finish(&self);
    ck_assert_str_eq(trace_take(), traces[_i]);
    play_end(&self);
}
END_TEST

/* ---- Each within the other ---- */

static thrum_outcome fire_others(void *value, void *ctx)
{
    play *self = ctx;

    (void)value;
    for (int i = 0; i < MEMBERS; i++)
        if (self->members[i] != NULL)
            play_fire(self, i, letters[i]);
    return thrum_keep();
}

START_TEST(a_member_that_fires_the_others_in_its_callback_comes_last)
{
    static const char *const traces[KINDS] = {
        "[0=a 1=b 2=c] first 1 ~a ~b ~c ", "[0=a 1=b 2=c] first 1 ~a ~b ~c ",
        "[0? 1=b 2?] first 1 ~c ~a ~b ", "[0? 1=b 2?] first 1 ~c ~a ~b "};
    play self;

    play_start(&self);
    thrum_deferred_add(self.consumers[0], fire_others, NULL, &self, NULL);
    play_group(&self, (enum kind)_i, NULL);
    play_fire(&self, 0, "a");
    play_finish(&self);
    ck_assert_str_eq(trace_take(), traces[_i]);
    play_end(&self);
}
END_TEST

static thrum_outcome finish_and_cancel(void *value, void *ctx)
{
    play *self = ctx;

    (void)value;
    thrum_deferred_cancel(self->group);
    play_finish(self);
    return thrum_keep();
}

START_TEST(a_group_may_be_finished_in_its_own_callback)
{
    thrum_group_config config = {.cancel_losers = _i % 2};
    play self;

    play_start(&self);
    self.group = thrum_any(self.context, self.consumers, MEMBERS, &config);
    thrum_deferred_add(self.group, finish_and_cancel, NULL, &self, NULL);
    thrum_deferred_add(self.group, trace_value, NULL, "end", trace_release);
    thrum_deferred_add(self.group, NULL, NULL, NULL, NULL);
    play_fire(&self, 1, "b");
    ck_assert_ptr_null(self.group);
    play_end(&self);
    ck_assert_ptr_nonnull(strstr(trace_take(), "~end "));
}
END_TEST

static thrum_cancelled cancel_the_group_and_fire(thrum_deferred *deferred,
                                                 void *ctx)
{
    play *self = ctx;

    thrum_deferred_cancel(self->group);
    self->members[0] = NULL;
    thrum_deferred_fire(deferred, letters[0], NULL);
    return THRUM_CANCELLED_STOPPED;
}

/* _i: by the group's consumer, or as a loser. */
START_TEST(a_canceller_may_fire_its_member_and_cancel_the_group)
{
    thrum_group_config config = {.cancel_losers = 1};
    play self;

    play_start(&self);
    thrum_deferred_unref(self.consumers[0]);
    thrum_deferred_abandon(self.consumers[0]);
    self.consumers[0] = thrum_deferred_new(self.context, "member");
    thrum_deferred_on_cancel(self.consumers[0], cancel_the_group_and_fire,
                             &self, NULL);
    self.members[0] = self.consumers[0];
    play_group(&self, ANY, &config);
    if (_i == 0)
        thrum_deferred_cancel(self.group);
    else
        play_fire(&self, 1, "b");
    play_finish(&self);
    ck_assert_str_eq(trace_take(),
                     _i == 0 ? "x1 x2 [0=a 1!cancelled 2!cancelled] first 0 "
                             : "x2 [0=a 1=b 2!cancelled] first 1 ~b ");
    play_end(&self);
}
END_TEST

static thrum_cancelled fire_another(thrum_deferred *deferred, void *another)
{
    (void)deferred;
    trace_note("first's loser ");
    thrum_deferred_fire(another, letters[0], NULL);
    trace_note("has gone ");
    return THRUM_CANCELLED_STOPPED;
}

static thrum_cancelled stop(thrum_deferred *deferred, void *name)
{
    (void)deferred;
    trace_note(name);
    return THRUM_CANCELLED_STOPPED;
}

START_TEST(a_group_decided_by_a_loser_of_another_waits_its_turn)
{
    thrum_group_config config = {.cancel_losers = 1};
    thrum_context *context = support_context();
    thrum_deferred *first[2], *second[2], *winner, *groups[2];

    for (int i = 0; i < 2; i++) {
        first[i] = thrum_deferred_new(context, "first");
        second[i] = thrum_deferred_new(context, "second");
    }
    winner = first[0];
    thrum_deferred_on_cancel(first[1], fire_another, second[0], NULL);
    thrum_deferred_on_cancel(second[1], stop, "second's loser ", NULL);
    groups[0] = thrum_race(context, first, 2, &config);
    groups[1] = thrum_race(context, second, 2, &config);
    for (int i = 0; i < 2; i++)
        thrum_deferred_add(groups[i], tell_results, tell_failure, NULL, NULL);
    thrum_deferred_fire(winner, letters[0], NULL);
    ck_assert_str_eq(trace_take(), "first's loser has gone "
                                   "[0=a 1!cancelled] first 0 "
                                   "second's loser [0=a 1!cancelled] first 0 ");
    for (int i = 0; i < 2; i++)
        thrum_deferred_finish(groups[i]);
    support_context_end(context);
}
END_TEST

START_TEST(a_member_that_goes_on_after_the_deadline_is_not_waited_for)
{
    play self;
    thrum_group_config config = {.within = 10};
    thrum_deferred *rest;

    play_start(&self);
    config.clock = thrum_test_clock_clock(self.clock);
    rest = thrum_deferred_new(self.context, "rest");
    thrum_deferred_add(self.consumers[0], NULL, answer_wait_failed, rest, NULL);
    play_group(&self, ALL, &config);
    thrum_test_clock_advance(self.clock, 10);
    play_finish(&self);
    ck_assert_str_eq(trace_take(), "x0 x1 x2 the time is over ");
    thrum_deferred_fire(rest, "r", trace_release);
    ck_assert_str_eq(trace_take(), "~r ");
    play_end(&self);
}
END_TEST

START_TEST(groups_of_groups_pass_the_cancel_on)
{
    play self;
    thrum_deferred *inner[2];

    play_start(&self);
    inner[0] = thrum_any(self.context, self.consumers, 2, NULL);
    inner[1] = self.consumers[2];
    self.group = thrum_all_settled(self.context, inner, 2, NULL);
    thrum_deferred_add(self.group, tell_results, tell_failure, NULL, NULL);
    thrum_deferred_cancel(self.group);
    ck_assert_str_eq(trace_take(),
                     "x0 x1 x2 [0!cancelled 1!cancelled] first 2 ");
    play_finish(&self);
    play_end(&self);
}
END_TEST

static thrum_outcome take_out(void *value, void *ctx)
{
    thrum_free_fn *free = NULL;

    ck_assert_ptr_null(thrum_results_take(value, 1, &free));
    ck_assert_ptr_null(free);
    *(void **)ctx = thrum_results_take(value, 0, &free);
    ck_assert_ptr_eq(free, trace_release);
    ck_assert_ptr_null(thrum_results_value(value, 0));
    ck_assert_int_eq(thrum_results_state(value, 0), THRUM_DEFERRED_VALUE);
    return thrum_keep();
}

START_TEST(a_value_taken_out_of_the_results_is_not_released)
{
    play self;
    void *value = NULL;

    play_start(&self);
    self.group = thrum_all_settled(self.context, self.consumers, MEMBERS, NULL);
    thrum_deferred_add(self.group, take_out, NULL, &value, NULL);
    play_fire(&self, 0, "a");
    play_fail(&self, 1, "b");
    play_fire(&self, 2, "c");
    play_finish(&self);
    ck_assert_str_eq(value, "a");
    ck_assert_str_eq(trace_take(), "~c ");
    play_end(&self);
}
END_TEST

/* ---- Each allocation failing ---- */

static enum kind without_memory;

/* Nothing is lost, everything is released once, and the group, if there is
 * one, ends. */
static void one_of_each(void)
{
    thrum_context *context = support_context();
    thrum_test_clock *clock = NULL;
    thrum_group_config config = {.within = 10, .cancel_losers = 1};
    thrum_deferred *members[MEMBERS], *group;

    if (context != NULL)
        clock = thrum_test_clock_new(context);
    for (int i = 0; i < MEMBERS && clock != NULL; i++)
        members[i] = thrum_deferred_new(context, "member");
    if (clock != NULL) {
        thrum_deferred *first = thrum_deferred_ref(members[0]);
        thrum_deferred *others[] = {thrum_deferred_ref(members[1]),
                                    thrum_deferred_ref(members[2])};

        /* The group's pair of this one needs memory of its own. */
        thrum_deferred_add(members[1], NULL, NULL, NULL, NULL);
        config.clock = thrum_test_clock_clock(clock);
        group = kinds[without_memory](context, members, MEMBERS, &config);
        thrum_deferred_add(group, tell_results, tell_failure, NULL, NULL);
        thrum_deferred_fire(first, "a", NULL);
        thrum_test_clock_advance(clock, 10);
        thrum_deferred_finish(group);
        for (int i = 0; i < 2; i++)
            thrum_deferred_abandon(others[i]);
        thrum_deferred_unref(first);
        for (int i = 0; i < 2; i++)
            thrum_deferred_unref(others[i]);
        ck_assert_int_eq(*trace_take() != '\0', group != NULL);
        ck_assert_uint_eq(thrum_test_clock_pending(clock), 0);
    }
    thrum_test_clock_free(clock);
    support_context_end(context);
}

START_TEST(with_each_allocation_failing_a_group_ends_or_is_not_made)
{
    without_memory = (enum kind)_i;
    support_every_allocation(one_of_each);
}
END_TEST

int main(void)
{
    TCase *group = tcase_create("group");

    tcase_add_checked_fixture(group, trace_setup, NULL);
    tcase_add_loop_test(group, what_becomes_of_a_group_case_by_case, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_loop_test(group, a_group_of_nobody, 0, KINDS);
    tcase_add_loop_test(group, a_member_that_could_not_be_made_has_failed, 0,
                        KINDS);
    tcase_add_loop_test(
        group, a_member_that_fires_the_others_in_its_callback_comes_last, 0,
        KINDS);
    tcase_add_loop_test(group, a_group_may_be_finished_in_its_own_callback, 0,
                        2);
    tcase_add_loop_test(
        group, a_canceller_may_fire_its_member_and_cancel_the_group, 0, 2);
    tcase_add_test(group, a_group_decided_by_a_loser_of_another_waits_its_turn);
    tcase_add_test(group,
                   a_member_that_goes_on_after_the_deadline_is_not_waited_for);
    tcase_add_test(group, groups_of_groups_pass_the_cancel_on);
    tcase_add_test(group, a_value_taken_out_of_the_results_is_not_released);
    tcase_add_loop_test(
        group, with_each_allocation_failing_a_group_ends_or_is_not_made, 0,
        KINDS);
    return support_main("group", &group, 1);
}
