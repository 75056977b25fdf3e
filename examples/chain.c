/* SPDX-License-Identifier: MIT */
/*
 * An order, step by step: a step answers with a Deferred, one fails, one
 * recovers, one cleans up in both cases. Then a cancel, and a time-out.
 */
#include <stdio.h>

#include <thrum/thrum.h>

static thrum_outcome reserve(void *nothing, void *reactor)
{
    (void)nothing;
    printf("reserving\n");
    return thrum_wait(thrum_deferred_later(thrum_reactor_context(reactor),
                                           thrum_reactor_clock(reactor),
                                           10 * THRUM_MS, NULL, NULL, NULL));
}

static thrum_outcome pay(void *nothing, void *reactor)
{
    (void)nothing;
    printf("paying\n");
    return thrum_fail(thrum_failure_new(thrum_reactor_context(reactor),
                                        &thrum_domain_base, THRUM_E_INVALID,
                                        "the card expired"));
}

static thrum_outcome bill(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    printf("%s: we send a bill\n", thrum_failure_text(why));
    return thrum_done();
}

static void clean_up(void *counter)
{
    printf("counter %d is cleared\n", *(int *)counter);
}

static thrum_outcome ended(void *nothing, void *number)
{
    (void)nothing;
    printf("order %d ended\n", *(int *)number);
    return thrum_done();
}

static thrum_outcome failed(const thrum_failure *why, void *number)
{
    printf("order %d failed: %s\n", *(int *)number, thrum_failure_text(why));
    return thrum_done();
}

static thrum_deferred *run(thrum_reactor *reactor, void *ctx)
{
    static int numbers[] = {1, 2, 3};
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_clock *clock = thrum_reactor_clock(reactor);
    thrum_deferred *orders[3];

    (void)ctx;
    orders[0] = thrum_deferred_succeed(context, NULL, NULL);
    thrum_deferred_add(orders[0], reserve, NULL, reactor, NULL);
    thrum_deferred_add(orders[0], pay, NULL, reactor, NULL);
    thrum_deferred_add(orders[0], NULL, bill, NULL, NULL);
    thrum_deferred_add(orders[0], NULL, NULL, &numbers[0], clean_up);
    thrum_deferred_add(orders[0], ended, failed, &numbers[0], NULL);

    orders[1] =
        thrum_deferred_later(context, clock, 3600 * THRUM_S, NULL, NULL, NULL);
    thrum_deferred_add(orders[1], ended, failed, &numbers[1], NULL);
    thrum_deferred_cancel(orders[1]);

    orders[2] =
        thrum_deferred_later(context, clock, 3600 * THRUM_S, NULL, NULL, NULL);
    thrum_deferred_timeout(orders[2], clock, 20 * THRUM_MS);
    thrum_deferred_add(orders[2], ended, failed, &numbers[2], NULL);
    return thrum_all(context, orders, 3, NULL);
}

int main(void)
{
    return thrum_react(run, NULL);
}
