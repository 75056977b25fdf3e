/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <thrum/queue.h>

#include "tests/deferred/chain.h"

/* ---- Scripts ---- */

enum { MOST = 12 };

/* One letter an act: g: get; p: put; w: put, waiting when it is full; x: close;
 * f: free; c: cancel the last Deferred, C: the first. The Deferreds of g and w
 * are a, b, c ... in the trace, the values 1, 2, 3 ... */
static const struct script {
    const char *acts, *trace;
    size_t size, backlog;
} scripts[] = {
    /* Values wait, or those who want them, each in their order. */
    {"", "", 0, 0},
    {"pppggg", "a=1 b=2 c=3 ", 0, 0},
    {"gggppp", "a=1 b=2 c=3 ", 0, 0},
    {"gpgppg", "a=1 b=2 c=3 ", 0, 0},
    {"wwgg", "a=none b=none c=1 d=2 ", 0, 0},
    {"gwp", "a=1 b=none ", 0, 0},
    {"ppp", "", 0, 0},
    /* Bounds (twisted's test_queue). */
    {"gggppppp", "c!too many wait for the queue a=1 b=2 full ", 2, 2},
    {"pppggg", "full a=1 b=2 ", 2, 2},
    {"gpppggg", "a=1 b=2 c=3 ", 2, 1},
    {"ggp", "b!too many wait for the queue a=1 ", 0, 1},
    {"gcgp", "a!cancelled b=1 ", 0, 1},
    {"p", "full ", THRUM_QUEUE_NONE, 0},
    {"gpp", "a=1 full ", THRUM_QUEUE_NONE, 0},
    {"gpg", "a!too many wait for the queue b=1 ", 0, THRUM_QUEUE_NONE},
    {"gp", "a!too many wait for the queue full ", THRUM_QUEUE_NONE,
     THRUM_QUEUE_NONE},
    /* Who puts can wait. */
    {"wwwggg", "a=none b=none d=1 c=none e=2 f=3 ", 1, 0},
    {"pwpgg", "full a=none b=1 c=2 ", 1, 0},
    {"wwgwg", "a=none b=none c=1 d=none e=2 ", 1, 0},
    {"wgwg", "a=none b=1 c=none d=2 ", THRUM_QUEUE_NONE, 0},
    {"wwggg", "a=none c=1 b=none d=2 ", THRUM_QUEUE_NONE, 0},
    {"gwgw", "a=1 b=none c=2 d=none ", THRUM_QUEUE_NONE, 0},
    /* Cancelling. */
    {"ggCpp", "a!cancelled b=1 ", 0, 0},
    {"ggcpp", "b!cancelled a=1 ", 0, 0},
    {"pgc", "a=1 ", 0, 0},
    {"pwwcggg", "b!cancelled a=none c=1 d=2 ", 1, 0},
    {"pwwCggg", "a!cancelled b=none c=1 d=3 ", 1, 0},
    {"wcg", "a=none b=1 ", 0, 0},
    /* Closing. */
    {"ppxggg", "a=1 b=2 c!the queue is closed ", 0, 0},
    {"ggxp", "a!the queue is closed b!the queue is closed closed ", 0, 0},
    {"pwwxgg",
     "a!the queue is closed b!the queue is closed c=1 "
     "d!the queue is closed ",
     1, 0},
    {"xwxgp", "a!the queue is closed b!the queue is closed closed ", 0, 0},
    /* Freeing. */
    {"ppf", "", 0, 0},
    {"ggf", "a!the queue is closed b!the queue is closed ", 0, 0},
    {"pwwf", "a!the queue is closed b!the queue is closed ", 1, 0},
};

static char *const texts[MOST] = {"1", "2", "3", "4",  "5",  "6",
                                  "7", "8", "9", "10", "11", "12"};
static char *const names[MOST] = {"a", "b", "c", "d", "e", "f",
                                  "g", "h", "i", "j", "k", "l"};
static int released[MOST];

static void release_text(void *text)
{
    for (int i = 0; i < MOST; i++)
        released[i] += text == texts[i];
}

typedef struct player {
    thrum_context *context;
    thrum_queue *queue;
    thrum_deferred *d[MOST];
    int deferreds, values;
} player;

static void player_follow(player *self, thrum_deferred *d)
{
    thrum_deferred_add(d, trace_value, trace_failure, names[self->deferreds],
                       NULL);
    self->d[self->deferreds++] = d;
}

static void player_put(player *self)
{
    int error =
        thrum_queue_put(self->queue, texts[self->values++], release_text);

    if (error == THRUM_DEFERRED_E_OVERFLOW)
        trace_note("full ");
    else if (error == THRUM_DEFERRED_E_QUEUE_CLOSED)
        trace_note("closed ");
    else
        ck_assert_int_eq(error, 0);
}

static void player_act(player *self, char act)
{
    if (act == 'g')
        player_follow(self, thrum_queue_get(self->queue));
    if (act == 'w')
        player_follow(self,
                      thrum_queue_put_wait(self->queue, texts[self->values++],
                                           release_text));
    if (act == 'p')
        player_put(self);
    if (act == 'x')
        thrum_queue_close(self->queue);
    if (act == 'c')
        thrum_deferred_cancel(self->d[self->deferreds - 1]);
    if (act == 'C')
        thrum_deferred_cancel(self->d[0]);
    if (act == 'f') {
        thrum_queue_free(self->queue);
        self->queue = NULL;
    }
}

START_TEST(what_is_put_is_got)
{
    const struct script *script = &scripts[_i];
    thrum_queue_config config = {script->size, script->backlog};
    player self = {.context = support_context()};

    memset(released, 0, sizeof released);
    self.queue = thrum_queue_new(self.context, &config);
    for (const char *act = script->acts; *act != '\0'; act++)
        player_act(&self, *act);
    ck_assert_str_eq(trace_take(), script->trace);
    thrum_queue_free(self.queue);
    trace_take();
    for (int i = 0; i < self.deferreds; i++)
        thrum_deferred_finish(self.d[i]);
    for (int i = 0; i < MOST; i++)
        ck_assert_int_eq(released[i], i < self.values);
    ck_assert_uint_eq(support_unhandled(), 0);
    support_context_end(self.context);
}
END_TEST

START_TEST(a_queue_tells_how_many_values_and_how_many_for_them_wait)
{
    player self = {.context = support_context()};

    self.queue = thrum_queue_new(self.context, NULL);
    player_put(&self);
    player_put(&self);
    ck_assert_uint_eq(thrum_queue_size(self.queue), 2);
    ck_assert_uint_eq(thrum_queue_waiting(self.queue), 0);
    for (int i = 0; i < 5; i++)
        player_act(&self, 'g');
    ck_assert_uint_eq(thrum_queue_size(self.queue), 0);
    ck_assert_uint_eq(thrum_queue_waiting(self.queue), 3);
    player_act(&self, 'c');
    ck_assert_uint_eq(thrum_queue_waiting(self.queue), 2);
    thrum_queue_free(self.queue);
    thrum_queue_free(NULL);
    for (int i = 0; i < self.deferreds; i++)
        thrum_deferred_finish(self.d[i]);
    support_context_end(self.context);
}
END_TEST

START_TEST(the_value_of_a_put_that_is_cancelled_is_released_at_once)
{
    thrum_queue_config config = {.size = THRUM_QUEUE_NONE};
    thrum_context *context = support_context();
    thrum_queue *queue = thrum_queue_new(context, &config);
    thrum_deferred *d = thrum_queue_put_wait(queue, "value", trace_release);

    thrum_deferred_add(d, trace_value, trace_failure, "put", NULL);
    thrum_deferred_cancel(d);
    ck_assert_str_eq(trace_take(), "~value put!cancelled ");
    ck_assert_int_eq(thrum_queue_put(queue, "value", trace_release),
                     THRUM_DEFERRED_E_OVERFLOW);
    ck_assert_str_eq(trace_take(), "~value ");
    thrum_deferred_finish(d);
    thrum_queue_free(queue);
    support_context_end(context);
}
END_TEST

/* ---- From within callbacks ---- */

typedef struct inside {
    thrum_context *context;
    thrum_queue *queue;
    thrum_deferred *next;
    void (*act)(struct inside *self);
} inside;

static thrum_outcome act_inside(void *value, void *ctx)
{
    inside *self = ctx;

    trace_note(value != NULL ? value : "none");
    trace_note("( ");
    self->act(self);
    trace_note(") ");
    return thrum_done();
}

static thrum_outcome act_inside_failed(const thrum_failure *why, void *ctx)
{
    (void)why;
    return act_inside("!", ctx);
}

static void follow(thrum_deferred *d, char *name)
{
    thrum_deferred_add(d, trace_value, trace_failure, name, NULL);
    thrum_deferred_finish(d);
}

/* A queue with one who acts when he gets something, and two behind him. */
static void inside_start(inside *self, void (*act)(inside *self))
{
    thrum_deferred *d;

    self->context = support_context();
    self->queue = thrum_queue_new(self->context, NULL);
    self->act = act;
    d = thrum_queue_get(self->queue);
    thrum_deferred_add(d, act_inside, act_inside_failed, self, NULL);
    thrum_deferred_finish(d);
    self->next = thrum_queue_get(self->queue);
    thrum_deferred_add(self->next, trace_value, trace_failure, "b", NULL);
    follow(thrum_queue_get(self->queue), "c");
}

static void inside_end(inside *self)
{
    thrum_deferred_finish(self->next);
    thrum_queue_free(self->queue);
    ck_assert_uint_eq(support_unhandled(), 0);
    support_context_end(self->context);
}

static void put_two(inside *self)
{
    thrum_queue_put(self->queue, "2", NULL);
    ck_assert_uint_eq(thrum_queue_waiting(self->queue), 1);
    thrum_queue_put(self->queue, "3", NULL);
    ck_assert_uint_eq(thrum_queue_waiting(self->queue), 0);
}

START_TEST(what_a_callback_puts_comes_right_after_it)
{
    inside self;

    inside_start(&self, put_two);
    thrum_queue_put(self.queue, "1", NULL);
    ck_assert_str_eq(trace_take(), "1( ) b=2 c=3 ");
    inside_end(&self);
}
END_TEST

static void put_and_cancel(inside *self)
{
    thrum_queue_put(self->queue, "2", NULL);
    thrum_deferred_cancel(self->next);
}

START_TEST(who_has_his_value_is_not_cancelled_any_more)
{
    inside self;

    inside_start(&self, put_and_cancel);
    thrum_queue_put(self.queue, "1", NULL);
    ck_assert_str_eq(trace_take(), "1( ) b=2 ");
    inside_end(&self);
    ck_assert_str_eq(trace_take(), "c!the queue is closed ");
}
END_TEST

static void put_and_add(inside *self)
{
    thrum_queue_put(self->queue, "2", NULL);
    thrum_deferred_add(self->next, trace_value, NULL, "late", NULL);
}

START_TEST(a_callback_added_to_one_whose_turn_it_is_comes_behind_its_others)
{
    inside self;

    inside_start(&self, put_and_add);
    thrum_queue_put(self.queue, "1", NULL);
    ck_assert_str_eq(trace_take(), "1( ) b=2 late=2 ");
    inside_end(&self);
}
END_TEST

static void put_and_wait(inside *self)
{
    thrum_deferred *d = thrum_deferred_succeed(self->context, "outer", NULL);

    thrum_queue_put(self->queue, "2", NULL);
    thrum_deferred_add(d, answer_wait, NULL, thrum_deferred_ref(self->next),
                       NULL);
    follow(d, "outer");
}

START_TEST(who_waits_for_one_whose_turn_it_is_has_its_last_result)
{
    inside self;

    inside_start(&self, put_and_wait);
    thrum_queue_put(self.queue, "1", NULL);
    ck_assert_str_eq(trace_take(), "1( ) b=2 outer=2 ");
    inside_end(&self);
}
END_TEST

static void get_another(inside *self)
{
    follow(thrum_queue_get(self->queue), "d");
    thrum_queue_put(self->queue, "2", NULL);
}

START_TEST(a_callback_that_gets_stands_behind_the_others)
{
    inside self;

    inside_start(&self, get_another);
    for (int i = 0; i < 3; i++)
        thrum_queue_put(self.queue, "1", NULL);
    ck_assert_str_eq(trace_take(), "1( ) b=2 c=1 d=1 ");
    inside_end(&self);
}
END_TEST

static void close_it(inside *self)
{
    thrum_queue_put(self->queue, "2", NULL);
    thrum_queue_close(self->queue);
    ck_assert_int_eq(thrum_queue_put(self->queue, "3", NULL),
                     THRUM_DEFERRED_E_QUEUE_CLOSED);
}

START_TEST(a_callback_may_close_the_queue)
{
    inside self;

    inside_start(&self, close_it);
    thrum_queue_put(self.queue, "1", NULL);
    ck_assert_str_eq(trace_take(), "1( b=2 c!the queue is closed ) ");
    inside_end(&self);
}
END_TEST

/* What is still legal for one who is told in the midst of it. */
static void free_it(inside *self)
{
    thrum_queue *queue = self->queue;

    self->queue = NULL;
    if (queue == NULL)
        return;
    thrum_queue_put(queue, "2", trace_release);
    thrum_queue_free(queue);
}

START_TEST(a_callback_may_free_the_queue)
{
    inside self;

    inside_start(&self, free_it);
    thrum_queue_put(self.queue, "1", trace_release);
    ck_assert_str_eq(trace_take(), "1( b=2 c!the queue is closed ) ~1 ");
    inside_end(&self);
    ck_assert_str_eq(trace_take(), "~2 ");
}
END_TEST

static void use_what_is_freed(inside *self)
{
    ck_assert_int_eq(thrum_queue_put(self->queue, "2", trace_release),
                     THRUM_DEFERRED_E_QUEUE_CLOSED);
    follow(thrum_queue_get(self->queue), "d");
    follow(thrum_queue_put_wait(self->queue, "3", trace_release), "e");
    thrum_queue_close(self->queue);
    thrum_queue_free(self->queue);
}

START_TEST(who_is_told_of_the_end_may_put_get_close_and_free)
{
    inside self;

    inside_start(&self, use_what_is_freed);
    thrum_queue_free(self.queue);
    self.queue = NULL;
    ck_assert_str_eq(trace_take(),
                     "!( ~2 d!the queue is closed ~3 e!the queue is closed ) "
                     "b!the queue is closed c!the queue is closed ");
    inside_end(&self);
}
END_TEST

static void put_from_release(void *queue)
{
    trace_note("~");
    ck_assert_int_eq(thrum_queue_put(queue, "x", NULL),
                     THRUM_DEFERRED_E_QUEUE_CLOSED);
    follow(thrum_queue_get(queue), "got");
    thrum_queue_free(queue);
}

START_TEST(a_value_that_is_released_may_use_the_queue)
{
    thrum_queue_config config = {.size = 1};
    thrum_context *context = support_context();
    thrum_queue *queue = thrum_queue_new(context, &config);
    thrum_deferred *d;

    thrum_queue_put(queue, "1", NULL);
    d = thrum_queue_put_wait(queue, queue, put_from_release);
    thrum_deferred_add(d, trace_value, trace_failure, "put", NULL);
    thrum_deferred_finish(d);
    thrum_queue_close(queue);
    ck_assert_str_eq(trace_take(), "~put!the queue is closed got=1 ");
    support_context_end(context);
}
END_TEST

/* ---- Memory ---- */

static int given, taken;

static void *give(void)
{
    given++;
    return &given;
}

static void take(void *value)
{
    ck_assert_ptr_eq(value, &given);
    taken++;
}

static void without_memory(void)
{
    thrum_queue_config config = {.size = 1};
    thrum_context *mine = support_context();
    thrum_queue *q = mine != NULL ? thrum_queue_new(mine, &config) : NULL;
    thrum_deferred *d[5] = {NULL};

    given = taken = 0;
    if (q != NULL) {
        d[0] = thrum_queue_get(q);
        d[1] = thrum_queue_get(q);
        for (int i = 0; i < 4; i++) {
            int error = thrum_queue_put(q, give(), take);

            ck_assert(error == 0 || error == THRUM_E_NOMEM ||
                      error == THRUM_DEFERRED_E_OVERFLOW);
        }
        d[2] = thrum_queue_put_wait(q, give(), take);
        d[3] = thrum_queue_put_wait(q, give(), take);
        d[4] = thrum_queue_get(q);
    }
    thrum_queue_free(q);
    for (int i = 0; i < 5; i++) {
        ck_assert(d[i] == NULL ||
                  thrum_deferred_add(d[i], NULL, trace_failure, "", NULL) == 0);
        thrum_deferred_finish(d[i]);
    }
    ck_assert_int_eq(taken, given);
    ck_assert_uint_eq(support_unhandled(), 0);
    support_context_end(mine);
    trace_take();
}

START_TEST(without_memory_each_value_is_released_once)
{
    support_every_allocation(without_memory);
}
END_TEST

int main(void)
{
    TCase *c = tcase_create("queue");

    tcase_add_checked_fixture(c, trace_setup, NULL);
    tcase_add_loop_test(c, what_is_put_is_got, 0,
                        sizeof scripts / sizeof *scripts);
    tcase_add_test(c, a_queue_tells_how_many_values_and_how_many_for_them_wait);
    tcase_add_test(c, the_value_of_a_put_that_is_cancelled_is_released_at_once);
    tcase_add_test(c, what_a_callback_puts_comes_right_after_it);
    tcase_add_test(c, who_has_his_value_is_not_cancelled_any_more);
    tcase_add_test(
        c, a_callback_added_to_one_whose_turn_it_is_comes_behind_its_others);
    tcase_add_test(c, who_waits_for_one_whose_turn_it_is_has_its_last_result);
    tcase_add_test(c, a_callback_that_gets_stands_behind_the_others);
    tcase_add_test(c, a_callback_may_close_the_queue);
    tcase_add_test(c, a_callback_may_free_the_queue);
    tcase_add_test(c, who_is_told_of_the_end_may_put_get_close_and_free);
    tcase_add_test(c, a_value_that_is_released_may_use_the_queue);
    tcase_add_test(c, without_memory_each_value_is_released_once);
    return support_main("queue", &c, 1);
}
