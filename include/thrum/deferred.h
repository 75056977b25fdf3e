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
 * Every function takes NULL for a Deferred that could not be made, and treats
 * it as one that failed for want of memory: calls nest without tests between.
 */
#ifndef THRUM_DEFERRED_H
#define THRUM_DEFERRED_H

#include <thrum/outcome.h>

THRUM_BEGIN

/* The codes of the floor deferred. */
#define THRUM_DEFERRED_ERRORS(X)                                               \
    X(FIRED, -101, "the Deferred has its result already")                      \
    X(CANCELLED, -102, "cancelled")                                            \
    X(ABANDONED, -103, "abandoned by its producer")                            \
    X(WAITS_FOR_ITSELF, -104, "a Deferred would wait for itself")              \
    X(FIRST, -105, "a member of the list failed")                              \
    X(STOPPED, -106, "the cooperator was stopped")

#define THRUM_DEFERRED_ERRORS_ENUM(name, code, text)                           \
    THRUM_DEFERRED_E_##name = (code),
enum thrum_deferred_error {
    THRUM_DEFERRED_ERRORS(THRUM_DEFERRED_ERRORS_ENUM) THRUM_DEFERRED_E_END =
        -199
};
#undef THRUM_DEFERRED_ERRORS_ENUM

/* The domain of the codes above. */
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
THRUM_API thrum_deferred *thrum_deferred_new(thrum_context *context,
                                             const char *operation);

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

/* Ends such a reference. */
THRUM_API void thrum_deferred_unref(thrum_deferred *deferred);

THRUM_END

#endif
