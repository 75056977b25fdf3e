/* SPDX-License-Identifier: MIT */
/*
 * The reactor: one libev loop with a context, a clock and a cooperator. All
 * that was made from a reactor belongs to the thread that runs it, and, while
 * it does not run, to the one that made it; only thrum_reactor_call_from_thread
 * may be called from another one. Any number of reactors work side by side,
 * each in a thread of its own.
 *
 * The loop ends when nothing keeps it alive: no stream, listener, connection
 * attempt, call later, task or work on a thread. Signals alone do not keep it
 * alive.
 *
 * A child that was forked may free what it has of a reactor, and nothing else:
 * thrum_reactor_free then closes descriptors and releases memory, and neither
 * sends, nor reads, nor resets, nor tells its streams; the parent goes on.
 * Deferreds that are open fail there, with THRUM_REACTOR_E_FORKED or as at any
 * end. The child has no threads: the context of work that one had begun is not
 * released. thrum_reactor_run, turn and wait return THRUM_REACTOR_E_FORKED.
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
    X(STOPPED, -209, "the reactor was stopped")                                \
    X(TLS, -210, "no TLS")                                                     \
    X(TRUNCATED, -211, "the peer closed without ending TLS")                   \
    X(NO_RECORDS, -212, "no such name, or nothing of that kind")               \
    X(THREAD, -213, "no thread could be started")                              \
    X(FORKED, -214, "the reactor is the parent process's")                     \
    X(SCRIPT, -215, "something else came than the script expects")             \
    X(NOT_OFFERED, -216, "the domain says that it has no such service")

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
    thrum_clock *clock;      /* a test's (thrum_test_clock); NULL: its own */
    size_t threads;          /* of the pool, at most; 0: 8 */
    size_t thread_jobs;      /* that wait for a thread, at most; 0: 1,024 */
    thrum_ns stop_within;    /* what a stop may take; 0: 30 s */
} thrum_reactor_config;

/* Makes a reactor. `config` may be NULL: all defaults. With a clock that was
 * given the loop waits for no time: calls are made when that clock makes them,
 * as by thrum_test_clock_advance, and do not keep the loop alive; what they
 * write leaves in the next turn.
 * Ownership: new; a loop that was given stays the program's, and so does a
 * clock, which outlives the reactor.
 * Errors: NULL, no memory (or no descriptors for the loop). */
THRUM_API thrum_reactor *thrum_reactor_new(const thrum_reactor_config *config);

/* Ends the reactor: streams that are left send what the kernel takes at once
 * and are aborted, attempts to connect fail with
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

/* Calls the start-up triggers, then runs the loop until thrum_reactor_stop, or
 * until nothing keeps it alive; may be called again then. A program with a loop
 * of its own may run that one instead: its first turn calls the start-up
 * triggers. A callback returns to the loop, it does not run it: what waits for
 * the callback's return would wait for ever.
 * Errors: THRUM_E_INVALID when it runs already, or from within a callback for
 * whose return others wait, though the loop does not run;
 * THRUM_REACTOR_E_TIMEOUT, the stop was cut short by its deadline;
 * THRUM_REACTOR_E_STOPPED, by a second one, or a start-up trigger failed;
 * THRUM_REACTOR_E_FORKED. */
THRUM_API int thrum_reactor_run(thrum_reactor *reactor);

/* Stops in order, from the end of the present turn on: what start-up triggers
 * still wait for is cancelled, the shutdown triggers are called, phase by
 * phase, and when all have ended thrum_reactor_run returns. When `stop_within`
 * is over, or when this is called again in a later turn, the stop is cut short:
 * what is waited for is cancelled, the triggers that are left are called, and
 * nothing more is waited for. In a program's own loop the triggers are called
 * as well, and thrum_reactor_when_stopped says when that loop may be ended.
 * While nobody runs the loop: nothing. */
THRUM_API void thrum_reactor_stop(thrum_reactor *reactor);

/* Fires without a value when the reactor was stopped and its shutdown triggers
 * have ended: the Deferred of a program that serves until then.
 * Ownership: new. Errors: NULL, no memory; THRUM_REACTOR_E_STOPPED, the reactor
 * was freed first. */
THRUM_API thrum_deferred *thrum_reactor_when_stopped(thrum_reactor *reactor);

/* Runs one turn of the loop, without waiting for anything. Returns 1 when
 * something had come or the next one has something to do already, 0 when it
 * would wait, or an error as run: what a test, or a loop that is not libev,
 * drives a reactor with. (Where the program's own loop has check watchers, or
 * more than one reactor, it is always 1.) */
THRUM_API int thrum_reactor_turn(thrum_reactor *reactor);

/* Runs the loop until a Deferred has its result, and takes that: asynchronous
 * calls in the order of a script. Exactly one of *value (with *free, its
 * release function) and *why is set; *value may be NULL. A value that is shared
 * (thrum_share_new) stays where it is.
 * Ownership: the consumer's reference is taken, also on error; *value and *why
 * new. Errors: THRUM_E_INVALID, within a callback of the loop;
 * THRUM_DEFERRED_E_NO_RESULT, the loop ended first: the Deferred was cancelled;
 * THRUM_E_NOMEM, deferred is NULL; THRUM_REACTOR_E_FORKED. */
THRUM_API int thrum_reactor_wait(thrum_reactor *reactor,
                                 thrum_deferred *deferred, void **value,
                                 thrum_free_fn **free, thrum_failure **why);

typedef enum thrum_trigger_phase {
    THRUM_TRIGGER_STARTUP,         /* before anything else of a run */
    THRUM_TRIGGER_BEFORE_SHUTDOWN, /* take no more work, end what there is */
    THRUM_TRIGGER_DURING_SHUTDOWN, /* close */
    THRUM_TRIGGER_AFTER_SHUTDOWN   /* nothing of the above is left */
} thrum_trigger_phase;

/* Answers thrum_done, thrum_wait for what the phase is to wait for, or
 * thrum_fail: told to the context's hook, and the others go on; of a start-up
 * trigger it stops the run. */
typedef thrum_outcome thrum_trigger_fn(void *ctx);

typedef struct thrum_trigger thrum_trigger;

/* Calls fn(ctx) once, in the phase named: start-up in the order of asking,
 * shutdown in the reverse. A phase begins when all of the one before has ended.
 * Ownership: borrowed, until it was called, or the reactor is freed; ctx taken,
 * also on error, and released when the trigger, and what it waits for, has
 * ended.
 * Errors: NULL, no memory, or the phase is over. */
#define thrum_trigger_new(reactor, phase, fn, ctx, free)                       \
    thrum_trigger_new_at((reactor), (phase), (fn), (ctx), (free),              \
                         #fn THRUM_HERE)

/* thrum_trigger_new with the function's name and the caller's place, "close_all
 * (service.c:42)"; `place` must be static. */
THRUM_API thrum_trigger *thrum_trigger_new_at(thrum_reactor *reactor,
                                              thrum_trigger_phase phase,
                                              thrum_trigger_fn *fn, void *ctx,
                                              thrum_free_fn *free,
                                              const char *place);

/* Takes it back; its context is released. Not once it was called. NULL is
 * nothing. */
THRUM_API void thrum_trigger_free(thrum_trigger *trigger);

/* Has SIGTERM and SIGINT call thrum_reactor_stop: the first stops in order, the
 * second at once. Errors: THRUM_E_NOMEM; THRUM_E_INVALID, another reactor of
 * the process watches one of them. */
THRUM_API int thrum_reactor_stop_on_signals(thrum_reactor *reactor);

/* Calls fn(ctx) in the reactor's thread, in the next turn: the only function of
 * a reactor that may be called from another thread. Calls from one thread are
 * made in their order.
 * Ownership: ctx taken, also on error, and released in the reactor's thread
 * (on error: here).
 * Errors: THRUM_E_NOMEM. */
#define thrum_reactor_call_from_thread(reactor, fn, ctx, free)                 \
    thrum_reactor_call_from_thread_at((reactor), (fn), (ctx), (free),          \
                                      #fn THRUM_HERE)

/* thrum_reactor_call_from_thread with the function's name and the caller's
 * place, "on_line (service.c:42)"; `place` must be static. */
THRUM_API int thrum_reactor_call_from_thread_at(thrum_reactor *reactor,
                                                thrum_call_fn *fn, void *ctx,
                                                thrum_free_fn *free,
                                                const char *place);

typedef struct thrum_signal thrum_signal;

/* Calls fn(ctx) in a turn of the loop each time the process gets the signal.
 * Ownership: new; ctx taken, also on error.
 * Errors: NULL, no memory, not a signal that can be caught, or one that
 * another reactor of the process watches. */
#define thrum_signal_new(reactor, number, fn, ctx, free)                       \
    thrum_signal_new_at((reactor), (number), (fn), (ctx), (free),              \
                        #fn THRUM_HERE)

/* thrum_signal_new with the function's name and the caller's place, "on_hangup
 * (service.c:42)"; `place` must be static. */
THRUM_API thrum_signal *thrum_signal_new_at(thrum_reactor *reactor, int number,
                                            thrum_call_fn *fn, void *ctx,
                                            thrum_free_fn *free,
                                            const char *place);

/* Ends the watch; without others of the same number, the signal's default is
 * restored. Legal from within its own call, and after the reactor's end. NULL
 * is nothing. */
THRUM_API void thrum_signal_free(thrum_signal *watch);

/* A program's main job: starts it and answers with the Deferred of its end. */
typedef thrum_deferred *thrum_main_fn(thrum_reactor *reactor, void *arg);

/* Runs a program: makes a reactor, calls main(reactor, arg), runs the loop
 * until the Deferred ends, stops in order, and frees the reactor. A failure
 * that nobody handled is printed to standard error, the operation's name first.
 * When the loop ends first, it says so, cancels the Deferred, and stops. When a
 * stop comes first, the Deferred is cancelled; that it then fails with
 * THRUM_DEFERRED_E_CANCELLED is no failure of the program.
 * Returns the program's exit status: 0, or 1 when the Deferred failed, or
 * thrum_reactor_run did. */
THRUM_API int thrum_react(thrum_main_fn *main, void *arg);

THRUM_END

#endif
