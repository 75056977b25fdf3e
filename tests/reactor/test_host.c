/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "reactor/host.h"
#include "tests/support/support.h"

#define TEN "abcdefghij"
#define LABEL_63 TEN TEN TEN TEN TEN TEN "abc"
#define NAME_253                                                               \
    LABEL_63 "." LABEL_63 "." LABEL_63 "." TEN TEN TEN TEN TEN TEN "a"

static const struct {
    const char *name;
    const char *ascii; /* NULL: none */
} names[] = {
    {"mail.example", "mail.example"},
    {"Mail.EXAMPLE.", "mail.example."},
    {"a", "a"},
    {"_it._tcp.example", "_it._tcp.example"},
    {"-a-.example", "-a-.example"},
    {"127.0.0.1.example", "127.0.0.1.example"},
    {"4711", "4711"},
    {LABEL_63 ".example", LABEL_63 ".example"},
    {NAME_253, NAME_253},
    {NAME_253 ".", NAME_253 "."},
    {"b\xc3\xbc"
     "cher.example",
     "xn--bcher-kva.example"},
    {"B\xc3\x9c"
     "CHER.Example",
     "xn--bcher-kva.example"},
    {"fa\xc3\x9f.example", "xn--fa-hia.example"},
    {"xn--bcher-kva.example", "xn--bcher-kva.example"},
    {"\xe4\xbe\x8b\xe3\x80\x82\xe6\xb5\x8b\xe8\xaf\x95", "xn--fsq.xn--0zwm56d"},
    {"", NULL},
    {".", NULL},
    {"a..b", NULL},
    {".a", NULL},
    {"a..", NULL},
    {"a b", NULL},
    {"a/b", NULL},
    {"a@b", NULL},
    {"a:b", NULL},
    {"a\tb", NULL},
    {"a%b", NULL},
    {"1.2.3", NULL},
    {"192.0.2.256", NULL},
    {LABEL_63 "x.example", NULL},
    {"a." NAME_253, NULL},
    {"\xc3", NULL},
    {"\xff.example", NULL},
    {"b\xc3\xbc"
     "cher",
     "xn--bcher-kva"},
    {"b\xc3\xbc cher.example", NULL},
    {"b\xc3\xbc..example", NULL},
    {"_it._tcp.b\xc3\xbc"
     "cher.example",
     "_it._tcp.xn--bcher-kva.example"},
    {"_b\xc3\xbc.example", NULL},
    {"a\xc2\xa0.example", NULL},
    {"a\xef\xbc\x8f.example", NULL},
    {"\xf0\x9f\x92\xa9.example", NULL},
    {"\xef\xbc\xa1.example", "a.example"},
    {"a\x80.example", NULL},
    {"\xc3\xbc\x80.example", NULL},
    {"a\xcc\x88.example", "xn--4ca.example"},
    {"\xe2\x80\xae"
     "a.example",
     NULL},
};

START_TEST(a_name_is_written_as_the_dns_knows_it)
{
    char ascii[THRUM_HOST_ROOM];
    const char *wrong;
    int status = thrum_host_to_ascii(ascii, names[_i].name, &wrong);

    if (names[_i].ascii == NULL) {
        ck_assert_int_eq(status, THRUM_E_INVALID);
        ck_assert_ptr_nonnull(wrong);
    } else {
        ck_assert_msg(status == 0, "%s", wrong);
        ck_assert_str_eq(ascii, names[_i].ascii);
    }
}
END_TEST

START_TEST(a_name_may_be_as_long_as_it_likes_and_is_refused)
{
    static char name[100000];
    char ascii[THRUM_HOST_ROOM];
    const char *wrong;

    memset(name, 'a', sizeof name - 1);
    ck_assert_int_eq(thrum_host_to_ascii(ascii, name, &wrong), THRUM_E_INVALID);
    name[5] = '\xc3';
    name[6] = '\xbc';
    ck_assert_int_eq(thrum_host_to_ascii(ascii, name, &wrong), THRUM_E_INVALID);
}
END_TEST

START_TEST(control_characters_are_not_shown)
{
    ck_assert_str_eq(thrum__host_shown("a b"), "a b");
    ck_assert_str_eq(thrum__host_shown("a\033[2J"), "(control characters)");
    ck_assert_str_eq(thrum__host_shown("\x7f"), "(control characters)");
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("host")};

    tcase_add_loop_test(cases[0], a_name_is_written_as_the_dns_knows_it, 0,
                        sizeof names / sizeof *names);
    tcase_add_test(cases[0], a_name_may_be_as_long_as_it_likes_and_is_refused);
    tcase_add_test(cases[0], control_characters_are_not_shown);
    return support_main("host", cases, 1);
}
