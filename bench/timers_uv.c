/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <uv.h>

#include "bench/timers.h"

static uv_loop_t loop;
static uv_timer_t *timers;

static void loop_fired(uv_timer_t *timer)
{
    (void)timer;
    if (timers_fired())
        uv_stop(&loop);
}

static void loop_open(size_t count)
{
    uv_loop_init(&loop);
    timers = calloc(count + 1, sizeof *timers);
    for (size_t i = 0; i < count; i++)
        uv_timer_init(&loop, &timers[i]);
}

/* Its times are milliseconds. */
static void loop_arm(size_t which, int64_t after)
{
    uv_timer_start(&timers[which], loop_fired, (uint64_t)after / 1000000, 0);
}

static void loop_cancel(size_t which)
{
    uv_timer_stop(&timers[which]);
}

static void loop_run(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    static const timers_loop ops = {loop_open, loop_arm, loop_arm, loop_cancel,
                                    loop_run};

    return timers_main(&ops, argc, argv);
}
