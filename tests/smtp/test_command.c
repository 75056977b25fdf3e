/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "mail/smtp/command.h"
#include "tests/support/support.h"

static const struct {
    thrum_smtp_stage stage;
    const char *argument;
    const char *line; /* NULL: it is refused */
} cases[] = {
    {THRUM_SMTP_STAGE_EHLO, "mail.example.org", "EHLO mail.example.org\r\n"},
    {THRUM_SMTP_STAGE_EHLO, "[127.0.0.1]", "EHLO [127.0.0.1]\r\n"},
    {THRUM_SMTP_STAGE_HELO, "localhost", "HELO localhost\r\n"},
    {THRUM_SMTP_STAGE_MAIL, "a@example.org", "MAIL FROM:<a@example.org>\r\n"},
    {THRUM_SMTP_STAGE_MAIL, "", "MAIL FROM:<>\r\n"},
    {THRUM_SMTP_STAGE_RCPT, "a@example.org", "RCPT TO:<a@example.org>\r\n"},
    {THRUM_SMTP_STAGE_DATA, "", "DATA\r\n"},
    {THRUM_SMTP_STAGE_BODY, "", ".\r\n"},
    {THRUM_SMTP_STAGE_RSET, "", "RSET\r\n"},
    {THRUM_SMTP_STAGE_QUIT, "", "QUIT\r\n"},
    {THRUM_SMTP_STAGE_STARTTLS, "", "STARTTLS\r\n"},
    /* I2: what stands in quotes may be anything printable */
    {THRUM_SMTP_STAGE_RCPT, "\"a b\"@x", "RCPT TO:<\"a b\"@x>\r\n"},
    {THRUM_SMTP_STAGE_RCPT, "\"a>b\"@x", "RCPT TO:<\"a>b\"@x>\r\n"},
    {THRUM_SMTP_STAGE_RCPT, "\"a\\\"> b\"@x", "RCPT TO:<\"a\\\"> b\"@x>\r\n"},
    /* I1: a line of its own */
    {THRUM_SMTP_STAGE_RCPT, "a@x\r\nRCPT TO:<b@x", NULL},
    {THRUM_SMTP_STAGE_RCPT, "a@x\n", NULL},
    {THRUM_SMTP_STAGE_RCPT, "\ra@x", NULL},
    {THRUM_SMTP_STAGE_RCPT, "\"a\r\nb\"@x", NULL},
    {THRUM_SMTP_STAGE_RCPT, "a\t@x", NULL},
    {THRUM_SMTP_STAGE_RCPT, "a\x7f@x", NULL},
    {THRUM_SMTP_STAGE_RCPT, "\xc3\xa4@x", NULL},
    {THRUM_SMTP_STAGE_EHLO, "host\r\nMAIL FROM:<>", NULL},
    {THRUM_SMTP_STAGE_EHLO, "two words", NULL},
    /* a parameter, or another path */
    {THRUM_SMTP_STAGE_MAIL, "a@x> SIZE=1", NULL},
    {THRUM_SMTP_STAGE_MAIL, "a@x>", NULL},
    {THRUM_SMTP_STAGE_MAIL, "<a@x", NULL},
    {THRUM_SMTP_STAGE_MAIL, "a b@x", NULL},
    {THRUM_SMTP_STAGE_RCPT, "\"a\"> b\"@x", NULL},
    {THRUM_SMTP_STAGE_RCPT, "\"a", NULL},
    {THRUM_SMTP_STAGE_RCPT, "\"a\\\"", NULL},
    {THRUM_SMTP_STAGE_RCPT, "a\\\"b@x", NULL},
    {THRUM_SMTP_STAGE_RCPT, "a!b@example.org", "RCPT TO:<a!b@example.org>\r\n"},
};

START_TEST(I1_a_command_is_one_line_or_nothing)
{
    thrum_context *context = support_context();
    thrum_bytes argument = {cases[_i].argument, strlen(cases[_i].argument)};
    const char *line = cases[_i].line;
    thrum_buffer out;
    int error;

    thrum_buffer_init(&out, context, 1000);
    thrum_buffer_append(&out, "before", 6);
    error = thrum__command_write(&out, cases[_i].stage, argument);
    ck_assert_int_eq(error, line != NULL ? 0 : THRUM_E_INVALID);
    ck_assert_uint_eq(out.size, 6 + (line != NULL ? strlen(line) : 0));
    if (line != NULL)
        ck_assert_mem_eq(out.data + 6, line, strlen(line));
    thrum_buffer_fini(&out);
    support_context_end(context);
}
END_TEST

START_TEST(I1_no_control_byte_and_nothing_past_ascii_passes)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[] = {'"', (char)byte, '"', '@', 'x'};
        thrum_bytes argument = {text, sizeof text};
        bool printable = byte >= ' ' && byte <= '~';

        if (byte == '"' || byte == '\\')
            continue;
        ck_assert_msg(thrum__command_allows(argument) == printable, "%u", byte);
    }
}
END_TEST

/* Written into `out`, which has room: the line, or nothing. */
static void expect_written(thrum_buffer *out, thrum_bytes argument, bool fits)
{
    char line[64];
    int size = snprintf(line, sizeof line, "RCPT TO:<%.*s>\r\n",
                        (int)argument.size, argument.data);

    thrum_buffer_clear(out);
    ck_assert_int_eq(thrum__command_write(out, THRUM_SMTP_STAGE_RCPT, argument),
                     fits ? 0 : THRUM_E_INVALID);
    ck_assert_uint_eq(out->size, fits ? (size_t)size : 0);
    if (fits)
        ck_assert_mem_eq(out->data, line, (size_t)size);
}

START_TEST(I1_a_byte_is_seen_wherever_it_stands)
{
    static const char odd[] = {'\0', '\n', '\r', ' ', '<', '>', '\\', 127, -1};
    thrum_context *context = support_context();
    thrum_buffer out;

    thrum_buffer_init(&out, context, 1000);
    ck_assert_ptr_nonnull(thrum_buffer_reserve(&out, 100));
    for (size_t size = 1; size <= 40; size++)
        for (size_t at = 0; at < size; at++)
            for (size_t i = 0; i < sizeof odd; i++) {
                char text[40];
                thrum_bytes argument = {text, size};

                for (size_t j = 0; j < sizeof text; j++)
                    text[j] = (char)('a' + j % 26);
                ck_assert(thrum__command_allows(argument));
                expect_written(&out, argument, true);
                text[at] = odd[i];
                ck_assert(!thrum__command_allows(argument));
                expect_written(&out, argument, false);
            }
    thrum_buffer_fini(&out);
    support_context_end(context);
}
END_TEST

START_TEST(I3_a_command_has_at_most_512_bytes)
{
    static char long_name[THRUM__COMMAND_LINE];
    thrum_context *context = support_context();
    thrum_bytes argument = {long_name, THRUM__COMMAND_LINE - 7};
    thrum_buffer out;

    memset(long_name, 'x', sizeof long_name);
    thrum_buffer_init(&out, context, 1000);
    ck_assert_int_eq(
        thrum__command_write(&out, THRUM_SMTP_STAGE_EHLO, argument), 0);
    ck_assert_uint_eq(out.size, THRUM__COMMAND_LINE);
    thrum_buffer_clear(&out);
    argument.size++;
    ck_assert_int_eq(
        thrum__command_write(&out, THRUM_SMTP_STAGE_EHLO, argument),
        THRUM_E_INVALID);
    ck_assert_uint_eq(out.size, 0);
    thrum_buffer_fini(&out);
    support_context_end(context);
}
END_TEST

static const struct {
    thrum_smtp_stage stage;
    const char *argument;
    thrum__command_extras extras;
    const char *line; /* NULL: it is refused */
} parameters[] = {
    {THRUM_SMTP_STAGE_MAIL, "a@x", {.size = 0}, "MAIL FROM:<a@x>\r\n"},
    {THRUM_SMTP_STAGE_MAIL, "", {.size = 1}, "MAIL FROM:<> SIZE=1\r\n"},
    {THRUM_SMTP_STAGE_MAIL,
     "a@x",
     {.size = UINT64_MAX, .is_8bit = true, .what = THRUM_DSN_RETURN_FULL},
     "MAIL FROM:<a@x> SIZE=18446744073709551615 BODY=8BITMIME RET=FULL\r\n"},
    {THRUM_SMTP_STAGE_MAIL,
     "\xc3\xa4@x",
     {.is_utf8 = true},
     "MAIL FROM:<\xc3\xa4@x> SMTPUTF8\r\n"},
    {THRUM_SMTP_STAGE_RCPT,
     "\"\xc3\xa4 >\"@x",
     {.is_utf8 = true},
     "RCPT TO:<\"\xc3\xa4 >\"@x>\r\n"},
    {THRUM_SMTP_STAGE_RCPT,
     "a@x",
     {.size = 7, .notify = THRUM_DSN_NEVER},
     "RCPT TO:<a@x> NOTIFY=NEVER\r\n"},
    {THRUM_SMTP_STAGE_RCPT,
     "a@x",
     {.original = {"\"a b\"@x", 7}},
     "RCPT TO:<a@x> ORCPT=rfc822;\"a+20b\"@x\r\n"},
    {THRUM_SMTP_STAGE_RCPT,
     "a@x",
     {.original = {"\xf0\x9f\x90\x9d\\=@x", 8}},
     "RCPT TO:<a@x> ORCPT=utf-8;\\x{1F41D}\\x{5C}\\x{3D}@x\r\n"},
    /* I1: a line of its own, in whatever it is */
    {THRUM_SMTP_STAGE_MAIL,
     "a@x",
     {.envelope_id = {"a\r\nRSET", 7}},
     "MAIL FROM:<a@x> ENVID=a+0D+0ARSET\r\n"},
    {THRUM_SMTP_STAGE_RCPT,
     "a@x",
     {.original = {"b@x\r\nRSET", 9}},
     "RCPT TO:<a@x> ORCPT=rfc822;b@x+0D+0ARSET\r\n"},
    {THRUM_SMTP_STAGE_MAIL, "a@x\r\nRSET", {.size = 1}, NULL},
    {THRUM_SMTP_STAGE_MAIL, "a@x> SIZE=1", {.size = 1}, NULL},
    {THRUM_SMTP_STAGE_RCPT, "\xc3\xa4\n@x", {.is_utf8 = true}, NULL},
    {THRUM_SMTP_STAGE_RCPT, "\xc3\xa4 @x", {.is_utf8 = true}, NULL},
    {THRUM_SMTP_STAGE_RCPT, "\xc3@x", {.is_utf8 = true}, NULL},
    {THRUM_SMTP_STAGE_RCPT, "\xc3\xa4@x", {.size = 1}, NULL},
};

START_TEST(I1_parameters_do_not_end_the_line)
{
    thrum_context *context = support_context();
    thrum_bytes argument = {parameters[_i].argument,
                            strlen(parameters[_i].argument)};
    const char *line = parameters[_i].line;
    thrum_buffer out;

    thrum_buffer_init(&out, context, 5000);
    ck_assert_int_eq(thrum__command_write_with(&out, parameters[_i].stage,
                                               argument,
                                               &parameters[_i].extras),
                     line != NULL ? 0 : THRUM_E_INVALID);
    ck_assert_uint_eq(out.size, line != NULL ? strlen(line) : 0);
    if (line != NULL)
        ck_assert_mem_eq(out.data, line, out.size);
    thrum_buffer_fini(&out);
    support_context_end(context);
}
END_TEST

START_TEST(I3_parameters_have_their_lengths)
{
    static char text[600];
    thrum_context *context = support_context();
    thrum__command_extras extras = {.original = {text, 493}};
    thrum_bytes argument = {text, 10};
    thrum_buffer out;

    memset(text, 'x', sizeof text);
    thrum_buffer_init(&out, context, 5000);
    ck_assert_int_eq(thrum__command_write_with(&out, THRUM_SMTP_STAGE_RCPT,
                                               argument, &extras),
                     0);
    ck_assert_uint_eq(out.size, 22 + 7 + 500);
    thrum_buffer_clear(&out);
    extras.original.size++;
    ck_assert_int_eq(thrum__command_write_with(&out, THRUM_SMTP_STAGE_RCPT,
                                               argument, &extras),
                     0);
    ck_assert_uint_eq(out.size, 22);
    thrum_buffer_clear(&out);
    extras.envelope_id = (thrum_bytes){text, 200};
    ck_assert_int_eq(thrum__command_write_with(&out, THRUM_SMTP_STAGE_MAIL,
                                               argument, &extras),
                     0);
    extras.envelope_id.size = sizeof text;
    ck_assert_int_eq(thrum__command_write_with(&out, THRUM_SMTP_STAGE_MAIL,
                                               argument, &extras),
                     0);
    argument.size = 512;
    ck_assert_int_eq(thrum__command_write_with(&out, THRUM_SMTP_STAGE_MAIL,
                                               argument, &extras),
                     THRUM_E_INVALID);
    thrum_buffer_fini(&out);
    thrum_buffer_init(&out, context, 100);
    ck_assert_int_eq(thrum__command_write_with(&out, THRUM_SMTP_STAGE_MAIL,
                                               (thrum_bytes){"a", 1}, &extras),
                     THRUM_E_FULL);
    thrum_buffer_fini(&out);
    support_context_end(context);
}
END_TEST

static const struct {
    size_t size;
    bool last;
    const char *line;
} chunks[] = {
    {0, true, "BDAT 0 LAST\r\n"},
    {1, false, "BDAT 1\r\n"},
    {1024, true, "BDAT 1024 LAST\r\n"},
    {SIZE_MAX, true, "BDAT 18446744073709551615 LAST\r\n"},
};

START_TEST(D5_a_chunk_says_how_long_it_is)
{
    char line[THRUM__COMMAND_CHUNK];
    size_t size = thrum__command_chunk(line, chunks[_i].size, chunks[_i].last);

    ck_assert_uint_eq(size, strlen(chunks[_i].line));
    ck_assert_mem_eq(line, chunks[_i].line, size);
}
END_TEST

START_TEST(a_command_that_finds_no_room_leaves_the_buffer_as_it_was)
{
    thrum_context *context = support_context();
    thrum_bytes none = {NULL, 0};
    thrum_buffer out;

    thrum_buffer_init(&out, context, 5);
    ck_assert_int_eq(thrum__command_write(&out, THRUM_SMTP_STAGE_DATA, none),
                     THRUM_E_FULL);
    thrum_buffer_fini(&out);
    thrum_buffer_init(&out, context, 16);
    support_fail_at(1);
    ck_assert_int_eq(thrum__command_write(&out, THRUM_SMTP_STAGE_DATA, none),
                     THRUM_E_NOMEM);
    ck_assert_uint_eq(out.size, 0);
    ck_assert_int_eq(thrum__command_write(&out, THRUM_SMTP_STAGE_DATA, none),
                     0);
    thrum_buffer_fini(&out);
    support_context_end(context);
}
END_TEST

int main(void)
{
    TCase *all = tcase_create("command");

    tcase_add_loop_test(all, I1_a_command_is_one_line_or_nothing, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(all, I1_no_control_byte_and_nothing_past_ascii_passes);
    tcase_add_test(all, I1_a_byte_is_seen_wherever_it_stands);
    tcase_add_test(all, I3_a_command_has_at_most_512_bytes);
    tcase_add_loop_test(all, I1_parameters_do_not_end_the_line, 0,
                        (int)(sizeof parameters / sizeof parameters[0]));
    tcase_add_test(all, I3_parameters_have_their_lengths);
    tcase_add_loop_test(all, D5_a_chunk_says_how_long_it_is, 0,
                        (int)(sizeof chunks / sizeof chunks[0]));
    tcase_add_test(all,
                   a_command_that_finds_no_room_leaves_the_buffer_as_it_was);
    return support_main("command", &all, 1);
}
