/* SPDX-License-Identifier: MIT */
#include "tests/deferred/random_play.h"

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

unsigned play_draw(const play *self, int about, int nth, unsigned range)
{
    uint64_t x = mix(self->seed) + (uint64_t)about * 64 + (uint64_t)nth;

    return (unsigned)(mix(mix(x) + 0x9e3779b97f4a7c15u) % range);
}

void play_note(play *self, int what)
{
    if (self->size < ACCOUNT)
        self->account[self->size++] = what;
}

static void play_act(play *self, int number)
{
    unsigned chance = play_draw(self, number, 0, 3 * VERBS);

    if (chance >= ADVANCE || self->depth >= 3)
        return;
    self->depth++;
    play_note(self,
              play_verb(self, (enum verb)chance,
                        (int)play_draw(self, number, 1, PLAYERS), number));
    self->depth--;
}

/* Whom a callback waits for; itself sometimes. -1: nobody is to be had. */
static int play_choose(play *self, int number)
{
    int who = (int)play_draw(self, number, 3, PLAYERS);

    if (self->taken[who])
        return -1;
    self->taken[who] = true;
    return who;
}

enum answer play_answer(play *self, int number, int *whom)
{
    enum answer answer;

    play_act(self, number);
    answer = (enum answer)play_draw(self, number, 2, ANSWERS);
    *whom = answer == WAIT ? play_choose(self, number) : -1;
    return answer == WAIT && *whom < 0 ? KEEP : answer;
}

/* Whether the rules of ownership allow it. */
static bool play_may(const play *self, enum verb verb, int who, int number)
{
    switch ((int)verb) {
    case FINISH:
        return !self->taken[who];
    case FIRE:
    case FAIL:
    case ABANDON:
        return !self->chained[who];
    case ADD:
    case ADD_FIRST:
    case TIMEOUT:
        return self->made < PAIRS;
    case PAUSE:
        return self->pauses[who] < PAUSES;
    case RESUME:
        return self->pauses[who] > 0;
    case CHAIN:
        return !self->chained[number % PLAYERS];
    default:
        return true;
    }
}

int play_verb(play *self, enum verb verb, int who, int number)
{
    int added = 0, answer;

    if (!play_may(self, verb, who, number))
        return NONE;
    self->verbs[verb]++;
    if (verb == FINISH)
        self->taken[who] = true;
    if (verb == PAUSE)
        self->pauses[who]++;
    if (verb == RESUME)
        self->pauses[who]--;
    if (verb == ADD || verb == ADD_FIRST || verb == TIMEOUT) {
        added = self->made++;
        self->pairs[added] = (struct pair){self, added, who, 0, 0};
    }
    play_note(self, 4000 + 10 * (int)verb + who);
    answer = self->real ? real_verb(self, verb, who, added, number)
                        : model_verb(self, verb, who, added, number);
    return answer;
}
