/* SPDX-License-Identifier: MIT */
/*
 * What each mechanism says to what a server says. The names begin with the
 * hazards that they show.
 */
#include <string.h>

#include "tests/smtp/login.h"
#include "tests/support/support.h"

/* ---- The mechanisms that say it all at once ---- */

#define BYTES(text) text, sizeof(text) - 1

enum { EXCHANGES = 3 };

/* A challenge, and the response to it; NULL: it cannot be answered. */
typedef struct exchange {
    const char *challenge;
    const char *response;
    size_t size;
    bool believes; /* it is enough for 235 */
} exchange;

static const struct {
    const char *name;
    const char *user;
    const char *secret;
    unsigned mechanism;
    bool speaks_first;
    exchange exchanges[EXCHANGES];
} plain[] = {
    {.name = "RFC 4616 section 4",
     .user = "tim",
     .secret = "tanstaaftanstaaf",
     .mechanism = THRUM_SMTP_PLAIN,
     .speaks_first = true,
     .exchanges = {{"", BYTES("\0tim\0tanstaaftanstaaf"), true},
                   {"", NULL, 0, false}}},
    {.name = "LOGIN asks twice, in any words",
     .user = "tim",
     .secret = "secret",
     .mechanism = THRUM_SMTP_LOGIN,
     .exchanges = {{"Username:", BYTES("tim"), false},
                   {"anything", BYTES("secret"), true},
                   {"more", NULL, 0, false}}},
    {.name = "RFC 2195 section 2",
     .user = "tim",
     .secret = "tanstaaftanstaaf",
     .mechanism = THRUM_SMTP_CRAM_MD5,
     .exchanges = {{"<1896.697170952@postoffice.reston.mci.net>",
                    BYTES("tim b913a602c7eda7a495b4e6e7334d3890"), true},
                   {"<again>", NULL, 0, false}}},
    {.name = "CRAM-MD5 without a challenge proves nothing",
     .user = "tim",
     .secret = "x",
     .mechanism = THRUM_SMTP_CRAM_MD5,
     .exchanges = {{"", NULL, 0, false}}},
    {.name = "XOAUTH2 as Google has it",
     .user = "someuser@example.com",
     .secret = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
     .mechanism = THRUM_SMTP_XOAUTH2,
     .speaks_first = true,
     .exchanges = {{"",
                    BYTES("user=someuser@example.com\1auth=Bearer "
                          "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1"),
                    true}}},
    {.name = "A5: XOAUTH2 answers a failure with an empty line",
     .user = "u",
     .secret = "t",
     .mechanism = THRUM_SMTP_XOAUTH2,
     .speaks_first = true,
     .exchanges = {{"", BYTES("user=u\1auth=Bearer t\1\1"), true},
                   {"{\"status\":\"401\"}", BYTES(""), false},
                   {"{}", NULL, 0, false}}},
    {.name = "RFC 7628 section 4.1",
     .user = "user@example.com",
     .secret = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
     .mechanism = THRUM_SMTP_OAUTHBEARER,
     .speaks_first = true,
     .exchanges = {{"",
                    BYTES("n,a=user@example.com,\1host=server.example.com\1"
                          "port=143\1auth=Bearer "
                          "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"),
                    true}}},
    {.name = "A5: OAUTHBEARER answers a failure with %x01",
     .user = "a,b=c",
     .secret = "t",
     .mechanism = THRUM_SMTP_OAUTHBEARER,
     .speaks_first = true,
     .exchanges = {{"",
                    BYTES("n,a=a=2Cb=3Dc,\1host=server.example.com\1port=143\1"
                          "auth=Bearer t\1\1"),
                    true},
                   {"{\"status\":\"invalid_token\"}", BYTES("\1"), false},
                   {"{}", NULL, 0, false}}},
    {.name = "A9: user and password are UTF-8 in one form",
     .user = "J\x6f\xcc\x88rg", /* o and a diaeresis */
     .secret = "p\x61\xcc\x88ss\xc2\xa0word",
     .mechanism = THRUM_SMTP_PLAIN,
     .speaks_first = true,
     .exchanges = {{"", BYTES("\0J\xc3\xb6rg\0p\xc3\xa4ss word"), true}}},
};

START_TEST(a_mechanism_says_what_its_rfc_says)
{
    login self;

    ck_assert(login_open(&self, plain[_i].user, plain[_i].secret,
                         plain[_i].mechanism));
    ck_assert(thrum__sasl_speaks_first(self.sasl) == plain[_i].speaks_first);
    ck_assert(!thrum__sasl_may_succeed(self.sasl));
    login_close(&self);
    ck_assert(login_open(&self, plain[_i].user, plain[_i].secret,
                         plain[_i].mechanism));
    for (int i = 0; i < EXCHANGES && plain[_i].exchanges[i].challenge != NULL;
         i++) {
        const exchange *one = &plain[_i].exchanges[i];
        thrum__sasl_step step =
            login_step(&self, one->challenge, strlen(one->challenge));

        ck_assert_msg((step == THRUM__SASL_RESPOND) == (one->response != NULL),
                      "%s: %s", plain[_i].name, thrum__sasl_wrong(self.sasl));
        if (one->response != NULL)
            login_expect(&self, one->response, one->size);
        else
            ck_assert_str_ne(thrum__sasl_wrong(self.sasl), "");
        ck_assert_msg(self.sasl->believes == one->believes, "%s",
                      plain[_i].name);
    }
    login_close(&self);
}
END_TEST

START_TEST(A5_a_host_that_is_not_known_is_not_said)
{
    static const char all[] = "n,a=u,\1auth=Bearer t\1\1";
    login self;

    ck_assert(login_open(&self, "u", "t", THRUM_SMTP_OAUTHBEARER));
    thrum__sasl_free(self.sasl);
    self.sasl = thrum__sasl_new(self.context, self.account,
                                THRUM_SMTP_OAUTHBEARER, NULL, 0);
    ck_assert_int_eq(login_step(&self, "", 0), THRUM__SASL_RESPOND);
    login_expect(&self, all, sizeof all - 1);
    login_close(&self);
}
END_TEST

START_TEST(A7_a_challenge_that_is_too_long_is_not_answered)
{
    static char challenge[THRUM__SASL_CHALLENGE + 1];
    login self;

    memset(challenge, 'x', sizeof challenge);
    ck_assert(login_open(&self, "u", "p", THRUM_SMTP_LOGIN));
    ck_assert_int_eq(login_step(&self, challenge, THRUM__SASL_CHALLENGE),
                     THRUM__SASL_RESPOND);
    ck_assert_int_eq(login_step(&self, challenge, sizeof challenge),
                     THRUM__SASL_CANCEL);
    login_close(&self);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("sasl");

    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, a_mechanism_says_what_its_rfc_says, 0,
                        COUNT(plain));
    tcase_add_test(all, A5_a_host_that_is_not_known_is_not_said);
    tcase_add_test(all, A7_a_challenge_that_is_too_long_is_not_answered);
    return support_main("sasl", &all, 1);
}
