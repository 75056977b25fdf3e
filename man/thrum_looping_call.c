/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static thrum_outcome tick(uint64_t turns, void *clock)
{
    int at = (int)(thrum_clock_now(clock) / THRUM_S);

    (void)turns; /* more than 1 when some were missed */
    printf("call at %d s\n", at);
    return at < 3 ? thrum_keep() : thrum_done();
}

static thrum_outcome ended(void *nothing, void *ctx)
{
    (void)nothing;
    (void)ctx;
    printf("the calls have ended\n");
    return thrum_done();
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_test_clock *time = thrum_test_clock_new(context);

    if (time == NULL)
        return 1;
    thrum_clock *clock = thrum_test_clock_clock(time);
    thrum_looping_call_config config = {.interval = THRUM_S};
    thrum_looping_call *calls = thrum_looping_call_start(
        context, clock, &config, tick, clock, NULL);
    thrum_deferred *end = thrum_looping_call_when_done(calls);
    thrum_deferred_add(end, ended, NULL, NULL, NULL);
    thrum_deferred_finish(end);

    thrum_test_clock_advance(time, 10 * THRUM_S);
    thrum_looping_call_free(calls);
    thrum_test_clock_free(time);
    thrum_context_unref(context);
    return 0;
}
