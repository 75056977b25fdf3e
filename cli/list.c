/* SPDX-License-Identifier: MIT */
/*
 * The block holds what was read and not used yet. It grows only when one row
 * fills it, and the reader's caps bound the row.
 *
 * Positions count from `base`, where the list began: standard input may be a
 * file that somebody read from before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/csv.h"
#include "cli/exit.h"
#include "cli/list.h"
#include "cli/spool.h"

enum { LIST_BLOCK = 64 * 1024 };

struct cli_list {
    const char *name;
    int fd;
    int owned; /* the descriptor is ours to close */
    off_t base, at;
    struct stat found;
    char *block;
    size_t room, begin, end;
    int last; /* the end of the file is in the block */
    int status;
    char wrong[1024];
    uint64_t number;
    size_t email;
    size_t count;
    char **columns;
    cli_csv csv;
};

static int list_wrong(cli_list *list, int status, const char *format, ...)
    THRUM_PRINTF(3, 4);

/* Answers -1. */
static int list_wrong(cli_list *list, int status, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(list->wrong, sizeof list->wrong, format, arguments);
    va_end(arguments);
    list->status = status;
    return -1;
}

const char *cli_list_wrong(const cli_list *list)
{
    return list->status == CLI_EXIT_OK ? NULL : list->wrong;
}

int cli_list_status(const cli_list *list)
{
    return list->status;
}

const char *cli_list_name(const cli_list *list)
{
    return list->name;
}

const char *const *cli_list_columns(const cli_list *list, size_t *count)
{
    *count = list->count;
    return (const char *const *)list->columns;
}

/* What the reader found wrong, with its place. */
static int list_not_csv(cli_list *list)
{
    const cli_csv *csv = &list->csv;
    char column[32] = "";

    if (csv->wrong_column > 0)
        snprintf(column, sizeof column, ":%zu", csv->wrong_column);
    if (csv->wrong_in_field && csv->count < list->count)
        return list_wrong(list, CLI_EXIT_DATA, "%s:%llu%s: %s (column \"%s\")",
                          list->name, (unsigned long long)csv->wrong_line,
                          column, csv->wrong, list->columns[csv->count]);
    return list_wrong(list, CLI_EXIT_DATA, "%s:%llu%s: %s", list->name,
                      (unsigned long long)csv->wrong_line, column, csv->wrong);
}

/* A list that changes between the two readings would be another list. */
static int list_is_as_found(cli_list *list)
{
    struct stat now;

    if (fstat(list->fd, &now) != 0)
        return list_wrong(list, CLI_EXIT_IO, "%s: %s", list->name,
                          strerror(errno));
    if (now.st_size != list->found.st_size ||
        now.st_mtim.tv_sec != list->found.st_mtim.tv_sec ||
        now.st_mtim.tv_nsec != list->found.st_mtim.tv_nsec)
        return list_wrong(list, CLI_EXIT_DATA,
                          "%s: the file was changed while it was in use",
                          list->name);
    return 0;
}

/* Room behind what is in the block: moves it to the front, or grows it. */
static int list_make_room(cli_list *list)
{
    size_t size = list->end - list->begin;
    char *block;

    if (list->begin > 0)
        memmove(list->block, list->block + list->begin, size);
    list->begin = 0;
    list->end = size;
    if (size < list->room)
        return 0;
    block = realloc(list->block, 2 * list->room);
    if (block == NULL)
        return list_wrong(list, CLI_EXIT_SOFTWARE, "%s: out of memory",
                          list->name);
    list->block = block;
    list->room *= 2;
    return 0;
}

static int list_fill(cli_list *list)
{
    ssize_t size;

    if (list_make_room(list) != 0 || list_is_as_found(list) != 0)
        return -1;
    do
        size = pread(list->fd, list->block + list->end, list->room - list->end,
                     list->at);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return list_wrong(list, CLI_EXIT_IO, "%s: %s", list->name,
                          strerror(errno));
    list->end += (size_t)size;
    list->at += size;
    list->last = size == 0;
    return 0;
}

static inline int list_read(cli_list *list)
{
    for (;;) {
        cli_csv_answer answer =
            cli_csv_next(&list->csv, list->block + list->begin,
                         list->end - list->begin, list->last);

        list->begin += list->csv.used;
        if (answer == CLI_CSV_ROW)
            return 1;
        if (answer == CLI_CSV_END)
            return 0;
        if (answer == CLI_CSV_WRONG)
            return list_not_csv(list);
        if (list_fill(list) != 0)
            return -1;
    }
}

int cli_list_next(cli_list *list, cli_row *row)
{
    cli_csv *csv = &list->csv;
    cli_csv_answer answer;

    if (list->status != CLI_EXIT_OK)
        return -1;
    answer = cli_csv_next(csv, list->block + list->begin,
                          list->end - list->begin, list->last);
    list->begin += csv->used;
    if (answer != CLI_CSV_ROW) {
        int read = list_read(list);

        if (read != 1)
            return read;
    }
    row->values = csv->fields;
    row->to = csv->fields[list->email];
    row->number = ++list->number;
    row->line = csv->row_line;
    return 1;
}

void cli_list_rewind(cli_list *list)
{
    if (list->status != CLI_EXIT_OK)
        return;
    list->at = list->base;
    list->begin = list->end = 0;
    list->last = 0;
    list->number = 0;
    cli_csv_init(&list->csv);
    if (list_read(list) == 0)
        list_wrong(list, CLI_EXIT_DATA, "%s: the header line is gone",
                   list->name);
}

/* ---- Opening ---- */

static int list_take_column(cli_list *list, thrum_bytes name)
{
    char *copy = malloc(name.size + 1);

    if (copy == NULL)
        return list_wrong(list, CLI_EXIT_SOFTWARE, "out of memory");
    memcpy(copy, name.data, name.size);
    copy[name.size] = '\0';
    list->columns[list->count++] = copy;
    return 0;
}

static int list_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Two columns of one name: which of them would a slot mean? */
static int list_check_names(cli_list *list)
{
    const char **sorted = malloc(list->count * sizeof *sorted);
    int error = 0;

    if (sorted == NULL)
        return list_wrong(list, CLI_EXIT_SOFTWARE, "out of memory");
    memcpy(sorted, list->columns, list->count * sizeof *sorted);
    qsort(sorted, list->count, sizeof *sorted, list_order);
    if (sorted[0][0] == '\0')
        error = list_wrong(list, CLI_EXIT_DATA, "%s:%llu: a column has no name",
                           list->name, (unsigned long long)list->csv.row_line);
    for (size_t i = 1; error == 0 && i < list->count; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            error = list_wrong(
                list, CLI_EXIT_DATA, "%s:%llu: two columns are named \"%s\"",
                list->name, (unsigned long long)list->csv.row_line, sorted[i]);
    free(sorted);
    return error;
}

static int list_find_email(cli_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->columns[i], "email") == 0) {
            list->email = i;
            return 0;
        }
    return list_wrong(list, CLI_EXIT_DATA,
                      "%s:%llu: the header line has no column \"email\"",
                      list->name, (unsigned long long)list->csv.row_line);
}

static int list_read_header(cli_list *list)
{
    int read = list_read(list);
    size_t count = list->csv.count;

    if (read < 0)
        return -1;
    if (read == 0)
        return list_wrong(list, CLI_EXIT_DATA, "%s:1: there is no header line",
                          list->name);
    list->columns = calloc(count, sizeof *list->columns);
    if (list->columns == NULL)
        return list_wrong(list, CLI_EXIT_SOFTWARE, "out of memory");
    for (size_t i = 0; i < count; i++)
        if (list_take_column(list, list->csv.fields[i]) != 0)
            return -1;
    if (list_check_names(list) != 0)
        return -1;
    return list_find_email(list);
}

static int list_open_file(cli_list *list, const char *path)
{
    if (strcmp(path, "-") == 0) {
        list->name = "standard input";
        list->fd = STDIN_FILENO;
    } else {
        list->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        list->owned = 1;
    }
    if (list->fd < 0 || fstat(list->fd, &list->found) != 0)
        return list_wrong(list, CLI_EXIT_NOINPUT, "%s: %s", list->name,
                          strerror(errno));
    if (S_ISDIR(list->found.st_mode))
        return list_wrong(list, CLI_EXIT_NOINPUT, "%s: it is a folder",
                          list->name);
    return 0;
}

static int list_spool(cli_list *list)
{
    int fd = cli_spool(list->fd, list->wrong, sizeof list->wrong);

    if (fd < 0) {
        list->status = -fd;
        return -1;
    }
    if (list->owned)
        close(list->fd);
    list->fd = fd;
    list->owned = 1;
    if (fstat(fd, &list->found) != 0)
        return list_wrong(list, CLI_EXIT_IO, "%s: %s", list->name,
                          strerror(errno));
    return 0;
}

static int list_open(cli_list *list, const char *path)
{
    off_t begin;

    if (list_open_file(list, path) != 0)
        return -1;
    begin = S_ISREG(list->found.st_mode) ? lseek(list->fd, 0, SEEK_CUR) : -1;
    if (begin < 0 && list_spool(list) != 0)
        return -1;
    list->base = list->at = begin > 0 ? begin : 0;
    cli_csv_init(&list->csv);
    if (list_read_header(list) != 0)
        return -1;
    cli_list_rewind(list);
    return 0;
}

cli_list *cli_list_open(const char *path)
{
    cli_list *list = calloc(1, sizeof *list);

    if (list == NULL)
        return NULL;
    list->name = path;
    list->fd = -1;
    list->room = LIST_BLOCK;
    list->block = malloc(list->room);
    if (list->block == NULL)
        list_wrong(list, CLI_EXIT_SOFTWARE, "out of memory");
    else
        list_open(list, path);
    return list;
}

void cli_list_close(cli_list *list)
{
    if (list == NULL)
        return;
    if (list->owned && list->fd >= 0)
        close(list->fd);
    for (size_t i = 0; i < list->count; i++)
        free(list->columns[i]);
    free(list->columns);
    free(list->block);
    free(list);
}
