/* SPDX-License-Identifier: MIT */
/*
 * What the floor deferred costs, beside the least that any block of memory
 * costs.
 *
 *     deferred WHAT COUNT
 *
 * Does it (see `benches`) COUNT times and prints the nanoseconds of processor
 * time of one, or, of what is `pending`, the bytes of memory. deferred.py
 * counts the instructions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <thrum/cooperator.h>
#include <thrum/deferred_list.h>
#include <thrum/test_clock.h>

enum { TASKS = 1000, OPEN = 10, MANY = 100000 };

typedef struct bench {
    thrum_context *context;
    thrum_cooperator *cooperator;
    thrum_deferred *many[MANY];
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

/* Makes up to MANY at once; answers how many. */
static size_t make_many(bench *self)
{
    size_t count = self->left < MANY ? (size_t)self->left : MANY;

    self->left -= (long)count;
    for (size_t i = 0; i < count; i++)
        self->many[i] = thrum_deferred_new(self->context, "bench");
    return count;
}

/* One of a hundred thousand that are pending together, and in no list. */
static void do_member(bench *self)
{
    while (self->left > 0) {
        size_t count = make_many(self);

        for (size_t i = 0; i < count; i++)
            thrum_deferred_fire(self->many[i], NULL, NULL);
        for (size_t i = 0; i < count; i++)
            thrum_deferred_finish(self->many[i]);
    }
}

/* The same with a callback, as one that is to wait has. */
static void do_link(bench *self)
{
    long called = 0;

    while (self->left > 0) {
        size_t count = make_many(self);

        for (size_t i = 0; i < count; i++)
            thrum_deferred_add(self->many[i], keep, NULL, &called, NULL);
        for (size_t i = 0; i < count; i++)
            thrum_deferred_fire(self->many[i], NULL, NULL);
        for (size_t i = 0; i < count; i++)
            thrum_deferred_finish(self->many[i]);
    }
}

/* One of the hundred thousand members of a list. */
static void do_element(bench *self)
{
    while (self->left > 0) {
        size_t count = make_many(self);

        thrum_deferred_finish(
            thrum_deferred_list(self->context, self->many, count, 0));
        for (size_t i = 0; i < count; i++)
            thrum_deferred_fire(self->many[i], NULL, NULL);
    }
}

/* One of a hundred thousand of which each waits for the next. */
static void do_chain(bench *self)
{
    while (self->left > 0) {
        size_t count = make_many(self);

        for (size_t i = 0; i + 1 < count; i++)
            thrum_deferred_add(self->many[i], wait_for, NULL, self->many[i + 1],
                               NULL);
        for (size_t i = 0; i < count; i++)
            thrum_deferred_fire(self->many[i], NULL, NULL);
        thrum_deferred_finish(self->many[0]);
    }
}

/* The same by thrum_deferred_chain: each is the producer of the next. */
static void do_explicit(bench *self)
{
    while (self->left > 0) {
        size_t count = make_many(self);

        for (size_t i = 0; i + 1 < count; i++)
            thrum_deferred_chain(self->many[i], self->many[i + 1]);
        thrum_deferred_fire(self->many[0], NULL, NULL);
        for (size_t i = 0; i < count; i++)
            thrum_deferred_finish(self->many[i]);
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

static void run_items(bench *self, thrum_deferred *all)
{
    thrum_deferred_finish(all);
    while (thrum_cooperator_tick(self->cooperator))
        ;
}

/* One item of thrum_each, and of those that count and collect. */
static void do_each(bench *self)
{
    run_items(self, thrum_each(self->cooperator, open_item, self, NULL, OPEN));
}

static void do_each_count(bench *self)
{
    run_items(self,
              thrum_each_count(self->cooperator, open_item, self, NULL, OPEN));
}

static void do_each_collect(bench *self)
{
    run_items(self, thrum_each_collect(self->cooperator, open_item, self, NULL,
                                       OPEN));
}

static const struct {
    const char *name;
    void (*run)(bench *self);
} benches[] = {
    {"malloc", do_malloc},
    {"deferred", do_deferred},
    {"wait", do_wait},
    {"list", do_list},
    {"member", do_member},
    {"link", do_link},
    {"element", do_element},
    {"chain", do_chain},
    {"explicit", do_explicit},
    {"step", do_step},
    {"each", do_each},
    {"each_count", do_each_count},
    {"each_collect", do_each_collect},
};

/* Bytes of memory in use. */
static long resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long pages = 0;

    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

/* Bytes of one that is pending with one pair, of so many. */
static double pending(bench *self, long count)
{
    thrum_deferred **all = malloc((size_t)count * sizeof *all);
    long called = 0, before, after;

    memset(all, 1, (size_t)count * sizeof *all); /* in memory already */
    before = resident();
    for (long i = 0; i < count; i++) {
        all[i] = thrum_deferred_new(self->context, "bench");
        thrum_deferred_add(all[i], keep, NULL, &called, NULL);
    }
    after = resident();
    for (long i = 0; i < count; i++) {
        thrum_deferred_fire(all[i], NULL, NULL);
        thrum_deferred_finish(all[i]);
    }
    free(all);
    return (double)(after - before) / (double)count;
}

static double seconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Nanoseconds of one. */
static double duration(bench *self, const char *what, long count)
{
    double start = seconds();

    self->left = count;
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++)
        if (strcmp(what, benches[i].name) == 0)
            benches[i].run(self);
    return (seconds() - start) / (double)count * 1e9;
}

int main(int argc, char **argv)
{
    static bench self;
    thrum_test_clock *clock;
    thrum_cooperator_config config = {.slice = 0};
    long count = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

    if (count <= 0)
        return 2;
    self.context = thrum_context_new(NULL);
    clock = thrum_test_clock_new(self.context);
    config.clock = thrum_test_clock_clock(clock);
    self.cooperator = thrum_cooperator_new(self.context, &config);
    printf("%.1f\n", strcmp(argv[1], "pending") == 0
                         ? pending(&self, count)
                         : duration(&self, argv[1], count));
    thrum_cooperator_free(self.cooperator);
    thrum_test_clock_free(clock);
    thrum_context_unref(self.context);
    return 0;
}
