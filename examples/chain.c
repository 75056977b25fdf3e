/* SPDX-License-Identifier: MIT */
/*
 * One order, step by step: a step answers with a Deferred, one fails, one
 * recovers, one cleans up in both cases; then a cancel, and a time-out.
 *
 *     ./chain
 */
#include <stdio.h>

#include <thrum/thrum.h>

typedef struct order {
    thrum_context *context;
    thrum_clock *clock;
    const char *item;
} order;

static thrum_outcome in_stock(void *ctx)
{
    order *self = ctx;

    printf("%s: looked up\n", self->item);
    return thrum_value((void *)self->item, NULL);
}

static thrum_outcome reserve(void *item, void *ctx)
{
    order *self = ctx;

    printf("%s: reserving\n", (char *)item);
    return thrum_wait(thrum_deferred_later(
        self->context, self->clock, 10 * THRUM_MS, in_stock, self, NULL));
}

static thrum_outcome pay(void *item, void *ctx)
{
    order *self = ctx;

    (void)item;
    return thrum_fail(thrum_failure_new(self->context, &thrum_domain_base,
                                        THRUM_E_INVALID, "the card expired"));
}

static thrum_outcome pay_later(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    printf("recovered: %s\n", thrum_failure_text(why));
    return thrum_value("an invoice", NULL);
}

static thrum_outcome say(void *value, void *what)
{
    printf("%s: %s\n", (char *)what, value != NULL ? (char *)value : "done");
    return thrum_keep();
}

static thrum_outcome say_why(const thrum_failure *why, void *what)
{
    printf("%s: %s\n", (char *)what, thrum_failure_text(why));
    return thrum_done();
}

static thrum_deferred *run(thrum_reactor *reactor, void *ctx)
{
    static order self;
    thrum_deferred *d, *cancelled, *late;

    (void)ctx;
    self.context = thrum_reactor_context(reactor);
    self.clock = thrum_reactor_clock(reactor);
    self.item = "lamp";

    d = thrum_deferred_later(self.context, self.clock, 0, in_stock, &self,
                             NULL);
    thrum_deferred_add(d, reserve, NULL, &self, NULL);
    thrum_deferred_add(d, pay, NULL, &self, NULL);
    thrum_deferred_add(d, NULL, pay_later, &self, NULL);
    thrum_deferred_add(d, say, say_why, "the end, in both cases", NULL);

    cancelled = thrum_deferred_new(self.context, "an answer nobody wants");
    thrum_deferred_add(cancelled, say, say_why, "cancel", NULL);
    thrum_deferred_cancel(cancelled);
    thrum_deferred_abandon(cancelled);
    thrum_deferred_finish(cancelled);

    late = thrum_deferred_later(self.context, self.clock, THRUM_S * 3600, NULL,
                                NULL, NULL);
    thrum_deferred_timeout(late, self.clock, 20 * THRUM_MS);
    thrum_deferred_add(late, say, say_why, "time-out", NULL);
    return thrum_all_settled(self.context, (thrum_deferred *[]){d, late}, 2,
                             NULL);
}

int main(void)
{
    return thrum_react(run, NULL);
}
