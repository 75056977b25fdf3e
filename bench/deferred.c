/* SPDX-License-Identifier: MIT */
/*
 * What the floor deferred costs, beside the least that any block of memory
 * costs.
 *
 *     deferred malloc|deferred|wait|list|step|each COUNT
 *
 * Does it COUNT times and prints the nanoseconds of one. deferred.py counts the
 * instructions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <thrum/cooperator.h>
#include <thrum/deferred_list.h>
#include <thrum/test_clock.h>

enum { TASKS = 1000, OPEN = 10 };

typedef struct bench {
    thrum_context *context;
    thrum_cooperator *cooperator;
    long left;
} bench;

static thrum_outcome keep(void *value, void *ctx)
{
    (void)value;
    ++*(long *)ctx;
    return thrum_keep();
}

static thrum_outcome wait_for(void *value, void *ctx)
{
    (void)value;
    return thrum_wait(ctx);
}

/* The least that a block costs. */
static void do_malloc(bench *self)
{
    while (self->left-- > 0) {
        void *volatile block = malloc(64);

        free(block);
    }
}

/* One Deferred: made, one callback, fired, finished. */
static void do_deferred(bench *self)
{
    long called = 0;

    while (self->left-- > 0) {
        thrum_deferred *d = thrum_deferred_new(self->context, "bench");

        thrum_deferred_add(d, keep, NULL, &called, NULL);
        thrum_deferred_fire(d, &called, NULL);
        thrum_deferred_finish(d);
    }
}

/* Two, of which one waits for the other. */
static void do_wait(bench *self)
{
    long called = 0;

    while (self->left-- > 0) {
        thrum_deferred *outer = thrum_deferred_new(self->context, "bench");
        thrum_deferred *inner = thrum_deferred_new(self->context, "bench");

        thrum_deferred_add(outer, wait_for, NULL, inner, NULL);
        thrum_deferred_fire(outer, NULL, NULL);
        thrum_deferred_fire(inner, &called, NULL);
        thrum_deferred_finish(outer);
    }
}

/* A list of ten members. */
static void do_list(bench *self)
{
    while (self->left-- > 0) {
        thrum_deferred *members[10];

        for (int i = 0; i < 10; i++)
            members[i] = thrum_deferred_new(self->context, "bench");
        thrum_deferred_finish(
            thrum_deferred_list(self->context, members, 10, 0));
        for (int i = 0; i < 10; i++)
            thrum_deferred_fire(members[i], NULL, NULL);
    }
}

static thrum_outcome step(void *it)
{
    bench *self = it;

    return self->left-- > 0 ? thrum_keep() : thrum_done();
}

/* One step of one of a thousand tasks. */
static void do_step(bench *self)
{
    for (int i = 0; i < TASKS; i++)
        thrum_deferred_finish(
            thrum_coiterate(self->cooperator, step, self, NULL));
    while (thrum_cooperator_tick(self->cooperator))
        ;
}

static thrum_outcome open_item(void *it)
{
    bench *self = it;
    thrum_deferred *d;

    if (self->left-- <= 0)
        return thrum_done();
    d = thrum_deferred_new(self->context, "bench");
    thrum_deferred_add(d, keep, NULL, &self->left, NULL);
    self->left--; /* keep adds it again */
    thrum_deferred_fire(d, NULL, NULL);
    return thrum_wait(d);
}

/* One item of thrum_each. */
static void do_each(bench *self)
{
    thrum_deferred_finish(
        thrum_each(self->cooperator, open_item, self, NULL, OPEN));
    while (thrum_cooperator_tick(self->cooperator))
        ;
}

static const struct {
    const char *name;
    void (*run)(bench *self);
} benches[] = {
    {"malloc", do_malloc}, {"deferred", do_deferred}, {"wait", do_wait},
    {"list", do_list},     {"step", do_step},         {"each", do_each},
};

static double seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    bench self = {.context = thrum_context_new(NULL)};
    thrum_test_clock *clock = thrum_test_clock_new(self.context);
    thrum_cooperator_config config = {.clock = thrum_test_clock_clock(clock)};
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
    double start = seconds();

    if (count <= 0)
        return 2;
    self.left = count;
    self.cooperator = thrum_cooperator_new(self.context, &config);
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++)
        if (strcmp(argv[1], benches[i].name) == 0)
            benches[i].run(&self);
    printf("%.1f\n", (seconds() - start) / (double)count * 1e9);
    thrum_cooperator_free(self.cooperator);
    thrum_test_clock_free(clock);
    thrum_context_unref(self.context);
    return 0;
}
