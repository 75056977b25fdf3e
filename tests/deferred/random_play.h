/* SPDX-License-Identifier: MIT */
/*
 * A play of seven Deferreds, drawn by lot: what the real ones and their model
 * have in common.
 */
#ifndef THRUM_TESTS_RANDOM_PLAY_H
#define THRUM_TESTS_RANDOM_PLAY_H

#include "tests/deferred/chain.h"

enum { PLAYERS = 7, WORDS = 60, PAIRS = 400, ACCOUNT = 4000 };
enum { SPAN = 12, PAUSES = 64 };
enum { NONE = 0, OF_CANCEL = 7777 };

enum verb {
    ADD,
    FIRE,
    FAIL,
    CANCEL,
    ABANDON,
    FINISH,
    ADD_FIRST,
    PAUSE,
    RESUME, /* the last pause that was begun */
    CHAIN,  /* to another, who stands in `number` */
    TAKE,
    TIMEOUT,
    ADVANCE, /* the clock; never from a callback */
    VERBS
};
enum answer { KEEP, DONE, VALUE, FAILURE, WAIT, ANSWERS };
enum canceller { STOPPED, LATE, FIRES, FAILS, ABSENT };

enum state { PENDING, HAS_VALUE, HAS_FAILURE, WAITING };

/* What stands in the queue of a model. */
struct entry {
    enum { A_PAIR, A_WAITER, A_CHAIN, A_TIMEOUT } kind;
    int what; /* the number of the pair or the time-out, or a player */
};

/* One Deferred of the model. */
struct model {
    enum state state;
    int result; /* a value or the code of a failure; or for whom it waits */
    struct entry queue[PAIRS];
    int first, count;
    int pauses;
    int source; /* who was chained to it, and is cancelled with it; or -1 */
    bool fired, swallow, running, cancelling;
};

struct model_timeout {
    int who;
    long due;
    bool waiting, over;
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
    bool taken[PLAYERS];   /* the consumer's reference is gone */
    bool chained[PLAYERS]; /* the producer's is */
    int pauses[PLAYERS];
    enum canceller cancellers[PLAYERS];
    struct pair pairs[PAIRS];
    int made, depth;
    unsigned unhandled;
    int account[ACCOUNT], size;
    /* of the real one */
    thrum_context *context;
    thrum_test_clock *clock;
    thrum_deferred *d[PLAYERS];
    thrum_pause *tokens[PLAYERS][PAUSES];
    int values, released; /* how many were given, and came back */
    /* of the model */
    struct model models[PLAYERS];
    struct model_timeout timeouts[PAIRS];
    int timed;
    long now;
    int verbs[VERBS]; /* how often each was played */
};

/* The nth draw about something. */
unsigned play_draw(const play *self, int about, int nth, unsigned range);

/* Writes into the account. */
void play_note(play *self, int what);

/* Plays a verb; what its function returned, or NONE. */
int play_verb(play *self, enum verb verb, int who, int number);

/* What a callback does before it answers, and what it answers; *whom is for
 * whom it waits. */
enum answer play_answer(play *self, int number, int *whom);

/* The two who play. `added` is the number of a pair. */
int real_verb(play *self, enum verb verb, int who, int added, int number);
int model_verb(play *self, enum verb verb, int who, int added, int number);

#endif
