/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <thrum/reactor.h>

#include "bench/timers.h"

static thrum_reactor *reactor;
static thrum_clock *now;
static thrum_call **calls;

static void loop_fired(void *ctx)
{
    (void)ctx;
    if (timers_fired())
        thrum_reactor_stop(reactor);
}

static void loop_open(size_t count)
{
    reactor = thrum_reactor_new(NULL);
    now = thrum_reactor_clock(reactor);
    calls = calloc(count + 1, sizeof(thrum_call *));
}

static void loop_arm(size_t which, int64_t after)
{
    calls[which] = thrum_clock_call_later(now, after, loop_fired, NULL, NULL);
}

static void loop_rearm(size_t which, int64_t after)
{
    thrum_clock_reset(now, calls[which], after);
}

static void loop_cancel(size_t which)
{
    thrum_clock_cancel(now, calls[which]);
}

static void loop_run(void)
{
    thrum_reactor_run(reactor);
}

int main(int argc, char **argv)
{
    static const timers_loop loop = {loop_open, loop_arm, loop_rearm,
                                     loop_cancel, loop_run};

    return timers_main(&loop, argc, argv);
}
