/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static void come(void *answer)
{
    thrum_deferred_fire(answer, "42", NULL);
}

static thrum_deferred *ask(thrum_reactor *reactor)
{
    thrum_deferred *answer =
        thrum_deferred_new(thrum_reactor_context(reactor), "ask");

    if (thrum_clock_call_later(thrum_reactor_clock(reactor),
                               THRUM_MS, come, answer,
                               NULL) == NULL)
        thrum_deferred_abandon(answer);
    return answer;
}

static thrum_outcome print_answer(void *value, void *ctx)
{
    (void)ctx;
    printf("the answer is %s\n", (const char *)value);
    return thrum_done();
}

static thrum_outcome print_failure(const thrum_failure *why,
                                   void *ctx)
{
    (void)ctx;
    printf("no answer: %s\n", thrum_failure_text(why));
    return thrum_done();
}

static thrum_deferred *run(thrum_reactor *reactor, void *arg)
{
    thrum_deferred *first = ask(reactor);
    thrum_deferred *second = ask(reactor);

    (void)arg;
    thrum_deferred_add(first, print_answer, print_failure, NULL,
                       NULL);
    thrum_deferred_add(second, print_answer, print_failure, NULL,
                       NULL);
    thrum_deferred_cancel(second);
    thrum_deferred_finish(second);
    return first; /* thrum_react finishes it */
}

int main(void)
{
    return thrum_react(run, NULL);
}
