/* SPDX-License-Identifier: MIT */
/*
 * A stage for the peer with a script: a reactor on the clock of a test, two
 * streams that are each other's peers, the script at one of them, and at the
 * other a handler that notes what it is told.
 */
#ifndef THRUM_TESTS_REACTOR_STAGE_H
#define THRUM_TESTS_REACTOR_STAGE_H

#include <thrum/deferred.h>
#include <thrum/test_clock.h>
#include <thrum/test_peer.h>

#include "tests/reactor/peer.h"

typedef struct stage {
    thrum_context *context;
    thrum_test_clock *clock;
    thrum_reactor *reactor;
    thrum_stream *own; /* the peer's */
    thrum_test_peer *peer;
    thrum_stream *stream; /* the other end */
    thrum_buffer data;    /* that came there */
    unsigned events;      /* calls that brought it */
    bool ended, closed;
    int why;    /* it closed; 0: well */
    bool over;  /* the play */
    bool well;  /* and without a failure */
    int code;   /* of that, 0: none */
    char *text; /* and its words */
    bool frees; /* the peer, when it hears of the play's end */
} stage;

/* Errors: without memory some of it is NULL; the rest is for stage_end. */
void stage_start(stage *self);

/* Ends what is left; every block was given back. */
void stage_end(stage *self);

/* Plays, and hears of the end. Answers the Deferred (borrowed, until then). */
thrum_deferred *stage_play(stage *self);

/* Turns until nothing is left to do but by time, or somebody else. */
void stage_rest(stage *self);

/* Of the peer's own stream. */
void stage_set_marks(stage *self, size_t low, size_t high, size_t cap);

/* The other end sends. */
void stage_say(stage *self, const char *text);
void stage_say_bytes(stage *self, const void *data, size_t size);

/* Plays to the end, which is well. */
void stage_expect_well(stage *self);

/* Plays to the end, which is the failure with these words. */
void stage_expect_failure(stage *self, int code, const char *text);

/* What came to the other end reads so. */
void stage_expect_data(stage *self, const char *text);

/* Turns until the condition holds. */
#define STAGE_UNTIL(stage, condition)                                          \
    while (!(condition))                                                       \
    ck_assert_int_ge(thrum_reactor_turn((stage)->reactor), 0)

#endif
