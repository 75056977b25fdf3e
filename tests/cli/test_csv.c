/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/csv.h"
#include "tests/support/support.h"

/* The reader's answers in one text: fields with '|' between them in rows with
 * ';' at their ends, then "END", or what is wrong and where. */
typedef struct reading {
    char text[4096];
    size_t size;
    char *bytes; /* those that are not used yet; an allocation of that size */
    size_t held;
    cli_csv csv;
} reading;

static void reading_add(reading *self, const char *data, size_t size)
{
    ck_assert_uint_lt(self->size + size, sizeof self->text);
    memcpy(self->text + self->size, data, size);
    self->size += size;
    self->text[self->size] = '\0';
}

static void reading_row(reading *self)
{
    for (size_t i = 0; i < self->csv.count; i++) {
        reading_add(self, "|", i > 0 ? 1 : 0);
        reading_add(self, self->csv.fields[i].data, self->csv.fields[i].size);
    }
    reading_add(self, ";", 1);
}

static void reading_end(reading *self, cli_csv_answer answer)
{
    char line[256];
    int size;

    if (answer == CLI_CSV_END)
        size = snprintf(line, sizeof line, "END");
    else
        size = snprintf(line, sizeof line, "%llu:%zu: %s",
                        (unsigned long long)self->csv.wrong_line,
                        self->csv.wrong_column, self->csv.wrong);
    reading_add(self, line, (size_t)size);
}

/* More bytes, exactly as many as there are, so that the sanitizer sees a byte
 * read past them. Answers 0 at the end. */
static int reading_feed(reading *self, const char *data, size_t size, int last)
{
    cli_csv_answer answer = CLI_CSV_ROW;
    char *grown = malloc(self->held + size + 1);

    memcpy(grown, self->bytes, self->held);
    memcpy(grown + self->held, data, size);
    free(self->bytes);
    self->held += size;
    self->bytes = malloc(self->held > 0 ? self->held : 1);
    memcpy(self->bytes, grown, self->held);
    free(grown);
    while (answer == CLI_CSV_ROW) {
        answer = cli_csv_next(&self->csv, self->bytes, self->held, last);
        if (answer == CLI_CSV_ROW)
            reading_row(self);
        self->held -= self->csv.used;
        memmove(self->bytes, self->bytes + self->csv.used, self->held);
    }
    if (answer != CLI_CSV_MORE)
        reading_end(self, answer);
    return answer == CLI_CSV_MORE;
}

static reading *reading_new(void)
{
    reading *self = calloc(1, sizeof *self);

    self->bytes = malloc(1);
    cli_csv_init(&self->csv);
    return self;
}

static void reading_is(reading *self, const char *expected)
{
    ck_assert_str_eq(self->text, expected);
    free(self->bytes);
    free(self);
}

static void read_whole(const char *data, size_t size, const char *expected)
{
    reading *self = reading_new();

    reading_feed(self, data, size, 1);
    reading_is(self, expected);
}

static void read_bytewise(const char *data, size_t size, const char *expected)
{
    reading *self = reading_new();
    size_t at = 0;

    while (at < size && reading_feed(self, data + at, 1, 0))
        at++;
    if (at == size)
        reading_feed(self, "", 0, 1);
    reading_is(self, expected);
}

static void read_split(const char *data, size_t size, size_t at,
                       const char *expected)
{
    reading *self = reading_new();

    if (reading_feed(self, data, at, 0))
        reading_feed(self, data + at, size - at, 1);
    reading_is(self, expected);
}

static void read_three_ways(const char *data, size_t size, const char *expected)
{
    read_whole(data, size, expected);
    read_bytewise(data, size, expected);
    for (size_t at = 0; at <= size; at++)
        read_split(data, size, at, expected);
}

typedef struct csv_case {
    const char *data;
    const char *expected;
    size_t size; /* 0: up to the NUL */
} csv_case;

static void read_cases(const csv_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = cases[i].size;

        read_three_ways(cases[i].data, size ? size : strlen(cases[i].data),
                        cases[i].expected);
    }
}

#define CASES(table) read_cases(table, sizeof(table) / sizeof *(table))

START_TEST(rows_are_read_as_rfc_4180_says)
{
    static const csv_case cases[] = {
        {"a,b\n1,2\n", "a|b;1|2;END"},
        {"a,b\r\n1,2\r\n", "a|b;1|2;END"},
        {"a,b\n1,2", "a|b;1|2;END"},
        {"a,b\r\n1,", "a|b;1|;END"},
        {"a,b\n,\n", "a|b;|;END"},
        {"a\n\"\"\n", "a;;END"},
        {"a,b\n\"1\",\"2\"\n", "a|b;1|2;END"},
        {"a,b\n\"1\",\"2\"", "a|b;1|2;END"},
        {"a,b\n\"1,5\",\"two\nlines\"\n", "a|b;1,5|two\nlines;END"},
        {"a,b\r\n\"x\r\ny\",2\r\n", "a|b;x\r\ny|2;END"},
        {"a,b\n\"say \"\"hi\"\"\",2\n", "a|b;say \"hi\"|2;END"},
        {"a,b\n\"\"\"\",\"\"\"\"\"\"\n", "a|b;\"|\"\";END"},
        {"a,b\n\"\"\"x\",\"y\"\"\"\n", "a|b;\"x|y\";END"},
        {"a b, c\n tab\there ,~ \n", "a b| c; tab\there |~ ;END"},
        {"\"a\",\"b\"\n1,2\n", "a|b;1|2;END"},
        {"a\n", "a;END"},
        {"a", "a;END"},
        {"", "END"},
    };

    CASES(cases);
}
END_TEST

START_TEST(lines_with_nothing_in_them_are_passed_over)
{
    static const csv_case cases[] = {
        {"\n\r\na,b\n\n1,2\n\r\n\r\n3,4\n\n", "a|b;1|2;3|4;END"},
        {"a\n\n\nx\"\n", "a;4:2: a quote within a field that does not begin "
                         "with one"},
        {"\n\n", "END"},
    };

    CASES(cases);
}
END_TEST

START_TEST(a_byte_order_mark_is_passed_over_and_that_of_utf16_refused)
{
    static const csv_case cases[] = {
        {"\xef\xbb\xbf"
         "a,b\n1,2\n",
         "a|b;1|2;END"},
        {"\xef\xbb\xbf\"a\"\n1\n", "a;1;END"},
        {"\xef\xbb\xbf\n\na\n", "a;END"},
        {"\xef\xbb\xbf", "END"},
        {"a\n\xef\xbb\xbf"
         "1\n",
         "a;\xef\xbb\xbf"
         "1;END"},
        {"\xff\xfe"
         "a\0\n\0",
         "1:1: the list is UTF-16: save it as UTF-8", 6},
        {"\xfe\xff\0a\0\n", "1:1: the list is UTF-16: save it as UTF-8", 6},
        {"a\0,\0b\0\n\0",
         "1:0: a NUL in the header line: is the list UTF-16? Save it as UTF-8",
         8},
    };

    CASES(cases);
}
END_TEST

START_TEST(utf8_is_read_and_nothing_else)
{
    static const csv_case cases[] = {
        {"n\nJürgen\n", "n;Jürgen;END"},
        {"n\nИван Петров\n\"Ольга\n\"\n", "n;Иван Петров;Ольга\n;END"},
        {"n\n€😀x\n", "n;€😀x;END"},
        {"n\n12345678J\xfcrgen\n",
         "n;2:10: byte 0xfc is not UTF-8: save the list as UTF-8"},
        {"n\n\"ab\nJ\xfcr\"\n",
         "n;3:2: byte 0xfc is not UTF-8: save the list as UTF-8"},
        {"n\n\xc0\xaf\n",
         "n;2:1: byte 0xc0 is not UTF-8: save the list as UTF-8"},
        {"n\n\xe0\x80\xaf\n",
         "n;2:1: byte 0xe0 is not UTF-8: save the list as UTF-8"},
        {"n\n\xed\xa0\x80\n",
         "n;2:1: byte 0xed is not UTF-8: save the list as UTF-8"},
        {"n\n\xf4\x90\x80\x80\n",
         "n;2:1: byte 0xf4 is not UTF-8: save the list as UTF-8"},
        {"n\n\xe2\x82",
         "n;2:1: byte 0xe2 is not UTF-8: save the list as UTF-8"},
        {"n\n\xe2\x82,",
         "n;2:1: byte 0xe2 is not UTF-8: save the list as UTF-8"},
    };

    CASES(cases);
}
END_TEST

START_TEST(a_character_is_read_wherever_it_stands)
{
    static const struct {
        const char *character;
        int whole;
    } cases[] = {{"ü", 1},    {"Ж", 1},     {"€", 1},    {"😀", 1},
                 {"üöä", 1},  {"\xc3", 0},  {"\xfc", 0}, {"\xc3,", 0},
                 {"\xbf", 0}, {"ü\xc3", 0}, {"\t", 1}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int before = 0; before < 40; before++) {
            char data[128], expected[128];

            snprintf(data, sizeof data, "n,m\n%.*s%sxxxxxxxxxxxxxxxxxxxx,y\n",
                     before, "0123456789012345678901234567890123456789",
                     cases[i].character);
            snprintf(expected, sizeof expected,
                     "n|m;%.*s%sxxxxxxxxxxxxxxxxxxxx|y;END", before,
                     "0123456789012345678901234567890123456789",
                     cases[i].character);
            if (!cases[i].whole)
                snprintf(expected, sizeof expected,
                         "n|m;2:%d: byte 0x%02x is not UTF-8: save the list "
                         "as UTF-8",
                         before + (i == 9 ? 3 : 1),
                         (unsigned char)cases[i].character[i == 9 ? 2 : 0]);
            read_three_ways(data, strlen(data), expected);
        }
    }
}
END_TEST

START_TEST(what_is_not_csv_is_refused_with_its_place)
{
    static const csv_case cases[] = {
        {"a,b\n1,\"x\n\n", "a|b;2:3: the quote is never closed"},
        {"a,b\n1,\"x\"\"", "a|b;2:3: the quote is never closed"},
        {"a,b\n\"x\ny\"z,2\n",
         "a|b;3:3: text after the quote that closes the field"},
        {"a,b\n\"x\" ,2\n",
         "a|b;2:4: text after the quote that closes the field"},
        {"a,b\nx\"y\",2\n",
         "a|b;2:2: a quote within a field that does not begin with one"},
        {"a,b\n1,2,3\n", "a|b;2:5: the row has more fields than the header "
                         "line has columns (2)"},
        {"a,b\n1,2,\n", "a|b;2:5: the row has more fields than the header "
                        "line has columns (2)"},
        {"a,b\n1,2\n3\n", "a|b;1|2;3:0: the row has fewer fields (1) than the "
                          "header line has columns (2)"},
        {"a,b\n1,2\r3,4\r\n", "a|b;2:4: a carriage return without a line "
                              "feed: lines end with LF or CRLF"},
        {"a\rb", "1:2: a carriage return without a line feed: lines end with "
                 "LF or CRLF"},
        {"a\n\r", "a;2:1: a carriage return without a line feed: lines end "
                  "with LF or CRLF"},
        {"\xef\xbb\xbf"
         "a\"b\n",
         "1:2: a quote within a field that does not begin with one"},
    };

    CASES(cases);
}
END_TEST

START_TEST(a_nul_in_a_row_is_read_and_marked)
{
    static const char data[] = "a,b\n1,x\0y\n\"\0\",2\n3,4\n";
    static const int expected[] = {0, 1, 1, 0};
    cli_csv *csv = calloc(1, sizeof *csv);
    char bytes[sizeof data];
    size_t at = 0;

    memcpy(bytes, data, sizeof data);
    cli_csv_init(csv);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(cli_csv_next(csv, bytes + at, sizeof data - 1 - at, 1),
                         CLI_CSV_ROW);
        ck_assert_int_eq(csv->nul, expected[i]);
        at += csv->used;
    }
    free(csv);
}
END_TEST

START_TEST(a_row_knows_the_line_that_it_began_in)
{
    static const char data[] = "a\n\n\"x\r\ny\"\n1\n";
    static const uint64_t expected[] = {1, 3, 5};
    cli_csv *csv = calloc(1, sizeof *csv);
    char bytes[sizeof data];
    size_t at = 0;

    memcpy(bytes, data, sizeof data);
    cli_csv_init(csv);
    for (size_t i = 0; i < 3; i++) {
        cli_csv_next(csv, bytes + at, sizeof data - 1 - at, 1);
        ck_assert_uint_eq(csv->row_line, expected[i]);
        at += csv->used;
    }
    free(csv);
}
END_TEST

/* `count` times `unit`, after `head` and before `tail`. */
static char *many(const char *head, const char *unit, size_t count,
                  const char *tail, size_t *size)
{
    size_t each = strlen(unit), at = strlen(head);
    char *text = malloc(at + each * count + strlen(tail) + 1);

    memcpy(text, head, at);
    for (size_t i = 0; i < count; i++, at += each)
        memcpy(text + at, unit, each);
    memcpy(text + at, tail, strlen(tail) + 1);
    *size = at + strlen(tail);
    return text;
}

/* Feeds in blocks of 60,000 bytes and answers the last answer. */
static cli_csv_answer read_blocks(cli_csv *csv, char *data, size_t size)
{
    cli_csv_answer answer = CLI_CSV_ROW;
    size_t begin = 0, end = 0;

    cli_csv_init(csv);
    while (answer == CLI_CSV_ROW || answer == CLI_CSV_MORE) {
        if (answer == CLI_CSV_MORE)
            end = size - end < 60000 ? size : end + 60000;
        answer = cli_csv_next(csv, data + begin, end - begin, end == size);
        begin += csv->used;
    }
    return answer;
}

START_TEST(the_caps_hold_whole_and_in_blocks)
{
    static const struct {
        const char *head, *unit, *tail, *expected;
        size_t count;
    } cases[] = {
        {"a\n", "x", "\n", NULL, CLI_CSV_FIELD_MOST},
        {"a\n\"", "x", "\"\n", NULL, CLI_CSV_FIELD_MOST},
        {"a\n", "x", "\n", "a field of more than 1 MiB",
         CLI_CSV_FIELD_MOST + 1},
        {"a\n", "x", "\n", "a field of more than 1 MiB", 10485760},
        {"a\n\"", "x\n", "\"\n",
         "a field of more than 1 MiB: was a quote left open?", 5242880},
        {"a\n1\n\"", "12345678,\n", "",
         "a field of more than 1 MiB: was a quote left open?", 300000},
        {"", "c,", "c\n", NULL, 1023},
        {"", "c,", "c\n", "more than 1024 columns", 1024},
        {"", "c,", "c\n", "more than 1024 columns", 4999},
        {"", "\n", "a\n", NULL, 5000000},
    };
    cli_csv *csv = calloc(1, sizeof *csv);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int blocks = 0; blocks < 2; blocks++) {
            size_t size, at = 0;
            char *data = many(cases[i].head, cases[i].unit, cases[i].count,
                              cases[i].tail, &size);
            cli_csv_answer answer = CLI_CSV_ROW;

            cli_csv_init(csv);
            if (blocks)
                answer = read_blocks(csv, data, size);
            for (; answer == CLI_CSV_ROW; at += csv->used)
                answer = cli_csv_next(csv, data + at, size - at, 1);
            ck_assert_int_eq(answer, cases[i].expected == NULL ? CLI_CSV_END
                                                               : CLI_CSV_WRONG);
            if (cases[i].expected != NULL)
                ck_assert_str_eq(csv->wrong, cases[i].expected);
            free(data);
        }
    }
    free(csv);
}
END_TEST

START_TEST(a_row_of_more_than_four_mebibytes_is_refused)
{
    cli_csv *csv = calloc(1, sizeof *csv);
    size_t size, field;
    char *longest = many("", "x", 1000000, "", &field);
    char *data = malloc(8 * field + 100);

    size = 10;
    memcpy(data, "a,b,c,d,e\n", size);
    for (int i = 0; i < 5; i++) {
        memcpy(data + size, longest, field);
        size += field;
        data[size++] = i < 4 ? ',' : '\n';
    }
    for (int blocks = 0; blocks < 2; blocks++) {
        cli_csv_init(csv);
        if (blocks == 0) {
            cli_csv_next(csv, data, size, 1);
            cli_csv_next(csv, data + csv->used, size - csv->used, 1);
        } else {
            ck_assert_int_eq(read_blocks(csv, data, size), CLI_CSV_WRONG);
        }
        ck_assert_str_eq(csv->wrong, "a row of more than 4 MiB");
        ck_assert_uint_eq(csv->wrong_line, 2);
    }
    free(longest);
    free(data);
    free(csv);
}
END_TEST

START_TEST(an_error_names_the_field_that_it_is_in)
{
    char data[] = "a,b,c\n1,2\"2,3\n", few[] = "a,b,c\n1,2\n";
    cli_csv *csv = calloc(1, sizeof *csv);

    cli_csv_init(csv);
    cli_csv_next(csv, data, sizeof data - 1, 1);
    cli_csv_next(csv, data + 6, sizeof data - 7, 1);
    ck_assert_int_eq(csv->wrong_in_field, 1);
    ck_assert_uint_eq(csv->count, 1);
    cli_csv_init(csv);
    cli_csv_next(csv, few, sizeof few - 1, 1);
    cli_csv_next(csv, few + 6, sizeof few - 7, 1);
    ck_assert_int_eq(csv->wrong_in_field, 0);
    free(csv);
}
END_TEST

START_TEST(nothing_is_read_after_an_error)
{
    char data[] = "a\n1,2\n3\n";
    cli_csv *csv = calloc(1, sizeof *csv);

    cli_csv_init(csv);
    cli_csv_next(csv, data, sizeof data - 1, 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(cli_csv_next(csv, data + 2, sizeof data - 3, 1),
                         CLI_CSV_WRONG);
        ck_assert_uint_eq(csv->used, 0);
    }
    free(csv);
}
END_TEST

int main(void)
{
    TCase *reader = tcase_create("csv");

    tcase_add_test(reader, rows_are_read_as_rfc_4180_says);
    tcase_add_test(reader, lines_with_nothing_in_them_are_passed_over);
    tcase_add_test(reader,
                   a_byte_order_mark_is_passed_over_and_that_of_utf16_refused);
    tcase_add_test(reader, utf8_is_read_and_nothing_else);
    tcase_add_test(reader, a_character_is_read_wherever_it_stands);
    tcase_add_test(reader, what_is_not_csv_is_refused_with_its_place);
    tcase_add_test(reader, a_nul_in_a_row_is_read_and_marked);
    tcase_add_test(reader, a_row_knows_the_line_that_it_began_in);
    tcase_add_test(reader, the_caps_hold_whole_and_in_blocks);
    tcase_add_test(reader, a_row_of_more_than_four_mebibytes_is_refused);
    tcase_add_test(reader, an_error_names_the_field_that_it_is_in);
    tcase_add_test(reader, nothing_is_read_after_an_error);
    return support_main("csv", &reader, 1);
}
