/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/sink_path.h"
#include "tests/support/support.h"

typedef struct path_case {
    const char *argument;
    const char *path; /* NULL: refused */
    const char *rest;
} path_case;

static const path_case paths[] = {
    {"FROM:<a@x>", "a@x", ""},
    {"from:<a@x> BODY=7BIT", "a@x", "BODY=7BIT"},
    {"FROM:<>", "", ""},
    {"FROM:<\"a>b\"@x>", "\"a>b\"@x", ""},
    {"FROM:<\"a \\\" b\"@x>", "\"a \\\" b\"@x", ""},
    {"FROM:<a@[IPv6:::1]>", "a@[IPv6:::1]", ""},
    {"FROM:a@x", NULL, NULL},
    {"FROM: <a@x>", NULL, NULL},
    {"FROM:<a@x", NULL, NULL},
    {"FROM:<a b@x>", NULL, NULL},
    {"FROM:<a<b@x>", NULL, NULL},
    {"FROM:<a@x>x", NULL, NULL},
    {"FROM:<a@x> ", NULL, NULL},
    {"FROM:<\"a@x>", NULL, NULL},
    {"FROM:<\"a\\", NULL, NULL},
    {"FROM:<\xc3\xa4@x> SMTPUTF8", "\xc3\xa4@x", "SMTPUTF8"},
    {"FROM:<a\x7f@x>", NULL, NULL},
    {"FROM:", NULL, NULL},
    {"FROM", NULL, NULL},
    {"", NULL, NULL},
};

static void assert_bytes(thrum_bytes got, const char *wanted)
{
    ck_assert_uint_eq(got.size, strlen(wanted));
    ck_assert_mem_eq(got.data, wanted, got.size);
}

START_TEST(a_path_is_what_stands_in_the_brackets)
{
    const path_case *one = &paths[_i];
    thrum_bytes argument = {one->argument, strlen(one->argument)};
    thrum_bytes path, rest;
    bool read = sink_path_read(argument, "FROM:", &path, &rest);

    ck_assert_msg(read == (one->path != NULL), "%s", one->argument);
    if (!read)
        return;
    assert_bytes(path, one->path);
    assert_bytes(rest, one->rest);
}
END_TEST

START_TEST(a_path_has_at_most_256_octets_with_its_brackets)
{
    char text[300] = "TO:<";
    thrum_bytes argument = {text, 3 + 256}, path, rest;

    memset(text + 4, 'a', sizeof text - 4);
    text[3 + 255] = '>';
    ck_assert(sink_path_read(argument, "TO:", &path, &rest));
    text[3 + 255] = 'a';
    text[3 + 256] = '>';
    argument.size++;
    ck_assert(!sink_path_read(argument, "TO:", &path, &rest));
}
END_TEST

static bool is_recipient(const char *text)
{
    return sink_path_is_recipient((thrum_bytes){text, strlen(text)});
}

START_TEST(an_address_has_something_on_both_sides_of_its_at)
{
    ck_assert(is_recipient("a@x"));
    ck_assert(is_recipient("postMASTER"));
    ck_assert(!is_recipient("a"));
    ck_assert(!is_recipient("@x"));
    ck_assert(!is_recipient("a@"));
    ck_assert(!is_recipient(""));
    ck_assert(sink_path_is_sender((thrum_bytes){"", 0}));
    ck_assert(!sink_path_is_sender((thrum_bytes){"postmaster", 10}));
}
END_TEST

static thrum_bytes bytes(const char *text)
{
    return (thrum_bytes){text, strlen(text)};
}

START_TEST(what_is_beyond_ascii_is_seen_and_is_utf8_or_is_not)
{
    ck_assert(sink_path_is_ascii(bytes("a@x")));
    ck_assert(sink_path_is_ascii(bytes("")));
    ck_assert(!sink_path_is_ascii(bytes("\xc3\xa4@x")));
    ck_assert(sink_path_is_utf8(bytes("\xc3\xa4@\xf0\x9f\x90\x88.x")));
    ck_assert(!sink_path_is_utf8(bytes("\xe4@x")));
    ck_assert(!sink_path_is_utf8(bytes("a@x\xc3")));
}
END_TEST

int main(void)
{
    TCase *one = tcase_create("paths");

    tcase_add_loop_test(one, a_path_is_what_stands_in_the_brackets, 0,
                        sizeof paths / sizeof *paths);
    tcase_add_test(one, a_path_has_at_most_256_octets_with_its_brackets);
    tcase_add_test(one, an_address_has_something_on_both_sides_of_its_at);
    tcase_add_test(one, what_is_beyond_ascii_is_seen_and_is_utf8_or_is_not);
    return support_main("sink path", &one, 1);
}
