/* SPDX-License-Identifier: MIT */
/*
 * Three ways to bound what is under way: an iterator with at most n open, a
 * semaphore for jobs that come from anywhere, and a queue whose writer waits.
 *
 *     ./limits
 */
#include <stdio.h>
#include <stdlib.h>

#include <thrum/thrum.h>

typedef struct jobs {
    thrum_context *context;
    thrum_clock *clock;
    thrum_queue *queue;
    int begun, open, most, fetched;
} jobs;

static thrum_outcome ended(void *ctx)
{
    ((jobs *)ctx)->open--;
    return thrum_done();
}

static thrum_outcome begin(void *ctx)
{
    jobs *self = ctx;

    self->begun++;
    if (++self->open > self->most)
        self->most = self->open;
    return thrum_wait(thrum_deferred_later(self->context, self->clock, THRUM_MS,
                                           ended, self, NULL));
}

static thrum_outcome next_job(void *it)
{
    return ((jobs *)it)->begun < 10 ? begin(it) : thrum_done();
}

static thrum_outcome next_put(void *it)
{
    jobs *self = it;

    if (self->begun == 5) {
        thrum_queue_close(self->queue);
        return thrum_done();
    }
    self->begun++;
    printf("put %d\n", self->begun);
    return thrum_wait(thrum_queue_put_wait(self->queue, &self->begun, NULL));
}

static thrum_outcome fetched(void *value, void *ctx)
{
    jobs *self = ctx;

    (void)value;
    printf("got %d\n", ++self->fetched);
    return thrum_done();
}

static thrum_outcome next_get(void *it)
{
    jobs *self = it;
    thrum_deferred *got;

    if (self->fetched == 5)
        return thrum_done();
    got = thrum_queue_get(self->queue);
    thrum_deferred_add(got, fetched, NULL, self, NULL);
    return thrum_wait(got);
}
