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

#include "tests/deferred/chain.h"

enum { PLAYERS = 7, WORDS = 40, PAIRS = 400, ACCOUNT = 4000 };
enum { SEQUENCES = 20000, NONE = 0, OF_CANCEL = 7777 };

enum verb { ADD, FIRE, FAIL, CANCEL, ABANDON, FINISH, VERBS };
enum answer { KEEP, DONE, VALUE, FAILURE, WAIT, ANSWERS };
enum canceller { STOPPED, LATE, FIRES, FAILS, ABSENT };

enum state { PENDING, HAS_VALUE, HAS_FAILURE, WAITING };

/* One Deferred of the model. */
struct model {
    enum state state;
    int result; /* a value or the code of a failure; or for whom it waits */
    int queue[PAIRS]; /* pairs; or, below 0, -1 - who waits */
    int first, count;
    bool fired, swallow, running, cancelling;
};

typedef struct play play;

struct pair {
    play *play;
    int number, who;
    int runs, releases;
};

struct play {
    bool real;
    uint64_t seed;
    thrum_context *context;
    thrum_deferred *d[PLAYERS];
    struct model models[PLAYERS];
    bool taken[PLAYERS]; /* the consumer's reference is gone */
    enum canceller cancellers[PLAYERS];
    struct pair pairs[PAIRS];
    int made, depth;
    int values, released; /* how many were given, and came back */
    unsigned unhandled;
    int account[ACCOUNT], size;
};

static const thrum_domain random_domain = {"random", NULL};

/* ---- Chance ---- */

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* The nth draw about something. */
static unsigned draw(const play *self, int about, int nth, unsigned range)
{
    uint64_t x = self->seed + (uint64_t)about * 64 + (uint64_t)nth;

    return (unsigned)(mix(mix(x) + 0x9e3779b97f4a7c15u) % range);
}

static void note(play *self, int what)
{
    if (self->size < ACCOUNT)
        self->account[self->size++] = what;
}

/* ---- What both plays call ---- */

static int do_verb(play *self, enum verb verb, int who, int number);

/* What a callback does before it answers. */
static void act(play *self, int number)
{
    unsigned chance = draw(self, number, 0, 3 * VERBS);

    if (chance >= VERBS || self->depth >= 3)
        return;
    self->depth++;
    note(self, do_verb(self, (enum verb)chance,
                       (int)draw(self, number, 1, PLAYERS), number));
    self->depth--;
}

/* Whom a callback waits for; itself sometimes. -1: nobody is to be had. */
static int choose(play *self, int number)
{
    int who = (int)draw(self, number, 3, PLAYERS);

    if (self->taken[who])
        return -1;
    self->taken[who] = true;
    return who;
}

static enum answer choose_answer(play *self, int number, int *whom)
{
    enum answer answer = (enum answer)draw(self, number, 2, ANSWERS);

    *whom = answer == WAIT ? choose(self, number) : -1;
    return answer == WAIT && *whom < 0 ? KEEP : answer;
}

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

    act(self, pair->number);
    switch (choose_answer(self, pair->number, &whom)) {
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
    note(pair->play, 1000 + pair->number);
    note(pair->play, value != NULL ? ((struct number *)value)->value : NONE);
    return real_answer(pair);
}

static thrum_outcome real_failure(const thrum_failure *why, void *ctx)
{
    struct pair *pair = ctx;

    ck_assert_int_eq(++pair->runs, 1);
    note(pair->play, 2000 + pair->number);
    note(pair->play, thrum_failure_code(why));
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

    note(self, 3000 + who);
    if (self->cancellers[who] == FIRES)
        thrum_deferred_fire(d, new_value(self, OF_CANCEL), value_release);
    if (self->cancellers[who] == FAILS)
        thrum_deferred_fail(d, new_failure(self, OF_CANCEL));
    return self->cancellers[who] == STOPPED ? THRUM_CANCELLED_STOPPED
                                            : THRUM_CANCELLED_LATE;
}

static int real_verb(play *self, enum verb verb, int who, struct pair *added,
                     int number)
{
    thrum_deferred *d = self->d[who];

    switch (verb) {
    case ADD:
        return thrum_deferred_add(
            d, draw(self, added->number, 4, 4) > 0 ? real_value : NULL,
            draw(self, added->number, 5, 4) > 0 ? real_failure : NULL, added,
            pair_release);
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
    default:
        thrum_deferred_finish(d);
        return 0;
    }
}

/* ---- The model ---- */

static void model_run(play *self, int who);

static void model_set(struct model *m, enum state state, int result)
{
    m->state = state;
    m->result = result;
}

static void model_wait(play *self, int who, int whom)
{
    struct model *m = &self->models[who], *on = &self->models[whom];
    int end = whom;

    while (end != who && self->models[end].state == WAITING)
        end = self->models[end].result;
    if (end == who) {
        model_set(m, HAS_FAILURE, THRUM_DEFERRED_E_WAITS_FOR_ITSELF);
    } else if (!on->running && on->fired && on->state != WAITING) {
        model_set(m, on->state, on->result);
        model_set(on, HAS_VALUE, NONE);
    } else {
        on->queue[on->count++] = -1 - who;
        model_set(m, WAITING, whom);
    }
}

static void model_call(play *self, int who, int number)
{
    struct model *m = &self->models[who];
    bool well = m->state == HAS_VALUE;
    int whom;

    if (draw(self, number, well ? 4 : 5, 4) == 0)
        return;
    note(self, (well ? 1000 : 2000) + number);
    note(self, m->result);
    act(self, number);
    switch (choose_answer(self, number, &whom)) {
    case DONE:
        model_set(m, HAS_VALUE, NONE);
        break;
    case VALUE:
        model_set(m, HAS_VALUE, number + 1);
        break;
    case FAILURE:
        model_set(m, HAS_FAILURE, number + 1);
        break;
    case WAIT:
        model_wait(self, who, whom);
        break;
    default:
        break;
    }
}

static void model_run(play *self, int who)
{
    struct model *m = &self->models[who];

    if (m->running)
        return;
    m->running = true;
    while (m->first < m->count && m->state != WAITING) {
        int entry = m->queue[m->first++];

        if (entry >= 0) {
            model_call(self, who, entry);
            continue;
        }
        model_set(&self->models[-1 - entry], m->state, m->result);
        model_set(m, HAS_VALUE, NONE);
        m->running = m->first < m->count;
        model_run(self, -1 - entry);
        m->running = true;
    }
    m->running = false;
}

static int model_settle(play *self, int who, enum state state, int result)
{
    struct model *m = &self->models[who];

    if (m->fired) {
        bool swallow = m->swallow;

        m->swallow = false;
        return swallow ? 0 : THRUM_DEFERRED_E_FIRED;
    }
    m->fired = true;
    model_set(m, state, result);
    model_run(self, who);
    return 0;
}

static void model_cancel(play *self, int who)
{
    struct model *m;
    enum canceller canceller;

    while (self->models[who].state == WAITING)
        who = self->models[who].result;
    m = &self->models[who];
    canceller = self->cancellers[who];
    if (m->fired || m->cancelling)
        return;
    if (canceller != ABSENT)
        note(self, 3000 + who);
    m->cancelling = true;
    if (canceller == FIRES)
        model_settle(self, who, HAS_VALUE, OF_CANCEL);
    if (canceller == FAILS)
        model_settle(self, who, HAS_FAILURE, OF_CANCEL);
    m->cancelling = false;
    if (m->fired)
        return;
    m->swallow = canceller == LATE || canceller == ABSENT;
    model_settle(self, who, HAS_FAILURE, THRUM_DEFERRED_E_CANCELLED);
}

static int model_verb(play *self, enum verb verb, int who, int added,
                      int number)
{
    struct model *m = &self->models[who];

    switch (verb) {
    case ADD:
        m->queue[m->count++] = added;
        if (m->fired && m->state != WAITING)
            model_run(self, who);
        return 0;
    case FIRE:
        return model_settle(self, who, HAS_VALUE, number);
    case FAIL:
        return model_settle(self, who, HAS_FAILURE, number);
    case CANCEL:
        model_cancel(self, who);
        return 0;
    case ABANDON:
        model_settle(self, who, HAS_FAILURE, THRUM_DEFERRED_E_ABANDONED);
        return 0;
    default:
        return 0;
    }
}

/* ---- The play ---- */

static int do_verb(play *self, enum verb verb, int who, int number)
{
    struct pair *added = NULL;

    if (verb == FINISH && self->taken[who])
        return NONE;
    if (verb == FINISH)
        self->taken[who] = true;
    if (verb == ADD) {
        if (self->made == PAIRS)
            return NONE;
        added = &self->pairs[self->made];
        *added = (struct pair){self, self->made++, who, 0, 0};
    }
    note(self, 4000 + 10 * (int)verb + who);
    if (self->real)
        return real_verb(self, verb, who, added, number);
    return model_verb(self, verb, who, added != NULL ? added->number : 0,
                      number);
}

static void play_begin(play *self, struct pair *cancellers)
{
    for (int i = 0; i < PLAYERS; i++) {
        self->cancellers[i] = (enum canceller)draw(self, -1 - i, 0, ABSENT + 1);
        cancellers[i] = (struct pair){.play = self, .who = i};
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

static void play_end(play *self)
{
    for (int i = 0; i < PLAYERS; i++) {
        note(self, do_verb(self, ABANDON, i, 0));
        note(self, do_verb(self, FINISH, i, 0));
    }
    for (int i = 0; i < PLAYERS; i++) {
        if (self->real)
            thrum_deferred_unref(self->d[i]);
        else
            self->unhandled += self->models[i].state == HAS_FAILURE;
    }
    if (self->real)
        self->unhandled = support_unhandled();
}

static void play_run(play *self, bool real, uint64_t seed)
{
    struct pair cancellers[PLAYERS];

    memset(self, 0, sizeof *self);
    self->real = real;
    self->seed = mix(seed);
    if (real)
        self->context = support_context();
    play_begin(self, cancellers);
    for (int i = 0; i < WORDS; i++) {
        int about = 100000 + i;
        unsigned chance = draw(self, about, 0, VERBS + 4);

        note(self, do_verb(self, chance < VERBS ? (enum verb)chance : ADD,
                           (int)draw(self, about, 1, PLAYERS), i + 1));
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

START_TEST(deferreds_do_what_the_model_does)
{
    play *real = malloc(sizeof *real), *model = malloc(sizeof *model);
    long runs = 0, waits = 0;

    for (int i = 0; i < SEQUENCES; i++) {
        play_run(real, true, (uint64_t)i);
        play_run(model, false, (uint64_t)i);
        compare(real, model, i);
        support_context_end(real->context);
        for (int k = 0; k < real->made; k++)
            runs += real->pairs[k].runs;
        for (int k = 0; k < PLAYERS; k++)
            for (int entry = 0; entry < model->models[k].count; entry++)
                waits += model->models[k].queue[entry] < 0;
    }
    /* What was drawn is worth the while. */
    ck_assert_int_gt(runs, 5 * SEQUENCES);
    ck_assert_int_gt(waits, SEQUENCES / 2);
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
