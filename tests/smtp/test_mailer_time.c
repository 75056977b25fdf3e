/* SPDX-License-Identifier: MIT */
/*
 * The mailer's time: how long a server may take (RFC 5321, section 4.5.3.2),
 * how long connections live, and when the mailer rests. The clock is a test's.
 */
#include <stdio.h>
#include <string.h>

#include "tests/smtp/post.h"
#include "tests/smtp/script.h"
#include "tests/support/support.h"

#define MINUTES(n) ((n)*60 * THRUM_S)

static post box;

static const peer_config kind;

static void expect_fates(const char *fates)
{
    ck_assert_str_eq(box.fates, fates);
}

/* ---- What a server may take ---- */

/* Each stage at which a server falls silent: nothing ends before its limit, and
 * all that is not sent does with it. */
static const struct {
    const char *row;
    const char *at;
    peer_config peer;
    thrum_smtp_tls tls;
    thrum_smtp_limits limits;
    thrum_ns limit;
    char fate;
    const char *words;
} limits[] = {
    {"2.7 greeting",
     "(greeting)",
     {.lockstep = false},
     0,
     {0},
     MINUTES(5),
     'N',
     "greeting in time"},
    {"2.7 EHLO",
     "EHLO",
     {.lockstep = false},
     0,
     {0},
     MINUTES(5),
     'N',
     "EHLO in time"},
    {"2.7 STARTTLS",
     "STARTTLS",
     {.certificate = "ip"},
     0,
     {0},
     60 * THRUM_S,
     'N',
     "STARTTLS in time"},
    {"2.7 the handshake",
     "(hello)",
     {.certificate = "ip"},
     THRUM_SMTP_TLS_REQUIRED,
     {0},
     60 * THRUM_S,
     'T',
     "within TLS"},
    {"2.7 the handshake, at once",
     "(hello)",
     {.certificate = "ip", .implicit = true},
     0,
     {0},
     60 * THRUM_S,
     'T',
     "within TLS"},
    {"2.7 MAIL",
     "MAIL",
     {.lockstep = true},
     0,
     {0},
     MINUTES(5),
     'L',
     "MAIL in time"},
    {"2.7 RCPT",
     "RCPT",
     {.lockstep = true},
     0,
     {0},
     MINUTES(5),
     'L',
     "RCPT in time"},
    {"2.7 DATA",
     "DATA",
     {.lockstep = true},
     0,
     {0},
     MINUTES(2),
     'L',
     "DATA in time"},
    {"2.7 the dot",
     ".",
     {.lockstep = true},
     0,
     {0},
     MINUTES(10),
     'D',
     "to its end and not answered"},
    {"2.7 a greeting of one's own",
     "(greeting)",
     {.lockstep = false},
     0,
     {.greeting = THRUM_S},
     THRUM_S,
     'N',
     "in time"},
    {"2.7 EHLO of one's own",
     "EHLO",
     {.lockstep = false},
     0,
     {.hello = THRUM_S},
     THRUM_S,
     'N',
     "in time"},
    {"2.7 TLS of one's own",
     "(hello)",
     {.certificate = "ip"},
     THRUM_SMTP_TLS_REQUIRED,
     {.tls = THRUM_S},
     THRUM_S,
     'T',
     "within TLS"},
    {"2.7 MAIL of one's own",
     "MAIL",
     {.lockstep = true},
     0,
     {.mail = THRUM_S},
     THRUM_S,
     'L',
     "in time"},
    {"2.7 the end of one's own",
     ".",
     {.lockstep = true},
     0,
     {.end = THRUM_S},
     THRUM_S,
     'D',
     "not answered"},
};

START_TEST(a_silent_server_has_its_time_and_no_more)
{
    peer_config config = limits[_i].peer;
    thrum_mailer_config mailer = {
        .connections = 1, .tls = limits[_i].tls, .limits = limits[_i].limits};
    char fate[2] = {limits[_i].fate, '\0'};
    const char *said;

    config.stalls_at = limits[_i].at;
    ck_assert(post_open_still(&box, &config, &mailer));
    post_send(&box, 1);
    post_settle(&box);
    post_pass(&box, limits[_i].limit - 1);
    expect_fates(".");
    post_pass(&box, 1);
    expect_fates(fate);
    said = limits[_i].fate == 'N' ? box.cause : box.text;
    ck_assert_msg(strstr(said, limits[_i].words) != NULL ||
                      strstr(box.cause, limits[_i].words) != NULL,
                  "%s", said);
    ck_assert_int_eq(box.closed, 1);
    post_free(&box);
}
END_TEST

/* ---- How long connections live ---- */

START_TEST(an_idle_connection_says_QUIT)
{
    ck_assert(post_open_still(&box, &kind,
                              &(thrum_mailer_config){.idle = 7 * THRUM_S}));
    box.expected = 9; /* not to be closed */
    post_send(&box, 1);
    post_settle(&box);
    expect_fates("A");
    post_pass(&box, 7 * THRUM_S - 1);
    ck_assert_uint_eq(box.peer.quits, 0);
    post_pass(&box, 1);
    ck_assert_uint_eq(box.peer.quits, 1);
    ck_assert_uint_eq(box.peer.open, 0);
    post_send(&box, 1);
    post_settle(&box);
    ck_assert_uint_eq(box.peer.served, 2);
    post_expect(&box, "AA");
}
END_TEST

START_TEST(who_sets_no_end_to_QUIT_waits_for_its_answer)
{
    ck_assert(
        post_open_still(&box, &(peer_config){.stalls_at = "QUIT"},
                        &(thrum_mailer_config){.connections = 1,
                                               .limits = {.quit = INT64_MAX}}));
    box.expected = 99;
    post_send(&box, 1);
    post_settle(&box);
    post_pass(&box, 4 * THRUM_S);
    post_pass(&box, 3600 * THRUM_S);
    post_send(&box, 1);
    post_settle(&box);
    ck_assert_uint_eq(box.peer.served, 1);
    expect_fates("A.");
    post_free(&box);
}
END_TEST

START_TEST(idle_is_four_seconds_since_the_last_message)
{
    ck_assert(
        post_open_still(&box, &kind, &(thrum_mailer_config){.connections = 1}));
    box.expected = 99;
    for (int i = 0; i < 10; i++) {
        post_send(&box, 1);
        post_settle(&box);
        post_pass(&box, 3 * THRUM_S);
    }
    ck_assert_uint_eq(box.peer.served, 1);
    ck_assert_uint_eq(box.peer.quits, 0);
    post_pass(&box, THRUM_S - 1);
    ck_assert_uint_eq(box.peer.quits, 0);
    post_pass(&box, 1);
    ck_assert_uint_eq(box.peer.quits, 1);
    post_expect(&box, "AAAAAAAAAA");
}
END_TEST

START_TEST(a_connection_takes_no_message_after_its_life)
{
    ck_assert(post_open_still(
        &box, &kind,
        &(thrum_mailer_config){.connections = 1, .life = 10 * THRUM_S}));
    box.expected = 99;
    for (int i = 0; i < 8; i++) {
        post_send(&box, 1);
        post_settle(&box);
        post_pass(&box, 3 * THRUM_S);
    }
    ck_assert_uint_eq(box.peer.served, 2);
    ck_assert_uint_eq(box.peer.quits, 2);
    post_expect(&box, "AAAAAAAA");
}
END_TEST

START_TEST(so_many_messages_go_over_one_connection)
{
    static const struct {
        size_t messages, served;
    } counts[] = {{1, 10}, {3, 4}, {5, 2}, {10, 1}, {1000, 1}};
    thrum_mailer_config mailer = {.connections = 1,
                                  .messages = counts[_i % 5].messages};
    peer_config config = {.chunking = _i / 5 == 1, .lockstep = _i / 5 == 2};

    ck_assert(post_open_still(&box, &config, &mailer));
    post_send(&box, 10);
    post_settle(&box);
    ck_assert_uint_eq(box.peer.served, counts[_i % 5].served);
    ck_assert_uint_eq(box.peer.quits, counts[_i % 5].served);
    ck_assert_uint_eq(box.peer.most, 1);
    post_expect(&box, post_all('A', 10));
}
END_TEST

START_TEST(it_begins_with_two_connections_and_doubles_them)
{
    ck_assert(post_open_still(&box, &(peer_config){.stalls_at = "."},
                              &(thrum_mailer_config){.connections = 10}));
    post_send(&box, 100);
    post_settle(&box);
    ck_assert_uint_eq(box.peer.served, 2); /* nothing is accepted yet */
    box.peer.config.stalls_at = NULL;
    box.expected = 99;
    post_free(&box);
    ck_assert(post_open_still(&box, &kind,
                              &(thrum_mailer_config){.connections = 10}));
    post_send(&box, 200);
    post_settle(&box);
    ck_assert_uint_eq(box.peer.most, 10);
    post_expect(&box, post_all('A', 200));
}
END_TEST

/* ---- It rests ---- */

START_TEST(after_three_failures_in_a_row_nobody_is_called_for_a_while)
{
    ck_assert(post_open_still(&box, &(peer_config){.greeting = "450 4.3.2 no"},
                              &(thrum_mailer_config){.connections = 1}));
    box.expected = 99;
    for (int i = 0; i < 3; i++) {
        post_send(&box, 1);
        post_settle(&box);
    }
    ck_assert_uint_eq(box.peer.served, 3);
    post_send(&box, 2);
    expect_fates("SSS..");
    post_settle(&box);
    expect_fates("SSSSS");
    ck_assert_ptr_nonnull(strstr(box.text, "450 4.3.2 no"));
    ck_assert_uint_eq(box.peer.served, 3);
    post_pass(&box, 60 * THRUM_S - 1);
    post_send(&box, 1);
    post_settle(&box);
    ck_assert_uint_eq(box.peer.served, 3);
    post_pass(&box, 1);
    box.peer.config.greeting = NULL;
    post_send(&box, 5);
    post_settle(&box);
    expect_fates("SSSSSSAAAAA");
    post_free(&box);
}
END_TEST

START_TEST(failures_and_rest_are_settings)
{
    ck_assert(post_open_still(
        &box, &(peer_config){.greeting = "554 5.3.2 no"},
        &(thrum_mailer_config){.failures = 1, .rest = 2 * THRUM_S}));
    box.expected = 99;
    for (int i = 0; i < 3; i++) {
        post_send(&box, 1);
        post_settle(&box);
        ck_assert_uint_eq(box.peer.served, (unsigned)i / 2 + 1);
        post_pass(&box, THRUM_S);
    }
    post_expect(&box, "SSS");
}
END_TEST

/* ---- A server that misbehaves ---- */

START_TEST(P8_after_replies_out_of_step_the_next_connection_is_in_lockstep)
{
    ck_assert(post_open_still(&box, &(peer_config){.confused_after = 2},
                              &(thrum_mailer_config){.connections = 1}));
    post_send(&box, 20);
    post_settle(&box);
    for (int number = 1; number <= 20; number++)
        ck_assert_int_eq(box.peer.taken[number], box.fates[number - 1] == 'A');
    ck_assert_int_ge(peer_taken(&box.peer), 18);
    ck_assert_uint_eq(box.peer.served, 2);
    ck_assert_uint_eq(box.peer.early, 0);
    post_free(&box);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("time");

    tcase_add_loop_test(all, a_silent_server_has_its_time_and_no_more, 0,
                        COUNT(limits));
    tcase_add_test(all, an_idle_connection_says_QUIT);
    tcase_add_test(all, who_sets_no_end_to_QUIT_waits_for_its_answer);
    tcase_add_test(all, idle_is_four_seconds_since_the_last_message);
    tcase_add_test(all, a_connection_takes_no_message_after_its_life);
    tcase_add_loop_test(all, so_many_messages_go_over_one_connection, 0, 15);
    tcase_add_test(all, it_begins_with_two_connections_and_doubles_them);
    tcase_add_test(all,
                   after_three_failures_in_a_row_nobody_is_called_for_a_while);
    tcase_add_test(all, failures_and_rest_are_settings);
    tcase_add_test(
        all, P8_after_replies_out_of_step_the_next_connection_is_in_lockstep);
    peer_need_certificates();
    return support_main("mailer's time", &all, 1);
}
