/* SPDX-License-Identifier: MIT */
/*
 * To see the Deferreds that live: what each stands for, how old it is, and what
 * it waits for. Costs 40 bytes a Deferred while it is switched on.
 */
#ifndef THRUM_DEBUG_H
#define THRUM_DEBUG_H

#include <thrum/clock.h>
#include <thrum/deferred.h>

THRUM_BEGIN

/* Switches it on for all Deferreds that are made from now on; `clock` gives
 * their age and outlives the context (NULL: switches it off). Each that never
 * got its result is told to the log, once: when it is switched off, or when
 * nobody holds the context any more but Deferreds and what waits for them (a
 * clock, a cooperator, a semaphore or a queue may yet act, and holds it).
 * Errors: THRUM_E_NOMEM. */
THRUM_API int thrum_debug_deferreds(thrum_context *context, thrum_clock *clock);

/* Is told of one live Deferred, which is borrowed. `age` is in nanoseconds. */
typedef void thrum_debug_fn(const thrum_deferred *deferred, thrum_ns age,
                            void *ctx);

/* Calls `fn` for each that was made since it was switched on and still lives,
 * oldest first. `fn` changes none of them. Returns how many. */
THRUM_API size_t thrum_debug_each(thrum_context *context, thrum_debug_fn *fn,
                                  void *ctx);

/* Writes what thrum_debug_each tells to the log, a line each: operation, state,
 * age, what it waits for, where it was made, where its consumer spoke last.
 * Returns how many. */
THRUM_API size_t thrum_debug_dump(thrum_context *context);

THRUM_END

#endif
