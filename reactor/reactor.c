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
#include <unistd.h>

#include <thrum/tls.h>

#include "base/base.h"
#include "reactor/answers.h"
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
    thrum__timed timed;

    if (!reactor->tick_wanted)
        return;
    reactor->tick_wanted = false;
    ev_unref(reactor->loop);
    timed = thrum__slow_begin(&reactor->slow, "the cooperator");
    thrum_cooperator_tick(reactor->cooperator);
    thrum__slow_end(&reactor->slow, timed, "a tick");
}

static bool reactor_has_own_clock(const thrum_reactor *reactor)
{
    return reactor->time == &reactor->clock.clock;
}

static void reactor_begin_turn(struct ev_loop *loop, ev_check *check,
                               int events)
{
    thrum_reactor *reactor = check->data;

    (void)events;
    reactor->stirred = ev_pending_count(loop) > 0;
    if (reactor_has_own_clock(reactor))
        thrum__loop_clock_read(&reactor->clock);
    thrum__lag_begin(&reactor->lag, thrum_clock_now(reactor->time));
    if (reactor_has_own_clock(reactor))
        thrum__loop_clock_turn(&reactor->clock);
    thrum__soon_turn(reactor);
}

bool thrum__reactor_leaves_work(const thrum_reactor *reactor)
{
    return reactor->tick_wanted || reactor->touched != NULL ||
           !thrum__link_alone(&reactor->soon);
}

static void reactor_end_turn(struct ev_loop *loop, ev_prepare *prepare,
                             int events)
{
    thrum_reactor *reactor = prepare->data;

    (void)events;
    thrum__stop_start(reactor);
    reactor_tick(reactor);
    thrum__streams_turn(reactor);
    thrum__stop_turn(reactor);
    thrum__wait_turn(reactor);
    if (reactor_has_own_clock(reactor))
        thrum__loop_clock_arm(&reactor->clock);
    if (thrum__reactor_leaves_work(reactor))
        ev_idle_start(loop, &reactor->idle);
    else if (ev_is_active(&reactor->idle))
        ev_idle_stop(loop, &reactor->idle);
    thrum__lag_end(&reactor->lag, thrum_clock_read(reactor->time));
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
    thrum_cooperator_config config = {.clock = reactor->time,
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
    thrum__answers_free(reactor->answers);
    thrum_tls_unref(reactor->tls);
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
    thrum__loop_clock_init(&reactor->clock, reactor->context, reactor->loop,
                           &reactor->slow);
    reactor->time =
        config->clock != NULL ? config->clock : &reactor->clock.clock;
    reactor->slow.context = reactor->context;
    reactor->slow.clock = reactor->time;
    reactor->cooperator = reactor_make_cooperator(reactor, config->slice);
    if (reactor->cooperator == NULL)
        return THRUM_E_NOMEM;
    return thrum__inbox_init(&reactor->inbox, reactor->context->allocator,
                             reactor->loop, &reactor->slow);
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
    thrum__link_init(&reactor->soon);
    thrum__link_init(&reactor->soon_due);
    thrum__link_init(&reactor->streams);
    thrum__link_init(&reactor->listeners);
    thrum__link_init(&reactor->connects);
    thrum__link_init(&reactor->searches);
    thrum__link_init(&reactor->signals);
    thrum__link_init(&reactor->peers);
    thrum__threads_init(reactor, config);
    thrum__stop_init(&reactor->stop, config->stop_within);
    reactor->process = getpid();
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
    reactor->forked = thrum__reactor_is_forked(reactor);
    if (reactor->forked)
        thrum__threads_end_forked(reactor);
    else
        thrum__threads_end(reactor);
    thrum__stop_end(reactor);
    thrum__connects_end(reactor);
    thrum__searches_end(reactor);
    thrum__test_peers_end(reactor);
    thrum__streams_end(reactor);
    thrum_cooperator_free(reactor->cooperator);
    thrum__listeners_end(reactor);
    thrum__signals_end(reactor);
    thrum__inbox_fini(&reactor->inbox, reactor->forked);
    thrum__loop_clock_fini(&reactor->clock);
    if (reactor->tick_wanted)
        ev_unref(reactor->loop);
    reactor_stop_hooks(reactor);
    thrum__slow_fini(&reactor->slow);
    reactor_release(reactor);
}

thrum_context *thrum_reactor_context(thrum_reactor *reactor)
{
    return reactor->context;
}

thrum_clock *thrum_reactor_clock(thrum_reactor *reactor)
{
    return reactor->time;
}

thrum_cooperator *thrum_reactor_cooperator(thrum_reactor *reactor)
{
    return reactor->cooperator;
}
