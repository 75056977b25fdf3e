/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "reactor/answers.h"
#include "tests/support/support.h"

enum { A = THRUM__DNS_A, MX = THRUM__DNS_MX };

typedef struct world {
    thrum_context *context;
    thrum__answers *answers;
} world;

static world world_open(void)
{
    world self = {.context = support_context()};

    self.answers = thrum__answers_new(self.context);
    return self;
}

static void world_close(world *self)
{
    thrum__answers_free(self->answers);
    support_context_end(self->context);
}

/* An answer of a kind is put in; it says how long it holds. */
static void put(world *self, const char *name, thrum__answer_kind kind,
                uint32_t ttl, thrum_ns now)
{
    thrum__answer *answer = thrum__answer_none(self->context, kind, "");

    answer->ttl = ttl;
    thrum__answers_put(self->answers, A, name, answer, now);
    thrum__answer_unref(answer);
}

/* How much longer it holds; 0: it is not there. */
static thrum_ns left(world *self, int type, const char *name, thrum_ns now)
{
    thrum_ns time = 0;
    thrum__answer *answer =
        thrum__answers_get(self->answers, type, name, now, &time);

    ck_assert_int_eq(answer == NULL, time == 0);
    thrum__answer_unref(answer);
    return time;
}

static const struct {
    thrum__answer_kind kind;
    uint32_t ttl;
    int seconds;
} times[] = {
    {THRUM__ANSWER_FOUND, 0, 0},
    {THRUM__ANSWER_FOUND, 1, 1},
    {THRUM__ANSWER_FOUND, 3599, 3599},
    {THRUM__ANSWER_FOUND, 3600, 3600},
    {THRUM__ANSWER_FOUND, 3601, 3600},
    {THRUM__ANSWER_FOUND, INT32_MAX, 3600},
    {THRUM__ANSWER_NOT_OFFERED, 5, 5},
    {THRUM__ANSWER_NO_NAME, 0, 60},
    {THRUM__ANSWER_NO_RECORDS, 7200, 60},
    {THRUM__ANSWER_FAILED, 60, 0},
};

START_TEST(an_answer_is_kept_for_as_long_as_it_holds)
{
    world self = world_open();
    thrum_ns holds = times[_i].seconds * THRUM_S, now = 1000 * THRUM_S;

    put(&self, "a.test", times[_i].kind, times[_i].ttl, now);
    ck_assert_int_eq(thrum__answers_count(self.answers), holds > 0);
    ck_assert_int_eq(left(&self, A, "a.test", now), holds);
    if (holds > 0)
        ck_assert_int_eq(left(&self, A, "a.test", now + holds - 1), 1);
    ck_assert_int_eq(left(&self, A, "a.test", now + holds), 0);
    ck_assert_uint_eq(thrum__answers_count(self.answers), 0);
    world_close(&self);
}
END_TEST

START_TEST(type_and_name_tell_them_apart)
{
    world self = world_open();

    put(&self, "a.test", THRUM__ANSWER_FOUND, 60, 0);
    ck_assert_int_eq(left(&self, MX, "a.test", 0), 0);
    ck_assert_int_eq(left(&self, A, "b.test", 0), 0);
    ck_assert_int_eq(left(&self, A, "a.test.", 0), 0);
    ck_assert_int_gt(left(&self, A, "a.test", 0), 0);
    world_close(&self);
}
END_TEST

START_TEST(a_later_answer_takes_the_place_of_the_one_before)
{
    world self = world_open();

    put(&self, "a.test", THRUM__ANSWER_FOUND, 60, 0);
    put(&self, "a.test", THRUM__ANSWER_FOUND, 5, 0);
    ck_assert_int_eq(left(&self, A, "a.test", 0), 5 * THRUM_S);
    put(&self, "a.test", THRUM__ANSWER_FAILED, 0, 0);
    ck_assert_int_eq(left(&self, A, "a.test", 0), 0);
    world_close(&self);
}
END_TEST

START_TEST(the_one_used_the_longest_time_ago_makes_room)
{
    world self = world_open();
    char name[30];

    for (int i = 0; i < THRUM__ANSWERS_MOST + 10; i++) {
        snprintf(name, sizeof name, "n%d.test", i);
        put(&self, name, THRUM__ANSWER_FOUND, 60, 0);
        ck_assert_int_gt(left(&self, A, "n0.test", 0), 0);
    }
    ck_assert_uint_eq(thrum__answers_count(self.answers), THRUM__ANSWERS_MOST);
    for (int i = 1; i < THRUM__ANSWERS_MOST + 10; i++) {
        snprintf(name, sizeof name, "n%d.test", i);
        ck_assert_int_eq(left(&self, A, name, 0) > 0, i > 10);
    }
    world_close(&self);
}
END_TEST

START_TEST(what_is_very_large_is_not_kept)
{
    world self = world_open();
    thrum__answer *answer =
        thrum__answer_none(self.context, THRUM__ANSWER_FOUND, NULL);
    size_t size = answer->size;

    answer->ttl = 60;
    answer->size = 16 * 1024 + 1;
    thrum__answers_put(self.answers, A, "a.test", answer, 0);
    ck_assert_uint_eq(thrum__answers_count(self.answers), 0);
    answer->size = 16 * 1024;
    thrum__answers_put(self.answers, A, "a.test", answer, 0);
    ck_assert_uint_eq(thrum__answers_count(self.answers), 1);
    answer->size = size;
    thrum__answer_unref(answer);
    world_close(&self);
}
END_TEST

static void scenario(void)
{
    world self = {.context = support_context()};
    thrum__answer *answer = NULL;
    thrum_ns time;

    if (self.context != NULL)
        self.answers = thrum__answers_new(self.context);
    if (self.answers != NULL)
        answer = thrum__answer_none(self.context, THRUM__ANSWER_NO_NAME, "");
    if (answer != NULL) {
        thrum__answers_put(self.answers, A, "a.test", answer, 0);
        thrum__answer_unref(
            thrum__answers_get(self.answers, A, "a.test", 0, &time));
    }
    thrum__answer_unref(answer);
    world_close(&self);
}

START_TEST(they_survive_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *keeps = tcase_create("answers that are kept");
    TCase *const all[] = {keeps};

    tcase_add_loop_test(keeps, an_answer_is_kept_for_as_long_as_it_holds, 0,
                        sizeof times / sizeof *times);
    tcase_add_test(keeps, type_and_name_tell_them_apart);
    tcase_add_test(keeps, a_later_answer_takes_the_place_of_the_one_before);
    tcase_add_test(keeps, the_one_used_the_longest_time_ago_makes_room);
    tcase_add_test(keeps, what_is_very_large_is_not_kept);
    tcase_add_test(keeps, they_survive_every_failing_allocation);
    return support_main("answers", all, sizeof all / sizeof *all);
}
