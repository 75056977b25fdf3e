/* SPDX-License-Identifier: MIT */
#include <ev.h>
#include <stdlib.h>

#include "bench/timers.h"

static struct ev_loop *loop;
static ev_timer *timers;

static void loop_fired(struct ev_loop *l, ev_timer *timer, int events)
{
    (void)timer;
    (void)events;
    if (timers_fired())
        ev_break(l, EVBREAK_ALL);
}

static void loop_open(size_t count)
{
    loop = ev_loop_new(EVFLAG_AUTO);
    timers = calloc(count + 1, sizeof *timers);
    for (size_t i = 0; i < count; i++)
        ev_init(&timers[i], loop_fired);
}

static void loop_arm(size_t which, int64_t after)
{
    ev_timer_set(&timers[which], (double)after / 1e9, 0.);
    ev_timer_start(loop, &timers[which]);
}

/* As its manual advises: ev_timer_again moves it in place. */
static void loop_rearm(size_t which, int64_t after)
{
    timers[which].repeat = (double)after / 1e9;
    ev_timer_again(loop, &timers[which]);
}

static void loop_cancel(size_t which)
{
    ev_timer_stop(loop, &timers[which]);
}

static void loop_run(void)
{
    ev_run(loop, 0);
}

int main(int argc, char **argv)
{
    static const timers_loop ops = {loop_open, loop_arm, loop_rearm,
                                    loop_cancel, loop_run};

    return timers_main(&ops, argc, argv);
}
