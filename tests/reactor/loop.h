/* SPDX-License-Identifier: MIT */
/*
 * A reactor on the counting allocator, for the tests of this folder.
 */
#ifndef THRUM_TESTS_REACTOR_LOOP_H
#define THRUM_TESTS_REACTOR_LOOP_H

#include <thrum/reactor.h>

#include "tests/support/support.h"

/* Makes a reactor with a context of its own. */
thrum_reactor *loop_start(void);

/* Frees both, and asserts that every block was given back. */
void loop_end(thrum_reactor *reactor);

/* Ends the process when the tests hang. */
void loop_watchdog(void);

#endif
