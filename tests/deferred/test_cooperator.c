/* SPDX-License-Identifier: MIT */
#include "tests/deferred/chain.h"

typedef struct steps {
    struct world *world;
    thrum_deferred *deferred; /* of the task, or one to wait for */
    char *name;
    int made, most;
    char last; /* what the last step does */
} steps;

static thrum_outcome steps_last(steps *self)
{
    switch (self->last) {
    case 'f':
        return thrum_fail(chain_failure(self->world->context, "why"));
    case 'm':
        return thrum_fail(NULL);
    case 'w':
        self->last = 'd';
        return thrum_wait(self->deferred);
    case 'n':
        return thrum_wait(NULL);
    case 't':
        return thrum_taken();
    case 'c': /* cancel yourself, and say that there is more */
        thrum_deferred_cancel(self->deferred);
        return thrum_keep();
    case 'F': /* and that it failed */
        thrum_deferred_cancel(self->deferred);
        return thrum_fail(chain_failure(self->world->context, "why"));
    case 'x':
        thrum_cooperator_free(self->world->cooperator);
        thrum_test_clock_free(self->world->clock);
        self->world->cooperator = NULL;
        self->world->clock = NULL;
        return thrum_done();
    default:
        return thrum_done();
    }
}

static thrum_outcome steps_step(void *it)
{
    steps *self = it;

    trace_note(self->name);
    trace_note(" ");
    if (++self->made >= self->most)
        return steps_last(self);
    if (self->made == 1)
        return thrum_value("value", trace_release);
    return thrum_keep();
}

static void steps_release(void *it)
{
    trace_release(((steps *)it)->name);
}

static thrum_deferred *steps_start(steps *self)
{
    thrum_deferred *d = thrum_coiterate(self->world->cooperator, steps_step,
                                        self, steps_release);

    thrum_deferred_add(d, trace_value, trace_failure, self->name, NULL);
    return d;
}

static void run_ticks(struct world *self)
{
    while (self->cooperator != NULL && thrum_cooperator_tick(self->cooperator))
        ;
}

START_TEST(tasks_step_round_robin_and_are_released_after_their_callbacks)
{
    struct world world;
    steps a = {&world, NULL, "a", 0, 2, 'd'},
          b = {&world, NULL, "b", 0, 3, 'f'},
          c = {&world, NULL, "c", 0, 1, 'm'},
          e = {&world, NULL, "e", 0, 1, 't'};

    world_start(&world, 0);
    thrum_deferred_finish(steps_start(&a));
    thrum_deferred_finish(steps_start(&b));
    thrum_deferred_finish(steps_start(&c));
    thrum_deferred_finish(steps_start(&e));
    ck_assert_str_eq(trace_take(), "");
    ck_assert_uint_eq(world.scheduled, 1);
    ck_assert_int_eq(thrum_cooperator_tick(world.cooperator), 0);
    ck_assert_str_eq(trace_take(),
                     "a ~value b ~value c c!out of memory ~c e e=none ~e "
                     "a a=none ~a b b b!why ~b ");
    ck_assert_uint_eq(world.scheduled, 1);
    world_end(&world);
}
END_TEST

static thrum_outcome start_one(void *it)
{
    thrum_deferred_finish(steps_start(it));
    return thrum_done();
}

START_TEST(one_that_a_step_starts_asks_for_no_tick_within_this_one)
{
    struct world world;
    steps a = {&world, NULL, "a", 0, 2, 'd'};

    world_start(&world, 0);
    thrum_deferred_finish(
        thrum_coiterate(world.cooperator, start_one, &a, NULL));
    ck_assert_int_eq(thrum_cooperator_tick(world.cooperator), 0);
    ck_assert_str_eq(trace_take(), "a ~value a a=none ~a ");
    ck_assert_uint_eq(world.scheduled, 1);
    world_end(&world);
}
END_TEST

START_TEST(a_task_rests_while_it_waits)
{
    struct world world;
    steps a = {&world, NULL, "a", 0, 2, 'w'},
          b = {&world, NULL, "b", 0, 3, 'd'};

    world_start(&world, 0);
    a.deferred = thrum_deferred_new(world.context, "waited for");
    thrum_deferred_finish(steps_start(&a));
    thrum_deferred_finish(steps_start(&b));
    ck_assert_int_eq(thrum_cooperator_tick(world.cooperator), 0);
    ck_assert_str_eq(trace_take(), "a ~value b ~value a b b b=none ~b ");
    ck_assert_int_eq(thrum_cooperator_tick(world.cooperator), 0);
    ck_assert_uint_eq(world.scheduled, 1);
    thrum_deferred_fire(a.deferred, "x", trace_release);
    ck_assert_str_eq(trace_take(), "~x ");
    ck_assert_uint_eq(world.scheduled, 2);
    thrum_cooperator_tick(world.cooperator);
    ck_assert_str_eq(trace_take(), "a a=none ~a ");
    world_end(&world);
}
END_TEST

START_TEST(what_a_task_waits_for_may_fail_or_be_fired_already)
{
    struct world world;
    steps a = {&world, NULL, "a", 0, 2, 'w'},
          b = {&world, NULL, "b", 0, 2, 'w'},
          c = {&world, NULL, "c", 0, 1, 'n'},
          e = {&world, NULL, "e", 0, 1, 'w'};

    world_start(&world, 0);
    a.deferred = thrum_deferred_new(world.context, "fails");
    b.deferred = thrum_deferred_new(world.context, "is fired");
    e.deferred = thrum_deferred_new(world.context, "has failed");
    thrum_deferred_fire(b.deferred, NULL, NULL);
    thrum_deferred_abandon(e.deferred);
    thrum_deferred_finish(steps_start(&a));
    run_ticks(&world);
    thrum_deferred_fail(a.deferred, chain_failure(world.context, "why"));
    thrum_deferred_finish(steps_start(&b));
    thrum_deferred_finish(steps_start(&c));
    thrum_deferred_finish(steps_start(&e));
    run_ticks(&world);
    ck_assert_str_eq(trace_take(),
                     "a ~value a a!why ~a b ~value c c!out of memory ~c "
                     "e e!abandoned by its producer ~e b b b=none ~b ");
    world_end(&world);
}
END_TEST

START_TEST(cancelling_ends_the_iterator_and_what_it_waits_for)
{
    struct world world;
    steps a = {&world, NULL, "a", 0, 2, 'w'},
          b = {&world, NULL, "b", 0, 9, 'd'};
    thrum_deferred *d[2];

    world_start(&world, 0);
    a.deferred = thrum_deferred_new(world.context, "waited for");
    d[0] = steps_start(&a);
    d[1] = steps_start(&b);
    thrum_deferred_cancel(d[1]); /* never made a step */
    ck_assert_str_eq(trace_take(), "b!cancelled ~b ");
    run_ticks(&world);
    thrum_deferred_cancel(d[0]);
    thrum_deferred_cancel(d[0]);
    ck_assert_str_eq(trace_take(), "a ~value a a!cancelled ~a ");
    thrum_deferred_fire(a.deferred, "late", trace_release);
    ck_assert_str_eq(trace_take(), "~late ");
    thrum_deferred_finish(d[0]);
    thrum_deferred_finish(d[1]);
    run_ticks(&world);
    ck_assert_str_eq(trace_take(), "");
    ck_assert_uint_eq(support_unhandled(), 0);
    world_end(&world);
}
END_TEST

START_TEST(what_goes_on_after_the_cancel_keeps_the_iterator)
{
    struct world world;
    steps a = {&world, NULL, "a", 0, 1, 'w'};
    thrum_deferred *rest, *d;

    world_start(&world, 0);
    a.deferred = thrum_deferred_new(world.context, "waited for");
    rest = thrum_deferred_new(world.context, "goes on");
    thrum_deferred_add(a.deferred, NULL, answer_wait_failed, rest, NULL);
    d = steps_start(&a);
    run_ticks(&world);
    thrum_deferred_cancel(d);
    thrum_deferred_finish(d);
    thrum_deferred_abandon(a.deferred);
    ck_assert_str_eq(trace_take(), "a a!cancelled ");
    thrum_deferred_abandon(rest);
    ck_assert_str_eq(trace_take(), "~a ");
    ck_assert_uint_eq(support_unhandled(), 0);
    world_end(&world);
}
END_TEST

START_TEST(a_task_may_be_cancelled_in_its_own_step)
{
    static const char ends[] = {'c', 'F'};

    for (int i = 0; i < 2; i++) {
        struct world world;
        steps a = {&world, NULL, "a", 0, 2, ends[i]};

        world_start(&world, 0);
        a.deferred = steps_start(&a);
        run_ticks(&world);
        thrum_deferred_finish(a.deferred);
        ck_assert_str_eq(trace_take(), "a ~value a a!cancelled ~a ");
        world_end(&world);
    }
}
END_TEST

typedef struct late_wait {
    thrum_deferred *task, *opened;
    thrum_context *context;
} late_wait;

static thrum_outcome cancel_then_wait(void *it)
{
    late_wait *self = it;

    self->opened = thrum_deferred_new(self->context, "opened");
    thrum_deferred_add(self->opened, trace_value, trace_failure, "opened",
                       NULL);
    thrum_deferred_cancel(self->task);
    return thrum_wait(self->opened);
}

static void release_task(void *it)
{
    (void)it;
    trace_note("~task ");
}

START_TEST(what_a_step_opens_that_was_cancelled_in_it_is_cancelled)
{
    struct world world;
    late_wait late;

    world_start(&world, 0);
    late.context = world.context;
    late.task = thrum_coiterate(world.cooperator, cancel_then_wait, &late,
                                release_task);
    thrum_deferred_add(late.task, NULL, trace_failure, "task", NULL);
    run_ticks(&world);
    ck_assert_str_eq(trace_take(), "task!cancelled opened!cancelled ~task ");
    thrum_deferred_abandon(late.opened);
    thrum_deferred_finish(late.task);
    world_end(&world);
}
END_TEST

typedef struct canceller {
    thrum_deferred *victims[3];
} canceller;

static thrum_outcome cancel_victims(void *it)
{
    canceller *self = it;

    for (int i = 0; i < 3; i++)
        thrum_deferred_cancel(self->victims[i]);
    trace_note("cancelled ");
    return thrum_done();
}

START_TEST(a_step_may_cancel_its_siblings)
{
    struct world world;
    steps a = {&world, NULL, "a", 0, 9, 'd'},
          b = {&world, NULL, "b", 0, 9, 'd'},
          c = {&world, NULL, "c", 0, 2, 'd'};
    canceller cancel = {{NULL}};
    thrum_deferred *d;

    world_start(&world, 0);
    cancel.victims[0] = steps_start(&a);
    d = thrum_coiterate(world.cooperator, cancel_victims, &cancel, NULL);
    cancel.victims[1] = steps_start(&b);
    thrum_deferred_finish(steps_start(&c));
    run_ticks(&world);
    ck_assert_str_eq(trace_take(), "a ~value a!cancelled ~a b!cancelled ~b "
                                   "cancelled c ~value c c=none ~c ");
    thrum_deferred_finish(d);
    thrum_deferred_finish(cancel.victims[0]);
    thrum_deferred_finish(cancel.victims[1]);
    world_end(&world);
}
END_TEST

START_TEST(freeing_the_cooperator_tells_every_task)
{
    struct world world;
    steps a = {&world, NULL, "a", 0, 9, 'd'},
          b = {&world, NULL, "b", 0, 1, 'w'},
          c = {&world, NULL, "c", 0, 1, 'd'};

    world_start(&world, 0);
    b.deferred = thrum_deferred_new(world.context, "waited for");
    thrum_deferred_finish(steps_start(&b));
    thrum_deferred_finish(steps_start(&c));
    run_ticks(&world);
    thrum_deferred_finish(steps_start(&a));
    trace_take();
    thrum_cooperator_free(world.cooperator);
    world.cooperator = NULL;
    ck_assert_str_eq(trace_take(), "a!the cooperator was stopped ~a "
                                   "b!the cooperator was stopped ~b ");
    thrum_deferred_abandon(b.deferred);
    ck_assert_uint_eq(support_unhandled(), 0);
    world_end(&world);
}
END_TEST

START_TEST(a_step_may_free_the_cooperator_and_its_clock)
{
    struct world world;
    steps a = {&world, NULL, "a", 0, 9, 'd'},
          b = {&world, NULL, "b", 0, 2, 'x'},
          c = {&world, NULL, "c", 0, 9, 'd'};

    world_start(&world, 0);
    thrum_deferred_finish(steps_start(&a));
    thrum_deferred_finish(steps_start(&b));
    thrum_deferred_finish(steps_start(&c));
    run_ticks(&world);
    ck_assert_str_eq(trace_take(), "a ~value b ~value c ~value a b "
                                   "c!the cooperator was stopped ~c "
                                   "b!the cooperator was stopped "
                                   "a!the cooperator was stopped ~a ~b ");
    world_end(&world);
}
END_TEST

/* What one may do who is told that the cooperator ends. */
static thrum_outcome start_another(const thrum_failure *why, void *ctx)
{
    steps *self = ctx;

    (void)why;
    thrum_cooperator_tick(self->world->cooperator);
    thrum_deferred_finish(steps_start(self));
    thrum_cooperator_free(self->world->cooperator);
    return thrum_done();
}

START_TEST(who_is_told_of_the_end_may_tick_start_and_free)
{
    struct world world;
    steps a = {&world, NULL, "a", 0, 9, 'd'},
          b = {&world, NULL, "b", 0, 9, 'd'},
          more = {&world, NULL, "more", 0, 9, 'd'};
    thrum_deferred *d;

    world_start(&world, 0);
    thrum_deferred_finish(steps_start(&a));
    d = steps_start(&b);
    thrum_deferred_add(d, NULL, NULL, NULL, NULL);
    thrum_deferred_finish(d);
    d = thrum_coiterate(world.cooperator, steps_step, &b, NULL);
    thrum_deferred_add(d, NULL, start_another, &more, NULL);
    thrum_deferred_finish(d);
    thrum_cooperator_free(world.cooperator);
    world.cooperator = NULL;
    ck_assert_str_eq(trace_take(), "~more more!the cooperator was stopped "
                                   "b!the cooperator was stopped ~b "
                                   "a!the cooperator was stopped ~a ");
    world_end(&world);
}
END_TEST

static thrum_outcome tick_within(void *it)
{
    trace_note(thrum_cooperator_tick(it) == 0 ? "refused " : "ran ");
    return thrum_done();
}

START_TEST(a_tick_within_a_step_is_refused)
{
    struct world world;
    steps a = {&world, NULL, "a", 0, 1, 'd'};

    world_start(&world, 0);
    thrum_deferred_finish(
        thrum_coiterate(world.cooperator, tick_within, world.cooperator, NULL));
    thrum_deferred_finish(steps_start(&a));
    run_ticks(&world);
    ck_assert_str_eq(trace_take(), "refused a a=none ~a ");
    world_end(&world);
}
END_TEST

/* ---- The program says when a tick is over ---- */

typedef struct over_case {
    const char *name;
    unsigned every;    /* a tick is over after so many steps; 0: never */
    unsigned steps[4]; /* of the first ticks */
    unsigned asked;    /* in the last of them */
} over_case;

typedef struct over_run {
    struct world world;
    unsigned every, left, steps, asked;
    bool free;
} over_run;

static thrum_outcome over_step(void *it)
{
    over_run *self = it;

    if (self->free) {
        thrum_cooperator_free(self->world.cooperator);
        self->world.cooperator = NULL;
    }
    self->steps++;
    return --self->left > 0 ? thrum_keep() : thrum_done();
}

static int over_asked(void *ctx)
{
    over_run *self = ctx;

    self->asked++;
    return self->every > 0 && self->asked == self->every;
}

static void over_start(over_run *self, unsigned every, unsigned left)
{
    thrum_cooperator_config config = {.over = over_asked, .ctx = self};

    world_start(&self->world, 0);
    thrum_cooperator_free(self->world.cooperator);
    self->world.cooperator = thrum_cooperator_new(self->world.context, &config);
    self->every = every;
    self->left = left;
    thrum_deferred_finish(
        thrum_coiterate(self->world.cooperator, over_step, self, NULL));
}

static const over_case over_cases[] = {
    {"after each step", 1, {1, 1, 1, 1}, 1},
    {"after three steps", 3, {3, 3, 3, 1}, 1},
    {"never, and the end comes first", 0, {10, 0, 0, 0}, 0},
    {"with the last step", 10, {10, 0, 0, 0}, 0},
};

START_TEST(a_tick_is_over_when_the_program_says_so)
{
    const over_case *it = &over_cases[_i];
    over_run self = {.steps = 0};

    over_start(&self, it->every, 10);
    for (int i = 0; i < 4; i++) {
        self.steps = self.asked = 0;
        thrum_cooperator_tick(self.world.cooperator);
        ck_assert_msg(self.steps == it->steps[i], "%s: tick %d took %u",
                      it->name, i, self.steps);
    }
    ck_assert_uint_eq(self.asked, it->asked);
    world_end(&self.world);
    support_unhandled();
}
END_TEST

START_TEST(a_tick_that_is_never_over_has_4096_steps_and_reads_no_clock)
{
    over_run self = {.steps = 0};
    thrum_cooperator_stats stats;

    over_start(&self, 0, 5000); /* its clock is NULL */
    ck_assert_int_eq(thrum_cooperator_tick(self.world.cooperator), 1);
    ck_assert_uint_eq(self.steps, 4096);
    ck_assert_uint_eq(self.asked, 4096);
    ck_assert_int_eq(thrum_cooperator_tick(self.world.cooperator), 0);
    stats = thrum_cooperator_get_stats(self.world.cooperator);
    ck_assert_uint_eq(stats.ticks, 2);
    ck_assert_uint_eq(stats.steps, 5000);
    ck_assert_uint_eq(stats.tick_max_steps, 4096);
    ck_assert_int_eq(stats.tick_max, 0);
    world_end(&self.world);
}
END_TEST

START_TEST(nobody_is_asked_whether_a_freed_cooperator_is_over)
{
    over_run self = {.free = true};

    over_start(&self, 0, 10);
    ck_assert_int_eq(thrum_cooperator_tick(self.world.cooperator), 0);
    ck_assert_uint_eq(self.steps, 1);
    ck_assert_uint_eq(self.asked, 0);
    ck_assert_uint_eq(support_unhandled(), 1);
    world_end(&self.world);
}
END_TEST

static TCase *tasks_case(void)
{
    TCase *tasks = tcase_create("tasks");

    tcase_add_checked_fixture(tasks, trace_setup, NULL);
    tcase_add_test(
        tasks, tasks_step_round_robin_and_are_released_after_their_callbacks);
    tcase_add_test(tasks,
                   one_that_a_step_starts_asks_for_no_tick_within_this_one);
    tcase_add_test(tasks, a_task_rests_while_it_waits);
    tcase_add_test(tasks, what_a_task_waits_for_may_fail_or_be_fired_already);
    tcase_add_test(tasks, cancelling_ends_the_iterator_and_what_it_waits_for);
    tcase_add_test(tasks, what_goes_on_after_the_cancel_keeps_the_iterator);
    tcase_add_test(tasks, a_task_may_be_cancelled_in_its_own_step);
    tcase_add_test(tasks,
                   what_a_step_opens_that_was_cancelled_in_it_is_cancelled);
    tcase_add_test(tasks, a_step_may_cancel_its_siblings);
    tcase_add_test(tasks, freeing_the_cooperator_tells_every_task);
    tcase_add_test(tasks, a_step_may_free_the_cooperator_and_its_clock);
    tcase_add_test(tasks, who_is_told_of_the_end_may_tick_start_and_free);
    tcase_add_test(tasks, a_tick_within_a_step_is_refused);
    tcase_add_loop_test(tasks, a_tick_is_over_when_the_program_says_so, 0,
                        sizeof over_cases / sizeof *over_cases);
    tcase_add_test(tasks,
                   a_tick_that_is_never_over_has_4096_steps_and_reads_no_clock);
    tcase_add_test(tasks, nobody_is_asked_whether_a_freed_cooperator_is_over);
    return tasks;
}

int main(void)
{
    TCase *tasks = tasks_case();

    return support_main("cooperator", &tasks, 1);
}
