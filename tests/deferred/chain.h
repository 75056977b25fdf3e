/* SPDX-License-Identifier: MIT */
/*
 * What the tests of this floor share: a trace of what was called, and a clock
 * with a cooperator.
 */
#ifndef THRUM_TESTS_CHAIN_H
#define THRUM_TESTS_CHAIN_H

#include <thrum/cooperator.h>
#include <thrum/deferred.h>
#include <thrum/test_clock.h>

#include "tests/support/support.h"

/* Adds to the trace. */
void trace_note(const char *what);

/* The trace since the last call. */
const char *trace_take(void);

/* A fixture: an empty trace, no failures reported so far. */
void trace_setup(void);

/* Callbacks whose context is a name: "name=value " and "name!text ". The
 * errback handles what it gets. */
thrum_outcome trace_value(void *value, void *name);
thrum_outcome trace_failure(const thrum_failure *why, void *name);

/* A release function for a context that is a name: "~name ". */
void trace_release(void *name);

/* Answers that the chain waits for ctx. */
thrum_outcome answer_wait(void *value, void *ctx);

/* The same for an errback. */
thrum_outcome answer_wait_failed(const thrum_failure *why, void *ctx);

/* A failure of this text. */
thrum_failure *chain_failure(thrum_context *context, const char *text);

/* A clock, and a cooperator on it, whose schedule counts what it is asked. */
struct world {
    thrum_context *context;
    thrum_test_clock *clock;
    thrum_cooperator *cooperator;
    unsigned scheduled;
};

void world_start(struct world *self, thrum_ns slice);
void world_end(struct world *self);

/* Runs on a thread with a stack of this size, or, under a sanitizer, whose
 * frames are larger, sixteen times that. */
void on_small_stack(void (*run)(void), size_t size);

/* The same with a context of that thread's own, at *context. */
void on_small_stack_with(thrum_context **context, void (*run)(void),
                         size_t size);

#endif
