/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include <thrum/thrum.h>

static thrum_outcome add(void *ctx) /* in a thread of the pool */
{
    int *sum = calloc(1, sizeof *sum);

    if (sum == NULL)
        return thrum_fail(NULL);
    for (int i = 1; i <= *(int *)ctx; i++)
        *sum += i;
    return thrum_value(sum, free);
}

int main(void)
{
    thrum_reactor *reactor = thrum_reactor_new(NULL);
    thrum_deferred *work;
    thrum_free_fn *free_it;
    thrum_failure *why;
    int up_to = 100;
    void *sum;

    if (reactor == NULL)
        return 1;
    work = thrum_defer_to_thread(reactor, add, &up_to, NULL);
    if (thrum_reactor_wait(reactor, work, &sum, &free_it, &why) !=
            0 ||
        why != NULL)
        return 1;
    printf("the sum is %d\n", *(int *)sum);
    free_it(sum);
    thrum_reactor_free(reactor);
    return 0;
}
