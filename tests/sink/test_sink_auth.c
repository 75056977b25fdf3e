/* SPDX-License-Identifier: MIT */
/* AUTH (RFC 4954) as a session speaks it, for the user tim with pencil. */
#include <string.h>

#include "tests/sink/dialogue.h"

static sink_account account;

#define MECHANISMS                                                             \
    "250-AUTH SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN CRAM-MD5 XOAUTH2 "         \
    "OAUTHBEARER\r\n"
#define OFFERED "250-localhost\r\n250-PIPELINING\r\n" MECHANISMS LAST_OFFERS
#define IN "235 2.7.0 Welcome\r\n"
#define OUT "535 5.7.8 Credentials are not valid\r\n"
#define PLAIN "AHRpbQBwZW5jaWw="
#define PLAIN_WRONG "AHRpbQBwZW4="
#define TIM "dGlt"
#define PENCIL "cGVuY2ls"
#define BEARER "dXNlcj10aW0BYXV0aD1CZWFyZXIgcGVuY2lsAQE="
#define BEARER_WRONG "dXNlcj10aW0BYXV0aD1CZWFyZXIgeAEB"
#define BEARER_REFUSED                                                         \
    "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJtYWlsIn0="

static const dialogue dialogues[] = {
    {.name = "no mail before AUTH, and then as much as one likes",
     .says = "EHLO c\r\n" ENVELOPE "AUTH PLAIN " PLAIN "\r\n" ENVELOPE
             "x\r\n.\r\nAUTH PLAIN " PLAIN "\r\n",
     .replies = OFFERED "530 5.7.0 Authentication required\r\n"
                        "503 5.5.1 MAIL comes first\r\n"
                        "503 5.5.1 MAIL comes first\r\n" IN TAKEN
                        "250 2.0.0 Ok\r\n503 5.5.1 Authenticated already\r\n",
     .told = "a@x b@y [x\r\n]",
     .totals = {1, 1, 1, 3, 9},
     .offers = {.account = &account}},
    {.name = "a response in a line of its own, and an empty one",
     .says = "EHLO c\r\nauth plain\r\n" PLAIN "\r\n",
     .replies = OFFERED "334 \r\n" IN,
     .totals = {1, 0, 0, 0, 2},
     .offers = {.account = &account}},
    {.name = "a wrong password, and the right one",
     .says = "EHLO c\r\nAUTH PLAIN " PLAIN_WRONG "\r\nMAIL FROM:<a@x>\r\n"
             "AUTH PLAIN " PLAIN "\r\nMAIL FROM:<a@x>\r\n",
     .replies = OFFERED OUT "530 5.7.0 Authentication required\r\n" IN
                            "250 2.1.0 Ok\r\n",
     .totals = {1, 0, 0, 0, 5},
     .offers = {.account = &account}},
    {.name = "LOGIN",
     .says = "EHLO c\r\nAUTH LOGIN\r\n" TIM "\r\n" PENCIL "\r\n",
     .replies = OFFERED "334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n" IN,
     .totals = {1, 0, 0, 0, 2},
     .offers = {.account = &account}},
    {.name = "A5 a token that is refused: 334, anything, 535",
     .says = "EHLO c\r\nAUTH XOAUTH2 " BEARER_WRONG "\r\n\r\n"
             "AUTH XOAUTH2 " BEARER "\r\n",
     .replies = OFFERED "334 " BEARER_REFUSED "\r\n" OUT IN,
     .totals = {1, 0, 0, 0, 3},
     .offers = {.account = &account}},
    {.name = "A7 cancelled",
     .says = "EHLO c\r\nAUTH LOGIN\r\n*\r\nNOOP\r\n",
     .replies = OFFERED "334 VXNlcm5hbWU6\r\n501 5.7.0 Cancelled\r\n"
                        "250 2.0.0 Ok\r\n",
     .totals = {1, 0, 0, 0, 3},
     .offers = {.account = &account}},
    {.name = "what is no base64, and what the mechanism does not ask for",
     .says = "EHLO c\r\nAUTH PLAIN x\r\nAUTH PLAIN =\r\nAUTH PLAIN\r\n"
             "AHRpbQB\r\nAUTH PLAIN " TIM "\r\nAUTH CRAM-MD5 " TIM "\r\n",
     .replies = OFFERED "501 5.5.2 Not base64\r\n"
                        "501 5.5.2 Not what the mechanism asks for\r\n"
                        "334 \r\n501 5.5.2 Not base64\r\n"
                        "501 5.5.2 Not what the mechanism asks for\r\n"
                        "501 5.5.4 The server speaks first here\r\n",
     .totals = {1, 0, 0, 0, 6},
     .offers = {.account = &account}},
    {.name = "AUTH out of its order",
     .says = "AUTH PLAIN " PLAIN "\r\nHELO c\r\nAUTH PLAIN " PLAIN "\r\n"
             "EHLO c\r\nAUTH\r\nAUTH GSSAPI\r\n",
     .replies = "503 5.5.1 EHLO comes first\r\n250 localhost\r\n"
                "503 5.5.1 EHLO comes first\r\n" OFFERED
                "501 5.5.4 Syntax: AUTH mechanism\r\n"
                "504 5.5.4 Mechanism is not offered\r\n",
     .totals = {1, 0, 0, 0, 6},
     .offers = {.account = &account}},
    {.name = "without an account there is no AUTH",
     .says = "EHLO c\r\nAUTH PLAIN " PLAIN "\r\nMAIL FROM:<a@x> AUTH=<>\r\n",
     .replies = HELLO "502 5.5.1 Command is not offered\r\n"
                      "555 5.5.4 Parameter is not offered\r\n",
     .totals = {1, 0, 0, 0, 3}},
    {.name = "AUTH= of MAIL",
     .says = "EHLO c\r\nAUTH PLAIN " PLAIN "\r\nMAIL FROM:<a@x> AUTH=\r\n"
             "MAIL FROM:<a@x> AUTH=a+2Bb@x\r\n",
     .replies = OFFERED IN "501 5.5.4 Syntax error in a parameter\r\n"
                           "250 2.1.0 Ok\r\n",
     .totals = {1, 0, 0, 0, 4},
     .offers = {.account = &account}},
    {.name = "A1 in the clear, where there could be TLS, none is taken",
     .says = "EHLO c\r\nAUTH PLAIN " PLAIN "\r\nMAIL FROM:<a@x>\r\n",
     .replies =
         "250-localhost\r\n250-PIPELINING\r\n250-STARTTLS\r\n" LAST_OFFERS
         "538 5.7.11 Encryption required\r\n"
         "530 5.7.0 Authentication required\r\n",
     .totals = {1, 0, 0, 0, 3},
     .offers = {.account = &account, .tls = true}},
    {.name = "within TLS it is",
     .says = "EHLO c\r\nAUTH PLAIN " PLAIN "\r\nMAIL FROM:<a@x>\r\n",
     .replies = OFFERED IN "250 2.1.0 Ok\r\n",
     .totals = {1, 0, 0, 0, 3},
     .offers = {.account = &account, .tls = true},
     .secure = true},
};

START_TEST(a_dialogue_goes_the_same_way_however_its_bytes_arrive)
{
    dialogue_run(&dialogues[_i]);
}
END_TEST

START_TEST(tls_forgets_who_authenticated)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    self.config.account = &account;
    peer_tell(&self, "EHLO c\r\nAUTH PLAIN " PLAIN "\r\n");
    ck_assert_str_eq(self.session.mechanism, "PLAIN");
    sink_session_secured(&self.session);
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, "EHLO c\r\nMAIL FROM:<a@x>\r\n");
    assert_text(&self.replies, OFFERED "530 5.7.0 Authentication required\r\n",
                "forgotten");
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

/* ---- Lengths ---- */

static void say_auth(peer *self, const char *before, size_t size)
{
    static char line[SINK_SASL_MOST * 2];

    memset(line, 'A', sizeof line);
    memcpy(line, before, strlen(before));
    memcpy(line + size - 2, "\r\n", 2);
    thrum_buffer_clear(&self->replies);
    for (size_t at = 0; at < size; at += 1000)
        peer_say(self, line + at, size - at < 1000 ? size - at : 1000);
}

START_TEST(a6_a_command_has_512_octets_and_a_response_12288)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    self.config.account = &account;
    peer_tell(&self, "EHLO c\r\n");
    say_auth(&self, "AUTH PLAIN ", 511);
    assert_text(&self.replies, "501 5.5.2 Not base64\r\n", "511");
    say_auth(&self, "AUTH XPLAIN ", 512);
    assert_text(&self.replies, "504 5.5.4 Mechanism is not offered\r\n", "512");
    say_auth(&self, "AUTH PLAIN ", 513);
    assert_text(&self.replies, "500 5.5.6 Longer than 512 octets\r\n", "513");
    peer_tell(&self, "AUTH PLAIN\r\n");
    say_auth(&self, "", 12286);
    assert_text(&self.replies, "501 5.5.2 Not what the mechanism asks for\r\n",
                "12286");
    peer_tell(&self, "AUTH PLAIN\r\n");
    say_auth(&self, "", 12289);
    assert_text(&self.replies, "500 5.5.6 Line too long\r\n", "12289");
    ck_assert_int_eq(self.session.stage, SINK_STAGE_ENDED);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

START_TEST(a_session_that_ends_within_auth_forgets_it)
{
    thrum_context *context = support_context();
    peer self;

    peer_init(&self, context);
    self.config.account = &account;
    peer_tell(&self, "EHLO c\r\nAUTH CRAM-MD5\r\n");
    ck_assert_ptr_nonnull(self.session.exchange);
    sink_session_end(&self.session);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

START_TEST(nonces_do_not_repeat)
{
    thrum_context *context = support_context();
    char first[64];
    peer self;

    peer_init(&self, context);
    self.config.account = &account;
    peer_tell(&self, "EHLO c\r\n");
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, "AUTH CRAM-MD5\r\n");
    ck_assert_uint_gt(self.replies.size, 40);
    memcpy(first, self.replies.data, 40);
    peer_tell(&self, "*\r\n");
    thrum_buffer_clear(&self.replies);
    peer_tell(&self, "AUTH CRAM-MD5\r\n");
    ck_assert_mem_ne(first, self.replies.data, 40);
    peer_fini(&self);
    support_context_end(context);
}
END_TEST

/* Whatever fails, who is let in has said the password. */
static void scenario_auth(void)
{
    thrum_context *context = support_context();
    peer self;

    if (context == NULL)
        return;
    peer_init(&self, context);
    self.config.account = &account;
    peer_tell(&self, "EHLO c\r\nAUTH LOGIN\r\n" TIM "\r\n" PENCIL "\r\n"
                     "MAIL FROM:<a@x>\r\n");
    if (self.session.stage != SINK_STAGE_MAIL)
        ck_assert(support_failed());
    else
        ck_assert_str_eq(self.session.mechanism, "LOGIN");
    peer_fini(&self);
    support_context_end(context);
}

START_TEST(auth_bears_the_failure_of_every_allocation)
{
    support_every_allocation(scenario_auth);
}
END_TEST

int main(void)
{
    TCase *one = tcase_create("auth");

    sink_account_set(&account, (thrum_bytes){"tim", 3},
                     (thrum_bytes){"pencil", 6}, (thrum_bytes){"salt", 4});
    tcase_set_timeout(one, 0);
    tcase_add_loop_test(one,
                        a_dialogue_goes_the_same_way_however_its_bytes_arrive,
                        0, sizeof dialogues / sizeof *dialogues);
    tcase_add_test(one, tls_forgets_who_authenticated);
    tcase_add_test(one, a6_a_command_has_512_octets_and_a_response_12288);
    tcase_add_test(one, a_session_that_ends_within_auth_forgets_it);
    tcase_add_test(one, nonces_do_not_repeat);
    tcase_add_test(one, auth_bears_the_failure_of_every_allocation);
    return support_main("sink auth", &one, 1);
}
