/* SPDX-License-Identifier: MIT */
/* What EHLO offers beyond plain SMTP: CHUNKING, SIZE, STARTTLS and so on. */
#include <string.h>

#include "tests/sink/dialogue.h"

#define OFFERS(words) "250-localhost\r\n250-PIPELINING\r\n" words LAST_OFFERS
#define CHUNKING OFFERS("250-CHUNKING\r\n")
#define OK "250 2.0.0 Ok\r\n"
#define PEOPLE "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\n"
#define WELCOME "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"
#define LARGE "552 5.3.4 The message is too large\r\n"

static const dialogue dialogues[] = {
    /* CHUNKING: RFC 3030 */
    {.name = "a message by one BDAT, and its octets are not looked into",
     .says = "EHLO c\r\n" PEOPLE "BDAT 9 LAST\r\n\r\n.\r\nQUIT" PEOPLE
             "bdat 1 last\r\nxQUIT\r\n",
     .replies = CHUNKING WELCOME OK WELCOME OK "221 2.0.0 Bye\r\n",
     .told = "a@x b@y [\r\n.\r\nQUIT]a@x b@y [x]",
     .totals = {1, 2, 2, 10, 8},
     .ends = true,
     .offers = {.chunking = true}},
    {.name = "a message by several BDATs, the last one empty",
     .says = "EHLO c\r\n" PEOPLE "BDAT 2\r\nabBDAT 0\r\nBDAT 3\r\ncdeBDAT 0 "
             "LAST\r\nNOOP\r\n",
     .replies = CHUNKING WELCOME OK OK OK OK OK,
     .told = "a@x b@y [abcde]",
     .totals = {1, 1, 1, 5, 8},
     .offers = {.chunking = true}},
    {.name = "BDAT without recipients: octets are discarded, then refused",
     .says = "EHLO c\r\nBDAT 6 LAST\r\nNOOP\r\nMAIL FROM:<a@x>\r\n"
             "BDAT 6\r\nNOOP\r\nRCPT TO:<b@y>\r\nBDAT 6\r\nNOOP\r\n"
             "MAIL FROM:<a@x>\r\nBDAT 0 LAST\r\n" PEOPLE "BDAT 0 LAST\r\n",
     .replies = CHUNKING "503 5.5.1 MAIL comes first\r\n"
                         "250 2.1.0 Ok\r\n554 5.5.1 No valid recipients\r\n"
                         "503 5.5.1 The text has begun\r\n"
                         "503 5.5.1 An earlier BDAT was refused\r\n"
                         "503 5.5.1 There is a sender already\r\n"
                         "503 5.5.1 An earlier BDAT was refused\r\n" WELCOME OK,
     .told = "a@x b@y []",
     .totals = {1, 1, 1, 0, 11},
     .offers = {.chunking = true}},
    {.name = "the last BDAT ends a transaction in which all were refused",
     .says =
         "EHLO c\r\nMAIL FROM:<a@x>\r\nRCPT TO:<>\r\nBDAT 1 LAST\r\nx" PEOPLE
         "BDAT 1 LAST\r\nx",
     .replies = CHUNKING "250 2.1.0 Ok\r\n"
                         "501 5.1.3 Syntax: RCPT TO:<address>\r\n"
                         "554 5.5.1 No valid recipients\r\n" WELCOME OK,
     .told = "a@x b@y [x]",
     .totals = {1, 1, 1, 1, 7},
     .offers = {.chunking = true}},
    {.name = "DATA and BDAT do not mix",
     .says = "EHLO c\r\n" PEOPLE "BDAT 1\r\nxDATA\r\nRCPT TO:<c@z>\r\n"
             "MAIL FROM:<a@x>\r\nBDAT 1 LAST\r\ny",
     .replies = CHUNKING WELCOME OK
     "503 5.5.1 The text has begun by BDAT\r\n503 5.5.1 The text has begun\r\n"
     "503 5.5.1 There is a sender already\r\n" OK,
     .told = "a@x b@y [xy]",
     .totals = {1, 1, 1, 2, 8},
     .offers = {.chunking = true}},
    {.name = "RSET between BDATs",
     .says = "EHLO c\r\n" PEOPLE "BDAT 1\r\nxRSET\r\nBDAT 1\r\ny" PEOPLE
             "BDAT 1 LAST\r\nz",
     .replies =
         CHUNKING WELCOME OK OK "503 5.5.1 MAIL comes first\r\n" WELCOME OK,
     .told = "a@x b@y [xa@x b@y [z]",
     .totals = {1, 1, 1, 1, 9},
     .offers = {.chunking = true}},
    {.name = "RSET after a BDAT that was refused",
     .says = "EHLO c\r\nMAIL FROM:<a@x>\r\nBDAT 1\r\nxRSET\r\n" PEOPLE
             "BDAT 1 LAST\r\nz",
     .replies = CHUNKING
     "250 2.1.0 Ok\r\n554 5.5.1 No valid recipients\r\n" OK WELCOME OK,
     .told = "a@x b@y [z]",
     .totals = {1, 1, 1, 1, 7},
     .offers = {.chunking = true}},
    {.name = "after HELO there is no BDAT",
     .says = "HELO c\r\n" PEOPLE "BDAT 6 LAST\r\nNOOP\r\nNOOP\r\n",
     .replies = "250 localhost\r\n" WELCOME "503 5.5.1 EHLO comes first\r\n" OK,
     .totals = {1, 0, 0, 0, 5},
     .offers = {.chunking = true}},
    /* SIZE: RFC 1870 */
    {.name = "a size that is announced, to the octet",
     .says = "EHLO c\r\nMAIL FROM:<a@x> SIZE=6\r\nMAIL FROM:<a@x> SIZE=5\r\n"
             "RCPT TO:<b@y>\r\nDATA\r\nabc\r\n.\r\n",
     .replies = OFFERS("250-SIZE 5\r\n") LARGE WELCOME GO OK,
     .told = "a@x b@y [abc\r\n]",
     .totals = {1, 1, 1, 5, 5},
     .offers = {.size = 5}},
    {.name =
         "a text that grows past the size: dots that SMTP adds do not count",
     .says = "EHLO c\r\n" PEOPLE "DATA\r\n...\r\n.\r\n" PEOPLE
             "DATA\r\n....\r\n.\r\n",
     .replies = OFFERS("250-SIZE 4\r\n") WELCOME GO OK WELCOME GO LARGE,
     .told = "a@x b@y [..\r\n]a@x b@y [...\r",
     .totals = {1, 1, 1, 4, 7},
     .offers = {.size = 4}},
    {.name = "BDATs that grow past the size, in the middle and at the end",
     .says =
         "EHLO c\r\n" PEOPLE "BDAT 3\r\nabcBDAT 2\r\ndeBDAT 1 LAST\r\nf" PEOPLE
         "BDAT 4\r\nabcdBDAT 1 LAST\r\ne" PEOPLE "BDAT 4 LAST\r\nabcd",
     .replies = OFFERS("250-SIZE 4\r\n250-CHUNKING\r\n") WELCOME OK LARGE
     "503 5.5.1 An earlier BDAT was refused\r\n" WELCOME OK LARGE WELCOME OK,
     .told = "a@x b@y [abcda@x b@y [abcda@x b@y [abcd]",
     .totals = {1, 1, 1, 4, 13},
     .offers = {.size = 4, .chunking = true}},
    /* SMTPUTF8: RFC 6531 */
    {.name = "addresses in UTF-8 only where MAIL asks for SMTPUTF8",
     .says = "EHLO c\r\nMAIL FROM:<\xc3\xa4@x>\r\nMAIL FROM:<a@x>\r\n"
             "RCPT TO:<\xc3\xa4@y>\r\nRSET\r\n"
             "MAIL FROM:<\xe4@x> SMTPUTF8\r\n"
             "MAIL FROM:<\xc3\xa4@x> SMTPUTF8\r\nRCPT TO:<\xc3\xb6@y>\r\n"
             "DATA\r\n.\r\n",
     .replies =
         HELLO "553 5.6.7 Non-ASCII address without SMTPUTF8\r\n"
               "250 2.1.0 Ok\r\n"
               "553 5.6.7 Non-ASCII address without SMTPUTF8\r\n" OK
               "501 5.1.3 An address that is not UTF-8\r\n" WELCOME GO OK,
     .told = "\xc3\xa4@x \xc3\xb6@y []",
     .totals = {1, 1, 1, 0, 9}},
    /* DSN: RFC 3461 */
    {.name = "what is asked for of notifications",
     .says = "EHLO c\r\nMAIL FROM:<a@x> RET=ALL\r\n"
             "MAIL FROM:<a@x> RET=HDRS ENVID=x+2By\r\n"
             "RCPT TO:<b@y> NOTIFY=NEVER,DELAY\r\n"
             "RCPT TO:<b@y> NOTIFY=DELAY ORCPT=rfc822;b@y\r\n"
             "DATA\r\n.\r\n",
     .replies = HELLO "501 5.5.4 Syntax error in a parameter\r\n"
                      "250 2.1.0 Ok\r\n"
                      "501 5.5.4 Syntax error in a parameter\r\n"
                      "250 2.1.5 Ok\r\n" GO OK,
     .told = "a@x b@y []",
     .totals = {1, 1, 1, 0, 6}},
    {.name = "parameters after HELO",
     .says = "HELO c\r\nMAIL FROM:<a@x> BODY=8BITMIME\r\n"
             "MAIL FROM:<a@x>\r\nRCPT TO:<b@y> NOTIFY=NEVER\r\n",
     .replies = "250 localhost\r\n555 5.5.4 Parameter is not offered\r\n"
                "250 2.1.0 Ok\r\n555 5.5.4 Parameter is not offered\r\n",
     .totals = {1, 0, 0, 0, 4}},
    /* STARTTLS: RFC 3207 */
    {.name = "STARTTLS comes behind EHLO, and alone",
     .says = "STARTTLS\r\nHELO c\r\nSTARTTLS\r\nEHLO c\r\nSTARTTLS x\r\n"
             "STARTTLS\r\n",
     .replies =
         "503 5.5.1 EHLO comes first\r\n250 localhost\r\n"
         "503 5.5.1 EHLO comes first\r\n" OFFERS(
             "250-STARTTLS\r\n") "501 5.5.4 Syntax error in the argument\r\n"
                                 "220 2.0.0 Go on with TLS\r\n",
     .totals = {1, 0, 0, 0, 6},
     .offers = {.tls = true}},
    {.name = "within TLS there is no other",
     .says = "EHLO c\r\nSTARTTLS\r\n",
     .replies = HELLO "503 5.5.1 There is TLS already\r\n",
     .totals = {1, 0, 0, 0, 2},
     .offers = {.tls = true},
     .secure = true},
};

START_TEST(a_dialogue_goes_the_same_way_however_its_bytes_arrive)
{
    dialogue_run(&dialogues[_i]);
}
END_TEST

/* ---- BDAT ---- */

START_TEST(a_count_that_cannot_be_read_ends_the_session)
{
    static const char *const wrong[] = {
        "BDAT\r\n",          "BDAT x\r\n",     "BDAT -1\r\n",
        "BDAT 1x\r\n",       "BDAT 1 LAS\r\n", "BDAT 1  LAST\r\n",
        "BDAT 1 LAST x\r\n", "BDAT LAST\r\n",  "BDAT 10000000000000000000\r\n",
    };
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    self.config.chunking = true;
    peer_tell(&self, "EHLO c\r\n" PEOPLE);
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, wrong[_i]);
    peer_tell(&self, "NOOP\r\n");
    assert_text(&self.replies, "501 5.5.4 Syntax: BDAT octets [LAST]\r\n",
                wrong[_i]);
    ck_assert_int_eq(self.session.stage, SINK_STAGE_ENDED);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

START_TEST(the_largest_count_is_waited_for)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    self.config.chunking = true;
    peer_tell(&self,
              "EHLO c\r\n" PEOPLE "BDAT 9999999999999999999\r\nNOOP\r\n");
    ck_assert_uint_eq(self.session.chunk, 9999999999999999999U - 6);
    ck_assert_int_eq(self.session.stage, SINK_STAGE_CHUNK);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

/* The event that fails, and what the first and the last BDAT get for it. */
static const struct {
    int event;
    const char *replies;
} refusals[] = {
    {'b', "452 4.3.1 No room for a message\r\n"
          "503 5.5.1 An earlier BDAT was refused\r\n"},
    {'t', "452 4.3.1 The message was not kept\r\n"
          "503 5.5.1 An earlier BDAT was refused\r\n"},
    {'e', OK "452 4.3.1 The message was not kept\r\n"},
};

START_TEST(a_message_by_bdat_that_cannot_be_kept_is_refused)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    self.config.chunking = true;
    peer_tell(&self, "EHLO c\r\n" PEOPLE);
    thrum_buffer_clear(&self.replies);
    self.refuse = refusals[_i].event;
    peer_tell(&self, "BDAT 2\r\nabBDAT 2 LAST\r\ncd");
    assert_text(&self.replies, refusals[_i].replies, "refused");
    self.refuse = 0;
    thrum_buffer_clear(&self.told);
    peer_tell(&self, PEOPLE "BDAT 2 LAST\r\nef");
    assert_text(&self.told, "a@x b@y [ef]", "the next one");
    ck_assert_uint_eq(self.totals.messages, 1);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

START_TEST(a_last_bdat_after_the_close_is_answered_with_421)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    self.config.chunking = true;
    peer_tell(&self, "EHLO c\r\n" PEOPLE "BDAT 2 LAST\r\na");
    sink_session_close(&self.session);
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, "b");
    assert_text(&self.replies, "421 4.3.2 The sink is closing\r\n", "LAST");
    ck_assert_int_eq(self.session.stage, SINK_STAGE_ENDED);
    ck_assert_uint_eq(self.totals.messages, 0);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

/* Who pipelines cannot know that MAIL will be refused. */
START_TEST(what_follows_a_refused_mail_is_not_held_against_a_client)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    self.config.chunking = true;
    self.config.size = 10;
    peer_tell(&self, "EHLO c\r\n");
    for (int i = 0; i < 200; i++)
        peer_tell(&self, "MAIL FROM:<a@x> SIZE=11\r\nRCPT TO:<b@y>\r\n"
                         "BDAT 1 LAST\r\nxDATA\r\n");
    peer_tell(&self, PEOPLE "BDAT 1 LAST\r\ny");
    assert_text(&self.told, "a@x b@y [y]", "told");
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

/* ---- STARTTLS ---- */

START_TEST(bytes_behind_starttls_end_the_session_and_are_not_heard)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    self.config.tls = true;
    peer_tell(&self, "EHLO c\r\n");
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, "NOOP\r\nSTARTTLS\r\nNOOP\r\n");
    assert_text(&self.replies, OK "554 5.5.0 Bytes behind STARTTLS\r\n",
                "injected");
    ck_assert_int_eq(self.session.stage, SINK_STAGE_ENDED);
    ck_assert_uint_eq(self.totals.commands, 3);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

START_TEST(bytes_in_the_clear_instead_of_a_handshake_end_the_session)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    self.config.tls = true;
    peer_tell(&self, "EHLO c\r\nSTARTTLS\r\n");
    ck_assert_int_eq(self.session.stage, SINK_STAGE_HANDSHAKE);
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, "NOOP\r\n");
    assert_text(&self.replies, "554 5.5.0 Bytes behind STARTTLS\r\n", "clear");
    ck_assert_int_eq(self.session.stage, SINK_STAGE_ENDED);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

START_TEST(tls_forgets_what_was_said_before_it)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    self.config.tls = true;
    peer_tell(&self, "EHLO c\r\n" PEOPLE "STARTTLS\r\n");
    sink_session_secured(&self.session);
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nEHLO c\r\nDATA\r\n");
    assert_text(&self.replies,
                "503 5.5.1 EHLO or HELO comes first\r\n"
                "503 5.5.1 MAIL comes first\r\n" HELLO
                "503 5.5.1 MAIL comes first\r\n",
                "secured");
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

/* ---- Memory ---- */

/* Whatever fails, a message that was answered with 250 was told whole. */
static void scenario_offers(void)
{
    static const char says[] =
        "EHLO c\r\nMAIL FROM:<a@x> SIZE=4 RET=FULL ENVID=x\r\n"
        "RCPT TO:<b@y> NOTIFY=DELAY ORCPT=rfc822;b@y\r\n"
        "BDAT 2\r\nabBDAT 2 LAST\r\ncdQUIT\r\n";
    thrum_context *context = support_context();
    peer self;

    if (context == NULL)
        return;
    peer_init(&self, context);
    self.config.chunking = true;
    self.config.size = 4;
    for (size_t i = 0; i < sizeof says - 1; i++)
        peer_say(&self, says + i, 1);
    if (self.totals.messages == 1)
        assert_text(&self.told, "a@x b@y [abcd]", "told");
    else
        ck_assert(support_failed());
    peer_fini(&self);
    support_context_end(context);
}

START_TEST(the_offers_bear_the_failure_of_every_allocation)
{
    support_every_allocation(scenario_offers);
}
END_TEST

int main(void)
{
    TCase *one = tcase_create("offers");

    tcase_set_timeout(one, 0);
    tcase_add_loop_test(one,
                        a_dialogue_goes_the_same_way_however_its_bytes_arrive,
                        0, sizeof dialogues / sizeof *dialogues);
    tcase_add_loop_test(one, a_count_that_cannot_be_read_ends_the_session, 0,
                        9);
    tcase_add_test(one, the_largest_count_is_waited_for);
    tcase_add_loop_test(one, a_message_by_bdat_that_cannot_be_kept_is_refused,
                        0, sizeof refusals / sizeof *refusals);
    tcase_add_test(one, a_last_bdat_after_the_close_is_answered_with_421);
    tcase_add_test(one,
                   what_follows_a_refused_mail_is_not_held_against_a_client);
    tcase_add_test(one,
                   bytes_behind_starttls_end_the_session_and_are_not_heard);
    tcase_add_test(one,
                   bytes_in_the_clear_instead_of_a_handshake_end_the_session);
    tcase_add_test(one, tls_forgets_what_was_said_before_it);
    tcase_add_test(one, the_offers_bear_the_failure_of_every_allocation);
    return support_main("sink offers", &one, 1);
}
