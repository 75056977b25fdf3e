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
};

/* ---- Arguments ---- */

#define COMMAND_EACH(byte) ((byte)*UINT64_C(0x0101010101010101))

/* Whether one of eight bytes is 0: not 0 if so. */
static inline uint64_t command_zero(uint64_t eight)
{
    return (eight - COMMAND_EACH(1)) & ~eight & COMMAND_EACH(0x80);
}

/* Whether one of eight bytes has to be looked at: any but those of an address
 * as it usually is. That is, controls, blanks, "!", quotes, angle brackets,
 * backslashes, DEL, and what is past US-ASCII. */
static inline uint64_t command_is_odd(const char *eight_bytes)
{
    uint64_t eight;

    memcpy(&eight, eight_bytes, sizeof eight);
    return (eight & COMMAND_EACH(0x80)) |
           ((eight - COMMAND_EACH('"' + 1)) & ~eight & COMMAND_EACH(0x80)) |
           command_zero(eight ^ COMMAND_EACH('\\')) |
           command_zero((eight | COMMAND_EACH('<' ^ '>')) ^ COMMAND_EACH('>')) |
           command_zero(eight ^ COMMAND_EACH(0x7f));
}

/* The last eight bytes overlap those before them. */
static bool command_is_plain(thrum_bytes argument)
{
    uint64_t odd = 0;
    size_t last = argument.size - 8, at = 0;

    if (argument.size < 8)
        return false;
    do {
        at = at < last ? at : last;
        odd |= command_is_odd(argument.data + at);
        at += 8;
    } while (at < argument.size);
    return odd == 0;
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
static char *command_room(thrum_buffer *out, size_t size)
{
    if (size <= out->room && size <= out->cap - out->size)
        return out->data + out->size;
    return thrum_buffer_reserve(out, size);
}

int thrum__command_write(thrum_buffer *out, thrum_smtp_stage stage,
                         thrum_bytes argument)
{
    const command_form *form = &command_forms[stage];
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
