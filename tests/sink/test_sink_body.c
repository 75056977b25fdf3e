/* SPDX-License-Identifier: MIT */
/*
 * The text after 354, against a reference that does it in the plainest way:
 * find the first end in the whole input, then look at each line.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/sink_body.h"
#include "tests/support/support.h"

enum { ROOM = 256 };

typedef struct text {
    char data[ROOM];
    size_t size;
    size_t used; /* how much of the input it took */
    sink_body_state state;
} text;

static void text_add(const char *data, size_t size, void *ctx)
{
    text *to = ctx;

    ck_assert_uint_gt(size, 0);
    ck_assert_uint_le(to->size + size, ROOM);
    memcpy(to->data + to->size, data, size);
    to->size += size;
}

static void text_feed(text *to, const char *data, size_t size)
{
    if (to->state != SINK_BODY_END)
        to->used += sink_body_receive(&to->state, data, size, text_add, to);
}

static void assert_equal(const text *got, const text *wanted)
{
    ck_assert_uint_eq(got->state == SINK_BODY_END,
                      wanted->state == SINK_BODY_END);
    ck_assert_uint_eq(got->used, wanted->used);
    ck_assert_uint_eq(got->size, wanted->size);
    ck_assert_mem_eq(got->data, wanted->data, wanted->size);
}

/* In front of `input` stands the CR LF of the command DATA. */
static size_t reference_end(const char *all, size_t size)
{
    for (size_t i = 0; i + 5 <= size; i++)
        if (memcmp(all + i, "\r\n.\r\n", 5) == 0)
            return i;
    return size;
}

/* Without an end, what may yet turn out to be one is not passed on. */
static void reference(text *to, const char *input, size_t size)
{
    char all[ROOM] = "\r\n";
    size_t end;

    memset(to, 0, sizeof *to);
    memcpy(all + 2, input, size);
    end = reference_end(all, size + 2);
    to->used = size;
    if (end < size + 2) {
        to->state = SINK_BODY_END;
        to->used = end + 3;
        end += 2;
    }
    for (size_t i = 2; i < end; i++) {
        bool dot = all[i] == '.' && all[i - 1] == '\n' && all[i - 2] == '\r';

        if (dot && i + 2 == end && all[i + 1] == '\r')
            break; /* held back */
        if (!dot)
            to->data[to->size++] = all[i];
    }
}

static void check_every_way(const char *input, size_t size)
{
    text wanted, whole = {0}, bytewise = {0};

    reference(&wanted, input, size);
    text_feed(&whole, input, size);
    assert_equal(&whole, &wanted);
    for (size_t i = 0; i < size; i++)
        text_feed(&bytewise, input + i, 1);
    assert_equal(&bytewise, &wanted);
    for (size_t at = 1; at < size; at++) {
        text split = {0};

        text_feed(&split, input, at);
        text_feed(&split, input + at, size - at);
        assert_equal(&split, &wanted);
    }
}

START_TEST(every_short_string_of_dots_and_line_ends_is_read_as_it_is_meant)
{
    static const char symbols[] = {'.', '\r', '\n', 'a', '\0'};
    char input[8];

    for (size_t size = 1, strings = 5; size <= 6; size++, strings *= 5)
        for (size_t number = 0; number < strings; number++) {
            size_t rest = number;

            for (size_t i = 0; i < size; i++, rest /= 5)
                input[i] = symbols[rest % 5];
            check_every_way(input, size);
        }
}
END_TEST

typedef struct body_case {
    const char *name;
    const char *input;
    const char *wanted;
    size_t used;
} body_case;

static const body_case cases[] = {
    {"a message without text", ".\r\n", "", 3},
    {"one line", "Hello\r\n.\r\n", "Hello\r\n", 10},
    {"a dot at the start of a line", "..hidden\r\n.\r\n", ".hidden\r\n", 13},
    {"dots within a line", "a.b..c.\r\n.\r\n", "a.b..c.\r\n", 12},
    {"what follows belongs to the next command", "a\r\n.\r\nMAIL FROM:<>\r\n",
     "a\r\n", 6},
    {"a single dot that was added to no dot", ".a\r\n.\r\n", "a\r\n", 7},
};

START_TEST(a_text_ends_with_its_last_line_and_loses_the_added_dots)
{
    const body_case *one = &cases[_i];
    text got = {0};

    check_every_way(one->input, strlen(one->input));
    text_feed(&got, one->input, strlen(one->input));
    ck_assert_msg(got.state == SINK_BODY_END, "%s", one->name);
    ck_assert_uint_eq(got.used, one->used);
    ck_assert_uint_eq(got.size, strlen(one->wanted));
    ck_assert_mem_eq(got.data, one->wanted, got.size);
}
END_TEST

/* The sequences by which mail was smuggled past servers (CVE-2023-51764 and
 * its kin): whatever another server would read into them, here they are text.
 */
static const char *const smuggled[] = {
    "a\n.\nb",   "a\n.\rb",   "a\r.\nb",   "a\r.\rb",       "a\n.\r\nb",
    "a\r.\r\nb", "a\r\n.\nb", "a\r\n.\rb", "a\r\n.\r\r\nb", "a\r\r\n.\r\r\nb",
};

START_TEST(no_mixture_but_the_right_one_ends_a_text)
{
    text got = {0};

    check_every_way(smuggled[_i], strlen(smuggled[_i]));
    text_feed(&got, smuggled[_i], strlen(smuggled[_i]));
    ck_assert_int_eq(got.state, SINK_BODY_TEXT);
}
END_TEST

START_TEST(a_nul_between_the_dot_and_the_line_end_does_not_end_a_text)
{
    static const char nul[] = "a\r\n.\0\r\nb", before[] = "a\r\n\0.\r\nb";
    text got = {0};

    check_every_way(nul, sizeof nul - 1);
    check_every_way(before, sizeof before - 1);
    text_feed(&got, nul, sizeof nul - 1);
    text_feed(&got, before, sizeof before - 1);
    ck_assert_int_eq(got.state, SINK_BODY_TEXT);
}
END_TEST

int main(void)
{
    TCase *body = tcase_create("body");

    tcase_set_timeout(body, 0);
    tcase_add_test(
        body, every_short_string_of_dots_and_line_ends_is_read_as_it_is_meant);
    tcase_add_loop_test(body,
                        a_text_ends_with_its_last_line_and_loses_the_added_dots,
                        0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(body, no_mixture_but_the_right_one_ends_a_text, 0,
                        sizeof smuggled / sizeof *smuggled);
    tcase_add_test(body,
                   a_nul_between_the_dot_and_the_line_end_does_not_end_a_text);
    return support_main("sink body", &body, 1);
}
