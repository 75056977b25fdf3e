/* SPDX-License-Identifier: MIT */
/*
 * Every group, in every order, with every failure, with and without a deadline:
 * beside a model.
 */
#include <stdio.h>
#include <string.h>

#include "tests/deferred/play.h"

/* One case out of many. */
struct mix {
    enum kind kind;
    bool fails[MEMBERS];
    int order[MEMBERS]; /* which member ends first, second, third */
    bool losers;
    int made;     /* the group, after so many members have ended */
    int deadline; /* after so many; MEMBERS + 1: there is none */
};

/* What a group has seen. */
struct model {
    const struct mix *mix;
    char states[MEMBERS]; /* '?' '=' '!', 'x': cancelled */
    int ended, first;
    bool made, decided;
    char verdict[40]; /* without the results, which come when it is made */
    char trace[200];
};

static void model_tell(struct model *self)
{
    size_t size;

    for (int i = 0; i < MEMBERS && strcmp(self->verdict, "value") == 0; i++) {
        static const char *const whats[] = {"", "a", "cancelled"};
        char state = self->states[i];
        const char *what = whats[state == 'x' ? 2 : state != '?'];

        size = strlen(self->trace);
        snprintf(self->trace + size, sizeof self->trace - size, "%s%d%c%s",
                 i > 0 ? " " : "[", i, state == 'x' ? '!' : state, what);
    }
    size = strlen(self->trace);
    if (strcmp(self->verdict, "value") == 0)
        snprintf(self->trace + size, sizeof self->trace - size, "] first %d ",
                 self->first);
    else
        snprintf(self->trace + size, sizeof self->trace - size, "%s",
                 self->verdict);
}

/* The verdict stands: the losers go, then the group tells. */
static void model_act(struct model *self)
{
    bool cancel =
        self->mix->losers || strcmp(self->verdict, "the time is over ") == 0;

    for (int i = 0; i < MEMBERS && cancel; i++)
        if (self->states[i] == '?') {
            size_t size = strlen(self->trace);

            self->states[i] = 'x';
            snprintf(self->trace + size, sizeof self->trace - size, "x%d ", i);
        }
    model_tell(self);
}

static void model_decide(struct model *self, const char *format, int member)
{
    if (self->decided)
        return;
    self->decided = true;
    snprintf(self->verdict, sizeof self->verdict, format, member);
    if (self->made)
        model_act(self);
}

static void model_see(struct model *self, int member)
{
    enum kind kind = self->mix->kind;
    bool fails = self->mix->fails[member];

    if (self->states[member] != '?')
        return;
    self->states[member] = fails ? '!' : '=';
    self->ended++;
    if (!fails && self->first == MEMBERS)
        self->first = member;
    if (fails && (kind == ALL || kind == RACE))
        model_decide(self, "failed %d: a ", member);
    else if (!fails && (kind == ANY || kind == RACE))
        model_decide(self, "value", 0);
    else if (self->ended == MEMBERS)
        model_decide(self, kind == ANY ? "none: a " : "value", 0);
}

static void model_run(struct model *self, const struct mix *mix)
{
    *self = (struct model){.mix = mix, .states = "???", .first = MEMBERS};
    for (int member = 0; member < MEMBERS; member++)
        for (int i = 0; i < mix->made; i++)
            if (mix->order[i] == member)
                model_see(self, member);
    self->made = true;
    if (self->decided)
        model_act(self);
    for (int i = mix->made; i <= MEMBERS; i++) {
        if (i == mix->deadline)
            model_decide(self, "the time is over ", 0);
        if (i < MEMBERS)
            model_see(self, mix->order[i]);
    }
}

static void mix_end_member(play *self, const struct mix *mix, int member)
{
    if (self->members[member] == NULL)
        return; /* cancelled */
    if (mix->fails[member])
        play_fail(self, member, "a");
    else
        thrum_deferred_fire(self->members[member], letters[0], NULL);
    self->members[member] = NULL;
}

static void mix_run(const struct mix *mix)
{
    play self;
    struct model model;
    thrum_group_config config = {.within = 10, .cancel_losers = mix->losers};

    play_start(&self);
    if (mix->deadline <= MEMBERS)
        config.clock = thrum_test_clock_clock(self.clock);
    for (int i = 0; i <= MEMBERS; i++) {
        if (i == mix->made)
            play_group(&self, mix->kind, &config);
        if (i == mix->deadline)
            thrum_test_clock_advance(self.clock, 10);
        if (i < MEMBERS)
            mix_end_member(&self, mix, mix->order[i]);
    }
    play_finish(&self);
    model_run(&model, mix);
    ck_assert_str_eq(trace_take(), model.trace);
    ck_assert_uint_eq(support_unhandled(), 0);
    play_end(&self);
}

static const int orders[][MEMBERS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                      {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

/* _i: which group, whether losers are cancelled, which order. */
START_TEST(every_group_in_every_order_with_every_failure)
{
    struct mix mix = {.kind = (enum kind)(_i % KINDS),
                      .losers = _i / KINDS % 2 == 1};

    memcpy(mix.order, orders[_i / KINDS / 2], sizeof mix.order);
    for (int fails = 0; fails < 1 << MEMBERS; fails++)
        for (mix.made = 0; mix.made <= MEMBERS; mix.made++)
            for (mix.deadline = mix.made; mix.deadline <= MEMBERS + 1;
                 mix.deadline++) {
                for (int i = 0; i < MEMBERS; i++)
                    mix.fails[i] = (fails >> i & 1) != 0;
                mix_run(&mix);
            }
}
END_TEST

int main(void)
{
    TCase *mixes = tcase_create("mixes");

    tcase_add_checked_fixture(mixes, trace_setup, NULL);
    tcase_add_loop_test(mixes, every_group_in_every_order_with_every_failure, 0,
                        KINDS * 2 * (int)(sizeof orders / sizeof *orders));
    return support_main("groups beside a model", &mixes, 1);
}
