/* SPDX-License-Identifier: MIT */
/*
 * A heap with four children to a node: as deep as half of a binary one, and a
 * node's children share a line of the cache.
 */
#include "deferred/calls.h"

#include <stdbool.h>
#include <string.h>

#include "base/base.h"

enum { CALLS_CHILDREN = 4, CALLS_LEAST = 16 };

static const size_t BEING_MADE = SIZE_MAX;

void thrum__calls_init(thrum__calls *self, thrum_context *context)
{
    memset(self, 0, sizeof *self);
    self->context = thrum_context_ref(context);
}

static inline bool due_before(const thrum__due *a, const thrum__due *b)
{
    return a->at != b->at ? a->at < b->at : a->call->order < b->call->order;
}

static inline void calls_put(thrum__calls *self, size_t at, thrum__due due)
{
    self->heap[at] = due;
    due.call->at = at;
}

static void calls_rise(thrum__calls *self, size_t at, thrum__due due)
{
    while (at > 0) {
        size_t parent = (at - 1) / CALLS_CHILDREN;

        if (!due_before(&due, &self->heap[parent]))
            break;
        calls_put(self, at, self->heap[parent]);
        at = parent;
    }
    calls_put(self, at, due);
}

/* The first of four that stand side by side. */
static inline const thrum__due *due_least_of_four(const thrum__due *four)
{
    const thrum__due *left = four + due_before(&four[1], &four[0]);
    const thrum__due *right = four + 2 + due_before(&four[3], &four[2]);

    return due_before(right, left) ? right : left;
}

/* The child of `at` that comes first; NULL: it has none. */
static inline const thrum__due *calls_least_child(const thrum__calls *self,
                                                  size_t at)
{
    size_t child = at * CALLS_CHILDREN + 1;
    const thrum__due *least = self->heap + child;
    const thrum__due *end = self->heap + self->count;

    if (child + CALLS_CHILDREN <= self->count)
        return due_least_of_four(least);
    if (child >= self->count)
        return NULL;
    for (const thrum__due *due = least + 1; due < end; due++)
        if (due_before(due, least))
            least = due;
    return least;
}

static void calls_sink(thrum__calls *self, size_t at, thrum__due due)
{
    const thrum__due *least;

    while ((least = calls_least_child(self, at)) != NULL &&
           due_before(least, &due)) {
        calls_put(self, at, *least);
        at = (size_t)(least - self->heap);
    }
    calls_put(self, at, due);
}

static void calls_place(thrum__calls *self, size_t at, thrum__due due)
{
    if (at > 0 && due_before(&due, &self->heap[(at - 1) / CALLS_CHILDREN]))
        calls_rise(self, at, due);
    else
        calls_sink(self, at, due);
}

static void calls_remove(thrum__calls *self, thrum_call *call)
{
    thrum__due last = self->heap[--self->count];

    self->sorted = false;
    if (last.call != call)
        calls_place(self, call->at, last);
}

static bool calls_grow(thrum__calls *self)
{
    size_t room = self->room == 0 ? CALLS_LEAST : 2 * self->room;
    thrum__due *heap =
        thrum_context_resize(self->context, self->heap, room * sizeof *heap);

    if (heap == NULL)
        return false;
    self->heap = heap;
    self->room = room;
    return true;
}

static void call_release(thrum__calls *self, thrum_call *call)
{
    thrum__free(call->ctx, call->free);
    thrum__drop(self->context, call);
}

void thrum__calls_clear(thrum__calls *self)
{
    while (self->count > 0)
        thrum__calls_cancel(self, self->heap[0].call);
}

void thrum__calls_fini(thrum__calls *self)
{
    thrum__calls_clear(self);
    thrum_context_release(self->context, self->heap);
    thrum_context_unref(self->context);
}

thrum_call *thrum__calls_add(thrum__calls *self, thrum_ns due,
                             thrum_call_fn *fn, void *ctx, thrum_free_fn *free,
                             const char *place)
{
    thrum_call *call = NULL;

    if (self->count < self->room || calls_grow(self))
        call = thrum__make(self->context, sizeof *call);
    if (call == NULL) {
        thrum__free(ctx, free);
        return NULL;
    }
    *call = (thrum_call){fn, ctx, free, place, 0, self->order++};
    self->sorted = false;
    calls_rise(self, self->count++, (thrum__due){due, call});
    return call;
}

void thrum__calls_reset(thrum__calls *self, thrum_call *call, thrum_ns due)
{
    if (call->at == BEING_MADE)
        return;
    self->sorted = false;
    call->order = self->order++;
    calls_place(self, call->at, (thrum__due){due, call});
}

void thrum__calls_cancel(thrum__calls *self, thrum_call *call)
{
    if (call->at == BEING_MADE)
        return;
    calls_remove(self, call);
    call_release(self, call);
}

/* A heap that is in order is a heap as well: what comes first is taken out, and
 * put where it left room, until all are in reverse. */
static void calls_sort(thrum__calls *self)
{
    size_t count = self->count;
    thrum__due *heap = self->heap;

    while (self->count > 0) {
        thrum__due first = heap[0];

        calls_remove(self, first.call);
        heap[self->count] = first;
    }
    for (size_t i = 0; i < count / 2; i++) {
        thrum__due due = heap[i];

        heap[i] = heap[count - 1 - i];
        heap[count - 1 - i] = due;
    }
    for (size_t i = 0; i < count; i++)
        heap[i].call->at = i;
    self->count = count;
    self->sorted = true;
}

thrum_ns thrum__calls_due(thrum__calls *self, size_t n)
{
    if (n >= self->count)
        return -1;
    if (n > 0 && !self->sorted)
        calls_sort(self);
    return self->heap[n].at;
}

void thrum__calls_make_first(thrum__calls *self)
{
    thrum_call *call = self->heap[0].call;

    calls_remove(self, call);
    call->at = BEING_MADE;
    call->fn(call->ctx);
    call_release(self, call);
}
