/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/buffer.h>
#include <thrum/lines.h>

#include "tests/support/support.h"

enum { MOST = 4000 };

/* What was read: each line and a "|", in the end "+" and what is kept, or "!"
 * when a line was too long. */
typedef struct reading {
    char text[MOST];
    size_t size;
} reading;

static void reading_add(reading *self, const char *data, size_t size)
{
    ck_assert_uint_lt(self->size + size, MOST);
    memcpy(self->text + self->size, data, size);
    self->size += size;
    self->text[self->size] = '\0';
}

/* Feeds one piece, a copy of its own; answers whether to go on. */
static bool reading_feed(reading *self, thrum_lines *lines, const char *piece,
                         size_t size)
{
    char *copy = malloc(size + 1);
    const char *data = copy;
    thrum_bytes line;
    int got;

    memcpy(copy, piece, size);
    while ((got = thrum_lines_next(lines, &data, &size, &line)) > 0) {
        reading_add(self, line.data, line.size);
        reading_add(self, "|", 1);
    }
    if (got == 0)
        ck_assert_uint_eq(size, 0);
    free(copy);
    return got == 0;
}

static void reading_end(reading *self, const thrum_lines *lines, bool whole)
{
    char kept[32];

    if (whole)
        snprintf(kept, sizeof kept, "+%zu", thrum_lines_kept(lines));
    else
        snprintf(kept, sizeof kept, "!");
    reading_add(self, kept, strlen(kept));
}

/* Reads `text` cut at `first` and `second`. */
static reading read_cut(const char *text, size_t size, size_t cap, size_t first,
                        size_t second)
{
    thrum_context *context = support_context();
    thrum_lines *lines = thrum_lines_new(context, cap);
    reading self = {.size = 0};
    bool whole = reading_feed(&self, lines, text, first) &&
                 reading_feed(&self, lines, text + first, second - first) &&
                 reading_feed(&self, lines, text + second, size - second);

    reading_end(&self, lines, whole);
    thrum_lines_free(lines);
    support_context_end(context);
    return self;
}

static reading read_bytewise(const char *text, size_t size, size_t cap)
{
    thrum_context *context = support_context();
    thrum_lines *lines = thrum_lines_new(context, cap);
    reading self = {.size = 0};
    bool whole = true;

    for (size_t i = 0; whole && i < size; i++)
        whole = reading_feed(&self, lines, text + i, 1);
    reading_end(&self, lines, whole);
    thrum_lines_free(lines);
    support_context_end(context);
    return self;
}

static const struct {
    const char *text;
    size_t cap;
    const char *expected;
} cases[] = {
    {"", 10, "+0"},
    {"\n", 10, "|+0"},
    {"\r\n", 10, "|+0"},
    {"\r\n", 0, "|+0"},
    {"\n\n\r\n\n", 0, "||||+0"},
    {"a\n", 0, "!"},
    {"a", 0, "!"},
    {"\r", 0, "+1"},
    {"\ra\n", 0, "!"},
    {"one\ntwo\r\nthree\n", 10, "one|two|three|+0"},
    {"one\ntwo", 10, "one|+3"},
    {"one\r", 10, "+4"},
    {"a\rb\n", 10, "a\rb|+0"},
    {"a\r\r\n", 10, "a\r|+0"},
    {"a\r\r\n", 2, "a\r|+0"},
    {"a\r\r\n", 1, "!"},
    {"12345\n", 5, "12345|+0"},
    {"12345\r\n", 5, "12345|+0"},
    {"12345\r", 5, "+6"},
    {"123456", 5, "!"},
    {"123456\n", 5, "!"},
    {"12345\rx", 5, "!"},
    {"1\n12345\n123456\n1\n", 5, "1|12345|!"},
    {"\n\r", 3, "|+1"},
    {"ab\n\rcd\n", 3, "ab|\rcd|+0"},
};

START_TEST(lines_are_the_same_whole_bytewise_and_at_every_two_cuts)
{
    const char *text = cases[_i].text, *expected = cases[_i].expected;
    size_t size = strlen(text), cap = cases[_i].cap;

    ck_assert_str_eq(read_bytewise(text, size, cap).text, expected);
    for (size_t first = 0; first <= size; first++)
        for (size_t second = first; second <= size; second++)
            ck_assert_str_eq(read_cut(text, size, cap, first, second).text,
                             expected);
}
END_TEST

START_TEST(a_nul_is_a_byte_like_any_other)
{
    reading self = read_cut("a\0b\n", 4, 3, 4, 4);

    ck_assert_mem_eq(self.text, "a\0b|+0", 6);
    self = read_bytewise("a\0b\n", 4, 3);
    ck_assert_mem_eq(self.text, "a\0b|+0", 6);
}
END_TEST

START_TEST(a_line_that_stands_whole_in_the_bytes_is_not_copied)
{
    static const char text[] = "one\r\ntwo\nth";
    thrum_context *context = support_context();
    thrum_lines *lines = thrum_lines_new(context, 100);
    size_t size = sizeof text - 1, before = thrum_context_blocks(context);
    const char *data = text;
    thrum_bytes line;

    ck_assert_int_eq(thrum_lines_next(lines, &data, &size, &line), 1);
    ck_assert_ptr_eq(line.data, text);
    ck_assert_int_eq(thrum_lines_next(lines, &data, &size, &line), 1);
    ck_assert_ptr_eq(line.data, text + 5);
    ck_assert_uint_eq(thrum_context_blocks(context), before);
    ck_assert_int_eq(thrum_lines_next(lines, &data, &size, &line), 0);
    ck_assert_uint_eq(thrum_lines_kept(lines), 2);
    thrum_lines_free(lines);
    support_context_end(context);
}
END_TEST

START_TEST(what_follows_a_line_is_left_to_who_no_longer_asks_for_lines)
{
    static const char text[] = "DATA\r\n\0raw\n";
    thrum_context *context = support_context();
    thrum_lines *lines = thrum_lines_new(context, 100);
    const char *data = text + 2;
    size_t size = 2;
    thrum_bytes line;

    data = text;
    ck_assert_int_eq(thrum_lines_next(lines, &data, &size, &line), 0);
    size = sizeof text - 3;
    ck_assert_int_eq(thrum_lines_next(lines, &data, &size, &line), 1);
    ck_assert_uint_eq(line.size, 4);
    ck_assert_mem_eq(line.data, "DATA", 4);
    ck_assert_uint_eq(thrum_lines_kept(lines), 0);
    ck_assert_uint_eq(size, 5);
    ck_assert_mem_eq(data, "\0raw\n", 5);
    thrum_lines_free(lines);
    support_context_end(context);
}
END_TEST

START_TEST(past_a_line_that_was_too_long_there_are_no_more)
{
    thrum_context *context = support_context();
    thrum_lines *lines = thrum_lines_new(context, 3);
    const char *data = "longer\nshort\n", *before = data;
    size_t size = strlen(data);
    thrum_bytes line;

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(thrum_lines_next(lines, &data, &size, &line),
                         THRUM_E_FULL);
    ck_assert_ptr_eq(data, before);
    size = 0;
    ck_assert_int_eq(thrum_lines_next(lines, &data, &size, &line),
                     THRUM_E_FULL);
    thrum_lines_free(lines);
    support_context_end(context);
}
END_TEST

START_TEST(no_more_is_kept_than_the_cap_and_a_return)
{
    thrum_context *context = support_context();
    thrum_lines *lines = thrum_lines_new(context, 1000);
    thrum_bytes line;
    int got = 0;

    for (int i = 0; i < 5000 && got == 0; i++) {
        const char *data = "x";
        size_t size = 1;

        got = thrum_lines_next(lines, &data, &size, &line);
        ck_assert_uint_le(thrum_lines_kept(lines), 1001);
    }
    ck_assert_int_eq(got, THRUM_E_FULL);
    thrum_lines_free(lines);
    thrum_lines_free(NULL);
    support_context_end(context);
}
END_TEST

/* ---- Memory ---- */

/* Without memory nothing of the piece is taken: asked again, it is there. */
static void scenario(void)
{
    static const char text[] = "one\ntwo";
    thrum_context *context = support_context();
    thrum_lines *lines = context != NULL ? thrum_lines_new(context, 5) : NULL;
    const char *data = text;
    size_t size = sizeof text - 1;
    thrum_bytes line;
    int got;

    if (lines != NULL) {
        ck_assert_int_eq(thrum_lines_next(lines, &data, &size, &line), 1);
        got = thrum_lines_next(lines, &data, &size, &line);
        ck_assert(got == 0 || got == THRUM_E_NOMEM);
        if (got != 0) {
            ck_assert_ptr_eq(data, text + 4);
            got = thrum_lines_next(lines, &data, &size, &line);
        }
        ck_assert_int_eq(got, 0);
        ck_assert_uint_eq(thrum_lines_kept(lines), 3);
    }
    thrum_lines_free(lines);
    support_context_end(context);
}

START_TEST(lines_survive_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *all[] = {tcase_create("lines")};

    tcase_add_loop_test(all[0],
                        lines_are_the_same_whole_bytewise_and_at_every_two_cuts,
                        0, (int)(sizeof cases / sizeof *cases));
    tcase_add_test(all[0], a_nul_is_a_byte_like_any_other);
    tcase_add_test(all[0], a_line_that_stands_whole_in_the_bytes_is_not_copied);
    tcase_add_test(all[0],
                   what_follows_a_line_is_left_to_who_no_longer_asks_for_lines);
    tcase_add_test(all[0], past_a_line_that_was_too_long_there_are_no_more);
    tcase_add_test(all[0], no_more_is_kept_than_the_cap_and_a_return);
    tcase_add_test(all[0], lines_survive_every_failing_allocation);
    return support_main("lines", all, 1);
}
