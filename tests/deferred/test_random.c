/* SPDX-License-Identifier: MIT */
/*
 * Sequences at random, played twice: with Deferreds, and with a model that is
 * as simple as it can be, recursive and without references. Both write down
 * what happened; the two accounts must be the same, word for word.
 *
 * What a callback does and answers is drawn from its number and the seed, so
 * both plays draw the same as long as they agree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/deferred/random_play.h"

enum { SEQUENCES = 20000 };

static const thrum_domain random_domain = {"random", NULL};

/* ---- The real play ---- */

static void value_release(void *value)
{
    (*(play **)value)->released++;
    free(value);
}

struct number {
    play *play;
    int value;
};

static void *new_value(play *self, int value)
{
    struct number *block = malloc(sizeof *block);

    *block = (struct number){self, value};
    self->values++;
    return block;
}

static thrum_failure *new_failure(play *self, int code)
{
    return thrum_failure_new(self->context, &random_domain, code, "f");
}

static thrum_outcome real_answer(struct pair *pair)
{
    play *self = pair->play;
    int whom;

    switch (play_answer(self, pair->number, &whom)) {
    case DONE:
        return thrum_done();
    case VALUE:
        return thrum_value(new_value(self, pair->number + 1), value_release);
    case FAILURE:
        return thrum_fail(new_failure(self, pair->number + 1));
    case WAIT:
        return thrum_wait(self->d[whom]);
    default:
        return thrum_keep();
    }
}

static thrum_outcome real_value(void *value, void *ctx)
{
    struct pair *pair = ctx;

    ck_assert_int_eq(++pair->runs, 1);
    play_note(pair->play, 1000 + pair->number);
    play_note(pair->play,
              value != NULL ? ((struct number *)value)->value : NONE);
    return real_answer(pair);
}

static thrum_outcome real_failure(const thrum_failure *why, void *ctx)
{
    struct pair *pair = ctx;

    ck_assert_int_eq(++pair->runs, 1);
    play_note(pair->play, 2000 + pair->number);
    play_note(pair->play, thrum_failure_code(why));
    return real_answer(pair);
}

static void pair_release(void *ctx)
{
    ((struct pair *)ctx)->releases++;
}

static thrum_cancelled real_canceller(thrum_deferred *d, void *ctx)
{
    play *self = ((struct pair *)ctx)->play;
    int who = ((struct pair *)ctx)->who;

    play_note(self, 3000 + who);
    if (self->cancellers[who] == FIRES)
        thrum_deferred_fire(d, new_value(self, OF_CANCEL), value_release);
    if (self->cancellers[who] == FAILS)
        thrum_deferred_fail(d, new_failure(self, OF_CANCEL));
    return self->cancellers[who] == STOPPED ? THRUM_CANCELLED_STOPPED
                                            : THRUM_CANCELLED_LATE;
}

static int real_add(play *self, enum verb verb, int who, int added)
{
    thrum_callback_fn *callback =
        play_draw(self, added, 4, 4) > 0 ? real_value : NULL;
    thrum_errback_fn *errback =
        play_draw(self, added, 5, 4) > 0 ? real_failure : NULL;
    struct pair *pair = &self->pairs[added];

    if (verb == ADD)
        return thrum_deferred_add(self->d[who], callback, errback, pair,
                                  pair_release);
    return thrum_deferred_add_first(self->d[who], callback, errback, pair,
                                    pair_release);
}

static int real_chain(play *self, int from, int to)
{
    int error;

    self->chained[to] = true;
    error = thrum_deferred_chain(self->d[from], self->d[to]);
    if (error == THRUM_DEFERRED_E_FIRED)
        self->chained[to] = false;
    return error;
}

static int real_take(play *self, int who)
{
    void *value;
    thrum_free_fn *free;
    thrum_failure *why;
    int error = thrum_deferred_take(self->d[who], &value, &free, &why);

    if (error != 0)
        return error;
    if (why != NULL)
        play_note(self, thrum_failure_code(why));
    else
        play_note(self, value != NULL ? ((struct number *)value)->value : NONE);
    thrum_failure_unref(why);
    if (free != NULL)
        free(value);
    return 0;
}

static thrum_outcome real_timed_out(const thrum_failure *why, void *ctx)
{
    ck_assert_int_eq(++((struct pair *)ctx)->runs, 1);
    ck_assert_int_eq(thrum_failure_code(why), THRUM_DEFERRED_E_CANCELLED);
    return thrum_fail(thrum_failure_new(((struct pair *)ctx)->play->context,
                                        &thrum_domain_deferred,
                                        THRUM_DEFERRED_E_TIMEOUT, NULL));
}

static int real_limit(play *self, int who, int added)
{
    return thrum_deferred_timeout_as(
        self->d[who], thrum_test_clock_clock(self->clock),
        1 + (int)play_draw(self, added, 6, SPAN), real_timed_out,
        &self->pairs[added], pair_release);
}

/* Pauses; the play has counted it, or will not count it any more. */
static int real_pause(play *self, enum verb verb, int who)
{
    int last = self->pauses[who];

    if (verb == PAUSE)
        self->tokens[who][last - 1] = thrum_deferred_pause(self->d[who]);
    else
        thrum_pause_end(self->tokens[who][last]);
    return 0;
}

int real_verb(play *self, enum verb verb, int who, int added, int number)
{
    thrum_deferred *d = self->d[who];

    switch (verb) {
    case ADD:
    case ADD_FIRST:
        return real_add(self, verb, who, added);
    case FIRE:
        return thrum_deferred_fire(d, new_value(self, number), value_release);
    case FAIL:
        return thrum_deferred_fail(d, new_failure(self, number));
    case CANCEL:
        thrum_deferred_cancel(d);
        return 0;
    case ABANDON:
        thrum_deferred_abandon(d);
        return 0;
    case PAUSE:
    case RESUME:
        return real_pause(self, verb, who);
    case CHAIN:
        return real_chain(self, who, number % PLAYERS);
    case TAKE:
        return real_take(self, who);
    case TIMEOUT:
        return real_limit(self, who, added);
    case ADVANCE:
        thrum_test_clock_advance(self->clock, number % SPAN);
        return 0;
    default:
        thrum_deferred_finish(d);
        return 0;
    }
}

/* ---- The play ---- */

static void play_begin(play *self, struct pair *cancellers)
{
    for (int i = 0; i < PLAYERS; i++) {
        self->cancellers[i] =
            (enum canceller)play_draw(self, -1 - i, 0, ABSENT + 1);
        cancellers[i] = (struct pair){.play = self, .who = i};
        self->models[i].source = -1;
        if (!self->real)
            continue;
        self->d[i] = thrum_deferred_new(self->context, "random");
        thrum_deferred_ref(self->d[i]); /* so that all can be touched */
        if (self->cancellers[i] != ABSENT)
            thrum_deferred_on_cancel(self->d[i], real_canceller, &cancellers[i],
                                     pair_release);
        else
            cancellers[i].releases = 1;
    }
}

/* Ends all pauses; those also that callbacks begin meanwhile. */
static void play_end_pauses(play *self)
{
    for (int i = 0; i < PLAYERS; i++)
        if (self->pauses[i] > 0) {
            play_note(self, play_verb(self, RESUME, i, 0));
            i = -1;
        }
}

static void play_end(play *self)
{
    for (int i = 0; i < PLAYERS; i++) {
        play_note(self, play_verb(self, ABANDON, i, 0));
        play_note(self, play_verb(self, FINISH, i, 0));
    }
    play_end_pauses(self);
    for (int i = 0; i < PLAYERS; i++) {
        if (self->real)
            thrum_deferred_unref(self->d[i]);
        else
            self->unhandled += self->models[i].state == HAS_FAILURE;
    }
    if (self->real) {
        self->unhandled = support_unhandled();
        ck_assert_uint_eq(thrum_test_clock_pending(self->clock), 0);
        thrum_test_clock_free(self->clock);
    }
}

static void play_run(play *self, bool real, uint64_t seed)
{
    struct pair cancellers[PLAYERS];

    memset(self, 0, sizeof *self);
    self->real = real;
    self->seed = seed;
    if (real) {
        self->context = support_context();
        self->clock = thrum_test_clock_new(self->context);
    }
    play_begin(self, cancellers);
    for (int i = 0; i < WORDS; i++) {
        int about = 100000 + i;
        unsigned chance = play_draw(self, about, 0, VERBS + 4);

        play_note(self,
                  play_verb(self, chance < VERBS ? (enum verb)chance : ADD,
                            (int)play_draw(self, about, 1, PLAYERS), i + 1));
    }
    play_end(self);
    for (int i = 0; real && i < PLAYERS; i++)
        ck_assert_int_eq(cancellers[i].releases, 1);
}

static void compare(const play *real, const play *model, int sequence)
{
    ck_assert_msg(real->size < ACCOUNT, "sequence %d is too long", sequence);
    ck_assert_msg(real->size == model->size &&
                      memcmp(real->account, model->account,
                             (size_t)real->size * sizeof *real->account) == 0,
                  "sequence %d: the accounts differ", sequence);
    ck_assert_msg(real->unhandled == model->unhandled,
                  "sequence %d: unhandled %u, not %u", sequence,
                  real->unhandled, model->unhandled);
    ck_assert_msg(real->values == real->released,
                  "sequence %d: released %d of %d values", sequence,
                  real->released, real->values);
    for (int i = 0; i < real->made; i++)
        ck_assert_msg(real->pairs[i].releases == 1,
                      "sequence %d: pair %d released %d times", sequence, i,
                      real->pairs[i].releases);
}

/* What was drawn is worth the while. */
static void check_what_was_played(const play *real, const play *model)
{
    static long runs, waits, verbs[VERBS];
    static int sequences;

    sequences++;
    for (int k = 0; k < real->made; k++)
        runs += real->pairs[k].runs;
    for (int k = 0; k < PLAYERS; k++)
        for (int entry = 0; entry < model->models[k].count; entry++)
            waits += model->models[k].queue[entry].kind == A_WAITER;
    for (int verb = 0; verb < VERBS; verb++)
        verbs[verb] += real->verbs[verb];
    if (sequences < SEQUENCES)
        return;
    ck_assert_int_gt(runs, 5 * SEQUENCES);
    ck_assert_int_gt(waits, SEQUENCES / 2);
    for (int verb = 0; verb < VERBS; verb++)
        ck_assert_int_gt(verbs[verb], SEQUENCES);
}

START_TEST(deferreds_do_what_the_model_does)
{
    play *real = malloc(sizeof *real), *model = malloc(sizeof *model);

    for (int i = 0; i < SEQUENCES; i++) {
        play_run(real, true, (uint64_t)i);
        play_run(model, false, (uint64_t)i);
        compare(real, model, i);
        support_context_end(real->context);
        check_what_was_played(real, model);
    }
    free(real);
    free(model);
}
END_TEST

int main(void)
{
    TCase *random = tcase_create("random");

    tcase_set_timeout(random, 120);
    tcase_add_checked_fixture(random, trace_setup, NULL);
    tcase_add_test(random, deferreds_do_what_the_model_does);
    return support_main("random", &random, 1);
}
