/* SPDX-License-Identifier: MIT */
/*
 * The reactor: one libev loop with a context, a clock and a cooperator. All
 * that was made from a reactor belongs to the thread that runs it, and, while
 * it does not run, to the one that made it; only thrum_reactor_call_from_thread
 * may be called from another one.
 *
 * The loop ends when nothing keeps it alive: no stream, listener, connection
 * attempt, call later or task. Signals alone do not keep it alive.
 */
#ifndef THRUM_REACTOR_H
#define THRUM_REACTOR_H

#include <thrum/clock.h>
#include <thrum/cooperator.h>

struct ev_loop;

THRUM_BEGIN

typedef struct thrum_reactor thrum_reactor;

/* The codes of the floor reactor. */
#define THRUM_REACTOR_ERRORS(X)                                                \
    X(RESOLVE, -201, "the name could not be resolved")                         \
    X(CONNECT, -202, "no connection")                                          \
    X(TIMEOUT, -203, "the time is over")                                       \
    X(LISTEN, -204, "cannot listen")                                           \
    X(READ, -205, "reading failed")                                            \
    X(WRITE, -206, "writing failed")                                           \
    X(ENDED, -207, "the peer closed the connection")                           \
    X(ABORTED, -208, "the connection was aborted here")                        \
    X(STOPPED, -209, "the reactor was stopped")

#define THRUM_REACTOR_ERRORS_ENUM(name, code, text)                            \
    THRUM_REACTOR_E_##name = (code),
enum thrum_reactor_error {
    THRUM_REACTOR_ERRORS(THRUM_REACTOR_ERRORS_ENUM) THRUM_REACTOR_E_END = -299
};
#undef THRUM_REACTOR_ERRORS_ENUM

/* The domain of THRUM_REACTOR_ERRORS. */
extern THRUM_API const thrum_domain thrum_domain_reactor;

typedef struct thrum_reactor_config {
    struct ev_loop *loop;    /* the program's own; NULL: one is made */
    thrum_context *context;  /* shared; NULL: one is made, with defaults */
    thrum_ns slice;          /* of the cooperator, a turn; 0: 1 ms */
    const char *nameservers; /* "127.0.0.1:53,[::1]:53"; NULL: the system's */
} thrum_reactor_config;

/* Makes a reactor. `config` may be NULL: all defaults.
 * Ownership: new; a loop that was given stays the program's.
 * Errors: NULL, no memory (or no descriptors for the loop). */
THRUM_API thrum_reactor *thrum_reactor_new(const thrum_reactor_config *config);

/* Ends the reactor: streams that are left send what the kernel takes at once
 * and are aborted,  attempts to connect fail with
 * THRUM_REACTOR_E_STOPPED, tasks with THRUM_DEFERRED_E_STOPPED, and the calls
 * later are cancelled. Listeners and signals stop, and are still to be freed.
 * Not from within a callback of the reactor. NULL is nothing. */
THRUM_API void thrum_reactor_free(thrum_reactor *reactor);

/* Its context. Ownership: borrowed. */
THRUM_API thrum_context *thrum_reactor_context(thrum_reactor *reactor);

/* Its clock. Ownership: borrowed. */
THRUM_API thrum_clock *thrum_reactor_clock(thrum_reactor *reactor);

/* Its cooperator, ticked once a turn. Ownership: borrowed. */
THRUM_API thrum_cooperator *thrum_reactor_cooperator(thrum_reactor *reactor);

/* Runs the loop until thrum_reactor_stop, or until nothing keeps it alive. A
 * program with a loop of its own runs that one instead. A callback returns to
 * the loop, it does not run it: what waits for the callback's return would wait
 * for ever. Errors: THRUM_E_INVALID when it runs already, or from within a
 * callback for whose return others wait, though the loop does not run. */
THRUM_API int thrum_reactor_run(thrum_reactor *reactor);

/* Makes thrum_reactor_run return after the present turn. */
THRUM_API void thrum_reactor_stop(thrum_reactor *reactor);

/* Calls fn(ctx) in the reactor's thread, in the next turn: the only function of
 * a reactor that may be called from another thread. Calls from one thread are
 * made in their order.
 * Ownership: ctx taken, also on error, and released in the reactor's thread
 * (on error: here).
 * Errors: THRUM_E_NOMEM. */
THRUM_API int thrum_reactor_call_from_thread(thrum_reactor *reactor,
                                             thrum_call_fn *fn, void *ctx,
                                             thrum_free_fn *free);

typedef struct thrum_signal thrum_signal;

/* Calls fn(ctx) in a turn of the loop each time the process gets the signal.
 * Ownership: new; ctx taken, also on error.
 * Errors: NULL, no memory, not a signal that can be caught, or one that
 * another reactor of the process watches. */
THRUM_API thrum_signal *thrum_signal_new(thrum_reactor *reactor, int number,
                                         thrum_call_fn *fn, void *ctx,
                                         thrum_free_fn *free);

/* Ends the watch; without others of the same number, the signal's default is
 * restored. Legal from within its own call, and after the reactor's end. NULL
 * is nothing. */
THRUM_API void thrum_signal_free(thrum_signal *watch);

/* A program's main job: starts it and answers with the Deferred of its end. */
typedef thrum_deferred *thrum_main_fn(thrum_reactor *reactor, void *arg);

/* Runs a program: makes a reactor, calls main(reactor, arg) in it, runs the
 * loop until the Deferred ends, and frees the reactor. A failure that nobody
 * handled is printed to standard error, the operation's name first.
 * When the loop ends first, it says so and cancels the Deferred.
 * Returns the program's exit status: 0, or 1 when the Deferred failed. */
THRUM_API int thrum_react(thrum_main_fn *main, void *arg);

THRUM_END

#endif
