/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/say.h"
#include "cli/utf8.h"

enum { SAY_LINE = 4096 };

/* The C1 controls, U+0080 to U+009F, are commands to a terminal too. */
static int say_is_plain(const char *at, int length)
{
    unsigned char first = (unsigned char)at[0];

    if (length == 1)
        return first >= 0x20 && first != 0x7f;
    return length > 1 && (first != 0xc2 || (unsigned char)at[1] >= 0xa0);
}

size_t cli_say_clean(const char *text, size_t size, char *out, size_t room)
{
    static const char hex[] = "0123456789abcdef";
    size_t at = 0, written = 0;

    while (at < size) {
        int length = cli_utf8_length(text + at, size - at);
        unsigned char byte = (unsigned char)text[at];

        if (say_is_plain(text + at, length)) {
            if (written + (size_t)length >= room)
                break;
            memcpy(out + written, text + at, (size_t)length);
            written += (size_t)length;
            at += (size_t)length;
            continue;
        }
        if (written + 4 >= room)
            break;
        out[written++] = '\\';
        out[written++] = 'x';
        out[written++] = hex[byte >> 4];
        out[written++] = hex[byte & 15];
        at++;
    }
    out[written] = '\0';
    return written;
}

void cli_say_causes(const thrum_failure *why, char *out, size_t room)
{
    size_t size = 0;

    out[0] = '\0';
    for (; why != NULL && room - size > 2; why = thrum_failure_cause(why)) {
        const char *text = thrum_failure_text(why);

        if (size > 0) {
            memcpy(out + size, ": ", 2);
            size += 2;
        }
        size += cli_say_clean(text, strlen(text), out + size, room - size);
    }
}

void cli_say(const char *format, ...)
{
    char raw[SAY_LINE], clean[SAY_LINE + 1];
    va_list arguments;
    size_t size;
    int length;

    va_start(arguments, format);
    length = vsnprintf(raw, sizeof raw, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    size = (size_t)length < sizeof raw ? (size_t)length : sizeof raw - 1;
    size = cli_say_clean(raw, size, clean, sizeof clean - 1);
    clean[size++] = '\n';
    fwrite(clean, 1, size, stderr);
    fflush(stderr);
}
