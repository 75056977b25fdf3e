/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

typedef struct counter {
    const char *name;
    int count;
} counter;

static thrum_outcome count(void *it)
{
    counter *self = it;

    if (self->count == 2)
        return thrum_done();
    printf("%s %d\n", self->name, ++self->count);
    return thrum_keep();
}

static thrum_outcome counted(void *results, void *ctx)
{
    (void)results;
    (void)ctx;
    printf("all have counted\n");
    return thrum_done();
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_test_clock *time = thrum_test_clock_new(context);

    if (time == NULL)
        return 1;
    thrum_cooperator_config config = {
        .clock = thrum_test_clock_clock(time)};
    thrum_cooperator *turns =
        thrum_cooperator_new(context, &config);
    counter ann = {"ann", 0}, bob = {"bob", 0};
    thrum_deferred *both[] = {
        thrum_coiterate(turns, count, &ann, NULL),
        thrum_coiterate(turns, count, &bob, NULL)};
    thrum_deferred *all = thrum_all(context, both, 2, NULL);
    thrum_deferred_add(all, counted, NULL, NULL, NULL);
    thrum_deferred_finish(all);

    while (thrum_cooperator_tick(turns))
        continue; /* a program does other things here */
    thrum_cooperator_free(turns);
    thrum_test_clock_free(time);
    thrum_context_unref(context);
    return 0;
}
