/* SPDX-License-Identifier: MIT */
#include "tests/deferred/play.h"

#include <stdio.h>
#include <string.h>

group_fn *const kinds[KINDS] = {thrum_all, thrum_all_settled, thrum_any,
                                thrum_race};

char letters[MEMBERS][2] = {"a", "b", "c"};

static thrum_cancelled play_cancel(thrum_deferred *deferred, void *ctx)
{
    const struct hand *hand = ctx;
    play *self = hand->play;
    char text[20];

    (void)deferred;
    if (self->refuses[hand->index]) {
        snprintf(text, sizeof text, "late%d ", hand->index);
        trace_note(text);
        return THRUM_CANCELLED_LATE;
    }
    snprintf(text, sizeof text, "x%d ", hand->index);
    trace_note(text);
    self->members[hand->index] = NULL;
    return THRUM_CANCELLED_STOPPED;
}

void play_start(play *self)
{
    memset(self, 0, sizeof *self);
    self->context = support_context();
    self->clock = thrum_test_clock_new(self->context);
    for (int i = 0; i < MEMBERS; i++) {
        self->members[i] = thrum_deferred_new(self->context, "member");
        self->hands[i] = (struct hand){self, i};
        thrum_deferred_on_cancel(self->members[i], play_cancel, &self->hands[i],
                                 NULL);
    }
    memcpy(self->consumers, self->members, sizeof self->consumers);
}

void play_end(play *self)
{
    for (int i = 0; i < MEMBERS; i++)
        thrum_deferred_abandon(self->members[i]);
    ck_assert_uint_eq(thrum_test_clock_pending(self->clock), 0);
    thrum_test_clock_free(self->clock);
    support_context_end(self->context);
}

void play_fire(play *self, int index, const char *letter)
{
    thrum_deferred *member = self->members[index];

    self->members[index] = NULL;
    thrum_deferred_fire(member, letters[*letter - 'a'], trace_release);
}

void play_fail(play *self, int index, const char *letter)
{
    thrum_deferred *member = self->members[index];
    char text[] = {*letter, '\0'};

    self->members[index] = NULL;
    thrum_deferred_fail(member, chain_failure(self->context, text));
}

thrum_outcome tell_results(void *value, void *ctx)
{
    const thrum_results *results = value;
    char text[100];

    (void)ctx;
    trace_note("[");
    for (size_t i = 0; i < thrum_results_count(results); i++) {
        thrum_deferred_state state = thrum_results_state(results, i);
        const char *what = "";

        if (state == THRUM_DEFERRED_VALUE)
            what = thrum_results_value(results, i);
        else if (state == THRUM_DEFERRED_FAILURE)
            what = thrum_failure_text(thrum_results_failure(results, i));
        snprintf(text, sizeof text, "%s%zu%c%s", i > 0 ? " " : "", i,
                 "?=!"[state], what != NULL ? what : "none");
        trace_note(text);
    }
    snprintf(text, sizeof text, "] first %zu ", thrum_results_first(results));
    trace_note(text);
    return thrum_keep();
}

thrum_outcome tell_failure(const thrum_failure *why, void *ctx)
{
    const thrum_failure *cause = thrum_failure_cause(why);
    size_t index = thrum_results_first_failed(why);
    char text[100];

    (void)ctx;
    if (thrum_failure_is(why, &thrum_domain_deferred, THRUM_DEFERRED_E_FIRST))
        snprintf(text, sizeof text, "failed %zu: %s ", index,
                 thrum_failure_text(cause));
    else if (thrum_failure_is(why, &thrum_domain_deferred,
                              THRUM_DEFERRED_E_NONE_SUCCEEDED))
        snprintf(text, sizeof text, "none: %s ",
                 cause != NULL ? thrum_failure_text(cause) : "no members");
    else
        snprintf(text, sizeof text, "%s ", thrum_failure_text(why));
    trace_note(text);
    return thrum_done();
}

void play_group(play *self, enum kind kind, const thrum_group_config *config)
{
    self->group = kinds[kind](self->context, self->consumers, MEMBERS, config);
    thrum_deferred_add(self->group, tell_results, tell_failure, NULL, NULL);
}

void play_finish(play *self)
{
    thrum_deferred_finish(self->group);
    self->group = NULL;
}
