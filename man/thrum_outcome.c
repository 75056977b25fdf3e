/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include <thrum/thrum.h>

static thrum_outcome parse(void *text, void *context)
{
    int *number = malloc(sizeof *number);

    if (number == NULL)
        return thrum_fail(NULL); /* out of memory */
    if (sscanf(text, "%d", number) == 1)
        return thrum_value(number, free);
    free(number);
    return thrum_fail(thrum_failure_new(
        context, &thrum_domain_base, THRUM_E_INVALID,
        "not a number: %s", (const char *)text));
}

static thrum_outcome twice(void *number, void *ctx)
{
    (void)ctx;
    printf("%d twice is ", *(int *)number);
    *(int *)number *= 2;
    return thrum_keep();
}

static thrum_outcome print(void *number, void *ctx)
{
    (void)ctx;
    printf("%d\n", *(int *)number);
    return thrum_done();
}

static thrum_outcome complain(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    printf("%s\n", thrum_failure_text(why));
    return thrum_done();
}

int main(void)
{
    static char *const texts[] = {"21", "x"};
    thrum_context *context = thrum_context_new(NULL);

    for (int i = 0; i < 2; i++) {
        thrum_deferred *d =
            thrum_deferred_succeed(context, texts[i], NULL);
        thrum_deferred_add(d, parse, NULL, context, NULL);
        thrum_deferred_add(d, twice, NULL, NULL, NULL);
        thrum_deferred_add(d, print, complain, NULL, NULL);
        thrum_deferred_finish(d);
    }
    thrum_context_unref(context);
    return 0;
}
