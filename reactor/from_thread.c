/* SPDX-License-Identifier: MIT */
/*
 * A list under a mutex, and one wake-up for each batch: whoever puts something
 * on an empty list wakes the loop, which then takes the whole list. Calls stand
 * in blocks, so that one costs a lock and a few words, and no allocation of its
 * own: memory that one thread takes and another gives back is what such a list
 * is slow by. A block that was made goes back to those who ask.
 *
 * A batch is cut after 2 ms and goes on in the next turn. What came meanwhile
 * had its wake-up, but the turn that got it was busy with the rest of the
 * batch; so the end of such a rest wakes the loop once more. While calls are
 * short the clock is read before every 8th, or it would cost more than they: so
 * a turn ends late by 7 calls that were not as short as those before. What
 * comes of work on a thread is never taken for short.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/base.h"
#include "reactor/loop.h"

#define INBOX_SLICE (2 * THRUM_MS)
#define INBOX_SHORT (INBOX_SLICE / 16)

enum { INBOX_BLOCK = 64, INBOX_BATCH = 8 };

typedef struct inbox_call {
    thrum_call_fn *fn;
    void *ctx;
    thrum_free_fn *free;
    const char *place;
} inbox_call;

typedef struct inbox_calls {
    thrum__note note; /* first */
    unsigned made, count;
    inbox_call calls[INBOX_BLOCK];
} inbox_calls;

/* ---- In the reactor's thread ---- */

/* The allocator is asked itself: the context's count of blocks belongs to the
 * reactor's thread. */
static void inbox_release(const thrum__inbox *inbox, inbox_calls *block)
{
    if (block != NULL)
        inbox->allocator->release(block, inbox->allocator->state);
}

static void inbox_give_back(thrum__inbox *inbox, inbox_calls *block)
{
    if (inbox->spare == NULL)
        inbox->spare = block;
    else
        inbox_release(inbox, block);
}

static thrum__note *inbox_take(thrum__inbox *inbox)
{
    thrum__note *all;

    pthread_mutex_lock(&inbox->lock);
    all = inbox->first;
    inbox->first = NULL;
    inbox->end = &inbox->first;
    inbox->filling = NULL;
    if (inbox->empty == NULL) {
        inbox->empty = inbox->spare;
        inbox->spare = NULL;
    }
    pthread_mutex_unlock(&inbox->lock);
    return all;
}

/* Takes the next call out of the block that is first. */
static inbox_call inbox_next(thrum__inbox *inbox)
{
    inbox_calls *block = (inbox_calls *)inbox->taken;
    inbox_call call = block->calls[block->made++];

    if (block->made == block->count) {
        inbox->taken = block->note.next;
        inbox_give_back(inbox, block);
    }
    return call;
}

static void inbox_make(thrum__inbox *inbox)
{
    thrum__note *note = inbox->taken;
    inbox_call call;
    thrum__timed timed;

    if (note->fn != NULL) {
        inbox->taken = note->next;
        note->fn(note);
        return;
    }
    call = inbox_next(inbox);
    timed = thrum__slow_begin(inbox->slow, call.place);
    call.fn(call.ctx);
    thrum__slow_end(inbox->slow, timed, NULL);
    thrum__free(call.ctx, call.free);
}

/* Answers whether something is left that was taken. */
static bool inbox_make_slice(thrum__inbox *inbox)
{
    thrum_ns now = thrum_clock_read(inbox->slow->clock);
    thrum_ns until = now + INBOX_SLICE;

    for (unsigned batch = 1;;) {
        thrum_ns last = now;

        for (unsigned i = 0; i < batch && inbox->taken != NULL; i++) {
            if (inbox->taken->fn != NULL)
                i = batch;
            inbox_make(inbox);
        }
        if (inbox->taken == NULL)
            return false;
        now = thrum_clock_read(inbox->slow->clock);
        if (now >= until)
            return true;
        if (now - last >= INBOX_SHORT)
            batch = 1;
        else if (batch < INBOX_BATCH)
            batch *= 2;
    }
}

static void inbox_on_wake(struct ev_loop *loop, ev_async *wake, int events)
{
    thrum__inbox *inbox = wake->data;
    bool was_left = inbox->taken != NULL;

    (void)events;
    if (!was_left)
        inbox->taken = inbox_take(inbox);
    if (inbox_make_slice(inbox) || was_left)
        ev_async_send(loop, wake);
}

/* libev ends the process when it finds no descriptor for its wake-ups; so it is
 * tried before libev does. */
int thrum__inbox_init(thrum__inbox *inbox, const thrum_allocator *allocator,
                      struct ev_loop *loop, thrum__slow *slow)
{
    int probe = eventfd(0, EFD_CLOEXEC);

    if (probe < 0)
        return THRUM_E_INVALID;
    close(probe);
    pthread_mutex_init(&inbox->lock, NULL);
    inbox->allocator = allocator;
    inbox->loop = loop;
    inbox->slow = slow;
    inbox->taken = inbox->first = NULL;
    inbox->end = &inbox->first;
    inbox->spare = inbox->filling = inbox->empty = NULL;
    ev_async_init(&inbox->wake, inbox_on_wake);
    inbox->wake.data = inbox;
    ev_async_start(loop, &inbox->wake);
    ev_unref(loop);
    return 0;
}

/* What comes of a note may ask for calls, which stay as well. */
void thrum__inbox_finish_notes(thrum__inbox *inbox)
{
    thrum__note *calls = NULL, **end = &calls, *note;

    while (inbox->taken != NULL || (inbox->taken = inbox_take(inbox)) != NULL) {
        note = inbox->taken;
        inbox->taken = note->next;
        if (note->fn != NULL) {
            note->fn(note);
        } else {
            note->next = NULL;
            *end = note;
            end = &note->next;
        }
    }
    inbox->taken = calls;
}

static void inbox_drop_taken(thrum__inbox *inbox)
{
    while (inbox->taken != NULL) {
        inbox_call call = inbox_next(inbox);

        thrum__free(call.ctx, call.free);
    }
}

/* In a child whose other threads went with the lock nobody knows what state
 * the list is in; it is left. */
void thrum__inbox_fini(thrum__inbox *inbox, bool forked)
{
    bool whole = !forked || pthread_mutex_trylock(&inbox->lock) == 0;

    if (whole && forked)
        pthread_mutex_unlock(&inbox->lock);
    inbox_drop_taken(inbox);
    while (whole && (inbox->taken = inbox_take(inbox)) != NULL)
        inbox_drop_taken(inbox);
    inbox_release(inbox, inbox->spare);
    if (whole) {
        inbox_release(inbox, inbox->empty);
        pthread_mutex_destroy(&inbox->lock);
    }
    ev_ref(inbox->loop);
    ev_async_stop(inbox->loop, &inbox->wake);
}

/* ---- In any thread ---- */

static void inbox_append(thrum__inbox *inbox, thrum__note *note)
{
    note->next = NULL;
    *inbox->end = note;
    inbox->end = &note->next;
}

/* A block with room at the end of the list; NULL without memory. */
static inbox_calls *inbox_block(thrum__inbox *inbox)
{
    const thrum_allocator *allocator = inbox->allocator;
    inbox_calls *block = inbox->filling;

    if (block != NULL && block->count < INBOX_BLOCK)
        return block;
    block = inbox->empty;
    inbox->empty = NULL;
    if (block == NULL)
        block = allocator->allocate(sizeof *block, allocator->state);
    if (block == NULL)
        return NULL;
    block->note.fn = NULL;
    block->made = block->count = 0;
    inbox_append(inbox, &block->note);
    inbox->filling = block;
    return block;
}

void thrum__inbox_put(thrum__inbox *inbox, thrum__note *note)
{
    bool wake;

    pthread_mutex_lock(&inbox->lock);
    wake = inbox->first == NULL;
    inbox_append(inbox, note);
    inbox->filling = NULL;
    pthread_mutex_unlock(&inbox->lock);
    if (wake)
        ev_async_send(inbox->loop, &inbox->wake);
}

int thrum_reactor_call_from_thread_at(thrum_reactor *reactor, thrum_call_fn *fn,
                                      void *ctx, thrum_free_fn *free,
                                      const char *place)
{
    thrum__inbox *inbox = &reactor->inbox;
    inbox_calls *block;
    bool wake;

    pthread_mutex_lock(&inbox->lock);
    wake = inbox->first == NULL;
    block = inbox_block(inbox);
    if (block != NULL)
        block->calls[block->count++] = (inbox_call){fn, ctx, free, place};
    pthread_mutex_unlock(&inbox->lock);
    if (block == NULL) {
        thrum__free(ctx, free);
        return THRUM_E_NOMEM;
    }
    if (wake)
        ev_async_send(inbox->loop, &inbox->wake);
    return 0;
}
