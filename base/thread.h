/* SPDX-License-Identifier: MIT */
/*
 * A context, and all that was made from it, belongs to one thread: the one that
 * made it, or, while its reactor runs, the one that runs that. A build with
 * --enable-thread-checks (or with sanitizers) ends the program where another
 * one enters. In an ordinary build nothing of this is there.
 */
#ifndef THRUM_BASE_THREAD_H
#define THRUM_BASE_THREAD_H

#ifdef THRUM__CHECK_THREADS
#include <pthread.h>
#include <sys/types.h>

#include <thrum/context.h>

enum { THRUM__THREAD_NAME = 16 }; /* what Linux keeps of one */

typedef struct thrum__thread {
    pthread_t self;
    pid_t id; /* as debuggers and ps call it */
    char name[THRUM__THREAD_NAME];
} thrum__thread;

/* The thread that asks. */
thrum__thread thrum__thread_here(void);

/* Ends the program, and says why on standard error, when it is called in
 * another thread than the context's. */
void thrum__thread_check(const thrum_context *context, const char *function);

/* The context belongs to the thread that asks until `leave`. */
void thrum__thread_enter(thrum_context *context);
void thrum__thread_leave(thrum_context *context);

#define THRUM__HERE(context) thrum__thread_check((context), __func__)
/* The same for an object that has a context, or is NULL. */
#define THRUM__HERE_OF(object)                                                 \
    ((object) != NULL ? THRUM__HERE((object)->context) : (void)0)
#else
#define THRUM__HERE(context) ((void)0)
#define THRUM__HERE_OF(object) ((void)0)
#define thrum__thread_enter(context) ((void)0)
#define thrum__thread_leave(context) ((void)0)
#endif

#endif
