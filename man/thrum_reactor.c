/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdio.h>

#include <thrum/thrum.h>

typedef struct sum {
    thrum_reactor *reactor;
    int result;
} sum;

static void done(void *ctx) /* in the reactor's thread */
{
    sum *self = ctx;

    printf("the sum is %d\n", self->result);
    thrum_reactor_stop(self->reactor);
}

static void *add(void *ctx) /* in a thread of its own */
{
    sum *self = ctx;

    for (int i = 1; i <= 100; i++)
        self->result += i;
    thrum_reactor_call_from_thread(self->reactor, done, self, NULL);
    return NULL;
}

static void too_late(void *reactor)
{
    thrum_reactor_stop(reactor);
}

int main(void)
{
    sum self = {thrum_reactor_new(NULL), 0};
    pthread_t thread;

    if (self.reactor == NULL)
        return 1;
    thrum_clock_call_later(thrum_reactor_clock(self.reactor),
                           60 * THRUM_S, too_late, self.reactor,
                           NULL);
    if (pthread_create(&thread, NULL, add, &self) != 0)
        return 1;
    thrum_reactor_run(self.reactor);
    pthread_join(thread, NULL);
    thrum_reactor_free(self.reactor);
    return 0;
}
