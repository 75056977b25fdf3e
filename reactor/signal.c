/* SPDX-License-Identifier: MIT */
/*
 * Signals are the process's own, so the one thing in this library that is
 * shared by all threads is here: which loop a signal goes to. libev ends the
 * process when a second loop wants a signal that another one has; here the
 * second one gets NULL.
 */
#include <signal.h>
#include <stdatomic.h>

#include "base/base.h"
#include "reactor/loop.h"

static struct {
    _Atomic(struct ev_loop *) loop;
    atomic_uint watches;
} signal_table[NSIG];

struct thrum_signal {
    thrum__link link; /* first */
    ev_signal watch;
    thrum_context *context;
    struct ev_loop *loop; /* NULL once the watch is stopped */
    thrum_call_fn *fn;
    void *ctx;
    thrum_free_fn *free;
    thrum__slow *slow;
    const char *place;
    bool calling;
    bool freed;
};

/* A signal goes to one loop: takes it for this one. */
static bool signal_claim(int number, struct ev_loop *loop)
{
    struct ev_loop *owner = NULL;

    if (!atomic_compare_exchange_strong(&signal_table[number].loop, &owner,
                                        loop) &&
        owner != loop)
        return false;
    signal_table[number].watches++;
    return true;
}

bool thrum__signal_is_taken(const thrum_reactor *reactor, int number)
{
    const struct ev_loop *owner = signal_table[number].loop;

    return owner != NULL && owner != reactor->loop;
}

static void signal_stop(thrum_signal *watch)
{
    struct ev_loop *loop = watch->loop;
    int number = watch->watch.signum;

    if (loop == NULL)
        return;
    watch->loop = NULL;
    ev_ref(loop);
    ev_signal_stop(loop, &watch->watch);
    thrum__link_remove(&watch->link);
    if (--signal_table[number].watches == 0)
        signal_table[number].loop = NULL;
}

static void signal_release(thrum_signal *watch)
{
    thrum_context *context = watch->context;

    thrum__free(watch->ctx, watch->free);
    thrum_context_release(context, watch);
    thrum_context_unref(context);
}

static void signal_called(struct ev_loop *loop, ev_signal *watcher, int events)
{
    thrum_signal *watch = watcher->data;
    thrum__timed timed;

    (void)loop;
    (void)events;
    watch->calling = true;
    timed = thrum__slow_begin(watch->slow, watch->place);
    watch->fn(watch->ctx);
    thrum__slow_end(watch->slow, timed, NULL);
    watch->calling = false;
    if (watch->freed)
        signal_release(watch);
}

/* The C library keeps a few numbers for itself, and says so. */
static bool signal_can_be_caught(int number)
{
    struct sigaction now;

    return number > 0 && number < NSIG && number != SIGKILL &&
           number != SIGSTOP && sigaction(number, NULL, &now) == 0;
}

thrum_signal *thrum_signal_new_at(thrum_reactor *reactor, int number,
                                  thrum_call_fn *fn, void *ctx,
                                  thrum_free_fn *free, const char *place)
{
    thrum_signal *watch =
        thrum_context_allocate(reactor->context, sizeof *watch);

    if (watch == NULL || reactor->ending || !signal_can_be_caught(number) ||
        !signal_claim(number, reactor->loop)) {
        thrum_context_release(reactor->context, watch);
        thrum__free(ctx, free);
        return NULL;
    }
    *watch = (thrum_signal){.context = thrum_context_ref(reactor->context),
                            .loop = reactor->loop,
                            .fn = fn,
                            .ctx = ctx,
                            .free = free,
                            .slow = &reactor->slow,
                            .place = place};
    thrum__link_append(&reactor->signals, &watch->link);
    ev_signal_init(&watch->watch, signal_called, number);
    watch->watch.data = watch;
    ev_signal_start(reactor->loop, &watch->watch);
    ev_unref(reactor->loop);
    return watch;
}

void thrum_signal_free(thrum_signal *watch)
{
    if (watch == NULL || watch->freed)
        return;
    signal_stop(watch);
    watch->freed = true;
    if (!watch->calling)
        signal_release(watch);
}

void thrum__signals_end(thrum_reactor *reactor)
{
    while (!thrum__link_alone(&reactor->signals))
        signal_stop((thrum_signal *)reactor->signals.next);
}
