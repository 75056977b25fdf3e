/* SPDX-License-Identifier: MIT */
/*
 * Messages that are given up, in each phase and each mode: they end at once,
 * what the server has of them is dropped, and the others go on.
 */
#include <string.h>

#include "tests/smtp/script.h"
#include "tests/support/support.h"

#define GREETING "220 mx ESMTP|"
#define PIPELINING "250-mx|250 PIPELINING|"
#define CHUNKING "250-mx|250-PIPELINING|250 CHUNKING|"
#define TAKEN "250 2.1.0 ok|250 2.1.5 ok|354 go on|"
#define OK2 "250 2.1.0 ok|250 2.1.5 ok|"
#define OK3 OK2 "250 2.0.0 as "

#define GREET(n)                                                               \
    {                                                                          \
        .add = (n), .server = GREETING, .client = "EHLO"                       \
    }

#define MESSAGE(n) "MAIL" #n " RCPT" #n " BDAT" #n " "

static const script cancelled[] = {
    {.name = "before the greeting",
     .steps = {{.add = 3, .server = "", .client = ""},
               {.cancel = 2, .server = GREETING, .client = "EHLO"},
               {.cancel = 3,
                .server = PIPELINING,
                .client = "MAIL1 RCPT1 DATA"},
               {.server = TAKEN, .client = "BODY1 ."},
               {.add = 1, .server = "", .client = "MAIL4 RCPT4 DATA"},
               {.server = "250 A|" TAKEN, .client = "BODY4 ."},
               {.server = "250 D|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "2 CANCELLED; 3 CANCELLED; 1 accepted 250 A; "
                "4 accepted 250 D; "},
    {.name = "the last that waits, and then one more",
     .steps = {{.add = 2, .server = "", .client = ""},
               {.cancel = 2, .server = "", .client = ""},
               {.add = 1, .server = GREETING, .client = "EHLO"},
               {.server = PIPELINING, .client = "MAIL1 RCPT1 DATA"},
               {.server = TAKEN, .client = "BODY1 . MAIL3 RCPT3 DATA"},
               {.server = "250 A|" TAKEN, .client = "BODY3 ."},
               {.server = "250 C|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "2 CANCELLED; 1 accepted 250 A; 3 accepted 250 C; "},
    {.name = "behind MAIL, in lockstep",
     .mode = THRUM_SMTP_MODE_LOCKSTEP,
     .steps = {GREET(2),
               {.server = PIPELINING, .client = "MAIL1"},
               {.cancel = 1, .server = "250 ok|", .client = "RSET"},
               {.server = "250 ok|", .client = "MAIL2"},
               {.server = "250 ok|", .client = "RCPT2"}},
     .end = SCRIPT_LOST,
     .results = "1 CANCELLED; 2 UNSENT; "},
    {.name = "behind RCPT, in lockstep",
     .mode = THRUM_SMTP_MODE_LOCKSTEP,
     .recipients = "21",
     .steps = {GREET(2),
               {.server = PIPELINING, .client = "MAIL1"},
               {.server = "250 ok|", .client = "RCPT1"},
               {.cancel = 1, .server = "250 ok|", .client = "RSET"},
               {.server = "250 ok|", .client = "MAIL2"}},
     .end = SCRIPT_LOST,
     .results = "1 CANCELLED; 2 UNSENT; "},
    {.name = "behind DATA, in lockstep: the connection ends",
     .mode = THRUM_SMTP_MODE_LOCKSTEP,
     .steps = {GREET(2),
               {.server = PIPELINING, .client = "MAIL1"},
               {.server = "250 ok|", .client = "RCPT1"},
               {.server = "250 ok|", .client = "DATA"},
               {.cancel = 1, .server = "354 go on|", .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .results = "1 CANCELLED; 2 UNSENT; "},
    {.name = "behind DATA, which is refused then",
     .steps = {GREET(2),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 DATA"},
               {.cancel = 1,
                .server = "250 ok|250 ok|451 no|",
                .client = "RSET MAIL2 RCPT2 DATA"},
               {.server = "250 ok|" TAKEN, .client = "BODY2 ."},
               {.server = "250 B|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 CANCELLED; 2 accepted 250 B; "},
    {.name = "behind DATA, and nobody was taken: an empty message",
     .steps = {GREET(2),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 DATA"},
               {.cancel = 1,
                .server = "250 ok|550 no|354 go on|",
                .client = ". RSET MAIL2 RCPT2 DATA"}},
     .end = SCRIPT_LOST,
     .results = "1 CANCELLED; 2 UNSENT; "},
    {.name = "behind DATA, and somebody was taken: no empty message",
     .steps = {GREET(2),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 DATA"},
               {.cancel = 1, .server = TAKEN, .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .results = "1 CANCELLED; 2 UNSENT; "},
    {.name = "an envelope behind a body: the body's reply comes first",
     .steps = {GREET(3),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 DATA"},
               {.server = TAKEN, .client = "BODY1 . MAIL2 RCPT2 DATA"},
               {.cancel = 2, .server = "250 A|" TAKEN, .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .results = "2 CANCELLED; 1 accepted 250 A; 3 UNSENT; "},
    {.name = "behind its dot: in doubt, and the others go on",
     .steps = {GREET(2),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 DATA"},
               {.server = TAKEN, .client = "BODY1 . MAIL2 RCPT2 DATA"},
               {.cancel = 1, .server = "250 A|" TAKEN, .client = "BODY2 ."},
               {.server = "250 B|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 DOUBT; 2 accepted 250 B; "},
    {.name = "what was refused already is refused",
     .steps = {GREET(2),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 DATA"},
               {.server = "250 ok|550 no|", .client = ""},
               {.cancel = 1,
                .server = "503 no|",
                .client = "RSET MAIL2 RCPT2 DATA"}},
     .end = SCRIPT_LOST,
     .results = "1 REFUSED RCPT 550 no; 2 UNSENT; "},
    {.name = "the server leaves before it knows",
     .steps = {GREET(2),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 DATA"},
               {.cancel = 1, .server = "421 bye|", .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .failure = THRUM_SMTP_E_SERVICE,
     .results = "1 CANCELLED; 2 UNSENT; "},
    {.name = "R9: 3yz to RCPT of what was given up",
     .steps = {GREET(2),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 DATA"},
               {.cancel = 1, .server = "250 ok|354 go on|", .client = ""}},
     .state = THRUM_SMTP_SESSION_ENDED,
     .failure = THRUM_SMTP_E_PROTOCOL,
     .results = "1 CANCELLED; 2 UNSENT; "},
    {.name = "a message of a window: sent to its end, so in doubt",
     .steps = {GREET(3),
               {.server = CHUNKING,
                .client = MESSAGE(1) "RSET " MESSAGE(2) "RSET " MESSAGE(3)},
               {.cancel = 2,
                .server = OK3 "A|250 ok|" OK3 "B|250 ok|" OK3 "C|",
                .client = ""},
               {.add = 1, .server = "", .client = MESSAGE(4)},
               {.server = OK3 "D|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "2 DOUBT; 1 accepted 250 as A; 3 accepted 250 as C; "
                "4 accepted 250 as D; "},
    {.name = "a message behind the window is not sent",
     .window = 2,
     .steps = {GREET(4),
               {.server = CHUNKING, .client = MESSAGE(1) "RSET " MESSAGE(2)},
               {.cancel = 3, .server = OK3 "A|", .client = "RSET " MESSAGE(4)},
               {.server = "250 ok|" OK3 "B|250 ok|" OK3 "D|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "3 CANCELLED; 1 accepted 250 as A; 2 accepted 250 as B; "
                "4 accepted 250 as D; "},
    {.name = "a message of a window, refused: the others go on",
     .steps = {GREET(2),
               {.server = CHUNKING, .client = MESSAGE(1) "RSET " MESSAGE(2)},
               {.cancel = 1, .server = OK2 "554 no|250 ok|", .client = ""},
               {.add = 1, .server = OK3 "B|", .client = "RSET " MESSAGE(3)}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 DOUBT; 2 accepted 250 as B; 3 DOUBT; "},
    {.name = "P5: between two transactions",
     .recipients = "211",
     .steps = {GREET(2),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 RCPT1b DATA"},
               {.server = "250 ok|250 ok|452 4.5.3 many|354 go on|",
                .client = "BODY1 . MAIL2 RCPT2 DATA"},
               {.server = "250 A|", .client = ""},
               {.cancel = 1, .server = TAKEN, .client = "BODY2 ."},
               {.server = "250 B|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 accepted 250 A, b LATER RCPT 452 4.5.3 many; "
                "2 accepted 250 B; "},
    {.name = "P5: behind the dot of the second transaction",
     .recipients = "2",
     .steps = {GREET(1),
               {.server = PIPELINING, .client = "MAIL1 RCPT1 RCPT1b DATA"},
               {.server = "250 ok|250 ok|452 4.5.3 many|354 go on|",
                .client = "BODY1 ."},
               {.server = "250 A|", .client = "MAIL1 RCPT1b DATA"},
               {.server = TAKEN, .client = "BODY1 ."},
               {.cancel = 1, .server = "250 B|", .client = ""}},
     .state = THRUM_SMTP_SESSION_READY,
     .results = "1 accepted 250 A, b DOUBT; "},
};

START_TEST(a_message_that_is_given_up_ends_at_once)
{
    script_run_every_way(&cancelled[_i]);
}
END_TEST

/* ---- In the middle of what is produced ---- */

static script_run run;

static const script across = {.name = "across"};
static const script chunks = {.name = "chunks", .large = 1};

/* Produces until `what` was sent, a byte or a little more each time. */
static void produce_until(const char *what)
{
    for (int i = 0; i < 100; i++) {
        if (memmem(run.sent.data, run.sent.size, what, strlen(what)) != NULL)
            return;
        ck_assert_int_ge(thrum_smtp_session_produce(run.session, &run.sent,
                                                    run.sent.size + 1, run.now),
                         0);
    }
    ck_abort_msg("\"%s\" is not sent", what);
}

static void begin(const script *table, int messages, const char *server)
{
    const char *bytes;
    size_t size;

    script_open(&run, table, messages, GREETING);
    thrum_buffer_clear(&run.sent);
    bytes = script_bytes(server, &size);
    thrum_smtp_session_receive(run.session, bytes, size, run.now);
}

static void cancel(int number)
{
    ck_assert_int_eq(
        thrum_smtp_session_cancel(run.session, run.letters[number]), 1);
}

/* The rest of what is sent, all at once. */
static void expect_rest(const char *words, const char *server)
{
    thrum_buffer_clear(&run.sent);
    run.enough = SIZE_MAX;
    script_tell(&run, server);
    script_expect(&run, words, "the rest");
}

START_TEST(half_an_envelope_is_dropped)
{
    begin(&across, 2, PIPELINING);
    produce_until("MAIL FROM:<e1@x>\r\n");
    cancel(1);
    expect_rest("RSET MAIL2 RCPT2 DATA", "");
    script_tell(&run, "250 ok|250 ok|" TAKEN);
    expect_rest("", "250 B|");
    script_close(&run, "1 CANCELLED; 2 accepted 250 B; ");
}
END_TEST

START_TEST(an_envelope_without_its_DATA_is_dropped)
{
    begin(&across, 2, PIPELINING);
    produce_until("RCPT TO:<r1@x>\r\n");
    cancel(1);
    expect_rest("RSET MAIL2 RCPT2 DATA", "");
    script_tell(&run, "250 ok|250 ok|250 ok|" TAKEN);
    expect_rest("", "250 B|");
    script_close(&run, "1 CANCELLED; 2 accepted 250 B; ");
}
END_TEST

START_TEST(half_a_body_is_the_end_of_the_connection)
{
    begin(&across, 2, PIPELINING);
    produce_until("DATA\r\n");
    thrum_smtp_session_receive(run.session, "250 ok\n250 ok\n354 go\n", 21, 0);
    produce_until("From:");
    cancel(1);
    ck_assert_int_eq(thrum_smtp_session_get_state(run.session),
                     THRUM_SMTP_SESSION_ENDED);
    ck_assert_ptr_null(thrum_smtp_session_failure(run.session));
    expect_rest("", "");
    script_close(&run, "1 CANCELLED; 2 UNSENT; ");
}
END_TEST

START_TEST(an_envelope_without_its_BDAT_is_dropped)
{
    begin(&chunks, 2, CHUNKING);
    produce_until("RCPT TO:<r1@x>\r\n");
    cancel(1);
    expect_rest("RSET " MESSAGE(2), "");
    expect_rest("", "250 ok|250 ok|250 ok|" OK3 "B|");
    script_close(&run, "1 CANCELLED; 2 accepted 250 as B; ");
}
END_TEST

START_TEST(chunks_without_the_last_are_dropped)
{
    begin(&chunks, 2, CHUNKING);
    produce_until("BDAT ");
    cancel(1);
    expect_rest("RSET " MESSAGE(2), "");
    expect_rest("", "250 ok|250 ok|250 ok|250 ok|" OK3 "B|");
    script_close(&run, "1 CANCELLED; 2 accepted 250 as B; ");
}
END_TEST

START_TEST(chunks_that_were_answered_are_dropped)
{
    begin(&chunks, 2, CHUNKING);
    produce_until("BDAT ");
    thrum_smtp_session_receive(run.session, "250 ok\n250 ok\n250 ok\n", 21, 0);
    cancel(1);
    expect_rest("RSET " MESSAGE(2), "");
    expect_rest("", "250 ok|" OK3 "B|");
    script_close(&run, "1 CANCELLED; 2 accepted 250 as B; ");
}
END_TEST

START_TEST(a_chunk_refused_before_the_last_ends_the_message_there)
{
    begin(&chunks, 2, CHUNKING);
    produce_until("BDAT ");
    thrum_smtp_session_receive(run.session, "250 ok\n250 ok\n552 no\n", 21, 0);
    expect_rest("RSET " MESSAGE(2), "");
    expect_rest("", "250 ok|" OK3 "B|");
    script_close(&run, "1 REFUSED the message 552 no; 2 accepted 250 as B; ");
}
END_TEST

START_TEST(what_the_session_does_not_have_cannot_be_given_up)
{
    thrum_message *other;

    script_open(&run, &across, 1, GREETING PIPELINING);
    other = script_letter(run.context, 9, 1);
    ck_assert_int_eq(thrum_smtp_session_cancel(run.session, other), 0);
    ck_assert_int_eq(thrum_smtp_session_cancel(run.session, NULL), 0);
    thrum_message_free(other);
    cancel(1);
    ck_assert_int_eq(thrum_smtp_session_cancel(run.session, NULL), 0);
    script_close(&run, "1 CANCELLED; ");
}
END_TEST

static void scenario_of_cancels(void)
{
    if (script_begin(&run, &chunks)) {
        script_prepare(&run, &(script_step){.add = 4});
        script_tell(&run, GREETING);
        for (int i = 1; i <= 4; i++) {
            if (i <= run.given && run.letters[i] != NULL)
                thrum_smtp_session_cancel(run.session, run.letters[i]);
            if (i == 2)
                script_tell(&run, CHUNKING);
        }
        script_tell(&run, "550 no|503 no|503 no|503 no|503 no|503 no|");
    }
    script_finish(&run);
}

START_TEST(giving_up_survives_every_failing_allocation)
{
    support_every_allocation(scenario_of_cancels);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("cancel");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, a_message_that_is_given_up_ends_at_once, 0,
                        COUNT(cancelled));
    tcase_add_test(all, half_an_envelope_is_dropped);
    tcase_add_test(all, an_envelope_without_its_DATA_is_dropped);
    tcase_add_test(all, half_a_body_is_the_end_of_the_connection);
    tcase_add_test(all, an_envelope_without_its_BDAT_is_dropped);
    tcase_add_test(all, chunks_without_the_last_are_dropped);
    tcase_add_test(all, chunks_that_were_answered_are_dropped);
    tcase_add_test(all, a_chunk_refused_before_the_last_ends_the_message_there);
    tcase_add_test(all, what_the_session_does_not_have_cannot_be_given_up);
    tcase_add_test(all, giving_up_survives_every_failing_allocation);
    return support_main("session cancel", &all, 1);
}
