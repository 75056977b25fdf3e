/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <thrum/receipt.h>

#include "cli/report.h"
#include "tests/support/support.h"

/* A failure as the dialogue makes it; the detail is the caller's. */
static thrum_failure *refusal(thrum_context *context, thrum_smtp_detail *detail,
                              int code, const char *enhanced, const char *text)
{
    *detail = (thrum_smtp_detail){.stage = THRUM_SMTP_STAGE_RCPT,
                                  .code = code,
                                  .enhanced = enhanced,
                                  .text = text,
                                  .peer = "127.0.0.1:25"};
    return thrum_failure_explain(thrum_failure_new(context, &thrum_domain_smtp,
                                                   THRUM_SMTP_E_REFUSED,
                                                   "refused"),
                                 detail, NULL);
}

static void report_refused(cli_report *report, int code, const char *enhanced,
                           const char *text, uint64_t count)
{
    thrum_context *context = support_context();
    thrum_smtp_detail detail;
    thrum_failure *why = refusal(context, &detail, code, enhanced, text);

    cli_report_failed(report, why, count);
    thrum_failure_unref(why);
    support_context_end(context);
}

START_TEST(failures_of_one_kind_are_counted_together)
{
    cli_report *report = calloc(1, sizeof *report);

    report_refused(report, 550, "5.1.1", "no such user", 1);
    report_refused(report, 550, "5.1.1", "no such user", 2);
    report_refused(report, 550, "5.7.1", "no such user", 1);
    report_refused(report, 551, "5.1.1", "no such user", 1);
    report_refused(report, 550, "5.1.1", "no such host", 1);
    ck_assert_uint_eq(report->kinds_count, 4);
    ck_assert_uint_eq(report->kinds[0].count, 3);
    ck_assert_uint_eq(report->failed, 6);
    free(report);
}
END_TEST

START_TEST(a_failure_without_a_reply_is_counted_by_its_words)
{
    cli_report *report = calloc(1, sizeof *report);
    thrum_context *context = support_context();
    thrum_failure *why = thrum_failure_new(
        context, &thrum_domain_base, THRUM_E_FULL, "the cup\x1b[2J is full");

    cli_report_failed(report, why, 7);
    ck_assert_int_eq(report->kinds[0].code, 0);
    ck_assert_str_eq(report->kinds[0].enhanced, "");
    ck_assert_str_eq(report->kinds[0].text, "the cup\\x1b[2J is full");
    ck_assert_uint_eq(report->kinds[0].count, 7);
    thrum_failure_unref(why);
    support_context_end(context);
    free(report);
}
END_TEST

START_TEST(causes_stand_behind_what_they_caused)
{
    cli_report *report = calloc(1, sizeof *report);
    thrum_context *context = support_context();
    thrum_failure *why = thrum_failure_because(
        thrum_failure_new(context, &thrum_domain_base, THRUM_E_FULL, "no cup"),
        thrum_failure_new(context, &thrum_domain_system, 2, NULL));

    cli_report_failed(report, why, 1);
    ck_assert_str_eq(report->kinds[0].text,
                     "no cup: No such file or directory");
    thrum_failure_unref(why);
    support_context_end(context);
    free(report);
}
END_TEST

START_TEST(words_without_end_are_cut)
{
    cli_report *report = calloc(1, sizeof *report);
    thrum_context *context = support_context();
    thrum_failure *why = NULL;

    for (size_t size = 1; size < CLI_REPORT_TEXT + 5; size++) {
        thrum_failure *above =
            thrum_failure_new(context, &thrum_domain_base, THRUM_E_FULL, "%.*s",
                              (int)(size % 7 + 1), "xxxxxxx");

        why = why == NULL ? above : thrum_failure_because(above, why);
        cli_report_failed(report, why, 1);
        ck_assert_uint_lt(strlen(report->kinds[0].text), CLI_REPORT_TEXT);
        report->kinds_count = 0;
    }
    thrum_failure_unref(why);
    support_context_end(context);
    free(report);
}
END_TEST

START_TEST(too_many_kinds_are_counted_as_other)
{
    cli_report *report = calloc(1, sizeof *report);
    char text[32];

    for (int i = 0; i < CLI_REPORT_KINDS + 50; i++) {
        snprintf(text, sizeof text, "queue %d is full", i);
        report_refused(report, 452, "", text, 1);
    }
    ck_assert_uint_eq(report->kinds_count, CLI_REPORT_KINDS);
    ck_assert_uint_eq(report->other, 50);
    ck_assert_uint_eq(report->failed, CLI_REPORT_KINDS + 50);
    free(report);
}
END_TEST

static cli_report *report_of_all(void)
{
    cli_report *report = calloc(1, sizeof *report);

    report->total = 1000;
    report->accepted = 900;
    report->invalid = 30;
    report->suppressed = 5;
    report->in_doubt = 2;
    report->sending = 1500 * THRUM_MS;
    report->rss_anon_max_kib = 4321;
    report->lag_p999_ms = 0.25;
    report->turn_max_steps = 256;
    report_refused(report, 550, "5.1.1", "no \"such\"\nuser", 3);
    return report;
}

/* What is said to a person. */
static char *report_said(const cli_report *report)
{
    char *text = calloc(1, 4096);
    FILE *caught = tmpfile();
    int kept = dup(2);

    fflush(stderr);
    dup2(fileno(caught), 2);
    cli_report_say(report);
    dup2(kept, 2);
    close(kept);
    rewind(caught);
    ck_assert_uint_gt(fread(text, 1, 4095, caught), 0);
    fclose(caught);
    return text;
}

START_TEST(a_person_is_told_what_a_refusal_means)
{
    static const struct {
        thrum_smtp_verdict verdict;
        const char *said;
    } cases[] = {
        {THRUM_SMTP_VERDICT_RECIPIENT, " 550 5.1.1 no such user (recipient)\n"},
        {THRUM_SMTP_VERDICT_MESSAGE, " 550 5.1.1 no such user (message)\n"},
        {THRUM_SMTP_VERDICT_BUSY, " 550 5.1.1 no such user (busy)\n"},
    };
    thrum_context *context = support_context();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cli_report *report = calloc(1, sizeof *report);
        thrum_smtp_detail detail;
        thrum_failure *why =
            refusal(context, &detail, 550, "5.1.1", "no such user");
        char *said;

        detail.verdict = cases[i].verdict;
        cli_report_failed(report, why, 1);
        said = report_said(report);
        ck_assert_ptr_nonnull(strstr(said, cases[i].said));
        free(said);
        thrum_failure_unref(why);
        free(report);
    }
    support_context_end(context);
}
END_TEST

START_TEST(what_no_server_said_has_no_verdict)
{
    cli_report *report = calloc(1, sizeof *report);
    thrum_context *context = support_context();
    thrum_failure *why = thrum_failure_new(context, &thrum_domain_base,
                                           THRUM_E_FULL, "it is full");
    char *said;

    cli_report_failed(report, why, 1);
    said = report_said(report);
    ck_assert_ptr_nonnull(strstr(said, "1 failed: it is full\n"));
    free(said);
    thrum_failure_unref(why);
    support_context_end(context);
    free(report);
}
END_TEST

START_TEST(the_states_sum_to_the_total_in_json)
{
    static const char *const states[] = {"accepted", "failed",     "invalid",
                                         "waiting",  "suppressed", "in_doubt"};
    cli_report *report = report_of_all();
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    json_int_t sum = 0;
    json_t *json;

    ck_assert_int_eq(cli_report_json(report, out), 0);
    fclose(out);
    json = json_loads(text, 0, NULL);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        sum += json_integer_value(json_object_get(json, states[i]));
    ck_assert_int_eq(sum, 1000);
    json_decref(json);
    free(text);
    free(report);
}
END_TEST

START_TEST(the_json_is_one_line_in_the_order_of_its_contract)
{
    cli_report *report = report_of_all();
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    ck_assert_int_eq(cli_report_json(report, out), 0);
    fclose(out);
    ck_assert_str_eq(
        text, "{\"total\":1000,\"accepted\":900,\"failed\":3,\"invalid\":30,"
              "\"suppressed\":5,\"waiting\":60,\"in_doubt\":2,\"seconds\":1.5,"
              "\"rate\":600.0,\"rss_anon_max_kib\":4321,\"lag_p999_ms\":0.25,"
              "\"turn_max_steps\":256,\"failures\":[{\"code\":550,"
              "\"enhanced\":\"5.1.1\",\"text\":\"no \\\"such\\\"\\\\x0auser\","
              "\"count\":3}]}\n");
    free(text);
    free(report);
}
END_TEST

START_TEST(a_full_disk_is_noticed)
{
    cli_report *report = report_of_all();
    FILE *full = fopen("/dev/full", "w");

    setvbuf(full, NULL, _IONBF, 0);
    ck_assert_int_eq(cli_report_json(report, full), -1);
    fclose(full);
    free(report);
}
END_TEST

int main(void)
{
    TCase *report = tcase_create("report");

    tcase_add_test(report, failures_of_one_kind_are_counted_together);
    tcase_add_test(report, a_failure_without_a_reply_is_counted_by_its_words);
    tcase_add_test(report, causes_stand_behind_what_they_caused);
    tcase_add_test(report, words_without_end_are_cut);
    tcase_add_test(report, too_many_kinds_are_counted_as_other);
    tcase_add_test(report, a_person_is_told_what_a_refusal_means);
    tcase_add_test(report, what_no_server_said_has_no_verdict);
    tcase_add_test(report, the_states_sum_to_the_total_in_json);
    tcase_add_test(report, the_json_is_one_line_in_the_order_of_its_contract);
    tcase_add_test(report, a_full_disk_is_noticed);
    return support_main("report", &report, 1);
}
