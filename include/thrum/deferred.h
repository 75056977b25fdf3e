/* SPDX-License-Identifier: MIT */
/*
 * A Deferred: a result that is not there yet, and the chain of callbacks that
 * it will run through (twisted.internet.defer.Deferred).
 *
 * Two hold it. The producer holds one reference, which ends with fire, fail or
 * abandon, whatever those return. The consumer holds one, which ends with
 * finish, with the answer thrum_wait, or with a group that takes it. What the
 * consumer leaves unhandled reaches the context's hook when the last reference
 * goes.
 *
 * A pair of callbacks is run when the result reaches it: the callback for a
 * value, the errback for a failure; what it answers is the result for the next
 * pair. A pair added to a Deferred that has its result runs at once, before add
 * returns, unless other callbacks of the same Deferred are running or still to
 * run: then it runs after those, in order.
 *
 * A Deferred that would wait for itself fails at once, with
 * THRUM_DEFERRED_E_WAITS_FOR_ITSELF, instead of hanging: whichever way the
 * circle runs, through answers, chains made by hand, groups, shares, iterators,
 * tasks and looping calls, and however long it is. What is not seen is a circle
 * through the program's own code (a callback of one that fires another), and
 * who would have to release a semaphore, or put into a queue, for whom: such
 * Deferreds hang, as do those that nobody fires, and are told of when their
 * producer lets go (thrum_debug_deferreds names them).
 *
 * Every function takes NULL for a Deferred that could not be made, and treats
 * it as one that failed for want of memory: calls nest without tests between.
 */
#ifndef THRUM_DEFERRED_H
#define THRUM_DEFERRED_H

#include <thrum/clock.h>
#include <thrum/outcome.h>

THRUM_BEGIN

/* The codes of the floor deferred. */
#define THRUM_DEFERRED_ERRORS(X)                                               \
    X(FIRED, -101, "the Deferred has its result already")                      \
    X(CANCELLED, -102, "cancelled")                                            \
    X(ABANDONED, -103, "abandoned by its producer")                            \
    X(WAITS_FOR_ITSELF, -104, "a Deferred would wait for itself")              \
    X(FIRST, -105, "a member of the group failed")                             \
    X(STOPPED, -106, "the cooperator was stopped")                             \
    X(TIMEOUT, -107, "the time is over")                                       \
    X(TASK_STOPPED, -108, "the task was stopped")                              \
    X(TASK_DONE, -109, "the task is at its end")                               \
    X(TASK_FAILED, -110, "the task has failed")                                \
    X(NOT_PAUSED, -111, "the task is not paused")                              \
    X(OVERFLOW, -112, "the queue is full")                                     \
    X(UNDERFLOW, -113, "too many wait for the queue")                          \
    X(QUEUE_CLOSED, -114, "the queue is closed")                               \
    X(NONE_SUCCEEDED, -115, "no member of the group succeeded")                \
    X(NO_RESULT, -116, "the Deferred has no result yet")

#define THRUM_DEFERRED_ERRORS_ENUM(name, code, text)                           \
    THRUM_DEFERRED_E_##name = (code),
enum thrum_deferred_error {
    THRUM_DEFERRED_ERRORS(THRUM_DEFERRED_ERRORS_ENUM) THRUM_DEFERRED_E_END =
        -199
};
#undef THRUM_DEFERRED_ERRORS_ENUM

/* The domain of THRUM_DEFERRED_ERRORS. */
extern THRUM_API const thrum_domain thrum_domain_deferred;

/* Gets a value on its way down the chain. Both arguments are borrowed. */
typedef thrum_outcome thrum_callback_fn(void *value, void *ctx);

/* Gets a failure on its way down the chain. Both arguments are borrowed. */
typedef thrum_outcome thrum_errback_fn(const thrum_failure *why, void *ctx);

/* What a canceller answers. STOPPED: the operation is at its end, its producer
 * will say no more, and the producer's reference is given back; the Deferred
 * then fails with CANCELLED. LATE: the operation cannot be stopped; the
 * Deferred fails with CANCELLED at once, and the one result that the producer
 * still owes is swallowed. A canceller that fires or fails the Deferred itself
 * answers as it likes. */
typedef enum thrum_cancelled {
    THRUM_CANCELLED_STOPPED,
    THRUM_CANCELLED_LATE
} thrum_cancelled;

/* Stops the operation behind `deferred`. Both arguments are borrowed. */
typedef thrum_cancelled thrum_canceller_fn(thrum_deferred *deferred, void *ctx);

/* ---- The producer ---- */

/* Makes a Deferred for an operation. `operation` is its name in messages ("smtp
 * send") and must be static.
 * Ownership: new, two references: the producer's and the consumer's.
 * Errors: NULL, no memory. */
#define thrum_deferred_new(context, operation)                                 \
    thrum_deferred_new_at((context), (operation), __FILE__, __LINE__)

/* thrum_deferred_new with the place of the caller, which is kept only while
 * thrum_debug_deferreds is on; `file` must be static, or NULL: no place. */
THRUM_API thrum_deferred *thrum_deferred_new_at(thrum_context *context,
                                                const char *operation,
                                                const char *file, int line);

/* Says how the operation is stopped. Without it, a cancelled Deferred fails at
 * once and one late result is swallowed. At most once per Deferred. `free` runs
 * as soon as the Deferred has its result, or, if the canceller is running then,
 * when that has returned. Ownership: ctx taken, also on error.
 * Errors: THRUM_E_NOMEM; THRUM_DEFERRED_E_FIRED; THRUM_E_INVALID: the second
 * time, or no canceller. */
THRUM_API int thrum_deferred_on_cancel(thrum_deferred *deferred,
                                       thrum_canceller_fn *canceller, void *ctx,
                                       thrum_free_fn *free);

/* The operation succeeded with `value` (NULL: no value). Ends the producer's
 * reference. Ownership: value taken, also on error.
 * Calls back: before it returns.
 * Errors: THRUM_DEFERRED_E_FIRED; THRUM_E_NOMEM for NULL. */
THRUM_API int thrum_deferred_fire(thrum_deferred *deferred, void *value,
                                  thrum_free_fn *free);

/* The operation failed. Ends the producer's reference. Ownership: why taken,
 * also on error; NULL reads as "out of memory".
 * Calls back: before it returns. Errors: as fire. */
THRUM_API int thrum_deferred_fail(thrum_deferred *deferred, thrum_failure *why);

/* The producer goes away without a result: the Deferred, if it has none, fails
 * with THRUM_DEFERRED_E_ABANDONED. Ends the producer's reference.
 * Calls back: before it returns. */
THRUM_API void thrum_deferred_abandon(thrum_deferred *deferred);

/* A Deferred that has fired already. Ownership: new, the consumer's reference
 * alone; value taken, also on error. Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_deferred_succeed(thrum_context *context,
                                                 void *value,
                                                 thrum_free_fn *free);

/* A Deferred that has failed already. Ownership: new, the consumer's reference
 * alone; why taken, also on error; NULL reads as "out of memory".
 * Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_deferred_failed(thrum_context *context,
                                                thrum_failure *why);

/* Calls fn(ctx) and makes a Deferred of its answer: a value or a failure that
 * is there already, or the one that it waits for (twisted's maybeDeferred).
 * Ownership: new, the consumer's reference; ctx borrowed.
 * Calls back: fn before it returns. Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_deferred_maybe(thrum_context *context,
                                               thrum_outcome (*fn)(void *ctx),
                                               void *ctx);

/* ---- The consumer ---- */

/* Adds a pair to the end of the chain. Either function may be NULL: what it
 * would get passes by. Ownership: ctx taken, also on error; `free` runs once,
 * after the pair was run or passed by.
 * Calls back: before it returns when the result is there, else later.
 * Errors: THRUM_E_NOMEM: ctx was released, and the chain, when it gets here,
 * goes on with the failure "out of memory", so nothing is passed by in
 * silence. */
#define thrum_deferred_add(deferred, callback, errback, ctx, free)             \
    thrum_deferred_add_at((deferred), (callback), (errback), (ctx), (free),    \
                          __FILE__, __LINE__)

/* thrum_deferred_add with the place of the caller; `file` must be static. */
THRUM_API int thrum_deferred_add_at(thrum_deferred *deferred,
                                    thrum_callback_fn *callback,
                                    thrum_errback_fn *errback, void *ctx,
                                    thrum_free_fn *free, const char *file,
                                    int line);

/* Cancels the Deferred `after` nanoseconds from now, unless it has its result
 * by then: the CANCELLED that comes of it goes on as THRUM_DEFERRED_E_TIMEOUT,
 * at the place in the chain where this was called. The clock outlives the
 * Deferred. Calls back: later. Errors: as add. */
#define thrum_deferred_timeout(deferred, clock, after)                         \
    thrum_deferred_timeout_as((deferred), (clock), (after), NULL, NULL, NULL)

/* thrum_deferred_timeout with a conversion of one's own: `convert` gets the
 * failure CANCELLED that came of the time-out, and answers as an errback.
 * Ownership: ctx taken, also on error. Errors: as add. */
THRUM_API int thrum_deferred_timeout_as(thrum_deferred *deferred,
                                        thrum_clock *clock, thrum_ns after,
                                        thrum_errback_fn *convert, void *ctx,
                                        thrum_free_fn *free);

/* Makes `from` the producer of `to`: the result that reaches this place goes
 * over to `to`, and `from` goes on without a value (twisted's chainDeferred).
 * Cancelling `to` cancels `from`; the canceller that it had is released.
 * Ownership: to's producer's reference is taken, also on error: `to` then
 * fails, with what is returned. Errors: as add; THRUM_DEFERRED_E_FIRED: `to`
 * has its result; THRUM_DEFERRED_E_WAITS_FOR_ITSELF. */
THRUM_API int thrum_deferred_chain(thrum_deferred *from, thrum_deferred *to);

/* Holds the chain where it is: no callback runs until every pause has ended.
 * Pauses nest; each is ended by whoever holds its token, and by nobody else.
 * Ownership: new; it holds the Deferred. Errors: NULL, no memory. */
typedef struct thrum_pause thrum_pause;
THRUM_API thrum_pause *thrum_deferred_pause(thrum_deferred *deferred);

/* Ends a pause; with the last one the callbacks run. NULL is nothing.
 * Ownership: pause taken. Calls back: before it returns. */
THRUM_API void thrum_pause_end(thrum_pause *pause);

/* Takes the result out: *value and *free for a value (the caller's now), else
 * *why (new). The Deferred goes on without a value.
 * Errors: THRUM_DEFERRED_E_NO_RESULT while there is none, or the chain runs,
 * waits or is paused; THRUM_E_NOMEM for NULL. */
THRUM_API int thrum_deferred_take(thrum_deferred *deferred, void **value,
                                  thrum_free_fn **free, thrum_failure **why);

/* Cancels what the Deferred stands for: the operation, or, when the chain waits
 * for another Deferred, that one. With a result and nothing to wait for, or
 * from within its canceller: nothing. Calls back: before it returns. */
THRUM_API void thrum_deferred_cancel(thrum_deferred *deferred);

/* The consumer's last word: no more is added, the callbacks still run. Ends the
 * consumer's reference. (Of NULL nobody can be told: it has no context.) */
#define thrum_deferred_finish(deferred)                                        \
    thrum_deferred_finish_at((deferred), __FILE__, __LINE__)

/* thrum_deferred_finish with the place of the caller; `file` must be static. */
THRUM_API void thrum_deferred_finish_at(thrum_deferred *deferred,
                                        const char *file, int line);

/* One more reference, of no role: it keeps the Deferred, no more.
 * Ownership: returns `deferred`. */
THRUM_API thrum_deferred *thrum_deferred_ref(thrum_deferred *deferred);

/* Ends a reference of thrum_deferred_ref. NULL is nothing. */
THRUM_API void thrum_deferred_unref(thrum_deferred *deferred);

/* ---- For bindings to other languages, and for debugging ---- */

/* A function whose answer goes through *out, for languages whose callbacks
 * cannot return a struct. `in` is THRUM_OUTCOME_VALUE or _FAILURE, borrowed.
 * *out is thrum_keep() unless it is set. */
typedef void thrum_foreign_fn(const thrum_outcome *in, thrum_outcome *out,
                              void *ctx);

/* Such a function for all that asks for one that returns: pass the
 * thrum_foreign as its context, one of the four functions below as itself, and
 * thrum_foreign_free as the release function. NULL, one that could not be made,
 * is passed on the same way: it answers that there was no memory. */
typedef struct thrum_foreign thrum_foreign;

/* Makes one. Ownership: new; ctx taken, also on error, and released with it.
 * Errors: NULL, no memory. */
THRUM_API thrum_foreign *thrum_foreign_new(thrum_context *context,
                                           thrum_foreign_fn *fn, void *ctx,
                                           thrum_free_fn *free);

/* As a thrum_callback_fn: `in` is the value. */
THRUM_API thrum_outcome thrum_foreign_callback(void *value, void *foreign);

/* As a thrum_errback_fn: `in` is the failure. */
THRUM_API thrum_outcome thrum_foreign_errback(const thrum_failure *why,
                                              void *foreign);

/* As a thrum_step_fn (thrum_coiterate, thrum_cooperate, thrum_each), and as
 * what thrum_deferred_maybe, thrum_deferred_later and thrum_semaphore_run call:
 * `in` is the value NULL. */
THRUM_API thrum_outcome thrum_foreign_step(void *foreign);

/* As a thrum_looping_call_fn: `in` is a value that points to the uint64_t
 * `turns`. */
THRUM_API thrum_outcome thrum_foreign_turn(uint64_t turns, void *foreign);

/* Releases it. Takes a void pointer, to serve as a release function. NULL is
 * nothing. */
THRUM_API void thrum_foreign_free(void *foreign);

/* thrum_deferred_add for a thrum_foreign_fn, which gets values and failures
 * alike. Ownership: ctx taken, also on error. Errors: as add. */
THRUM_API int thrum_deferred_add_foreign(thrum_deferred *deferred,
                                         thrum_foreign_fn *fn, void *ctx,
                                         thrum_free_fn *free);

/* Adds a pair before all others that have not run yet. Ownership: as add.
 * Errors: as add; without memory the failure stands where add would put it. */
THRUM_API int thrum_deferred_add_first(thrum_deferred *deferred,
                                       thrum_callback_fn *callback,
                                       thrum_errback_fn *errback, void *ctx,
                                       thrum_free_fn *free);

/* What a Deferred is doing. */
typedef enum thrum_deferred_state {
    THRUM_DEFERRED_PENDING, /* no result yet */
    THRUM_DEFERRED_VALUE,
    THRUM_DEFERRED_FAILURE,
    THRUM_DEFERRED_WAITING /* its chain waits for another Deferred */
} thrum_deferred_state;

typedef struct thrum_deferred_info {
    thrum_deferred_state state;
    int fired;   /* its producer, or cancel, has spoken */
    int running; /* its callbacks are being run further up */
    unsigned pauses;
    size_t pairs;                   /* that have not run yet */
    void *value;                    /* of state VALUE; borrowed */
    const thrum_failure *failure;   /* of state FAILURE; borrowed */
    const thrum_deferred *waits_on; /* WAITING for it, or chained; borrowed */
    const char *operation;          /* NULL of a NULL Deferred */
    const char *file;               /* where its consumer spoke last, or NULL */
    int line;
    const char *made_file; /* where it was made, if thrum_debug_deferreds was on
                            * then; else NULL */
    int made_line;
} thrum_deferred_info;

/* All that can be asked of a Deferred, without changing it. NULL is one that
 * has failed for want of memory. */
THRUM_API thrum_deferred_info
thrum_deferred_inspect(const thrum_deferred *deferred);

/* The failure that it has now is handled: it does not reach the unhandled hook.
 * The next one of its chain is another matter. */
THRUM_API void thrum_deferred_mark_handled(thrum_deferred *deferred);

/* Is told of a chain that came to rest with a failure: no callback is left, it
 * neither waits nor is paused. What is added later may handle it yet; if
 * nothing does, the unhandled hook is told in the end. May do what a consumer
 * may. */
typedef void thrum_settled_fn(thrum_deferred *deferred,
                              const thrum_failure *why, void *ctx);

/* Says who is told of settled failures, for all Deferreds of a context; `fn`
 * NULL: nobody. Ownership: ctx borrowed. Errors: THRUM_E_NOMEM. */
THRUM_API int thrum_deferred_on_settled_failure(thrum_context *context,
                                                thrum_settled_fn *fn,
                                                void *ctx);

/* A pointer that is the binding's own. `free` runs when it is replaced, or with
 * the Deferred. Ownership: data taken, also on error. Errors: THRUM_E_NOMEM. */
THRUM_API int thrum_deferred_set_user(thrum_deferred *deferred, void *data,
                                      thrum_free_fn *free);

/* What thrum_deferred_set_user left there, or NULL. Ownership: borrowed. */
THRUM_API void *thrum_deferred_user(const thrum_deferred *deferred);

THRUM_END

#endif
