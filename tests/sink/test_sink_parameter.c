/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/sink_parameter.h"
#include "tests/support/support.h"

static const sink_offers all = {true, true, true};
static const sink_offers few = {true, false, false};
static const sink_offers none = {false, false, false};

static thrum_bytes bytes(const char *text)
{
    return (thrum_bytes){text, strlen(text)};
}

static void assert_bytes(thrum_bytes got, const char *wanted)
{
    ck_assert_msg(
        got.size == strlen(wanted) &&
            (got.size == 0 || memcmp(got.data, wanted, got.size) == 0),
        "\"%.*s\" instead of \"%s\"", (int)got.size, got.data, wanted);
}

/* ---- MAIL ---- */

typedef struct mail_case {
    const char *rest;
    const sink_offers *offers;
    sink_parameters answer;
    sink_mail_wishes wishes;
    const char *id; /* as xtext; NULL: none */
} mail_case;

#define GOOD SINK_PARAMETERS_GOOD
#define UNKNOWN SINK_PARAMETERS_UNKNOWN
#define WRONG SINK_PARAMETERS_WRONG

static const mail_case mails[] = {
    {"", &all, GOOD, {0}, NULL},
    {"", &none, GOOD, {0}, NULL},
    {"BODY=8BITMIME", &all, GOOD, {.eight_bit = true}, NULL},
    {"body=7bit", &few, GOOD, {0}, NULL},
    {"BODY=8BITMIME", &none, UNKNOWN, {0}, NULL},
    {"BODY=BINARYMIME", &all, WRONG, {0}, NULL},
    {"BODY", &all, WRONG, {0}, NULL},
    {"BODY=", &all, WRONG, {0}, NULL},
    {"BODY=7BIT BODY=7BIT", &all, WRONG, {0}, NULL},
    {"BODY=7BIT  RET=FULL", &all, WRONG, {0}, NULL},
    {"BODY=7BIT ", &all, WRONG, {0}, NULL},
    {"SIZE=0", &all, GOOD, {.sized = true}, NULL},
    {"SIZE=1024", &all, GOOD, {.sized = true, .size = 1024}, NULL},
    {"SIZE=18446744073709551615",
     &all,
     GOOD,
     {.sized = true, .size = UINT64_MAX},
     NULL},
    {"SIZE=99999999999999999999",
     &all,
     GOOD,
     {.sized = true, .size = UINT64_MAX},
     NULL},
    {"SIZE=100000000000000000000", &all, WRONG, {0}, NULL},
    {"SIZE=-1", &all, WRONG, {0}, NULL},
    {"SIZE=1k", &all, WRONG, {0}, NULL},
    {"SIZE=", &all, WRONG, {0}, NULL},
    {"SIZE=1", &few, UNKNOWN, {0}, NULL},
    {"SMTPUTF8", &few, GOOD, {.utf8 = true}, NULL},
    {"smtputf8 SIZE=3",
     &all,
     GOOD,
     {.utf8 = true, .sized = true, .size = 3},
     NULL},
    {"SMTPUTF8=", &all, WRONG, {0}, NULL},
    {"SMTPUTF8=1", &all, WRONG, {0}, NULL},
    {"RET=FULL", &few, GOOD, {.returns = "FULL"}, NULL},
    {"RET=hdrs ENVID=a+2Bb", &few, GOOD, {.returns = "HDRS"}, "a+2Bb"},
    {"RET=NONE", &few, WRONG, {0}, NULL},
    {"ENVID=a+2bb", &few, WRONG, {0}, NULL},
    {"ENVID=a+2", &few, WRONG, {0}, NULL},
    {"ENVID=a+", &few, WRONG, {0}, NULL},
    {"ENVID=a+0A", &few, WRONG, {0}, NULL},
    {"ENVID=a+00", &few, WRONG, {0}, NULL},
    {"ENVID=a+C3", &few, WRONG, {0}, NULL},
    {"ENVID=a+20b+09c", &few, GOOD, {0}, "a+20b+09c"},
    {"ENVID=a=b", &few, WRONG, {0}, NULL},
    {"ENVID=\xc3\xa4", &few, WRONG, {0}, NULL},
    {"AUTH=<>", &all, GOOD, {0}, NULL},
    {"AUTH=a+3Db@x", &all, GOOD, {0}, NULL},
    {"AUTH=a=b", &all, WRONG, {0}, NULL},
    {"AUTH=<>", &few, UNKNOWN, {0}, NULL},
    {"NOTIFY=NEVER", &all, UNKNOWN, {0}, NULL},
    {"SOLICIT", &all, UNKNOWN, {0}, NULL},
    {"=x", &all, WRONG, {0}, NULL},
    {" ", &all, WRONG, {0}, NULL},
};

START_TEST(the_parameters_of_mail)
{
    const mail_case *one = &mails[_i];
    sink_mail_wishes got;
    sink_parameters answer =
        sink_parameters_mail(bytes(one->rest), one->offers, &got);

    ck_assert_msg(answer == one->answer, "\"%s\": %d", one->rest, (int)answer);
    if (answer != GOOD)
        return;
    ck_assert_uint_eq(got.size, one->wishes.size);
    ck_assert_int_eq(got.sized, one->wishes.sized);
    ck_assert_int_eq(got.eight_bit, one->wishes.eight_bit);
    ck_assert_int_eq(got.utf8, one->wishes.utf8);
    ck_assert_pstr_eq(got.returns, one->wishes.returns);
    assert_bytes(got.id, one->id != NULL ? one->id : "");
}
END_TEST

/* ---- RCPT ---- */

typedef struct rcpt_case {
    const char *rest;
    const sink_offers *offers;
    bool utf8;
    sink_parameters answer;
    const char *notify, *type, *origin;
} rcpt_case;

static const rcpt_case rcpts[] = {
    {"", &none, false, GOOD, "", "", ""},
    {"NOTIFY=NEVER", &few, false, GOOD, "NEVER", "", ""},
    {"NOTIFY=NEVER", &none, false, UNKNOWN, "", "", ""},
    {"notify=success,Failure,DELAY ORCPT=rfc822;a+2B@x", &few, false, GOOD,
     "success,Failure,DELAY", "rfc822", "a+2B@x"},
    {"NOTIFY=NEVER,DELAY", &few, false, WRONG, "", "", ""},
    {"NOTIFY=DELAY,DELAY", &few, false, WRONG, "", "", ""},
    {"NOTIFY=DELAY,", &few, false, WRONG, "", "", ""},
    {"NOTIFY=,DELAY", &few, false, WRONG, "", "", ""},
    {"NOTIFY=", &few, false, WRONG, "", "", ""},
    {"NOTIFY=ALWAYS", &few, false, WRONG, "", "", ""},
    {"NOTIFY=NEVER NOTIFY=NEVER", &few, false, WRONG, "", "", ""},
    {"ORCPT=a@x", &few, false, WRONG, "", "", ""},
    {"ORCPT=rfc822;", &few, false, WRONG, "", "", ""},
    {"ORCPT=;a@x", &few, false, WRONG, "", "", ""},
    {"ORCPT=rfc(822;a@x", &few, false, WRONG, "", "", ""},
    {"ORCPT=rfc822;a=b@x", &few, false, WRONG, "", "", ""},
    {"ORCPT=rfc822;\xc3\xa4@x", &few, true, WRONG, "", "", ""},
    {"ORCPT=utf-8;\xc3\xa4@x", &few, true, GOOD, "", "utf-8", "\xc3\xa4@x"},
    {"ORCPT=utf-8;\xc3\xa4@x", &few, false, WRONG, "", "", ""},
    {"ORCPT=utf-8;\xe4@x", &few, true, WRONG, "", "", ""},
    {"ORCPT=utf-8;\\x{E4}@x", &few, false, GOOD, "", "utf-8", "\\x{E4}@x"},
    {"ORCPT=utf-8;a+2B@x", &few, true, WRONG, "", "", ""},
    {"SIZE=1", &all, false, UNKNOWN, "", "", ""},
};

START_TEST(the_parameters_of_rcpt)
{
    const rcpt_case *one = &rcpts[_i];
    sink_rcpt_wishes got;
    sink_parameters answer =
        sink_parameters_rcpt(bytes(one->rest), one->offers, one->utf8, &got);

    ck_assert_msg(answer == one->answer, "\"%s\": %d", one->rest, (int)answer);
    if (answer != GOOD)
        return;
    assert_bytes(got.notify, one->notify);
    assert_bytes(got.type, one->type);
    assert_bytes(got.origin, one->origin);
}
END_TEST

/* ---- Lengths, and xtext ---- */

static sink_parameters long_value(const char *before, size_t size, bool mail)
{
    char text[600];
    size_t start = strlen(before);
    thrum_bytes rest = {text, start + size};
    sink_mail_wishes mail_wishes;
    sink_rcpt_wishes rcpt_wishes;

    memset(text, 'a', sizeof text);
    memcpy(text, before, start);
    return mail ? sink_parameters_mail(rest, &all, &mail_wishes)
                : sink_parameters_rcpt(rest, &all, false, &rcpt_wishes);
}

START_TEST(what_identifies_a_message_or_a_recipient_has_its_bounds)
{
    ck_assert_int_eq(long_value("ENVID=", 100, true), GOOD);
    ck_assert_int_eq(long_value("ENVID=", 101, true), WRONG);
    ck_assert_int_eq(long_value("ORCPT=x;", 498, false), GOOD);
    ck_assert_int_eq(long_value("ORCPT=x;", 499, false), WRONG);
}
END_TEST

START_TEST(xtext_is_decoded)
{
    static const char *const pairs[][2] = {
        {"a", "a"},       {"a+2Bb", "a+b"}, {"+41+42", "AB"},
        {"+3D+20", "= "}, {"a+", "a+"},     {"a+4", "a+4"},
    };
    char out[16];

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        size_t size = sink_xtext_decode(bytes(pairs[i][0]), out);

        assert_bytes((thrum_bytes){out, size}, pairs[i][1]);
    }
}
END_TEST

int main(void)
{
    TCase *one = tcase_create("parameters");

    tcase_add_loop_test(one, the_parameters_of_mail, 0,
                        sizeof mails / sizeof *mails);
    tcase_add_loop_test(one, the_parameters_of_rcpt, 0,
                        sizeof rcpts / sizeof *rcpts);
    tcase_add_test(one,
                   what_identifies_a_message_or_a_recipient_has_its_bounds);
    tcase_add_test(one, xtext_is_decoded);
    return support_main("sink parameter", &one, 1);
}
