/* SPDX-License-Identifier: MIT */
/*
 * Threads that do what blocks, as the reactor and thread.c see them. A job goes
 * to a thread of the pool, and comes back through the inbox.
 */
#ifndef THRUM_REACTOR_THREAD_POOL_H
#define THRUM_REACTOR_THREAD_POOL_H

#include <stdbool.h>

#include <thrum/thread.h>

#include "reactor/inbox.h"
#include "reactor/link.h"

typedef struct thrum__thread_pool thrum__thread_pool;

/* First in what has it. Its note's `fn` is called in the reactor's thread when
 * `work` has returned. */
typedef struct thrum__job {
    thrum__note note;                     /* first */
    thrum__link link;                     /* in the pool's queue */
    void (*work)(struct thrum__job *job); /* in a thread of the pool */
    bool begun;                           /* under the pool's lock */
} thrum__job;

/* At most `threads` work at a time, and `jobs` more wait. Starts no thread.
 * Ownership: new; allocator and inbox are borrowed. NULL without memory. */
thrum__thread_pool *thrum__thread_pool_new(const thrum_allocator *allocator,
                                           thrum__inbox *inbox, size_t threads,
                                           size_t jobs);

/* Gives it a job. Errors: THRUM_E_FULL; THRUM_REACTOR_E_THREAD, with errno: no
 * thread, and none could be started. */
int thrum__thread_pool_give(thrum__thread_pool *pool, thrum__job *job);

/* Takes a job back; false: it has begun. */
bool thrum__thread_pool_take_back(thrum__thread_pool *pool, thrum__job *job);

/* Ends the threads when they have done what they began, and puts what was still
 * to be done into `left`. */
void thrum__thread_pool_end(thrum__thread_pool *pool, thrum__link *left);

/* After the end; or in a forked child, which has none of the threads. */
void thrum__thread_pool_free(thrum__thread_pool *pool, bool forked);

#endif
