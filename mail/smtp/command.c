/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "mail/smtp/command.h"

enum { COMMAND_BEFORE = 12, COMMAND_AFTER = 4 };

/* What stands around the argument of a command. Both are copied as blocks of a
 * fixed size, which takes one or two instructions and no call. */
typedef struct command_form {
    char before[COMMAND_BEFORE];
    char after[COMMAND_AFTER];
    size_t before_size;
    size_t after_size;
} command_form;

#define COMMAND_FORM(before, after)                                            \
    {                                                                          \
        before, after "\r\n", sizeof(before) - 1, sizeof(after "\r\n") - 1     \
    }

static const command_form command_forms[] = {
    [THRUM_SMTP_STAGE_EHLO] = COMMAND_FORM("EHLO ", ""),
    [THRUM_SMTP_STAGE_HELO] = COMMAND_FORM("HELO ", ""),
    [THRUM_SMTP_STAGE_MAIL] = COMMAND_FORM("MAIL FROM:<", ">"),
    [THRUM_SMTP_STAGE_RCPT] = COMMAND_FORM("RCPT TO:<", ">"),
    [THRUM_SMTP_STAGE_DATA] = COMMAND_FORM("DATA", ""),
    [THRUM_SMTP_STAGE_BODY] = COMMAND_FORM(".", ""),
    [THRUM_SMTP_STAGE_RSET] = COMMAND_FORM("RSET", ""),
    [THRUM_SMTP_STAGE_QUIT] = COMMAND_FORM("QUIT", ""),
    [THRUM_SMTP_STAGE_STARTTLS] = COMMAND_FORM("STARTTLS", ""),
};

/* ---- Arguments ---- */

enum { COMMAND_WIDE = 16 };

/* Bytes that are looked at together; compilers make of it what the machine
 * has. */
typedef signed char command_wide __attribute__((vector_size(COMMAND_WIDE)));

static inline command_wide command_each(signed char byte)
{
    command_wide wide = {byte, byte, byte, byte, byte, byte, byte, byte,
                         byte, byte, byte, byte, byte, byte, byte, byte};

    return wide;
}

/* Not 0 for the bytes that have to be looked at: any but those of an address as
 * it usually is. That is, controls, blanks, "!", quotes, angle brackets,
 * backslashes, DEL, and what is past US-ASCII and so negative. */
static inline command_wide command_odd(const char *sixteen_bytes)
{
    command_wide wide;

    memcpy(&wide, sixteen_bytes, sizeof wide);
    return (command_wide)(wide < command_each('"' + 1)) |
           (command_wide)(wide == command_each('\\')) |
           (command_wide)((wide | command_each('<' ^ '>')) ==
                          command_each('>')) |
           (command_wide)(wide == command_each(0x7f));
}

static inline bool command_is_none(command_wide wide)
{
    uint64_t halves[2];

    memcpy(halves, &wide, sizeof halves);
    return (halves[0] | halves[1]) == 0;
}

static bool command_is_plain(thrum_bytes argument)
{
    char few[COMMAND_WIDE];
    command_wide odd = command_each(0);
    size_t at = 0;

    if (argument.size < COMMAND_WIDE) {
        memset(few, 'a', sizeof few);
        memcpy(few, argument.data, argument.size);
        odd = command_odd(few);
    } else {
        for (; at < argument.size - COMMAND_WIDE; at += COMMAND_WIDE)
            odd |= command_odd(argument.data + at);
        odd |= command_odd(argument.data + argument.size - COMMAND_WIDE);
    }
    return command_is_none(odd);
}

static bool command_needs_quotes(char byte)
{
    return byte == ' ' || byte == '"' || byte == '<' || byte == '>' ||
           byte == '\\';
}

/* Whether all is printable, blanks and brackets stand within quotes, and the
 * quotes are closed (RFC 5321 section 4.1.2). */
static bool command_is_quoted(thrum_bytes argument)
{
    bool inside = false, escaped = false;

    for (size_t i = 0; i < argument.size; i++) {
        char byte = argument.data[i];

        if (byte < ' ' || byte > '~')
            return false;
        if (escaped)
            escaped = false;
        else if (byte == '"')
            inside = !inside;
        else if (!inside && command_needs_quotes(byte))
            return false;
        else
            escaped = byte == '\\';
    }
    return !inside && !escaped;
}

bool thrum__command_allows(thrum_bytes argument)
{
    return command_is_plain(argument) || command_is_quoted(argument);
}

/* ---- Writing ---- */

/* Room for `size` bytes, without a call when it is there. */
static inline char *command_room(thrum_buffer *out, size_t size)
{
    if (size <= out->room && size <= out->cap - out->size)
        return out->data + out->size;
    return thrum_buffer_reserve(out, size);
}

/* Not inline: the usual command should not pay for its registers. */
static __attribute__((__noinline__)) int
command_write_any(thrum_buffer *out, const command_form *form,
                  thrum_bytes argument)
{
    size_t room = COMMAND_BEFORE + argument.size + COMMAND_AFTER;
    size_t size = form->before_size + argument.size + form->after_size;
    char *line;

    if (size > THRUM__COMMAND_LINE ||
        (argument.size > 0 && !thrum__command_allows(argument)))
        return THRUM_E_INVALID;
    line = command_room(out, room);
    if (line == NULL)
        return room > out->cap - out->size ? THRUM_E_FULL : THRUM_E_NOMEM;
    memcpy(line, form->before, COMMAND_BEFORE);
    line += form->before_size;
    if (argument.size > 0)
        memcpy(line, argument.data, argument.size);
    memcpy(line + argument.size, form->after, COMMAND_AFTER);
    thrum_buffer_commit(out, size);
    return 0;
}

/* Copies an argument as addresses usually are, plain and of 8 to 32 bytes: its
 * start and its end, which overlap, are looked at and copied in registers.
 * Returns false, having written at most its bytes, when it is another one. */
static inline bool command_copy_usual(char *to, thrum_bytes argument)
{
    const char *from = argument.data;
    size_t size = argument.size;
    char start[COMMAND_WIDE], end[COMMAND_WIDE];

    if (size < 8 || size > 2 * COMMAND_WIDE)
        return false;
    if (size < COMMAND_WIDE) {
        memcpy(start, from, 8);
        memcpy(start + 8, from + size - 8, 8);
        memcpy(to, start, 8);
        memcpy(to + size - 8, start + 8, 8);
        return command_is_none(command_odd(start));
    }
    memcpy(start, from, sizeof start);
    memcpy(end, from + size - sizeof end, sizeof end);
    memcpy(to, start, sizeof start);
    memcpy(to + size - sizeof end, end, sizeof end);
    return command_is_none(command_odd(start) | command_odd(end));
}

int thrum__command_write(thrum_buffer *out, thrum_smtp_stage stage,
                         thrum_bytes argument)
{
    const command_form *form = &command_forms[stage];
    size_t room = COMMAND_BEFORE + argument.size + COMMAND_AFTER;
    char *line;

    if (room > out->room || room > out->cap - out->size)
        return command_write_any(out, form, argument);
    line = out->data + out->size;
    memcpy(line, form->before, COMMAND_BEFORE);
    line += form->before_size;
    if (argument.size > 0 && !command_copy_usual(line, argument))
        return command_write_any(out, form, argument);
    memcpy(line + argument.size, form->after, COMMAND_AFTER);
    thrum_buffer_commit(out,
                        form->before_size + argument.size + form->after_size);
    return 0;
}

enum { COMMAND_DIGITS = 20 }; /* of a size_t */

/* Writes a number; returns the byte behind it. */
static char *command_number(char *at, uint64_t number)
{
    char digits[COMMAND_DIGITS];
    size_t first = sizeof digits;

    do {
        digits[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    memcpy(at, digits + first, sizeof digits - first);
    return at + (sizeof digits - first);
}

static char *command_words(char *at, const char *words, size_t size)
{
    memcpy(at, words, size);
    return at + size;
}

size_t thrum__command_chunk(char line[THRUM__COMMAND_CHUNK], size_t size,
                            bool last)
{
    char *at = command_number(command_words(line, "BDAT ", 5), size);

    at =
        last ? command_words(at, " LAST\r\n", 7) : command_words(at, "\r\n", 2);
    return (size_t)(at - line);
}
