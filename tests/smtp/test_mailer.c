/* SPDX-License-Identifier: MIT */
/*
 * The mailer over real streams, against a peer in the same loop. Nothing here
 * waits for time to pass: each test ends when nothing is left to do.
 */
#include <stdio.h>
#include <string.h>

#include "tests/smtp/post.h"
#include "tests/smtp/script.h"
#include "tests/support/support.h"

static post box;

static const peer_config kind;
static const thrum_mailer_config four = {.connections = 4};

/* How letters get to their peer: all tests of who got what are made in each. */
static const struct {
    bool peer_lockstep, lockstep;
    size_t connections;
} modes[] = {
    {false, false, 4}, {false, false, 1}, {false, true, 4},
    {true, false, 4},  {true, true, 1},
};

static void open_in_mode(int mode, peer_config config)
{
    thrum_mailer_config mailer = {.connections = modes[mode].connections,
                                  .mode = modes[mode].lockstep
                                              ? THRUM_SMTP_MODE_LOCKSTEP
                                              : THRUM_SMTP_MODE_BEST};

    config.lockstep = modes[mode].peer_lockstep;
    ck_assert(post_open(&box, &config, &mailer));
}

/* Every letter that was accepted, and no other, was taken: and once. */
static void expect_taken(void)
{
    for (int number = 1; number <= box.sent; number++)
        ck_assert_int_eq(box.peer.taken[number], box.fates[number - 1] == 'A');
    ck_assert_uint_eq(box.peer.early, 0);
}

START_TEST(each_letter_is_taken_once)
{
    open_in_mode(_i, kind);
    post_send(&box, 100);
    post_run(&box);
    expect_taken();
    ck_assert_uint_eq(box.peer.most, modes[_i].connections);
    ck_assert_uint_eq(box.peer.quits, modes[_i].connections);
    ck_assert_int_eq(box.closed, 1);
    post_expect(&box, post_all('A', 100));
}
END_TEST

START_TEST(every_7th_RCPT_and_every_11th_dot_refused_are_those_that_fail)
{
    open_in_mode(_i, (peer_config){.refuse_rcpt = 7, .refuse_dot = 11});
    post_send(&box, 100);
    post_run(&box);
    expect_taken();
    for (int number = 1; number <= 100; number++)
        ck_assert_int_eq(box.fates[number - 1],
                         number % 7 == 0 || number % 11 == 0 ? 'R' : 'A');
    post_free(&box);
}
END_TEST

START_TEST(a_peer_that_closes_behind_every_third_stops_nothing)
{
    open_in_mode(_i, (peer_config){.drop_after = 3});
    post_send(&box, 100);
    post_run(&box);
    expect_taken();
    ck_assert_uint_ge(box.peer.served, 33);
    post_expect(&box, post_all('A', 100));
}
END_TEST

START_TEST(a_peer_that_closes_behind_every_letter_stops_nothing)
{
    open_in_mode(_i, (peer_config){.drop_after = 1});
    post_send(&box, 40);
    post_run(&box);
    expect_taken();
    post_expect(&box, post_all('A', 40));
}
END_TEST

START_TEST(R11_a_peer_that_says_421_to_every_third_MAIL_stops_nothing)
{
    open_in_mode(_i, (peer_config){.leave_after = 2});
    post_send(&box, 60);
    post_run(&box);
    expect_taken();
    post_expect(&box, post_all('A', 60));
}
END_TEST

START_TEST(a_dot_without_answer_leaves_one_in_doubt_and_no_other)
{
    char fates[51];

    open_in_mode(_i, (peer_config){.drop_at_dot = 20});
    post_send(&box, 50);
    post_run(&box);
    expect_taken();
    memcpy(fates, post_all('A', 50), sizeof fates);
    fates[19] = 'D';
    post_expect(&box, fates);
}
END_TEST

/* ---- Servers that are none ---- */

START_TEST(without_a_listener_all_fail_and_say_why)
{
    ck_assert(post_open(&box, &kind, &four));
    post_stop_peer(&box);
    post_send(&box, 30);
    post_run(&box);
    ck_assert_ptr_nonnull(strstr(box.text, "was not reached"));
    ck_assert_ptr_nonnull(strstr(box.text, box.peer.url + 7));
    ck_assert_ptr_nonnull(strstr(box.cause, "cannot connect to"));
    post_expect(&box, post_all('N', 30));
}
END_TEST

static void send_once_more(post *self, int number)
{
    if (number == 2)
        post_send(self, 1);
}

START_TEST(a_send_after_a_failure_tries_again)
{
    ck_assert(post_open(&box, &(peer_config){.greeting = "450 busy"}, &four));
    box.on_end = send_once_more;
    post_send(&box, 2);
    post_run(&box);
    ck_assert_uint_eq(box.peer.served, 2);
    post_expect(&box, "SSS");
}
END_TEST

START_TEST(R13_a_greeting_that_refuses_is_what_all_fail_with)
{
    ck_assert(post_open(
        &box, &(peer_config){.greeting = "554 5.7.1 no SMTP here"}, &four));
    post_send(&box, 30);
    post_run(&box);
    ck_assert_ptr_nonnull(
        strstr(box.text, " gives no service: 554 5.7.1 no SMTP here"));
    post_expect(&box, post_all('S', 30));
}
END_TEST

START_TEST(a_greeting_that_is_garbage_is_no_server)
{
    ck_assert(post_open(&box, &(peer_config){.greeting = "SSH-2.0-x"}, &four));
    post_send(&box, 5);
    post_run(&box);
    ck_assert_ptr_nonnull(strstr(box.cause, "does not keep to SMTP"));
    post_expect(&box, post_all('N', 5));
}
END_TEST

START_TEST(R11_a_peer_with_few_connections_gets_all_over_those)
{
    ck_assert(post_open(&box, &(peer_config){.connections = 2},
                        &(thrum_mailer_config){.connections = 20}));
    post_send(&box, 200);
    post_run(&box);
    expect_taken();
    ck_assert_uint_le(box.peer.served, 2 + 20);
    post_expect(&box, post_all('A', 200));
}
END_TEST

START_TEST(what_comes_back_unsent_is_tried_twice_and_no_more)
{
    ck_assert(post_open(&box, &(peer_config){.drop_at_mail = true},
                        &(thrum_mailer_config){.connections = 1}));
    post_send(&box, 4);
    post_run(&box);
    ck_assert_uint_eq(box.peer.served, 4);
    ck_assert_int_eq(peer_taken(&box.peer), 0);
    post_expect(&box, "UUUU");
}
END_TEST

START_TEST(garbage_in_the_middle_fails_one_and_the_others_are_tried_again)
{
    ck_assert(post_open(&box, &(peer_config){.garble_mail = true},
                        &(thrum_mailer_config){.connections = 1}));
    post_send(&box, 3);
    post_run(&box);
    ck_assert_str_eq(box.text,
                     strstr(box.text, box.peer.url + 7)); /* it begins so */
    ck_assert_ptr_nonnull(strstr(box.text, "does not keep to SMTP at MAIL"));
    post_expect(&box, "PPP");
}
END_TEST

/* ---- Refused before sending ---- */

START_TEST(a_url_that_cannot_be_served_fails_every_send_and_tells_at_once)
{
    ck_assert(post_open(&box, &kind,
                        &(thrum_mailer_config){.via = "smtp://localhost:465"}));
    ck_assert_str_eq(thrum_failure_text(thrum_mailer_failure(box.mailer)),
                     "port 465 is for TLS from the first byte on: write "
                     "smtps:; smtp: uses 25 or 587");
    post_send(&box, 3);
    post_run(&box);
    ck_assert_str_eq(box.text,
                     thrum_failure_text(thrum_mailer_failure(box.mailer)));
    ck_assert_uint_eq(box.peer.served, 0);
    post_expect(&box, "???");
}
END_TEST

START_TEST(a_name_for_EHLO_that_is_none_fails_every_send)
{
    ck_assert(
        post_open(&box, &kind, &(thrum_mailer_config){.helo = "me\r\nQUIT"}));
    ck_assert_ptr_nonnull(thrum_mailer_failure(box.mailer));
    post_send(&box, 1);
    post_run(&box);
    post_expect(&box, "?");
}
END_TEST

START_TEST(the_name_for_EHLO_is_the_one_that_was_given)
{
    ck_assert(post_open(&box, &kind,
                        &(thrum_mailer_config){.helo = "client.example"}));
    post_send(&box, 1);
    post_run(&box);
    ck_assert_str_eq(box.peer.ehlo, "client.example");
    post_expect(&box, "A");
}
END_TEST

START_TEST(a_mailer_is_opened_by_a_url_alone)
{
    ck_assert(post_open(&box, &kind, &four));
    thrum_mailer_free(box.mailer);
    box.mailer = thrum_mailer_open(box.reactor, box.peer.url);
    ck_assert_ptr_eq(thrum_mailer_context(box.mailer), box.context);
    ck_assert_ptr_null(thrum_mailer_context(NULL));
    post_send(&box, 1);
    post_run(&box);
    ck_assert_str_ne(box.peer.ehlo, "");
    post_expect(&box, "A");
}
END_TEST

START_TEST(a_message_that_lacks_something_fails_alone)
{
    ck_assert(post_open(&box, &kind, &four));
    ck_assert_ptr_null(thrum_mailer_failure(box.mailer));
    box.expected = 1;
    post_send(&box, 1);
    post_send_letter(&box, thrum_message_new(box.context));
    post_run(&box);
    expect_taken();
    post_expect(&box, "A?");
}
END_TEST

START_TEST(NULL_for_a_mailer_or_a_message_reads_as_out_of_memory)
{
    ck_assert(post_open(&box, &kind, &four));
    ck_assert_ptr_null(thrum_mailer_send(box.mailer, NULL));
    ck_assert_ptr_null(
        thrum_mailer_send(NULL, script_letter(box.context, 1, 1)));
    ck_assert_ptr_null(thrum_mailer_close(NULL));
    thrum_mailer_free(NULL);
    post_free(&box);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

static TCase *case_of_delivery(void)
{
    TCase *all = tcase_create("who got it");

    tcase_add_loop_test(all, each_letter_is_taken_once, 0, COUNT(modes));
    tcase_add_loop_test(
        all, every_7th_RCPT_and_every_11th_dot_refused_are_those_that_fail, 0,
        COUNT(modes));
    tcase_add_loop_test(all,
                        a_peer_that_closes_behind_every_third_stops_nothing, 0,
                        COUNT(modes));
    tcase_add_loop_test(all,
                        a_peer_that_closes_behind_every_letter_stops_nothing, 0,
                        COUNT(modes));
    tcase_add_loop_test(all,
                        a_dot_without_answer_leaves_one_in_doubt_and_no_other,
                        0, COUNT(modes));
    tcase_add_loop_test(
        all, R11_a_peer_that_says_421_to_every_third_MAIL_stops_nothing, 0,
        COUNT(modes));
    return all;
}

static TCase *case_of_failures(void)
{
    TCase *all = tcase_create("failures");

    tcase_add_test(all, without_a_listener_all_fail_and_say_why);
    tcase_add_test(all, a_send_after_a_failure_tries_again);
    tcase_add_test(all, R13_a_greeting_that_refuses_is_what_all_fail_with);
    tcase_add_test(all, a_greeting_that_is_garbage_is_no_server);
    tcase_add_test(all, R11_a_peer_with_few_connections_gets_all_over_those);
    tcase_add_test(all, what_comes_back_unsent_is_tried_twice_and_no_more);
    tcase_add_test(
        all, garbage_in_the_middle_fails_one_and_the_others_are_tried_again);
    tcase_add_test(
        all, a_url_that_cannot_be_served_fails_every_send_and_tells_at_once);
    tcase_add_test(all, a_name_for_EHLO_that_is_none_fails_every_send);
    tcase_add_test(all, the_name_for_EHLO_is_the_one_that_was_given);
    tcase_add_test(all, a_mailer_is_opened_by_a_url_alone);
    tcase_add_test(all, a_message_that_lacks_something_fails_alone);
    tcase_add_test(all, NULL_for_a_mailer_or_a_message_reads_as_out_of_memory);
    return all;
}

int main(void)
{
    TCase *cases[] = {case_of_delivery(), case_of_failures()};

    return support_main("mailer", cases, 2);
}
