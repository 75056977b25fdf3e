/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static void unhandled(const thrum_failure *why,
                      const char *operation, const char *file,
                      int line, void *ctx)
{
    (void)file; /* where its consumer spoke last */
    (void)line;
    (void)ctx;
    printf("unhandled: %s: %s\n", operation,
           thrum_failure_text(why));
}

int main(void)
{
    thrum_context_config config = {.unhandled = unhandled};
    thrum_context *context = thrum_context_new(&config);

    if (context == NULL)
        return 1;
    thrum_deferred *lookup = thrum_deferred_new(context, "lookup");
    thrum_deferred_finish(lookup);
    thrum_deferred_abandon(lookup);

    printf("%zu blocks are left\n", thrum_context_blocks(context));
    thrum_context_unref(context);
    return 0;
}
