/* SPDX-License-Identifier: MIT */
/*
 * The list: a CSV file of recipients, one a row, whose column "email" is the
 * address. It is read in blocks, as often as one likes, and never held whole.
 * What cannot be read twice is spooled (see spool.h).
 */
#ifndef THRUM_CLI_LIST_H
#define THRUM_CLI_LIST_H

#include <thrum/api.h>

typedef struct cli_list cli_list;

typedef struct cli_row {
    thrum_bytes to;            /* the column "email" */
    const thrum_bytes *values; /* one for each column, "email" too */
    uint64_t number;           /* of the row, from 1; the header has none */
    uint64_t line;             /* of the file, that it begins in */
} cli_row;

/* Opens a list ("-": standard input) and reads its header line.
 * Ownership: new; NULL: no memory. Otherwise look at cli_list_wrong. */
cli_list *cli_list_open(const char *path);

/* Closes it. NULL is nothing. */
void cli_list_close(cli_list *list);

/* What is wrong with it, the place first ("people.csv:17:4: ..."), or NULL. */
const char *cli_list_wrong(const cli_list *list);

/* The exit status for that; CLI_EXIT_OK when nothing is wrong. */
int cli_list_status(const cli_list *list);

/* Its name in messages. */
const char *cli_list_name(const cli_list *list);

/* The names of its columns, in their order. Ownership: borrowed. */
const char *const *cli_list_columns(const cli_list *list, size_t *count);

/* Reads the next row; what it points to is good until the next call. Answers 1,
 * 0 at the end, or -1: see cli_list_wrong. A file that was changed since it was
 * opened is wrong too. */
int cli_list_next(cli_list *list, cli_row *row);

/* The next row is the first one again. */
void cli_list_rewind(cli_list *list);

#endif
