/* SPDX-License-Identifier: MIT */
/*
 * The loop, and its hooks at both ends of a turn (see reactor/loop.h).
 *
 * What the reactor itself keeps in the loop does not keep the loop alive: each
 * watcher that is always there is unref'ed after it was started. A tick that is
 * wanted refs the loop; the idle watcher runs only from the end of a turn that
 * leaves something for the next one, and keeps the loop from blocking.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "reactor/loop.h"

static const char *reactor_describe(int code)
{
    switch (code) {
#define REACTOR_DESCRIBE(name, value, words)                                   \
    case value:                                                                \
        return words;
        THRUM_REACTOR_ERRORS(REACTOR_DESCRIBE)
#undef REACTOR_DESCRIBE
    default:
        return NULL;
    }
}

const thrum_domain thrum_domain_reactor = {"reactor", reactor_describe};

thrum_failure *thrum__reactor_failure(thrum_context *context, int code,
                                      int error, const char *format, ...)
{
    char text[256];
    thrum_failure *failure;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    failure =
        thrum_failure_new(context, &thrum_domain_reactor, code, "%s", text);
    if (error == 0)
        return failure;
    return thrum_failure_because(
        failure, thrum_failure_new(context, &thrum_domain_system, error, NULL));
}

static void reactor_schedule(thrum_cooperator *cooperator, void *ctx)
{
    thrum_reactor *reactor = ctx;

    (void)cooperator;
    if (reactor->tick_wanted)
        return;
    reactor->tick_wanted = true;
    ev_ref(reactor->loop);
}

static void reactor_tick(thrum_reactor *reactor)
{
    if (!reactor->tick_wanted)
        return;
    reactor->tick_wanted = false;
    ev_unref(reactor->loop);
    thrum_cooperator_tick(reactor->cooperator);
}

static void reactor_begin_turn(struct ev_loop *loop, ev_check *check,
                               int events)
{
    thrum_reactor *reactor = check->data;

    (void)loop;
    (void)events;
    thrum__loop_clock_turn(&reactor->clock);
}

static void reactor_end_turn(struct ev_loop *loop, ev_prepare *prepare,
                             int events)
{
    thrum_reactor *reactor = prepare->data;

    (void)events;
    reactor_tick(reactor);
    thrum__streams_turn(reactor);
    thrum__loop_clock_arm(&reactor->clock);
    if (reactor->tick_wanted || reactor->touched != NULL)
        ev_idle_start(loop, &reactor->idle);
    else if (ev_is_active(&reactor->idle))
        ev_idle_stop(loop, &reactor->idle);
}

static void reactor_on_idle(struct ev_loop *loop, ev_idle *idle, int events)
{
    (void)loop;
    (void)idle;
    (void)events;
}

/* First after the loop has waited, and last before it waits. */
static void reactor_start_hooks(thrum_reactor *reactor)
{
    ev_check_init(&reactor->check, reactor_begin_turn);
    ev_set_priority(&reactor->check, EV_MAXPRI);
    reactor->check.data = reactor;
    ev_check_start(reactor->loop, &reactor->check);
    ev_unref(reactor->loop);
    ev_prepare_init(&reactor->prepare, reactor_end_turn);
    ev_set_priority(&reactor->prepare, EV_MINPRI);
    reactor->prepare.data = reactor;
    ev_prepare_start(reactor->loop, &reactor->prepare);
    ev_unref(reactor->loop);
    ev_idle_init(&reactor->idle, reactor_on_idle);
}

static void reactor_stop_hooks(thrum_reactor *reactor)
{
    ev_idle_stop(reactor->loop, &reactor->idle);
    ev_ref(reactor->loop);
    ev_prepare_stop(reactor->loop, &reactor->prepare);
    ev_ref(reactor->loop);
    ev_check_stop(reactor->loop, &reactor->check);
}

static thrum_cooperator *reactor_make_cooperator(thrum_reactor *reactor,
                                                 thrum_ns slice)
{
    thrum_cooperator_config config = {.clock = &reactor->clock.clock,
                                      .schedule = reactor_schedule,
                                      .ctx = reactor,
                                      .slice = slice};

    return thrum_cooperator_new(reactor->context, &config);
}

static void reactor_release(thrum_reactor *reactor)
{
    thrum_context *context = reactor->context;

    if (reactor->own_loop && reactor->loop != NULL)
        ev_loop_destroy(reactor->loop);
    thrum_context_release(context, reactor->scratch);
    thrum_context_release(context, reactor->nameservers);
    thrum_context_release(context, reactor);
    thrum_context_unref(context);
}

/* What can fail for want of memory or descriptors. */
static int reactor_init(thrum_reactor *reactor,
                        const thrum_reactor_config *config)
{
    const char *names = config->nameservers;

    reactor->scratch = thrum_context_allocate(reactor->context, THRUM__SCRATCH);
    if (reactor->scratch == NULL)
        return THRUM_E_NOMEM;
    if (names != NULL) {
        reactor->nameservers =
            thrum_context_copy(reactor->context, names, strlen(names));
        if (reactor->nameservers == NULL)
            return THRUM_E_NOMEM;
    }
    reactor->own_loop = config->loop == NULL;
    reactor->loop =
        reactor->own_loop ? ev_loop_new(EVFLAG_NOSIGMASK) : config->loop;
    if (reactor->loop == NULL)
        return THRUM_E_NOMEM;
    thrum__loop_clock_init(&reactor->clock, reactor->context, reactor->loop);
    reactor->cooperator = reactor_make_cooperator(reactor, config->slice);
    if (reactor->cooperator == NULL)
        return THRUM_E_NOMEM;
    return thrum__inbox_init(&reactor->inbox, reactor->context, reactor->loop,
                             &reactor->clock.clock);
}

thrum_reactor *thrum_reactor_new(const thrum_reactor_config *config)
{
    static const thrum_reactor_config defaults;
    thrum_context *context;
    thrum_reactor *reactor;

    if (config == NULL)
        config = &defaults;
    context = config->context != NULL ? thrum_context_ref(config->context)
                                      : thrum_context_new(NULL);
    if (context == NULL)
        return NULL;
    reactor = thrum_context_allocate(context, sizeof *reactor);
    if (reactor == NULL) {
        thrum_context_unref(context);
        return NULL;
    }
    memset(reactor, 0, sizeof *reactor);
    reactor->context = context;
    reactor->touched_end = &reactor->touched;
    thrum__link_init(&reactor->streams);
    thrum__link_init(&reactor->listeners);
    thrum__link_init(&reactor->connects);
    thrum__link_init(&reactor->signals);
    if (reactor_init(reactor, config) != 0) {
        thrum_cooperator_free(reactor->cooperator);
        if (reactor->loop != NULL)
            thrum__loop_clock_fini(&reactor->clock);
        reactor_release(reactor);
        return NULL;
    }
    reactor_start_hooks(reactor);
    return reactor;
}

/* The cooperator ends after what its tasks may wait for, and before the clock
 * that it reads. */
void thrum_reactor_free(thrum_reactor *reactor)
{
    if (reactor == NULL)
        return;
    reactor->ending = true;
    thrum__connects_end(reactor);
    thrum__streams_end(reactor);
    thrum_cooperator_free(reactor->cooperator);
    thrum__listeners_end(reactor);
    thrum__signals_end(reactor);
    thrum__inbox_fini(&reactor->inbox);
    thrum__loop_clock_fini(&reactor->clock);
    if (reactor->tick_wanted)
        ev_unref(reactor->loop);
    reactor_stop_hooks(reactor);
    reactor_release(reactor);
}

thrum_context *thrum_reactor_context(thrum_reactor *reactor)
{
    return reactor->context;
}

thrum_clock *thrum_reactor_clock(thrum_reactor *reactor)
{
    return &reactor->clock.clock;
}

thrum_cooperator *thrum_reactor_cooperator(thrum_reactor *reactor)
{
    return reactor->cooperator;
}

/* A stop leaves the loop before the end of its turn: what was written in that
 * turn is sent here. */
int thrum_reactor_run(thrum_reactor *reactor)
{
    if (reactor->running || ev_depth(reactor->loop) != 0 ||
        thrum__context_holds(reactor->context))
        return THRUM_E_INVALID;
    reactor->running = true;
    thrum__thread_enter(reactor->context);
    reactor->clock.now = thrum_clock_read(&reactor->clock.clock);
    ev_run(reactor->loop, 0);
    reactor->running = false;
    thrum__streams_turn(reactor);
    thrum__thread_leave(reactor->context);
    return 0;
}

void thrum_reactor_stop(thrum_reactor *reactor)
{
    if (reactor->running)
        ev_break(reactor->loop, EVBREAK_ONE);
}
