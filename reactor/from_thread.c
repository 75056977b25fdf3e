/* SPDX-License-Identifier: MIT */
/*
 * A list under a mutex, and one wake-up for each batch: whoever puts a call on
 * an empty list wakes the loop, which then takes the whole list. A batch is cut
 * after 2 ms and goes on in the next turn. What came meanwhile had its wake-up,
 * but the turn that got it was busy with the rest of the batch; so the end of
 * such a rest wakes the loop once more.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/base.h"
#include "reactor/loop.h"

#define INBOX_SLICE (2 * THRUM_MS)

struct inbox_call {
    struct inbox_call *next;
    thrum_call_fn *fn;
    void *ctx;
    thrum_free_fn *free;
};

/* The allocator is asked itself: the context's count of blocks belongs to the
 * reactor's thread. */
static struct inbox_call *inbox_allocate(const thrum_allocator *allocator)
{
    return allocator->allocate(sizeof(struct inbox_call), allocator->state);
}

static void inbox_release(const thrum_allocator *allocator,
                          struct inbox_call *call)
{
    thrum__free(call->ctx, call->free);
    allocator->release(call, allocator->state);
}

static struct inbox_call *inbox_take(thrum__inbox *inbox)
{
    struct inbox_call *all;

    pthread_mutex_lock(&inbox->lock);
    all = inbox->first;
    inbox->first = NULL;
    inbox->end = &inbox->first;
    pthread_mutex_unlock(&inbox->lock);
    return all;
}

static void inbox_on_wake(struct ev_loop *loop, ev_async *wake, int events)
{
    thrum__inbox *inbox = wake->data;
    thrum_ns until = thrum_clock_read(inbox->clock) + INBOX_SLICE;
    bool rest = inbox->taken != NULL;

    (void)events;
    if (!rest)
        inbox->taken = inbox_take(inbox);
    while (inbox->taken != NULL) {
        struct inbox_call *call = inbox->taken;

        inbox->taken = call->next;
        call->fn(call->ctx);
        inbox_release(inbox->context->allocator, call);
        if (inbox->taken != NULL && thrum_clock_read(inbox->clock) >= until) {
            rest = true;
            break;
        }
    }
    if (rest)
        ev_async_send(loop, wake);
}

/* libev ends the process when it finds no descriptor for its wake-ups; so it is
 * tried before libev does. */
int thrum__inbox_init(thrum__inbox *inbox, thrum_context *context,
                      struct ev_loop *loop, thrum_clock *clock)
{
    int probe = eventfd(0, EFD_CLOEXEC);

    if (probe < 0)
        return THRUM_E_INVALID;
    close(probe);
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->context = context;
    inbox->loop = loop;
    inbox->clock = clock;
    inbox->taken = NULL;
    inbox->first = NULL;
    inbox->end = &inbox->first;
    ev_async_init(&inbox->wake, inbox_on_wake);
    inbox->wake.data = inbox;
    ev_async_start(loop, &inbox->wake);
    ev_unref(loop);
    return 0;
}

void thrum__inbox_fini(thrum__inbox *inbox)
{
    for (;;) {
        struct inbox_call *call = inbox->taken;

        if (call == NULL)
            call = inbox_take(inbox);
        if (call == NULL)
            break;
        inbox->taken = call->next;
        inbox_release(inbox->context->allocator, call);
    }
    ev_ref(inbox->loop);
    ev_async_stop(inbox->loop, &inbox->wake);
    pthread_mutex_destroy(&inbox->lock);
}

int thrum_reactor_call_from_thread(thrum_reactor *reactor, thrum_call_fn *fn,
                                   void *ctx, thrum_free_fn *free)
{
    thrum__inbox *inbox = &reactor->inbox;
    struct inbox_call *call = inbox_allocate(inbox->context->allocator);
    bool wake;

    if (call == NULL) {
        thrum__free(ctx, free);
        return THRUM_E_NOMEM;
    }
    *call = (struct inbox_call){NULL, fn, ctx, free};
    pthread_mutex_lock(&inbox->lock);
    wake = inbox->first == NULL;
    *inbox->end = call;
    inbox->end = &call->next;
    pthread_mutex_unlock(&inbox->lock);
    if (wake)
        ev_async_send(inbox->loop, &inbox->wake);
    return 0;
}
