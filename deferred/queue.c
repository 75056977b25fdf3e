/* SPDX-License-Identifier: MIT */
/*
 * Values, and two kinds of those who wait. Nobody waits for a value while there
 * is one, and nobody waits to put one while there is room.
 */
#include <thrum/queue.h>

#include "deferred/waiters.h"

typedef struct queue_item {
    thrum_context *context;
    void *value;
    thrum_free_fn *free;
    struct queue_item *next;
} queue_item;

struct thrum_queue {
    thrum_context *context;
    queue_item *head, **tail;
    size_t count;
    size_t size, backlog; /* the bounds */
    thrum__waiters getters;
    thrum__waiters putters; /* each with its item as its load */
    thrum__ready ready;
    size_t refs; /* the owner, whoever calls back */
    bool closed, freed;
};

static size_t queue_bound(size_t configured)
{
    if (configured == THRUM_QUEUE_NONE)
        return 0;
    return configured > 0 ? configured : SIZE_MAX;
}

thrum_queue *thrum_queue_new(thrum_context *context,
                             const thrum_queue_config *config)
{
    thrum_queue *self = thrum__make(context, sizeof *self);

    if (self == NULL)
        return NULL;
    *self = (thrum_queue){
        .context = thrum_context_ref(context),
        .size = queue_bound(config != NULL ? config->size : 0),
        .backlog = queue_bound(config != NULL ? config->backlog : 0),
        .refs = 1,
    };
    self->tail = &self->head;
    thrum__waiters_init(&self->getters);
    thrum__waiters_init(&self->putters);
    thrum__ready_init(&self->ready);
    return self;
}

static void queue_unref(thrum_queue *self)
{
    thrum_context *context = self->context;

    if (--self->refs > 0)
        return;
    thrum__drop(context, self);
    thrum_context_unref(context);
}

static void queue_run(thrum_queue *self)
{
    self->refs++;
    thrum__ready_run(&self->ready);
    queue_unref(self);
}

/* ---- Items ---- */

/* Takes the value. NULL without memory; the value was then released. */
static queue_item *item_new(thrum_context *context, void *value,
                            thrum_free_fn *free)
{
    queue_item *self = thrum__make(context, sizeof *self);

    if (self != NULL)
        *self = (queue_item){context, value, free, NULL};
    else
        thrum__free(value, free);
    return self;
}

static void item_free(void *ctx)
{
    queue_item *self = ctx;

    thrum__free(self->value, self->free);
    thrum__drop(self->context, self);
}

static void queue_append(thrum_queue *self, queue_item *item)
{
    *self->tail = item;
    self->tail = &item->next;
    self->count++;
}

static queue_item *queue_shift(thrum_queue *self)
{
    queue_item *item = self->head;

    self->head = item->next;
    if (self->head == NULL)
        self->tail = &self->head;
    self->count--;
    return item;
}

/* ---- Putting ---- */

/* Whether somebody waits for a value: he has it then. */
static bool queue_hand(thrum_queue *self, void *value, thrum_free_fn *free)
{
    if (self->getters.head == NULL)
        return false;
    thrum__waiters_settle(&self->getters, &self->ready, DEFERRED_VALUE, value,
                          free);
    queue_run(self);
    return true;
}

int thrum_queue_put(thrum_queue *self, void *value, thrum_free_fn *free)
{
    queue_item *item;

    THRUM__HERE_OF(self);
    if (queue_hand(self, value, free))
        return 0;
    if (self->closed || self->count >= self->size) {
        int error = self->closed ? THRUM_DEFERRED_E_QUEUE_CLOSED
                                 : THRUM_DEFERRED_E_OVERFLOW;

        thrum__free(value, free);
        return error;
    }
    item = item_new(self->context, value, free);
    if (item == NULL)
        return THRUM_E_NOMEM;
    queue_append(self, item);
    return 0;
}

/* Takes the item now, or when there is room; false without memory. */
static bool queue_take_item(thrum_queue *self, queue_item *item,
                            thrum_deferred *deferred)
{
    if (self->count >= self->size)
        return thrum__waiters_add(&self->putters, deferred, item, item_free);
    queue_append(self, item);
    thrum_deferred_fire(deferred, NULL, NULL);
    return true;
}

static thrum_failure *queue_failure(thrum_queue *self, int code)
{
    return thrum_failure_new(self->context, &thrum_domain_deferred, code, NULL);
}

thrum_deferred *thrum_queue_put_wait(thrum_queue *self, void *value,
                                     thrum_free_fn *free)
{
    thrum_deferred *deferred = thrum_deferred_new(self->context, "queue put");
    queue_item *item;

    THRUM__HERE_OF(self);
    if (deferred == NULL || self->closed) {
        if (deferred != NULL)
            thrum_deferred_fail(
                deferred, queue_failure(self, THRUM_DEFERRED_E_QUEUE_CLOSED));
        thrum__free(value, free);
        return deferred;
    }
    if (queue_hand(self, value, free)) {
        thrum_deferred_fire(deferred, NULL, NULL);
        return deferred;
    }
    item = item_new(self->context, value, free);
    if (item != NULL && queue_take_item(self, item, deferred))
        return deferred;
    thrum__deferred_discard(deferred);
    return NULL;
}

/* The value of the first who waits to put one goes in. */
static void queue_admit(thrum_queue *self)
{
    queue_append(self, thrum__waiters_settle(&self->putters, &self->ready,
                                             DEFERRED_VALUE, NULL, NULL));
}

/* ---- Getting ---- */

static void queue_fetch(thrum_queue *self, thrum_deferred *deferred)
{
    queue_item *item = queue_shift(self);

    thrum_deferred_fire(deferred, item->value, item->free);
    thrum__drop(self->context, item);
    if (self->count < self->size && self->putters.head != NULL)
        queue_admit(self);
    queue_run(self);
}

thrum_deferred *thrum_queue_get(thrum_queue *self)
{
    thrum_deferred *deferred = thrum_deferred_new(self->context, "queue get");

    THRUM__HERE_OF(self);
    if (deferred == NULL)
        return NULL;
    if (self->head == NULL && self->putters.head != NULL)
        queue_admit(self); /* of one that keeps none */
    if (self->head != NULL) {
        queue_fetch(self, deferred);
    } else if (self->closed) {
        thrum_deferred_fail(deferred,
                            queue_failure(self, THRUM_DEFERRED_E_QUEUE_CLOSED));
    } else if (self->getters.count >= self->backlog) {
        thrum_deferred_fail(deferred,
                            queue_failure(self, THRUM_DEFERRED_E_UNDERFLOW));
    } else if (!thrum__waiters_add(&self->getters, deferred, NULL, NULL)) {
        thrum__deferred_discard(deferred);
        deferred = NULL;
    }
    return deferred;
}

/* ---- The end ---- */

void thrum_queue_close(thrum_queue *self)
{
    thrum_failure *why;

    THRUM__HERE_OF(self);
    if (self->closed)
        return;
    self->closed = true;
    self->refs++;
    why = queue_failure(self, THRUM_DEFERRED_E_QUEUE_CLOSED);
    thrum__waiters_end(&self->getters, &self->ready, why);
    thrum__waiters_end(&self->putters, &self->ready, why);
    thrum_failure_unref(why);
    thrum__ready_run_now(&self->ready);
    queue_unref(self);
}

void thrum_queue_free(void *queue)
{
    thrum_queue *self = queue;

    if (self == NULL || self->freed)
        return;
    self->freed = true;
    thrum_queue_close(self);
    while (self->head != NULL)
        item_free(queue_shift(self));
    queue_unref(self);
}

size_t thrum_queue_size(const thrum_queue *self)
{
    return self->count;
}

size_t thrum_queue_waiting(const thrum_queue *self)
{
    return self->getters.count;
}
