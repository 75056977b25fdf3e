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
    {"FROM:<\xc3\xa4@x>", NULL, NULL},
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

static bool mail_may_have(const char *text, bool extended)
{
    return sink_path_mail_parameters((thrum_bytes){text, strlen(text)},
                                     extended);
}

START_TEST(mail_takes_the_body_parameter_after_ehlo_only)
{
    ck_assert(mail_may_have("", false));
    ck_assert(mail_may_have("", true));
    ck_assert(mail_may_have("body=7bit", true));
    ck_assert(mail_may_have("BODY=8BITMIME", true));
    ck_assert(!mail_may_have("BODY=8BITMIME", false));
    ck_assert(!mail_may_have("BODY=BINARYMIME", true));
    ck_assert(!mail_may_have("BODY=7BIT SIZE=1", true));
}
END_TEST

int main(void)
{
    TCase *one = tcase_create("paths");

    tcase_add_loop_test(one, a_path_is_what_stands_in_the_brackets, 0,
                        sizeof paths / sizeof *paths);
    tcase_add_test(one, a_path_has_at_most_256_octets_with_its_brackets);
    tcase_add_test(one, an_address_has_something_on_both_sides_of_its_at);
    tcase_add_test(one, mail_takes_the_body_parameter_after_ehlo_only);
    return support_main("sink path", &one, 1);
}
