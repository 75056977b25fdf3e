/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static void print(const thrum_deferred *deferred, thrum_ns age,
                  void *ctx)
{
    (void)ctx;
    printf("%s has waited for %d s\n",
           thrum_deferred_inspect(deferred).operation,
           (int)(age / THRUM_S));
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_test_clock *time = thrum_test_clock_new(context);

    if (time == NULL)
        return 1;
    thrum_debug_deferreds(context, thrum_test_clock_clock(time));
    thrum_deferred *forgotten =
        thrum_deferred_new(context, "lookup");
    thrum_test_clock_advance(time, 60 * THRUM_S);
    thrum_debug_each(context, print, NULL);

    thrum_deferred_fire(forgotten, NULL, NULL);
    thrum_deferred_finish(forgotten);
    thrum_debug_deferreds(context, NULL);
    thrum_test_clock_free(time);
    thrum_context_unref(context);
    return 0;
}
