/* SPDX-License-Identifier: MIT */
/*
 * What every test program needs: a context whose allocations are counted and
 * can be made to fail, a count of the failures that nobody handled, a count of
 * open descriptors, and a main program.
 */
#ifndef THRUM_TESTS_SUPPORT_H
#define THRUM_TESTS_SUPPORT_H

#include <check.h>
#include <stdbool.h>

#include <thrum/context.h>
#include <thrum/failure.h>

/* A context on the counting allocator below. */
thrum_context *support_context(void);

/* Ends it, and asserts that every block was given back. */
void support_context_end(thrum_context *context);

/* The allocator: malloc that fails when it is told to. */
const thrum_allocator *support_allocator(void);

/* The nth allocation from now fails, alone; 0: none does. */
void support_fail_at(unsigned long n);

/* Whether the allocation that was to fail was reached. */
bool support_failed(void);

/* How many blocks are in use, failures included. */
long support_blocks(void);

/* How many failures reached the unhandled hook since the last call. */
unsigned support_unhandled(void);

/* The text, operation and line of the last of them. */
const char *support_unhandled_text(void);
const char *support_unhandled_operation(void);
int support_unhandled_line(void);

/* Runs a scenario with its 1st, 2nd, ... allocation failing, until it needs no
 * more of them; after each run every block must have been given back. The
 * scenario makes its contexts with support_context. */
void support_every_allocation(void (*scenario)(void));

/* How many descriptors are open. */
int support_descriptors(void);

/* Runs the cases and answers main's status; asserts that descriptors and blocks
 * are as they were. */
int support_main(const char *name, TCase *const *cases, size_t count);

#endif
