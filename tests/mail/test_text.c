/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "mail/text.h"
#include "tests/support/support.h"

static const struct {
    const char *text;
    size_t size;
    bool is_utf8;
} utf8_cases[] = {
    {"", 0, true},
    {"a", 1, true},
    {"\x7f", 1, true},
    {"\0", 1, true},
    {"\xc2\x80", 2, true},
    {"\xdf\xbf", 2, true},
    {"\xe0\xa0\x80", 3, true},
    {"\xed\x9f\xbf", 3, true},
    {"\xee\x80\x80", 3, true},
    {"\xef\xbf\xbf", 3, true},
    {"\xf0\x90\x80\x80", 4, true},
    {"\xf4\x8f\xbf\xbf", 4, true},
    {"\xe2\x82\xac\xf0\x9f\x98\x80", 7, true},
    {"\x80", 1, false},
    {"\xbf", 1, false},
    {"\xc0\x80", 2, false},
    {"\xc1\xbf", 2, false},
    {"\xc2", 1, false},
    {"\xc2\x7f", 2, false},
    {"\xc2\xc0", 2, false},
    {"\xe0\x9f\xbf", 3, false},
    {"\xe0\xa0", 2, false},
    {"\xed\xa0\x80", 3, false},
    {"\xed\xbf\xbf", 3, false},
    {"\xe1\x80\x7f", 3, false},
    {"\xf0\x8f\xbf\xbf", 4, false},
    {"\xf4\x90\x80\x80", 4, false},
    {"\xf5\x80\x80\x80", 4, false},
    {"\xf0\x90\x80", 3, false},
    {"\xf0\x90\x80\xc0", 4, false},
    {"\xff", 1, false},
    {"\xfe", 1, false},
};

/* At every offset in a text of up to three words, and right at its end. */
START_TEST(utf8_is_known_wherever_it_stands)
{
    for (size_t size = utf8_cases[_i].size; size < 24; size++)
        for (size_t at = 0; at + utf8_cases[_i].size <= size; at++) {
            char *text = malloc(size + 1);

            memset(text, 'a', size);
            memcpy(text + at, utf8_cases[_i].text, utf8_cases[_i].size);
            ck_assert_int_eq(thrum__text_is_utf8((thrum_bytes){text, size}),
                             utf8_cases[_i].is_utf8);
            free(text);
        }
}
END_TEST

static unsigned scan_bytewise(const unsigned char *text, size_t size)
{
    unsigned found = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x20 || text[i] == 0x7f)
            found |= THRUM__TEXT_CONTROL;
        if (text[i] >= 0x80)
            found |= THRUM__TEXT_HIGH;
        if (text[i] == '=')
            found |= THRUM__TEXT_EQUALS;
    }
    return found;
}

START_TEST(every_byte_at_every_place_is_found_by_a_scan)
{
    for (size_t size = 0; size < 20; size++)
        for (size_t at = 0; at < size; at++)
            for (int byte = 0; byte < 256; byte++) {
                unsigned char *text = malloc(size);

                memset(text, byte % 3 == 0 ? '<' : '~', size);
                text[at] = (unsigned char)byte;
                ck_assert_uint_eq(
                    thrum__text_scan((thrum_bytes){(char *)text, size}),
                    scan_bytewise(text, size));
                free(text);
            }
    ck_assert_uint_eq(thrum__text_scan((thrum_bytes){"", 0}), 0);
}
END_TEST

START_TEST(any_two_bytes_side_by_side_are_found_by_a_scan)
{
    unsigned char text[9];

    for (int first = 0; first < 256; first++)
        for (int second = 0; second < 256; second++) {
            memset(text, 'a', sizeof text);
            text[4] = (unsigned char)first;
            text[5] = (unsigned char)second;
            ck_assert_uint_eq(
                thrum__text_scan((thrum_bytes){(char *)text, sizeof text}),
                scan_bytewise(text, sizeof text));
        }
}
END_TEST

static const struct {
    const char *text;
    size_t size;
    const char *line;  /* what is wrong with it in a header */
    const char *lines; /* in a text */
} wrong_cases[] = {
    {"plain", 5, NULL, NULL},
    {"J\xc3\xbcrgen", 7, NULL, NULL},
    {"a\nb", 3, "a line break", NULL},
    {"a\rb", 3, "a line break", NULL},
    {"a\tb", 3, "a control character", NULL},
    {"a\0b", 3, "a NUL", "a NUL"},
    {"a\xff", 2, "bytes that are not UTF-8", "bytes that are not UTF-8"},
    {"\n\xff", 2, "a line break", "bytes that are not UTF-8"},
};

START_TEST(what_is_wrong_with_a_text_is_said_in_words)
{
    thrum_bytes text = {wrong_cases[_i].text, wrong_cases[_i].size};

    ck_assert_pstr_eq(thrum__text_line(text), wrong_cases[_i].line);
    ck_assert_pstr_eq(thrum__text_lines(text), wrong_cases[_i].lines);
}
END_TEST

int main(void)
{
    TCase *text = tcase_create("text");

    tcase_add_loop_test(text, utf8_is_known_wherever_it_stands, 0,
                        sizeof utf8_cases / sizeof utf8_cases[0]);
    tcase_add_test(text, every_byte_at_every_place_is_found_by_a_scan);
    tcase_add_test(text, any_two_bytes_side_by_side_are_found_by_a_scan);
    tcase_add_loop_test(text, what_is_wrong_with_a_text_is_said_in_words, 0,
                        sizeof wrong_cases / sizeof wrong_cases[0]);
    return support_main("text", &text, 1);
}
