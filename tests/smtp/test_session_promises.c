/* SPDX-License-Identifier: MIT */
/*
 * What a session promises those who use it, and the words of its failures.
 */
#include <stdio.h>
#include <string.h>

#include "tests/smtp/script.h"
#include "tests/support/support.h"

#define GREETING "220 mx ESMTP|"
#define OFFER "250-mx|250 PIPELINING|"
#define TAKEN "250 2.1.0 ok|250 2.1.5 ok|354 go on|"

static script_run run;

static const script pipelined = {.name = "pipelined"};

START_TEST(a_session_wants_what_keeps_its_connection_busy)
{
    script_open(&run, &pipelined, 0, GREETING);
    ck_assert_uint_eq(thrum_smtp_session_wants(run.session), 0);
    script_tell(&run, OFFER);
    ck_assert_uint_eq(thrum_smtp_session_wants(run.session), 2);
    script_prepare(&run, &(script_step){.add = 1});
    ck_assert_uint_eq(thrum_smtp_session_wants(run.session), 1);
    script_prepare(&run, &(script_step){.add = 1});
    ck_assert_uint_eq(thrum_smtp_session_wants(run.session), 0);
    script_tell(&run, TAKEN);
    ck_assert_uint_eq(thrum_smtp_session_wants(run.session), 0);
    script_tell(&run, "250 A|");
    ck_assert_uint_eq(thrum_smtp_session_wants(run.session), 1);
    thrum_smtp_session_quit(run.session);
    ck_assert_uint_eq(thrum_smtp_session_wants(run.session), 0);
    script_close(&run, "1 accepted 250 A; 2 UNSENT; ");
}
END_TEST

#define CHUNKING "250-mx|250-PIPELINING|250 CHUNKING|"

static const struct {
    thrum_smtp_mode most;
    unsigned window;
    const char *offer;
    thrum_smtp_mode mode;
    size_t wants;
} wanted[] = {
    {THRUM_SMTP_MODE_BEST, 0, "250 mx|", THRUM_SMTP_MODE_LOCKSTEP, 1},
    {THRUM_SMTP_MODE_BEST, 0, OFFER, THRUM_SMTP_MODE_ACROSS, 2},
    {THRUM_SMTP_MODE_BEST, 0, CHUNKING, THRUM_SMTP_MODE_CHUNKED, 4},
    {THRUM_SMTP_MODE_BEST, 1, CHUNKING, THRUM_SMTP_MODE_CHUNKED, 1},
    {THRUM_SMTP_MODE_BEST, 1024, CHUNKING, THRUM_SMTP_MODE_CHUNKED, 1024},
    {THRUM_SMTP_MODE_BEST, 1025, CHUNKING, THRUM_SMTP_MODE_CHUNKED, 1024},
    {THRUM_SMTP_MODE_BEST, 9, OFFER, THRUM_SMTP_MODE_ACROSS, 2},
    {THRUM_SMTP_MODE_BEST, 9, "250-mx|250 CHUNKING|", THRUM_SMTP_MODE_LOCKSTEP,
     1},
    {THRUM_SMTP_MODE_LOCKSTEP, 0, CHUNKING, THRUM_SMTP_MODE_LOCKSTEP, 1},
    {THRUM_SMTP_MODE_PIPELINED, 0, CHUNKING, THRUM_SMTP_MODE_PIPELINED, 1},
    {THRUM_SMTP_MODE_ACROSS, 0, CHUNKING, THRUM_SMTP_MODE_ACROSS, 2},
    {THRUM_SMTP_MODE_CHUNKED, 7, CHUNKING, THRUM_SMTP_MODE_CHUNKED, 7},
    {THRUM_SMTP_MODE_CHUNKED, 7, OFFER, THRUM_SMTP_MODE_ACROSS, 2},
    {THRUM_SMTP_MODE_PIPELINED, 7, "500 no|250 mx|", THRUM_SMTP_MODE_LOCKSTEP,
     1},
};

START_TEST(a_mode_is_what_is_asked_for_and_offered)
{
    const script table = {
        .name = "wanted", .mode = wanted[_i].most, .window = wanted[_i].window};

    script_open(&run, &table, 0, GREETING);
    ck_assert_int_eq(thrum_smtp_session_mode(run.session),
                     THRUM_SMTP_MODE_BEST);
    script_tell(&run, wanted[_i].offer);
    ck_assert_int_eq(thrum_smtp_session_mode(run.session), wanted[_i].mode);
    ck_assert_uint_eq(thrum_smtp_session_wants(run.session), wanted[_i].wants);
    script_prepare(&run, &(script_step){.add = 1});
    ck_assert_uint_eq(thrum_smtp_session_wants(run.session),
                      wanted[_i].wants - 1);
    script_close(&run, wanted[_i].mode == THRUM_SMTP_MODE_CHUNKED
                           ? "1 DOUBT; "
                           : "1 UNSENT; ");
}
END_TEST

static void ignore(thrum_message *message, thrum_receipt *receipt,
                   thrum_failure *why, void *ctx)
{
    (void)ctx;
    thrum_message_free(message);
    thrum_receipt_free(receipt);
    thrum_failure_unref(why);
}

/* ---- Messages that were refused as a whole ---- */

#define REFUSED "250 ok|550 no|503 no|"
#define RESET "250 reset|"

static const struct {
    thrum_smtp_mode most;
    unsigned window;
    const char *first, *next; /* what refuses a message */
    int messages;             /* refused in a row, at most */
    size_t wants;             /* when the server has refused three */
} refusals[] = {
    {THRUM_SMTP_MODE_LOCKSTEP, 0, "250 ok|550 no|" RESET,
     "250 ok|550 no|" RESET, 10, 1},
    {THRUM_SMTP_MODE_PIPELINED, 0, REFUSED, RESET REFUSED, 11, 1},
    {THRUM_SMTP_MODE_ACROSS, 0, REFUSED, RESET REFUSED, 10, 2},
    {THRUM_SMTP_MODE_CHUNKED, 1, REFUSED, RESET REFUSED, 11, 1},
    {THRUM_SMTP_MODE_CHUNKED, 4, REFUSED, RESET REFUSED, 8, 4},
    {THRUM_SMTP_MODE_CHUNKED, 16, REFUSED, RESET REFUSED, 7, 9},
    {THRUM_SMTP_MODE_CHUNKED, 1024, REFUSED, RESET REFUSED, 7, 9},
};

static void open_for_refusals(script *table, int i)
{
    *table = (script){.name = "refusals",
                      .mode = refusals[i].most,
                      .window = refusals[i].window};
    script_open(&run, table, 0, GREETING CHUNKING);
}

START_TEST(P8_a_session_leaves_before_the_server_is_fed_up_with_RSET)
{
    script table;
    int refused = 0;

    open_for_refusals(&table, _i);
    while (thrum_smtp_session_get_state(run.session) ==
           THRUM_SMTP_SESSION_READY) {
        ck_assert_int_lt(refused, refusals[_i].messages);
        script_prepare(&run, &(script_step){.add = 1});
        thrum_buffer_clear(&run.sent);
        script_tell(&run, refused > 0 ? refusals[_i].next : refusals[_i].first);
        if (++refused == 3)
            ck_assert_uint_eq(thrum_smtp_session_wants(run.session),
                              refusals[_i].wants);
    }
    ck_assert_int_eq(refused, refusals[_i].messages);
    ck_assert_int_eq(run.ended, refused);
    ck_assert_uint_eq(thrum_smtp_session_wants(run.session), 0);
    ck_assert_ptr_nonnull(memmem(run.sent.data, run.sent.size, "QUIT\r\n", 6));
    script_tell(&run, "221 bye|");
    ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_ENDED);
    ck_assert_ptr_null(thrum_smtp_session_failure(run.session));
    script_finish(&run);
}
END_TEST

START_TEST(a_message_that_is_taken_pays_for_one_RSET)
{
    static const script one = {.name = "one in flight", .window = 1};

    script_open(&run, &one, 0, GREETING CHUNKING);
    for (int i = 0; i < SCRIPT_MESSAGES; i += 2) {
        script_prepare(&run, &(script_step){.add = 1});
        script_tell(&run, REFUSED);
        script_prepare(&run, &(script_step){.add = 1});
        script_tell(&run, RESET "250 ok|250 ok|250 taken|");
        ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                         THRUM_SMTP_SESSION_READY);
    }
    ck_assert_int_eq(run.ended, SCRIPT_MESSAGES);
    script_finish(&run);
}
END_TEST

START_TEST(a_session_takes_only_messages_that_it_can_send)
{
    thrum_message *letter;

    script_open(&run, &pipelined, 0, GREETING OFFER);
    letter = thrum_message_new(run.context);
    ck_assert_int_eq(thrum_smtp_session_send(run.session, NULL, ignore, NULL),
                     THRUM_E_NOMEM);
    ck_assert_int_eq(thrum_smtp_session_send(run.session, letter, ignore, NULL),
                     THRUM_E_INVALID);
    thrum_smtp_session_quit(run.session);
    ck_assert_int_eq(thrum_smtp_session_send(run.session, letter, ignore, NULL),
                     THRUM_E_CLOSED);
    thrum_smtp_session_lost(run.session, NULL);
    ck_assert_int_eq(thrum_smtp_session_send(run.session, letter, ignore, NULL),
                     THRUM_E_CLOSED);
    thrum_message_free(letter);
    script_close(&run, "");
}
END_TEST

START_TEST(I1_a_name_that_would_bring_a_line_of_its_own_is_not_sent)
{
    thrum_context *context = support_context();
    thrum_smtp_session_config config = {.helo = "me\r\nMAIL FROM:<>"};
    thrum_smtp_session *session = thrum_smtp_session_new(context, &config, 0);
    thrum_buffer out;

    thrum_buffer_init(&out, context, 1000);
    thrum_smtp_session_receive(session, "220 mx\r\n", 8, 0);
    ck_assert_int_eq(thrum_smtp_session_produce(session, &out, 1000, 0),
                     THRUM_E_INVALID);
    ck_assert_uint_eq(out.size, 0);
    ck_assert_int_eq(thrum_smtp_session_get_state(session),
                     THRUM_SMTP_SESSION_ENDED);
    thrum_smtp_session_free(session);
    thrum_buffer_fini(&out);
    support_context_end(context);
}
END_TEST

START_TEST(what_comes_after_the_end_is_not_read)
{
    script_open(&run, &pipelined, 1, GREETING OFFER "421 bye|" TAKEN "250 A|");
    script_tell(&run, "250 A|");
    thrum_smtp_session_expire(run.session, INT64_MAX);
    thrum_smtp_session_quit(run.session);
    ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_ENDED);
    script_close(&run, "1 LATER MAIL 421 bye; ");
}
END_TEST

/* ---- The words ---- */

typedef struct words {
    char text[1000];
    char cause[1000];
} words;

static void keep_words(thrum_message *message, thrum_receipt *receipt,
                       thrum_failure *why, void *ctx)
{
    const thrum_failure *cause = thrum_failure_cause(why);
    words *kept = ctx;

    snprintf(kept->text, sizeof kept->text, "%s", thrum_failure_text(why));
    snprintf(kept->cause, sizeof kept->cause, "%s",
             cause != NULL ? thrum_failure_text(cause) : "");
    ignore(message, receipt, why, NULL);
}

static const struct {
    const char *server;
    const char *text;
    const char *cause;
    bool expires;
} told[] = {
    {GREETING OFFER "250 ok|550 5.1.1 no such user|554 no|",
     "mx:25 refused RCPT: 550 5.1.1 no such user", "", false},
    {GREETING OFFER TAKEN "451-4.3.0 come|451 4.3.0 later|",
     "mx:25 refused the message: 451 4.3.0 come later", "", false},
    {"554 no|", "the connection to mx:25 ended before the message was sent",
     "mx:25 gives no service: 554 no", false},
    {GREETING OFFER "354 go on|",
     "mx:25 does not keep to SMTP: it answered MAIL with 354 go on", "", false},
    {GREETING OFFER "HTTP/1.1 400|",
     "mx:25 does not keep to SMTP at MAIL: a line has no reply code", "",
     false},
    {GREETING OFFER TAKEN,
     "the message was sent to mx:25 to its end and not answered; "
     "it may have been delivered",
     "mx:25 did not answer the message in time", true},
    {GREETING OFFER, "mx:25 did not answer MAIL in time", "", true},
};

START_TEST(a_failure_names_the_peer_and_the_stage_and_no_recipient)
{
    words kept = {"", ""};
    thrum_message *letter;

    script_open(&run, &pipelined, 0, "");
    letter = script_letter(run.context, 1, 1);
    ck_assert_int_eq(
        thrum_smtp_session_send(run.session, letter, keep_words, &kept), 0);
    script_tell(&run, told[_i].server);
    if (told[_i].expires)
        thrum_smtp_session_expire(run.session, INT64_MAX);
    script_close(&run, "");
    ck_assert_str_eq(kept.text, told[_i].text);
    ck_assert_str_eq(kept.cause, told[_i].cause);
}
END_TEST

static void send_another(thrum_message *message, thrum_receipt *receipt,
                         thrum_failure *why, void *ctx)
{
    ignore(message, receipt, why, NULL);
    script_prepare(ctx, &(script_step){.add = 1});
}

START_TEST(a_message_may_be_given_from_where_another_ended)
{
    thrum_message *letter;

    script_open(&run, &pipelined, 0, GREETING OFFER);
    letter = script_letter(run.context, 9, 1);
    thrum_smtp_session_send(run.session, letter, send_another, &run);
    script_tell(&run, "");
    script_tell(&run, TAKEN);
    script_tell(&run, "250 A|");
    ck_assert_ptr_nonnull(
        memmem(run.sent.data, run.sent.size, "MAIL FROM:<e1@x>\r\n", 18));
    script_tell(&run, TAKEN);
    script_tell(&run, "250 B|");
    script_close(&run, "1 accepted 250 B; ");
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("promises");

    tcase_add_test(all, a_session_wants_what_keeps_its_connection_busy);
    tcase_add_loop_test(all, a_mode_is_what_is_asked_for_and_offered, 0,
                        COUNT(wanted));
    tcase_add_loop_test(
        all, P8_a_session_leaves_before_the_server_is_fed_up_with_RSET, 0,
        COUNT(refusals));
    tcase_add_test(all, a_message_that_is_taken_pays_for_one_RSET);
    tcase_add_test(all, a_session_takes_only_messages_that_it_can_send);
    tcase_add_test(all,
                   I1_a_name_that_would_bring_a_line_of_its_own_is_not_sent);
    tcase_add_test(all, what_comes_after_the_end_is_not_read);
    tcase_add_loop_test(all,
                        a_failure_names_the_peer_and_the_stage_and_no_recipient,
                        0, COUNT(told));
    tcase_add_test(all, a_message_may_be_given_from_where_another_ended);
    return support_main("session promises", &all, 1);
}
