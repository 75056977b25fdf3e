/* SPDX-License-Identifier: MIT */
/* The sink's side of plain SMTP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sink/dialogue.h"

static const dialogue dialogues[] = {
    {.name = "a message in the plain order",
     .says = "EHLO c\r\n" ENVELOPE "Hello\r\n.\r\nQUIT\r\n",
     .replies = HELLO TAKEN "250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n",
     .told = "a@x b@y [Hello\r\n]",
     .totals = {1, 1, 1, 7, 5},
     .ends = true},
    {.name = "two messages, the second's envelope behind the first's text",
     .says = "EHLO c\r\n" ENVELOPE "1\r\n.\r\n" ENVELOPE "..2\r\n.\r\n",
     .replies = HELLO TAKEN "250 2.0.0 Ok\r\n" TAKEN "250 2.0.0 Ok\r\n",
     .told = "a@x b@y [1\r\n]a@x b@y [.2\r\n]",
     .totals = {1, 2, 2, 7, 7}},
    {.name = "commands in lower case, and blanks at the ends of lines",
     .says = "ehlo c \r\nmail from:<a@x> \r\nrcpt to:<b@y>  \r\ndata \r\n"
             ".\r\nquit \r\n",
     .replies = HELLO TAKEN "250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n",
     .told = "a@x b@y []",
     .totals = {1, 1, 1, 0, 5},
     .ends = true},
    {.name = "HELO, no sender, several recipients",
     .says = "HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@y>\r\n"
             "RCPT TO:<Postmaster>\r\nRCPT TO:<\"c d>\"@z>\r\nDATA\r\n"
             "x\r\n.\r\n",
     .replies = "250 localhost\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
                "250 2.1.5 Ok\r\n250 2.1.5 Ok\r\n" GO "250 2.0.0 Ok\r\n",
     .told = " b@y Postmaster \"c d>\"@z [x\r\n]",
     .totals = {1, 1, 3, 3, 6}},
    {.name = "MAIL before a greeting",
     .says = "MAIL FROM:<a@x>\r\n",
     .replies = "503 5.5.1 EHLO or HELO comes first\r\n",
     .totals = {.connections = 1, .commands = 1}},
    {.name = "RCPT and DATA before MAIL",
     .says = "EHLO c\r\nRCPT TO:<b@y>\r\nDATA\r\n",
     .replies =
         HELLO "503 5.5.1 MAIL comes first\r\n503 5.5.1 MAIL comes first\r\n",
     .totals = {.connections = 1, .commands = 3}},
    {.name = "MAIL within a transaction, and DATA without a recipient",
     .says = "EHLO c\r\nMAIL FROM:<a@x>\r\nMAIL FROM:<a@x>\r\nDATA\r\n",
     .replies = HELLO "250 2.1.0 Ok\r\n503 5.5.1 There is a sender already\r\n"
                      "554 5.5.1 No valid recipients\r\n",
     .totals = {.connections = 1, .commands = 4}},
    {.name = "RSET and EHLO end a transaction",
     .says = "EHLO c\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nRSET\r\nDATA\r\n"
             "MAIL FROM:<a@x>\r\nEHLO c\r\nRCPT TO:<b@y>\r\n",
     .replies = HELLO "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n250 2.0.0 Ok\r\n"
                      "503 5.5.1 MAIL comes first\r\n250 2.1.0 Ok\r\n" HELLO
                      "503 5.5.1 MAIL comes first\r\n",
     .totals = {.connections = 1, .commands = 8}},
    {.name = "a refused recipient beside one that is taken",
     .says = "EHLO c\r\nMAIL FROM:<a@x>\r\nRCPT TO:b@y\r\nRCPT TO:<b@y>\r\n"
             "DATA\r\n.\r\n",
     .replies = HELLO "250 2.1.0 Ok\r\n"
                      "501 5.1.3 Syntax: RCPT TO:<address>\r\n"
                      "250 2.1.5 Ok\r\n" GO "250 2.0.0 Ok\r\n",
     .told = "a@x b@y []",
     .totals = {1, 1, 1, 0, 5}},
    {.name = "parameters: those that were offered, and others",
     .says = "EHLO c\r\nMAIL FROM:<a@x> SIZE=7\r\n"
             "MAIL FROM:<a@x> BODY=8BITMIME\r\n"
             "RCPT TO:<b@y> RRVS=1\r\n",
     .replies = HELLO "555 5.5.4 Parameter is not offered\r\n"
                      "250 2.1.0 Ok\r\n555 5.5.4 Parameter is not offered\r\n",
     .totals = {.connections = 1, .commands = 4}},
    {.name = "what is known and not offered, and what is not known",
     .says = "STARTTLS\r\nAUTH PLAIN AGEAYg==\r\nBDAT 3 LAST\r\nHELP\r\n"
             "XYZZY\r\nMAILFROM:<a@x>\r\n\r\n",
     .replies = "502 5.5.1 Command is not offered\r\n"
                "502 5.5.1 Command is not offered\r\n"
                "502 5.5.1 Command is not offered\r\n"
                "502 5.5.1 Command is not offered\r\n"
                "500 5.5.2 Unknown command\r\n500 5.5.2 Unknown command\r\n"
                "500 5.5.2 Unknown command\r\n",
     .totals = {.connections = 1, .commands = 7}},
    {.name = "arguments where none belong, and none where they do",
     .says = "EHLO\r\nHELO\r\nVRFY\r\nRSET x\r\nDATA x\r\nQUIT x\r\n"
             "NOOP x\r\nVRFY b\r\n",
     .replies = "501 5.5.4 Syntax error in the argument\r\n"
                "501 5.5.4 Syntax error in the argument\r\n"
                "501 5.5.4 Syntax error in the argument\r\n"
                "501 5.5.4 Syntax error in the argument\r\n"
                "501 5.5.4 Syntax error in the argument\r\n"
                "501 5.5.4 Syntax error in the argument\r\n"
                "250 2.0.0 Ok\r\n252 2.5.0 Send it and see\r\n",
     .totals = {.connections = 1, .commands = 8}},
    {.name = "a bare LF or CR does not end a line",
     .says = "NOOP\nNOOP\r\nNOOP\rNOOP\r\nNOOP\r\n",
     .replies = "500 5.5.2 Control characters\r\n"
                "500 5.5.2 Control characters\r\n250 2.0.0 Ok\r\n",
     .totals = {.connections = 1, .commands = 3}},
    {.name = "after QUIT nothing is heard",
     .says = "QUIT\r\nNOOP\r\n",
     .replies = "221 2.0.0 Bye\r\n",
     .totals = {.connections = 1, .commands = 1},
     .ends = true},
};

START_TEST(a_dialogue_goes_the_same_way_however_its_bytes_arrive)
{
    dialogue_run(&dialogues[_i]);
}
END_TEST

START_TEST(pipelining_is_offered_only_when_the_sink_is_told_to)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    self.config.pipelining = false;
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, "EHLO c\r\n");
    assert_text(&self.replies, "250-localhost\r\n" LAST_OFFERS, "EHLO");
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

/* ---- Bounds ---- */

/* A line of `size` bytes, its CR LF included, in pieces of `piece` bytes. */
static void say_long_line(peer *self, size_t size, size_t piece)
{
    char line[4096];

    memset(line, 'a', sizeof line);
    memcpy(line, "NOOP ", 5);
    memcpy(line + size - 2, "\r\n", 2);
    thrum_buffer_clear(&self->replies);
    for (size_t at = 0; at < size; at += piece)
        peer_say(self, line + at, size - at < piece ? size - at : piece);
}

START_TEST(a_line_of_2048_bytes_is_read_and_a_longer_one_ends_the_session)
{
    static const size_t pieces[] = {1, 2, 7, 2047, 2048, 2049, 4096};
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    say_long_line(&self, 2048, pieces[_i]);
    assert_text(&self.replies, "250 2.0.0 Ok\r\n", "2048");
    say_long_line(&self, 2049, pieces[_i]);
    assert_text(&self.replies, "500 5.5.2 Line too long\r\n", "2049");
    ck_assert_int_eq(self.session.stage, SINK_STAGE_ENDED);
    ck_assert_uint_eq(self.totals.commands, 2);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

START_TEST(a_client_that_only_errs_is_sent_away)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    for (int i = 0; i < 100; i++)
        peer_tell(&self, "FOO\r\n");
    ck_assert_int_eq(self.session.stage, SINK_STAGE_FRESH);
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, "FOO\r\n");
    assert_text(&self.replies, "421 4.7.0 Too many errors\r\n", "the 101st");
    ck_assert_int_eq(self.session.stage, SINK_STAGE_ENDED);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

START_TEST(a_message_has_at_most_a_thousand_recipients)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    peer_tell(&self, "EHLO c\r\nMAIL FROM:<a@x>\r\n");
    for (int i = 0; i < 1000; i++)
        peer_tell(&self, "RCPT TO:<b@y>\r\n");
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, "RCPT TO:<c@z>\r\nDATA\r\n.\r\n");
    assert_text(&self.replies,
                "452 4.5.3 Too many recipients\r\n" GO "250 2.0.0 Ok\r\n",
                "the next");
    ck_assert_uint_eq(self.totals.recipients, 1000);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

START_TEST(sixty_four_kib_of_the_commands_with_the_longest_replies_are_answered)
{
    thrum_context *context = support_context();
    char all[64 * 1024];
    peer self;

    for (size_t i = 0; i < sizeof all; i += 8)
        memcpy(all + i, "EHLO c\r\n", 8);
    peer_init(&self, context);
    thrum_buffer_clear(&self.replies);
    peer_say(&self, all, sizeof all);
    ck_assert_uint_eq(self.replies.size, sizeof all / 8 * strlen(HELLO));
    ck_assert_int_eq(self.session.stage, SINK_STAGE_READY);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

/* ---- Refusals of the owner ---- */

typedef struct refusal {
    int event;
    const char *replies;
} refusal;

static const refusal refusals[] = {
    {'b', "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
          "452 4.3.1 No room for a message\r\n"},
    {'t', TAKEN "452 4.3.1 The message was not kept\r\n"},
    {'e', TAKEN "452 4.3.1 The message was not kept\r\n"},
};

START_TEST(a_message_that_cannot_be_kept_is_refused_and_not_counted)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    peer_tell(&self, "EHLO c\r\n");
    thrum_buffer_clear(&self.replies);
    self.refuse = refusals[_i].event;
    peer_tell(&self, ENVELOPE);
    if (self.refuse != 'b')
        peer_tell(&self, "Hello\r\n.\r\n");
    assert_text(&self.replies, refusals[_i].replies, "refused");
    self.refuse = 0;
    thrum_buffer_clear(&self.told);
    peer_tell(&self, ENVELOPE "Hi\r\n.\r\n");
    assert_text(&self.told, "a@x b@y [Hi\r\n]", "the next one");
    ck_assert_uint_eq(self.totals.messages, 1);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

START_TEST(a_closed_session_takes_no_message_but_lets_its_client_quit)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    peer_tell(&self, "EHLO c\r\n");
    sink_session_close(&self.session);
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, "NOOP\r\nQUIT\r\n");
    assert_text(&self.replies, "250 2.0.0 Ok\r\n221 2.0.0 Bye\r\n", "QUIT");
    peer_fini(&self);
    peer_init(&self, context);
    peer_tell(&self, "EHLO c\r\n");
    sink_session_close(&self.session);
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, ENVELOPE);
    assert_text(&self.replies, "421 4.3.2 The sink is closing\r\n", "MAIL");
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

START_TEST(a_text_that_ends_after_the_close_is_answered_with_421)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    peer_tell(&self, "EHLO c\r\n" ENVELOPE "Hel");
    sink_session_close(&self.session);
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, "lo\r\n.\r\n");
    assert_text(&self.replies, "421 4.3.2 The sink is closing\r\n", "dot");
    ck_assert_uint_eq(self.totals.messages, 0);
    ck_assert_int_eq(self.session.stage, SINK_STAGE_ENDED);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

START_TEST(an_ended_session_says_so_once)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    thrum_buffer_clear(&self.replies);
    sink_session_end(&self.session);
    sink_session_end(&self.session);
    peer_collect(&self);
    peer_tell(&self, "NOOP\r\n");
    assert_text(&self.replies, "421 4.3.2 The sink is closing\r\n", "end");
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

/* Whatever fails, a message that was answered with 250 was told whole. */
static void scenario_dialogue(void)
{
    static const char hello[] = "EHLO c\r\n";
    static const char rest[] = ENVELOPE "Hello\r\n.\r\nQUIT\r\n";
    thrum_context *context = support_context();
    sink_totals totals = {0};
    sink_session_config config = {
        .events = &peer_events, .totals = &totals, .pipelining = true};
    peer self = {0};

    if (context == NULL)
        return;
    thrum_buffer_init(&self.told, context, SIZE_MAX);
    sink_session_init(&self.session, context, &config, &self);
    thrum_buffer_clear(&self.session.replies);
    for (size_t i = 0; i < sizeof hello - 1; i++)
        sink_session_receive(&self.session, hello + i, 1);
    sink_session_receive(&self.session, rest, sizeof rest - 1);
    if (totals.messages == 1)
        assert_text(&self.told, "a@x b@y [Hello\r\n]", "told");
    else
        ck_assert(support_failed());
    sink_session_fini(&self.session);
    thrum_buffer_fini(&self.told);
    support_context_end(context);
}

START_TEST(a_session_bears_the_failure_of_every_allocation)
{
    support_every_allocation(scenario_dialogue);
}
END_TEST

static TCase *case_dialogues(void)
{
    TCase *one = tcase_create("dialogues");

    tcase_set_timeout(one, 0);
    tcase_add_loop_test(one,
                        a_dialogue_goes_the_same_way_however_its_bytes_arrive,
                        0, sizeof dialogues / sizeof *dialogues);
    tcase_add_test(one, pipelining_is_offered_only_when_the_sink_is_told_to);
    tcase_add_loop_test(
        one, a_line_of_2048_bytes_is_read_and_a_longer_one_ends_the_session, 0,
        7);
    tcase_add_test(one, a_client_that_only_errs_is_sent_away);
    tcase_add_test(one, a_message_has_at_most_a_thousand_recipients);
    tcase_add_test(
        one,
        sixty_four_kib_of_the_commands_with_the_longest_replies_are_answered);
    tcase_add_loop_test(
        one, a_message_that_cannot_be_kept_is_refused_and_not_counted, 0,
        sizeof refusals / sizeof *refusals);
    tcase_add_test(one,
                   a_closed_session_takes_no_message_but_lets_its_client_quit);
    tcase_add_test(one, a_text_that_ends_after_the_close_is_answered_with_421);
    tcase_add_test(one, an_ended_session_says_so_once);
    tcase_add_test(one, a_session_bears_the_failure_of_every_allocation);
    return one;
}

int main(void)
{
    TCase *one = case_dialogues();

    return support_main("sink session", &one, 1);
}
