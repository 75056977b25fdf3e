/* SPDX-License-Identifier: MIT */
/*
 * Addresses as they go into the envelope. The names of rows begin with the
 * hazard that they are about.
 */
#include <stdlib.h>
#include <string.h>

#include "mail/address.h"
#include "mail/text.h"
#include "tests/support/support.h"

#define TEN(x) x x x x x x x x x x
#define A20 TEN("aa")
#define A60 A20 A20 A20
/* "bü" is 3 octets as it is written, and 10 as an A-label with its dot. */
#define BUE_10 TEN("b\xc3\xbc.")

/* How an address is written; NULL: it is none, and `why` is said of it. */
static const struct {
    const char *row;
    const char *text;
    const char *addr;
    bool is_utf8;
    const char *why;
} forms[] = {
    {.row = "I1: CR LF in a quoted local part",
     .text = "\"a\r\nRCPT TO:<b@c>\r\n\"@d",
     .why = "control"},
    {.row = "I1: CR LF behind a backslash",
     .text = "\"a\\\r\\\nb\"@d",
     .why = "control"},
    {.row = "I1: LF alone", .text = "\"a\nb\"@d", .why = "control"},
    {.row = "I1: DEL", .text = "\"a\x7f\"@d", .why = "control"},
    {.row = "I1: NEL, a line break among the C1 controls",
     .text = "a\xc2\x85z@d",
     .why = "control"},
    {.row = "I1: the last C1 control, in quotes",
     .text = "\"a\xc2\x9f\"@d",
     .why = "control"},
    {.row = "I1: a control in a domain that is not ASCII",
     .text = "a@b\xc3\xbc\r\n.d",
     .why = "control"},
    {.row = "I1: C1 in a domain", .text = "a@b\xc2\x85.d", .why = "IDNA2008"},
    {.row = "I1: the first character after C1",
     .text = "a\xc2\xa0z@d",
     .addr = "a\xc2\xa0z@d",
     .is_utf8 = true},
    {.row = "I2: quotes around nothing that needs them",
     .text = "\"a.b\"@d",
     .addr = "a.b@d"},
    {.row = "I2: a backslash before what needs none",
     .text = "\"\\a\\.\\b\"@d",
     .addr = "a.b@d"},
    {.row = "I2: a blank", .text = "\"a b\"@d", .addr = "\"a b\"@d"},
    {.row = "I2: a blank behind a backslash",
     .text = "\"a\\ b\"@d",
     .addr = "\"a b\"@d"},
    {.row = "I2: quotes and backslashes within quotes",
     .text = "\"a\\\"\\\\b\"@d",
     .addr = "\"a\\\"\\\\b\"@d"},
    {.row = "I2: nothing within quotes", .text = "\"\"@d", .addr = "\"\"@d"},
    {.row = "I2: dots that no atom has around it",
     .text = "\"a..b.\"@d",
     .addr = "\"a..b.\"@d"},
    {.row = "I2: a dot first", .text = "\".a\"@d", .addr = "\".a\"@d"},
    {.row = "I2: a dot last", .text = "\"a.\"@d", .addr = "\"a.\"@d"},
    {.row = "I2: an angle bracket", .text = "\"a>b\"@d", .addr = "\"a>b\"@d"},
    {.row = "I2: an @ within quotes", .text = "\"a@b\"@d", .addr = "\"a@b\"@d"},
    {.row = "I2: a comment is none, within quotes",
     .text = "\"(a)\"@d",
     .addr = "\"(a)\"@d"},
    {.row = "I2: a literal stays",
     .text = "\"a\"@[192.0.2.1]",
     .addr = "a@[192.0.2.1]"},
    {.row = "I3: 64 octets without their quotes",
     .text = "\"" A60 "aaaa\"@d",
     .addr = A60 "aaaa@d"},
    {.row = "I3: 64 octets with quotes that stay",
     .text = "\"" A60 " \"@d",
     .why = NULL,
     .addr = "\"" A60 " \"@d"},
    {.row = "I3: 65 octets with quotes that stay",
     .text = "\"" A60 "a  \"@d",
     .why = "64 octets"},
    {.row = "I3: 64 octets of UTF-8",
     .text = A60 "\xc3\xbc\xc3\xbc@d",
     .addr = A60 "\xc3\xbc\xc3\xbc@d",
     .is_utf8 = true},
    {.row = "I3: 65 octets of UTF-8",
     .text = A60 "a\xc3\xbc\xc3\xbc@d",
     .why = "64 octets"},
    {.row = "I3: labels count as A-labels",
     .text = "aa@" BUE_10 BUE_10 "b\xc3\xbc.b\xc3\xbc.d",
     .addr = "aa@" TEN("xn--b-eha.") TEN("xn--b-eha.") "xn--b-eha.xn--b-eha.d"},
    {.row = "I3: 255 octets only as A-labels",
     .text = "aa@" BUE_10 BUE_10 BUE_10 "d",
     .why = "IDNA2008"},
    {.row = "I3: 254 octets in all",
     .text = A60 "@" A60 "." A60 "." A60 ".dddddddddd",
     .addr = A60 "@" A60 "." A60 "." A60 ".dddddddddd"},
    {.row = "I3: 255 octets in all",
     .text = A60 "@" A60 "." A60 "." A60 ".ddddddddddd",
     .why = "254 octets"},
    {.row = "I3: 255 octets in all, by its A-labels",
     .text = A60 "@" A60 "." A60 "." A60 ".b\xc3\xbc.d",
     .why = "254 octets"},
    {.row = "I4: a domain becomes A-labels",
     .text = "ann@b\xc3\xbc"
             "cher.example",
     .addr = "ann@xn--bcher-kva.example"},
    {.row = "I4: the same in capitals",
     .text = "ann@B\xc3\x9c"
             "CHER.example",
     .addr = "ann@xn--bcher-kva.example"},
    {.row = "I4: the same with combined characters",
     .text = "ann@bu\xcc\x88"
             "cher.example",
     .addr = "ann@xn--bcher-kva.example"},
    {.row = "I4: the same as an A-label",
     .text = "ann@xn--bcher-kva.example",
     .addr = "ann@xn--bcher-kva.example"},
    {.row = "I4: an ideographic full stop",
     .text = "ann@b\xc3\xbc"
             "cher\xe3\x80\x82"
             "example",
     .addr = "ann@xn--bcher-kva.example"},
    {.row = "I4: a full-width full stop",
     .text = "ann@mail\xef\xbc\x8e"
             "example",
     .addr = "ann@mail.example"},
    {.row = "I4: a half-width full stop",
     .text = "ann@mail\xef\xbd\xa1"
             "example",
     .addr = "ann@mail.example"},
    {.row = "I4: a full stop of another script at the end",
     .text = "ann@mail\xe3\x80\x82",
     .why = "dot at its end"},
    {.row = "I4: two full stops of another script",
     .text = "ann@mail\xe3\x80\x82\xe3\x80\x82"
             "example",
     .why = "IDNA2008"},
    {.row = "I4: a full-width @ is no @",
     .text = "ann\xef\xbc\xa0mail.example",
     .why = "no \"@\""},
    {.row = "I4: a full-width @ in a domain",
     .text = "ann@mail\xef\xbc\xa0"
             "b.example",
     .why = "IDNA2008"},
    {.row = "I4: full-width figures are no address",
     .text = "ann@\xef\xbc\x91\xef\xbc\x92.0.2.1",
     .why = "IDNA2008"},
    {.row = "I4: an underscore beside a U-label",
     .text = "ann@_a.b\xc3\xbc.example",
     .why = "may not stand"},
    {.row = "I4: a symbol",
     .text = "ann@\xe2\x98\x83.example",
     .why = "IDNA2008"},
    {.row = "I4: a domain that is not UTF-8",
     .text = "ann@b\xfc.example",
     .why = "IDNA2008"},
    {.row = "I4: a local part is UTF-8",
     .text = "j\xc3\xbcrgen@example.org",
     .addr = "j\xc3\xbcrgen@example.org",
     .is_utf8 = true},
    {.row = "I4: an atom of three scripts and a dot",
     .text = "\xe6\x9d\x8e.\xd0\x98\xf0\x9f\x98\x80@d",
     .addr = "\xe6\x9d\x8e.\xd0\x98\xf0\x9f\x98\x80@d",
     .is_utf8 = true},
    {.row = "I4: UTF-8 in quotes that it needs",
     .text = "\"j \xc3\xbc\"@d",
     .addr = "\"j \xc3\xbc\"@d",
     .is_utf8 = true},
    {.row = "I4: UTF-8 in quotes that it does not need",
     .text = "\"\xc3\xbc\"@d",
     .addr = "\xc3\xbc@d",
     .is_utf8 = true},
    {.row = "I4: both sides",
     .text = "\xc3\xbc@b\xc3\xbc.example",
     .addr = "\xc3\xbc@xn--b-eha.example",
     .is_utf8 = true},
    {.row = "I4: half a character", .text = "a\xc3@d", .why = "not UTF-8"},
    {.row = "I4: an overlong dot", .text = "a\xc0\xae@d", .why = "not UTF-8"},
    {.row = "I4: a surrogate", .text = "\xed\xa0\x80@d", .why = "not UTF-8"},
    {.row = "I4: past the last character",
     .text = "\xf4\x90\x80\x80@d",
     .why = "not UTF-8"},
    {.row = "I4: half a character in quotes",
     .text = "\"\xc3\"@d",
     .why = "not UTF-8"},
};

/* What was read no longer points to what it was read from. */
static void keep(thrum__addr *addr)
{
    if (addr->text.data == addr->room)
        return;
    memcpy(addr->room, addr->text.data, addr->text.size);
    addr->room[addr->text.size] = '\0';
    addr->text.data = addr->room;
}

/* The text ends where its memory does. */
static const char *read_exactly(const char *text, size_t size,
                                thrum__addr *addr)
{
    char *copy = malloc(size > 0 ? size : 1);
    const char *wrong;

    memcpy(copy, text, size);
    wrong = thrum__addr_read((thrum_bytes){copy, size}, addr);
    if (wrong == NULL)
        keep(addr);
    free(copy);
    return wrong;
}

START_TEST(an_address_has_one_form_in_the_envelope)
{
    const char *text = forms[_i].text;
    thrum__addr addr;
    const char *wrong = read_exactly(text, strlen(text), &addr);

    if (forms[_i].addr == NULL) {
        ck_assert_msg(wrong != NULL && strstr(wrong, forms[_i].why) != NULL,
                      "%s: %s", forms[_i].row, wrong != NULL ? wrong : "taken");
        return;
    }
    ck_assert_msg(wrong == NULL, "%s: %s", forms[_i].row, wrong);
    ck_assert_str_eq(addr.text.data, forms[_i].addr);
    ck_assert_uint_eq(addr.text.size, strlen(forms[_i].addr));
    ck_assert_int_eq(addr.is_utf8, forms[_i].is_utf8);
}
END_TEST

START_TEST(the_form_of_a_form_is_itself)
{
    thrum__addr addr, again;

    if (forms[_i].addr == NULL)
        return;
    ck_assert_ptr_null(thrum__addr_read(thrum__text_of(forms[_i].addr), &addr));
    ck_assert_ptr_null(thrum__addr_read(addr.text, &again));
    keep(&again);
    ck_assert_str_eq(again.text.data, forms[_i].addr);
}
END_TEST

START_TEST(every_prefix_is_read_within_its_bounds)
{
    const char *text = forms[_i].text;

    for (size_t size = 0; size < strlen(text); size++) {
        thrum__addr addr;
        const char *wrong = read_exactly(text, size, &addr);

        if (wrong == NULL)
            ck_assert_uint_le(addr.text.size, 254);
    }
}
END_TEST

START_TEST(i1_no_control_passes_at_any_place_of_an_international_address)
{
    static const char address[] = "\"q \xc3\xbc\"@b\xc3\xbc.example.org";
    char text[sizeof address + 2];

    for (size_t at = 0; at < sizeof address; at++)
        for (unsigned control = 0; control < 0xa0; control++) {
            size_t wide = control < 0x80 ? 1 : 2;
            thrum__addr addr;

            if (control >= ' ' && control < 0x7f)
                continue;
            memcpy(text, address, at);
            text[at] = (char)(wide == 1 ? control : 0xc2);
            text[at + wide - 1] = (char)control;
            memcpy(text + at + wide, address + at, sizeof address - 1 - at);
            if (read_exactly(text, sizeof address - 1 + wide, &addr) == NULL)
                ck_abort_msg("control %02x at %zu was taken", control, at);
        }
}
END_TEST

START_TEST(no_memory_for_a_domain_is_no_wrong_address)
{
    thrum_context *context = support_context();
    thrum_failure *none =
        thrum__address_wrong(context, "to", thrum__address_no_memory);
    thrum_failure *wrong = thrum__address_wrong(context, "to", "it is empty");

    ck_assert_int_eq(thrum_failure_code(none), THRUM_E_NOMEM);
    ck_assert_int_eq(thrum_failure_code(wrong), THRUM_MAIL_E_ADDRESS);
    ck_assert_str_eq(thrum_failure_text(wrong), "to: it is empty");
    thrum_failure_unref(none);
    thrum_failure_unref(wrong);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("forms")};
    int rows = sizeof forms / sizeof forms[0];

    tcase_add_loop_test(cases[0], an_address_has_one_form_in_the_envelope, 0,
                        rows);
    tcase_add_loop_test(cases[0], the_form_of_a_form_is_itself, 0, rows);
    tcase_add_loop_test(cases[0], every_prefix_is_read_within_its_bounds, 0,
                        rows);
    tcase_add_test(
        cases[0],
        i1_no_control_passes_at_any_place_of_an_international_address);
    tcase_add_test(cases[0], no_memory_for_a_domain_is_no_wrong_address);
    return support_main("form", cases, 1);
}
