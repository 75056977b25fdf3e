/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static thrum_outcome keep_words(const thrum_failure *why,
                                void *words)
{
    *(const char **)words =
        thrum_failure_is(why, &thrum_domain_deferred,
                         THRUM_DEFERRED_E_TIMEOUT)
            ? "the time is over"
            : "something else";
    return thrum_done();
}

int main(void)
{
    const char *words = "pending";
    thrum_context *context = thrum_context_new(NULL);
    thrum_test_clock *time = thrum_test_clock_new(context);

    if (time == NULL)
        return 1;
    thrum_deferred *d = thrum_deferred_new(context, "slow");
    thrum_deferred_timeout(d, thrum_test_clock_clock(time),
                           3600 * THRUM_S);
    thrum_deferred_add(d, NULL, keep_words, &words, NULL);
    thrum_deferred_finish(d);

    thrum_test_clock_advance(time, 3599 * THRUM_S);
    printf("after 3599 s: %s\n", words);
    thrum_test_clock_advance(time, THRUM_S);
    printf("after 3600 s: %s\n", words);
    thrum_deferred_fire(d, NULL, NULL); /* late: it is swallowed */
    thrum_test_clock_free(time);
    thrum_context_unref(context);
    return 0;
}
