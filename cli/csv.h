/* SPDX-License-Identifier: MIT */
/*
 * A reader of CSV (RFC 4180) that does no input: bytes in, rows out. The first
 * row is the header line, and every other has as many fields.
 *
 * It is strict: UTF-8, lines that end with LF or CRLF (the last one need not),
 * quotes only around a whole field. Lines with nothing in them are passed over.
 * A row is handed out as fields that point into the caller's bytes; only a
 * quoted field with "" in it is rewritten, in place.
 */
#ifndef THRUM_CLI_CSV_H
#define THRUM_CLI_CSV_H

#include <thrum/api.h>

/* Caps: a list is read from anywhere, and a quote that was left open would else
 * make one field of the rest of it. */
enum {
    CLI_CSV_FIELD_MOST = 1024 * 1024,
    CLI_CSV_ROW_MOST = 4 * 1024 * 1024,
    CLI_CSV_COLUMNS_MOST = 1024
};

typedef enum cli_csv_answer {
    CLI_CSV_ROW,  /* here is one */
    CLI_CSV_MORE, /* the row goes on after these bytes */
    CLI_CSV_END,  /* there are no more */
    CLI_CSV_WRONG /* it is not CSV; nothing else will be read */
} cli_csv_answer;

/* What the reader is within. */
typedef enum csv_state {
    CSV_FILE,     /* nothing was read yet: a byte order mark may come */
    CSV_LINE,     /* before a row */
    CSV_FIELD,    /* before a field */
    CSV_PLAIN,    /* in a field without quotes */
    CSV_QUOTED,   /* in a field with quotes */
    CSV_UNQUOTED, /* after a quote in there: its end, or the first of two */
    CSV_RETURN,   /* after the CR that ends a row */
    CSV_AT_ROW,   /* after a row; from here on as cli_csv_answer */
    CSV_AT_MORE,
    CSV_AT_END,
    CSV_AT_WRONG
} csv_state;

typedef struct cli_csv {
    csv_state state;
    uint64_t line;     /* that `at` is in, from 1 */
    uint64_t row_line; /* that the row began in */
    size_t at;         /* how far it read */
    size_t row;        /* where the row began */
    size_t line_start; /* where the line began */
    size_t start;      /* where the field began */
    uint64_t quote_line;
    size_t quote_column; /* where the last quote was opened */
    int escaped;         /* the field holds "" */
    int nul;             /* the row holds a NUL */
    size_t columns;      /* in the header line; 0: it was not read yet */
    size_t count;        /* fields of the row that are complete */
    size_t used;
    uint64_t wrong_line;
    size_t wrong_column;
    int wrong_in_field;
    char wrong[160];
    const char *data; /* that the fields point into */
    thrum_bytes fields[CLI_CSV_COLUMNS_MOST];
} cli_csv;

/* Makes the reader ready for the first byte of a file. */
void cli_csv_init(cli_csv *csv);

/* Reads on. `data` begins where the last row ended (or is what was there before
 * and more behind it, after CLI_CSV_MORE); `last` says that nothing follows.
 * Afterwards the first `used` bytes are no longer needed, except for the fields
 * of the row:
 * - ROW: `count` of them in `fields`, good until the bytes go; `row_line`.
 * - WRONG: `wrong` says what, at `wrong_line` and `wrong_column` (in bytes,
 * from 1; 0: the whole line), in the field number `count` (from 0) if
 *   `wrong_in_field`. */
cli_csv_answer cli_csv_next(cli_csv *csv, char *data, size_t size, int last);

#endif
