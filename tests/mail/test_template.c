/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/text.h"
#include "tests/mail/letter.h"
#include "tests/mail/wire.h"
#include "tests/support/support.h"

START_TEST(a_filled_message_has_its_values_in_their_places)
{
    thrum_context *context = support_context();
    letter_parts with = {
        .subject = "Hello {{name}}",
        .header = "{{id}}",
        .text = "Dear {{ name }} of {{city}},\n\n{{name}}: {{id}}\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_message *message = letter_fill(letter, "Ann", "Rome", "17");
    char expected[1000];
    thrum_bytes date;
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    ck_assert_int_eq(thrum_message_write(message, &out), 0);
    date = wire_find((thrum_bytes){out.data, out.size}, "Date");
    snprintf(expected, sizeof expected,
             "From: News <news@example.org>\r\nTo: ann@example.org\r\n"
             "Subject: Hello Ann\r\nDate: %.*s\r\nMessage-ID: %s\r\n"
             "X-Key: 17\r\nMIME-Version: 1.0\r\n"
             "Content-Type: text/plain; charset=utf-8\r\n"
             "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
             "Dear =\r\nAnn=\r\n of =\r\nRome=\r\n,\r\n\r\n"
             "Ann=\r\n: =\r\n17=\r\n\r\n",
             (int)date.size, date.data, thrum_message_id(message));
    wire_assert_same((thrum_bytes){out.data, out.size},
                     thrum__text_of(expected), "message");
    thrum_buffer_fini(&out);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

static const struct {
    const char *subject;
    const char *name;
    const char *wire;
} subject_cases[] = {
    {"Hello {{name}}", "Ann", "Hello Ann"},
    {"{{name}}", "Ann", "Ann"},
    {"{{name}} {{name}}", "Ann", "Ann Ann"},
    {"{{{{{{name}}}}", "Ann", "{{Ann}}"},
    {"{{{{ not a slot", "Ann", "{{ not a slot"},
    {"}} neither", "Ann", "}} neither"},
    {"a=b {{name}}", "Ann", "a=b Ann"},
    {"{{name}}!", "a=b", "a=b!"},
    {"Hello {{name}}", "J\xc3\xbcrgen", "Hello =?UTF-8?Q?J=C3=BCrgen?="},
    {"F\xc3\xbcr {{name}}", "Ann", "=?UTF-8?Q?F=C3=BCr?= Ann"},
    {"F\xc3\xbcr", "Ann", "=?UTF-8?Q?F=C3=BCr?="},
    {"={{name}}", "?utf-8?q?x?=", "=?UTF-8?B?PT91dGYtOD9xP3g/PQ==?="},
    {"{{name}}?", "=", "=?UTF-8?B?PT8=?="},
    {"Hello {{name}}",
     "=?utf-8?q?x?=", "Hello =?UTF-8?B?PT91dGYtOD9xP3g/PQ==?="},
    {"Hello {{name}}", "Ann ", "Hello =?UTF-8?Q?Ann_?="},
    {"{{name}} hello", " Ann", "=?UTF-8?Q?_Ann?= hello"},
    {"<{{name}}>", "\"O'Neil\" & <b>", "<\"O'Neil\" & <b>>"},
    {"A subject that is almost as long as its line may be, for {{name}}", "Ann",
     "A subject that is almost as long as its line may be, for Ann"},
    {"A subject that is almost as long as its line may be, for {{name}}",
     "Ann Mary Smith",
     "A subject that is almost as long as its line may be, for Ann Mary\r\n"
     " Smith"},
};

START_TEST(a_subject_is_encoded_from_the_whole)
{
    thrum_context *context = support_context();
    letter_parts with = {.subject = subject_cases[_i].subject, .text = "x\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_message *message =
        letter_fill(letter, subject_cases[_i].name, "x", "y");
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    ck_assert_int_eq(thrum_message_write(message, &out), 0);
    wire_assert_same(wire_find((thrum_bytes){out.data, out.size}, "Subject"),
                     thrum__text_of(subject_cases[_i].wire), "subject");
    thrum_buffer_fini(&out);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

static const struct {
    const char *reply_to;
    const char *name;
    const char *id;
    const char *wire;
} reply_cases[] = {
    {"{{name}} <r+{{id}}@example.org>", "Ann", "17", "Ann <r+17@example.org>"},
    {"{{name}} <r+{{ id }}@example.org>", "Smith, Ann", "17",
     "\"Smith, Ann\" <r+17@example.org>"},
    {"\"{{name}}\" <r@example.org>", "a \"b\"", "17",
     "\"a \\\"b\\\"\" <r@example.org>"},
    {"\"{{name}} \\\" x\" <r@example.org>", "J\xc3\xbcrgen", "17",
     "=?UTF-8?B?SsO8cmdlbiAiIHg=?= <r@example.org>"},
    {"r+{{id}}@example.org", "Ann", "17", "r+17@example.org"},
    {"{{name}}", "ann@example.org", "17", "ann@example.org"},
    {"Desk <desk@example.org>", "Ann", "17", "Desk <desk@example.org>"},
};

START_TEST(a_mailbox_may_have_slots_in_its_name_and_address)
{
    thrum_context *context = support_context();
    letter_parts with = {.reply_to = reply_cases[_i].reply_to, .text = "x\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_message *message =
        letter_fill(letter, reply_cases[_i].name, "x", reply_cases[_i].id);
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    ck_assert_int_eq(thrum_message_write(message, &out), 0);
    wire_assert_same(wire_find((thrum_bytes){out.data, out.size}, "Reply-To"),
                     thrum__text_of(reply_cases[_i].wire), "reply-to");
    thrum_buffer_fini(&out);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

static const struct {
    const char *from;
    const char *wire;
} from_cases[] = {
    {"{{name}} <news@example.org>", "Ann & Co <news@example.org>"},
    {"\"{{name}}, for you\" <news@example.org>",
     "\"Ann & Co, for you\" <news@example.org>"},
    {"{{{{name}} <news@example.org>", "{{name}} <news@example.org>"},
};

START_TEST(the_senders_name_may_have_slots)
{
    thrum_context *context = support_context();
    letter_parts with = {.from = from_cases[_i].from, .text = "x\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_message *message = letter_fill(letter, "Ann & Co", "x", "y");
    thrum_buffer out;

    thrum_buffer_init(&out, context, SIZE_MAX);
    ck_assert_int_eq(thrum_message_write(message, &out), 0);
    wire_assert_same(wire_find((thrum_bytes){out.data, out.size}, "From"),
                     thrum__text_of(from_cases[_i].wire), "from");
    ck_assert_str_eq(thrum_message_sender(message), "news@example.org");
    thrum_buffer_fini(&out);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

static const struct {
    const char *html;
    const char *value;
    const char *read;
} html_cases[] = {
    {"<p>{{name}}</p>\n", "Ann", "<p>Ann</p>\n"},
    {"<p>{{name}}</p>\n", "<b>&\"'", "<p>&lt;b&gt;&amp;&quot;&#39;</p>\n"},
    {"<a href=\"{{name}}\">", "x\" onclick=\"y",
     "<a href=\"x&quot; onclick=&quot;y\">"},
    {"{{name}}", "&lt;", "&amp;lt;"},
    {".{{name}}.\n.", ".\n.", "..\n..\n."},
    {"{{{{x}} {{name}}", "J\xc3\xbcrgen", "{{x}} J\xc3\xbcrgen"},
};

START_TEST(a_value_is_escaped_in_html)
{
    thrum_context *context = support_context();
    letter_parts with = {.html = html_cases[_i].html};
    thrum_template *letter = letter_new(context, &with, NULL);
    thrum_message *message =
        letter_fill(letter, html_cases[_i].value, "x", "y");
    thrum_buffer out;
    wire_text read;

    thrum_buffer_init(&out, context, SIZE_MAX);
    ck_assert_int_eq(letter_write(message, &out, 65536), 0);
    read = wire_read((thrum_bytes){out.data, out.size});
    wire_assert_same((thrum_bytes){read.data, read.size},
                     thrum__text_of(html_cases[_i].read), "html");
    free(read.data);
    thrum_buffer_fini(&out);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

static const struct {
    letter_parts with;
    int code;
    const char *text;
} wrong_cases[] = {
    {{.text = "a {{nmae}} b"},
     THRUM_MAIL_E_UNKNOWN_NAME,
     "text, line 1, column 3: no column is called \"nmae\""},
    {{.text = "a\nb\n\xc3\xbc {{ nmae }}"},
     THRUM_MAIL_E_UNKNOWN_NAME,
     "text, line 3, column 3: no column is called \"nmae\""},
    {{.text = "\r\n{{Name}}"},
     THRUM_MAIL_E_UNKNOWN_NAME,
     "text, line 2, column 1: no column is called \"Name\""},
    {{.html = "{{name}} {{{name}}}"},
     THRUM_MAIL_E_UNKNOWN_NAME,
     "html, line 1, column 10: no column is called \"{name\""},
    {{.text = "{{nam}}"},
     THRUM_MAIL_E_UNKNOWN_NAME,
     "text, line 1, column 1: no column is called \"nam\""},
    {{.text = "{{names}}"},
     THRUM_MAIL_E_UNKNOWN_NAME,
     "text, line 1, column 1: no column is called \"names\""},
    {{.text = "{{\x1b[1m}}"},
     THRUM_MAIL_E_UNKNOWN_NAME,
     "text, line 1, column 1: no column is called \"?[1m\""},
    {{.text = "a {{name b"},
     THRUM_MAIL_E_TEMPLATE,
     "text, line 1, column 3: \"{{\" without \"}}\" in its line"},
    {{.text = "a {{name\n}} b"},
     THRUM_MAIL_E_TEMPLATE,
     "text, line 1, column 3: \"{{\" without \"}}\" in its line"},
    {{.text = "a {{"},
     THRUM_MAIL_E_TEMPLATE,
     "text, line 1, column 3: \"{{\" without \"}}\" in its line"},
    {{.text = "a {{}"},
     THRUM_MAIL_E_TEMPLATE,
     "text, line 1, column 3: \"{{\" without \"}}\" in its line"},
    {{.text = "a {{}} b"},
     THRUM_MAIL_E_TEMPLATE,
     "text, line 1, column 3: a slot without a name"},
    {{.text = "a {{ \t }} b"},
     THRUM_MAIL_E_TEMPLATE,
     "text, line 1, column 3: a slot without a name"},
    {{.subject = "Hello {{nmae}}", .text = "x"},
     THRUM_MAIL_E_UNKNOWN_NAME,
     "subject, line 1, column 7: no column is called \"nmae\""},
    {{.header = "{{x}}", .text = "x"},
     THRUM_MAIL_E_UNKNOWN_NAME,
     "header X-Key, line 1, column 1: no column is called \"x\""},
    {{.reply_to = "N <{{x}}@b>", .text = "x"},
     THRUM_MAIL_E_UNKNOWN_NAME,
     "reply-to, line 1, column 4: no column is called \"x\""},
    {{.reply_to = "{{x}} <a@b>", .text = "x"},
     THRUM_MAIL_E_UNKNOWN_NAME,
     "reply-to, line 1, column 1: no column is called \"x\""},
    {{.envelope_from = "b+{{x}}@b", .text = "x"},
     THRUM_MAIL_E_UNKNOWN_NAME,
     "envelope from, line 1, column 3: no column is called \"x\""},
    {{.from = "{{id}} <{{id}}@b>", .text = "x"},
     THRUM_MAIL_E_TEMPLATE,
     "from: its address cannot hold slots"},
    {{.from = "N <{{name}}>", .text = "x"},
     THRUM_MAIL_E_TEMPLATE,
     "from: its address cannot hold slots"},
    {{.from = "nobody", .text = "x"},
     THRUM_MAIL_E_ADDRESS,
     "from: it has no \"@\""},
    {{.subject = "a\nb", .text = "x"},
     THRUM_MAIL_E_HEADER,
     "subject: it has a line break"},
    {{.subject = "a"},
     THRUM_MAIL_E_INCOMPLETE,
     "the message has neither text nor HTML"},
};

START_TEST(what_is_wrong_with_a_template_is_said_with_its_place)
{
    thrum_context *context = support_context();
    thrum_failure *why = NULL;
    thrum_template *letter = letter_new(context, &wrong_cases[_i].with, &why);

    ck_assert_ptr_null(letter);
    ck_assert_str_eq(thrum_failure_text(why), wrong_cases[_i].text);
    ck_assert(thrum_failure_is(why, &thrum_domain_mail, wrong_cases[_i].code));
    thrum_failure_unref(why);
    ck_assert_ptr_null(letter_new(context, &wrong_cases[_i].with, NULL));
    support_context_end(context);
}
END_TEST

START_TEST(a_prototype_has_no_recipients_and_is_no_filled_message)
{
    thrum_context *context = support_context();
    letter_parts with = {.text = "x"};
    thrum_message *prototype = letter_prototype(context, &with);
    thrum_template *letter =
        thrum_template_new(context, prototype, NULL, 0, NULL);
    thrum_message *filled =
        thrum_template_fill(letter, thrum__text_of("a@b"), NULL);
    thrum_failure *why = NULL;

    ck_assert_ptr_null(thrum_message_failure(filled));
    ck_assert_ptr_null(thrum_template_new(context, filled, NULL, 0, &why));
    ck_assert_int_eq(thrum_failure_code(why), THRUM_MAIL_E_TEMPLATE);
    thrum_failure_unref(why);
    thrum_message_add_to(prototype, "a@b");
    ck_assert_ptr_null(thrum_template_new(context, prototype, NULL, 0, &why));
    ck_assert_int_eq(thrum_failure_code(why), THRUM_MAIL_E_TEMPLATE);
    thrum_failure_unref(why);
    ck_assert_ptr_null(thrum_template_new(context, NULL, NULL, 0, &why));
    ck_assert_int_eq(thrum_failure_code(why), THRUM_E_NOMEM);
    thrum_message_free(filled);
    thrum_message_free(prototype);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

START_TEST(a_message_outlives_its_template_and_its_values)
{
    thrum_context *context = support_context();
    letter_parts with = {.subject = "Hi {{name}}", .text = "{{name}}\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    char *name = strdup("Ann");
    thrum_message *message = letter_fill(letter, name, "x", "17");
    thrum_buffer out;

    memset(name, 'x', 3);
    free(name);
    thrum_template_unref(thrum_template_ref(letter));
    thrum_template_unref(letter);
    thrum_buffer_init(&out, context, SIZE_MAX);
    ck_assert_str_eq(thrum_message_sender(message), "news@example.org");
    ck_assert_int_eq(thrum_message_write(message, &out), 0);
    wire_assert_same(wire_find((thrum_bytes){out.data, out.size}, "Subject"),
                     thrum__text_of("Hi Ann"), "subject");
    thrum_buffer_fini(&out);
    thrum_message_free(message);
    support_context_end(context);
}
END_TEST

static void scenario_template(void)
{
    thrum_context *context = support_context();
    letter_parts with = {.subject = "{{name}}",
                         .reply_to = "{{name}} <r@b>",
                         .envelope_from = "b+{{id}}@c",
                         .dsn = &(thrum_dsn){.envelope_id = "{{id}}"},
                         .text = "{{city}}\n",
                         .html = "no slots\n"};
    thrum_failure *why = NULL;
    thrum_template *letter;
    thrum_buffer out;

    if (context == NULL)
        return;
    thrum_buffer_init(&out, context, SIZE_MAX);
    letter = letter_new(context, &with, &why);
    ck_assert((letter == NULL) == (why != NULL));
    if (letter != NULL) {
        thrum_message *message = letter_fill(letter, "x", "y", "z");

        if (thrum_message_write(message, &out) != 0)
            ck_assert_uint_eq(out.size, 0);
        thrum_message_free(message);
        message = letter_fill(letter, "", "y", "z");
        ck_assert(message == NULL || thrum_message_failure(message) != NULL);
        thrum_message_free(message);
    }
    thrum_failure_unref(why);
    thrum_template_unref(letter);
    thrum_buffer_fini(&out);
    support_context_end(context);
}

START_TEST(a_template_survives_every_failing_allocation)
{
    support_every_allocation(scenario_template);
}
END_TEST

START_TEST(no_template_reads_as_no_memory)
{
    thrum_failure *why =
        thrum_template_check(NULL, thrum__text_of("a@b"), NULL);

    ck_assert_int_eq(thrum_failure_code(why), THRUM_E_NOMEM);
    ck_assert_ptr_null(thrum_template_fill(NULL, thrum__text_of("a@b"), NULL));
    thrum_template_unref(NULL);
    thrum_failure_unref(why);
}
END_TEST

/* The compiled program is shared; a message costs one block. */
START_TEST(a_filled_message_is_one_block)
{
    thrum_context *context = support_context();
    letter_parts with = {.subject = "{{name}}",
                         .envelope_from = "b+{{id}}@c",
                         .dsn = &(thrum_dsn){.envelope_id = "{{id}}"},
                         .text = "{{name}} {{city}}\n"};
    thrum_template *letter = letter_new(context, &with, NULL);
    size_t before = thrum_context_blocks(context);
    thrum_message *message = letter_fill(letter, "x", "y", "z");

    ck_assert_uint_gt(strlen(thrum_message_id(message)), 0);
    ck_assert_uint_eq(thrum_context_blocks(context), before + 1);
    thrum_message_free(message);
    thrum_template_unref(letter);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("parts"), tcase_create("memory")};

    tcase_add_test(cases[0], a_filled_message_has_its_values_in_their_places);
    tcase_add_loop_test(cases[0], a_subject_is_encoded_from_the_whole, 0,
                        sizeof subject_cases / sizeof subject_cases[0]);
    tcase_add_loop_test(cases[0],
                        a_mailbox_may_have_slots_in_its_name_and_address, 0,
                        sizeof reply_cases / sizeof reply_cases[0]);
    tcase_add_loop_test(cases[0], the_senders_name_may_have_slots, 0,
                        sizeof from_cases / sizeof from_cases[0]);
    tcase_add_loop_test(cases[0], a_value_is_escaped_in_html, 0,
                        sizeof html_cases / sizeof html_cases[0]);
    tcase_add_loop_test(cases[0],
                        what_is_wrong_with_a_template_is_said_with_its_place, 0,
                        sizeof wrong_cases / sizeof wrong_cases[0]);
    tcase_add_test(cases[0],
                   a_prototype_has_no_recipients_and_is_no_filled_message);
    tcase_add_test(cases[1], a_message_outlives_its_template_and_its_values);
    tcase_add_test(cases[1], a_filled_message_is_one_block);
    tcase_add_test(cases[1], no_template_reads_as_no_memory);
    tcase_add_test(cases[1], a_template_survives_every_failing_allocation);
    return support_main("template", cases, 2);
}
