/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "mail/dsn.h"
#include "mail/text.h"
#include "tests/mail/letter.h"
#include "tests/support/support.h"

#define TEN(x) x x x x x x x x x x
#define A97 TEN("aaaaaaaaa") "aaaaaaa"

static const struct {
    const char *id;
    int code;
} id_cases[] = {
    {"17", 0},
    {"campaign 3/17", 0},
    {"!~", 0},
    {A97 "aaa", 0},
    {A97 "aaaa", THRUM_MAIL_E_HEADER},
    {A97 "+", 0},
    {A97 "+a", THRUM_MAIL_E_HEADER},
    {A97 "=", 0},
    {A97 "=a", THRUM_MAIL_E_HEADER},
    {A97 " a", THRUM_MAIL_E_HEADER},
    {"a\r\nRCPT TO:<b@c>", THRUM_MAIL_E_HEADER},
    {"a\n", THRUM_MAIL_E_HEADER},
    {"a\t", THRUM_MAIL_E_HEADER},
    {"a\x7f", THRUM_MAIL_E_HEADER},
    {"\xc3\xbc", THRUM_MAIL_E_HEADER},
    {"\xff", THRUM_MAIL_E_HEADER},
};

START_TEST(i1_an_envelope_id_is_short_and_printable)
{
    thrum_context *context = support_context();
    thrum_message *message = thrum_message_new(context);
    thrum_dsn dsn = {.envelope_id = id_cases[_i].id};

    ck_assert_int_eq(thrum_message_set_dsn(message, &dsn), id_cases[_i].code);
    if (id_cases[_i].code == 0) {
        const thrum__dsn *set = thrum__message_dsn(message);

        ck_assert_uint_eq(set->envelope_id.size, strlen(dsn.envelope_id));
        ck_assert_mem_eq(set->envelope_id.data, dsn.envelope_id,
                         set->envelope_id.size);
    } else {
        ck_assert_ptr_null(thrum__message_dsn(message));
        ck_assert_int_eq(thrum_failure_code(thrum_message_failure(message)),
                         id_cases[_i].code);
    }
    thrum_message_free(message);
    support_context_end(context);
}
END_TEST

static const struct {
    thrum_dsn dsn;
    int code;
} flag_cases[] = {
    {{.notify = 0}, 0},
    {{.notify = THRUM_DSN_NEVER}, 0},
    {{.notify = THRUM_DSN_SUCCESS}, 0},
    {{.notify = THRUM_DSN_SUCCESS | THRUM_DSN_FAILURE | THRUM_DSN_DELAY}, 0},
    {{.notify = THRUM_DSN_NEVER | THRUM_DSN_FAILURE}, THRUM_E_INVALID},
    {{.notify = 16}, THRUM_E_INVALID},
    {{.what = THRUM_DSN_RETURN_FULL}, 0},
    {{.what = THRUM_DSN_RETURN_HEADERS}, 0},
    {{.what = (thrum_dsn_return)3}, THRUM_E_INVALID},
    {{.original = 2}, 0},
};

START_TEST(i1_every_byte_that_is_not_printable_us_ascii_is_refused)
{
    for (int byte = 0; byte < 256; byte++) {
        char id[] = {'a', (char)byte, 'b'};
        bool is_printable = byte >= ' ' && byte <= '~';

        ck_assert_int_eq(thrum__dsn_check_id((thrum_bytes){id, sizeof id}) ==
                             NULL,
                         is_printable);
    }
}
END_TEST

START_TEST(never_stands_alone_and_unknown_flags_nowhere)
{
    thrum_context *context = support_context();
    thrum_message *message = thrum_message_new(context);
    const thrum_dsn *dsn = &flag_cases[_i].dsn;

    ck_assert_int_eq(thrum_message_set_dsn(message, dsn), flag_cases[_i].code);
    if (flag_cases[_i].code == 0) {
        const thrum__dsn *set = thrum__message_dsn(message);

        ck_assert_uint_eq(set->notify, dsn->notify);
        ck_assert_int_eq(set->what, dsn->what);
        ck_assert_int_eq(set->original, dsn->original != 0);
        ck_assert_uint_eq(set->envelope_id.size, 0);
    }
    thrum_message_free(message);
    support_context_end(context);
}
END_TEST

START_TEST(what_was_asked_for_can_be_taken_back)
{
    thrum_context *context = support_context();
    thrum_message *message = thrum_message_new(context);
    char id[] = "one";
    thrum_dsn dsn = {.notify = THRUM_DSN_FAILURE, .envelope_id = id};

    ck_assert_ptr_null(thrum__message_dsn(message));
    ck_assert_int_eq(thrum_message_set_dsn(message, &dsn), 0);
    memset(id, 'x', 3);
    ck_assert_str_eq(thrum__message_dsn(message)->envelope_id.data, "one");
    ck_assert_int_eq(thrum_message_set_dsn(message, NULL), 0);
    ck_assert_ptr_null(thrum__message_dsn(message));
    ck_assert_int_eq(thrum_message_set_dsn(NULL, &dsn), THRUM_E_NOMEM);
    thrum_message_free(message);
    support_context_end(context);
}
END_TEST

/* Braces are plain text in a message that is sent. */
START_TEST(an_envelope_id_with_braces_is_judged_when_it_is_known_what_they_are)
{
    thrum_context *context = support_context();
    letter_parts with = {.text = "x\n",
                         .dsn = &(thrum_dsn){.envelope_id = "{{ID" A97}};
    thrum_message *message = letter_prototype(context, &with);

    thrum_message_add_to(message, "ann@example.org");
    ck_assert_ptr_null(thrum_message_failure(message));
    ck_assert_int_eq(thrum_failure_code(thrum__message_ready(message)),
                     THRUM_MAIL_E_HEADER);
    thrum_message_set_dsn(message, &(thrum_dsn){.envelope_id = "{{id}}"});
    ck_assert_ptr_null(thrum__message_ready(message));
    ck_assert_str_eq(thrum__message_dsn(message)->envelope_id.data, "{{id}}");
    thrum_message_free(message);
    support_context_end(context);
}
END_TEST

START_TEST(a_template_passes_it_on)
{
    thrum_context *context = support_context();
    thrum_dsn dsn = {.notify = THRUM_DSN_NEVER,
                     .what = THRUM_DSN_RETURN_HEADERS,
                     .envelope_id = "news 3",
                     .original = 1};
    letter_parts with = {.text = "{{name}}\n", .dsn = &dsn};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_message *message = letter_fill(letter, "Ann", "x", "17");
    const thrum__dsn *got = thrum__message_dsn(message);

    thrum_template_unref(letter);
    ck_assert_ptr_null(thrum_message_failure(message));
    ck_assert_uint_eq(got->notify, THRUM_DSN_NEVER);
    ck_assert_int_eq(got->what, THRUM_DSN_RETURN_HEADERS);
    ck_assert_int_eq(got->original, true);
    ck_assert_str_eq(got->envelope_id.data, "news 3");
    thrum_message_free(message);
    support_context_end(context);
}
END_TEST

static const struct {
    const char *value;
    int code;
    const char *words;
} slot_cases[] = {
    {"17", 0, "news-17"},
    {"1 7", 0, "news-1 7"},
    {"", THRUM_MAIL_E_EMPTY, "id"},
    {"17\r\nQUIT", THRUM_MAIL_E_HEADER, "envelope id"},
    {"1\n", THRUM_MAIL_E_HEADER, "envelope id"},
    {"\xc3\xbc", THRUM_MAIL_E_HEADER, "printable"},
    {A97, THRUM_MAIL_E_HEADER, "100 octets"},
};

START_TEST(slots_of_an_envelope_id_are_filled_and_judged)
{
    thrum_context *context = support_context();
    letter_parts with = {.text = "x\n",
                         .dsn = &(thrum_dsn){.notify = THRUM_DSN_FAILURE,
                                             .envelope_id = "news-{{id}}"}};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_message *message =
        letter_fill(letter, "Ann", "x", slot_cases[_i].value);
    const thrum_failure *why = thrum_message_failure(message);

    if (slot_cases[_i].code == 0) {
        const thrum__dsn *got = thrum__message_dsn(message);

        ck_assert_ptr_null(why);
        ck_assert_uint_eq(got->notify, THRUM_DSN_FAILURE);
        ck_assert_str_eq(got->envelope_id.data, slot_cases[_i].words);
        ck_assert_uint_eq(got->envelope_id.size, strlen(slot_cases[_i].words));
    } else {
        ck_assert_int_eq(thrum_failure_code(why), slot_cases[_i].code);
        ck_assert_ptr_nonnull(
            strstr(thrum_failure_text(why), slot_cases[_i].words));
    }
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("dsn"), tcase_create("slots")};

    tcase_add_loop_test(cases[0], i1_an_envelope_id_is_short_and_printable, 0,
                        sizeof id_cases / sizeof id_cases[0]);
    tcase_add_test(cases[0],
                   i1_every_byte_that_is_not_printable_us_ascii_is_refused);
    tcase_add_loop_test(cases[0], never_stands_alone_and_unknown_flags_nowhere,
                        0, sizeof flag_cases / sizeof flag_cases[0]);
    tcase_add_test(cases[0], what_was_asked_for_can_be_taken_back);
    tcase_add_test(
        cases[0],
        an_envelope_id_with_braces_is_judged_when_it_is_known_what_they_are);
    tcase_add_test(cases[1], a_template_passes_it_on);
    tcase_add_loop_test(cases[1], slots_of_an_envelope_id_are_filled_and_judged,
                        0, sizeof slot_cases / sizeof slot_cases[0]);
    return support_main("dsn", cases, 2);
}
