/* SPDX-License-Identifier: MIT */
/*
 * Those who wait for what one object hands out. They stand in the order in
 * which they came, and each may leave by being cancelled.
 *
 * Who gets something has it at once; only the callbacks wait, among those that
 * are ready, for the loop that runs them. So what a callback gives to the next
 * is no recursion, and the object's state is never half way.
 */
#ifndef THRUM_DEFERRED_WAITERS_H
#define THRUM_DEFERRED_WAITERS_H

#include "deferred/deferred.h"

typedef struct thrum__waiter thrum__waiter;

typedef struct thrum__waiters {
    thrum__waiter *head, **tail;
    size_t count;
    thrum_deferred *const *behind; /* for which the object waits; or NULL */
} thrum__waiters;

/* Those who have their result. Whoever runs it keeps its object meanwhile. */
typedef struct thrum__ready {
    thrum__waiter *head, **tail;
    bool running;
} thrum__ready;

void thrum__waiters_init(thrum__waiters *waiters);
void thrum__ready_init(thrum__ready *ready);

/* Puts one at the end, with what it brings (`load` may be NULL), which is
 * released when it leaves without a result. The producer's reference stays the
 * caller's on error. false without memory; the load was then released. */
bool thrum__waiters_add(thrum__waiters *waiters, thrum_deferred *deferred,
                        void *load, thrum_free_fn *free);

/* Gives the first (there is one) its result, as thrum__deferred_settle does,
 * and makes it ready. Answers its load, which is the caller's now. */
void *thrum__waiters_settle(thrum__waiters *waiters, thrum__ready *ready,
                            deferred_state state, void *result,
                            thrum_free_fn *free);

/* Gives all of them the same, and makes them ready: no value (`why` is NULL),
 * or a reference to `why`, which stays the caller's. Releases their loads. */
void thrum__waiters_end(thrum__waiters *waiters, thrum__ready *ready,
                        const thrum_failure *why);

/* The canceller of one that stands among waiters. */
thrum_cancelled thrum__waiter_cancel(thrum_deferred *deferred, void *waiter);

/* One after the other, then NULL; *at, NULL at first, is where it stands. */
thrum_deferred *thrum__waiters_next(const thrum__waiters *waiters,
                                    const void **at);

/* For what one waits that stands among waiters; see thrum__deferred_above. */
thrum_deferred *thrum__waiters_above(const thrum_deferred *deferred,
                                     const void **at);

/* Whether the object may wait for `on`: as thrum__deferred_circle for each that
 * waits for the object. */
int thrum__waiters_circle(const thrum__waiters *waiters, thrum_deferred *on);

/* Runs those that are ready, unless that is being done further up. */
void thrum__ready_run(thrum__ready *ready);

/* Runs them now in any case: for the end of an object, after which nobody gets
 * anything of it any more. */
void thrum__ready_run_now(thrum__ready *ready);

#endif
