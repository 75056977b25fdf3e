/* SPDX-License-Identifier: MIT */
/*
 * Accounts: which go together with what, how they are prepared, and what they
 * would choose.
 */
#include <string.h>

#include <thrum/address.h>

#include "mail/smtp/account.h"
#include "tests/support/support.h"

#define TOKENS (THRUM_SMTP_XOAUTH2 | THRUM_SMTP_OAUTHBEARER)
#define ALL                                                                    \
    (TOKENS | THRUM_SMTP_PLAIN | THRUM_SMTP_LOGIN | THRUM_SMTP_CRAM_MD5 |      \
     THRUM_SMTP_SCRAM_SHA_1 | THRUM_SMTP_SCRAM_SHA_256)

static thrum_context *context;

static thrum_smtp_account *make(const char *user, const char *secret,
                                unsigned mechanisms, thrum_failure **why)
{
    thrum_secret *bytes =
        thrum_secret_new(context, secret, strlen(secret), NULL);
    thrum_smtp_account *account =
        thrum_smtp_account_new(context, user, bytes, mechanisms, why);

    thrum_secret_unref(bytes);
    return account;
}

static char long_user[1026];

static const struct {
    const char *name;
    const char *user;
    const char *secret;
    unsigned mechanisms;
    int code; /* 0: it is one */
    const char *prepared_user;
    const char *prepared;
} accounts[] = {
    {"US-ASCII is its own form", "tim", "p w!~", 0, 0, "tim", "p w!~"},
    {"A9: NFC", "u\xcc\x88", "e\xcc\x81", THRUM_SMTP_PLAIN, 0, "\xc3\xbc",
     "\xc3\xa9"},
    {"A9: any blank is a space", "u",
     "a\xe2\x80\x83"
     "b",
     0, 0, "u", "a b"},
    {"A9: what only looks alike stays apart", "u", "\xef\xac\x81", 0, 0, "u",
     "\xef\xac\x81"},
    {"A9: no UTF-8", "u", "\xff\xfe", 0, THRUM_MAIL_E_SECRET, NULL, NULL},
    {"A9: a user that is no UTF-8", "\xc3", "p", 0, THRUM_MAIL_E_SECRET, NULL,
     NULL},
    {"A9: a control character", "u", "a\tb", 0, THRUM_MAIL_E_SECRET, NULL,
     NULL},
    {"A9: a control character of Unicode", "u",
     "a\xc2\x85"
     "b",
     0, THRUM_MAIL_E_SECRET, NULL, NULL},
    {"I1: a line's end in the user's name", "u\r\nRSET", "p", 0,
     THRUM_MAIL_E_SECRET, NULL, NULL},
    {"I1: what separates in XOAUTH2", "u\1auth=x", "t", THRUM_SMTP_XOAUTH2,
     THRUM_MAIL_E_SECRET, NULL, NULL},
    {"no user", "", "p", 0, THRUM_MAIL_E_SECRET, NULL, NULL},
    {"a user that is too long", long_user, "p", 0, THRUM_MAIL_E_SECRET, NULL,
     NULL},
    {"a token", "u", "ya29.a-b_c~d+e/f==", TOKENS, 0, "u",
     "ya29.a-b_c~d+e/f=="},
    {"a token with a blank", "u", "a b", TOKENS, THRUM_MAIL_E_SECRET, NULL,
     NULL},
    {"a token with a control character", "u", "a\1b", THRUM_SMTP_OAUTHBEARER,
     THRUM_MAIL_E_SECRET, NULL, NULL},
    {"a token past US-ASCII", "u", "\xc3\xa9", TOKENS, THRUM_MAIL_E_SECRET,
     NULL, NULL},
    {"A2: a password is no token", "u", "p", THRUM_SMTP_PLAIN | TOKENS,
     THRUM_E_INVALID, NULL, NULL},
    {"a mechanism that there is not", "u", "p", 1 << 7, THRUM_E_INVALID, NULL,
     NULL},
};

START_TEST(an_account_is_prepared_or_it_is_said_why_not)
{
    thrum_failure *why = NULL;
    thrum_smtp_account *account;

    context = support_context();
    account = make(accounts[_i].user, accounts[_i].secret,
                   accounts[_i].mechanisms, &why);
    if (accounts[_i].code == 0) {
        ck_assert_msg(account != NULL, "%s", accounts[_i].name);
        ck_assert_str_eq(thrum_smtp_account_user(account),
                         accounts[_i].prepared_user);
        ck_assert_str_eq(
            thrum_secret_bytes(thrum__account_secret(account)).data,
            accounts[_i].prepared);
    } else {
        ck_assert_msg(account == NULL, "%s", accounts[_i].name);
        ck_assert_msg(thrum_failure_code(why) == accounts[_i].code, "%s: %s",
                      accounts[_i].name, thrum_failure_text(why));
    }
    thrum_smtp_account_unref(account);
    thrum_failure_unref(why);
    ck_assert_int_eq(make("", "p", 0, NULL) == NULL, 1);
    support_context_end(context);
}
END_TEST

static const struct {
    unsigned mechanisms;
    unsigned offered;
    unsigned chosen;
} choices[] = {
    {0, ALL, THRUM_SMTP_SCRAM_SHA_256},
    {0, ALL & ~THRUM_SMTP_SCRAM_SHA_256, THRUM_SMTP_SCRAM_SHA_1},
    {0, TOKENS | THRUM_SMTP_PLAIN | THRUM_SMTP_LOGIN | THRUM_SMTP_CRAM_MD5,
     THRUM_SMTP_PLAIN},
    {0, TOKENS | THRUM_SMTP_LOGIN | THRUM_SMTP_CRAM_MD5, THRUM_SMTP_LOGIN},
    {0, TOKENS | THRUM_SMTP_CRAM_MD5, 0},
    {0, 0, 0},
    {THRUM_SMTP_CRAM_MD5, ALL, THRUM_SMTP_CRAM_MD5},
    {THRUM_SMTP_CRAM_MD5 | THRUM_SMTP_LOGIN, ALL, THRUM_SMTP_LOGIN},
    {THRUM_SMTP_LOGIN | THRUM_SMTP_PLAIN, ALL, THRUM_SMTP_PLAIN},
    {THRUM_SMTP_SCRAM_SHA_256, ALL & ~THRUM_SMTP_SCRAM_SHA_256, 0},
    {TOKENS, ALL, THRUM_SMTP_OAUTHBEARER},
    {TOKENS, ALL & ~THRUM_SMTP_OAUTHBEARER, THRUM_SMTP_XOAUTH2},
    {THRUM_SMTP_XOAUTH2, ALL, THRUM_SMTP_XOAUTH2},
    {THRUM_SMTP_XOAUTH2, ALL & ~THRUM_SMTP_XOAUTH2, 0},
};

START_TEST(A2_the_strongest_that_both_know_is_taken)
{
    thrum_smtp_account *account;

    context = support_context();
    account = make("u", "p", choices[_i].mechanisms, NULL);
    ck_assert_uint_eq(thrum_smtp_account_choose(account, choices[_i].offered),
                      choices[_i].chosen);
    thrum_smtp_account_unref(account);
    support_context_end(context);
}
END_TEST

START_TEST(another_secret_is_judged_as_the_first_was)
{
    thrum_smtp_account *account;
    thrum_secret *good, *bad;

    context = support_context();
    good = thrum_secret_new(context, "e\xcc\x81", 3, NULL);
    bad = thrum_secret_new(context, "\xff", 1, NULL);
    account = make("u", "p", 0, NULL);
    ck_assert_int_eq(thrum_smtp_account_set_secret(account, bad),
                     THRUM_MAIL_E_SECRET);
    ck_assert_str_eq(thrum_secret_bytes(thrum__account_secret(account)).data,
                     "p");
    ck_assert_int_eq(thrum_smtp_account_set_secret(account, good), 0);
    ck_assert_str_eq(thrum_secret_bytes(thrum__account_secret(account)).data,
                     "\xc3\xa9");
    thrum_secret_unref(good);
    thrum_secret_unref(bad);
    ck_assert_ptr_eq(thrum_smtp_account_ref(account), account);
    thrum_smtp_account_unref(account);
    thrum_smtp_account_unref(account);
    thrum_smtp_account_unref(NULL);
    support_context_end(context);
}
END_TEST

static void account_scenario(void)
{
    thrum_secret *secret;
    thrum_smtp_account *account;
    thrum_failure *why = NULL;

    context = support_context();
    if (context == NULL)
        return;
    secret = thrum_secret_new(context, "e\xcc\x81", 3, NULL);
    if (secret != NULL) {
        account = thrum_smtp_account_new(context, "u\xcc\x88", secret, 0, &why);
        ck_assert_int_eq((account == NULL) == (why != NULL), 1);
        if (account != NULL)
            thrum_smtp_account_set_secret(account, secret);
        else
            ck_assert_int_eq(thrum_failure_code(why), THRUM_E_NOMEM);
        thrum_smtp_account_unref(account);
        thrum_failure_unref(why);
        thrum_secret_unref(secret);
    }
    support_context_end(context);
}

START_TEST(without_memory_there_is_no_account)
{
    support_every_allocation(account_scenario);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("account");

    memset(long_user, 'u', sizeof long_user - 1);
    tcase_add_loop_test(all, an_account_is_prepared_or_it_is_said_why_not, 0,
                        COUNT(accounts));
    tcase_add_loop_test(all, A2_the_strongest_that_both_know_is_taken, 0,
                        COUNT(choices));
    tcase_add_test(all, another_secret_is_judged_as_the_first_was);
    tcase_add_test(all, without_memory_there_is_no_account);
    return support_main("account", &all, 1);
}
