/* SPDX-License-Identifier: MIT */
/* Six jobs, three limits: a queue holds two, three are open, two at work. */
#include <stdio.h>

#include <thrum/thrum.h>

typedef struct job {
    thrum_cooperator *turns;
    int number, steps;
} job;

typedef struct app {
    thrum_cooperator *turns;
    thrum_queue *queue;
    thrum_semaphore *two;
    job jobs[6];
    int ordered, closed;
} app;

static thrum_outcome next_order(void *it)
{
    app *self = it;
    job *next = &self->jobs[self->ordered];

    if (self->ordered == 6) {
        thrum_queue_close(self->queue);
        return thrum_done();
    }
    *next = (job){self->turns, ++self->ordered, 0};
    printf("job %d: ordered\n", next->number);
    return thrum_wait(thrum_queue_put_wait(self->queue, next, NULL));
}

static thrum_outcome work(void *it)
{
    job *self = it;

    printf("job %d:             step %d\n", self->number, ++self->steps);
    return self->steps < 4 ? thrum_keep() : thrum_done();
}

static thrum_outcome begin(void *it)
{
    return thrum_wait(thrum_coiterate(((job *)it)->turns, work, it, NULL));
}

static thrum_outcome got(void *ours, void *it)
{
    printf("job %d:     open\n", ((job *)ours)->number);
    return thrum_wait(thrum_semaphore_run(((app *)it)->two, begin, ours, NULL));
}

static thrum_outcome closed(const thrum_failure *why, void *it)
{
    (void)why;
    ((app *)it)->closed = 1;
    return thrum_done();
}

static thrum_outcome next_job(void *it)
{
    app *self = it;

    if (self->closed)
        return thrum_done();
    thrum_deferred *next = thrum_queue_get(self->queue);
    thrum_deferred_add(next, got, closed, self, NULL);
    return thrum_wait(next);
}

static thrum_deferred *run(thrum_reactor *reactor, void *it)
{
    thrum_context *context = thrum_reactor_context(reactor);
    app *self = it;

    self->turns = thrum_reactor_cooperator(reactor);
    self->queue = thrum_queue_new(context, &(thrum_queue_config){.size = 2});
    self->two = thrum_semaphore_new(context, 2);
    thrum_deferred_finish(thrum_coiterate(self->turns, next_order, self, NULL));
    thrum_deferred *all = thrum_each(self->turns, next_job, self, NULL, 3);
    thrum_deferred_add(all, NULL, NULL, self->queue, thrum_queue_free);
    thrum_deferred_add(all, NULL, NULL, self->two, thrum_semaphore_free);
    return all;
}

int main(void)
{
    return thrum_react(run, &(app){0});
}
