/* SPDX-License-Identifier: MIT */
#include "deferred/waiters.h"

struct thrum__waiter {
    thrum__waiters *waiters;  /* NULL once it has left */
    thrum_deferred *deferred; /* the producer's reference */
    thrum__waiter *next, **at;
    void *load;
    thrum_free_fn *free;
    bool ready; /* the block is a link among those that are */
};

void thrum__waiters_init(thrum__waiters *self)
{
    *self = (thrum__waiters){NULL, &self->head, 0, NULL};
}

void thrum__ready_init(thrum__ready *self)
{
    *self = (thrum__ready){NULL, &self->head, false};
}

static void waiter_leave(thrum__waiter *self)
{
    thrum__waiters *waiters = self->waiters;

    *self->at = self->next;
    if (self->next != NULL)
        self->next->at = self->at;
    else
        waiters->tail = self->at;
    waiters->count--;
    self->waiters = NULL;
}

static void waiter_free(void *ctx)
{
    thrum__waiter *self = ctx;

    if (self->ready)
        return;
    if (self->waiters != NULL)
        waiter_leave(self);
    thrum__free(self->load, self->free);
    thrum__drop(self->deferred->context, self);
}

thrum_cancelled thrum__waiter_cancel(thrum_deferred *deferred, void *waiter)
{
    (void)deferred;
    waiter_leave(waiter);
    return THRUM_CANCELLED_STOPPED;
}

bool thrum__waiters_add(thrum__waiters *self, thrum_deferred *deferred,
                        void *load, thrum_free_fn *free)
{
    thrum__waiter *waiter = thrum__make(deferred->context, sizeof *waiter);

    if (waiter == NULL) {
        thrum__free(load, free);
        return false;
    }
    *waiter =
        (thrum__waiter){self, deferred, NULL, self->tail, load, free, false};
    *self->tail = waiter;
    self->tail = &waiter->next;
    self->count++;
    return thrum_deferred_on_cancel(deferred, thrum__waiter_cancel, waiter,
                                    waiter_free) == 0;
}

thrum_deferred *thrum__waiters_next(const thrum__waiters *self, const void **at)
{
    const thrum__waiter *waiter = *at;

    waiter = waiter == NULL ? self->head : waiter->next;
    if (waiter == NULL)
        return NULL;
    *at = waiter;
    return waiter->deferred;
}

thrum_deferred *thrum__waiters_above(const thrum_deferred *deferred,
                                     const void **at)
{
    const thrum__waiter *waiter = deferred->rare->ctx;

    if (deferred->rare->canceller != thrum__waiter_cancel ||
        waiter->waiters == NULL || waiter->waiters->behind == NULL)
        return NULL;
    return thrum__only(*waiter->waiters->behind, at);
}

int thrum__waiters_circle(const thrum__waiters *self, thrum_deferred *on)
{
    const void *at = NULL;
    thrum_deferred *deferred;
    int error = 0;

    while (error == 0 && (deferred = thrum__waiters_next(self, &at)) != NULL)
        error = thrum__deferred_circle(deferred, on);
    return error;
}

void *thrum__waiters_settle(thrum__waiters *self, thrum__ready *ready,
                            deferred_state state, void *result,
                            thrum_free_fn *free)
{
    thrum__waiter *waiter = self->head;
    void *load = waiter->load;

    waiter_leave(waiter);
    waiter->ready = true;
    waiter->next = NULL;
    *ready->tail = waiter;
    ready->tail = &waiter->next;
    thrum__deferred_settle(waiter->deferred, state, result, free);
    waiter->deferred->running = true; /* by the loop below, and nobody else */
    return load;
}

void thrum__waiters_end(thrum__waiters *self, thrum__ready *ready,
                        const thrum_failure *why)
{
    deferred_state state = why != NULL ? DEFERRED_FAILURE : DEFERRED_VALUE;

    while (self->head != NULL) {
        thrum_free_fn *free = self->head->free;
        void *result = why != NULL ? thrum_failure_ref(why) : NULL;

        thrum__free(thrum__waiters_settle(self, ready, state, result, NULL),
                    free);
    }
}

static thrum_deferred *ready_shift(thrum__ready *self)
{
    thrum__waiter *waiter = self->head;
    thrum_deferred *deferred = waiter->deferred;

    self->head = waiter->next;
    if (self->head == NULL)
        self->tail = &self->head;
    thrum__drop(deferred->context, waiter);
    return deferred;
}

void thrum__ready_run_now(thrum__ready *self)
{
    thrum_context *context;

    if (self->head == NULL)
        return;
    context = self->head->deferred->context;
    context->holding++;
    self->running = true;
    while (self->head != NULL)
        thrum__deferred_run(ready_shift(self));
    self->running = false;
    context->holding--;
}

void thrum__ready_run(thrum__ready *self)
{
    if (!self->running)
        thrum__ready_run_now(self);
}
