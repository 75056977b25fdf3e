/* SPDX-License-Identifier: MIT */
/* Answers that are kept, and questions that are shared. */
#include <string.h>

#include "tests/reactor/asking.h"

/* ---- What is kept ---- */

static const struct {
    int type;
    const char *name;
    int seconds;            /* that it is kept */
    unsigned first, second; /* questions; that there is no AAAA is kept */
} kept[] = {
    {ADDRESS, "one.test", 60, 2, 2},  {ADDRESS, "short.test", 5, 2, 1},
    {MX, "mx.test", 60, 1, 1},        {MX, "none.test", 60, 1, 1},
    {MX, "one.test", 60, 1, 1},       {MX, "null.test", 60, 1, 1},
    {ADDRESS, "alias.test", 7, 2, 1}, {ADDRESS, "none.test", 60, 2, 2},
};

START_TEST(an_answer_is_asked_for_again_when_it_holds_no_longer)
{
    unsigned questions = 0;
    thrum_ns holds = kept[_i].seconds * THRUM_S;
    world here;
    found got;

    world_open_timed(&here);
    for (int round = 0; round < 2; round++) {
        questions += round == 0 ? kept[_i].first : kept[_i].second;
        found_look_up(&here, &got, kept[_i].type, kept[_i].name);
        found_end(&got);
        world_pass(&here, holds - 1);
        found_look_up(&here, &got, kept[_i].type, kept[_i].name);
        ck_assert(got.ttl <= 1);
        ck_assert_uint_eq(got.fired + got.failed, 1);
        found_end(&got);
        world_pass(&here, 1);
        ck_assert_uint_eq(here.names.asked, questions);
    }
    world_close(&here);
}
END_TEST

START_TEST(what_holds_for_no_time_is_asked_for_each_time)
{
    static const char *const asked_for[] = {"zero.test", "negative.test",
                                            "cut.test"};
    world here;
    found got;

    world_open_timed(&here);
    for (unsigned round = 0; round < 3; round++) {
        unsigned before = here.names.asked;

        found_look_up(&here, &got, ADDRESS, asked_for[_i]);
        ck_assert_uint_gt(here.names.asked, before);
        found_end(&got);
    }
    world_close(&here);
}
END_TEST

START_TEST(the_other_spelling_of_a_name_is_the_same_name)
{
    static const char *const asked_for[] = {"xn--bcher-kva.test",
                                            "B\xc3\x9c"
                                            "CHER.test",
                                            "xn--BCHER-kva.test.",
                                            "b\xc3\xbc"
                                            "cher.test"};
    world here;
    found got;

    world_open_timed(&here);
    for (size_t i = 0; i < sizeof asked_for / sizeof *asked_for; i++) {
        found_look_up(&here, &got, ADDRESS, asked_for[i]);
        ck_assert_str_eq(got.text, "127.0.0.1;");
        ck_assert_uint_eq(here.names.asked, 2);
        found_end(&got);
    }
    world_close(&here);
}
END_TEST

/* ---- Several at once ---- */

enum { MANY = 50 };

START_TEST(those_who_ask_the_same_share_a_question)
{
    static found got[MANY];
    world here;

    world_open_timed(&here);
    memset(got, 0, sizeof got);
    for (int i = 0; i < MANY; i++)
        found_begin(&here, &got[i], i % 2 ? MX : ADDRESS, "mx.test");
    world_settle(&here);
    ck_assert_uint_eq(here.names.asked, 3);
    for (int i = 0; i < MANY; i++) {
        ck_assert_uint_eq(got[i].fired, i % 2);
        ck_assert_uint_eq(got[i].failed, !(i % 2));
        found_end(&got[i]);
    }
    world_close(&here);
}
END_TEST

START_TEST(one_may_go_and_the_others_are_told)
{
    found got[3] = {{0}};
    world here;

    world_open_timed(&here);
    for (int i = 0; i < 3; i++)
        found_begin(&here, &got[i], MX, "mx.test");
    thrum_deferred_cancel(got[1].looking);
    ck_assert_uint_eq(got[1].failed, 1);
    world_settle(&here);
    ck_assert_uint_eq(got[0].fired + got[2].fired, 2);
    for (int i = 0; i < 3; i++)
        found_end(&got[i]);
    world_close(&here);
}
END_TEST

START_TEST(an_answer_for_which_nobody_waits_any_more_is_kept)
{
    found gone = {0}, stays = {0};
    world here;

    world_open_timed(&here);
    found_begin(&here, &stays, TXT, "silent.test");
    found_begin(&here, &gone, ADDRESS, "late-six.test");
    world_settle(&here);
    thrum_deferred_cancel(gone.looking);
    names_release(&here.names);
    world_settle(&here);
    ck_assert_uint_eq(here.names.asked, 3);
    found_end(&gone);
    found_begin(&here, &gone, ADDRESS, "late-six.test");
    world_settle(&here);
    ck_assert_str_eq(gone.text, "::1;127.0.0.1;127.0.0.2;");
    ck_assert_uint_eq(here.names.asked, 3);
    thrum_deferred_cancel(stays.looking);
    found_end(&gone);
    found_end(&stays);
    world_close(&here);
}
END_TEST

int main(void)
{
    TCase *keeps = tcase_create("what is kept and shared");
    TCase *const cases[] = {keeps};

    loop_watchdog();

    tcase_add_loop_test(keeps,
                        an_answer_is_asked_for_again_when_it_holds_no_longer, 0,
                        sizeof kept / sizeof *kept);
    tcase_add_loop_test(keeps, what_holds_for_no_time_is_asked_for_each_time, 0,
                        3);
    tcase_add_test(keeps, the_other_spelling_of_a_name_is_the_same_name);
    tcase_add_test(keeps, those_who_ask_the_same_share_a_question);
    tcase_add_test(keeps, one_may_go_and_the_others_are_told);
    tcase_add_test(keeps, an_answer_for_which_nobody_waits_any_more_is_kept);
    return support_main("records_kept", cases, sizeof cases / sizeof *cases);
}
