/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "mail/header.h"
#include "mail/text.h"
#include "tests/mail/wire.h"
#include "tests/support/support.h"

#define TEN(x) x x x x x x x x x x
#define A60 TEN("aaaaaa")
#define HUNDRED(x) TEN(TEN(x))

static const struct {
    const char *name;
    const char *why; /* what its refusal speaks of; NULL: it may be added */
} name_cases[] = {
    {"X-Test-Key", NULL},
    {"x", NULL},
    {"List-Unsubscribe", NULL},
    {"Precedence", NULL},
    {"Fromage", NULL},
    {"Conten", NULL},
    {"Content", NULL},
    {"!#$%&'*+-/09=?^_`az{|}~", NULL},
    {"\"quoted\"", NULL},
    {A60, NULL},
    {"", "empty"},
    {A60 "a", "60 characters"},
    {"X Test", "may not stand"},
    {"X:", "may not stand"},
    {"X: a\r\nBcc", "may not stand"},
    {"X\n", "may not stand"},
    {"X\r\nY", "may not stand"},
    {"X\t", "may not stand"},
    {"X\x7f", "may not stand"},
    {"\xc3\xbc", "may not stand"},
    {".x", "begins with a dot"},
    {"From", "itself"},
    {"FROM", "itself"},
    {"to", "itself"},
    {"cC", "itself"},
    {"Bcc", "itself"},
    {"Subject", "itself"},
    {"DATE", "itself"},
    {"Message-ID", "itself"},
    {"message-id", "itself"},
    {"Reply-To", "itself"},
    {"Sender", "itself"},
    {"Return-Path", "itself"},
    {"Received", "itself"},
    {"MIME-Version", "itself"},
    {"Content-Type", "itself"},
    {"content-anything", "itself"},
};

START_TEST(a_header_may_be_added_that_the_message_does_not_write_itself)
{
    const char *wrong = thrum__header_name(thrum__text_of(name_cases[_i].name));

    if (name_cases[_i].why == NULL)
        ck_assert_ptr_null(wrong);
    else
        ck_assert_msg(wrong != NULL && strstr(wrong, name_cases[_i].why),
                      "%s: %s", name_cases[_i].name,
                      wrong != NULL ? wrong : "taken");
}
END_TEST

/* Written after "Subject: ". */
static wire_text write_text(thrum_bytes value, size_t column)
{
    wire_text out = {malloc(thrum__header_bound(value.size) + 1), 0};
    thrum__line line = {out.data, column};

    thrum__header_text(&line, value);
    out.size = (size_t)(line.at - out.data);
    out.data[out.size] = '\0';
    if (out.size > thrum__header_bound(value.size))
        ck_abort_msg("%zu bytes", out.size);
    return out;
}

static const struct {
    const char *value;
    const char *wire; /* NULL: the same */
} text_cases[] = {
    {"", NULL},
    {"a", NULL},
    {"Hello, world", NULL},
    {"Hello  two  blanks", NULL},
    {"50% = half, (really)? \"yes\" <x@y>", NULL},
    {"a?=b", NULL},
    {"{{name}}", NULL},
    {"J\xc3\xbcrgen", "=?UTF-8?Q?J=C3=BCrgen?="},
    {"Hello J\xc3\xbcrgen", "Hello =?UTF-8?Q?J=C3=BCrgen?="},
    {"Hello J\xc3\xbcrgen, how are you?",
     "Hello =?UTF-8?B?SsO8cmdlbiw=?= how are you?"},
    {"\xc3\xa4 b \xc3\xb6 c", "=?UTF-8?B?w6QgYiDDtg==?= c"},
    {"Gr\xc3\xbc\xc3\x9f"
     "e aus K\xc3\xb6ln", /* one range, one word */
     "=?UTF-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?="},
    {"\xe4\xbd\xa0\xe5\xa5\xbd", "=?UTF-8?B?5L2g5aW9?="},
    {"\xf0\x9f\x98\x80", "=?UTF-8?B?8J+YgA==?="},
    {"=?UTF-8?Q?a?=", "=?UTF-8?B?PT9VVEYtOD9RP2E/PQ==?="},
    {"x =? y", "x =?UTF-8?B?PT8=?= y"},
    {" leading", "=?UTF-8?Q?_leading?="},
    {"trailing ", "=?UTF-8?Q?trailing_?="},
    {"the last word ", "the last =?UTF-8?Q?word_?="},
    {" ", "=?UTF-8?Q?_?="},
    {"a  \xc3\xbc  b", "a  =?UTF-8?B?w7w=?=  b"},
    {"This subject is so long that it does not fit into one line of 76 "
     "characters at all",
     "This subject is so long that it does not fit into one line of 76\r\n"
     " characters at all"},
    {"https://example.org/" A60 A60, NULL},
    {"see https://example.org/" A60 A60 " now",
     "see\r\n https://example.org/" A60 A60 "\r\n now"},
};

START_TEST(a_value_stays_readable_where_it_can)
{
    thrum_bytes value = thrum__text_of(text_cases[_i].value);
    wire_text out = write_text(value, 9);

    ck_assert_str_eq(out.data, text_cases[_i].wire != NULL
                                   ? text_cases[_i].wire
                                   : text_cases[_i].value);
    free(out.data);
}
END_TEST

static void assert_comes_back(thrum_bytes value, size_t column)
{
    wire_text out = write_text(value, column);
    wire_text read = wire_header((thrum_bytes){out.data, out.size}, column);

    wire_assert_same((thrum_bytes){read.data, read.size}, value, out.data);
    free(read.data);
    free(out.data);
}

START_TEST(every_value_of_the_table_is_read_as_it_was)
{
    for (size_t column = 3; column <= 62; column++)
        assert_comes_back(thrum__text_of(text_cases[_i].value), column);
}
END_TEST

/* A character at every place around the ends of the first lines. */
START_TEST(no_character_is_split_wherever_it_stands)
{
    static const char *const characters[] = {
        "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "=?", "  ", " ", "_"};
    static const char *const fillers[] = {
        "a", "a b", "\xc3\xa4", "\xe4\xbd\xa0", "= ", "\xc3\xa4 "};

    for (size_t i = 0; i < 7; i++)
        for (size_t j = 0; j < 6; j++)
            for (size_t at = 0; at < 90; at++) {
                char text[600], *to = text;

                for (size_t k = 0; k < at; k++)
                    to = stpcpy(to, fillers[j]);
                to = stpcpy(to, characters[i]);
                for (size_t k = 0; k < 20; k++)
                    to = stpcpy(to, fillers[j]);
                assert_comes_back((thrum_bytes){text, (size_t)(to - text)}, 9);
            }
}
END_TEST

START_TEST(many_blanks_and_endless_words_pass_no_limit)
{
    for (size_t blanks = 1; blanks < 200; blanks += 7)
        for (size_t letters = 1; letters < 3000; letters += 311) {
            size_t size = blanks + letters + 3;
            char *text = malloc(size);

            memset(text, 'x', size);
            memset(text + 2, ' ', blanks);
            assert_comes_back((thrum_bytes){text, size}, 62);
            memset(text + size - blanks, ' ', blanks);
            assert_comes_back((thrum_bytes){text, size}, 9);
            free(text);
        }
}
END_TEST

static const struct {
    const char *name;
    const char *addr;
    const char *wire;
} mailbox_cases[] = {
    {"", "a@b", "a@b"},
    {"News", "a@b", "News <a@b>"},
    {"The News", "a@b", "The News <a@b>"},
    {"O'Neil & Sons!", "a@b", "O'Neil & Sons! <a@b>"},
    {"J. Bob", "a@b", "\"J. Bob\" <a@b>"},
    {"Smith, John", "a@b", "\"Smith, John\" <a@b>"},
    {"a \"b\" \\c", "a@b", "\"a \\\"b\\\" \\\\c\" <a@b>"},
    {"two  blanks", "a@b", "\"two  blanks\" <a@b>"},
    {" ", "a@b", "\" \" <a@b>"},
    {"<script>", "a@b", "\"<script>\" <a@b>"},
    {"J\xc3\xbcrgen", "a@b", "=?UTF-8?Q?J=C3=BCrgen?= <a@b>"},
    {"J\xc3\xbcrgen M\xc3\xbcller, GmbH", "a@b",
     "=?UTF-8?B?SsO8cmdlbiBNw7xsbGVyLCBHbWJI?= <a@b>"},
    {"=?UTF-8?Q?x?=", "a@b", "=?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?= <a@b>"},
    {A60, A60 "@b", A60 "\r\n <" A60 "@b>"},
    {A60 " aaaaaaaaaa", "a@b",
     "=?UTF-8?Q?" A60 "?=\r\n =?UTF-8?Q?_aaaaaaaaaa?= <a@b>"},
};

START_TEST(a_mailbox_is_written_so_that_its_name_is_read_as_it_was)
{
    thrum_bytes name = thrum__text_of(mailbox_cases[_i].name);
    thrum_bytes addr = thrum__text_of(mailbox_cases[_i].addr);
    char out[1000];
    thrum__line line = {out, 4};

    thrum__header_mailbox(&line, name, addr);
    *line.at = '\0';
    ck_assert_str_eq(out, mailbox_cases[_i].wire);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("name"), tcase_create("text"),
                      tcase_create("mailbox")};
    int texts = sizeof text_cases / sizeof text_cases[0];

    tcase_add_loop_test(
        cases[0], a_header_may_be_added_that_the_message_does_not_write_itself,
        0, sizeof name_cases / sizeof name_cases[0]);
    tcase_add_loop_test(cases[1], a_value_stays_readable_where_it_can, 0,
                        texts);
    tcase_add_loop_test(cases[1], every_value_of_the_table_is_read_as_it_was, 0,
                        texts);
    tcase_add_test(cases[1], no_character_is_split_wherever_it_stands);
    tcase_add_test(cases[1], many_blanks_and_endless_words_pass_no_limit);
    tcase_add_loop_test(cases[2],
                        a_mailbox_is_written_so_that_its_name_is_read_as_it_was,
                        0, sizeof mailbox_cases / sizeof mailbox_cases[0]);
    return support_main("header", cases, 3);
}
