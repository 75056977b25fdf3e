/* SPDX-License-Identifier: MIT */
/*
 * What replies mean: those of the registry, and those that large receivers are
 * known for.
 */
#include <string.h>

#include "mail/receipt_internal.h"
#include "tests/support/support.h"

#define GREETING THRUM_SMTP_STAGE_GREETING
#define MAIL THRUM_SMTP_STAGE_MAIL
#define RCPT THRUM_SMTP_STAGE_RCPT
#define DATA THRUM_SMTP_STAGE_DATA
#define BODY THRUM_SMTP_STAGE_BODY
#define AUTH THRUM_SMTP_STAGE_AUTH

/* "2.8": each class of failures, by stage, code and enhanced code. */
static const struct {
    thrum_smtp_stage stage;
    int code;
    const char *enhanced;
    const char *verdict;
} replies[] = {
    /* nothing that a verdict is made of */
    {RCPT, 250, "2.1.5", "later"},
    {DATA, 354, "", "later"},
    {MAIL, 0, "", "later"},
    {(thrum_smtp_stage)99, 550, "", "later"},
    {(thrum_smtp_stage)99, 450, "", "later"},
    /* too much at a time, and greylisting */
    {GREETING, 421, "4.3.2", "busy"},
    {MAIL, 421, "", "busy"},
    {BODY, 421, "4.4.2", "busy"},
    {GREETING, 450, "4.7.1", "busy"},
    {RCPT, 450, "4.2.0", "busy"},
    {RCPT, 451, "4.7.1", "busy"},
    {RCPT, 450, "4.2.1", "busy"},
    {BODY, 451, "4.7.650", "busy"},
    {MAIL, 452, "4.4.5", "busy"},
    {MAIL, 451, "4.2.0", "later"},
    {RCPT, 450, "", "later"},
    {RCPT, 451, "4.3.0", "later"},
    {RCPT, 452, "4.5.3", "later"},
    {MAIL, 452, "4.3.1", "later"},
    {BODY, 451, "4.4.2", "later"},
    /* mailboxes that are full */
    {RCPT, 452, "4.2.2", "mailbox"},
    {BODY, 452, "4.2.2", "mailbox"},
    {RCPT, 552, "5.2.2", "mailbox"},
    {BODY, 552, "5.2.2", "mailbox"},
    {RCPT, 552, "", "mailbox"},
    /* nobody there */
    {RCPT, 550, "5.1.1", "recipient"},
    {BODY, 550, "5.1.1", "recipient"},
    {RCPT, 550, "5.1.2", "recipient"},
    {RCPT, 501, "5.1.3", "recipient"},
    {RCPT, 550, "5.1.6", "recipient"},
    {RCPT, 556, "5.1.10", "recipient"},
    {RCPT, 556, "", "recipient"},
    {RCPT, 550, "5.1.0", "recipient"},
    {RCPT, 550, "5.2.1", "recipient"},
    {RCPT, 550, "5.2.0", "recipient"},
    {RCPT, 550, "5.4.1", "recipient"},
    {RCPT, 550, "5.5.0", "recipient"},
    {RCPT, 550, "5.0.0", "recipient"},
    {RCPT, 550, "", "recipient"},
    {RCPT, 551, "", "recipient"},
    {RCPT, 553, "", "recipient"},
    {RCPT, 501, "", "recipient"},
    {RCPT, 550, "5.7.17", "recipient"},
    {RCPT, 550, "5.7.18", "recipient"},
    /* the message, or whom it is from */
    {MAIL, 550, "5.1.0", "message"},
    {MAIL, 553, "5.1.7", "message"},
    {MAIL, 550, "5.1.8", "message"},
    {RCPT, 553, "5.1.8", "message"},
    {MAIL, 550, "5.1.1", "message"},
    {BODY, 550, "5.1.0", "message"},
    {BODY, 552, "5.3.4", "message"},
    {MAIL, 552, "5.3.4", "message"},
    {RCPT, 552, "5.2.3", "message"},
    {BODY, 554, "5.4.1", "message"},
    {RCPT, 554, "5.4.6", "message"},
    {BODY, 554, "5.6.0", "message"},
    {RCPT, 550, "5.7.1", "message"},
    {BODY, 550, "5.7.26", "message"},
    {BODY, 550, "5.7.27", "message"},
    {BODY, 550, "5.7.30", "message"},
    {BODY, 550, "5.7.515", "message"},
    {RCPT, 554, "", "message"},
    {MAIL, 554, "", "message"},
    {BODY, 550, "", "message"},
    {BODY, 552, "", "message"},
    {BODY, 554, "5.0.0", "message"},
    {MAIL, 550, "5.5.0", "message"},
    /* the account, the route */
    {MAIL, 530, "5.7.0", "account"},
    {MAIL, 530, "5.5.1", "account"},
    {RCPT, 530, "", "account"},
    {AUTH, 535, "5.7.8", "account"},
    {AUTH, 534, "5.7.9", "account"},
    {AUTH, 538, "5.7.11", "account"},
    {AUTH, 550, "", "account"},
    {AUTH, 454, "4.7.0", "later"},
    {AUTH, 432, "4.7.12", "later"},
    {MAIL, 550, "5.7.8", "account"},
    {GREETING, 521, "", "account"},
    {GREETING, 554, "5.7.1", "later"},
    {GREETING, 554, "", "later"},
    /* ours */
    {MAIL, 500, "5.5.2", "ours"},
    {MAIL, 501, "5.5.4", "ours"},
    {DATA, 503, "5.5.1", "ours"},
    {DATA, 503, "5.5.0", "ours"},
    {MAIL, 555, "5.5.4", "ours"},
    {RCPT, 555, "", "ours"},
    {MAIL, 502, "", "ours"},
    {MAIL, 501, "", "ours"},
    {MAIL, 504, "", "ours"},
    {BODY, 500, "5.5.0", "ours"},
    {MAIL, 550, "5.5.5", "ours"},
    {AUTH, 501, "5.5.6", "account"},
    {RCPT, 550, "5.5.3", "later"},
    /* R10: an enhanced code of another class is none */
    {RCPT, 550, "2.1.5", "recipient"},
    {RCPT, 550, "4.2.2", "recipient"},
    {RCPT, 450, "5.1.1", "later"},
    /* what is no code */
    {RCPT, 550, "5", "recipient"},
    {RCPT, 550, "5.", "recipient"},
    {RCPT, 550, "5..1", "recipient"},
    {RCPT, 550, "5.99999999999999999999", "recipient"},
    {RCPT, 550, "what", "recipient"},
    {RCPT, 550, NULL, "recipient"},
};

START_TEST(a_reply_has_a_verdict)
{
    thrum_smtp_verdict verdict = thrum_smtp_verdict_of(
        replies[_i].stage, replies[_i].code, replies[_i].enhanced);

    ck_assert_msg(
        strcmp(thrum_smtp_verdict_name(verdict), replies[_i].verdict) == 0,
        "%s %d %s: %s", thrum_smtp_stage_name(replies[_i].stage),
        replies[_i].code, replies[_i].enhanced,
        thrum_smtp_verdict_name(verdict));
}
END_TEST

START_TEST(whatever_is_said_has_a_verdict)
{
    static const char *const enhanced[] = {"",      "4.0.0", "5.0.0", "5.1.99",
                                           "5.9.9", "4.9.9", "5.5.9", "4.7.99"};

    for (int stage = 0; stage <= THRUM_SMTP_STAGE_AUTH; stage++)
        for (int code = 200; code < 600; code++)
            for (size_t i = 0; i < sizeof enhanced / sizeof *enhanced; i++) {
                thrum_smtp_verdict verdict = thrum_smtp_verdict_of(
                    (thrum_smtp_stage)stage, code, enhanced[i]);

                ck_assert_int_ne(thrum_smtp_verdict_name(verdict)[0], '\0');
                ck_assert(code >= 500 || verdict <= THRUM_SMTP_VERDICT_MAILBOX);
                ck_assert_int_ne(verdict, THRUM_SMTP_VERDICT_DOUBT);
            }
}
END_TEST

/* What a failure bears: the verdict on the reply, or on how it ended. */
static const struct {
    int code;
    thrum_smtp_detail detail;
    const char *verdict;
} failures[] = {
    {THRUM_SMTP_E_REFUSED, {RCPT, 550, "5.1.1", "", "", 0}, "recipient"},
    {THRUM_SMTP_E_LATER, {RCPT, 452, "4.2.2", "", "", 0}, "mailbox"},
    {THRUM_SMTP_E_SERVICE, {GREETING, 421, "", "", "", 0}, "busy"},
    {THRUM_SMTP_E_ACCOUNT, {AUTH, 535, "5.7.8", "", "", 0}, "account"},
    {THRUM_SMTP_E_ACCOUNT, {AUTH, 0, "", "", "", 0}, "account"},
    {THRUM_SMTP_E_OURS, {MAIL, 501, "", "", "", 0}, "ours"},
    {THRUM_SMTP_E_DOUBT, {BODY, 0, "", "", "", 0}, "doubt"},
    {THRUM_SMTP_E_REFUSED, {MAIL, 0, "", "", "", 0}, "message"},
    {THRUM_SMTP_E_REFUSED,
     {RCPT, 0, "", "", "", THRUM_SMTP_VERDICT_RECIPIENT},
     "recipient"},
    {THRUM_SMTP_E_LATER, {BODY, 0, "", "", "", 0}, "later"},
    {THRUM_SMTP_E_PROTOCOL, {DATA, 550, "5.1.1", "", "", 0}, "later"},
    {THRUM_SMTP_E_UNSENT, {MAIL, 0, "", "", "", 0}, "later"},
};

START_TEST(a_failure_bears_its_verdict)
{
    thrum_context *context = support_context();
    thrum_failure *why = thrum__smtp_failure(context, failures[_i].code,
                                             &failures[_i].detail, "why");

    ck_assert_str_eq(thrum_smtp_verdict_name(thrum_failure_smtp(why)->verdict),
                     failures[_i].verdict);
    thrum_failure_unref(why);
    support_context_end(context);
}
END_TEST

START_TEST(what_is_no_verdict_has_no_name)
{
    ck_assert_str_eq(thrum_smtp_verdict_name((thrum_smtp_verdict)99), "");
    ck_assert_str_eq(thrum_smtp_verdict_name((thrum_smtp_verdict)-1), "");
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("verdict");

    tcase_add_loop_test(all, a_reply_has_a_verdict, 0, COUNT(replies));
    tcase_add_test(all, whatever_is_said_has_a_verdict);
    tcase_add_loop_test(all, a_failure_bears_its_verdict, 0, COUNT(failures));
    tcase_add_test(all, what_is_no_verdict_has_no_name);
    return support_main("verdict", &all, 1);
}
