/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/deferred_list.h>

#include "tests/deferred/chain.h"

enum {
    CALLBACK = THRUM_LIST_FIRE_ON_ONE_CALLBACK,
    ERRBACK = THRUM_LIST_FIRE_ON_ONE_ERRBACK,
    CONSUME = THRUM_LIST_CONSUME_ERRORS
};

/* Writes what became of each member: "0=x", "1!why", "2?". */
static thrum_outcome tell_results(void *value, void *ctx)
{
    thrum_results *results = value;
    char text[100];

    (void)ctx;
    trace_note("[");
    for (size_t i = 0; i < thrum_results_count(results); i++) {
        const thrum_failure *why = thrum_results_failure(results, i);
        const char *member = thrum_results_value(results, i);

        snprintf(text, sizeof text, "%s%zu%s%s", i > 0 ? " " : "", i,
                 why != NULL      ? "!"
                 : member != NULL ? "="
                                  : "?",
                 why != NULL      ? thrum_failure_text(why)
                 : member != NULL ? member
                                  : "");
        trace_note(text);
    }
    snprintf(text, sizeof text, "] first %zu ", thrum_results_first(results));
    trace_note(text);
    return thrum_keep();
}

static thrum_outcome tell_failure(const thrum_failure *why, void *ctx)
{
    char text[100];
    size_t index = thrum_results_first_failed(why);

    (void)ctx;
    if (thrum_failure_is(why, &thrum_domain_deferred, THRUM_DEFERRED_E_FIRST))
        snprintf(text, sizeof text, "first failed %zu: %s ", index,
                 thrum_failure_text(thrum_failure_cause(why)));
    else
        snprintf(text, sizeof text, "failed: %s ", thrum_failure_text(why));
    ck_assert(thrum_failure_cause(why) != NULL || index == SIZE_MAX);
    trace_note(text);
    return thrum_done();
}

typedef struct list_case {
    const char *name;
    unsigned flags;
    const char *words; /* 0=a fire, 0!a fail, L make the list of three, / cancel
                          it, . finish it */
    const char *trace;
    unsigned unhandled;
} list_case;

static const list_case cases[] = {
    {"it waits for the last", 0, "L 0=a 2=c 1=b .",
     "[0=a 1=b 2=c] first 0 ~a ~b ~c ", 0},
    {"the members may be fired before", 0, "2=c 0=a 1=b L .",
     "[0=a 1=b 2=c] first 0 ~a ~b ~c ", 0},
    {"some before and some after", 0, "1=b L 2=c 0=a .",
     "[0=a 1=b 2=c] first 1 ~a ~b ~c ", 0},
    {"a failure of a member is a result, and is reported", 0, "L 0=a 1!b 2=c .",
     "[0=a 1!b 2=c] first 0 ~a ~c ", 1},
    {"a failure is consumed when that is asked for", CONSUME, "L 0=a 1!b 2=c .",
     "[0=a 1!b 2=c] first 0 ~a ~c ", 0},
    {"all may fail", CONSUME, "L 2!c 1!b 0!a .", "[0!a 1!b 2!c] first 3 ", 0},
    {"the first value fires it", CALLBACK, "L 1=b 0=a 2=c .",
     "[0? 1=b 2?] first 1 ~a ~c ~b ", 0},
    {"values that come after it are released as well", CALLBACK,
     "L 1=b . 0=a 2=c", "[0? 1=b 2?] first 1 ~a ~c ~b ", 0},
    {"the first value may be there before", CALLBACK, "1=b L 0=a 2=c .",
     "[0? 1=b 2?] first 1 ~a ~c ~b ", 0},
    {"a failure does not fire it where a value would", CALLBACK | CONSUME,
     "L 0!a 1=b 2=c .", "[0!a 1=b 2?] first 1 ~c ~b ", 0},
    {"without any value it fires with the last failure", CALLBACK | CONSUME,
     "L 0!a 1!b 2!c .", "[0!a 1!b 2!c] first 3 ", 0},
    {"the first failure fails it", ERRBACK | CONSUME, "L 0=a 1!b 2=c .",
     "first failed 1: b ~c ~a ", 0},
    {"later failures are consumed", ERRBACK | CONSUME, "L 2!c 1!b 0=a .",
     "first failed 2: c ~a ", 0},
    {"later failures are reported", ERRBACK, "L 2!c 1!b 0=a .",
     "first failed 2: c ~a ", 2},
    {"the first failure may be there before", ERRBACK | CONSUME,
     "1!b L 0=a 2=c .", "first failed 1: b ~a ~c ", 0},
    {"with both flags whatever comes first", CALLBACK | ERRBACK | CONSUME,
     "L 1!b 0=a 2=c .", "first failed 1: b ~a ~c ", 0},
    {"with both flags a value", CALLBACK | ERRBACK | CONSUME, "L 0=a 1!b 2=c .",
     "[0=a 1? 2?] first 0 ~c ~a ", 0},
    {"values alone do not fail it", ERRBACK, "L 0=a 1=b 2=c .",
     "[0=a 1=b 2=c] first 0 ~a ~b ~c ", 0},
    {"cancelled, every member is", CONSUME, "L 1=b / . 0=a 2=c",
     "[0!cancelled 1=b 2!cancelled] first 1 ~b ~a ~c ", 0},
    {"cancelled, the members' failures are reported", 0, "L 1=b / . 0=a 2=c",
     "[0!cancelled 1=b 2!cancelled] first 1 ~b ~a ~c ", 2},
    {"cancelled, it fails with the first, and all are asked", ERRBACK | CONSUME,
     "L / . 0=a 1=b 2=c", "first failed 0: cancelled ~a ~b ~c ", 0},
    {"with its result there is nothing to cancel", CALLBACK,
     "L 1=b / 0=a 2=c .", "[0? 1=b 2?] first 1 ~a ~c ~b ", 0},
};

typedef struct play {
    thrum_context *context;
    thrum_deferred *members[3], *list;
    unsigned flags;
} play;

static char letters[][2] = {"a", "b", "c"};

static void play_word(play *self, const char *word)
{
    thrum_deferred *member = NULL;

    if (*word >= '0' && *word <= '2')
        member = self->members[*word - '0'];
    if (*word == 'L') {
        self->list =
            thrum_deferred_list(self->context, self->members, 3, self->flags);
        thrum_deferred_add(self->list, tell_results, tell_failure, NULL, NULL);
    } else if (*word == '/') {
        thrum_deferred_cancel(self->list);
    } else if (*word == '.') {
        thrum_deferred_finish(self->list);
    } else if (word[1] == '=') {
        thrum_deferred_fire(member, letters[word[2] - 'a'], trace_release);
    } else {
        thrum_deferred_fail(
            member, chain_failure(self->context, letters[word[2] - 'a']));
    }
}

START_TEST(what_the_flags_mean_case_by_case)
{
    const list_case *it = &cases[_i];
    play self = {.context = support_context(), .flags = it->flags};
    const char *trace;
    unsigned unhandled;

    for (int i = 0; i < 3; i++)
        self.members[i] = thrum_deferred_new(self.context, "member");
    for (const char *word = it->words; word != NULL; word = strchr(word, ' ')) {
        word += *word == ' ';
        play_word(&self, word);
    }
    trace = trace_take();
    unhandled = support_unhandled();
    ck_assert_msg(strcmp(trace, it->trace) == 0, "%s: \"%s\", not \"%s\"",
                  it->name, trace, it->trace);
    ck_assert_msg(unhandled == it->unhandled, "%s: %u unhandled", it->name,
                  unhandled);
    support_context_end(self.context);
}
END_TEST

START_TEST(an_empty_list_is_fired_at_once)
{
    thrum_context *context = support_context();
    thrum_deferred *list = thrum_deferred_list(context, NULL, 0, ERRBACK);

    thrum_deferred_add(list, tell_results, tell_failure, NULL, NULL);
    thrum_deferred_finish(list);
    ck_assert_str_eq(trace_take(), "[] first 0 ");
    support_context_end(context);
}
END_TEST

START_TEST(a_member_that_could_not_be_made_has_failed)
{
    thrum_context *context = support_context();
    thrum_deferred *members[] = {NULL, thrum_deferred_new(context, "b"), NULL};
    thrum_deferred *one = members[1];
    thrum_deferred *list = thrum_deferred_list(context, members, 3, 0);

    thrum_deferred_add(list, tell_results, tell_failure, NULL, NULL);
    ck_assert_str_eq(trace_take(), "");
    thrum_deferred_fire(one, "b", NULL);
    ck_assert_str_eq(trace_take(),
                     "[0!out of memory 1=b 2!out of memory] first 1 ");
    thrum_deferred_finish(list);
    members[0] = NULL;
    list = thrum_deferred_list(context, members, 1, ERRBACK);
    thrum_deferred_add(list, tell_results, tell_failure, NULL, NULL);
    thrum_deferred_finish(list);
    ck_assert_str_eq(trace_take(), "first failed 0: out of memory ");
    support_context_end(context);
}
END_TEST

START_TEST(a_member_that_goes_on_after_the_cancel_holds_up_nobody)
{
    thrum_context *context = support_context();
    thrum_deferred *member = thrum_deferred_new(context, "member");
    thrum_deferred *rest = thrum_deferred_new(context, "rest");
    thrum_deferred *list;

    thrum_deferred_add(member, NULL, answer_wait_failed, rest, NULL);
    list = thrum_deferred_list(context, &member, 1, 0);
    thrum_deferred_add(list, tell_results, tell_failure, NULL, NULL);
    thrum_deferred_cancel(list);
    ck_assert_str_eq(trace_take(), "failed: cancelled ");
    thrum_deferred_abandon(member); /* late: swallowed */
    thrum_deferred_fire(rest, "r", trace_release);
    ck_assert_str_eq(trace_take(), "~r ");
    thrum_deferred_finish(list);
    support_context_end(context);
}
END_TEST

static thrum_outcome cancel_it(const thrum_failure *why, void *d)
{
    (void)why;
    thrum_deferred_cancel(d);
    return thrum_keep();
}

START_TEST(a_member_may_cancel_its_sibling_and_its_list)
{
    thrum_context *context = support_context();
    thrum_deferred *members[3], *list, *first, *second;

    for (int i = 0; i < 3; i++)
        members[i] = thrum_deferred_new(context, "member");
    first = members[0];
    second = members[1];
    thrum_deferred_add(first, NULL, cancel_it, members[1], NULL);
    list = thrum_deferred_list(context, members, 3, CONSUME);
    thrum_deferred_add(list, tell_results, tell_failure, NULL, NULL);
    thrum_deferred_fire(members[2], "c", NULL);
    thrum_deferred_fail(first, chain_failure(context, "a"));
    ck_assert_str_eq(trace_take(), "[0!a 1!cancelled 2=c] first 2 ");
    thrum_deferred_finish(list);
    thrum_deferred_abandon(second);

    members[0] = first = thrum_deferred_new(context, "member");
    members[1] = second = thrum_deferred_new(context, "member");
    list = thrum_deferred_list(context, members, 2, CONSUME);
    thrum_deferred_add(list, tell_results, tell_failure, NULL, NULL);
    thrum_deferred_add(list, NULL, cancel_it, list, NULL);
    thrum_deferred_fail(first, chain_failure(context, "a"));
    thrum_deferred_cancel(list);
    ck_assert_str_eq(trace_take(), "[0!a 1!cancelled] first 2 ");
    thrum_deferred_cancel(list);
    thrum_deferred_finish(list);
    thrum_deferred_abandon(second);
    support_context_end(context);
}
END_TEST

static thrum_cancelled fire_and_cancel_the_list(thrum_deferred *d, void *ctx)
{
    thrum_deferred_cancel(*(thrum_deferred **)ctx);
    thrum_deferred_fire(d, "late", NULL);
    return THRUM_CANCELLED_STOPPED;
}

START_TEST(a_canceller_of_a_member_may_cancel_the_list_again)
{
    thrum_context *context = support_context();
    thrum_deferred *members[2], *list;

    for (int i = 0; i < 2; i++) {
        members[i] = thrum_deferred_new(context, "member");
        thrum_deferred_on_cancel(members[i], fire_and_cancel_the_list, &list,
                                 NULL);
    }
    list = thrum_deferred_list(context, members, 2, CONSUME);
    thrum_deferred_add(list, tell_results, tell_failure, NULL, NULL);
    thrum_deferred_cancel(list);
    ck_assert_str_eq(trace_take(), "[0=late 1=late] first 0 ");
    thrum_deferred_finish(list);
    support_context_end(context);
}
END_TEST

static thrum_outcome tell_how_many(void *value, void *ctx)
{
    (void)ctx;
    ck_assert_ptr_nonnull(thrum_results_value(value, 0));
    ck_assert_ptr_null(thrum_results_value(value, 1));
    trace_note("list");
    return thrum_keep();
}

START_TEST(lists_of_lists_cancel_what_is_beneath_them)
{
    thrum_context *context = support_context();
    thrum_deferred *members[4], *outer[2], *list;

    for (int i = 0; i < 4; i++)
        members[i] = thrum_deferred_new(context, "member");
    outer[0] = thrum_deferred_list(context, members, 2, CONSUME);
    outer[1] = thrum_deferred_new(context, "waits");
    thrum_deferred_add(
        outer[1], answer_wait, NULL,
        thrum_deferred_list(context, members + 2, 2, ERRBACK | CONSUME), NULL);
    thrum_deferred_fire(outer[1], NULL, NULL);
    thrum_deferred_add(outer[0], tell_results, tell_failure, NULL, NULL);
    thrum_deferred_add(outer[1], tell_results, tell_failure, NULL, NULL);
    list = thrum_deferred_list(context, outer, 2, 0);
    thrum_deferred_add(list, tell_how_many, trace_failure, NULL, NULL);
    thrum_deferred_cancel(list);
    ck_assert_str_eq(trace_take(), "[0!cancelled 1!cancelled] first 2 "
                                   "first failed 0: cancelled list");
    thrum_deferred_finish(list);
    for (int i = 0; i < 4; i++)
        thrum_deferred_abandon(members[i]);
    support_context_end(context);
}
END_TEST

START_TEST(callbacks_of_a_member_behind_the_list_s_get_what_it_left)
{
    thrum_context *context = support_context();
    thrum_deferred *members[2], *list, *first, *second;

    members[0] = first = thrum_deferred_new(context, "member");
    members[1] = second = thrum_deferred_new(context, "member");
    list = thrum_deferred_list(context, members, 2, ERRBACK);
    thrum_deferred_add(first, trace_value, trace_failure, "first", NULL);
    thrum_deferred_add(second, trace_value, trace_failure, "second", NULL);
    thrum_deferred_add(list, tell_results, tell_failure, NULL, NULL);
    thrum_deferred_fire(first, "a", NULL);
    thrum_deferred_fail(second, chain_failure(context, "b"));
    ck_assert_str_eq(trace_take(), "first=none first failed 1: b second!b ");
    thrum_deferred_finish(list);
    ck_assert_uint_eq(support_unhandled(), 0);
    support_context_end(context);
}
END_TEST

START_TEST(a_failure_of_another_kind_names_no_member)
{
    thrum_context *context = support_context();
    thrum_failure *why = chain_failure(context, "x");

    ck_assert_uint_eq(thrum_results_first_failed(why), SIZE_MAX);
    thrum_failure_unref(why);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *list = tcase_create("list");

    tcase_add_checked_fixture(list, trace_setup, NULL);
    tcase_add_loop_test(list, what_the_flags_mean_case_by_case, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(list, an_empty_list_is_fired_at_once);
    tcase_add_test(list, a_member_that_could_not_be_made_has_failed);
    tcase_add_test(list,
                   a_member_that_goes_on_after_the_cancel_holds_up_nobody);
    tcase_add_test(list, a_member_may_cancel_its_sibling_and_its_list);
    tcase_add_test(list, a_canceller_of_a_member_may_cancel_the_list_again);
    tcase_add_test(list, lists_of_lists_cancel_what_is_beneath_them);
    tcase_add_test(list,
                   callbacks_of_a_member_behind_the_list_s_get_what_it_left);
    tcase_add_test(list, a_failure_of_another_kind_names_no_member);
    return support_main("deferred list", &list, 1);
}
