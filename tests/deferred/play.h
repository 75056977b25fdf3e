/* SPDX-License-Identifier: MIT */
/*
 * What the tests of groups play with: three members on a clock, whose
 * cancellers are told apart, and a trace of what becomes of the group.
 */
#ifndef THRUM_TESTS_PLAY_H
#define THRUM_TESTS_PLAY_H

#include <thrum/group.h>

#include "tests/deferred/chain.h"

enum { MEMBERS = 3 };

typedef thrum_deferred *group_fn(thrum_context *context,
                                 thrum_deferred *const *members, size_t count,
                                 const thrum_group_config *config);

enum kind { ALL, SETTLED, ANY, RACE, KINDS };

extern group_fn *const kinds[KINDS];

typedef struct play {
    thrum_context *context;
    thrum_test_clock *clock;
    thrum_deferred *consumers[MEMBERS]; /* their references, for the group */
    thrum_deferred *members[MEMBERS];   /* the producers'; NULL once ended */
    bool refuses[MEMBERS];              /* to be cancelled */
    thrum_deferred *group;
    struct hand {
        struct play *play;
        int index;
    } hands[MEMBERS];
} play;

/* "a", "b" and "c", which are the members' values. */
extern char letters[MEMBERS][2];

/* Three members. Their cancellers write "x0 ", and are done with it, or, of one
 * that refuses, "late0 ". */
void play_start(play *self);

/* Abandons the members that are left, and asserts that nothing else is. */
void play_end(play *self);

/* Gives a member a result: a letter, which tells when it is released, or a
 * failure whose text it is. */
void play_fire(play *self, int index, const char *letter);
void play_fail(play *self, int index, const char *letter);

/* Makes the group of all three, which writes what becomes of it. */
void play_group(play *self, enum kind kind, const thrum_group_config *config);

/* The consumer's last word. */
void play_finish(play *self);

/* Callbacks. "[0=a 1!b 2?] first 0 ". */
thrum_outcome tell_results(void *value, void *ctx);

/* "failed 1: b ", "none: b ", or the failure's own words. */
thrum_outcome tell_failure(const thrum_failure *why, void *ctx);

#endif
