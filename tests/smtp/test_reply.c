/* SPDX-License-Identifier: MIT */
/*
 * Each case is read whole, one byte at a time, and split at every offset; what
 * was read must be the same, replies and end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail/smtp/reply.h"
#include "tests/support/support.h"

enum { TRANSCRIPT = 8192 };

/* What the reader said: "250=ok;" for each reply, "!why" at the end of it. */
typedef struct transcript {
    thrum__reply_reader reader;
    char said[TRANSCRIPT];
    size_t size;
} transcript;

static void say(transcript *all, const char *data, size_t size)
{
    ck_assert_uint_lt(all->size + size, sizeof all->said);
    memcpy(all->said + all->size, data, size);
    all->size += size;
    all->said[all->size] = '\0';
}

static void begin(transcript *all)
{
    thrum__reply_reader_init(&all->reader);
    all->size = 0;
    all->said[0] = '\0';
}

/* A copy of just its size, so that a sanitizer sees reading past it. */
static void feed(transcript *all, const char *data, size_t size)
{
    char *copy = malloc(size + (size == 0));
    thrum_bytes in = {copy, size};
    thrum__reply reply;
    int got = 1;

    memcpy(copy, data, size);
    while (got == 1) {
        got = thrum__reply_read(&all->reader, &in, &reply);
        if (got == 1) {
            char code[16];

            snprintf(code, sizeof code, "%d=", reply.code);
            say(all, code, strlen(code));
            say(all, reply.text.data, reply.text.size);
            say(all, ";", 1);
        }
    }
    if (got < 0 && (all->size == 0 || strchr(all->said, '!') == NULL)) {
        say(all, "!", 1);
        say(all, all->reader.wrong, strlen(all->reader.wrong));
    }
    if (got == 0)
        ck_assert_uint_eq(in.size, 0);
    free(copy);
}

/* All ways of splitting give what `expected` says. */
static void read_every_way(const char *data, size_t size, const char *expected)
{
    static transcript all;

    for (size_t at = 0; at <= size; at++) {
        begin(&all);
        feed(&all, data, at);
        feed(&all, data + at, size - at);
        ck_assert_str_eq(all.said, expected);
    }
    begin(&all);
    for (size_t i = 0; i < size; i++)
        feed(&all, data + i, 1);
    ck_assert_str_eq(all.said, expected);
}

static const struct {
    const char *name;
    const char *data;
    const char *expected;
} cases[] = {
    {"a line", "250 ok\r\n", "250=ok;"},
    {"several replies", "250 a\r\n550 b\r\n354 c\r\n", "250=a;550=b;354=c;"},
    {"several lines", "250-a\r\n250-b c\r\n250 d\r\n", "250=a\nb c\nd;"},
    {"a reply behind one of several lines", "250-a\r\n250 b\r\n250 c\r\n",
     "250=a\nb;250=c;"},
    {"no end", "250 ok", ""},
    {"no last line", "250-ok\r\n", ""},
    {"R5: no text", "250\r\n", "250=;"},
    {"R5: a blank and no text", "250 \r\n", "250=;"},
    {"R5: lines without text", "250-\r\n250\r\n", "250=\n;"},
    {"R6: a bare LF ends a line", "250-a\n250 b\n", "250=a\nb;"},
    {"R6: a bare CR ends nothing", "250 a\r250 b\r\n", "250=a\r250 b;"},
    {"R6: one CR goes with the LF", "250 a\r\r\n", "250=a\r;"},
    {"R4: codes differ", "250-a\r\n251 b\r\n",
     "!the codes of one reply differ"},
    {"R4: classes differ", "250-a\r\n550 b\r\n250 c\r\n",
     "!the codes of one reply differ"},
    {"R5: code 000", "000 a\r\n", "!a line has no reply code"},
    {"R5: code 100", "100 a\r\n", "!a line has no reply code"},
    {"R5: code 600", "600 a\r\n", "!a line has no reply code"},
    {"R5: letters", "2x0 a\r\n", "!a line has no reply code"},
    {"R5: two digits", "25\r\n", "!a line has no reply code"},
    {"R5: four digits", "2500 a\r\n", "!a line has no reply code"},
    {"R5: an empty line", "\r\n", "!a line has no reply code"},
    {"R5: a bare LF alone", "\n", "!a line has no reply code"},
    {"R5: no blank", "250ok\r\n", "!a line has no reply code"},
    {"garbage", "HTTP/1.1 400 Bad Request\r\n", "!a line has no reply code"},
    {"garbage behind a reply", "250 a\r\ngarbage\r\n250 b\r\n",
     "250=a;!a line has no reply code"},
    {"garbage within a reply", "250-a\r\ngarbage\r\n250 b\r\n",
     "!a line has no reply code"},
};

START_TEST(a_reply_is_the_same_however_it_is_split)
{
    read_every_way(cases[_i].data, strlen(cases[_i].data), cases[_i].expected);
}
END_TEST

START_TEST(R7_a_nul_is_a_byte_of_the_text)
{
    static const char data[] = "250 a\0b\r\n250 c\r\n";
    thrum__reply_reader reader;
    thrum_bytes in = {data, sizeof data - 1};
    thrum__reply reply;

    thrum__reply_reader_init(&reader);
    ck_assert_int_eq(thrum__reply_read(&reader, &in, &reply), 1);
    ck_assert_uint_eq(reply.text.size, 3);
    ck_assert_mem_eq(reply.text.data, "a\0b", 3);
    ck_assert_int_eq(thrum__reply_read(&reader, &in, &reply), 1);
    ck_assert_mem_eq(reply.text.data, "c", 1);
}
END_TEST

static void read_in_pieces(transcript *all, const char *data, size_t size,
                           size_t piece)
{
    begin(all);
    for (size_t at = 0; at < size; at += piece)
        feed(all, data + at, size - at < piece ? size - at : piece);
}

START_TEST(R1_a_line_may_be_long_but_not_longer)
{
    static const size_t pieces[] = {1, 7, 4096, 100000};
    static char line[THRUM__REPLY_LINE + 2];
    static transcript all;

    memset(line, 'x', sizeof line);
    memcpy(line, "250 ", 4);
    for (size_t i = 0; i < 4; i++) {
        line[THRUM__REPLY_LINE] = '\n';
        read_in_pieces(&all, line, THRUM__REPLY_LINE + 1, pieces[i]);
        ck_assert_uint_eq(all.size, THRUM__REPLY_LINE + 1);
        line[THRUM__REPLY_LINE] = 'x';
        line[THRUM__REPLY_LINE + 1] = '\n';
        read_in_pieces(&all, line, THRUM__REPLY_LINE + 2, pieces[i]);
        ck_assert_str_eq(all.said, "!a line is too long");
    }
}
END_TEST

START_TEST(R1_a_line_without_end_is_not_gathered_for_ever)
{
    static char line[100000];
    static transcript all;

    memset(line, '2', sizeof line);
    read_in_pieces(&all, line, sizeof line, 1000);
    ck_assert_str_eq(all.said, "!a line is too long");
    ck_assert_uint_le(all.reader.partial, THRUM__REPLY_LINE);
}
END_TEST

START_TEST(R2_a_reply_may_have_many_lines_but_not_more)
{
    static transcript all;

    for (int lines = THRUM__REPLY_LINES; lines <= THRUM__REPLY_LINES + 1;
         lines++) {
        begin(&all);
        for (int i = 1; i < lines; i++)
            feed(&all, "250-x\r\n", 7);
        feed(&all, "250 x\r\n", 7);
        if (lines == THRUM__REPLY_LINES)
            ck_assert_uint_eq(all.size, strlen("250=x;") + 2 * 127);
        else
            ck_assert_str_eq(all.said, "!a reply has too many lines");
    }
}
END_TEST

START_TEST(R2_a_reply_of_long_lines_is_cut_in_its_text_and_ends_in_the_end)
{
    static char line[THRUM__REPLY_LINE];
    static transcript all;

    memset(line, 'x', sizeof line);
    memcpy(line, "250-", 4);
    line[sizeof line - 1] = '\n';
    begin(&all);
    for (int i = 0; i < 10; i++)
        feed(&all, line, sizeof line);
    feed(&all, "250 end\r\n", 9);
    ck_assert_uint_eq(all.size, THRUM__REPLY_TEXT + strlen("250=;"));
    begin(&all);
    for (int i = 0; i < 20; i++)
        feed(&all, line, sizeof line);
    ck_assert_str_eq(all.said, "!a reply is too long");
}
END_TEST

START_TEST(nothing_is_read_after_the_end)
{
    static transcript all;

    begin(&all);
    feed(&all, "garbage\r\n", 9);
    feed(&all, "250 ok\r\n", 8);
    ck_assert_str_eq(all.said, "!a line has no reply code");
}
END_TEST

START_TEST(a_reader_knows_whether_it_is_amid_a_reply)
{
    static transcript all;

    begin(&all);
    ck_assert(!thrum__reply_reader_is_amid(&all.reader));
    feed(&all, "2", 1);
    ck_assert(thrum__reply_reader_is_amid(&all.reader));
    feed(&all, "50-a\r\n", 6);
    ck_assert(thrum__reply_reader_is_amid(&all.reader));
    feed(&all, "250 b\r\n", 7);
    ck_assert(!thrum__reply_reader_is_amid(&all.reader));
}
END_TEST

static const struct {
    int code;
    const char *text;
    const char *enhanced;
    const char *words;
} shown[] = {
    {550, "5.1.1 no such user", "5.1.1", "no such user"},
    {250, "2.0.0 Ok: queued as 4F1", "2.0.0", "Ok: queued as 4F1"},
    {550, "5.1.1", "5.1.1", ""},
    {550, "", "", ""},
    {550, "no such user", "", "no such user"},
    {421, "4.123.456 later", "4.123.456", "later"},
    {550, "5.1.1 first\n5.1.1 second", "5.1.1", "first second"},
    {550, "5.1.1 first\nsecond", "5.1.1", "first second"},
    {550, "5.1.1\nsecond", "5.1.1", " second"},
    /* R10: the class of the code decides */
    {250, "5.1.1 ok", "", "5.1.1 ok"},
    {550, "2.0.0 no", "", "2.0.0 no"},
    {354, "3.0.0 go on", "", "3.0.0 go on"},
    /* not well formed */
    {550, "5.1 no", "", "5.1 no"},
    {550, "5.1.1.1 no", "", "5.1.1.1 no"},
    {550, "5.1234.1 no", "", "5.1234.1 no"},
    {550, "5.1.1no", "", "5.1.1no"},
    {550, "5..1 no", "", "5..1 no"},
    {550, "5.1.", "", "5.1."},
    {550, "5.1.x no", "", "5.1.x no"},
    /* R7: what could act on a terminal or a log */
    {550, "\x1b[31mred\x07\r\x7f\xc3\xa9\t", "", "?[31mred??????"},
};

START_TEST(R7_R10_a_reply_is_shown_in_one_printable_line)
{
    thrum__reply reply = {shown[_i].code,
                          {shown[_i].text, strlen(shown[_i].text)}};
    char enhanced[THRUM__REPLY_ENHANCED], words[THRUM__REPLY_WORDS];

    ck_assert_uint_eq(thrum__reply_enhanced(&reply, enhanced),
                      strlen(shown[_i].enhanced));
    ck_assert_str_eq(enhanced, shown[_i].enhanced);
    ck_assert_uint_eq(thrum__reply_words(&reply, words, sizeof words),
                      strlen(shown[_i].words));
    ck_assert_str_eq(words, shown[_i].words);
}
END_TEST

START_TEST(words_are_cut_to_their_room)
{
    thrum__reply reply = {550, {"0123456789", 10}};
    char words[6];

    ck_assert_uint_eq(thrum__reply_words(&reply, words, sizeof words), 5);
    ck_assert_str_eq(words, "01234");
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    TCase *all = tcase_create("reply");

    tcase_add_loop_test(all, a_reply_is_the_same_however_it_is_split, 0,
                        COUNT(cases));
    tcase_add_test(all, R7_a_nul_is_a_byte_of_the_text);
    tcase_add_test(all, R1_a_line_may_be_long_but_not_longer);
    tcase_add_test(all, R1_a_line_without_end_is_not_gathered_for_ever);
    tcase_add_test(all, R2_a_reply_may_have_many_lines_but_not_more);
    tcase_add_test(
        all, R2_a_reply_of_long_lines_is_cut_in_its_text_and_ends_in_the_end);
    tcase_add_test(all, nothing_is_read_after_the_end);
    tcase_add_test(all, a_reader_knows_whether_it_is_amid_a_reply);
    tcase_add_loop_test(all, R7_R10_a_reply_is_shown_in_one_printable_line, 0,
                        COUNT(shown));
    tcase_add_test(all, words_are_cut_to_their_room);
    return support_main("reply", &all, 1);
}
