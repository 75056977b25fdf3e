/* SPDX-License-Identifier: MIT */
/*
 * What no dialogue of whole steps shows: time, slices, cuts at every byte, and
 * want of memory.
 */
#include <stdio.h>
#include <string.h>

#include "mail/message_internal.h"
#include "tests/smtp/script.h"
#include "tests/support/support.h"

#define GREETING "220 mx ESMTP|"
#define OFFER "250-mx|250 PIPELINING|"
#define CHUNKING "250-mx|250-PIPELINING|250 CHUNKING|"
#define TAKEN "250 2.1.0 ok|250 2.1.5 ok|354 go on|"

static script_run run;

static const script pipelined = {.name = "pipelined"};
static const script lockstep = {.name = "lockstep",
                                .mode = THRUM_SMTP_MODE_LOCKSTEP};

static const struct {
    const char *server;
    int seconds;
    const char *results; /* when it is over */
} limits[] = {
    {"", 300, "1 UNSENT; 2 UNSENT; "},
    {GREETING, 300, "1 UNSENT; 2 UNSENT; "},
    {GREETING "500 no|", 300, "1 UNSENT; 2 UNSENT; "},
    {GREETING OFFER, 300, "1 LATER; 2 UNSENT; "},
    {GREETING OFFER "250 ok|", 300, "1 LATER; 2 UNSENT; "},
    {GREETING OFFER "250 ok|250 ok|", 120, "1 LATER; 2 UNSENT; "},
    {GREETING OFFER TAKEN, 600, "1 DOUBT; 2 UNSENT; "},
    {GREETING OFFER TAKEN "250 A|", 300, "1 accepted 250 A; 2 LATER; "},
    {GREETING OFFER "550 no|503 no|503 no|", 20,
     "1 REFUSED MAIL 550 no; 2 UNSENT; "},
};

START_TEST(R3_each_command_has_its_time_and_a_drip_does_not_add_to_it)
{
    thrum_ns limit = limits[_i].seconds * THRUM_S;

    script_open(&run, &pipelined, 2, limits[_i].server);
    for (int i = 1; i < 10; i++) {
        run.now = i * limit / 10;
        if (i == 9)
            script_tell(&run, "2");
        ck_assert_int_eq(thrum_smtp_session_deadline(run.session), limit);
    }
    run.now = limit - 1;
    thrum_smtp_session_expire(run.session, run.now);
    ck_assert_int_ne(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_ENDED);
    run.now = limit;
    thrum_smtp_session_expire(run.session, run.now);
    ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_ENDED);
    ck_assert(thrum_failure_is(thrum_smtp_session_failure(run.session),
                               &thrum_domain_smtp, THRUM_SMTP_E_LATER));
    script_close(&run, limits[_i].results);
}
END_TEST

static const script hasty = {.name = "hasty",
                             .mode = THRUM_SMTP_MODE_LOCKSTEP,
                             .limits = {.greeting = 1 * THRUM_S,
                                        .hello = 2 * THRUM_S,
                                        .mail = 3 * THRUM_S,
                                        .rcpt = 4 * THRUM_S,
                                        .data = 5 * THRUM_S,
                                        .end = 6 * THRUM_S,
                                        .rset = 7 * THRUM_S,
                                        .quit = 8 * THRUM_S}};

static const struct {
    const char *server;
    bool quit;
} asked[] = {
    {"", false},
    {GREETING, false},
    {GREETING OFFER, false},
    {GREETING OFFER "250 ok|", false},
    {GREETING OFFER "250 ok|250 ok|", false},
    {GREETING OFFER TAKEN, false},
    {GREETING OFFER "550 no|", false},
    {GREETING OFFER TAKEN "250 A|", true},
};

START_TEST(R3_each_limit_can_be_set)
{
    script_open(&run, &hasty, 1, asked[_i].server);
    if (asked[_i].quit) {
        thrum_smtp_session_quit(run.session);
        script_tell(&run, "");
    }
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session),
                     (_i + 1) * THRUM_S);
    thrum_smtp_session_expire(run.session, (_i + 1) * THRUM_S - 1);
    ck_assert_int_ne(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_ENDED);
    thrum_smtp_session_expire(run.session, (_i + 1) * THRUM_S);
    ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_ENDED);
    script_finish(&run);
}
END_TEST

START_TEST(R3_a_limit_may_be_longer_than_time)
{
    static const script patient = {.name = "patient",
                                   .limits = {.mail = INT64_MAX}};

    script_open(&run, &patient, 1, GREETING);
    run.now = 10 * THRUM_S;
    script_tell(&run, OFFER);
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), INT64_MAX);
    thrum_smtp_session_expire(run.session, run.now);
    ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_READY);
    script_tell(&run, TAKEN "250 A|");
    script_close(&run, "1 accepted 250 A; ");
}
END_TEST

START_TEST(R3_a_window_does_not_lengthen_the_time_of_a_reply)
{
    static const script chunked = {.name = "chunked"};

    script_open(&run, &chunked, 4, GREETING CHUNKING);
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), 300 * THRUM_S);
    run.now = 10 * THRUM_S;
    script_tell(&run, "250 ok|250 ok|");
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), 610 * THRUM_S);
    run.now = 20 * THRUM_S;
    script_tell(&run, "2");
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), 610 * THRUM_S);
    run.now = 30 * THRUM_S;
    script_tell(&run, "50 A|");
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), 50 * THRUM_S);
    thrum_smtp_session_expire(run.session, 50 * THRUM_S);
    script_close(&run, "1 accepted 250 A; 2 DOUBT; 3 DOUBT; 4 DOUBT; ");
}
END_TEST

START_TEST(each_reply_starts_the_time_of_the_next)
{
    script_open(&run, &pipelined, 1, GREETING OFFER);
    run.now = 100 * THRUM_S;
    script_tell(&run, "250 ok|");
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), 400 * THRUM_S);
    run.now = 200 * THRUM_S;
    script_tell(&run, "250 ok|");
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), 320 * THRUM_S);
    script_close(&run, "1 UNSENT; ");
}
END_TEST

START_TEST(an_idle_session_waits_for_ever_but_not_behind_QUIT)
{
    script_open(&run, &pipelined, 0, GREETING OFFER);
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), INT64_MAX);
    thrum_smtp_session_expire(run.session, INT64_MAX - 1);
    ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_READY);
    thrum_smtp_session_quit(run.session);
    script_tell(&run, "");
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), 5 * THRUM_S);
    thrum_smtp_session_expire(run.session, 5 * THRUM_S);
    ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_ENDED);
    ck_assert_ptr_null(thrum_smtp_session_failure(run.session));
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), INT64_MAX);
    script_close(&run, "");
}
END_TEST

/* ---- A body in slices ---- */

/* Sends message 1 up to its first `size` bytes of body. */
static void begin_body(const script *table, size_t size)
{
    script_open(&run, table, 2, GREETING OFFER "250 ok|250 ok|");
    thrum_buffer_clear(&run.sent);
    thrum_smtp_session_receive(run.session, "354 go on\r\n", 11, run.now);
    ck_assert_int_eq(
        thrum_smtp_session_produce(run.session, &run.sent, size, run.now), 1);
    ck_assert_uint_ge(run.sent.size, size);
    thrum_buffer_clear(&run.sent);
}

START_TEST(a_connection_that_takes_no_more_of_a_body_has_three_minutes)
{
    begin_body(&pipelined, 10);
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), 180 * THRUM_S);
    run.now = 100 * THRUM_S;
    thrum_smtp_session_produce(run.session, &run.sent, 10, run.now);
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), 280 * THRUM_S);
    thrum_smtp_session_expire(run.session, 280 * THRUM_S);
    script_close(&run, "1 LATER; 2 UNSENT; ");
}
END_TEST

START_TEST(how_long_a_body_may_be_blocked_can_be_set)
{
    static const script blocked = {.name = "blocked",
                                   .mode = THRUM_SMTP_MODE_PIPELINED,
                                   .limits = {.block = 9 * THRUM_S}};

    begin_body(&blocked, 10);
    ck_assert_int_eq(thrum_smtp_session_deadline(run.session), 9 * THRUM_S);
    script_close(&run, "1 LATER; 2 UNSENT; ");
}
END_TEST

START_TEST(a_body_cut_in_its_middle_is_no_message_and_no_doubt)
{
    begin_body(&pipelined, 10);
    script_close(&run, "1 LATER; 2 UNSENT; ");
}
END_TEST

static const struct {
    const char *server;
    const char *results;
    int failure;
} early[] = {
    {"552 5.3.4 too big|",
     "1 REFUSED the message 552 5.3.4 too big; 2 UNSENT; ",
     THRUM_SMTP_E_REFUSED},
    {"451 4.3.0 later|", "1 LATER the message 451 4.3.0 later; 2 UNSENT; ",
     THRUM_SMTP_E_LATER},
    {"421 bye|", "1 LATER the message 421 bye; 2 UNSENT; ", THRUM_SMTP_E_LATER},
    {"250 ok|", "1 PROTOCOL the message 250 ok; 2 UNSENT; ",
     THRUM_SMTP_E_PROTOCOL},
    {"what|", "1 LATER; 2 UNSENT; ", THRUM_SMTP_E_PROTOCOL},
};

START_TEST(D10_a_refusal_in_the_middle_of_a_body_is_the_messages_result)
{
    begin_body(&pipelined, 10);
    script_tell(&run, early[_i].server);
    ck_assert_uint_eq(run.sent.size, 0);
    ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_ENDED);
    ck_assert_int_eq(
        thrum_failure_code(thrum_smtp_session_failure(run.session)),
        early[_i].failure);
    script_close(&run, early[_i].results);
}
END_TEST

START_TEST(D10_the_body_goes_on_while_a_refusal_is_on_its_way)
{
    begin_body(&pipelined, 10);
    thrum_smtp_session_receive(run.session, "55", 2, run.now);
    ck_assert_int_eq(
        thrum_smtp_session_produce(run.session, &run.sent, 10, run.now), 1);
    thrum_smtp_session_receive(run.session, "2 no\r\n", 6, run.now);
    script_close(&run, "1 REFUSED the message 552 no; 2 UNSENT; ");
}
END_TEST

START_TEST(R8_a_second_reply_to_DATA_is_out_of_step)
{
    script_open(&run, &pipelined, 1, GREETING OFFER "250 ok|250 ok|");
    thrum_smtp_session_receive(run.session, "354 go\r\n451 no\r\n", 16, 0);
    ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_ENDED);
    script_close(&run, "1 UNSENT; ");
}
END_TEST

/* How many bytes the bodies of the three letters have. */
static size_t bodies(void)
{
    size_t size = 0;

    for (int i = 1; i <= 3; i++) {
        thrum__message_cursor cursor = {.segment = 0};

        thrum__message_data(run.letters[i], &cursor, THRUM__MESSAGE_DOTTED,
                            &run.sent, SIZE_MAX);
        size += run.sent.size;
        thrum_buffer_clear(&run.sent);
    }
    return size;
}

static size_t count(const char *what)
{
    size_t found = 0, size = strlen(what);

    for (size_t at = 0; at + size <= run.sent.size; at++)
        found += memcmp(run.sent.data + at, what, size) == 0;
    return found;
}

START_TEST(slices_of_any_size_make_the_same_whole)
{
    static const char around[] =
        "EHLO me\r\nMAIL FROM:<e1@x>\r\nRCPT TO:<r1@x>\r\nDATA\r\n"
        ".\r\nMAIL FROM:<e2@x>\r\nRCPT TO:<r2@x>\r\nDATA\r\n"
        ".\r\nMAIL FROM:<e3@x>\r\nRCPT TO:<r3@x>\r\nDATA\r\n.\r\n";
    const script_step three = {.add = 3};

    for (size_t enough = 4000; enough > 0; enough -= 1 + enough / 8) {
        size_t size;

        script_open(&run, &pipelined, 0, "");
        run.enough = enough;
        script_prepare(&run, &three);
        size = bodies();
        script_tell(&run, GREETING OFFER TAKEN "250 A|" TAKEN "250 B|" TAKEN);
        ck_assert_uint_eq(run.sent.size, size + sizeof around - 1);
        ck_assert_uint_eq(count("\r\n.\r\n"), 3);
        ck_assert_uint_eq(count("\r\n.\r\nMAIL FROM:<e2@x>\r\n"
                                "RCPT TO:<r2@x>\r\nDATA\r\n"),
                          1);
        script_tell(&run, "250 C|");
        script_close(&run,
                     "1 accepted 250 A; 2 accepted 250 B; 3 accepted 250 C; ");
    }
}
END_TEST

/* ---- Cuts ---- */

enum { DOTS = 3 };

/* What each message must come to when the connection is cut after `told` of the
 * server's bytes, from where the good dialogue stands then. */
static void cut_after(const char *bytes, size_t told, const size_t *answered,
                      const size_t *dotted)
{
    static const char *const queued[] = {"A", "B", "C"};
    char expected[200] = "";

    script_open(&run, &pipelined, 3, "");
    for (size_t at = 0; at < told; at++)
        script_say(&run, bytes + at, 1);
    for (int i = 0; i < DOTS; i++) {
        size_t size = strlen(expected);

        snprintf(expected + size, sizeof expected - size,
                 told >= answered[i] ? "%d accepted 250 %s; "
                 : told >= dotted[i] ? "%d DOUBT; "
                                     : "%d UNSENT; ",
                 i + 1, queued[i]);
    }
    script_close(&run, expected);
}

START_TEST(a_cut_after_any_byte_accepts_only_what_was_answered)
{
    static const char server[] =
        GREETING OFFER TAKEN "250 A|" TAKEN "250 B|" TAKEN "250 C|";
    static const char *const to_answers[DOTS] = {
        GREETING OFFER TAKEN "250 A|",
        GREETING OFFER TAKEN "250 A|" TAKEN "250 B|",
        GREETING OFFER TAKEN "250 A|" TAKEN "250 B|" TAKEN "250 C|"};
    static const char *const to_dots[DOTS] = {
        GREETING OFFER TAKEN, GREETING OFFER TAKEN "250 A|" TAKEN,
        GREETING OFFER TAKEN "250 A|" TAKEN "250 B|" TAKEN};
    static char bytes[1000];
    size_t size, answered[DOTS], dotted[DOTS];

    for (int i = 0; i < DOTS; i++) {
        script_bytes(to_answers[i], &answered[i]);
        script_bytes(to_dots[i], &dotted[i]);
    }
    memcpy(bytes, script_bytes(server, &size), sizeof bytes);
    for (size_t told = 0; told <= size; told++)
        cut_after(bytes, told, answered, dotted);
}
END_TEST

/* ---- Memory ---- */

/* The server says its part of a dialogue with three messages, whatever the
 * client has come to. */
static void scenario(const script *table, const char *const *server)
{
    const script_step first = {.add = 3};

    if (script_begin(&run, table)) {
        script_prepare(&run, &first);
        for (; *server != NULL; server++)
            script_tell(&run, *server);
        thrum_smtp_session_quit(run.session);
        script_tell(&run, "");
    }
    script_finish(&run);
}

static void scenario_pipelined(void)
{
    static const char *const server[] = {GREETING,
                                         OFFER,
                                         TAKEN,
                                         "250 A|250 ok|550 no|554 no|",
                                         "250 ok|250 ok|250 ok|354 go|",
                                         "250 C|",
                                         NULL};

    scenario(&pipelined, server);
}

static void scenario_lockstep(void)
{
    static const char *const server[] = {
        GREETING, "500 no|", OFFER,     "250 ok|", "550 no|",  "354 go|",
        "250 A|", "250 ok|", "450 no|", "503 no|", "421 bye|", NULL};

    scenario(&lockstep, server);
}

static void scenario_garbage(void)
{
    static const char *const server[] = {GREETING, OFFER, TAKEN, "what?|",
                                         NULL};

    scenario(&pipelined, server);
}

static void scenario_chunked(void)
{
    static const script window = {
        .name = "window", .window = 2, .large = 2, .recipients = "221"};
    static const char *const server[] = {
        GREETING,
        CHUNKING,
        "250 ok|250 ok|452 4.5.3 many|250 A|",
        "250 ok|250 ok|550 no|550 no|554 no|503 no|503 no|",
        "250 ok|250 ok|250 ok|250 B|",
        "250 ok|250 ok|552 no|250 C|",
        NULL};

    scenario(&window, server);
}

START_TEST(a_session_survives_every_failing_allocation)
{
    support_every_allocation(scenario_chunked);
    support_every_allocation(scenario_pipelined);
    support_every_allocation(scenario_lockstep);
    support_every_allocation(scenario_garbage);
}
END_TEST

START_TEST(what_finds_no_room_ends_the_session)
{
    script_open(&run, &pipelined, 2, GREETING);
    run.sent.cap = run.sent.size + 20;
    thrum_smtp_session_receive(run.session, "250-a\n250 PIPELINING\n", 21, 0);
    ck_assert_int_eq(
        thrum_smtp_session_produce(run.session, &run.sent, SIZE_MAX, 0),
        THRUM_E_FULL);
    ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_ENDED);
    ck_assert_int_eq(
        thrum_smtp_session_produce(run.session, &run.sent, SIZE_MAX, 0), 0);
    script_close(&run, "1 FULL; 2 UNSENT; ");
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

static TCase *case_of_time(void)
{
    TCase *all = tcase_create("time");

    tcase_add_loop_test(
        all, R3_each_command_has_its_time_and_a_drip_does_not_add_to_it, 0,
        COUNT(limits));
    tcase_add_loop_test(all, R3_each_limit_can_be_set, 0, COUNT(asked));
    tcase_add_test(all, R3_a_limit_may_be_longer_than_time);
    tcase_add_test(all, R3_a_window_does_not_lengthen_the_time_of_a_reply);
    tcase_add_test(all, each_reply_starts_the_time_of_the_next);
    tcase_add_test(all, an_idle_session_waits_for_ever_but_not_behind_QUIT);
    tcase_add_test(all,
                   a_connection_that_takes_no_more_of_a_body_has_three_minutes);
    tcase_add_test(all, how_long_a_body_may_be_blocked_can_be_set);
    return all;
}

static TCase *case_of_cuts(void)
{
    TCase *all = tcase_create("cuts");

    tcase_add_test(all, a_body_cut_in_its_middle_is_no_message_and_no_doubt);
    tcase_add_loop_test(
        all, D10_a_refusal_in_the_middle_of_a_body_is_the_messages_result, 0,
        COUNT(early));
    tcase_add_test(all, D10_the_body_goes_on_while_a_refusal_is_on_its_way);
    tcase_add_test(all, R8_a_second_reply_to_DATA_is_out_of_step);
    tcase_add_test(all, slices_of_any_size_make_the_same_whole);
    tcase_add_test(all, a_cut_after_any_byte_accepts_only_what_was_answered);
    tcase_add_test(all, a_session_survives_every_failing_allocation);
    tcase_add_test(all, what_finds_no_room_ends_the_session);
    return all;
}

int main(void)
{
    TCase *cases[] = {case_of_time(), case_of_cuts()};

    return support_main("session limits", cases, 2);
}
