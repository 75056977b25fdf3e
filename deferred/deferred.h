/* SPDX-License-Identifier: MIT */
/*
 * The Deferred as the other files of this floor see it.
 */
#ifndef THRUM_DEFERRED_DEFERRED_H
#define THRUM_DEFERRED_DEFERRED_H

#include <thrum/deferred.h>

#include "base/base.h"
#include "deferred/pairs.h"

/* What few Deferreds have. */
typedef struct deferred_rare {
    thrum_canceller_fn *canceller; /* NULL, of one: ctx is a thrum__group */
    void *ctx;
    thrum_free_fn *free; /* of ctx */
    void *user;
    thrum_free_fn *user_free;
} deferred_rare;

/* What is cancelled by cancelling its members, one after the other, and ends
 * when all were asked. Groups of groups are no recursion. */
typedef struct thrum__group {
    /* The next member to cancel, a new reference; NULL: that was the last. */
    thrum_deferred *(*next)(struct thrum__group *group);
    thrum_deferred *up; /* the group whose member this one is, meanwhile */
    /* Those for which it waits (deferred_wait.c). */
    thrum_deferred *(*above)(const struct thrum__group *group, const void **at);
} thrum__group;

typedef enum deferred_state {
    DEFERRED_PENDING,
    DEFERRED_VALUE,   /* result is the value, free its release function */
    DEFERRED_FAILURE, /* result is a reference to the failure */
    DEFERRED_WAITING  /* result is the Deferred waited for, which holds us */
} deferred_state;

struct thrum_deferred {
    thrum_context *context;
    void *result;
    union {
        thrum_free_fn *free;   /* of a value */
        thrum_deferred *aside; /* the next of those that were put aside */
    };
    deferred_pairs pairs;
    deferred_rare *rare; /* out of line; NULL: nothing of it */
    const char *operation;
    const char *file; /* where the consumer spoke last */
    int line;
    unsigned refs;
    /* These two change together, often, and with none of the bits: whole bytes,
     * so that no reading has to wait for two writings. */
    unsigned char state;
    bool handled;           /* the failure that it has now */
    bool has_first : 1;     /* pairs.first is in use */
    bool fired : 1;         /* the producer, or cancel, gave the result */
    bool swallow : 1;       /* one late result is to be dropped */
    bool running : 1;       /* its callbacks are being run further up */
    bool cancelling : 1;    /* its canceller was called; it ends by that */
    bool lost : 1;          /* a pair could not be added: no memory */
    bool has_canceller : 1; /* in rare */
    bool has_above : 1;     /* that canceller knows who stands above */
    bool watched : 1;       /* it stands in the list of debug.c */
    bool joined : 1;        /* a pair gives its result to one that stands for
                             * several; or did once */
    bool seen_above : 1, seen_below : 1; /* by the search of deferred_wait.c */
    /* How many of its pairs give its result to another Deferred; 3: many. */
    unsigned char heirs : 2;
    unsigned pauses;
};

/* ---- The result ---- */

/* Whether it has a result that nothing is about to change: its callbacks would
 * run, if there were any. */
static inline bool thrum__deferred_rests(const thrum_deferred *self)
{
    return (self->state == DEFERRED_VALUE || self->state == DEFERRED_FAILURE) &&
           !self->running && self->pauses == 0;
}

static inline void thrum__deferred_set(thrum_deferred *self,
                                       deferred_state state, void *result,
                                       thrum_free_fn *free)
{
    self->state = (unsigned char)state;
    self->handled = false;
    self->result = result;
    self->free = free;
}

/* Gives the result, runs nothing. The producer's reference stays with the
 * caller, who answers thrum__run or calls thrum__deferred_run. `result` is a
 * value or, for DEFERRED_FAILURE, a failure; taken. */
void thrum__deferred_settle(thrum_deferred *deferred, deferred_state state,
                            void *result, thrum_free_fn *free);

/* Runs its callbacks and ends the reference that the caller holds. */
void thrum__deferred_run(thrum_deferred *deferred);

/* A callback of this floor that gave `next` its result with
 * thrum__deferred_settle answers so: the loop that runs the callbacks goes on
 * with it, and no list of lists, however deep, deepens the stack. The result
 * of the Deferred whose callback this is stays as it is: a failure, or a value
 * that was taken out of it. */
enum { THRUM__OUTCOME_RUN = 100 };

static inline thrum_outcome thrum__run(thrum_deferred *next)
{
    thrum_outcome outcome = {next, NULL,
                             (thrum_outcome_kind)THRUM__OUTCOME_RUN};
    return outcome;
}

/* A result for one that has its result: an error, but for the one late result
 * after a cancel, with which the producer's reference ends. */
int thrum__deferred_late(thrum_deferred *deferred);

/* Moves the value out of one that has a value: raw, not as it is shown. */
static inline void *thrum__deferred_give(thrum_deferred *self,
                                         thrum_free_fn **free)
{
    void *value = self->result;

    *free = self->free;
    thrum__deferred_set(self, DEFERRED_VALUE, NULL, NULL);
    return value;
}

/* A failure of this floor. */
thrum_failure *thrum__deferred_failure(thrum_deferred *deferred, int code);

/* The release function of a value that is a hold of a share. Where it stands,
 * the user is shown what is shared. */
void thrum__share_release(void *share);
void *thrum__share_value(const void *share);

static inline void *thrum__shown(void *value, thrum_free_fn *free)
{
    return free == thrum__share_release ? thrum__share_value(value) : value;
}

/* Gets rid of one that was made in vain: its caller will see NULL. */
void thrum__deferred_discard(thrum_deferred *deferred);

/* ---- Pairs ---- */

/* How many pairs have not run. */
static inline size_t thrum__deferred_pairs(const thrum_deferred *self)
{
    return self->has_first ? thrum__pairs_count(&self->pairs) : 0;
}

/* Adds a pair on behalf of this floor: the consumer's place stays as it was.
 * False without memory: its context was released, and the chain will fail. */
bool thrum__deferred_add(thrum_deferred *deferred, const deferred_pair *pair);

/* Something could not be added for want of memory: when the chain has come to
 * its end, or now if it is there, it fails. */
void thrum__deferred_lose(thrum_deferred *deferred);

/* Adds a pair on behalf of a group. The consumer's place stays as it was, and
 * without memory the chain does too: the group knows. */
int thrum__deferred_listen(thrum_deferred *deferred,
                           thrum_callback_fn *callback,
                           thrum_errback_fn *errback, void *ctx,
                           thrum_free_fn *free);

/* The same for one that stands for several, in which circles may close. */
static inline int thrum__deferred_join(thrum_deferred *deferred,
                                       thrum_callback_fn *callback,
                                       thrum_errback_fn *errback, void *ctx,
                                       thrum_free_fn *free)
{
    if (deferred != NULL)
        deferred->joined = true;
    return thrum__deferred_listen(deferred, callback, errback, ctx, free);
}

/* The same with a pair that has no release function, and that the group keeps
 * until it is called. */
int thrum__deferred_join_kept(thrum_deferred *deferred,
                              const deferred_pair *pair);

/* Releases what an answer holds that nobody will act on. */
void thrum__outcome_drop(thrum_outcome outcome);

/* ---- Cancelling ---- */

/* thrum_deferred_on_cancel for a group; `free` gets the group. */
int thrum__deferred_on_cancel_group(thrum_deferred *deferred,
                                    thrum__group *group, thrum_free_fn *free);

/* Takes the canceller away and releases its context; with it goes `rare`, if
 * there is nothing else in it. */
void thrum__deferred_drop_canceller(thrum_deferred *deferred);

/* The block of rare things; NULL without memory. */
deferred_rare *thrum__deferred_rare(thrum_deferred *deferred);

/* Fails it as cancelled; what a canceller does whose Deferred's callbacks are
 * to run before the canceller's own context goes. */
void thrum__deferred_fail_cancelled(thrum_deferred *deferred);

/* ---- Who waits for whom ---- */

static inline void thrum__deferred_add_heir(thrum_deferred *self)
{
    if (self->heirs < 3)
        self->heirs++;
}

static inline void thrum__deferred_remove_heir(thrum_deferred *self)
{
    if (self->heirs < 3)
        self->heirs--;
}

/* Whether `self`, that has not begun to wait, may wait for `on`: 0;
 * THRUM_DEFERRED_E_WAITS_FOR_ITSELF if that waits for `self`; THRUM_E_NOMEM. */
int thrum__deferred_search_circle(thrum_deferred *self, thrum_deferred *on);

/* Whether anything can stand above it, and below. */
static inline bool thrum__deferred_has_sources(const thrum_deferred *self)
{
    return self->state == DEFERRED_WAITING ||
           (self->has_canceller && self->has_above && !self->fired);
}

static inline bool thrum__deferred_has_heirs(const thrum_deferred *self)
{
    return self->heirs > 0 || self->joined;
}

static inline int thrum__deferred_circle(thrum_deferred *self,
                                         thrum_deferred *on)
{
    if (self != on &&
        !(thrum__deferred_has_heirs(self) && thrum__deferred_has_sources(on)))
        return 0;
    return thrum__deferred_search_circle(self, on);
}

/* Of that code, the failure. */
thrum_failure *thrum__circle_failure(thrum_deferred *deferred, int code);

/* Those for which it waits, in whatever way, one after the other, then NULL;
 * *at, NULL at first, is where it stands. */
thrum_deferred *thrum__deferred_above(const thrum_deferred *deferred,
                                      const void **at);

/* The Deferred that was chained to `to` by hand and will give it its result;
 * and, of such a pair, the one that gets it. NULL: none. */
thrum_deferred *thrum__chain_from(const thrum_deferred *to);
thrum_deferred *thrum__chain_to(const deferred_pair *pair);

/* Those that get the result that comes to a pair, one after the other, then
 * NULL; also of a pair that is another's business. *at, NULL at first, is where
 * it stands. */
typedef thrum_deferred *thrum__below_fn(const deferred_pair *pair,
                                        const void **at);
thrum__below_fn thrum__chain_below, thrum__results_below, thrum__share_below,
    thrum__each_below, thrum__task_below, thrum__looping_below;

/* The same for who has one at most. */
static inline thrum_deferred *thrum__only(thrum_deferred *only, const void **at)
{
    if (*at != NULL)
        return NULL;
    *at = only;
    return only;
}

#endif
