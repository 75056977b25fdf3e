/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/message.h>

#include "mail/header.h"
#include "mail/text.h"
#include "tests/mail/wire.h"
#include "tests/support/support.h"

static thrum_message *new_letter(thrum_context *context)
{
    thrum_message *letter = thrum_message_new(context);

    thrum_message_set_from(letter, "Eve <eve@example.org>");
    thrum_message_add_to(letter, "ann@example.org");
    return letter;
}

START_TEST(a_small_message_is_written_as_it_will_be_read)
{
    thrum_context *context = support_context();
    thrum_message *letter = new_letter(context);
    char expected[1000];
    thrum_bytes date;
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_message_set_subject(letter, "Saturday");
    thrum_message_set_text(letter, "At eight!\n.\n", 12);
    ck_assert_int_eq(thrum_message_write(letter, &out), 0);
    date = wire_find((thrum_bytes){out.data, out.size}, "Date");
    snprintf(expected, sizeof expected,
             "From: Eve <eve@example.org>\r\nTo: ann@example.org\r\n"
             "Subject: Saturday\r\nDate: %.*s\r\nMessage-ID: %s\r\n"
             "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Transfer-Encoding: 7bit\r\n\r\nAt eight!\r\n.\r\n",
             (int)date.size, date.data, thrum_message_id(letter));
    wire_assert_same((thrum_bytes){out.data, out.size},
                     thrum__text_of(expected), "message");
    thrum_buffer_fini(&out);
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

START_TEST(headers_come_in_their_order_and_each_recipient_on_its_line)
{
    thrum_context *context = support_context();
    thrum_message *letter = thrum_message_new(context);
    static const char *const order[] = {
        "From: =?UTF-8?Q?J=C3=BCrgen?= <j@example.org>\r\n",
        "To: a@b,\r\n \"C, D\" <c@d>,\r\n Eve <e@f>\r\n",
        "Reply-To: Desk <desk@example.org>\r\n",
        "Subject: S\r\n",
        "Date: ",
        "Message-ID: <",
        "X-One: 1\r\nX-Two: 2\r\nX-One: 3\r\n",
        "MIME-Version: 1.0\r\n",
        "Content-Type: text/html; charset=utf-8\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>=\r\n"};
    const char *at;
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_message_add_header(letter, "X-One", "1");
    thrum_message_set_html(letter, "<p>", 3);
    thrum_message_set_subject(letter, "S");
    thrum_message_add_to(letter, "a@b");
    thrum_message_add_header(letter, "X-Two", "2");
    thrum_message_set_reply_to(letter, "Desk <desk@example.org>");
    thrum_message_add_to(letter, "\"C, D\" <c@d>");
    thrum_message_set_from(letter, "J\xc3\xbcrgen <j@example.org>");
    thrum_message_add_header(letter, "X-One", "3");
    thrum_message_add_to(letter, "Eve <e@f>");
    ck_assert_int_eq(thrum_message_write(letter, &out), 0);
    ck_assert_int_eq(thrum_buffer_append(&out, "", 1), 0);
    at = out.data;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const char *found = strstr(at, order[i]);

        ck_assert_msg(found != NULL, "%s is not in\n%s", order[i], at);
        at = found + strlen(order[i]);
    }
    thrum_buffer_fini(&out);
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

START_TEST(a_text_and_its_html_are_alternatives)
{
    thrum_context *context = support_context();
    thrum_message *letter = new_letter(context);
    char boundary[80], expected[1000];
    thrum_bytes type, body;
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_message_set_html(letter, "<p>f\xc3\xbcr", 7);
    thrum_message_set_text(letter, "for\n", 4);
    ck_assert_int_eq(thrum_message_write(letter, &out), 0);
    type = wire_find((thrum_bytes){out.data, out.size}, "Content-Type");
    ck_assert_int_eq(sscanf(type.data,
                            "multipart/alternative;\r\n boundary=\"%79[^\"]",
                            boundary),
                     1);
    ck_assert_uint_eq(strlen(boundary), 40);
    snprintf(expected, sizeof expected,
             "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Transfer-Encoding: 7bit\r\n\r\nfor\r\n"
             "\r\n--%s\r\nContent-Type: text/html; charset=utf-8\r\n"
             "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
             "<p>f=C3=BCr=\r\n\r\n--%s--\r\n",
             boundary, boundary, boundary);
    body = wire_body((thrum_bytes){out.data, out.size});
    wire_assert_same(body, thrum__text_of(expected), "body");
    thrum_buffer_fini(&out);
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

/* Each setter, and the header or envelope that it writes. */
static int set_from(thrum_message *letter, const char *value)
{
    return thrum_message_set_from(letter, value);
}

static int set_reply_to(thrum_message *letter, const char *value)
{
    return thrum_message_set_reply_to(letter, value);
}

static int set_envelope(thrum_message *letter, const char *value)
{
    return thrum_message_set_envelope_from(letter, value);
}

static int add_to(thrum_message *letter, const char *value)
{
    return thrum_message_add_to(letter, value);
}

static int set_subject(thrum_message *letter, const char *value)
{
    return thrum_message_set_subject(letter, value);
}

static int add_value(thrum_message *letter, const char *value)
{
    return thrum_message_add_header(letter, "X-Test", value);
}

static int add_name(thrum_message *letter, const char *value)
{
    return thrum_message_add_header(letter, value, "x");
}

static const struct {
    int (*set)(thrum_message *letter, const char *value);
    int code;
    const char *part;
} setters[] = {
    {set_from, THRUM_MAIL_E_ADDRESS, "from: "},
    {set_reply_to, THRUM_MAIL_E_ADDRESS, "reply-to: "},
    {set_envelope, THRUM_MAIL_E_ADDRESS, "envelope from: "},
    {add_to, THRUM_MAIL_E_ADDRESS, "to: "},
    {set_subject, THRUM_MAIL_E_HEADER, "subject: "},
    {add_value, THRUM_MAIL_E_HEADER, "header X-Test: "},
    {add_name, THRUM_MAIL_E_HEADER, "header: "},
};

static const char *const injections[] = {
    "x\r\nBcc: victim@example.org",
    "x\nBcc: victim@example.org",
    "x\rBcc: victim@example.org",
    "\r\n\r\nbody",
    "x\r\n y",
    "x\n",
    "x\r\n",
    "x\r\n.\r\nMAIL FROM:<a@b>",
    "A\r\nB <a@b>",
    "A <a@b>\r\n",
    "A <a@b\r\n>",
    "\"A\r\n\" <a@b>",
    "a@b>\r\nRCPT TO:<c@d",
    "x\ty",
    "x\v",
    "x\x1b[31m",
    "x\x7f",
    "x\xff",
    "x\xc3",
    "\xe2\x82",
    "x\xed\xa0\x80",
    "{{name}}\r\nX: y",
    "{{na\nme}}",
};

START_TEST(what_would_inject_a_line_is_refused_by_every_setter)
{
    size_t setter = (size_t)_i % 7, injection = (size_t)_i / 7;
    thrum_context *context = support_context();
    thrum_message *letter = new_letter(context);
    const thrum_failure *why;
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_message_set_text(letter, "x\n", 2);
    ck_assert_int_eq(setters[setter].set(letter, injections[injection]),
                     setters[setter].code);
    why = thrum_message_failure(letter);
    ck_assert(thrum_failure_is(why, &thrum_domain_mail, setters[setter].code));
    ck_assert_msg(strncmp(thrum_failure_text(why), setters[setter].part,
                          strlen(setters[setter].part)) == 0,
                  "%s", thrum_failure_text(why));
    ck_assert_uint_eq(
        thrum__text_scan(thrum__text_of(thrum_failure_text(why))) &
            THRUM__TEXT_CONTROL,
        0);
    ck_assert_int_eq(thrum_message_write(letter, &out), setters[setter].code);
    ck_assert_uint_eq(out.size, 0);
    thrum_buffer_fini(&out);
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

START_TEST(a_value_that_is_too_long_is_refused_by_every_setter)
{
    thrum_context *context = support_context();
    char *value = malloc(THRUM__HEADER_MOST + 2);

    memset(value, 'a', THRUM__HEADER_MOST + 1);
    value[THRUM__HEADER_MOST + 1] = '\0';
    for (size_t i = 0; i < 6; i++) {
        thrum_message *letter = new_letter(context);

        ck_assert_int_eq(setters[i].set(letter, value), THRUM_MAIL_E_TOO_LONG);
        thrum_message_free(letter);
    }
    free(value);
    support_context_end(context);
}
END_TEST

START_TEST(a_text_with_a_nul_or_not_in_utf8_is_refused)
{
    static const thrum_bytes texts[] = {
        {"a\0b", 3}, {"\0", 1}, {"a\xff", 2}, {"\xc3", 1}, {"\xc0\x80", 2}};
    thrum_context *context = support_context();

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        thrum_message *letter = new_letter(context);

        ck_assert_int_eq(
            thrum_message_set_text(letter, texts[i].data, texts[i].size),
            THRUM_MAIL_E_TEXT);
        thrum_message_free(letter);
        letter = new_letter(context);
        ck_assert_int_eq(
            thrum_message_set_html(letter, texts[i].data, texts[i].size),
            THRUM_MAIL_E_TEXT);
        thrum_message_free(letter);
    }
    support_context_end(context);
}
END_TEST

START_TEST(what_was_wrong_first_is_kept)
{
    thrum_context *context = support_context();
    thrum_message *letter = thrum_message_new(context);

    ck_assert_ptr_null(thrum_message_failure(letter));
    thrum_message_set_from(letter, "nobody");
    thrum_message_set_subject(letter, "a\nb");
    thrum_message_set_from(letter, "eve@example.org");
    ck_assert_str_eq(thrum_failure_text(thrum_message_failure(letter)),
                     "from: it has no \"@\"");
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

static int write_code(thrum_message *letter, thrum_context *context)
{
    thrum_buffer out;
    int code;

    thrum_buffer_init(&out, context, SIZE_MAX);
    code = thrum_message_write(letter, &out);
    ck_assert(code == 0 || out.size == 0);
    thrum_buffer_fini(&out);
    return code;
}

START_TEST(a_message_that_lacks_something_can_be_completed)
{
    thrum_context *context = support_context();
    thrum_message *letter = thrum_message_new(context);

    ck_assert_int_eq(write_code(letter, context), THRUM_MAIL_E_INCOMPLETE);
    thrum_message_set_from(letter, "eve@example.org");
    ck_assert_int_eq(write_code(letter, context), THRUM_MAIL_E_INCOMPLETE);
    thrum_message_set_text(letter, "", 0);
    ck_assert_int_eq(write_code(letter, context), THRUM_MAIL_E_INCOMPLETE);
    ck_assert_ptr_null(thrum_message_failure(letter));
    thrum_message_add_to(letter, "ann@example.org");
    ck_assert_int_eq(write_code(letter, context), 0);
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

START_TEST(a_message_id_stays_when_the_message_changes)
{
    thrum_context *context = support_context();
    thrum_message *letter = new_letter(context), *other = new_letter(context);
    char *id = strdup(thrum_message_id(letter));
    thrum_buffer out;

    ck_assert_uint_eq(strlen(id), 1 + 32 + 3 + 11 + 1);
    ck_assert_str_eq(id + 33, ".1@example.org>");
    ck_assert_str_ne(id, thrum_message_id(other));
    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_message_set_text(letter, "a\n", 2);
    ck_assert_int_eq(thrum_message_write(letter, &out), 0);
    thrum_message_set_from(letter, "other@example.net");
    thrum_message_set_text(letter, "b\n", 2);
    thrum_buffer_clear(&out);
    ck_assert_int_eq(thrum_message_write(letter, &out), 0);
    ck_assert_mem_eq(out.data, "From: other@example.net", 23);
    ck_assert_mem_eq(out.data + out.size - 3, "b\r\n", 3);
    wire_assert_same(wire_find((thrum_bytes){out.data, out.size}, "Message-ID"),
                     thrum__text_of(id), "Message-ID");
    free(id);
    thrum_buffer_fini(&out);
    thrum_message_free(letter);
    thrum_message_free(other);
    support_context_end(context);
}
END_TEST

START_TEST(the_envelope_has_bare_addresses)
{
    thrum_context *context = support_context();
    thrum_message *letter = thrum_message_new(context);

    ck_assert_str_eq(thrum_message_sender(letter), "");
    ck_assert_uint_eq(thrum_message_recipients(letter), 0);
    ck_assert_ptr_null(thrum_message_recipient(letter, 0));
    thrum_message_set_from(letter, "\"Eve, E\" <eve@example.org>");
    thrum_message_add_to(letter, "Ann <ann@example.org>");
    thrum_message_add_to(letter, "bob@example.org");
    ck_assert_str_eq(thrum_message_sender(letter), "eve@example.org");
    ck_assert_uint_eq(thrum_message_recipients(letter), 2);
    ck_assert_str_eq(thrum_message_recipient(letter, 0), "ann@example.org");
    ck_assert_str_eq(thrum_message_recipient(letter, 1), "bob@example.org");
    ck_assert_ptr_null(thrum_message_recipient(letter, 2));
    thrum_message_set_envelope_from(letter, "bounces@example.org");
    ck_assert_str_eq(thrum_message_sender(letter), "bounces@example.org");
    thrum_message_set_envelope_from(letter, "");
    ck_assert_str_eq(thrum_message_sender(letter), "");
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

START_TEST(no_message_reads_as_no_memory)
{
    thrum_context *context = support_context();
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    for (size_t i = 0; i < 7; i++)
        ck_assert_int_eq(setters[i].set(NULL, "x"), THRUM_E_NOMEM);
    ck_assert_int_eq(thrum_message_set_text(NULL, "x", 1), THRUM_E_NOMEM);
    ck_assert_int_eq(thrum_message_set_html(NULL, "x", 1), THRUM_E_NOMEM);
    ck_assert_int_eq(thrum_message_write(NULL, &out), THRUM_E_NOMEM);
    ck_assert(thrum_failure_is(thrum_message_failure(NULL), &thrum_domain_base,
                               THRUM_E_NOMEM));
    ck_assert_str_eq(thrum_message_id(NULL), "");
    ck_assert_str_eq(thrum_message_sender(NULL), "");
    ck_assert_uint_eq(thrum_message_recipients(NULL), 0);
    ck_assert_ptr_null(thrum_message_recipient(NULL, 0));
    thrum_message_free(NULL);
    thrum_buffer_fini(&out);
    support_context_end(context);
}
END_TEST

/* An address that is not set, as of an environment variable, is empty. */
START_TEST(a_value_of_null_is_an_empty_one)
{
    thrum_context *context = support_context();

    for (size_t i = 0; i < 7; i++) {
        thrum_message *letter = new_letter(context);
        int code = setters[i].set(letter, NULL);

        ck_assert_int_eq(code, setters[i].set(letter, ""));
        thrum_message_free(letter);
    }
    support_context_end(context);
}
END_TEST

START_TEST(braces_are_plain_text_in_an_ordinary_message)
{
    thrum_context *context = support_context();
    thrum_message *letter = new_letter(context);
    thrum_buffer out;
    thrum_bytes whole;

    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_message_set_subject(letter, "{{name}} {{{{");
    thrum_message_set_envelope_from(letter, "b+{{id}}@example.org");
    thrum_message_set_text(letter, "{{ {{name}} }}\n", 15);
    ck_assert_int_eq(thrum_message_write(letter, &out), 0);
    whole = (thrum_bytes){out.data, out.size};
    wire_assert_same(wire_find(whole, "Subject"),
                     thrum__text_of("{{name}} {{{{"), "subject");
    wire_assert_same(wire_body(whole), thrum__text_of("{{ {{name}} }}\r\n"),
                     "body");
    ck_assert_str_eq(thrum_message_sender(letter), "b+{{id}}@example.org");
    thrum_message_set_envelope_from(letter, "b+{{ id }}@example.org");
    ck_assert_int_eq(thrum_message_write(letter, &out), THRUM_MAIL_E_ADDRESS);
    thrum_buffer_fini(&out);
    thrum_message_free(letter);
    support_context_end(context);
}
END_TEST

static void scenario_message(void)
{
    thrum_context *context = support_context();
    thrum_message *letter;
    thrum_buffer out;

    if (context == NULL)
        return;
    letter = new_letter(context);
    thrum_buffer_init(&out, context, SIZE_MAX);
    thrum_message_add_to(letter, "Bob <bob@example.org>");
    thrum_message_set_subject(letter, "S");
    thrum_message_set_reply_to(letter, "desk@example.org");
    thrum_message_set_envelope_from(letter, "b@example.org");
    thrum_message_set_dsn(letter, &(thrum_dsn){.envelope_id = "1"});
    thrum_message_add_header(letter, "X-Key", "v");
    thrum_message_set_text(letter, "x", 1);
    thrum_message_set_html(letter, "y", 1);
    thrum_message_set_subject(letter, "a\nb");
    ck_assert_int_ne(thrum_message_write(letter, &out), 0);
    thrum_message_free(letter);
    letter = new_letter(context);
    thrum_message_set_text(letter, "x", 1);
    thrum_message_add_header(letter, "X-Key", "v");
    if (thrum_message_write(letter, &out) != 0)
        ck_assert_uint_eq(out.size, 0);
    thrum_message_free(letter);
    thrum_buffer_fini(&out);
    support_context_end(context);
}

START_TEST(a_message_survives_every_failing_allocation)
{
    support_every_allocation(scenario_message);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("wire"), tcase_create("setters")};

    tcase_add_test(cases[0], a_small_message_is_written_as_it_will_be_read);
    tcase_add_test(cases[0],
                   headers_come_in_their_order_and_each_recipient_on_its_line);
    tcase_add_test(cases[0], a_text_and_its_html_are_alternatives);
    tcase_add_test(cases[0], a_message_id_stays_when_the_message_changes);
    tcase_add_test(cases[0], the_envelope_has_bare_addresses);
    tcase_add_test(cases[0], braces_are_plain_text_in_an_ordinary_message);
    tcase_add_loop_test(cases[1],
                        what_would_inject_a_line_is_refused_by_every_setter, 0,
                        7 * (int)(sizeof injections / sizeof injections[0]));
    tcase_add_test(cases[1],
                   a_value_that_is_too_long_is_refused_by_every_setter);
    tcase_add_test(cases[1], a_text_with_a_nul_or_not_in_utf8_is_refused);
    tcase_add_test(cases[1], what_was_wrong_first_is_kept);
    tcase_add_test(cases[1], a_message_that_lacks_something_can_be_completed);
    tcase_add_test(cases[1], no_message_reads_as_no_memory);
    tcase_add_test(cases[1], a_value_of_null_is_an_empty_one);
    tcase_add_test(cases[1], a_message_survives_every_failing_allocation);
    return support_main("message", cases, 2);
}
