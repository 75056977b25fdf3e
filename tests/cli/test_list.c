/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/exit.h"
#include "cli/list.h"
#include "tests/support/support.h"

/* A file in memory, and a path by which it can be opened. */
typedef struct paper {
    int fd;
    char path[64];
} paper;

static paper paper_with(const char *text)
{
    paper self = {.fd = memfd_create("list", MFD_CLOEXEC)};
    size_t size = strlen(text);

    ck_assert_int_eq(write(self.fd, text, size), (ssize_t)size);
    snprintf(self.path, sizeof self.path, "/proc/self/fd/%d", self.fd);
    return self;
}

/* The rows of one reading, "number:line:to" each. */
static void rows(cli_list *list, char *out, size_t room)
{
    size_t at = 0;
    cli_row row;

    out[0] = '\0';
    while (cli_list_next(list, &row) == 1)
        at += (size_t)snprintf(out + at, room - at, "%d:%d:%.*s ",
                               (int)row.number, (int)row.line, (int)row.to.size,
                               row.to.data);
}

START_TEST(a_list_is_read_as_often_as_one_likes)
{
    paper file = paper_with("name,email\nAnn,a@x.org\n\nBob,b@x.org\n");
    cli_list *list = cli_list_open(file.path);
    char text[256];
    size_t count;

    ck_assert_ptr_null(cli_list_wrong(list));
    ck_assert_str_eq(cli_list_columns(list, &count)[1], "email");
    ck_assert_uint_eq(count, 2);
    for (int i = 0; i < 3; i++) {
        rows(list, text, sizeof text);
        ck_assert_str_eq(text, "1:2:a@x.org 2:4:b@x.org ");
        cli_list_rewind(list);
    }
    cli_list_close(list);
    close(file.fd);
}
END_TEST

START_TEST(a_header_line_alone_is_a_list_of_nobody)
{
    paper file = paper_with("email,name\n");
    cli_list *list = cli_list_open(file.path);
    cli_row row;

    ck_assert_int_eq(cli_list_next(list, &row), 0);
    ck_assert_int_eq(cli_list_next(list, &row), 0);
    ck_assert_int_eq(cli_list_status(list), CLI_EXIT_OK);
    cli_list_close(list);
    close(file.fd);
}
END_TEST

START_TEST(what_is_wrong_is_said_with_its_place_and_column)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        {"", ":1: there is no header line"},
        {"\n\n", ":1: there is no header line"},
        {"name\nAnn\n", ":1: the header line has no column \"email\""},
        {"Email\n", ":1: the header line has no column \"email\""},
        {"\nemail,name,email\n", ":2: two columns are named \"email\""},
        {"email,x,x\n", ":1: two columns are named \"x\""},
        {"email,,x\n", ":1: a column has no name"},
        {"email,name\na@x.org,\"Ann\" x\n",
         ":2:14: text after the quote that closes the field (column "
         "\"name\")"},
        {"email,name\na@x.org\n",
         ":2: the row has fewer fields (1) than the header line has columns "
         "(2)"},
        {"email,name\na@x.org,b\nc@x.org,\"d\n",
         ":3:9: the quote is never closed (column \"name\")"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        paper file = paper_with(cases[i].text);
        cli_list *list = cli_list_open(file.path);
        char text[256];

        rows(list, text, sizeof text);
        ck_assert_int_eq(cli_list_status(list), CLI_EXIT_DATA);
        ck_assert_str_eq(cli_list_wrong(list) + strlen(file.path),
                         cases[i].wrong);
        cli_list_close(list);
        close(file.fd);
    }
}
END_TEST

START_TEST(a_list_that_cannot_be_opened_is_said_to_be_missing)
{
    static const struct {
        const char *path, *wrong;
    } cases[] = {
        {"/nowhere/x.csv", "/nowhere/x.csv: No such file or directory"},
        {"/proc", "/proc: it is a folder"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cli_list *list = cli_list_open(cases[i].path);

        ck_assert_str_eq(cli_list_wrong(list), cases[i].wrong);
        ck_assert_int_eq(cli_list_status(list), CLI_EXIT_NOINPUT);
        cli_list_close(list);
    }
}
END_TEST

/* Rows enough for several blocks. */
static paper paper_of_many(int count, size_t field)
{
    paper file = paper_with("email,text\n");
    char *text = malloc(field + 1);
    FILE *out = fdopen(dup(file.fd), "a");

    memset(text, 'x', field);
    text[field] = '\0';
    for (int i = 1; i <= count; i++)
        fprintf(out, "p%d@x.org,\"%s\n\"\n", i, text);
    fclose(out);
    free(text);
    return file;
}

START_TEST(a_list_longer_than_a_block_is_read_whole)
{
    static const struct {
        int count;
        size_t field;
    } cases[] = {{20000, 10}, {40, 60000}, {9, 1000000}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        paper file = paper_of_many(cases[i].count, cases[i].field);
        cli_list *list = cli_list_open(file.path);
        cli_row row;

        for (int n = 1; n <= cases[i].count; n++) {
            char expected[32];

            snprintf(expected, sizeof expected, "p%d@x.org", n);
            ck_assert_int_eq(cli_list_next(list, &row), 1);
            ck_assert_uint_eq(row.to.size, strlen(expected));
            ck_assert_mem_eq(row.to.data, expected, row.to.size);
            ck_assert_uint_eq(row.values[1].size, cases[i].field + 1);
            ck_assert_uint_eq(row.line, 2 * (unsigned)n);
        }
        ck_assert_int_eq(cli_list_next(list, &row), 0);
        cli_list_close(list);
        close(file.fd);
    }
}
END_TEST

START_TEST(a_list_that_changes_meanwhile_is_wrong)
{
    paper file = paper_of_many(20000, 10);
    cli_list *list = cli_list_open(file.path);
    cli_row row;
    int read;

    ck_assert_int_eq(cli_list_next(list, &row), 1);
    ck_assert_int_eq(write(file.fd, "x", 1), 1);
    do
        read = cli_list_next(list, &row);
    while (read == 1);
    ck_assert_int_eq(read, -1);
    ck_assert_ptr_nonnull(strstr(cli_list_wrong(list), "was changed"));
    ck_assert_int_eq(cli_list_next(list, &row), -1);
    cli_list_close(list);
    close(file.fd);
}
END_TEST

/* Opens "-" with `fd` as standard input. */
static cli_list *open_standard_input(int fd)
{
    int kept = dup(STDIN_FILENO);
    cli_list *list;

    dup2(fd, STDIN_FILENO);
    list = cli_list_open("-");
    dup2(kept, STDIN_FILENO);
    close(kept);
    return list;
}

START_TEST(a_pipe_is_spooled_and_read_twice)
{
    static const char text[] = "email\na@x.org\nb@x.org\n";
    char found[256];
    cli_list *list;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], text, sizeof text - 1), sizeof text - 1);
    close(ends[1]);
    list = open_standard_input(ends[0]);
    close(ends[0]);
    ck_assert_ptr_null(cli_list_wrong(list));
    for (int i = 0; i < 2; i++) {
        rows(list, found, sizeof found);
        ck_assert_str_eq(found, "1:2:a@x.org 2:3:b@x.org ");
        cli_list_rewind(list);
    }
    ck_assert_str_eq(cli_list_name(list), "standard input");
    cli_list_close(list);
}
END_TEST

START_TEST(a_spool_that_cannot_be_made_is_said_so)
{
    cli_list *list;
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    close(ends[1]);
    setenv("TMPDIR", "/nowhere", 1);
    list = open_standard_input(ends[0]);
    unsetenv("TMPDIR");
    close(ends[0]);
    ck_assert_str_eq(cli_list_wrong(list),
                     "a file in /nowhere could not be made: No such file or "
                     "directory; nothing was sent");
    ck_assert_int_eq(cli_list_status(list), CLI_EXIT_CANTCREAT);
    cli_list_close(list);
}
END_TEST

int main(void)
{
    TCase *list = tcase_create("list");

    tcase_add_test(list, a_list_is_read_as_often_as_one_likes);
    tcase_add_test(list, a_header_line_alone_is_a_list_of_nobody);
    tcase_add_test(list, what_is_wrong_is_said_with_its_place_and_column);
    tcase_add_test(list, a_list_that_cannot_be_opened_is_said_to_be_missing);
    tcase_add_test(list, a_list_longer_than_a_block_is_read_whole);
    tcase_add_test(list, a_list_that_changes_meanwhile_is_wrong);
    tcase_add_test(list, a_pipe_is_spooled_and_read_twice);
    tcase_add_test(list, a_spool_that_cannot_be_made_is_said_so);
    return support_main("list", &list, 1);
}
