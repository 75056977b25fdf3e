/* SPDX-License-Identifier: MIT */
/*
 * What a message must never do to a server or a reader, row by row; the rows
 * bear the names of the hazards. That it holds for every short text, and
 * wherever it is cut, is in test_slices.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/message_struct.h"
#include "mail/text.h"
#include "tests/mail/letter.h"
#include "tests/mail/wire.h"
#include "tests/support/support.h"

#define TEN(x) x x x x x x x x x x
#define A75 TEN("aaaaaaa") "aaaaa"

/* A text and its body in DATA, and in BDAT where that differs. */
static const struct {
    const char *row;
    thrum_bytes text;
    const char *dotted; /* NULL: refused */
    const char *binary;
} bodies[] = {
    {"D1: LF alone", {"a\nb\n", 4}, "a\r\nb\r\n", NULL},
    {"D1: CR alone", {"a\rb\r", 4}, "a\r\nb\r\n", NULL},
    {"D1: CR CR LF", {"a\r\r\n", 4}, "a\r\n\r\n", NULL},
    {"D1: LF CR", {"a\n\r", 3}, "a\r\n\r\n", NULL},
    {"D2: a dot between bare LFs", {"\n.\n", 3}, "\r\n..\r\n", "\r\n.\r\n"},
    {"D2: a dot between bare CRs", {"\r.\r", 3}, "\r\n..\r\n", "\r\n.\r\n"},
    {"D2: LF dot CR", {"\n.\r", 3}, "\r\n..\r\n", "\r\n.\r\n"},
    {"D2: CR dot LF", {"\r.\n", 3}, "\r\n..\r\n", "\r\n.\r\n"},
    {"D2: LF dot CR LF", {"\n.\r\n", 4}, "\r\n..\r\n", "\r\n.\r\n"},
    {"D2: CR LF dot CR LF", {"\r\n.\r\n", 5}, "\r\n..\r\n", "\r\n.\r\n"},
    {"D2: CR LF dot LF", {"\r\n.\n", 4}, "\r\n..\r\n", "\r\n.\r\n"},
    {"D2: CR CR LF dot CR CR LF",
     {"\r\r\n.\r\r\n", 7},
     "\r\n\r\n..\r\n\r\n",
     "\r\n\r\n.\r\n\r\n"},
    {"D2: NUL before the dot", {"\r\n\0.\r\n", 6}, NULL, NULL},
    {"D2: NUL behind the dot", {"\r\n.\0\r\n", 6}, NULL, NULL},
    {"D3: a dot first of all", {".a\n", 3}, "..a\r\n", ".a\r\n"},
    {"D3: a dot first in quoted-printable",
     {".\xc3\xbc\n.\n", 6},
     "=2E=C3=BC\r\n=2E\r\n",
     NULL},
    {"D3: a dot that a soft break would put first",
     {A75 ".\xc3\xbc\n", 79},
     A75 "=\r\n=2E=C3=BC\r\n",
     NULL},
    {"D4: no end of the last line", {"a", 1}, "a=\r\n", NULL},
    {"D4: an empty message", {"", 0}, "", NULL},
    {"D6: a line that is too long",
     {A75 "aaa\n", 79},
     A75 "=\r\naaa\r\n",
     NULL},
    {"D7: 8 bits", {"\xc3\xbc\n", 3}, "=C3=BC\r\n", NULL},
    {"D8: NUL", {"a\0b\n", 4}, NULL, NULL},
    {"D8: not UTF-8", {"\xff\n", 2}, NULL, NULL},
};

static thrum_message *ordinary(thrum_context *context)
{
    thrum_message *letter = thrum_message_new(context);

    thrum_message_set_from(letter, "Eve <eve@example.org>");
    thrum_message_add_to(letter, "ann@example.org");
    return letter;
}

static void assert_body(thrum_message *letter, size_t row,
                        thrum_context *context)
{
    const char *dotted = bodies[row].dotted, *binary = bodies[row].binary;
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    ck_assert_int_eq(letter_write(letter, &out, SIZE_MAX / 2), 0);
    wire_assert_same(wire_body((thrum_bytes){out.data, out.size}),
                     thrum__text_of(dotted), bodies[row].row);
    letter_assert_binary(letter, (thrum_bytes){out.data, out.size}, 1);
    thrum_buffer_clear(&out);
    ck_assert_int_eq(letter_write_binary(letter, &out, SIZE_MAX / 2), 0);
    wire_assert_same(wire_body((thrum_bytes){out.data, out.size}),
                     thrum__text_of(binary != NULL ? binary : dotted),
                     bodies[row].row);
    thrum_buffer_fini(&out);
}

START_TEST(a_body_is_sound_on_the_wire)
{
    thrum_bytes text = bodies[_i].text;
    thrum_context *context = support_context();
    thrum_message *letter = ordinary(context);
    int code = thrum_message_set_text(letter, text.data, text.size);

    if (bodies[_i].dotted == NULL)
        ck_assert_int_eq(code, THRUM_MAIL_E_TEXT);
    else
        assert_body(letter, (size_t)_i, context);
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

START_TEST(so_is_a_template_s_whose_text_is_the_same_for_all)
{
    thrum_bytes text = bodies[_i].text;
    thrum_context *context = support_context();
    letter_parts with = {.subject = "{{name}}", .text = text.data};
    thrum_template *letter;
    thrum_message *message;

    if (bodies[_i].dotted == NULL) {
        support_context_end(context);
        return;
    }
    letter = letter_new(context, &with, NULL);
    message = letter_fill(letter, "Ann", "x", "y");
    assert_body(message, (size_t)_i, context);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

/* ---- Headers ---- */

typedef int set_fn(thrum_message *message, const char *value);

static int set_header_name(thrum_message *message, const char *value)
{
    return thrum_message_add_header(message, value, "x");
}

static int set_header_value(thrum_message *message, const char *value)
{
    return thrum_message_add_header(message, "X-Key", value);
}

static int set_envelope_id(thrum_message *message, const char *value)
{
    return thrum_message_set_dsn(message, &(thrum_dsn){.envelope_id = value});
}

static const struct {
    const char *row;
    set_fn *set;
    const char *value;
    int code;
} setters[] = {
    {"I1: in the envelope's sender", thrum_message_set_envelope_from,
     "a@b>\r\nRCPT TO:<c@d", THRUM_MAIL_E_ADDRESS},
    {"I1: in a recipient", thrum_message_add_to, "\"a\r\n\"@b",
     THRUM_MAIL_E_ADDRESS},
    {"I1: in an ENVID", set_envelope_id, "1\r\nRCPT TO:<c@d>",
     THRUM_MAIL_E_HEADER},
    {"I5: in a display name", thrum_message_set_from, "A\r\nBcc: c@d <a@b>",
     THRUM_MAIL_E_ADDRESS},
    {"I5: in a quoted display name", thrum_message_set_from,
     "\"A\r\nBcc: c@d\" <a@b>", THRUM_MAIL_E_ADDRESS},
    {"I5: in a subject", thrum_message_set_subject, "S\r\nBcc: c@d",
     THRUM_MAIL_E_HEADER},
    {"I5: in a header", set_header_value, "x\nBcc: c@d", THRUM_MAIL_E_HEADER},
    {"I5: in a header, with a fold", set_header_value, "x\r\n y",
     THRUM_MAIL_E_HEADER},
    {"I5: in a header's name", set_header_name, "X: y\r\nBcc",
     THRUM_MAIL_E_HEADER},
    {"I5: a colon in a header's name", set_header_name,
     "X:", THRUM_MAIL_E_HEADER},
    {"I5: UTF-8 in a header's name", set_header_name, "X-\xc3\xbc",
     THRUM_MAIL_E_HEADER},
    {"I6: Bcc", set_header_name, "bcc", THRUM_MAIL_E_HEADER},
};

START_TEST(no_line_is_injected_by_a_setter)
{
    thrum_context *context = support_context();
    thrum_message *letter = ordinary(context);
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_message_set_text(letter, "x\n", 2);
    ck_assert_msg(setters[_i].set(letter, setters[_i].value) ==
                      setters[_i].code,
                  "%s", setters[_i].row);
    ck_assert_int_eq(thrum_message_write(letter, &out), setters[_i].code);
    ck_assert_uint_eq(out.size, 0);
    thrum_buffer_fini(&out);
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

/* A value that could be taken for the end of an encoded word, or for one. */
static const struct {
    const char *row;
    const char *value;
} words[] = {
    {"I5: an encoded word as a value", "=?UTF-8?Q?=0D=0ABcc:?="},
    {"I5: half an encoded word", "=?UTF-8?Q?"},
    {"I5: the end of one", "\xc3\xbc?="},
    {"I5: a value for which the slot's header has no place",
     TEN(TEN("\xc3\xbc "))},
};

START_TEST(an_encoded_word_is_made_of_the_whole_value)
{
    thrum_context *context = support_context();
    letter_parts with = {.subject = "=?{{name}}?=", .text = "x\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_message *message = letter_fill(letter, words[_i].value, "x", "y");
    char expected[400] = "=?";
    thrum_buffer out;
    wire_text read;

    strncat(expected, words[_i].value, 390);
    strncat(expected, "?=", 3);
    thrum_buffer_init(&out, context, SIZE_MAX);
    ck_assert_int_eq(thrum_message_write(message, &out), 0);
    read =
        wire_header(wire_find((thrum_bytes){out.data, out.size}, "Subject"), 9);
    wire_assert_same((thrum_bytes){read.data, read.size},
                     thrum__text_of(expected), words[_i].row);
    free(read.data);
    thrum_buffer_fini(&out);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

/* I7, D11: one recipient, and the same bytes however often they are asked for,
 * whatever was written between. */
START_TEST(d11_a_message_that_is_sent_again_is_the_same)
{
    thrum_context *context = support_context();
    letter_parts with = {.subject = "{{name}}",
                         .text = "{{city}}\n",
                         .html = "<p>{{city}}</p>\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_message *first = letter_fill(letter, "Ann", "x", "1");
    thrum_message *second = letter_fill(letter, "Bob", "y", "2");
    thrum_buffer out[3];

    second->second += 86400;
    for (size_t i = 0; i < 3; i++) {
        thrum_buffer_init(&out[i], context, SIZE_MAX);
        ck_assert_int_eq(letter_write(i == 1 ? second : first, &out[i], 65536),
                         0);
    }
    wire_assert_same((thrum_bytes){out[0].data, out[0].size},
                     (thrum_bytes){out[2].data, out[2].size}, "D11: again");
    ck_assert_uint_eq(thrum_message_recipients(first), 1);
    wire_assert_same(wire_find((thrum_bytes){out[0].data, out[0].size}, "To"),
                     thrum__text_of("ann@example.org"), "I7: one recipient");
    for (size_t i = 0; i < 3; i++)
        thrum_buffer_fini(&out[i]);
    thrum_message_free(first);
    thrum_message_free(second);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("bodies"), tcase_create("headers")};
    int rows = sizeof bodies / sizeof bodies[0];

    tcase_add_loop_test(cases[0], a_body_is_sound_on_the_wire, 0, rows);
    tcase_add_loop_test(
        cases[0], so_is_a_template_s_whose_text_is_the_same_for_all, 0, rows);
    tcase_add_loop_test(cases[1], no_line_is_injected_by_a_setter, 0,
                        sizeof setters / sizeof setters[0]);
    tcase_add_loop_test(cases[1], an_encoded_word_is_made_of_the_whole_value, 0,
                        sizeof words / sizeof words[0]);
    tcase_add_test(cases[1], d11_a_message_that_is_sent_again_is_the_same);
    return support_main("hazards", cases, 2);
}
