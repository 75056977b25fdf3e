/* SPDX-License-Identifier: MIT */
/*
 * A stop as it is told: each trigger, call and end says its letter.
 */
#ifndef THRUM_TESTS_REACTOR_STORY_H
#define THRUM_TESTS_REACTOR_STORY_H

#include <thrum/deferred.h>

#include "tests/reactor/loop.h"

void story_tell(char letter);

/* Whether the letter was told since the last expectation. */
bool story_has(char letter);

/* What was told reads so; it begins anew. */
void story_expect(const char *wanted);

/* Whatever was told; it begins anew. */
void story_forget(void);

/* So many contexts were released; the count begins anew. */
void story_expect_released(unsigned wanted);

/* What a trigger does: says its letter, and answers. */
typedef struct act {
    thrum_reactor *reactor;
    thrum_deferred *on; /* what it waits for */
    char letter;
    bool fails, stops;
} act;

/* Has it called in a phase; it is counted when it is released. */
thrum_trigger *story_on(thrum_trigger_phase phase, act *what);

/* Says '!' and stops. */
void story_stop(void *reactor);

/* Says 'f' and fires a Deferred. */
void story_fire(void *deferred);

/* Calls in the next turn. */
void story_later(thrum_reactor *reactor, thrum_call_fn *fn, void *ctx);

/* Holds the loop for an hour. */
void story_hold(thrum_reactor *reactor);

/* Holds it, and runs it until the stop of its first turn. */
void story_run_until_stopped(thrum_reactor *reactor);

thrum_deferred *story_pending(thrum_reactor *reactor);

thrum_failure *story_failure(thrum_reactor *reactor);

/* Says 'w' when the reactor was stopped, 'n' when it never was; stops
 * `reactor`, unless that is NULL, again. */
thrum_deferred *story_when_stopped(thrum_reactor *reactor, void *again);

#endif
