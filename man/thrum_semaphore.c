/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

typedef struct job {
    int number;
    thrum_context *context;
    thrum_deferred *work;
} job;

static thrum_outcome begin(void *ctx)
{
    job *self = ctx;

    printf("job %d begins\n", self->number);
    self->work = thrum_deferred_new(self->context, "job");
    return thrum_wait(self->work);
}

static void end(job *self)
{
    printf("job %d ends\n", self->number);
    thrum_deferred_fire(self->work, NULL, NULL);
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_semaphore *two = thrum_semaphore_new(context, 2);
    job jobs[3];

    if (two == NULL)
        return 1;
    for (int i = 0; i < 3; i++) {
        jobs[i] = (job){i, context, NULL};
        thrum_deferred_finish(
            thrum_semaphore_run(two, begin, &jobs[i], NULL));
    }
    for (int i = 0; i < 3; i++)
        end(&jobs[i]);
    thrum_semaphore_free(two);
    thrum_context_unref(context);
    return 0;
}
