/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static thrum_outcome got(void *value, void *ctx)
{
    (void)ctx;
    printf("got %s\n", (const char *)value);
    return thrum_done();
}

static thrum_outcome at_end(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    printf("the end: %s\n", thrum_failure_text(why));
    return thrum_done();
}

static void fetch(thrum_queue *queue)
{
    thrum_deferred *next = thrum_queue_get(queue);

    thrum_deferred_add(next, got, at_end, NULL, NULL);
    thrum_deferred_finish(next);
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_queue_config config = {.size = 10};
    thrum_queue *queue = thrum_queue_new(context, &config);

    if (queue == NULL)
        return 1;
    fetch(queue);
    thrum_queue_put(queue, "the first", NULL);
    thrum_queue_put(queue, "the second", NULL);
    thrum_queue_close(queue);
    fetch(queue);
    fetch(queue);
    thrum_queue_free(queue);
    thrum_context_unref(context);
    return 0;
}
