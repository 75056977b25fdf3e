/* SPDX-License-Identifier: MIT */
/*
 * The three ways to run the loop: until it ends, for one turn, and until a
 * Deferred has its result.
 */
#include <unistd.h>

#include "base/base.h"
#include "reactor/loop.h"

bool thrum__reactor_is_forked(const thrum_reactor *reactor)
{
    return reactor->process != getpid();
}

/* Whether it may run now. */
static int run_check(const thrum_reactor *reactor)
{
    if (thrum__reactor_is_forked(reactor))
        return THRUM_REACTOR_E_FORKED;
    if (reactor->running || ev_depth(reactor->loop) != 0 ||
        thrum__context_holds(reactor->context))
        return THRUM_E_INVALID;
    return 0;
}

/* The loop is left before the end of its turn when it is told to stop, and
 * after it when nothing keeps it alive: what was written is sent here, and a
 * stop that comes of that has to begin yet. */
static void run_loop(thrum_reactor *reactor)
{
    thrum__loop_clock_read(&reactor->clock);
    thrum__lag_begin(&reactor->lag, thrum_clock_now(reactor->time));
    do {
        ev_run(reactor->loop, 0);
        thrum__streams_turn(reactor);
    } while (reactor->stop.asked && !reactor->stop.begun);
    thrum__lag_end(&reactor->lag, thrum_clock_read(reactor->time));
}

int thrum_reactor_run(thrum_reactor *reactor)
{
    int error = run_check(reactor);

    if (error != 0)
        return error;
    thrum__thread_enter(reactor->context);
    thrum__stop_enter(reactor);
    run_loop(reactor);
    error = thrum__stop_leave(reactor);
    thrum__thread_leave(reactor->context);
    return error;
}

/* What comes of a turn without an event is there for the next one to see:
 * streams to be seen to, a tick, a call that is due, a call from a thread. */
static bool turn_has_more(thrum_reactor *reactor)
{
    const thrum__due *first = thrum__calls_first(&reactor->clock.calls);

    if (thrum__reactor_leaves_work(reactor) ||
        ev_async_pending(&reactor->inbox.wake) ||
        (reactor->stop.asked && !reactor->stop.begun))
        return true;
    return first != NULL &&
           first->at <= thrum_clock_read(&reactor->clock.clock);
}

int thrum_reactor_turn(thrum_reactor *reactor)
{
    int error = run_check(reactor);

    if (error != 0)
        return error;
    reactor->running = true;
    reactor->stirred = false;
    thrum__thread_enter(reactor->context);
    thrum__lag_begin(&reactor->lag, thrum_clock_read(reactor->time));
    ev_run(reactor->loop, EVRUN_NOWAIT);
    thrum__lag_leave(&reactor->lag, thrum_clock_read(reactor->time));
    thrum__thread_leave(reactor->context);
    reactor->running = false;
    return reactor->stirred || turn_has_more(reactor);
}

/* ---- Waiting ---- */

void thrum__wait_turn(thrum_reactor *reactor)
{
    if (reactor->waited != NULL && thrum__deferred_rests(reactor->waited))
        ev_break(reactor->loop, EVBREAK_ONE);
}

/* That it was cancelled here needs no telling; what else it fails with does. */
static void wait_cancel(thrum_deferred *deferred)
{
    thrum_deferred_cancel(deferred);
    if (deferred->state == DEFERRED_FAILURE &&
        thrum_failure_is(deferred->result, &thrum_domain_deferred,
                         THRUM_DEFERRED_E_CANCELLED))
        thrum_deferred_mark_handled(deferred);
}

/* Runs the loop until the Deferred has its result; false: it was cancelled,
 * since the loop ended first. */
static bool wait_for(thrum_reactor *reactor, thrum_deferred *deferred)
{
    if (thrum__deferred_rests(deferred))
        return true;
    thrum__thread_enter(reactor->context);
    thrum__stop_enter(reactor);
    reactor->waited = deferred;
    run_loop(reactor);
    reactor->waited = NULL;
    thrum__stop_leave(reactor);
    thrum__thread_leave(reactor->context);
    if (thrum__deferred_rests(deferred))
        return true;
    wait_cancel(deferred);
    return false;
}

int thrum_reactor_wait(thrum_reactor *reactor, thrum_deferred *deferred,
                       void **value, thrum_free_fn **free, thrum_failure **why)
{
    int error = run_check(reactor);

    *value = NULL;
    *free = NULL;
    *why = NULL;
    if (deferred == NULL)
        return THRUM_E_NOMEM;
    if (error == 0 && !wait_for(reactor, deferred))
        error = THRUM_DEFERRED_E_NO_RESULT;
    if (error == 0)
        error = thrum_deferred_take(deferred, value, free, why);
    thrum_deferred_finish(deferred);
    return error;
}
