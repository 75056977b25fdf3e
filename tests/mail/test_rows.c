/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "mail/header.h"
#include "mail/text.h"
#include "tests/mail/letter.h"
#include "tests/mail/wire.h"
#include "tests/support/support.h"

static const struct {
    letter_parts with;
    const char *to;
    thrum_bytes name;
    int code; /* 0: a message can be made */
    const char *text;
} row_cases[] = {
    {{.text = "{{name}}"}, "a@b", {"Ann", 3}, 0, NULL},
    {{.text = "no slots"}, "a@b", {"", 0}, 0, NULL},
    {{.text = "no slots"}, "a@b", {"\0\n\xff", 3}, 0, NULL},
    {{.text = "{{name}}"}, "a@b", {"a\nb", 3}, 0, NULL},
    {{.text = "{{name}}"}, "a@b", {"\x1b", 1}, 0, NULL},
    {{.subject = "{{name}}", .text = "x"}, "a@b", {"J\xc3\xbc", 3}, 0, NULL},
    {{.text = "x"},
     "nobody",
     {"x", 1},
     THRUM_MAIL_E_ADDRESS,
     "not a mail address: it has no \"@\""},
    {{.text = "x"},
     "",
     {"x", 1},
     THRUM_MAIL_E_ADDRESS,
     "not a mail address: it is empty"},
    {{.text = "x"},
     "a@b\r\nRCPT",
     {"x", 1},
     THRUM_MAIL_E_ADDRESS,
     "not a mail address: it has a control character"},
    {{.text = "x"},
     "Ann <a@b>",
     {"x", 1},
     THRUM_MAIL_E_ADDRESS,
     "not a mail address: it has a blank"},
    {{.text = "{{name}}"},
     "a@b",
     {"", 0},
     THRUM_MAIL_E_EMPTY,
     "column \"name\" is empty"},
    {{.text = "{{name}}"},
     "a@b",
     {"a\0b", 3},
     THRUM_MAIL_E_TEXT,
     "column \"name\" has a NUL"},
    {{.html = "{{name}}"},
     "a@b",
     {"\xff", 1},
     THRUM_MAIL_E_TEXT,
     "column \"name\" has bytes that are not UTF-8"},
    {{.subject = "{{name}}", .text = "x"},
     "a@b",
     {"a\nb", 3},
     THRUM_MAIL_E_HEADER,
     "subject: column \"name\" has a line break"},
    {{.subject = "{{name}}", .text = "x"},
     "a@b",
     {"a\r\nBcc: c@d", 11},
     THRUM_MAIL_E_HEADER,
     "subject: column \"name\" has a line break"},
    {{.header = "x{{name}}", .text = "x"},
     "a@b",
     {"\r", 1},
     THRUM_MAIL_E_HEADER,
     "header X-Key: column \"name\" has a line break"},
    {{.header = "{{name}}", .text = "x"},
     "a@b",
     {"a\tb", 3},
     THRUM_MAIL_E_HEADER,
     "header X-Key: column \"name\" has a control character"},
    {{.text = "{{name}}", .header = "{{name}}"},
     "a@b",
     {"\0", 1},
     THRUM_MAIL_E_HEADER,
     "header X-Key: column \"name\" has a NUL"},
    {{.subject = "{{name}}", .text = "x"},
     "a@b",
     {"\xc3(", 2},
     THRUM_MAIL_E_HEADER,
     "subject: column \"name\" has bytes that are not UTF-8"},
    {{.reply_to = "{{name}} <a@b>", .text = "x"},
     "a@b",
     {"a\nb", 3},
     THRUM_MAIL_E_HEADER,
     "reply-to: column \"name\" has a line break"},
    {{.reply_to = "{{name}}", .text = "x"},
     "a@b",
     {"nobody", 6},
     THRUM_MAIL_E_ADDRESS,
     "reply-to: it has no \"@\""},
    {{.envelope_from = "b+{{name}}@c", .text = "x"}, "a@b", {"7", 1}, 0, NULL},
    {{.envelope_from = "b+{{name}}@c", .text = "x"},
     "a@b",
     {"7 SIZE=1", 8},
     THRUM_MAIL_E_ADDRESS,
     "envelope from: it has a blank"},
    {{.envelope_from = "b+{{name}}@c", .text = "x"},
     "a@b",
     {"x@y", 3},
     THRUM_MAIL_E_ADDRESS,
     "envelope from: it has two \"@\""},
    {{.envelope_from = "b+{{name}}@c", .text = "x"},
     "a@b",
     {"\n", 1},
     THRUM_MAIL_E_HEADER,
     "envelope from: column \"name\" has a line break"},
    {{.envelope_from = "b+{{name}}@c", .text = "x"},
     "a@b",
     {"\xc3\xbc", 2},
     0,
     NULL},
    {{.envelope_from = "b+{{name}}@c", .text = "x"},
     "a@b",
     {"\xc2\x85", 2},
     THRUM_MAIL_E_ADDRESS,
     "envelope from: it has a control character"},
    {{.envelope_from = "b+{{name}}@c", .text = "x"},
     "a@b",
     {"7\0", 2},
     THRUM_MAIL_E_HEADER,
     "envelope from: column \"name\" has a NUL"},
    {{.envelope_from = "b+{{name}}@c", .text = "x"},
     "a@b",
     {"7\r\nDATA\r\n", 9},
     THRUM_MAIL_E_HEADER,
     "envelope from: column \"name\" has a line break"},
    {{.envelope_from = "b+{{name}}@c", .text = "x"},
     "a@b",
     {"", 0},
     THRUM_MAIL_E_EMPTY,
     "column \"name\" is empty"},
    {{.envelope_from = "{{name}}", .text = "x"},
     "a@b",
     {"\"a b\"@c", 7},
     0,
     NULL},
    {{.dsn = &(thrum_dsn){.envelope_id = "n{{name}}"}, .text = "x"},
     "a@b",
     {"7 of 9", 6},
     0,
     NULL},
    {{.dsn = &(thrum_dsn){.envelope_id = "n{{name}}"}, .text = "x"},
     "a@b",
     {"7\0", 2},
     THRUM_MAIL_E_HEADER,
     "envelope id: column \"name\" has a NUL"},
    {{.dsn = &(thrum_dsn){.envelope_id = "n{{name}}"}, .text = "x"},
     "a@b",
     {"7\r\nQUIT", 7},
     THRUM_MAIL_E_HEADER,
     "envelope id: column \"name\" has a line break"},
    {{.dsn = &(thrum_dsn){.envelope_id = "n{{name}}"}, .text = "x"},
     "a@b",
     {"\xc3\xbc", 2},
     THRUM_MAIL_E_HEADER,
     "envelope id: it has a character that is not printable US-ASCII"},
    {{.envelope_from = "b@{{name}}", .text = "x"},
     "a@b",
     {"-\xc3\xbc.example", 11},
     THRUM_MAIL_E_ADDRESS,
     "envelope from: its domain is no internationalized name (IDNA2008)"},
};

START_TEST(a_row_is_good_when_its_message_is)
{
    thrum_context *context = support_context();
    thrum_template *letter = letter_new(context, &row_cases[_i].with, NULL);
    thrum_bytes values[LETTER_COLUMNS] = {{"x", 1}, row_cases[_i].name};
    thrum_bytes to = thrum__text_of(row_cases[_i].to);
    thrum_failure *why = thrum_template_check(letter, to, values);
    thrum_message *message = thrum_template_fill(letter, to, values);
    const thrum_failure *same = thrum_message_failure(message);
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    ck_assert_int_eq(thrum_message_write(message, &out), row_cases[_i].code);
    ck_assert_str_eq(thrum_message_recipient(message, 0), row_cases[_i].to);
    ck_assert_uint_eq(strlen(thrum_message_id(message)) > 30, 1);
    ck_assert((why == NULL) == (row_cases[_i].code == 0));
    ck_assert((why == NULL) == (same == NULL));
    if (why != NULL) {
        ck_assert_int_eq(thrum_failure_code(why), row_cases[_i].code);
        ck_assert_str_eq(thrum_failure_text(why), row_cases[_i].text);
        ck_assert_str_eq(thrum_failure_text(same), row_cases[_i].text);
        ck_assert_uint_eq(out.size, 0);
    }
    thrum_failure_unref(why);
    thrum_buffer_fini(&out);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

START_TEST(a_header_that_its_values_make_too_long_is_refused)
{
    thrum_context *context = support_context();
    letter_parts with = {.subject = "{{name}}{{name}}", .text = "x"};
    letter_parts mailbox = {.reply_to = "{{name}}{{name}} <a@b>", .text = "x"};
    thrum_template *letters[] = {letter_new(context, &with, NULL),
                                 letter_new(context, &mailbox, NULL)};
    char *name = malloc(THRUM__HEADER_MOST);

    memset(name, 'a', THRUM__HEADER_MOST);
    for (size_t i = 0; i < 2; i++)
        for (size_t size = THRUM__HEADER_MOST / 2 - 6;
             size < THRUM__HEADER_MOST / 2 + 4; size++) {
            size_t whole = 2 * size + (i == 0 ? 0 : 3);
            thrum_bytes values[LETTER_COLUMNS] = {{"x", 1}, {name, size}};
            thrum_message *message =
                thrum_template_fill(letters[i], thrum__text_of("a@b"), values);
            thrum_buffer out;

            thrum_buffer_init(&out, context, SIZE_MAX);
            ck_assert_int_eq(thrum_message_write(message, &out),
                             whole > THRUM__HEADER_MOST ? THRUM_MAIL_E_TOO_LONG
                                                        : 0);
            thrum_buffer_fini(&out);
            thrum_message_free(message);
        }
    free(name);
    thrum_template_unref(letters[0]);
    thrum_template_unref(letters[1]);
    support_context_end(context);
}
END_TEST

START_TEST(each_message_has_an_id_and_a_sender_of_its_own)
{
    thrum_context *context = support_context();
    letter_parts with = {.envelope_from = "b+{{id}}@example.org", .text = "x"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_message *first = letter_fill(letter, "x", "x", "17");
    thrum_message *second = letter_fill(letter, "x", "x", "18");
    const char *id = thrum_message_id(first);

    ck_assert_str_eq(thrum_message_sender(first), "b+17@example.org");
    ck_assert_str_eq(thrum_message_sender(second), "b+18@example.org");
    ck_assert_str_eq(id + 33, ".1@example.org>");
    ck_assert_str_eq(thrum_message_id(second) + 33, ".2@example.org>");
    ck_assert_mem_eq(id, thrum_message_id(second), 33);
    ck_assert_ptr_eq(id, thrum_message_id(first));
    ck_assert_uint_eq(thrum_message_recipients(first), 1);
    ck_assert_ptr_null(thrum_message_recipient(first, 1));
    thrum_message_free(first);
    thrum_message_free(second);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

START_TEST(a_filled_message_stays_as_it_is)
{
    thrum_context *context = support_context();
    letter_parts with = {.text = "x\n"};
    thrum_template *letter = letter_new(context, &with, NULL);

    for (size_t i = 0; i < 8; i++) {
        thrum_message *message = letter_fill(letter, "x", "x", "17");
        int codes[] = {thrum_message_set_from(message, "a@b"),
                       thrum_message_set_reply_to(message, "a@b"),
                       thrum_message_set_envelope_from(message, "a@b"),
                       thrum_message_add_to(message, "a@b"),
                       thrum_message_set_subject(message, "a"),
                       thrum_message_add_header(message, "X", "a"),
                       thrum_message_set_text(message, "a", 1),
                       thrum_message_set_html(message, "a", 1)};

        ck_assert_int_eq(codes[i], THRUM_E_INVALID);
        ck_assert_int_eq(thrum_failure_code(thrum_message_failure(message)),
                         THRUM_E_INVALID);
        thrum_message_free(message);
    }
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *rows = tcase_create("rows");

    tcase_add_loop_test(rows, a_row_is_good_when_its_message_is, 0,
                        sizeof row_cases / sizeof row_cases[0]);
    tcase_add_test(rows, a_header_that_its_values_make_too_long_is_refused);
    tcase_add_test(rows, each_message_has_an_id_and_a_sender_of_its_own);
    tcase_add_test(rows, a_filled_message_stays_as_it_is);
    return support_main("rows", &rows, 1);
}
