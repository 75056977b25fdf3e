/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/address.h>

#include "tests/support/support.h"

#define TEN(x) x x x x x x x x x x
#define A20 TEN("aa")
#define A60 A20 A20 A20
#define LABEL63 A60 "aaa"

/* Each with what its refusal speaks of; NULL: it is an address. The sense of
 * many of them is that of the cases of isemail, all 164 of which were tried: we
 * differ in two. A backslash that is not needed does not count against the 64
 * octets (its 60th), and "::" may stand for one group alone, as inet_pton has
 * it (its 71st). */
static const struct {
    const char *text;
    const char *why;
} address_cases[] = {
    {"test@example.org", NULL},
    {"a@b", NULL},
    {"user@localhost", NULL},
    {"first.last@example.org", NULL},
    {"a.b.c.d.e@example.org", NULL},
    {"bounces+17@example.org", NULL},
    {"!#$%&'*+-/=?^_`{|}~@example.org", NULL},
    {"1234567890@example.org", NULL},
    {"_@example.org", NULL},
    {"-@example.org", NULL},
    {"UPPER.Case@EXAMPLE.Org", NULL},
    {"{{id}}@example.org", NULL},
    {"test@e.com", NULL},
    {"test@e.a", NULL},
    {"test@123.com", NULL},
    {"test@123.123.123.123", NULL},
    {"test@a-b.example", NULL},
    {"test@a--b.example", NULL},
    {"test@xn--hxajbheg2az3al.xn--jxalpdlp", NULL},
    {"test@1-2.3-4", NULL},
    {"test@" LABEL63 ".org", NULL},
    {A60 "aaaa@example.org", NULL},
    {"a@" A60 "." A60 "." A60 "." A60 ".examples", NULL},
    {"\"test\"@example.org", NULL},
    {"\"\"@example.org", NULL},
    {"\"a b\"@example.org", NULL},
    {"\" \"@example.org", NULL},
    {"\"a@b\"@example.org", NULL},
    {"\"a>b\"@example.org", NULL},
    {"\"a.b..c.\"@example.org", NULL},
    {"\".\"@example.org", NULL},
    {"\"a,b;c:d\"@example.org", NULL},
    {"\"(not a comment)\"@example.org", NULL},
    {"\"te\\\"st\"@example.org", NULL},
    {"\"te\\\\st\"@example.org", NULL},
    {"\"te\\ st\"@example.org", NULL},
    {"\"\\a\"@example.org", NULL},
    {"\"[]\"@example.org", NULL},
    {"test@[127.0.0.1]", NULL},
    {"test@[255.255.255.255]", NULL},
    {"test@[0.0.0.0]", NULL},
    {"test@[001.002.003.004]", NULL},
    {"\"a b\"@[192.0.2.1]", NULL},
    {"test@[IPv6:::1]", NULL},
    {"test@[IPv6:::]", NULL},
    {"test@[IPv6:2001:db8::1]", NULL},
    {"test@[ipv6:2001:DB8::1]", NULL},
    {"test@[IPV6:1:2:3:4:5:6:7:8]", NULL},
    {"test@[IPv6:::ffff:192.0.2.1]", NULL},
    {"test@[IPv6:1:2:3:4:5:6::8]", NULL},
    {"test@[IPv6:1:2:3:4:5:6:192.0.2.1]", NULL},
    {"", "empty"},
    {"test", "no \"@\""},
    {"test.example.org", "no \"@\""},
    {"\"test\"", "no \"@\""},
    {"@", "right before"},
    {"@example.org", "right before"},
    {"test@", "domain is empty"},
    {".test@example.org", "begins with a dot"},
    {"test.@example.org", "right before"},
    {"te..st@example.org", "two dots"},
    {".@example.org", "begins with a dot"},
    {"...@example.org", "begins with a dot"},
    {".", "begins with a dot"},
    {"a.", "no \"@\""},
    {"te st@example.org", "blank"},
    {" test@example.org", "blank"},
    {"test @example.org", "blank"},
    {"test@ example.org", "blank"},
    {"test@example.org ", "blank"},
    {"test@exam ple.org", "blank"},
    {"test\t@example.org", "control"},
    {"test\r@example.org", "control"},
    {"test\n@example.org", "control"},
    {"test@example.org\r", "control"},
    {"test@example.org\n", "control"},
    {"test@example.org\r\nDATA", "control"},
    {"test@exa\nmple.org", "control"},
    {"te\x7fst@example.org", "control"},
    {"te\x01st@example.org", "control"},
    {"\"te\rst\"@example.org", "control"},
    {"\"te\nst\"@example.org", "control"},
    {"\"te\r\n st\"@example.org", "control"},
    {"\"te\tst\"@example.org", "control"},
    {"\"te\x7fst\"@example.org", "control"},
    {"\"te\\\rst\"@example.org", "control"},
    {"\"te\\\nst\"@example.org", "control"},
    {"\"te\\\x01st\"@example.org", "control"},
    {"test,b@example.org", "in quotes"},
    {"a,b", "in quotes"},
    {"te(comment)st@example.org", "in quotes"},
    {"(comment)test@example.org", "in quotes"},
    {"te:st@example.org", "in quotes"},
    {"te;st@example.org", "in quotes"},
    {"te<st@example.org", "in quotes"},
    {"te>st@example.org", "in quotes"},
    {"te[st@example.org", "in quotes"},
    {"te]st@example.org", "in quotes"},
    {"te\\st@example.org", "in quotes"},
    {"te\\@st@example.org", "in quotes"},
    {"te\"st@example.org", "in quotes"},
    {"te\"s\"t@example.org", "in quotes"},
    {"<test@example.org>", "in quotes"},
    {"Name <test@example.org>", "blank"},
    {"test@example.org>", "may not stand"},
    {"test@example.org> SIZE=1", "may not stand"},
    {"test@example.org>\r\nRCPT TO:<b@c", "may not stand"},
    {"\"test@example.org", "not closed"},
    {"\"", "not closed"},
    {"\"test\\\"@example.org", "not closed"},
    {"\"test\\", "not closed"},
    {"\"te\"st@example.org", "between quotes"},
    {"\"test\".b@example.org", "between quotes"},
    {"\"test\" @example.org", "between quotes"},
    {"\"a\"\"b\"@example.org", "between quotes"},
    {"test@.", "empty label"},
    {"test@.org", "empty label"},
    {"test@example.", "dot at its end"},
    {"test@example.org.", "dot at its end"},
    {"test@example..org", "empty label"},
    {"test@-example.org", "hyphen"},
    {"test@example-.org", "hyphen"},
    {"test@example.-org", "hyphen"},
    {"test@example.org-", "hyphen"},
    {"test@-", "hyphen"},
    {"test@exam_ple.org", "may not stand"},
    {"test@exam!ple.org", "may not stand"},
    {"test@example.org(comment)", "may not stand"},
    {"test@(comment)example.org", "may not stand"},
    {"test@example.org,b@c", "may not stand"},
    {"test@example,org", "may not stand"},
    {"test@\"example\".org", "may not stand"},
    {"test@exa\\mple.org", "may not stand"},
    {"test@exam[ple.org", "may not stand"},
    {"a@b@c", "two \"@\""},
    {"test@@example.org", "two \"@\""},
    {"test@example.org@", "two \"@\""},
    {"test@" LABEL63 "a.org", "63 octets"},
    {A60 "aaaaa@example.org", "64 octets"},
    {"\"" A60 "aaaa\"@example.org", NULL},
    {"\"" A60 "aaaaa\"@example.org", "64 octets"},
    {"\" " A60 "a\"@example.org", NULL},
    {"\" " A60 "\\a\"@example.org", NULL},
    {"\" " A60 "aa\"@example.org", "64 octets"},
    {"a@" A60 "." A60 "." A60 "." A60 ".exampless", "254 octets"},
    {"J\xc3\xbcrgen@example.org", NULL},
    {"\"J\xc3\xbcrgen\"@example.org", NULL},
    {"\"\\\xc3\xbc\"@example.org", "backslash"},
    {"test@b\xc3\xbc\x63her.example", NULL},
    {"\xff@example.org", "not UTF-8"},
    {"test@[", "not closed"},
    {"test@]", "may not stand"},
    {"test@[127.0.0.1", "not closed"},
    {"test@127.0.0.1]", "may not stand"},
    {"test@[]", "neither"},
    {"test@[127.0.0]", "neither"},
    {"test@[127.0.0.1.2]", "neither"},
    {"test@[127.0.0.256]", "neither"},
    {"test@[127.0.0.0001]", "neither"},
    {"test@[127.0..1]", "neither"},
    {"test@[127.0.0.]", "neither"},
    {"test@[.127.0.0]", "neither"},
    {"test@[127.0.0.a]", "neither"},
    {"test@[127.0.0.1 ]", "neither"},
    {"test@[127.0.0.1].org", "not closed"},
    {"test@a[127.0.0.1]", "may not stand"},
    {"test@[::1]", "neither"},
    {"test@[IPv6:]", "neither"},
    {"test@[IPv6:1:2:3:4:5:6:7]", "neither"},
    {"test@[IPv6:1:2:3:4:5:6:7:8:9]", "neither"},
    {"test@[IPv6:1::2::3]", "neither"},
    {"test@[IPv6:g::1]", "neither"},
    {"test@[IPv6:12345::1]", "neither"},
    {"test@[IPv6:::1%lo]", "neither"},
    {"test@[IPv6:fe80::1\n]", "neither"},
    {"test@[IPv\x16:::1]", "neither"},
    {"test@[IPv6\x1a::1]", "neither"},
    {"test@[IPv6 ::1]", "neither"},
    {"test@[RFC-5322-domain-literal]", "neither"},
    {"test@[tag:content]", "neither"},
    {"test@[127.0.0.1\r\n]", "neither"},
};

/* The text ends where its memory does, so that a sanitizer sees a read past it;
 * the same address must come out wherever it lies. */
static const char *address_check_exactly(const char *text, size_t size)
{
    const char *wrong;
    char *copy = malloc(size > 0 ? size : 1);

    memcpy(copy, text, size);
    wrong = thrum_address_check(copy, size);
    free(copy);
    return wrong;
}

START_TEST(an_address_is_what_rfc_5321_says)
{
    const char *text = address_cases[_i].text, *why = address_cases[_i].why;
    const char *wrong = address_check_exactly(text, strlen(text));

    if (why == NULL)
        ck_assert_msg(wrong == NULL, "<%s>: %s", text, wrong);
    else
        ck_assert_msg(wrong != NULL && strstr(wrong, why) != NULL, "<%s>: %s",
                      text, wrong != NULL ? wrong : "taken");
}
END_TEST

START_TEST(every_prefix_of_an_address_is_judged_within_its_bounds)
{
    const char *text = address_cases[_i].text;

    for (size_t size = 0; size < strlen(text); size++) {
        const char *wrong = address_check_exactly(text, size);

        ck_assert(wrong == NULL || wrong[0] != '\0');
    }
}
END_TEST

START_TEST(no_byte_below_blank_passes_at_any_place)
{
    static const char address[] = "\"q t\"@mail.example.org";
    char text[sizeof address + 1];

    for (size_t at = 0; at < sizeof address; at++)
        for (int byte = 0; byte < 256; byte++) {
            if (byte >= ' ' && byte < 0x7f)
                continue;
            memcpy(text, address, at);
            text[at] = (char)byte;
            memcpy(text + at + 1, address + at, sizeof address - 1 - at);
            ck_assert_ptr_nonnull(address_check_exactly(text, sizeof address));
        }
}
END_TEST

static const struct {
    const char *text;
    const char *addr; /* NULL: not a mailbox, and name is why */
    const char *name;
} mailbox_cases[] = {
    {"news@example.org", "news@example.org", ""},
    {"  news@example.org  ", "news@example.org", ""},
    {"<news@example.org>", "news@example.org", ""},
    {"News <news@example.org>", "news@example.org", "News"},
    {"News<news@example.org>", "news@example.org", "News"},
    {" The  News   <news@example.org> ", "news@example.org", "The  News"},
    {"J. R. Bob <bob@example.org>", "bob@example.org", "J. R. Bob"},
    {"J\xc3\xbcrgen <j@example.org>", "j@example.org", "J\xc3\xbcrgen"},
    {"\"Na, me\" <news@example.org>", "news@example.org", "Na, me"},
    {"\"a \\\"b\\\" \\\\c\" <d@e>", "d@e", "a \"b\" \\c"},
    {"\"\" <d@e>", "d@e", ""},
    {"\" \" <d@e>", "d@e", " "},
    {"\"<\" <d@e>", "d@e", "<"},
    {"\"a b\"@example.org", "\"a b\"@example.org", ""},
    {"\"a<b\"@example.org", "\"a<b\"@example.org", ""},
    {"<\"a>b\"@example.org>", "\"a>b\"@example.org", ""},
    {"X <\"a>b\"@example.org>", "\"a>b\"@example.org", "X"},
    {"O'Neil & Sons <o@example.org>", "o@example.org", "O'Neil & Sons"},
    {"", NULL, "empty"},
    {"   ", NULL, "empty"},
    {"News", NULL, "no \"@\""},
    {"News news@example.org", NULL, "blank"},
    {"News <news@example.org", NULL, "\">\" at its end"},
    {"News <news@example.org> x", NULL, "\">\" at its end"},
    {"News <>", NULL, "empty"},
    {"<", NULL, "\">\" at its end"},
    {"<>", NULL, "empty"},
    {"News < news@example.org >", NULL, "blank"},
    {"News <<news@example.org>>", NULL, "in quotes"},
    {"A, B <a@b>", NULL, "stands in no quotes"},
    {"A (b) <a@b>", NULL, "stands in no quotes"},
    {"A \"B\" <a@b>", NULL, "stands in no quotes"},
    {"a@b <a@b>", NULL, "stands in no quotes"},
    {"\"A <a@b>", NULL, "quotes are not closed"},
    {"\"A\\", NULL, "quotes are not closed"},
    {"\"A\" B <a@b>", NULL, "between quotes"},
    {"a@b, c@d", NULL, "may not stand"},
    {"A <a@b>, C <c@d>", NULL, "may not stand"},
    {"A\nB <a@b>", NULL, "a line break"},
    {"A\r\nBcc: x@y <a@b>", NULL, "a line break"},
    {"\"A\nB\" <a@b>", NULL, "a line break"},
    {"\"A\\\nB\" <a@b>", NULL, "a line break"},
    {"A\tB <a@b>", NULL, "a control character"},
    {"A\x7f <a@b>", NULL, "a control character"},
    {"A <a@b\n>", NULL, "a line break"},
    {"A\xff <a@b>", NULL, "not UTF-8"},
    {"A\xc3 <a@b>", NULL, "not UTF-8"},
    {"A <\xc3\xbc@b>", "\xc3\xbc@b", "A"},
    {"A <a@b\xc3\xbc.example>", "a@xn--b-eha.example", "A"},
    {"A <\"a\"@b>", "a@b", "A"},
    {"A <a@b\xc3>", NULL, "not UTF-8"},
    {"A <a@-b\xc3\xbc.example>", NULL, "IDNA2008"},
};

START_TEST(a_mailbox_is_an_address_and_the_name_beside_it)
{
    thrum_context *context = support_context();
    thrum_failure *why = NULL;
    thrum_address *address =
        thrum_address_parse(context, mailbox_cases[_i].text, &why);

    if (mailbox_cases[_i].addr != NULL) {
        ck_assert_msg(address != NULL, "<%s>: %s", mailbox_cases[_i].text,
                      why != NULL ? thrum_failure_text(why) : "");
        ck_assert_str_eq(thrum_address_addr(address), mailbox_cases[_i].addr);
        ck_assert_str_eq(thrum_address_name(address), mailbox_cases[_i].name);
    } else {
        ck_assert_msg(address == NULL, "<%s> was taken",
                      mailbox_cases[_i].text);
        ck_assert(
            thrum_failure_is(why, &thrum_domain_mail, THRUM_MAIL_E_ADDRESS));
        ck_assert_msg(strstr(thrum_failure_text(why), mailbox_cases[_i].name),
                      "<%s>: %s", mailbox_cases[_i].text,
                      thrum_failure_text(why));
    }
    thrum_failure_unref(why);
    thrum_address_free(address);
    support_context_end(context);
}
END_TEST

static void scenario_mailbox(void)
{
    static const char *const texts[] = {"News <news@example.org>", "not one"};
    thrum_context *context = support_context();

    for (size_t i = 0; context != NULL && i < 2; i++) {
        thrum_failure *why = NULL;
        thrum_address *address = thrum_address_parse(context, texts[i], &why);

        ck_assert((address == NULL) == (why != NULL));
        ck_assert(thrum_address_parse(context, "x", NULL) == NULL);
        thrum_failure_unref(why);
        thrum_address_free(address);
    }
    support_context_end(context);
}

START_TEST(a_mailbox_survives_every_failing_allocation)
{
    support_every_allocation(scenario_mailbox);
}
END_TEST

START_TEST(the_codes_of_the_domain_mail_have_words)
{
    ck_assert_str_eq(thrum_domain_mail.describe(THRUM_MAIL_E_ADDRESS),
                     "not a mail address");
    ck_assert_str_eq(thrum_domain_mail.describe(THRUM_MAIL_E_TOO_LONG),
                     "too long");
    ck_assert_ptr_null(thrum_domain_mail.describe(THRUM_E_NOMEM));
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("address"), tcase_create("mailbox")};
    int addresses = sizeof address_cases / sizeof address_cases[0];
    int mailboxes = sizeof mailbox_cases / sizeof mailbox_cases[0];

    tcase_add_loop_test(cases[0], an_address_is_what_rfc_5321_says, 0,
                        addresses);
    tcase_add_loop_test(cases[0],
                        every_prefix_of_an_address_is_judged_within_its_bounds,
                        0, addresses);
    tcase_add_test(cases[0], no_byte_below_blank_passes_at_any_place);
    tcase_add_test(cases[0], the_codes_of_the_domain_mail_have_words);
    tcase_add_loop_test(
        cases[1], a_mailbox_is_an_address_and_the_name_beside_it, 0, mailboxes);
    tcase_add_test(cases[1], a_mailbox_survives_every_failing_allocation);
    return support_main("address", cases, 2);
}
