/* SPDX-License-Identifier: MIT */
/*
 * The length of ticks, exactly: on a clock that every step and every reading
 * moves, and that nothing else does.
 */
#include <stdlib.h>

#include "tests/deferred/chain.h"

enum { TASKS = 1000 };

typedef struct slices slices;

typedef struct slice_task {
    slices *owner;
    thrum_ns cost;
    unsigned steps;
} slice_task;

struct slices {
    struct world world;
    slice_task tasks[TASKS];
    thrum_ns dearest; /* of the steps of this tick */
    thrum_ns last;    /* the last reading seen by a step */
    uint64_t seed;
    unsigned steps, between, between_most, readings;
    bool mixed; /* a step costs between 1 and cost */
};

/* A clock that counts the steps between two readings, over the test clock. */
typedef struct counting_clock {
    thrum_clock clock;
    thrum_clock *beneath;
    slices *owner;
} counting_clock;

static thrum_ns counting_read(thrum_clock *clock)
{
    counting_clock *self = (counting_clock *)clock;

    self->owner->readings++;
    self->owner->between = 0;
    return thrum_clock_read(self->beneath);
}

static const thrum_clock_ops counting_ops = {.read = counting_read};

static thrum_outcome slice_step(void *it)
{
    slice_task *task = it;
    slices *self = task->owner;
    thrum_ns cost = task->cost;

    if (self->mixed) {
        self->seed = self->seed * 6364136223846793005u + 1442695040888963407u;
        cost = 1 + (thrum_ns)((self->seed >> 33) % (uint64_t)cost);
    }
    if (cost > self->dearest)
        self->dearest = cost;
    task->steps++;
    self->steps++;
    if (++self->between > self->between_most)
        self->between_most = self->between;
    thrum_test_clock_advance(self->world.clock, cost);
    return thrum_keep();
}

/* Least and most steps of a task differ by one at most. */
static void check_fairness(const slices *self)
{
    unsigned least = self->tasks[0].steps, most = least;

    for (int i = 1; i < TASKS; i++) {
        unsigned steps = self->tasks[i].steps;

        least = steps < least ? steps : least;
        most = steps > most ? steps : most;
    }
    ck_assert_uint_le(most - least, 1);
}

typedef struct slice_case {
    const char *name;
    thrum_ns slice, cost, pace;
    bool mixed;
    int dear_every; /* each so many tasks one costs ... */
    thrum_ns dear;  /* ... this */
    bool fills;     /* a tick is no shorter than half of its slice */
} slice_case;

static const slice_case slice_cases[] = {
    {"a step is a thousandth of the slice", THRUM_MS, THRUM_US, 0, .fills = 1},
    {"readings cost as well", THRUM_MS, THRUM_US, 25, .fills = 1},
    {"a reading costs as much as a step", THRUM_MS, THRUM_US, THRUM_US,
     .fills = 1},
    {"a reading costs ten steps", THRUM_MS, THRUM_US, 10 * THRUM_US,
     .fills = 1},
    {"steps are cheap", THRUM_MS, 300, 25, .fills = 1},
    {"steps cost nothing", THRUM_MS, 0, 25, .fills = 0},
    {"steps and readings cost nothing", THRUM_MS, 0, 0, .fills = 0},
    {"a step is dear", THRUM_MS, 300 * THRUM_US, 25, .fills = 1},
    {"a step is a slice", THRUM_MS, THRUM_MS, 25, .fills = 1},
    {"a step is three slices", THRUM_MS, 3 * THRUM_MS, 25, .fills = 1},
    {"a slice is a single nanosecond", 1, THRUM_US, 0, .fills = 1},
    {"an odd slice", 777777, 1234, 56, .fills = 1},
    {"steps of any cost", THRUM_MS, 20 * THRUM_US, 25, true, .fills = 1},
    {"cheap steps of any cost", THRUM_MS, 500, 25, true, .fills = 1},
    {"one in seven is ten times as dear", THRUM_MS, THRUM_US, 25,
     .dear_every = 7, .dear = 10 * THRUM_US, .fills = 1},
    {"one in a hundred is a hundred times as dear", THRUM_MS, THRUM_US, 25,
     .dear_every = 100, .dear = 100 * THRUM_US, .fills = 1},
    {"one in 999 takes two slices", THRUM_MS, THRUM_US, 25, .dear_every = 999,
     .dear = 2 * THRUM_MS, .fills = 1},
};

static void slices_start(slices *self, counting_clock *clock,
                         const slice_case *it)
{
    thrum_cooperator_config config = {.clock = &clock->clock,
                                      .slice = it->slice};

    world_start(&self->world, 0);
    thrum_cooperator_free(self->world.cooperator);
    *clock = (counting_clock){
        {&counting_ops}, thrum_test_clock_clock(self->world.clock), self};
    self->world.cooperator = thrum_cooperator_new(self->world.context, &config);
    self->mixed = it->mixed;
    self->seed = 1;
    thrum_test_clock_set_pace(self->world.clock, it->pace);
    for (int i = 0; i < TASKS; i++) {
        bool dear = it->dear_every > 0 && i % it->dear_every == 0;

        self->tasks[i] = (slice_task){self, dear ? it->dear : it->cost, 0};
        thrum_deferred_finish(thrum_coiterate(
            self->world.cooperator, slice_step, &self->tasks[i], NULL));
    }
}

START_TEST(no_tick_exceeds_its_slice_by_more_than_one_step)
{
    const slice_case *it = &slice_cases[_i];
    slices *self = calloc(1, sizeof *self);
    counting_clock clock;
    thrum_clock *time;

    slices_start(self, &clock, it);
    time = thrum_test_clock_clock(self->world.clock);
    for (int tick = 0; tick < 100; tick++) {
        thrum_ns start = thrum_clock_now(time), spent;
        unsigned steps = self->steps;

        self->dearest = 0;
        ck_assert_int_eq(thrum_cooperator_tick(self->world.cooperator), 1);
        spent = thrum_clock_now(time) - start;
        steps = self->steps - steps;
        ck_assert_msg(spent <= it->slice + self->dearest,
                      "%s: tick %d took %ld, one step %ld", it->name, tick,
                      (long)spent, (long)self->dearest);
        ck_assert_msg(!it->fills || steps == 4096 || 2 * spent >= it->slice,
                      "%s: tick %d took %ld only", it->name, tick, (long)spent);
        ck_assert_uint_ge(steps, 1);
        ck_assert_uint_le(steps, 4096);
        check_fairness(self);
    }
    ck_assert_uint_le(self->between_most, 256);
    world_end(&self->world);
    support_unhandled();
    free(self);
}
END_TEST

START_TEST(cheap_steps_are_not_slowed_down_by_readings)
{
    static const slice_case cheap = {.slice = THRUM_MS, .pace = 25};
    slices *self = calloc(1, sizeof *self);
    counting_clock clock;

    slices_start(self, &clock, &cheap);
    thrum_cooperator_tick(self->world.cooperator);
    ck_assert_uint_eq(self->steps, 4096);
    ck_assert_uint_eq(self->between_most, 256);
    ck_assert_uint_le(self->readings, 27);
    world_end(&self->world);
    support_unhandled();
    free(self);
}
END_TEST

/* Cheap steps, of which many go between two readings; and, in a tick of their
 * own, dear ones after they have begun cheap. */
typedef struct surprise {
    struct world world;
    unsigned steps, dear_from; /* of this tick */
    thrum_ns dearest;
} surprise;

static thrum_outcome surprise_step(void *it)
{
    surprise *self = it;
    thrum_ns cost = self->steps++ < self->dear_from ? 10 : 10 * THRUM_US;

    if (cost > self->dearest)
        self->dearest = cost;
    thrum_test_clock_advance(self->world.clock, cost);
    return thrum_keep();
}

static thrum_ns surprise_tick(surprise *self, unsigned dear_from)
{
    thrum_clock *time = thrum_test_clock_clock(self->world.clock);
    thrum_ns start = thrum_clock_now(time);

    self->steps = 0;
    self->dearest = 0;
    self->dear_from = dear_from;
    ck_assert_int_eq(thrum_cooperator_tick(self->world.cooperator), 1);
    return thrum_clock_now(time) - start;
}

START_TEST(what_was_dear_in_the_last_tick_is_reckoned_with_in_this_one)
{
    enum { SLICE = 50 * THRUM_US };
    surprise self = {.steps = 0};

    world_start(&self.world, SLICE);
    thrum_test_clock_set_pace(self.world.clock, THRUM_US);
    thrum_deferred_finish(
        thrum_coiterate(self.world.cooperator, surprise_step, &self, NULL));
    for (unsigned from = 0; from < 4096; from++) {
        ck_assert_int_le(surprise_tick(&self, 2), SLICE + self.dearest);
        ck_assert_int_eq(self.dearest, 10 * THRUM_US);
        ck_assert_int_le(surprise_tick(&self, from), SLICE + self.dearest);
    }
    world_end(&self.world);
    support_unhandled();
}
END_TEST

START_TEST(the_statistics_count_ticks_steps_and_the_longest)
{
    slices *self = calloc(1, sizeof *self);
    counting_clock clock;
    thrum_cooperator_stats stats;

    slices_start(self, &clock, &slice_cases[0]);
    for (int i = 0; i < 3; i++)
        thrum_cooperator_tick(self->world.cooperator);
    stats = thrum_cooperator_get_stats(self->world.cooperator);
    ck_assert_uint_eq(stats.ticks, 3);
    ck_assert_uint_eq(stats.steps, self->steps);
    ck_assert_uint_eq(stats.tick_max_steps, 1000);
    ck_assert_int_eq(stats.tick_max, THRUM_MS);
    world_end(&self->world);
    support_unhandled();
    free(self);
}
END_TEST

static TCase *slices_case(void)
{
    TCase *tests = tcase_create("slices");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, trace_setup, NULL);
    tcase_add_loop_test(tests, no_tick_exceeds_its_slice_by_more_than_one_step,
                        0, sizeof slice_cases / sizeof *slice_cases);
    tcase_add_test(tests, cheap_steps_are_not_slowed_down_by_readings);
    tcase_add_test(tests,
                   what_was_dear_in_the_last_tick_is_reckoned_with_in_this_one);
    tcase_add_test(tests, the_statistics_count_ticks_steps_and_the_longest);
    return tests;
}

int main(void)
{
    TCase *tests = slices_case();

    return support_main("slices", &tests, 1);
}
