/* SPDX-License-Identifier: MIT */
/*
 * "{{" begins a slot, "}}" on the same line ends it, and between them stands
 * the name of a column, with blanks around it if you like. "{{{{" is "{{".
 */
#include <stdio.h>

#include "mail/slots.h"
#include "mail/text.h"

/* Of a name in a failure's text; a column's name can be of any length. */
enum { SLOTS_NAME = 60 };

/* Where "what" begins at or after `at`, or the text's size. */
static size_t slots_find(thrum_bytes text, size_t at, const char *what,
                         size_t size)
{
    const char *found = at < text.size
                            ? memmem(text.data + at, text.size - at, what, size)
                            : NULL;

    return found != NULL ? (size_t)(found - text.data) : text.size;
}

/* A failure at a place in the text. Columns are counted in characters. */
static thrum_failure *slots_wrong(const thrum__slots *slots, thrum_bytes text,
                                  size_t at, int code, const char *wrong)
{
    size_t line = 1, column = slots->column + 1;

    for (size_t i = 0; i < at; i++) {
        if (text.data[i] == '\n') {
            line++;
            column = 1;
        } else if ((text.data[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    return thrum_failure_new(slots->program->context, &thrum_domain_mail, code,
                             "%s, line %zu, column %zu: %s", slots->part, line,
                             column, wrong);
}

static thrum_failure *slots_unknown(const thrum__slots *slots, thrum_bytes text,
                                    size_t at, thrum_bytes name)
{
    char words[SLOTS_NAME + 40];
    char printable[SLOTS_NAME + 1];
    size_t size = 0;

    for (; size < name.size && size < SLOTS_NAME; size++) {
        unsigned char byte = (unsigned char)name.data[size];

        printable[size] = byte < ' ' || byte == 0x7f ? '?' : (char)byte;
    }
    printable[size] = '\0';
    snprintf(words, sizeof words, "no column is called \"%s\"", printable);
    return slots_wrong(slots, text, at, THRUM_MAIL_E_UNKNOWN_NAME, words);
}

static int slots_literal(const thrum__slots *slots, size_t first,
                         thrum_bytes bytes)
{
    size_t count = thrum__piece_count(slots->pieces);
    thrum__piece piece = {false, slots->literals->size, bytes.size};
    int error;

    if (bytes.size == 0)
        return 0;
    error = thrum_buffer_append(slots->literals, bytes.data, bytes.size);
    if (error != 0)
        return error;
    if (count > first && !thrum__piece_at(slots->pieces, count - 1)->is_value) {
        thrum__piece_at(slots->pieces, count - 1)->size += bytes.size;
        return 0;
    }
    return thrum_buffer_append(slots->pieces, &piece, sizeof piece);
}

/* The column of this name, or their number. */
static size_t slots_column(const thrum__source *source, thrum_bytes name)
{
    size_t column = 0;

    while (column < source->count &&
           (strncmp(source->columns[column], name.data, name.size) != 0 ||
            source->columns[column][name.size] != '\0'))
        column++;
    return column;
}

/* Keeps a string with a NUL among the program's literals, and says where. */
static int slots_keep(thrum__program *program, const char *string, size_t *at)
{
    *at = program->literals.size;
    return thrum_buffer_append(&program->literals, string, strlen(string) + 1);
}

/* The number of the value of a column, which may be in use already. */
static int slots_value(const thrum__slots *slots, size_t column, size_t *value)
{
    thrum__program *program = slots->program;
    thrum__used fresh = {.column = column}, *used = NULL;
    int error = 0;

    for (*value = 0; *value < thrum__used_count(program); ++*value)
        if (thrum__used_at(program, *value)->column == column)
            break;
    if (*value == thrum__used_count(program)) {
        error =
            slots_keep(program, slots->source->columns[column], &fresh.name);
        if (error == 0)
            error = thrum_buffer_append(&program->used, &fresh, sizeof fresh);
        if (error != 0)
            return error;
    }
    used = thrum__used_at(program, *value);
    used->weight += slots->weight;
    if (slots->is_line && used->part == 0)
        error = slots_keep(program, slots->part, &used->part);
    return error;
}

/* Reads the slot whose "{{" is at `at`; *after is where the text goes on. */
static thrum_failure *slots_slot(const thrum__slots *slots, thrum_bytes text,
                                 size_t at, size_t *after)
{
    size_t end = slots_find(text, at + 2, "}}", 2);
    thrum__piece piece = {true, 0, 0};
    thrum_bytes name = {text.data + at + 2, end - at - 2};
    size_t column;

    if (end == text.size || memchr(name.data, '\n', name.size) != NULL)
        return slots_wrong(slots, text, at, THRUM_MAIL_E_TEMPLATE,
                           "\"{{\" without \"}}\" in its line");
    while (name.size > 0 && thrum__text_is_blank(name.data[0])) {
        name.data++;
        name.size--;
    }
    while (name.size > 0 && thrum__text_is_blank(name.data[name.size - 1]))
        name.size--;
    if (name.size == 0)
        return slots_wrong(slots, text, at, THRUM_MAIL_E_TEMPLATE,
                           "a slot without a name");
    column = slots_column(slots->source, name);
    if (column == slots->source->count)
        return slots_unknown(slots, text, at, name);
    *after = end + 2;
    if (slots_value(slots, column, &piece.at) != 0 ||
        thrum_buffer_append(slots->pieces, &piece, sizeof piece) != 0)
        return thrum_failure_no_memory();
    return NULL;
}

thrum_failure *thrum__slots_read(const thrum__slots *slots, thrum_bytes text)
{
    size_t first = thrum__piece_count(slots->pieces), at = 0;

    while (at < text.size) {
        size_t open = slots_find(text, at, "{{", 2);
        thrum_failure *why;

        if (slots_literal(slots, first,
                          (thrum_bytes){text.data + at, open - at}) != 0)
            return thrum_failure_no_memory();
        if (open == text.size)
            break;
        if (text.size - open >= 4 && memcmp(text.data + open, "{{{{", 4) == 0) {
            if (slots_literal(slots, first, (thrum_bytes){"{{", 2}) != 0)
                return thrum_failure_no_memory();
            at = open + 4;
            continue;
        }
        why = slots_slot(slots, text, open, &at);
        if (why != NULL)
            return why;
    }
    if (thrum_buffer_append(slots->literals, "", 1) != 0)
        return thrum_failure_no_memory();
    return NULL;
}

size_t thrum__slots_literals(const thrum__program *program,
                             thrum__pieces pieces)
{
    size_t size = 0;

    for (size_t i = 0; i < pieces.count; i++)
        size += thrum__piece_at(&program->pieces, pieces.first + i)->size;
    return size;
}

size_t thrum__slots_size(const thrum__program *program, thrum__pieces pieces,
                         const thrum__value *values)
{
    size_t size = 0;

    for (size_t i = 0; i < pieces.count; i++) {
        const thrum__piece *piece =
            thrum__piece_at(&program->pieces, pieces.first + i);

        size += piece->is_value ? values[piece->at].text.size : piece->size;
    }
    return size;
}
