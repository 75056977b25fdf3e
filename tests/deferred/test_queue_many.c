/* SPDX-License-Identifier: MIT */
/*
 * A queue against a model, and a million who pass it on.
 */
#include <string.h>

#include <thrum/queue.h>

#include "tests/deferred/chain.h"

/* ---- Acts at random, against a model ---- */

enum { ACTS = 20000, SIZE = 3, BACKLOG = 4 };

/* What the queue should hold, by the numbers of acts. */
typedef struct line {
    int at[SIZE + ACTS];
    int first, last;
} line;

static struct model {
    line values, getters, putters; /* the values of putters are their acts */
    thrum_deferred *d[ACTS];
    int expected[ACTS], seen[ACTS]; /* 0: none; -1: it failed; a value + 1 */
    int released[ACTS];
    bool put[ACTS];
} model;

static void line_push(line *self, int act)
{
    self->at[self->last++] = act;
}

static int line_size(const line *self)
{
    return self->last - self->first;
}

static void line_remove(line *self, int act)
{
    int to = self->first;

    for (int i = self->first; i < self->last; i++)
        if (self->at[i] != act)
            self->at[to++] = self->at[i];
    self->last = to;
}

static void model_release(void *value)
{
    model.released[(int *)value - model.expected]++;
}

static thrum_outcome model_value(void *value, void *ctx)
{
    int act = (int)((int *)ctx - model.seen);

    model.seen[act] =
        value != NULL ? (int)((int *)value - model.expected) + 1 : 1;
    return thrum_keep();
}

static thrum_outcome model_failure(const thrum_failure *why, void *ctx)
{
    (void)why;
    *(int *)ctx = -1;
    return thrum_done();
}

static void model_follow(int act, thrum_deferred *d)
{
    model.d[act] = d;
    thrum_deferred_add(d, model_value, model_failure, &model.seen[act], NULL);
}

static void model_get(thrum_queue *q, int act)
{
    if (line_size(&model.values) > 0) {
        model.expected[act] = model.values.at[model.values.first++] + 1;
        if (line_size(&model.putters) > 0) {
            int put = model.putters.at[model.putters.first++];

            model.expected[put] = 1;
            line_push(&model.values, put);
        }
    } else if (line_size(&model.getters) >= BACKLOG) {
        model.expected[act] = -1;
    } else {
        line_push(&model.getters, act);
    }
    model_follow(act, thrum_queue_get(q));
}

/* Whether the value has found room. */
static bool model_take(int act)
{
    if (line_size(&model.getters) > 0)
        model.expected[model.getters.at[model.getters.first++]] = act + 1;
    else if (line_size(&model.values) < SIZE)
        line_push(&model.values, act);
    else
        return false;
    return true;
}

static void model_put(thrum_queue *q, int act, bool wait)
{
    bool room = model_take(act);

    model.put[act] = true;
    if (wait) {
        model.expected[act] = room;
        if (!room)
            line_push(&model.putters, act);
        model_follow(
            act, thrum_queue_put_wait(q, &model.expected[act], model_release));
    } else {
        ck_assert_int_eq(
            thrum_queue_put(q, &model.expected[act], model_release),
            room ? 0 : THRUM_DEFERRED_E_OVERFLOW);
        ck_assert_int_eq(model.released[act], !room);
    }
}

static void model_cancel(int act)
{
    if (model.d[act] == NULL)
        return;
    if (model.expected[act] == 0)
        model.expected[act] = -1;
    line_remove(&model.getters, act);
    if (model.expected[act] == -1)
        line_remove(&model.putters, act);
    thrum_deferred_cancel(model.d[act]);
}

START_TEST(a_queue_at_random_does_as_its_model)
{
    thrum_queue_config config = {SIZE, BACKLOG};
    thrum_context *mine = support_context();
    thrum_queue *q = thrum_queue_new(mine, &config);
    unsigned seed = 38403195u + (unsigned)_i;

    memset(&model, 0, sizeof model);
    for (int act = 0; act < ACTS; act++) {
        unsigned kind = (seed = seed * 1664525u + 1013904223u) >> 24;

        if (kind < 100)
            model_get(q, act);
        else if (kind < 200)
            model_put(q, act, kind < 150);
        else if (act > 0)
            model_cancel(act - 1 - (int)(kind % (unsigned)act) % 12);
        ck_assert_uint_eq(thrum_queue_size(q),
                          (size_t)line_size(&model.values));
        ck_assert_uint_eq(thrum_queue_waiting(q),
                          (size_t)line_size(&model.getters));
        for (int i = act > 40 ? act - 40 : 0; i <= act; i++)
            ck_assert(model.d[i] == NULL || model.seen[i] == model.expected[i]);
    }
    thrum_queue_free(q);
    for (int act = 0; act < ACTS; act++)
        thrum_deferred_finish(model.d[act]);
    for (int act = 0; act < ACTS; act++)
        ck_assert_int_eq(model.released[act], model.put[act]);
    ck_assert_uint_eq(support_unhandled(), 0);
    support_context_end(mine);
}
END_TEST

/* ---- A million ---- */

enum { MILLION = 1000000, STACK = 65536 };

static thrum_context *context;
static thrum_queue *queue;
static int calls;

static thrum_outcome put_the_next(void *value, void *ctx)
{
    (void)ctx;
    calls++;
    thrum_queue_put(queue, value, NULL);
    return thrum_taken();
}

static thrum_outcome get_the_next(void *value, void *ctx)
{
    (void)value;
    (void)ctx;
    calls++;
    thrum_deferred_finish(thrum_queue_get(queue));
    return thrum_keep();
}

static thrum_outcome free_the_queue(const thrum_failure *why, void *ctx)
{
    (void)why;
    (void)ctx;
    calls++;
    thrum_queue_free(queue);
    return thrum_done();
}

static void getters(void)
{
    for (int i = 0; i < MILLION; i++) {
        thrum_deferred *d = thrum_queue_get(queue);

        thrum_deferred_add(d, put_the_next, free_the_queue, NULL, NULL);
        thrum_deferred_finish(d);
    }
}

static void each_puts_the_next(void)
{
    getters();
    thrum_queue_put(queue, "x", NULL);
    ck_assert_int_eq(calls, MILLION);
    ck_assert_uint_eq(thrum_queue_size(queue), 1);
    thrum_queue_free(queue);
}

static void each_is_told_of_the_end(void)
{
    getters();
    thrum_queue_free(queue);
    ck_assert_int_eq(calls, MILLION);
}

static void each_gets_the_next(void)
{
    for (int i = 0; i < MILLION; i++) {
        thrum_deferred *d = thrum_queue_put_wait(queue, "x", NULL);

        thrum_deferred_add(d, get_the_next, free_the_queue, NULL, NULL);
        thrum_deferred_finish(d);
    }
    thrum_deferred_finish(thrum_queue_get(queue));
    ck_assert_int_eq(calls, MILLION);
    ck_assert_uint_eq(thrum_queue_waiting(queue), 1);
    thrum_queue_free(queue);
}

static int which;

static void pass_it_on(void)
{
    static void (*const runs[])(void) = {
        each_puts_the_next, each_is_told_of_the_end, each_gets_the_next};
    thrum_queue_config config = {.size = which == 2 ? THRUM_QUEUE_NONE : 0};

    calls = 0;
    queue = thrum_queue_new(context, &config);
    runs[which]();
}

START_TEST(a_million_who_pass_it_on_need_no_stack)
{
    which = _i;
    on_small_stack_with(&context, pass_it_on, STACK);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("queue, many");

    tcase_set_timeout(c, 240);
    tcase_add_checked_fixture(c, trace_setup, NULL);
    tcase_add_loop_test(c, a_queue_at_random_does_as_its_model, 0, 5);
    tcase_add_loop_test(c, a_million_who_pass_it_on_need_no_stack, 0, 3);
    return support_main("queue, many", &c, 1);
}
