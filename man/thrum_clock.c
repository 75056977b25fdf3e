/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static void tea(void *clock)
{
    printf("tea after %d s\n",
           (int)(thrum_clock_now(clock) / THRUM_S));
}

static void never(void *ctx)
{
    (void)ctx;
    printf("this was cancelled\n");
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_test_clock *time = thrum_test_clock_new(context);

    if (time == NULL)
        return 1;
    thrum_clock *clock = thrum_test_clock_clock(time);
    thrum_call *kettle = thrum_clock_call_later(clock, 3 * THRUM_S,
                                                tea, clock, NULL);
    thrum_call *other = thrum_clock_call_later(clock, 4 * THRUM_S,
                                               never, NULL, NULL);

    if (kettle != NULL)
        thrum_clock_reset(clock, kettle, 5 * THRUM_S);
    thrum_clock_cancel(clock, other);
    thrum_test_clock_advance(time, THRUM_S * 60);
    thrum_test_clock_free(time);
    thrum_context_unref(context);
    return 0;
}
