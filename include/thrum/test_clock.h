/* SPDX-License-Identifier: MIT */
/*
 * A clock that a test moves by hand (twisted.internet.task.Clock).
 */
#ifndef THRUM_TEST_CLOCK_H
#define THRUM_TEST_CLOCK_H

#include <thrum/clock.h>

THRUM_BEGIN

typedef struct thrum_test_clock thrum_test_clock;

/* Makes a clock that shows 0, and wall time 0.
 * Ownership: new. Errors: NULL, no memory. */
THRUM_API thrum_test_clock *thrum_test_clock_new(thrum_context *context);

/* Frees it; calls that were not made are cancelled, as are those that are asked
 * for meanwhile. Legal from within a call. NULL is nothing. */
THRUM_API void thrum_test_clock_free(thrum_test_clock *clock);

/* The clock as others take it. Ownership: borrowed. */
THRUM_API thrum_clock *thrum_test_clock_clock(thrum_test_clock *clock);

/* Moves time `by` nanoseconds on (0 or less: not at all) and makes every call
 * that is due by then, each at its own time, in order; also those that the
 * calls ask for. */
THRUM_API void thrum_test_clock_advance(thrum_test_clock *clock, thrum_ns by);

/* Advances by each of `count` spans in turn (twisted's Clock.pump), until a
 * call frees the clock. */
THRUM_API void thrum_test_clock_pump(thrum_test_clock *clock,
                                     const thrum_ns *spans, size_t count);

/* When the nth of the waiting calls is due, in the order in which they will be
 * made, on the clock's time; -1 when there are fewer. To go through all n of
 * them costs n log n, as long as none comes or goes. */
THRUM_API thrum_ns thrum_test_clock_due(thrum_test_clock *clock, size_t index);

/* From now on every reading (thrum_clock_read) moves the clock `by` nanoseconds
 * on after it was taken, as work between two readings does. */
THRUM_API void thrum_test_clock_set_pace(thrum_test_clock *clock, thrum_ns by);

/* Moves time of day alone, as an operator who sets the clock. */
THRUM_API void thrum_test_clock_set_wall(thrum_test_clock *clock, thrum_ns to);

/* How many calls are waiting. */
THRUM_API size_t thrum_test_clock_pending(const thrum_test_clock *clock);

THRUM_END

#endif
