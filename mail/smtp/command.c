/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "mail/smtp/command.h"

/* What stands around the argument of a command. */
typedef struct command_form {
    thrum_bytes before;
    thrum_bytes after;
} command_form;

#define COMMAND_BYTES(text)                                                    \
    {                                                                          \
        "" text, sizeof(text) - 1                                              \
    }

static const command_form command_forms[] = {
    [THRUM_SMTP_STAGE_EHLO] = {COMMAND_BYTES("EHLO "), COMMAND_BYTES("\r\n")},
    [THRUM_SMTP_STAGE_HELO] = {COMMAND_BYTES("HELO "), COMMAND_BYTES("\r\n")},
    [THRUM_SMTP_STAGE_MAIL] = {COMMAND_BYTES("MAIL FROM:<"),
                               COMMAND_BYTES(">\r\n")},
    [THRUM_SMTP_STAGE_RCPT] = {COMMAND_BYTES("RCPT TO:<"),
                               COMMAND_BYTES(">\r\n")},
    [THRUM_SMTP_STAGE_DATA] = {COMMAND_BYTES("DATA"), COMMAND_BYTES("\r\n")},
    [THRUM_SMTP_STAGE_BODY] = {COMMAND_BYTES("."), COMMAND_BYTES("\r\n")},
    [THRUM_SMTP_STAGE_RSET] = {COMMAND_BYTES("RSET"), COMMAND_BYTES("\r\n")},
    [THRUM_SMTP_STAGE_QUIT] = {COMMAND_BYTES("QUIT"), COMMAND_BYTES("\r\n")},
};

/* What a byte of an argument is: plain, of meaning to quotes, or banned. Bytes
 * of one address are or-ed, so the usual one takes a load and an or a byte. */
enum { COMMAND_PLAIN, COMMAND_QUOTED, COMMAND_BANNED };

static unsigned command_class(unsigned char byte)
{
    static const unsigned char classes[256] = {
        [0 ... 31] = COMMAND_BANNED, [127 ... 255] = COMMAND_BANNED,
        [' '] = COMMAND_QUOTED,      ['"'] = COMMAND_QUOTED,
        ['<'] = COMMAND_QUOTED,      ['>'] = COMMAND_QUOTED,
        ['\\'] = COMMAND_QUOTED,
    };

    return classes[byte];
}

/* Whether blanks and brackets stand within quotes, and the quotes are closed
 * (RFC 5321 section 4.1.2). */
static bool command_is_quoted(thrum_bytes argument)
{
    bool inside = false;

    for (size_t i = 0; i < argument.size; i++) {
        char byte = argument.data[i];

        if (byte == '"')
            inside = !inside;
        else if (!inside && command_class((unsigned char)byte) != COMMAND_PLAIN)
            return false;
        else if (byte == '\\')
            i++;
    }
    return !inside;
}

bool thrum__command_allows(thrum_bytes argument)
{
    unsigned classes = COMMAND_PLAIN;

    for (size_t i = 0; i < argument.size; i++)
        classes |= command_class((unsigned char)argument.data[i]);
    if (classes == COMMAND_PLAIN)
        return true;
    return (classes & COMMAND_BANNED) == 0 && command_is_quoted(argument);
}

static char *command_put(char *at, thrum_bytes bytes)
{
    if (bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

int thrum__command_write(thrum_buffer *out, thrum_smtp_stage stage,
                         thrum_bytes argument)
{
    const command_form *form = &command_forms[stage];
    size_t around = form->before.size + form->after.size;
    char *line, *end;

    if (argument.size > THRUM__COMMAND_LINE - around ||
        !thrum__command_allows(argument))
        return THRUM_E_INVALID;
    line = thrum_buffer_reserve(out, around + argument.size);
    if (line == NULL)
        return around + argument.size > out->cap - out->size ? THRUM_E_FULL
                                                             : THRUM_E_NOMEM;
    end = command_put(line, form->before);
    end = command_put(end, argument);
    end = command_put(end, form->after);
    thrum_buffer_commit(out, (size_t)(end - line));
    return 0;
}
