/* SPDX-License-Identifier: MIT */
/*
 * Logging in, as a dialogue: what the server says, and the bytes that it gets.
 * The names begin with the hazards that they show.
 */
#include <string.h>

#include "tests/smtp/talk.h"
#include "tests/support/support.h"

#define SECRET "tanstaaftanstaaf"
#define SECRET_64 "dGFuc3RhYWZ0YW5zdGFhZg=="
#define PLAIN_64 "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
#define OAUTH_64                                                               \
    "bixhPXRpbSwBaG9zdD1teC5leGFtcGxlAXBvcnQ9NDY1AWF1dGg9QmVhcmVyIHRhbnN0YWFm" \
    "dGFuc3RhYWYBAQ=="
#define XOAUTH_64 "dXNlcj10aW0BYXV0aD1CZWFyZXIgdGFuc3RhYWZ0YW5zdGFhZgEB"
#define JSON_64 "eyJzdGF0dXMiOiI0MDEifQ=="

enum { STEPS = 8 };

/* What the server says, and what it is then sent; "|" stands for CRLF. */
typedef struct step {
    const char *server;
    const char *client;
} step;

typedef struct dialogue {
    const char *name;
    const char *offers;  /* behind AUTH; NULL: there is no AUTH */
    unsigned mechanisms; /* that the account may use */
    step steps[STEPS];   /* from the answer to EHLO on */
    int failure;         /* the session's code; 0: it is ready */
    const char *text;    /* of the failure; NULL: not looked at */
} dialogue;

static void talk_is_at_its_end(const talk *self, const dialogue *table)
{
    const thrum_failure *why = thrum_smtp_session_failure(self->session);
    const char *text = why != NULL ? thrum_failure_text(why) : "";

    ck_assert_msg((why != NULL ? thrum_failure_code(why) : 0) == table->failure,
                  "%s: %s", table->name, text);
    ck_assert_int_eq(thrum_smtp_session_get_state(self->session),
                     why != NULL ? THRUM_SMTP_SESSION_ENDED
                                 : THRUM_SMTP_SESSION_READY);
    if (table->text != NULL)
        ck_assert_str_eq(text, table->text);
    ck_assert_ptr_null(strstr(text, SECRET));
    ck_assert_ptr_null(strstr(text, "dGFuc3RhYWZ0YW5zdGFhZ"));
}

static void talk_run(const dialogue *table, size_t piece)
{
    talk self;

    ck_assert(
        talk_open(&self, SECRET, table->mechanisms, THRUM_SMTP_TLS_IMPLICIT));
    talk_greet(&self, table->offers);
    for (int i = 0; i < STEPS && table->steps[i].client != NULL; i++) {
        if (table->steps[i].server != NULL)
            talk_tell(&self, table->steps[i].server, piece);
        talk_expect(&self, table->steps[i].client, table->name);
    }
    talk_is_at_its_end(&self, table);
    talk_close(&self);
}

static const dialogue dialogues[] = {
    {.name = "PLAIN",
     .offers = "LOGIN PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"235 2.7.0 ok|", ""}}},
    {.name = "LOGIN",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"},
               {"334 VXNlcm5hbWU6|", "dGlt|"},
               {"334 UGFzc3dvcmQ6|", SECRET_64 "|"},
               {"235 ok|", ""}}},
    {.name = "CRAM-MD5, when it is asked for",
     .offers = "CRAM-MD5",
     .mechanisms = THRUM_SMTP_CRAM_MD5,
     .steps = {{NULL, "AUTH CRAM-MD5|"},
               {"334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+|",
                "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw|"},
               {"235 ok|", ""}}},
    {.name = "XOAUTH2",
     .offers = "PLAIN XOAUTH2",
     .mechanisms = THRUM_SMTP_XOAUTH2,
     .steps = {{NULL, "AUTH XOAUTH2 " XOAUTH_64 "|"}, {"235 ok|", ""}}},
    {.name = "OAUTHBEARER is taken before XOAUTH2",
     .offers = "XOAUTH2 OAUTHBEARER PLAIN",
     .mechanisms = THRUM_SMTP_XOAUTH2 | THRUM_SMTP_OAUTHBEARER,
     .steps = {{NULL, "AUTH OAUTHBEARER " OAUTH_64 "|"}, {"235 ok|", ""}}},
    {.name = "A1: nothing is sent when EHLO is refused",
     .offers = NULL,
     .steps = {{NULL, ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 offers no way to log in that the account may use"},
    {.name = "A2: what is offered may not be used",
     .offers = "LOGIN CRAM-MD5",
     .mechanisms = THRUM_SMTP_PLAIN,
     .steps = {{NULL, ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 offers no way to log in that the account may use, only "
             "LOGIN CRAM-MD5"},
    {.name = "A2: CRAM-MD5 is not taken by itself",
     .offers = "CRAM-MD5",
     .steps = {{NULL, ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "A2: a token is not used as a password",
     .offers = "PLAIN LOGIN SCRAM-SHA-256",
     .mechanisms = THRUM_SMTP_XOAUTH2,
     .steps = {{NULL, ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "A2: a password is not used as a token",
     .offers = "XOAUTH2 OAUTHBEARER",
     .steps = {{NULL, ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "A2: nothing weaker is tried when one was refused",
     .offers = "PLAIN LOGIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"504 5.5.4 what?|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 504 5.5.4 what?"},
    {.name = "A5: a failure of XOAUTH2 is answered, and then told",
     .offers = "XOAUTH2",
     .mechanisms = THRUM_SMTP_XOAUTH2,
     .steps = {{NULL, "AUTH XOAUTH2 " XOAUTH_64 "|"},
               {"334 " JSON_64 "|", "|"},
               {"535 5.7.8 no|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 535 5.7.8 no"},
    {.name = "A5: a failure of OAUTHBEARER, too",
     .offers = "OAUTHBEARER",
     .mechanisms = THRUM_SMTP_OAUTHBEARER,
     .steps = {{NULL, "AUTH OAUTHBEARER " OAUTH_64 "|"},
               {"334 " JSON_64 "|", "AQ==|"},
               {"535 5.7.8 no|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "A5: no 235 follows on a failure",
     .offers = "XOAUTH2",
     .mechanisms = THRUM_SMTP_XOAUTH2,
     .steps = {{NULL, "AUTH XOAUTH2 " XOAUTH_64 "|"},
               {"334 " JSON_64 "|", "|"},
               {"235 ok|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL,
     .text = "mx:465 does not keep to SMTP at AUTH: it says that a login is "
             "done that is not"},
    {.name = "A7: a challenge that is not base64",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"},
               {"334 Username:|", "*|"},
               {"501 5.7.0 cancelled|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL,
     .text = "mx:465 does not keep to SMTP at AUTH: a challenge is not base64"},
    {.name = "A7: bits in its padding",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"},
               {"334 VXNlcm5hbWV=|", "*|"},
               {"501 no|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "A7: a NUL in it",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"}, {"334 VXNl~m5h|", "*|"}, {"501 no|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "A7: of several lines",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"},
               {"334-VXNl|334 VXNl|", "*|"},
               {"501 no|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "A7: what was cancelled is not done",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"}, {"334 !|", "*|"}, {"235 ok|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "A7: nor does it go on",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"}, {"334 !|", "*|"}, {"334 VXNl|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "A7: more challenges than there is to say",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"},
               {"334 |", "*|"},
               {"501 no|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL,
     .text =
         "mx:465 does not keep to SMTP at AUTH: it asks for more than there "
         "is to say"},
    {.name = "R9: 235 before anything was said",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"}, {"235 ok|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "R9: 250 is not 235",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"250 ok|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "R9: 354 is not 334",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"}, {"354 VXNl|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL},
    {.name = "R11: 421",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"421 bye|", ""}},
     .failure = THRUM_SMTP_E_SERVICE},
    {.name = "A8: 432 may pass",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"},
               {"432 4.7.12 change it|", ""}},
     .failure = THRUM_SMTP_E_LATER,
     .text = "mx:465 refused AUTH: 432 4.7.12 change it"},
    {.name = "A8: so may 454",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"454 4.7.0 busy|", ""}},
     .failure = THRUM_SMTP_E_LATER},
    {.name = "A8: 530",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"530 5.7.0 no|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "A8: 534",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"534 5.7.9 weak|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "A8: 535",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"},
               {"334 VXNl|", "dGlt|"},
               {"535 5.7.8 who?|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 535 5.7.8 who?"},
    {.name = "A8: 538",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"}, {"538 5.7.11 no|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT},
    {.name = "a server that repeats the secret has its words left out",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"},
               {"535 5.7.8 not " SECRET "!|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 535 5.7.8"},
    {.name = "so has one that repeats its base64",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"},
               {"535-5.7.8 bad:|535 5.7.8 " PLAIN_64 "|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 535 5.7.8"},
    {.name = "and one that repeats a digest of it",
     .offers = "CRAM-MD5",
     .mechanisms = THRUM_SMTP_CRAM_MD5,
     .steps = {{NULL, "AUTH CRAM-MD5|"},
               {"334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+|",
                "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw|"},
               {"535 no, b913a602c7eda7a495b4e6e7334d3890|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 535"},
    {.name = "or the base64 of one",
     .offers = "CRAM-MD5",
     .mechanisms = THRUM_SMTP_CRAM_MD5,
     .steps = {{NULL, "AUTH CRAM-MD5|"},
               {"334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+|",
                "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw|"},
               {"535 dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 535"},
    {.name = "and one that asks what it meant",
     .offers = "LOGIN",
     .steps = {{NULL, "AUTH LOGIN|"},
               {"334 VXNlcm5hbWU6|", "dGlt|"},
               {"334 UGFzc3dvcmQ6|", SECRET_64 "|"},
               {"500 unknown command " SECRET_64 "|", ""}},
     .failure = THRUM_SMTP_E_ACCOUNT,
     .text = "mx:465 refused the account: 500"},
    {.name = "also in a reply that nobody understands",
     .offers = "PLAIN",
     .steps = {{NULL, "AUTH PLAIN " PLAIN_64 "|"},
               {"250 hello " SECRET "|", ""}},
     .failure = THRUM_SMTP_E_PROTOCOL,
     .text = "mx:465 does not keep to SMTP: it answered AUTH with 250"},
};

START_TEST(a_login_in_every_way)
{
    for (size_t piece = 1; piece < 80; piece++)
        talk_run(&dialogues[_i], piece);
}
END_TEST

/* ---- What it means ---- */

static const struct {
    const char *reply;
    thrum_smtp_verdict verdict;
} verdicts[] = {
    {"432 4.7.12 no|", THRUM_SMTP_VERDICT_LATER},
    {"454 4.7.0 no|", THRUM_SMTP_VERDICT_LATER},
    {"530 5.7.0 no|", THRUM_SMTP_VERDICT_ACCOUNT},
    {"534 5.7.9 no|", THRUM_SMTP_VERDICT_ACCOUNT},
    {"535 no|", THRUM_SMTP_VERDICT_ACCOUNT},
    {"535 5.7.8 no|", THRUM_SMTP_VERDICT_ACCOUNT},
    {"538 5.7.11 no|", THRUM_SMTP_VERDICT_ACCOUNT},
};

START_TEST(A8_a_refusal_is_the_accounts_and_nobody_elses)
{
    const thrum_smtp_detail *detail;
    talk self;

    ck_assert(talk_open(&self, SECRET, 0, THRUM_SMTP_TLS_IMPLICIT));
    talk_greet(&self, "PLAIN");
    talk_tell(&self, verdicts[_i].reply, 1000);
    detail = thrum_failure_smtp(thrum_smtp_session_failure(self.session));
    ck_assert_int_eq(detail->stage, THRUM_SMTP_STAGE_AUTH);
    ck_assert_int_eq(detail->verdict, verdicts[_i].verdict);
    talk_close(&self);
}
END_TEST

/* ---- Want of memory ---- */

static void login_scenario(void)
{
    talk self;

    if (talk_open(&self, SECRET, THRUM_SMTP_LOGIN, THRUM_SMTP_TLS_IMPLICIT)) {
        talk_tell(&self, "220 mx|250-mx|250 AUTH LOGIN|", 7);
        talk_tell(&self, "334 VXNl|", 100);
        talk_tell(&self, "334 VXNl|", 100);
        talk_tell(&self, "235 ok|", 100);
    }
    talk_close(&self);
}

START_TEST(without_memory_a_login_ends_and_nothing_is_lost)
{
    support_every_allocation(login_scenario);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("login");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, a_login_in_every_way, 0, COUNT(dialogues));
    tcase_add_loop_test(all, A8_a_refusal_is_the_accounts_and_nobody_elses, 0,
                        COUNT(verdicts));
    tcase_add_test(all, without_memory_a_login_ends_and_nothing_is_lost);
    return support_main("login", &all, 1);
}
