/* SPDX-License-Identifier: MIT */
#include <event2/event.h>
#include <stdlib.h>

#include "bench/timers.h"

static struct event_base *base;
static struct event **timers;

static void loop_fired(evutil_socket_t fd, short events, void *ctx)
{
    (void)fd;
    (void)events;
    (void)ctx;
    if (timers_fired())
        event_base_loopbreak(base);
}

static void loop_open(size_t count)
{
    base = event_base_new();
    timers = calloc(count + 1, sizeof(struct event *));
    for (size_t i = 0; i < count; i++)
        timers[i] = evtimer_new(base, loop_fired, NULL);
}

static void loop_arm(size_t which, int64_t after)
{
    struct timeval time = {.tv_sec = after / 1000000000,
                           .tv_usec = after % 1000000000 / 1000};

    evtimer_add(timers[which], &time);
}

static void loop_cancel(size_t which)
{
    evtimer_del(timers[which]);
}

static void loop_run(void)
{
    event_base_dispatch(base);
}

int main(int argc, char **argv)
{
    static const timers_loop ops = {loop_open, loop_arm, loop_arm, loop_cancel,
                                    loop_run};

    return timers_main(&ops, argc, argv);
}
