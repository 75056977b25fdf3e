/* SPDX-License-Identifier: MIT */
/*
 * Tokens, and a queue of those who wait for one. Handing out goes by a loop:
 * a waiter that gives its token back while it is told of it only raises the
 * count, so a million that release at once are no recursion.
 */
#include <thrum/semaphore.h>

#include "deferred/deferred.h"

typedef struct semaphore_waiter {
    thrum_semaphore *semaphore; /* NULL once it has left the queue */
    thrum_context *context;
    thrum_deferred *deferred; /* the producer's reference */
    struct semaphore_waiter *next, **at;
} semaphore_waiter;

struct thrum_semaphore {
    thrum_context *context;
    semaphore_waiter *head, **tail;
    size_t limit, tokens, waiting;
    bool handing; /* the loop that hands out is running */
    bool freed;   /* meanwhile */
};

thrum_semaphore *thrum_semaphore_new(thrum_context *context, size_t tokens)
{
    thrum_semaphore *self = thrum_context_allocate(context, sizeof *self);

    if (self == NULL)
        return NULL;
    *self = (thrum_semaphore){
        .context = thrum_context_ref(context),
        .limit = tokens > 0 ? tokens : 1,
    };
    self->tokens = self->limit;
    self->tail = &self->head;
    return self;
}

static void waiter_leave(semaphore_waiter *waiter)
{
    thrum_semaphore *self = waiter->semaphore;

    *waiter->at = waiter->next;
    if (waiter->next != NULL)
        waiter->next->at = waiter->at;
    else
        self->tail = waiter->at;
    self->waiting--;
    waiter->semaphore = NULL;
}

static void waiter_free(void *ctx)
{
    semaphore_waiter *waiter = ctx;

    if (waiter->semaphore != NULL)
        waiter_leave(waiter);
    thrum_context_release(waiter->context, waiter);
}

static thrum_cancelled waiter_cancel(thrum_deferred *deferred, void *ctx)
{
    (void)deferred;
    waiter_leave(ctx);
    return THRUM_CANCELLED_STOPPED;
}

static void semaphore_destroy(thrum_semaphore *self)
{
    thrum_context *context = self->context;

    thrum_context_release(context, self);
    thrum_context_unref(context);
}

void thrum_semaphore_free(thrum_semaphore *self)
{
    bool handing;

    if (self == NULL || self->freed)
        return;
    handing = self->handing;
    self->handing = self->freed = true; /* nobody gets a token any more */
    while (self->head != NULL) {
        thrum_deferred *deferred = self->head->deferred;

        waiter_leave(self->head);
        thrum_deferred_abandon(deferred);
    }
    if (!handing)
        semaphore_destroy(self);
}

/* Gives tokens to those who wait, in their order. */
static void semaphore_hand_out(thrum_semaphore *self)
{
    if (self->handing)
        return;
    self->handing = true;
    while (self->tokens > 0 && self->head != NULL) {
        thrum_deferred *deferred = self->head->deferred;

        self->tokens--;
        waiter_leave(self->head);
        thrum_deferred_fire(deferred, NULL, NULL);
    }
    self->handing = false;
    if (self->freed)
        semaphore_destroy(self);
}

/* Puts a Deferred into the queue; false without memory. */
static bool semaphore_enqueue(thrum_semaphore *self, thrum_deferred *deferred)
{
    semaphore_waiter *waiter =
        thrum_context_allocate(self->context, sizeof *waiter);

    if (waiter == NULL)
        return false;
    *waiter =
        (semaphore_waiter){self, self->context, deferred, NULL, self->tail};
    *self->tail = waiter;
    self->tail = &waiter->next;
    self->waiting++;
    return thrum_deferred_on_cancel(deferred, waiter_cancel, waiter,
                                    waiter_free) == 0;
}

thrum_deferred *thrum_semaphore_acquire(thrum_semaphore *self)
{
    thrum_deferred *deferred =
        thrum_deferred_new(self->context, "semaphore acquire");

    if (deferred == NULL)
        return NULL;
    if (self->freed) { /* by one whom it abandons, or hands a token to */
        thrum_deferred_abandon(deferred);
    } else if (self->tokens > 0 && self->head == NULL) {
        self->tokens--;
        thrum_deferred_fire(deferred, NULL, NULL);
    } else if (!semaphore_enqueue(self, deferred)) {
        thrum__deferred_discard(deferred);
        deferred = NULL;
    }
    return deferred;
}

int thrum_semaphore_release(thrum_semaphore *self)
{
    if (self->tokens == self->limit)
        return THRUM_E_INVALID;
    self->tokens++;
    semaphore_hand_out(self);
    return 0;
}

size_t thrum_semaphore_tokens(const thrum_semaphore *self)
{
    return self->tokens;
}

size_t thrum_semaphore_waiting(const thrum_semaphore *self)
{
    return self->waiting;
}
