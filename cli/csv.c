/* SPDX-License-Identifier: MIT */
/*
 * One function for each state; each reads as far as its state lasts and answers
 * with the next one. Nothing is ever read twice: when the bytes end within a
 * row, the state and the offsets from the row's beginning are kept.
 *
 * A list of millions is read through here twice, so the inner loops look at
 * sixteen bytes at a time (csv_plain_words, csv_quoted_words) and stop only at
 * those that mean something. UTF-8 is checked on the way: a byte past 0x7f is
 * one of them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "cli/csv.h"
#include "cli/utf8.h"

enum { CSV_WIDE = 16 };

/* Bytes that are looked at together; compilers make of it what the machine
 * has. */
typedef signed char csv_wide __attribute__((vector_size(CSV_WIDE)));

static csv_state csv_wrong(cli_csv *csv, uint64_t line, size_t column,
                           const char *format, ...) THRUM_PRINTF(4, 5);

static csv_state csv_wrong(cli_csv *csv, uint64_t line, size_t column,
                           const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(csv->wrong, sizeof csv->wrong, format, arguments);
    va_end(arguments);
    csv->wrong_line = line;
    csv->wrong_column = column;
    csv->wrong_in_field = csv->columns > 0 && csv->count < csv->columns;
    return CSV_AT_WRONG;
}

/* The column of an offset in the present line, in bytes, from 1. */
static size_t csv_column(const cli_csv *csv, size_t offset)
{
    return offset - csv->line_start + 1;
}

static csv_state csv_wrong_here(cli_csv *csv, const char *what)
{
    return csv_wrong(csv, csv->line, csv_column(csv, csv->at), "%s", what);
}

void cli_csv_init(cli_csv *csv)
{
    memset(csv, 0, offsetof(cli_csv, fields));
    csv->line = 1;
}

static inline csv_wide csv_load(const char *data)
{
    csv_wide wide;

    memcpy(&wide, data, sizeof wide);
    return wide;
}

static inline csv_wide csv_each(signed char byte)
{
    csv_wide wide = {byte, byte, byte, byte, byte, byte, byte, byte,
                     byte, byte, byte, byte, byte, byte, byte, byte};

    return wide;
}

/* A bit for each byte that was found, the first byte's lowest. */
static inline unsigned csv_bits(csv_wide found)
{
#ifdef __SSE2__
    return (unsigned)_mm_movemask_epi8((__m128i)found);
#else
    unsigned bits = 0;

    for (int i = 0; i < CSV_WIDE; i++)
        bits |= (unsigned)(found[i] != 0) << i;
    return bits;
#endif
}

/* Outside quotes: what is below 0x20 or, being negative, past 0x7f; a comma; a
 * quote. */
static inline unsigned csv_plain_marks(const char *data)
{
    csv_wide wide = csv_load(data);

    return csv_bits((csv_wide)(wide < csv_each(' ')) |
                    (csv_wide)(wide == csv_each(',')) |
                    (csv_wide)(wide == csv_each('"')));
}

/* Within quotes: what is 0 or past 0x7f; a quote; a line feed. */
static inline unsigned csv_quoted_marks(const char *data)
{
    csv_wide wide = csv_load(data);

    return csv_bits((csv_wide)(wide < csv_each(1)) |
                    (csv_wide)(wide == csv_each('"')) |
                    (csv_wide)(wide == csv_each('\n')));
}

/* At a byte past 0x7f, or a NUL: passes over it, what belongs to it, and others
 * that follow. Answers `same`, or what ends the reading. */
static csv_state csv_odd(cli_csv *csv, const char *data, size_t size, int last,
                         csv_state same)
{
    size_t at = csv->at;
    int length = 1;

    while (at < size && ((unsigned char)data[at] > 0x7f || data[at] == '\0')) {
        length = cli_utf8_length(data + at, size - at);
        if (length < 1)
            break;
        csv->nul |= data[at] == '\0';
        at += (size_t)length;
    }
    csv->at = at;
    if (length > 0)
        return same;
    if (length == 0 && !last)
        return CSV_AT_MORE;
    return csv_wrong(csv, csv->line, csv_column(csv, at),
                     "byte 0x%02x is not UTF-8: save the list as UTF-8",
                     (unsigned)(unsigned char)data[at]);
}

static csv_state csv_field_too_long(cli_csv *csv)
{
    int quoted = csv->state != CSV_PLAIN;

    return csv_wrong(csv, quoted ? csv->quote_line : csv->line,
                     quoted ? csv->quote_column : csv_column(csv, csv->start),
                     "a field of more than 1 MiB%s",
                     quoted ? ": was a quote left open?" : "");
}

static csv_state csv_too_many(cli_csv *csv)
{
    size_t column = csv_column(csv, csv->start);

    if (csv->columns == 0)
        return csv_wrong(csv, csv->line, column, "more than %d columns",
                         CLI_CSV_COLUMNS_MOST);
    return csv_wrong(csv, csv->line, column,
                     "the row has more fields than the header line has "
                     "columns (%zu)",
                     csv->columns);
}

/* Makes "" in the field's `size` bytes one quote. Returns the new size. */
static size_t csv_unescape(char *field, size_t size)
{
    char *to = memchr(field, '"', size), *end = field + size;
    const char *from = to;

    while (from < end) {
        const char *next;

        *to++ = '"';
        from += 2;
        next = memchr(from, '"', (size_t)(end - from));
        if (next == NULL)
            next = end;
        memmove(to, from, (size_t)(next - from));
        to += next - from;
        from = next;
    }
    return (size_t)(to - field);
}

/* The field ends before the offset `end`; answers `next`, or what is wrong. */
static inline csv_state csv_close(cli_csv *csv, char *data, size_t end,
                                  csv_state next)
{
    size_t most = csv->columns != 0 ? csv->columns : CLI_CSV_COLUMNS_MOST;
    size_t size = end - csv->start;

    if (csv->count == most)
        return csv_too_many(csv);
    if (size > CLI_CSV_FIELD_MOST)
        return csv_field_too_long(csv);
    if (csv->escaped)
        size = csv_unescape(data + csv->start, size);
    csv->escaped = 0;
    csv->fields[csv->count++] = (thrum_bytes){data + csv->start, size};
    return next;
}

/* A byte order mark is passed over. That of UTF-16 tells what the file is. */
static csv_state csv_file(cli_csv *csv, const char *data, size_t size, int last)
{
    if (size < 3 && !last &&
        (size == 0 || data[0] == '\xef' || data[0] == '\xfe' ||
         data[0] == '\xff'))
        return CSV_AT_MORE;
    if (size >= 2 &&
        (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0))
        return csv_wrong_here(csv, "the list is UTF-16: save it as UTF-8");
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        csv->at = csv->line_start = 3;
    return CSV_LINE;
}

/* Before a row: passes over empty lines. */
static csv_state csv_line(cli_csv *csv, const char *data, size_t size, int last)
{
    while (csv->at < size) {
        size_t length = 1;

        if (data[csv->at] == '\r') {
            if (csv->at + 1 == size && !last)
                return CSV_AT_MORE;
            length = csv->at + 1 < size && data[csv->at + 1] == '\n' ? 2 : 1;
        }
        if (data[csv->at + length - 1] != '\n') {
            csv->row = csv->at;
            csv->row_line = csv->line;
            return CSV_FIELD;
        }
        csv->at += length;
        csv->line++;
        csv->line_start = csv->at;
    }
    return last ? CSV_AT_END : CSV_AT_MORE;
}

static csv_state csv_field(cli_csv *csv, char *data, size_t size, int last)
{
    csv->start = csv->at;
    if (csv->at == size)
        return last ? csv_close(csv, data, csv->at, CSV_AT_ROW) : CSV_AT_MORE;
    if (data[csv->at] != '"')
        return CSV_PLAIN;
    csv->quote_line = csv->line;
    csv->quote_column = csv_column(csv, csv->at);
    csv->start = ++csv->at;
    return CSV_QUOTED;
}

/* The row's last byte is the line feed before `at`. */
static inline csv_state csv_line_end(cli_csv *csv, size_t at)
{
    csv->at = at;
    csv->line++;
    csv->line_start = at;
    return CSV_AT_ROW;
}

/* What comes after a field: a comma, or the end of the row. */
static csv_state csv_after(cli_csv *csv, char *data, char byte, size_t end)
{
    csv_state next = csv_close(csv, data, end, CSV_FIELD);

    if (next == CSV_AT_WRONG)
        return next;
    if (byte == '\n')
        return csv_line_end(csv, csv->at + 1);
    csv->at++;
    return byte == '\r' ? CSV_RETURN : CSV_FIELD;
}

/* Whether a character of two bytes is there, as most letters of Europe past
 * US-ASCII are. */
static inline int csv_is_pair(const char *data, size_t size)
{
    return (unsigned char)data[0] >= 0xc2 && (unsigned char)data[0] <= 0xdf &&
           size > 1 && ((unsigned char)data[1] & 0xc0) == 0x80;
}

/* Reads sixteen bytes at a time: over the fields that a comma ends, up to the
 * first byte that means something else. Most rows consist of nothing else; the
 * line feed of a row that has all its fields is read too. */
static csv_state csv_plain_words(cli_csv *csv, const char *data, size_t size)
{
    size_t most = csv->columns != 0 ? csv->columns : CLI_CSV_COLUMNS_MOST;
    size_t at = csv->at, start = csv->start;
    thrum_bytes *field = csv->fields + csv->count;
    const thrum_bytes *last = csv->fields + most - 1;
    csv_state next = CSV_PLAIN;

    if (csv->count == most)
        return next;
    for (; size - at >= CSV_WIDE; at += CSV_WIDE) {
        unsigned marks = csv_plain_marks(data + at);

        for (; marks != 0; marks &= marks - 1) {
            size_t end = at + (size_t)__builtin_ctz(marks);
            size_t length = end - start;

            if (data[end] == ',' && field != last &&
                length <= CLI_CSV_FIELD_MOST) {
                *field++ = (thrum_bytes){data + start, length};
                start = end + 1;
                continue;
            }
            if (data[end] != '\n' && csv_is_pair(data + end, size - end)) {
                marks &= ~(2u << (end - at)); /* its second byte */
                if (end - at < CSV_WIDE - 1)
                    continue;
                at = end + 2 - CSV_WIDE;
                break;
            }
            at = end;
            if (data[end] == '\n' && field == last &&
                length <= CLI_CSV_FIELD_MOST) {
                *field++ = (thrum_bytes){data + start, length};
                at = start = end + 1;
                next = csv_line_end(csv, at);
            }
            goto out;
        }
    }
out:
    csv->at = at;
    csv->start = start;
    csv->count = (size_t)(field - csv->fields);
    return next;
}

/* The byte at `at`, whatever it is. */
static inline csv_state csv_plain_byte(cli_csv *csv, char *data, size_t size,
                                       int last)
{
    char byte = data[csv->at];

    if (byte == ',' || byte == '\n' || byte == '\r')
        return csv_after(csv, data, byte, csv->at);
    if (byte == '"' && csv->at == csv->start)
        return CSV_FIELD;
    if (byte == '"')
        return csv_wrong_here(csv, "a quote within a field that does not "
                                   "begin with one");
    if (byte == '\0' || (unsigned char)byte > 0x7f)
        return csv_odd(csv, data, size, last, CSV_PLAIN);
    csv->at++;
    return CSV_PLAIN;
}

static csv_state csv_plain(cli_csv *csv, char *data, size_t size, int last)
{
    csv_state next = CSV_PLAIN;

    while (next == CSV_PLAIN) {
        next = csv_plain_words(csv, data, size);
        if (next == CSV_AT_ROW)
            return next;
        if (csv->at == size)
            return last ? csv_close(csv, data, size, CSV_AT_ROW) : CSV_AT_MORE;
        next = csv_plain_byte(csv, data, size, last);
    }
    return next;
}

static csv_state csv_never_closed(cli_csv *csv)
{
    if (csv->at - csv->start > CLI_CSV_FIELD_MOST)
        return csv_field_too_long(csv);
    return csv_wrong(csv, csv->quote_line, csv->quote_column,
                     "the quote is never closed");
}

/* Reads sixteen bytes at a time, up to the first byte that means something. */
static inline void csv_quoted_words(cli_csv *csv, const char *data, size_t size)
{
    for (; size - csv->at >= CSV_WIDE; csv->at += CSV_WIDE) {
        unsigned marks = csv_quoted_marks(data + csv->at);

        if (marks != 0) {
            csv->at += (size_t)__builtin_ctz(marks);
            return;
        }
    }
}

static csv_state csv_quoted(cli_csv *csv, const char *data, size_t size,
                            int last)
{
    csv_state next = CSV_QUOTED;

    while (next == CSV_QUOTED) {
        char byte;

        csv_quoted_words(csv, data, size);
        if (csv->at == size)
            return last ? csv_never_closed(csv) : CSV_AT_MORE;
        byte = data[csv->at];
        if (byte == '\0' || (unsigned char)byte > 0x7f) {
            next = csv_odd(csv, data, size, last, CSV_QUOTED);
            continue;
        }
        csv->at++;
        if (byte == '"')
            next = CSV_UNQUOTED;
        if (byte == '\n') {
            csv->line++;
            csv->line_start = csv->at;
        }
    }
    return next;
}

static csv_state csv_unquoted(cli_csv *csv, char *data, size_t size, int last)
{
    char byte;

    if (csv->at == size)
        return last ? csv_close(csv, data, csv->at - 1, CSV_AT_ROW)
                    : CSV_AT_MORE;
    byte = data[csv->at];
    if (byte == '"') {
        csv->escaped = 1;
        csv->at++;
        return CSV_QUOTED;
    }
    if (byte == ',' || byte == '\n' || byte == '\r')
        return csv_after(csv, data, byte, csv->at - 1);
    return csv_wrong_here(csv, "text after the quote that closes the field");
}

static csv_state csv_return(cli_csv *csv, const char *data, size_t size,
                            int last)
{
    if (csv->at < size && data[csv->at] == '\n')
        return csv_line_end(csv, csv->at + 1);
    if (csv->at == size && !last)
        return CSV_AT_MORE;
    csv->at--;
    csv->count--;
    return csv_wrong_here(csv, "a carriage return without a line feed: lines "
                               "end with LF or CRLF");
}

static csv_state csv_read(cli_csv *csv, char *data, size_t size, int last)
{
    switch (csv->state) {
    case CSV_FILE:
        return csv_file(csv, data, size, last);
    case CSV_LINE:
        return csv_line(csv, data, size, last);
    case CSV_FIELD:
        return csv_field(csv, data, size, last);
    case CSV_PLAIN:
        return csv_plain(csv, data, size, last);
    case CSV_QUOTED:
        return csv_quoted(csv, data, size, last);
    case CSV_UNQUOTED:
        return csv_unquoted(csv, data, size, last);
    case CSV_RETURN:
        return csv_return(csv, data, size, last);
    default:
        return csv->state;
    }
}

/* The row is complete: is it one that may be handed out? */
static inline csv_state csv_row(cli_csv *csv)
{
    if (csv->at - csv->row > CLI_CSV_ROW_MOST)
        return csv_wrong(csv, csv->row_line, 0, "a row of more than 4 MiB");
    if (csv->columns == 0 && csv->nul)
        return csv_wrong(csv, csv->row_line, 0,
                         "a NUL in the header line: is the list UTF-16? Save "
                         "it as UTF-8");
    if (csv->columns == 0)
        csv->columns = csv->count;
    if (csv->count == csv->columns)
        return CSV_AT_ROW;
    csv_wrong(csv, csv->row_line, 0,
              "the row has fewer fields (%zu) than the header line has "
              "columns (%zu)",
              csv->count, csv->columns);
    csv->wrong_in_field = 0;
    return CSV_AT_WRONG;
}

/* The bytes end within a row: is it one that may go on? */
static csv_state csv_more(cli_csv *csv)
{
    int in_field = csv->state == CSV_PLAIN || csv->state == CSV_QUOTED;

    if (in_field && csv->at - csv->start > CLI_CSV_FIELD_MOST)
        return csv_field_too_long(csv);
    if (csv->at - csv->row > CLI_CSV_ROW_MOST)
        return csv_wrong(csv, csv->row_line, 0, "a row of more than 4 MiB");
    return CSV_AT_MORE;
}

/* The bytes have moved since the row's first fields were read. */
static void csv_move(cli_csv *csv, const char *data)
{
    for (size_t i = 0; i < csv->count; i++)
        csv->fields[i].data = data + (csv->fields[i].data - csv->data);
    csv->data = data;
}

/* A new row begins. Most begin with an ordinary field. */
static inline csv_state csv_begin(cli_csv *csv, const char *data, size_t size)
{
    csv->count = 0;
    csv->nul = 0;
    if (size == 0 || data[0] == '\n' || data[0] == '\r' || data[0] == '"')
        return CSV_LINE;
    csv->start = 0;
    csv->row_line = csv->line;
    return CSV_PLAIN;
}

/* The bytes before `at` go. */
static void csv_use(cli_csv *csv)
{
    csv->used = csv->at;
    csv->line_start -= csv->at;
    csv->at = csv->row = 0;
}

cli_csv_answer cli_csv_next(cli_csv *csv, char *data, size_t size, int last)
{
    csv_state next;

    csv->used = 0;
    if (csv->state == CSV_AT_ROW)
        csv->state = csv_begin(csv, data, size);
    if (csv->data != data)
        csv_move(csv, data);
    while ((next = csv_read(csv, data, size, last)) < CSV_AT_ROW)
        csv->state = next;
    if (next == CSV_AT_ROW)
        next = csv_row(csv);
    if (next == CSV_AT_MORE && csv->state > CSV_LINE)
        next = csv_more(csv);
    else if (next != CSV_AT_WRONG)
        csv_use(csv);
    if (next != CSV_AT_MORE)
        csv->state = next;
    return (cli_csv_answer)(next - CSV_AT_ROW);
}
