/* SPDX-License-Identifier: MIT */
#include "mail/smtp/pace.h"
#include "tests/support/support.h"

static const thrum_smtp_mode ahead[] = {
    THRUM_SMTP_MODE_BEST, THRUM_SMTP_MODE_ACROSS, THRUM_SMTP_MODE_CHUNKED};

static thrum__smtp_pace pace;

static void expect(thrum__smtp_role role, thrum_smtp_mode most)
{
    ck_assert_int_eq(thrum__smtp_pace_begin(&pace), role);
    ck_assert_int_eq(pace.most, most);
}

START_TEST(one_connection_finds_out_and_others_are_held)
{
    thrum__smtp_pace_init(&pace, ahead[_i]);
    expect(THRUM__PACE_TRIES, ahead[_i]);
    expect(THRUM__PACE_HELD, ahead[_i]);
    thrum__smtp_pace_tried(&pace);
    expect(THRUM__PACE_TRIES, ahead[_i]);
}
END_TEST

START_TEST(an_answer_with_more_behind_it_is_proof_for_all)
{
    thrum__smtp_pace_init(&pace, ahead[_i]);
    expect(THRUM__PACE_TRIES, ahead[_i]);
    ck_assert(thrum__smtp_pace_answered(&pace));
    ck_assert(!thrum__smtp_pace_answered(&pace));
    expect(THRUM__PACE_FREE, ahead[_i]);
    expect(THRUM__PACE_FREE, ahead[_i]);
}
END_TEST

START_TEST(what_breaks_at_the_first_try_is_not_tried_again)
{
    thrum__smtp_pace_init(&pace, ahead[_i]);
    expect(THRUM__PACE_TRIES, ahead[_i]);
    thrum__smtp_pace_broke(&pace);
    thrum__smtp_pace_tried(&pace);
    expect(THRUM__PACE_FREE, THRUM_SMTP_MODE_PIPELINED);
    expect(THRUM__PACE_FREE, THRUM_SMTP_MODE_PIPELINED);
}
END_TEST

START_TEST(what_has_worked_may_break_twice_in_a_row)
{
    thrum__smtp_pace_init(&pace, THRUM_SMTP_MODE_CHUNKED);
    for (int i = 0; i < 5; i++) {
        thrum__smtp_pace_answered(&pace);
        thrum__smtp_pace_broke(&pace);
        thrum__smtp_pace_broke(&pace);
        expect(THRUM__PACE_FREE, THRUM_SMTP_MODE_CHUNKED);
    }
    thrum__smtp_pace_broke(&pace);
    expect(THRUM__PACE_FREE, THRUM_SMTP_MODE_PIPELINED);
}
END_TEST

START_TEST(a_mode_with_nothing_behind_a_message_is_not_tried_out)
{
    static const thrum_smtp_mode calm[] = {THRUM_SMTP_MODE_LOCKSTEP,
                                           THRUM_SMTP_MODE_PIPELINED};

    for (size_t i = 0; i < 2; i++) {
        thrum__smtp_pace_init(&pace, calm[i]);
        expect(THRUM__PACE_FREE, calm[i]);
        for (int broken = 0; broken < 4; broken++)
            thrum__smtp_pace_broke(&pace);
        expect(THRUM__PACE_FREE, calm[i]);
    }
}
END_TEST

START_TEST(replies_out_of_step_are_waited_for_one_by_one)
{
    thrum__smtp_pace_init(&pace, THRUM_SMTP_MODE_BEST);
    thrum__smtp_pace_answered(&pace);
    thrum__smtp_pace_confused(&pace);
    thrum__smtp_pace_broke(&pace);
    expect(THRUM__PACE_FREE, THRUM_SMTP_MODE_LOCKSTEP);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("pace");

    tcase_add_loop_test(all, one_connection_finds_out_and_others_are_held, 0,
                        3);
    tcase_add_loop_test(all, an_answer_with_more_behind_it_is_proof_for_all, 0,
                        3);
    tcase_add_loop_test(all, what_breaks_at_the_first_try_is_not_tried_again, 0,
                        3);
    tcase_add_test(all, what_has_worked_may_break_twice_in_a_row);
    tcase_add_test(all, a_mode_with_nothing_behind_a_message_is_not_tried_out);
    tcase_add_test(all, replies_out_of_step_are_waited_for_one_by_one);
    return support_main("pace", &all, 1);
}
