/* SPDX-License-Identifier: MIT */
/*
 * What a message needs because of its addresses, and what slots make of them.
 * The names of rows begin with the hazard that they are about.
 */
#include <string.h>

#include "mail/address.h"
#include "mail/message_internal.h"
#include "mail/text.h"
#include "tests/mail/letter.h"
#include "tests/mail/wire.h"
#include "tests/support/support.h"

#define TEN(x) x x x x x x x x x x
#define A60 TEN("aaaaaa")

#define BOTH (THRUM__NEEDS_SMTPUTF8 | THRUM__NEEDS_8BIT)

static const struct {
    const char *row;
    const char *from;
    const char *to;
    const char *reply_to;
    const char *envelope_from;
    unsigned needs;
    bool by_to;         /* because of the recipient */
    const char *header; /* that is in the message */
} needs[] = {
    {.row = "I4: all US-ASCII", .from = "a@b", .to = "c@d"},
    {.row = "I4: domains alone need nothing of the server",
     .from = "N\xc3\xbc <a@b\xc3\xbc.example>",
     .to = "c@d\xc3\xbc.example",
     .reply_to = "e@f\xc3\xbc.example",
     .envelope_from = "g@h\xc3\xbc.example",
     .header = "To: c@xn--d-eha.example\r\n"
               "Reply-To: e@xn--f-eha.example\r\n"},
    {.row = "I4: the recipient",
     .from = "a@b",
     .to = "D\xc3\xb6 <d\xc3\xb6@e>",
     .needs = BOTH,
     .by_to = true,
     .header = "To: =?UTF-8?B?RMO2?= <d\xc3\xb6@e>\r\n"},
    {.row = "I4: the sender's own address",
     .from = "\xc3\xbc@b",
     .to = "c@d",
     .needs = BOTH,
     .header = "From: \xc3\xbc@b\r\n"},
    {.row = "I4: the address for answers",
     .from = "a@b",
     .to = "c@d",
     .reply_to = "\xc3\xbc@b",
     .needs = BOTH,
     .header = "Reply-To: \xc3\xbc@b\r\n"},
    {.row = "I4: the envelope's sender alone is in no header",
     .from = "a@b",
     .to = "c@d",
     .envelope_from = "\xc3\xbc@b",
     .needs = THRUM__NEEDS_SMTPUTF8,
     .header = "From: a@b\r\n"},
};

static bool is_ascii(const thrum_buffer *out)
{
    for (size_t i = 0; i < out->size; i++)
        if ((unsigned char)out->data[i] >= 0x80)
            return false;
    return true;
}

/* What is written: 8 bits only where the message says so, and as much as its
 * size says. */
static void assert_written(thrum_message *message, const char *header,
                           thrum_context *context)
{
    unsigned bits = thrum__message_needs(message) & THRUM__NEEDS_8BIT;
    thrum_buffer out, dotted;

    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_buffer_init(&dotted, context, SIZE_MAX);
    ck_assert_int_eq(thrum_message_write(message, &out), 0);
    ck_assert_int_eq(letter_write(message, &dotted, 7), 0);
    wire_assert_same((thrum_bytes){dotted.data, dotted.size},
                     (thrum_bytes){out.data, out.size}, "dotted");
    ck_assert_int_eq(is_ascii(&out), bits == 0);
    ck_assert_uint_eq(thrum__message_size(message, 0), out.size);
    if (header != NULL)
        ck_assert_msg(memmem(out.data, out.size, header, strlen(header)),
                      "%s is not in\n%.*s", header, (int)out.size, out.data);
    thrum_buffer_fini(&out);
    thrum_buffer_fini(&dotted);
}

START_TEST(i4_a_message_says_what_its_addresses_need)
{
    thrum_context *context = support_context();
    thrum_message *message = thrum_message_new(context);

    thrum_message_set_from(message, needs[_i].from);
    thrum_message_add_to(message, needs[_i].to);
    if (needs[_i].reply_to != NULL)
        thrum_message_set_reply_to(message, needs[_i].reply_to);
    if (needs[_i].envelope_from != NULL)
        thrum_message_set_envelope_from(message, needs[_i].envelope_from);
    thrum_message_set_text(message, "\xc3\xbc\n", 3);
    ck_assert_ptr_null(thrum__message_ready(message));
    ck_assert_uint_eq(thrum__message_needs(message), needs[_i].needs);
    assert_written(message, needs[_i].header, context);
    thrum_message_free(message);
    support_context_end(context);
}
END_TEST

START_TEST(i4_so_does_one_made_from_a_template)
{
    thrum_context *context = support_context();
    letter_parts with = {.from = needs[_i].from,
                         .reply_to = needs[_i].reply_to,
                         .envelope_from = needs[_i].envelope_from,
                         .text = "{{name}}\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_bytes values[LETTER_COLUMNS] = {{"x", 1}, {"\xc3\xbc", 2}};
    thrum__mailbox box;
    thrum__addr addr;
    thrum_message *message;

    thrum__mailbox_read(thrum__text_of(needs[_i].to), &box, &addr);
    message = thrum_template_fill(letter, box.addr, values);
    ck_assert_ptr_null(thrum__message_ready(message));
    ck_assert_uint_eq(thrum__message_needs(message), needs[_i].needs);
    assert_written(message, NULL, context);
    /* Nothing of it is left behind for the next one. */
    thrum_message_free(message);
    message = letter_fill(letter, "x", "y", "z");
    ck_assert_uint_eq(thrum__message_needs(message),
                      needs[_i].by_to ? 0 : needs[_i].needs);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

START_TEST(i4_each_recipient_is_given_as_in_the_envelope)
{
    static const char *const to[] = {"a@b", "\xc3\xbc@b", "a@\xc3\xbc.example"};
    static const char *const as[] = {"a@b", "\xc3\xbc@b", "a@xn--tda.example"};
    thrum_context *context = support_context();
    thrum_message *message = thrum_message_new(context);

    for (size_t i = 0; i < 3; i++)
        thrum_message_add_to(message, to[i]);
    for (size_t i = 0; i < 3; i++)
        ck_assert_str_eq(thrum_message_recipient(message, i), as[i]);
    ck_assert_uint_eq(thrum__message_needs(message), 0); /* not ready */
    thrum_message_free(message);
    support_context_end(context);
}
END_TEST

/* What stands in slots of addresses; the header is Reply-To, of the id. */
static const struct {
    const char *row;
    const char *name; /* in the envelope's sender */
    const char *city; /* its domain */
    const char *id;   /* all of Reply-To's address */
    const char *sender;
    const char *reply_to; /* NULL: the row is refused, and `sender` is why */
    unsigned needs;
} slots[] = {
    {"I1: nothing odd", "7", "d", "r@e", "b+7@d", "<r@e>", 0},
    {"I2: quotes that are not needed", "7", "d", "\"r\"@e", "b+7@d", "<r@e>",
     0},
    {"I4: domains", "7", "d\xc3\xb6.example", "r@e\xc3\xbc.example",
     "b+7@xn--d-1ga.example", "<r@xn--e-eha.example>", 0},
    {"I4: the envelope alone", "\xc3\xbc", "d", "r@e", "b+\xc3\xbc@d", "<r@e>",
     THRUM__NEEDS_SMTPUTF8},
    {"I4: the header", "7", "d", "r\xc3\xbc@e", "b+7@d", "<r\xc3\xbc@e>", BOTH},
    {"I1: CR LF", "7\r\nDATA", "d", "r@e",
     "envelope from: column \"name\" has a line break", NULL, 0},
    {"I1: NEL", "7\xc2\x85", "d", "r@e",
     "envelope from: it has a control character", NULL, 0},
    {"I1: parameters", "7@d> SIZE=1", "d", "r@e",
     "envelope from: its domain has a character that may not stand there", NULL,
     0},
    {"I3: 65 octets before the @", A60 "abc", "d", "r@e",
     "envelope from: it has more than 64 octets before its \"@\"", NULL, 0},
    {"I4: no name that there could be", "7", "-\xc3\xbc", "r@e",
     "envelope from: its domain is no internationalized name (IDNA2008)", NULL,
     0},
    {"I1: quotes that open in a header", "7", "d", "\"r@e",
     "reply-to: its quotes are not closed", NULL, 0},
};

START_TEST(i1_what_stands_in_slots_of_addresses_is_judged_whole)
{
    thrum_context *context = support_context();
    letter_parts with = {.envelope_from = "b+{{name}}@{{city}}",
                         .reply_to = "R <{{id}}>",
                         .text = "x\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_bytes values[LETTER_COLUMNS] = {{"x", 1},
                                          thrum__text_of(slots[_i].name),
                                          thrum__text_of(slots[_i].city),
                                          thrum__text_of(slots[_i].id)};
    thrum_failure *why =
        thrum_template_check(letter, (thrum_bytes){"a@b", 3}, values);
    thrum_message *message =
        thrum_template_fill(letter, (thrum_bytes){"a@b", 3}, values);

    if (slots[_i].reply_to != NULL) {
        ck_assert_msg(why == NULL, "%s", slots[_i].row);
        ck_assert_str_eq(thrum_message_sender(message), slots[_i].sender);
        ck_assert_uint_eq(thrum__message_needs(message), slots[_i].needs);
        assert_written(message, slots[_i].reply_to, context);
    } else {
        ck_assert_str_eq(thrum_failure_text(why), slots[_i].sender);
        ck_assert_str_eq(thrum_failure_text(thrum_message_failure(message)),
                         slots[_i].sender);
    }
    thrum_failure_unref(why);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

/* The same person in every way that a list could write her. */
START_TEST(i4_one_recipient_is_one_however_a_list_writes_it)
{
    static const char *const ways[] = {"ann@b\xc3\xbc"
                                       "cher.example",
                                       "ann@B\xc3\x9c"
                                       "CHER\xe3\x80\x82"
                                       "EXAMPLE",
                                       "\"ann\"@bu\xcc\x88"
                                       "cher.example",
                                       "\"\\ann\"@xn--bcher-kva.example",
                                       "ann@xn--bcher-kva.example"};
    thrum_context *context = support_context();
    letter_parts with = {.text = "x\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_bytes values[LETTER_COLUMNS] = {{"x", 1}};

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        thrum_message *message =
            thrum_template_fill(letter, thrum__text_of(ways[i]), values);

        ck_assert_str_eq(thrum_message_recipient(message, 0),
                         "ann@xn--bcher-kva.example");
        assert_written(message, "To: ann@xn--bcher-kva.example\r\n", context);
        thrum_message_free(message);
    }
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

static const struct {
    const char *from;
    const char *sender;
    const char *line;
} literal[] = {
    {"{{name}} <news@b\xc3\xbc.example>", "news@xn--b-eha.example",
     "From: Ann <news@xn--b-eha.example>\r\n"},
    {"{{name}} <\"news\"@d>", "news@d", "From: Ann <news@d>\r\n"},
};

START_TEST(i2_an_address_beside_slots_is_made_ready_once)
{
    thrum_context *context = support_context();
    letter_parts with = {.from = literal[_i].from, .text = "x\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_message *message = letter_fill(letter, "Ann", "y", "z");

    ck_assert_str_eq(thrum_message_sender(message), literal[_i].sender);
    assert_written(message, literal[_i].line, context);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

START_TEST(i2_braces_are_plain_text_in_the_addresses_of_an_ordinary_message)
{
    thrum_context *context = support_context();
    thrum_message *message = thrum_message_new(context);

    thrum_message_set_from(message, "{{a}} <\"{{b}}\"@b\xc3\xbc.example>");
    thrum_message_set_envelope_from(message, "\"{{c}}\"@d\xc3\xb6.example");
    thrum_message_add_to(message, "e@f");
    thrum_message_set_text(message, "x", 1);
    ck_assert_str_eq(thrum_message_sender(message), "{{c}}@xn--d-1ga.example");
    assert_written(message, "From: {{a}} <{{b}}@xn--b-eha.example>\r\n",
                   context);
    thrum_message_free(message);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("messages")};
    int all = sizeof needs / sizeof needs[0];

    tcase_add_loop_test(cases[0], i4_a_message_says_what_its_addresses_need, 0,
                        all);
    tcase_add_loop_test(cases[0], i4_so_does_one_made_from_a_template, 0, all);
    tcase_add_test(cases[0], i4_each_recipient_is_given_as_in_the_envelope);
    tcase_add_loop_test(cases[0],
                        i1_what_stands_in_slots_of_addresses_is_judged_whole, 0,
                        sizeof slots / sizeof slots[0]);
    tcase_add_test(cases[0], i4_one_recipient_is_one_however_a_list_writes_it);
    tcase_add_loop_test(cases[0], i2_an_address_beside_slots_is_made_ready_once,
                        0, sizeof literal / sizeof literal[0]);
    tcase_add_test(
        cases[0],
        i2_braces_are_plain_text_in_the_addresses_of_an_ordinary_message);
    return support_main("envelope", cases, 1);
}
