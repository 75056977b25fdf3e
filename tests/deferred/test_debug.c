/* SPDX-License-Identifier: MIT */
/*
 * The list of live Deferreds, and what the log is told at the end.
 */
#include <stdio.h>
#include <string.h>

#include <thrum/debug.h>
#include <thrum/group.h>
#include <thrum/looping_call.h>
#include <thrum/share.h>
#include <thrum/test_clock.h>

#include "tests/deferred/chain.h"

static thrum_context *context, *other;
static thrum_test_clock *hand;
static thrum_clock *timer;
static char last_line[300]; /* as the log got it */

/* The log goes to the trace, without the places at its end. */
static void log_line(thrum_log_level level, const char *line, void *ctx)
{
    static const char none[] = "no consumer)";
    char text[300], *places;
    size_t size;

    (void)ctx;
    snprintf(text, sizeof text, "%c %s", level == THRUM_LOG_INFO ? 'I' : 'W',
             line);
    snprintf(last_line, sizeof last_line, "%s", text);
    size = strlen(text);
    places = strrchr(text, '(');
    if (size > sizeof none && strcmp(text + size - strlen(none), none) == 0)
        memmove(places + 1, text + size - strlen(none), sizeof none);
    else if (places != NULL)
        places[-1] = '\0';
    trace_note(text);
    trace_note("| ");
}

static void setup(void)
{
    thrum_context_config config = {.allocator = support_allocator(),
                                   .log = log_line};

    trace_setup();
    context = thrum_context_new(&config);
    other = support_context();
    hand = thrum_test_clock_new(other);
    timer = thrum_test_clock_clock(hand);
}

static void teardown(void)
{
    support_context_end(context);
    thrum_test_clock_free(hand);
    support_context_end(other);
}

static thrum_deferred *make(const char *operation)
{
    return thrum_deferred_new(context, operation);
}

static void end(thrum_deferred *d)
{
    thrum_deferred_abandon(d);
    thrum_deferred_mark_handled(d);
    thrum_deferred_finish(d);
}

static void note_live(const thrum_deferred *d, thrum_ns age, void *ctx)
{
    char text[40];

    snprintf(text, sizeof text, "%s%s@%d ", (char *)ctx,
             thrum_deferred_inspect(d).operation, (int)age);
    trace_note(text);
}

START_TEST(those_that_live_are_told_with_their_age_oldest_first)
{
    thrum_deferred *a, *b, *c;

    ck_assert_int_eq(thrum_debug_deferreds(context, timer), 0);
    ck_assert_uint_eq(thrum_debug_each(context, note_live, ""), 0);
    a = make("a");
    thrum_test_clock_advance(hand, 5);
    b = make("b");
    thrum_test_clock_advance(hand, 5);
    c = make("c");
    ck_assert_uint_eq(thrum_debug_each(context, note_live, "+"), 3);
    ck_assert_str_eq(trace_take(), "+a@10 +b@5 +c@0 ");
    end(b);
    ck_assert_uint_eq(thrum_debug_each(context, note_live, ""), 2);
    ck_assert_str_eq(trace_take(), "a@10 c@0 ");
    end(a);
    end(c);
    a = make("d");
    thrum_debug_each(context, note_live, "");
    ck_assert_str_eq(trace_take(), "d@0 ");
    end(a);
}
END_TEST

START_TEST(only_those_are_listed_that_were_made_while_it_was_on)
{
    thrum_deferred *before = make("before"), *on, *after;

    ck_assert_int_eq(thrum_debug_deferreds(context, NULL), 0);
    ck_assert_uint_eq(thrum_debug_each(context, note_live, ""), 0);
    thrum_debug_deferreds(context, timer);
    on = make("on");
    thrum_deferred_fire(on, NULL, NULL);
    thrum_debug_deferreds(context, NULL);
    after = make("after");
    thrum_debug_each(context, note_live, "");
    ck_assert_str_eq(trace_take(), "on@0 ");
    end(before);
    thrum_deferred_finish(on);
    end(after);
    ck_assert_uint_eq(thrum_debug_each(context, note_live, ""), 0);
}
END_TEST

START_TEST(a_dump_tells_the_state_of_each)
{
    thrum_deferred *value, *failed, *outer, *inner;
    thrum_pause *pause;

    thrum_debug_deferreds(context, timer);
    value = thrum_deferred_succeed(context, "x", NULL);
    failed = thrum_deferred_failed(context, chain_failure(context, "broken"));
    outer = make("outer");
    thrum_test_clock_advance(hand, 1234567890);
    inner = make("inner");
    thrum_deferred_add(outer, answer_wait, NULL, inner, NULL);
    thrum_deferred_fire(outer, NULL, NULL);
    pause = thrum_deferred_pause(inner);
    ck_assert_uint_eq(thrum_debug_dump(context), 4);
    ck_assert_str_eq(trace_take(),
                     "I succeed #1, 1.234 s: has a value (no consumer)| "
                     "I failed #2, 1.234 s: broken (no consumer)| "
                     "I outer #3, 1.234 s: its chain stands, waits for inner "
                     "#4| "
                     "I inner #4, 0.000 s: no result yet, paused| ");
    thrum_pause_end(pause);
    thrum_deferred_finish(value);
    end(failed);
    thrum_deferred_fire(inner, NULL, NULL);
    thrum_deferred_finish(outer);
    ck_assert_str_eq(trace_take(), "");
}
END_TEST

static void pass_by(const thrum_outcome *in, thrum_outcome *out, void *ctx)
{
    (void)in;
    (void)out;
    (void)ctx;
}

/* Whatever stands for what; the clock is a program's, which still acts. */
START_TEST(what_waits_for_others_does_not_keep_it_from_being_told)
{
    thrum_deferred *a, *members[5], *all, *to, *got, *each;
    thrum_share *share;

    thrum_debug_deferreds(context, timer);
    a = thrum_deferred_ref(make("a"));
    thrum_deferred_timeout(a, timer, 10);
    thrum_deferred_add_foreign(a, pass_by, NULL, NULL);
    share = thrum_share_new(a);
    got = thrum_share_get(share);
    thrum_share_free(share);
    members[0] = got;
    for (int i = 1; i < 5; i++)
        members[i] = thrum_deferred_later(context, timer, 10, NULL, NULL, NULL);
    all = thrum_all(context, members, 5, NULL);
    to = make("to");
    thrum_deferred_chain(all, to);
    each = make("before");
    thrum_context_unref(context);
    ck_assert_str_eq(
        trace_take(),
        "W a #1: never got its result| "
        "W a #2: never got its result, waits for a #1| "
        "W later #3: never got its result| W later #4: never got its result| "
        "W later #5: never got its result| W later #6: never got its result| "
        "W all #7: never got its result, waits for a #2 + later #3 + later #4 "
        "+ 2 more| "
        "W to #8: never got its result, waits for all #7 (no consumer)| "
        "W before #9: never got its result (no consumer)| ");
    thrum_context_ref(context);
    thrum_deferred_finish(all);
    thrum_deferred_abandon(a);
    thrum_deferred_unref(a);
    thrum_test_clock_advance(hand, 10);
    end(each);
    thrum_deferred_mark_handled(to);
    thrum_deferred_finish(to);
    trace_take();
}
END_TEST

START_TEST(one_that_never_fired_is_told_once_when_it_is_switched_off)
{
    thrum_deferred *d, *fired;

    thrum_debug_deferreds(context, timer);
    d = make("lost");
    fired = thrum_deferred_succeed(context, NULL, NULL);
    thrum_debug_deferreds(context, NULL);
    ck_assert_str_eq(trace_take(),
                     "W lost #1: never got its result (no consumer)| ");
    thrum_debug_deferreds(context, NULL);
    ck_assert_str_eq(trace_take(), "");
    end(d);
    thrum_deferred_finish(fired);
}
END_TEST

START_TEST(those_that_never_fired_are_told_when_the_context_closes)
{
    thrum_deferred *a, *b, *fired;

    thrum_debug_deferreds(context, timer);
    a = make("a");
    b = make("b");
    fired = thrum_deferred_succeed(context, NULL, NULL);
    thrum_context_unref(thrum_context_ref(context));
    ck_assert_str_eq(trace_take(), ""); /* it is held yet */
    thrum_context_unref(context);
    ck_assert_str_eq(trace_take(),
                     "W a #1: never got its result (no consumer)| "
                     "W b #2: never got its result (no consumer)| ");
    thrum_context_ref(context);
    thrum_deferred_finish(fired);
    end(a);
    end(b);
    ck_assert_str_eq(trace_take(), "");
}
END_TEST

/* The last line of the log ends so. */
static void check_places(const char *made, int made_line, const char *consumer)
{
    char text[200];

    snprintf(text, sizeof text, "(made at %s:%d, %s)", made, made_line,
             consumer);
    ck_assert_ptr_nonnull(strstr(last_line, text));
    ck_assert_str_eq(strstr(last_line, text), text);
}

START_TEST(the_places_are_where_it_was_made_and_its_consumer_spoke_last)
{
    thrum_deferred *d;
    thrum_deferred_info info;
    char spoke[60];

    thrum_debug_deferreds(context, timer);
    d = thrum_deferred_new_at(context, "d", "net.c", 30);
    thrum_debug_dump(context);
    check_places("net.c", 30, "no consumer");
    thrum_deferred_add_at(d, NULL, NULL, NULL, NULL, "main.c", 12);
    thrum_debug_dump(context);
    check_places("net.c", 30, "consumer at main.c:12");
    info = thrum_deferred_inspect(d);
    ck_assert_str_eq(info.made_file, "net.c");
    ck_assert_int_eq(info.made_line, 30);
    ck_assert_str_eq(info.file, "main.c");
    ck_assert_int_eq(info.line, 12);
    thrum_debug_deferreds(context, NULL);
    check_places("net.c", 30, "consumer at main.c:12");
    end(d);
    thrum_debug_deferreds(context, timer);
    d = thrum_deferred_new(context, "d"), info = thrum_deferred_inspect(d);
    ck_assert_int_eq(info.made_line, __LINE__ - 1);
    ck_assert_str_eq(info.made_file, __FILE__);
    thrum_deferred_add(d, NULL, NULL, NULL, NULL);
    snprintf(spoke, sizeof spoke, "consumer at %s:%d", __FILE__, __LINE__ - 1);
    thrum_debug_dump(context);
    check_places(__FILE__, info.made_line, spoke);
    end(d);
}
END_TEST

/* What is there to be said of places that nobody gave. */
START_TEST(a_place_that_is_not_known_is_not_told)
{
    static const struct {
        const char *made;
        bool pair;
        const char *end;
    } cases[] = {
        {NULL, false, "no result yet (no consumer)"},
        {NULL, true, "no result yet"},
        {"net.c", true, "no result yet (made at net.c:1)"},
    };

    thrum_debug_deferreds(context, timer);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        thrum_deferred *d =
            thrum_deferred_new_at(context, "d", cases[i].made, 1);

        if (cases[i].pair)
            thrum_deferred_add_first(d, NULL, NULL, NULL, NULL);
        thrum_debug_dump(context);
        ck_assert_ptr_nonnull(strstr(last_line, "no result"));
        ck_assert_str_eq(strstr(last_line, "no result"), cases[i].end);
        end(d);
    }
}
END_TEST

START_TEST(a_place_is_kept_only_while_it_is_on)
{
    thrum_deferred *before = make("before"), *after;

    thrum_debug_deferreds(context, timer);
    ck_assert_ptr_null(thrum_deferred_inspect(before).made_file);
    thrum_debug_deferreds(context, NULL);
    after = make("after");
    ck_assert_ptr_null(thrum_deferred_inspect(after).made_file);
    ck_assert_int_eq(thrum_deferred_inspect(after).made_line, 0);
    ck_assert_ptr_null(thrum_deferred_inspect(NULL).made_file);
    end(before);
    end(after);
}
END_TEST

START_TEST(when_all_is_well_nothing_is_told)
{
    thrum_deferred *d;

    thrum_debug_deferreds(context, timer);
    d = make("d");
    thrum_deferred_fire(d, NULL, NULL);
    thrum_deferred_finish(d);
    ck_assert_uint_eq(thrum_debug_dump(context), 0);
    thrum_debug_deferreds(context, NULL);
    ck_assert_str_eq(trace_take(), "");
}
END_TEST

START_TEST(without_memory_it_stays_off)
{
    thrum_deferred *d;

    support_fail_at(1);
    ck_assert_int_eq(thrum_debug_deferreds(context, timer), THRUM_E_NOMEM);
    d = make("d");
    ck_assert_uint_eq(thrum_debug_each(context, note_live, ""), 0);
    end(d);
}
END_TEST

START_TEST(one_that_could_not_be_made_is_not_listed)
{
    thrum_debug_deferreds(context, timer);
    support_fail_at(1);
    ck_assert_ptr_null(make("d"));
    ck_assert_uint_eq(thrum_debug_each(context, note_live, ""), 0);
}
END_TEST

int main(void)
{
    TCase *debug = tcase_create("debug");

    tcase_add_checked_fixture(debug, setup, teardown);
    tcase_add_test(debug,
                   what_waits_for_others_does_not_keep_it_from_being_told);
    tcase_add_test(debug, those_that_live_are_told_with_their_age_oldest_first);
    tcase_add_test(debug, only_those_are_listed_that_were_made_while_it_was_on);
    tcase_add_test(debug, a_dump_tells_the_state_of_each);
    tcase_add_test(debug,
                   one_that_never_fired_is_told_once_when_it_is_switched_off);
    tcase_add_test(debug,
                   those_that_never_fired_are_told_when_the_context_closes);
    tcase_add_test(
        debug, the_places_are_where_it_was_made_and_its_consumer_spoke_last);
    tcase_add_test(debug, a_place_that_is_not_known_is_not_told);
    tcase_add_test(debug, a_place_is_kept_only_while_it_is_on);
    tcase_add_test(debug, when_all_is_well_nothing_is_told);
    tcase_add_test(debug, without_memory_it_stays_off);
    tcase_add_test(debug, one_that_could_not_be_made_is_not_listed);
    return support_main("debug", &debug, 1);
}
