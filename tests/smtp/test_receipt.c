/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "mail/receipt_internal.h"
#include "mail/text.h"
#include "tests/support/support.h"

static const thrum_smtp_detail no_such_user = {
    THRUM_SMTP_STAGE_RCPT,       550, "5.1.1", "no such user", "127.0.0.1:25",
    THRUM_SMTP_VERDICT_RECIPIENT};

START_TEST(a_receipt_bears_the_id_the_reply_and_who_was_refused)
{
    thrum_context *context = support_context();
    thrum_receipt *receipt =
        thrum__receipt_new(context, thrum__text_of("<1@x>"), 3);
    thrum__reply reply = {250, thrum__text_of("2.0.0 queued\x1b as\n2.0.0 1")};

    thrum__receipt_refuse(receipt, 1,
                          thrum__smtp_failure(context, THRUM_SMTP_E_REFUSED,
                                              &no_such_user, "refused"));
    ck_assert_str_eq(thrum_receipt_reply(receipt), "");
    thrum__receipt_accept(receipt, &reply);
    ck_assert_str_eq(thrum_receipt_message_id(receipt), "<1@x>");
    ck_assert_int_eq(thrum_receipt_code(receipt), 250);
    for (int i = 0; i < 2; i++)
        ck_assert_str_eq(thrum_receipt_reply(receipt), "queued? as 1");
    ck_assert_uint_eq(thrum_receipt_recipients(receipt), 3);
    ck_assert_ptr_null(thrum_receipt_refusal(receipt, 0));
    ck_assert_str_eq(thrum_failure_text(thrum_receipt_refusal(receipt, 1)),
                     "refused");
    thrum__receipt_refuse(receipt, 2, thrum_failure_no_memory());
    thrum__receipt_refuse(receipt, 2, NULL);
    ck_assert_ptr_null(thrum_receipt_refusal(receipt, 2));
    ck_assert_ptr_null(thrum_receipt_refusal(receipt, 3));
    thrum_receipt_free(receipt);
    thrum_receipt_free(NULL);
    support_context_end(context);
}
END_TEST

START_TEST(a_receipt_keeps_the_beginning_of_a_long_reply)
{
    thrum_context *context = support_context();
    thrum_receipt *receipt =
        thrum__receipt_new(context, thrum__text_of("<1@x>"), 1);
    char text[THRUM__REPLY_LINE];
    thrum__reply reply = {250, {text, sizeof text}};

    memset(text, 'x', sizeof text);
    thrum__receipt_accept(receipt, &reply);
    ck_assert_uint_eq(strlen(thrum_receipt_reply(receipt)),
                      THRUM__RECEIPT_REPLY - 1);
    ck_assert_str_eq(thrum_receipt_message_id(receipt), "<1@x>");
    thrum_receipt_free(receipt);
    support_context_end(context);
}
END_TEST

START_TEST(a_receipt_may_outlive_its_makers_hold_on_the_context)
{
    thrum_context *context = support_context();
    thrum_receipt *receipt =
        thrum__receipt_new(context, thrum__text_of("<1@x>"), 1);

    thrum_context_unref(context);
    ck_assert_str_eq(thrum_receipt_message_id(receipt), "<1@x>");
    thrum_receipt_free(receipt);
}
END_TEST

START_TEST(a_failure_of_the_dialogue_keeps_its_own_copy_of_the_detail)
{
    thrum_context *context = support_context();
    char text[] = "no such user";
    thrum_smtp_detail given = no_such_user;
    const thrum_smtp_detail *detail;
    thrum_failure *failure;

    given.text = text;
    failure =
        thrum__smtp_failure(context, THRUM_SMTP_E_REFUSED, &given, "refused");
    memset(text, 'x', sizeof text - 1);
    support_context_end(context); /* the failure outlives it */
    detail = thrum_failure_smtp(failure);
    ck_assert_int_eq(detail->stage, THRUM_SMTP_STAGE_RCPT);
    ck_assert_int_eq(detail->code, 550);
    ck_assert_str_eq(detail->enhanced, "5.1.1");
    ck_assert_str_eq(detail->text, "no such user");
    ck_assert_str_eq(detail->peer, "127.0.0.1:25");
    thrum_failure_unref(failure);
}
END_TEST

START_TEST(a_failure_without_memory_for_its_detail_has_an_empty_one)
{
    thrum_context *context = support_context();
    const thrum_smtp_detail *detail;
    thrum_failure *failure;

    support_fail_at(2);
    failure = thrum__smtp_failure(context, THRUM_SMTP_E_DOUBT, &no_such_user,
                                  "in doubt");
    ck_assert(
        thrum_failure_is(failure, &thrum_domain_smtp, THRUM_SMTP_E_DOUBT));
    detail = thrum_failure_smtp(failure);
    ck_assert_int_eq(detail->code, 0);
    ck_assert_str_eq(detail->enhanced, "");
    ck_assert_str_eq(detail->text, "");
    ck_assert_str_eq(detail->peer, "");
    thrum_failure_unref(failure);
    support_context_end(context);
}
END_TEST

START_TEST(other_failures_have_no_such_detail)
{
    ck_assert_ptr_null(thrum_failure_smtp(thrum_failure_no_memory()));
}
END_TEST

START_TEST(each_code_and_each_stage_has_its_words)
{
    static const int codes[] = {
        THRUM_SMTP_E_REFUSED, THRUM_SMTP_E_LATER,       THRUM_SMTP_E_PROTOCOL,
        THRUM_SMTP_E_UNSENT,  THRUM_SMTP_E_DOUBT,       THRUM_SMTP_E_SERVICE,
        THRUM_SMTP_E_END,     THRUM_SMTP_E_UNREACHABLE,
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        ck_assert((thrum_domain_smtp.describe(codes[i]) == NULL) ==
                  (codes[i] == THRUM_SMTP_E_END));
    for (int stage = THRUM_SMTP_STAGE_CONNECT; stage <= THRUM_SMTP_STAGE_AUTH;
         stage++)
        ck_assert_str_ne(thrum_smtp_stage_name((thrum_smtp_stage)stage), "");
    ck_assert_str_eq(thrum_smtp_stage_name(THRUM_SMTP_STAGE_RCPT), "RCPT");
    ck_assert_str_eq(thrum_smtp_stage_name((thrum_smtp_stage)99), "");
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("receipt");

    tcase_add_test(all, a_receipt_bears_the_id_the_reply_and_who_was_refused);
    tcase_add_test(all, a_receipt_keeps_the_beginning_of_a_long_reply);
    tcase_add_test(all, a_receipt_may_outlive_its_makers_hold_on_the_context);
    tcase_add_test(all,
                   a_failure_of_the_dialogue_keeps_its_own_copy_of_the_detail);
    tcase_add_test(all,
                   a_failure_without_memory_for_its_detail_has_an_empty_one);
    tcase_add_test(all, other_failures_have_no_such_detail);
    tcase_add_test(all, each_code_and_each_stage_has_its_words);
    return support_main("receipt", &all, 1);
}
