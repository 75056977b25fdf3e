/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/message_struct.h"
#include "mail/text.h"
#include "tests/mail/letter.h"
#include "tests/mail/wire.h"
#include "tests/support/support.h"

static thrum_message *ordinary(thrum_context *context)
{
    thrum_message *letter = thrum_message_new(context);

    thrum_message_set_from(letter, "Eve <eve@example.org>");
    thrum_message_add_to(letter, "ann@example.org");
    return letter;
}

static bool next_symbols(char *text, size_t size)
{
    static const char symbols[] = {'.', '\r', '\n', 'a', '\0'};

    for (size_t i = 0; i < size; i++) {
        const char *at = memchr(symbols, text[i], sizeof symbols);

        if (at + 1 < symbols + sizeof symbols) {
            text[i] = at[1];
            return true;
        }
        text[i] = symbols[0];
    }
    return false;
}

/* The sequences by which servers were made to see two messages in one
 * (hazards of smuggling): none may be on the wire, whatever the text. */
static void assert_not_smuggled(thrum_bytes sent)
{
    static const char *const sequences[] = {
        "\n.\n",     "\n.\r",   "\r.\n",       "\r.\r",
        "\n.\r\n",   "\r.\r\n", "\r\n.\r\r\n", "\r\r\n.\r\r\n",
        "\r\n.\r\n", "\r\n.\n", "\r\n.\r"};
    size_t end = 0;

    for (size_t i = 0; i < sizeof sequences / sizeof sequences[0]; i++)
        if (memmem(sent.data, sent.size, sequences[i], strlen(sequences[i])))
            ck_abort_msg("sequence %zu is on the wire", i);
    if (memchr(sent.data, '\0', sent.size) != NULL)
        ck_abort_msg("a NUL is on the wire, as in two of the sequences");
    /* What ends it behind its last byte is the only end. */
    while (sent.size - end > 2 && memcmp(sent.data + end, "\r\n.", 3) != 0)
        end++;
    if (sent.size - end > 3 && sent.data[end + 3] == '\r')
        ck_abort_msg("it ends at %zu of %zu", end, sent.size);
    if (memcmp(sent.data + sent.size - 2, "\r\n", 2) != 0)
        ck_abort_msg("its last line has no end");
}

static void assert_every_slice_is_the_same(thrum_message *letter,
                                           thrum_context *context,
                                           thrum_bytes sent, size_t step)
{
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    for (size_t slice = 1; slice < sent.size + 20; slice += step) {
        if (letter_write(letter, &out, slice) != 0)
            ck_abort_msg("a slice of %zu", slice);
        wire_assert_same((thrum_bytes){out.data, out.size}, sent, "slices");
        thrum_buffer_clear(&out);
    }
    thrum_buffer_fini(&out);
}

/* The body cut at each of its bytes, then written on byte by byte; in both
 * forms. */
static void assert_every_cut_is_the_same(thrum_message *letter,
                                         thrum_context *context,
                                         thrum_bytes whole,
                                         thrum__message_form form)
{
    size_t body = (size_t)(wire_body(whole).data - whole.data);
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    for (size_t cut = body; cut <= whole.size; cut++) {
        thrum__message_cursor cursor = {0, {0, 0}};
        size_t enough = cut;
        int more;

        do {
            more = thrum__message_data(letter, &cursor, form, &out, enough);
            enough = out.size + 1;
        } while (more == 1);
        if (more != 0)
            ck_abort_msg("a cut at %zu", cut);
        wire_assert_same((thrum_bytes){out.data, out.size}, whole, "a cut");
        thrum_buffer_clear(&out);
    }
    thrum_buffer_fini(&out);
}

static void assert_every_cut(thrum_message *letter, thrum_context *context,
                             thrum_bytes sent)
{
    wire_text kept = wire_receive(sent);

    assert_every_cut_is_the_same(letter, context, sent, THRUM__MESSAGE_DOTTED);
    assert_every_cut_is_the_same(letter, context,
                                 (thrum_bytes){kept.data, kept.size},
                                 THRUM__MESSAGE_BINARY);
    free(kept.data);
}

/* D2, D3: all 19,531 strings of up to six of ".", CR, LF, "a" and NUL: refused
 * with a NUL, else read as they were, and cut anywhere. */
START_TEST(every_short_text_of_hard_symbols_comes_through)
{
    thrum_context *context = support_context();
    unsigned count = 0, refused = 0;
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    for (size_t size = 0; size <= 6; size++) {
        char text[6] = "......";

        do {
            thrum_message *letter = ordinary(context);
            int code = thrum_message_set_text(letter, text, size);

            count++;
            if (code != 0) {
                refused++;
                if (memchr(text, '\0', size) == NULL)
                    ck_abort_msg("refused with %d", code);
            } else {
                wire_text expected = wire_normalise((thrum_bytes){text, size});
                wire_text got;

                if (letter_write(letter, &out, SIZE_MAX / 2) != 0)
                    ck_abort_msg("not written");
                assert_not_smuggled((thrum_bytes){out.data, out.size});
                got = wire_read((thrum_bytes){out.data, out.size});
                wire_assert_same((thrum_bytes){got.data, got.size},
                                 (thrum_bytes){expected.data, expected.size},
                                 "text");
                assert_every_slice_is_the_same(
                    letter, context, (thrum_bytes){out.data, out.size},
                    size < 4 ? 1 : 61);
                letter_assert_binary(letter, (thrum_bytes){out.data, out.size},
                                     size < 4 ? 1 : 61);
                assert_every_cut(letter, context,
                                 (thrum_bytes){out.data, out.size});
                free(got.data);
                free(expected.data);
            }
            thrum_buffer_clear(&out);
            thrum_message_free(letter);
        } while (next_symbols(text, size));
    }
    ck_assert_uint_eq(count, 19531);
    ck_assert_uint_eq(count - refused, 5461);
    thrum_buffer_fini(&out);
    support_context_end(context);
}
END_TEST

START_TEST(a_message_cut_anywhere_is_the_same)
{
    thrum_context *context = support_context();
    thrum_message *letter = ordinary(context);
    static const char text[] = ".one\n..two = \xc3\xbc \n.\r\nthree";
    static const char html[] = ".<p class=\"x\">\r\r.</p>\n";
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_message_set_subject(letter, "J\xc3\xbcrgen");
    thrum_message_set_text(letter, text, sizeof text - 1);
    thrum_message_set_html(letter, html, sizeof html - 1);
    ck_assert_int_eq(letter_write(letter, &out, SIZE_MAX / 2), 0);
    assert_every_slice_is_the_same(letter, context,
                                   (thrum_bytes){out.data, out.size}, 1);
    thrum_buffer_fini(&out);
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

START_TEST(a_long_text_is_encoded_slice_by_slice)
{
    enum { SIZE = 5 << 20, SLICE = 16384 };
    thrum_context *context = support_context();
    thrum_message *letter = ordinary(context);
    thrum__message_cursor cursor = {0, {0, 0}};
    char *text = malloc(SIZE);
    thrum_buffer out;
    size_t slices = 0, total = 0;
    int more;

    memset(text, '=', SIZE);
    thrum_message_set_text(letter, text, SIZE);
    thrum_buffer_init(&out, context, SLICE + THRUM__MESSAGE_STEP);
    do {
        more = thrum__message_data(letter, &cursor, THRUM__MESSAGE_DOTTED, &out,
                                   SLICE);
        total += out.size;
        slices++;
        thrum_buffer_clear(&out);
    } while (more == 1);
    ck_assert_int_eq(more, 0);
    ck_assert_uint_gt(total, 3 * (size_t)SIZE);
    ck_assert_uint_gt(slices, total / (SLICE + THRUM__MESSAGE_STEP));
    free(text);
    thrum_buffer_fini(&out);
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

START_TEST(a_buffer_that_is_full_is_said_to_be_so)
{
    thrum_context *context = support_context();
    thrum_message *letter = ordinary(context);
    thrum__message_cursor cursor = {0, {0, 0}};
    thrum_buffer out, whole;

    thrum_message_set_text(letter, "a = \xc3\xbc\n", 7);
    thrum_buffer_init(&whole, context, SIZE_MAX);
    ck_assert_int_eq(letter_write(letter, &whole, SIZE_MAX / 2), 0);
    for (size_t cap = 0; cap < whole.size; cap++) {
        cursor = (thrum__message_cursor){0, {0, 0}};
        thrum_buffer_init(&out, context, cap);
        ck_assert_int_eq(thrum__message_data(letter, &cursor,
                                             THRUM__MESSAGE_DOTTED, &out,
                                             SIZE_MAX / 2),
                         THRUM_E_FULL);
        ck_assert_uint_le(out.size, cap);
        wire_assert_same((thrum_bytes){out.data, out.size},
                         (thrum_bytes){whole.data, out.size}, "a part");
        thrum_buffer_fini(&out);
    }
    thrum_buffer_init(&out, context, 100);
    ck_assert_int_eq(thrum_message_write(letter, &out), THRUM_E_FULL);
    ck_assert_uint_eq(out.size, 0);
    thrum_buffer_fini(&out);
    thrum_buffer_fini(&whole);
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

static void assert_read(thrum_bytes sent, const char *before, thrum_bytes value,
                        const char *after)
{
    wire_text middle = wire_normalise(value), read = wire_read(sent);
    char expected[100];

    snprintf(expected, sizeof expected, "%s%s%s", before, middle.data, after);
    wire_assert_same((thrum_bytes){read.data, read.size},
                     thrum__text_of(expected), "text");
    free(middle.data);
    free(read.data);
}

/* All 19,531 strings of up to six of ".", CR, LF, "a" and NUL as a value,
 * with what could join it before and after. */
START_TEST(every_short_value_of_hard_symbols_comes_through)
{
    static const char *const around[][2] = {
        {"", ""}, {"\n", ".\n"}, {"b", "\n"}, {".", " \n."}};
    size_t which = (size_t)_i;
    thrum_context *context = support_context();
    char text[40];
    letter_parts with = {.text = text};
    thrum_template *letter;
    unsigned count = 0, refused = 0;
    thrum_buffer out, cut;

    snprintf(text, sizeof text, "%s{{name}}%s", around[which][0],
             around[which][1]);
    letter = letter_new(context, &with, NULL);
    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_buffer_init(&cut, context, SIZE_MAX);
    for (size_t size = 0; size <= 6; size++) {
        char value[6] = "......";

        do {
            thrum_bytes values[LETTER_COLUMNS] = {{"x", 1}, {value, size}};
            thrum_message *message =
                thrum_template_fill(letter, thrum__text_of("a@b"), values);
            thrum_bytes sent;

            count++;
            if (thrum_message_failure(message) != NULL) {
                refused++;
                if (size > 0 && memchr(value, '\0', size) == NULL)
                    ck_abort_msg("refused");
                thrum_message_free(message);
                continue;
            }
            if (letter_write(message, &out, 65536) != 0)
                ck_abort_msg("not written");
            sent = (thrum_bytes){out.data, out.size};
            assert_read(sent, around[which][0], values[1], around[which][1]);
            assert_not_smuggled(sent);
            assert_every_cut(message, context, sent);
            letter_assert_binary(message, sent, size < 4 ? 3 : 97);
            for (size_t slice = 1; slice < sent.size;
                 slice += size < 4 ? 3 : 97) {
                if (letter_write(message, &cut, slice) != 0)
                    ck_abort_msg("a slice of %zu", slice);
                wire_assert_same((thrum_bytes){cut.data, cut.size}, sent,
                                 "slices");
                thrum_buffer_clear(&cut);
            }
            thrum_buffer_clear(&out);
            thrum_message_free(message);
        } while (next_symbols(value, size));
    }
    ck_assert_uint_eq(count, 19531);
    ck_assert_uint_eq(count - refused, 5460);
    thrum_buffer_fini(&out);
    thrum_buffer_fini(&cut);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

/* Literal text and a value of all lengths around the limit of a line. */
START_TEST(lines_stay_short_whatever_the_length_of_a_value)
{
    thrum_context *context = support_context();
    char text[200], value[200];
    letter_parts with = {.text = text};
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    for (size_t before = 0; before < 80; before++) {
        thrum_template *letter;

        snprintf(
            text, sizeof text, "%.*s{{name}}.\n", (int)before,
            "=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        letter = letter_new(context, &with, NULL);
        for (size_t size = 1; size < 160; size += size < 70 ? 9 : 1) {
            thrum_message *message;
            char expected[500];
            wire_text read;

            memset(value, 'b', size);
            memcpy(value + size - 1, size % 2 ? " " : ".", 2);
            message = letter_fill(letter, value, "x", "y");
            if (letter_write(message, &out, 65536) != 0)
                ck_abort_msg("not written");
            read = wire_read((thrum_bytes){out.data, out.size});
            snprintf(expected, sizeof expected, "%.*s%s.\n", (int)before, text,
                     value);
            wire_assert_same((thrum_bytes){read.data, read.size},
                             thrum__text_of(expected), "text");
            free(read.data);
            thrum_buffer_clear(&out);
            thrum_message_free(message);
        }
        thrum_template_unref(letter);
    }
    thrum_buffer_fini(&out);
    support_context_end(context);
}
END_TEST

START_TEST(a_filled_message_cut_anywhere_is_the_same)
{
    thrum_context *context = support_context();
    letter_parts with = {.subject = "F\xc3\xbcr {{name}}",
                         .header = "{{city}} {{id}}",
                         .reply_to = "{{name}} <r+{{id}}@example.org>",
                         .envelope_from = "b+{{id}}@example.org",
                         .text = ".{{name}}.\n.{{city}}{{id}}",
                         .html = "<p>{{name}}\n.{{id}}</p>"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_message *message =
        letter_fill(letter, "\"J\xc3\xbcrgen\" & Co", "Rome", "1");
    thrum_buffer out, cut;

    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_buffer_init(&cut, context, SIZE_MAX);
    ck_assert_int_eq(letter_write(message, &out, 65536), 0);
    letter_assert_binary(message, (thrum_bytes){out.data, out.size}, 1);
    for (size_t slice = 1; slice < out.size + 20; slice++) {
        ck_assert_int_eq(letter_write(message, &cut, slice), 0);
        wire_assert_same((thrum_bytes){cut.data, cut.size},
                         (thrum_bytes){out.data, out.size}, "slices");
        thrum_buffer_clear(&cut);
    }
    thrum_buffer_fini(&out);
    thrum_buffer_fini(&cut);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

/* All 5,461 strings of up to six of ".", CR, LF and "a" as a template's text
 * without slots, which is compiled with its dots stuffed. */
START_TEST(every_short_text_that_is_the_same_for_all_comes_through)
{
    thrum_context *context = support_context();
    letter_parts with = {.subject = "{{name}}"};
    unsigned count = 0;
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    for (size_t size = 0; size <= 6; size++) {
        char text[7] = "......";

        text[size] = '\0';
        do {
            thrum_template *letter;
            thrum_message *message;

            if (strlen(text) < size)
                continue; /* has a NUL */
            with.text = text;
            letter = letter_new(context, &with, NULL);
            message = letter_fill(letter, "Ann", "x", "y");
            if (letter_write(message, &out, 65536) != 0)
                ck_abort_msg("not written");
            assert_not_smuggled((thrum_bytes){out.data, out.size});
            assert_read((thrum_bytes){out.data, out.size}, "",
                        (thrum_bytes){text, size}, "");
            letter_assert_binary(message, (thrum_bytes){out.data, out.size},
                                 size < 4 ? 1 : 61);
            assert_every_cut(message, context,
                             (thrum_bytes){out.data, out.size});
            count++;
            thrum_buffer_clear(&out);
            thrum_message_free(message);
            thrum_template_unref(letter);
        } while (next_symbols(text, size));
    }
    ck_assert_uint_eq(count, 5461);
    thrum_buffer_fini(&out);
    support_context_end(context);
}
END_TEST

/* The date stands in bytes that all messages of a template share. */
START_TEST(messages_of_two_days_that_are_sent_at_once_keep_their_dates)
{
    static const char *const days[] = {"Thu, 01 Jan 1970 00:00:00 +0000",
                                       "Fri, 02 Jan 1970 00:00:00 +0000"};
    thrum_context *context = support_context();
    letter_parts with = {.text = "{{name}}\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum__message_cursor cursors[2] = {{0, {0, 0}}, {0, {0, 0}}};
    thrum_message *messages[2];
    thrum_buffer out[2];
    int more = 1;

    for (int i = 0; i < 2; i++) {
        messages[i] = letter_fill(letter, "Ann", "x", "y");
        messages[i]->second = i * INT64_C(86400);
        thrum_buffer_init(&out[i], context, SIZE_MAX);
    }
    while (more == 1)
        for (int i = 0; i < 2; i++)
            more = thrum__message_data(messages[i], &cursors[i],
                                       THRUM__MESSAGE_DOTTED, &out[i],
                                       out[i].size + 7);
    for (int i = 0; i < 2; i++) {
        wire_assert_same(
            wire_find((thrum_bytes){out[i].data, out[i].size}, "Date"),
            thrum__text_of(days[i]), "date");
        thrum_buffer_fini(&out[i]);
        thrum_message_free(messages[i]);
    }
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("message"), tcase_create("template")};

    tcase_set_timeout(cases[0], 120);
    tcase_set_timeout(cases[1], 120);
    tcase_add_test(cases[0], every_short_text_of_hard_symbols_comes_through);
    tcase_add_test(cases[0], a_message_cut_anywhere_is_the_same);
    tcase_add_test(cases[0], a_long_text_is_encoded_slice_by_slice);
    tcase_add_test(cases[0], a_buffer_that_is_full_is_said_to_be_so);
    tcase_add_loop_test(cases[1],
                        every_short_value_of_hard_symbols_comes_through, 0, 4);
    tcase_add_test(cases[1],
                   every_short_text_that_is_the_same_for_all_comes_through);
    tcase_add_test(cases[1], lines_stay_short_whatever_the_length_of_a_value);
    tcase_add_test(cases[1], a_filled_message_cut_anywhere_is_the_same);
    tcase_add_test(cases[1],
                   messages_of_two_days_that_are_sent_at_once_keep_their_dates);
    return support_main("slices", cases, 2);
}
