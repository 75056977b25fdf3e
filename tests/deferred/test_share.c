/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <thrum/group.h>
#include <thrum/share.h>

#include "tests/deferred/chain.h"

enum { CONSUMERS = 3 };

typedef struct play {
    thrum_context *context;
    thrum_deferred *source; /* the producer's reference; NULL once ended */
    thrum_deferred *consumer;
    thrum_share *share;
    thrum_deferred *consumers[CONSUMERS];
    bool refuses; /* to be cancelled */
} play;

static char names[][2] = {"0", "1", "2"};
static char v[] = "v";

static thrum_cancelled source_cancel(thrum_deferred *source, void *ctx)
{
    play *self = ctx;

    (void)source;
    trace_note(self->refuses ? "late " : "stopped ");
    if (self->refuses)
        return THRUM_CANCELLED_LATE;
    self->source = NULL;
    return THRUM_CANCELLED_STOPPED;
}

static void play_start(play *self)
{
    *self = (play){.context = support_context()};
    self->source = self->consumer = thrum_deferred_new(self->context, "source");
    thrum_deferred_on_cancel(self->source, source_cancel, self, NULL);
}

static void play_share(play *self)
{
    self->share = thrum_share_new(self->consumer);
    self->consumer = NULL;
}

static void play_end(play *self)
{
    thrum_share_free(self->share);
    self->share = NULL;
    support_context_end(self->context);
}

static void play_get(play *self, int index)
{
    self->consumers[index] = thrum_share_get(self->share);
    thrum_deferred_add(self->consumers[index], trace_value, trace_failure,
                       names[index], NULL);
}

static void play_finish(play *self, int index)
{
    thrum_deferred *consumer = self->consumers[index];

    self->consumers[index] = NULL;
    thrum_deferred_finish(consumer);
}

static void play_fire(play *self)
{
    thrum_deferred *source = self->source;

    self->source = NULL;
    ck_assert_int_eq(thrum_deferred_fire(source, v, trace_release), 0);
}

static void play_fail(play *self)
{
    thrum_deferred *source = self->source;

    self->source = NULL;
    thrum_deferred_fail(source, chain_failure(self->context, "x"));
}

/* ---- Case by case ---- */

typedef struct share_case {
    const char *name;
    /* S share the source, 0g a consumer asks, 0/ cancels, 0. finishes, = the
     * source fires, ! fails, R it refuses to be cancelled, ~ the share is
     * freed, | a mark in the trace */
    const char *words;
    const char *trace;
    unsigned unhandled;
} share_case;

static const share_case cases[] = {
    {"all get the value, in the order of asking", "S 0g 1g 2g = 0. 1. 2. | ~",
     "0=v 1=v 2=v | ~v ", 0},
    {"also who asks when it is there", "S 0g = 1g 2g 0. 1. 2. | ~",
     "0=v 1=v 2=v | ~v ", 0},
    {"it may be there before it is shared", "= S 0g 1g 0. 1. ~", "0=v 1=v ~v ",
     0},
    {"the value lives as long as one that was given it", "S 0g 1g = ~ 0. | 1.",
     "0=v 1=v | ~v ", 0},
    {"the share may go while they wait", "S 0g 1g ~ = 0. | 1.", "0=v 1=v | ~v ",
     0},
    {"nobody asked, the share went later", "S = | ~", "| ~v ", 0},
    {"nobody asked, the share went before", "S ~ | =", "| ~v ", 0},

    {"all get the failure", "S 0g 1g ! 2g 0. 1. 2. ~", "0!x 1!x 2!x ", 0},
    {"a failure for which nobody asked is reported", "S ! ~", "", 1},
    {"also when the share went before", "S ~ !", "", 1},
    {"not when one asked afterwards", "S ! 0g 0. ~", "0!x ", 0},

    {"one that is cancelled waits no more", "S 0g 1g 0/ | = 0. 1. ~",
     "0!cancelled | 1=v ~v ", 0},
    {"the last one cancels the source", "S 0g 1g 1/ 0/ 0. 1. ~",
     "1!cancelled stopped 0!cancelled ", 0},
    {"who asks afterwards is told so", "S 0g 0/ 1g 0. 1. ~",
     "stopped 0!cancelled 1!cancelled ", 0},
    {"it is cancelled once", "S 0g 0/ 0/ 1g 1/ 0. 1. ~",
     "stopped 0!cancelled 1!cancelled ", 0},
    {"the share may go before they are cancelled", "S 0g 1g ~ 0/ 1/ 0. 1.",
     "0!cancelled stopped 1!cancelled ", 0},
    {"a source that refuses has failed all the same", "R S 0g 0/ 1g = 0. 1. ~",
     "late 0!cancelled 1!cancelled ~v ", 0},
    {"with the result there is nothing to cancel", "S = 0g 0/ 0. ~", "0=v ~v ",
     0},
    {"one that is finished and not cancelled still waits",
     "S 0g 1g 1. 0/ | = 0. ~", "0!cancelled | 1=v ~v ", 0},
};

static void play_word(play *self, const char *word)
{
    int index = *word - '0';

    if (*word == 'S') {
        play_share(self);
    } else if (*word == '=') {
        play_fire(self);
    } else if (*word == '!') {
        play_fail(self);
    } else if (*word == 'R') {
        self->refuses = true;
    } else if (*word == '|') {
        trace_note("| ");
    } else if (*word == '~') {
        thrum_share_free(self->share);
        self->share = NULL;
    } else if (word[1] == 'g') {
        play_get(self, index);
    } else if (word[1] == '/') {
        thrum_deferred_cancel(self->consumers[index]);
    } else {
        play_finish(self, index);
    }
}

START_TEST(what_becomes_of_a_share_case_by_case)
{
    const share_case *it = &cases[_i];
    play self;
    const char *trace;
    unsigned unhandled;

    play_start(&self);
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
    play_end(&self);
}
END_TEST

START_TEST(an_unhandled_failure_bears_the_source_s_name)
{
    play self;

    play_start(&self);
    play_share(&self);
    play_fail(&self);
    ck_assert_uint_eq(support_unhandled(), 0);
    play_end(&self);
    ck_assert_uint_eq(support_unhandled(), 1);
    ck_assert_str_eq(support_unhandled_text(), "x");
    ck_assert_str_eq(support_unhandled_operation(), "source");
}
END_TEST

/* ---- Where the value goes ---- */

START_TEST(the_value_lives_on_in_one_that_waited)
{
    play self;
    thrum_deferred *outer;

    play_start(&self);
    play_share(&self);
    outer = thrum_deferred_new(self.context, "outer");
    thrum_deferred_add(outer, answer_wait, NULL, thrum_share_get(self.share),
                       NULL);
    thrum_deferred_add(outer, trace_value, NULL, "outer", NULL);
    if (_i == 0) /* it is there when the other begins to wait, or later */
        play_fire(&self);
    thrum_deferred_fire(outer, NULL, NULL);
    if (_i == 1)
        play_fire(&self);
    thrum_share_free(self.share);
    self.share = NULL;
    thrum_deferred_add(outer, trace_value, NULL, "still", NULL);
    ck_assert_str_eq(trace_take(), "outer=v still=v ");
    thrum_deferred_finish(outer);
    ck_assert_str_eq(trace_take(), "~v ");
    play_end(&self);
}
END_TEST

static thrum_outcome look_at_results(void *value, void *ctx)
{
    thrum_free_fn *free = trace_release;
    play *self = ctx;

    thrum_share_free(self->share);
    self->share = NULL;
    ck_assert_str_eq(thrum_results_value(value, 0), "v");
    ck_assert_str_eq(thrum_results_take(value, 1, &free), "v");
    ck_assert_ptr_null(free);
    ck_assert_str_eq(thrum_results_value(value, 1), "v");
    trace_note("looked ");
    return thrum_keep();
}

START_TEST(the_value_lives_on_in_the_results_of_a_group)
{
    play self;
    thrum_deferred *group, *members[2];

    play_start(&self);
    play_share(&self);
    for (int i = 0; i < 2; i++)
        members[i] = thrum_share_get(self.share);
    group = thrum_all(self.context, members, 2, NULL);
    thrum_deferred_add(group, look_at_results, NULL, &self, NULL);
    play_fire(&self);
    ck_assert_str_eq(trace_take(), "looked ");
    thrum_deferred_finish(group);
    ck_assert_str_eq(trace_take(), "~v ");
    play_end(&self);
}
END_TEST

static thrum_outcome ask_three_times(void *it)
{
    play *self = it;

    for (int i = 0; i < CONSUMERS; i++)
        if (self->consumers[i] == NULL) {
            self->consumers[i] = thrum_share_get(self->share);
            return thrum_wait(self->consumers[i]);
        }
    return thrum_done();
}

static thrum_outcome look_at_counts(void *value, void *ctx)
{
    const thrum_each_counts *counts = value;

    (void)ctx;
    ck_assert_uint_eq(counts->succeeded, CONSUMERS);
    ck_assert_uint_eq(counts->failed, 0);
    trace_note("counted ");
    return thrum_keep();
}

START_TEST(the_items_of_an_iterator_may_share_a_value)
{
    struct world world;
    play self = {.context = NULL};
    thrum_deferred *each, *source;

    world_start(&world, 0);
    source = thrum_deferred_new(world.context, "source");
    self.share = thrum_share_new(source);
    each = thrum_each_count(world.cooperator, ask_three_times, &self, NULL, 9);
    thrum_deferred_add(each, look_at_counts, NULL, NULL, NULL);
    thrum_cooperator_tick(world.cooperator);
    thrum_deferred_fire(source, v, trace_release);
    thrum_cooperator_tick(world.cooperator);
    ck_assert_str_eq(trace_take(), "counted ");
    thrum_share_free(self.share);
    thrum_deferred_finish(each);
    ck_assert_str_eq(trace_take(), "~v ");
    world_end(&world);
}
END_TEST

static thrum_outcome take_it(void *value, void *ctx)
{
    (void)ctx;
    ck_assert_str_eq(value, "v");
    return thrum_taken();
}

START_TEST(to_take_what_is_shared_leaves_it_where_it_is)
{
    play self;
    void *value = NULL;
    thrum_free_fn *free = trace_release;
    thrum_failure *why = NULL;

    play_start(&self);
    play_share(&self);
    play_get(&self, 0);
    thrum_deferred_add(self.consumers[0], take_it, NULL, NULL, NULL);
    thrum_deferred_add(self.consumers[0], trace_value, NULL, "next", NULL);
    play_fire(&self);
    ck_assert_str_eq(thrum_deferred_inspect(self.consumers[0]).value, "v");
    ck_assert_int_eq(
        thrum_deferred_take(self.consumers[0], &value, &free, &why), 0);
    ck_assert_str_eq(value, "v");
    ck_assert_ptr_null(free);
    thrum_share_free(self.share);
    self.share = NULL;
    ck_assert_str_eq(trace_take(), "0=v next=v ");
    play_finish(&self, 0);
    ck_assert_str_eq(trace_take(), "~v ");
    play_end(&self);
}
END_TEST

static thrum_outcome answer_another(void *value, void *another)
{
    (void)value;
    return thrum_value(another, trace_release);
}

START_TEST(an_answer_instead_of_it_gives_it_back)
{
    play self;

    play_start(&self);
    play_share(&self);
    play_get(&self, 0);
    thrum_deferred_add(self.consumers[0], answer_another, NULL, "w", NULL);
    thrum_deferred_add(self.consumers[0], trace_value, NULL, "next", NULL);
    thrum_share_free(self.share);
    self.share = NULL;
    play_fire(&self);
    ck_assert_str_eq(trace_take(), "0=v next=w ~v ");
    play_finish(&self, 0);
    ck_assert_str_eq(trace_take(), "~w ");
    play_end(&self);
}
END_TEST

START_TEST(no_value_is_shared_as_well)
{
    play self;

    play_start(&self);
    play_share(&self);
    play_get(&self, 0);
    thrum_deferred_fire(self.source, NULL, NULL);
    play_get(&self, 1);
    ck_assert_str_eq(trace_take(), "0=none 1=none ");
    play_finish(&self, 0);
    play_finish(&self, 1);
    play_end(&self);
}
END_TEST

START_TEST(what_could_not_be_made_is_passed_on)
{
    thrum_share *share = thrum_share_new(NULL);

    ck_assert_ptr_null(share);
    ck_assert_ptr_null(thrum_share_get(share));
    thrum_share_free(share);
}
END_TEST

/* ---- From within a callback ---- */

static thrum_outcome get_another(void *value, void *ctx)
{
    (void)value;
    play_get(ctx, 2);
    return thrum_keep();
}

START_TEST(who_asks_in_a_callback_comes_after_those_that_wait)
{
    play self;

    play_start(&self);
    play_share(&self);
    play_get(&self, 0);
    play_get(&self, 1);
    thrum_deferred_add(self.consumers[0], get_another, NULL, &self, NULL);
    play_fire(&self);
    ck_assert_str_eq(trace_take(), "0=v 1=v 2=v ");
    for (int i = 0; i < CONSUMERS; i++)
        play_finish(&self, i);
    play_end(&self);
    ck_assert_str_eq(trace_take(), "~v ");
}
END_TEST

static thrum_outcome end_all(void *value, void *ctx)
{
    play *self = ctx;

    (void)value;
    thrum_share_free(self->share);
    self->share = NULL;
    thrum_deferred_cancel(self->consumers[2]);
    for (int i = 0; i < CONSUMERS; i++)
        play_finish(self, i);
    return thrum_keep();
}

START_TEST(a_callback_may_end_the_share_and_all_its_consumers)
{
    play self;

    play_start(&self);
    play_share(&self);
    for (int i = 0; i < CONSUMERS; i++)
        play_get(&self, i);
    thrum_deferred_add(self.consumers[0], end_all, NULL, &self, NULL);
    play_fire(&self);
    ck_assert_str_eq(trace_take(), "0=v 2!cancelled 1=v ~v ");
    play_end(&self);
}
END_TEST

static thrum_cancelled get_and_refuse(thrum_deferred *source, void *ctx)
{
    (void)source;
    play_get(ctx, 2);
    return THRUM_CANCELLED_LATE;
}

START_TEST(who_asks_while_the_source_is_cancelled_gets_what_comes_of_that)
{
    play self = {.context = support_context()};

    self.source = thrum_deferred_new(self.context, "source");
    thrum_deferred_on_cancel(self.source, get_and_refuse, &self, NULL);
    self.share = thrum_share_new(self.source);
    play_get(&self, 0);
    thrum_deferred_cancel(self.consumers[0]);
    ck_assert_str_eq(trace_take(), "2!cancelled 0!cancelled ");
    play_finish(&self, 0);
    play_finish(&self, 2);
    thrum_deferred_fire(self.source, NULL, NULL); /* late */
    play_end(&self);
}
END_TEST

static thrum_cancelled fire_source(thrum_deferred *source, void *ctx)
{
    (void)ctx;
    thrum_deferred_fire(source, v, trace_release);
    return THRUM_CANCELLED_LATE;
}

START_TEST(a_consumer_that_has_left_may_be_waited_for_by_the_source)
{
    play self = {.context = support_context()};

    self.source = thrum_deferred_new(self.context, "source");
    thrum_deferred_on_cancel(self.source, fire_source, NULL, NULL);
    thrum_deferred_ref(self.source);
    self.share = thrum_share_new(self.source);
    play_get(&self, 0);
    thrum_deferred_add_first(self.source, answer_wait, NULL,
                             thrum_deferred_ref(self.consumers[0]), NULL);
    thrum_deferred_cancel(self.consumers[0]);
    ck_assert_str_eq(trace_take(), "~v 0!cancelled ");
    play_get(&self, 1);
    ck_assert_str_eq(trace_take(), "1=none ");
    play_finish(&self, 0);
    play_finish(&self, 1);
    thrum_deferred_unref(self.source);
    play_end(&self);
}
END_TEST

START_TEST(a_source_that_goes_on_after_the_cancel_is_shared_on)
{
    play self;
    thrum_deferred *rest;

    play_start(&self);
    rest = thrum_deferred_new(self.context, "rest");
    thrum_deferred_add(self.consumer, NULL, answer_wait_failed, rest, NULL);
    play_share(&self);
    play_get(&self, 0);
    thrum_deferred_cancel(self.consumers[0]);
    ck_assert_str_eq(trace_take(), "stopped 0!cancelled ");
    play_get(&self, 1);
    thrum_deferred_fire(rest, "r", trace_release);
    ck_assert_str_eq(trace_take(), "1=r ");
    play_finish(&self, 0);
    play_finish(&self, 1);
    play_end(&self);
    ck_assert_str_eq(trace_take(), "~r ");
}
END_TEST

/* ---- Each allocation failing ---- */

static void share_with_two(void)
{
    thrum_context *context = support_context();
    thrum_deferred *source = NULL, *first, *second;
    thrum_share *share;

    if (context != NULL)
        source = thrum_deferred_new(context, "source");
    if (source != NULL) {
        share = thrum_share_new(thrum_deferred_ref(source));
        thrum_deferred_unref(source); /* now the producer's alone */
        first = thrum_share_get(share);
        thrum_deferred_add(first, trace_value, trace_failure, "0", NULL);
        thrum_deferred_fire(source, v, trace_release);
        second = thrum_share_get(share);
        thrum_deferred_add(second, trace_value, trace_failure, "1", NULL);
        thrum_share_free(share);
        thrum_deferred_finish(first);
        thrum_deferred_finish(second);
        /* Each Deferred that was made fired; the value went once. */
        ck_assert_str_eq(trace_take(), first != NULL && second != NULL
                                           ? "0=v 1=v ~v "
                                       : first != NULL  ? "0=v ~v "
                                       : second != NULL ? "1=v ~v "
                                                        : "~v ");
    }
    support_context_end(context);
}

START_TEST(with_each_allocation_failing_the_value_goes_once)
{
    support_every_allocation(share_with_two);
}
END_TEST

int main(void)
{
    TCase *share = tcase_create("share");

    tcase_add_checked_fixture(share, trace_setup, NULL);
    tcase_add_loop_test(share, what_becomes_of_a_share_case_by_case, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(share, an_unhandled_failure_bears_the_source_s_name);
    tcase_add_loop_test(share, the_value_lives_on_in_one_that_waited, 0, 2);
    tcase_add_test(share, the_value_lives_on_in_the_results_of_a_group);
    tcase_add_test(share, the_items_of_an_iterator_may_share_a_value);
    tcase_add_test(share, to_take_what_is_shared_leaves_it_where_it_is);
    tcase_add_test(share, an_answer_instead_of_it_gives_it_back);
    tcase_add_test(share, no_value_is_shared_as_well);
    tcase_add_test(share, what_could_not_be_made_is_passed_on);
    tcase_add_test(share, who_asks_in_a_callback_comes_after_those_that_wait);
    tcase_add_test(share, a_callback_may_end_the_share_and_all_its_consumers);
    tcase_add_test(
        share, who_asks_while_the_source_is_cancelled_gets_what_comes_of_that);
    tcase_add_test(share, a_source_that_goes_on_after_the_cancel_is_shared_on);
    tcase_add_test(share,
                   a_consumer_that_has_left_may_be_waited_for_by_the_source);
    tcase_add_test(share, with_each_allocation_failing_the_value_goes_once);
    return support_main("share", &share, 1);
}
