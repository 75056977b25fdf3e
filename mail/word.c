/* SPDX-License-Identifier: MIT */
/*
 * Of the two encodings the one is taken that is shorter for the text: "Q" keeps
 * what is US-ASCII readable, "B" is shorter for most other scripts. Only what
 * is safe in names too is kept readable (RFC 2047 section 5, rule 3), so that
 * there is one rule.
 */
#include <stdbool.h>

#include "mail/encode.h"
#include "mail/text.h"
#include "mail/word.h"

enum {
    WORD_FRAME = sizeof "=?UTF-8?Q?"
                        "?=" -
                 1
};

static bool word_is_safe(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') ||
           (byte != '\0' && strchr("!*+-/", byte) != NULL);
}

static size_t word_q_size(thrum_bytes text)
{
    size_t size = 0;

    for (size_t i = 0; i < text.size; i++)
        size += word_is_safe(text.data[i]) || text.data[i] == ' ' ? 1 : 3;
    return size;
}

static size_t word_b_size(thrum_bytes text)
{
    return (text.size + 2) / 3 * 4;
}

/* The size of the character at the text's start. */
static size_t word_character(thrum_bytes text)
{
    size_t size = 1;

    while (size < text.size && (text.data[size] & 0xc0) == 0x80)
        size++;
    return size;
}

/* How much of the text, in whole characters, fits into `room`. */
static size_t word_take(thrum_bytes text, size_t room, bool is_q)
{
    size_t taken = 0, used = 0;

    while (taken < text.size) {
        thrum_bytes rest = {text.data + taken, text.size - taken};
        size_t size = word_character(rest);

        used += is_q ? word_q_size((thrum_bytes){rest.data, size}) : 0;
        if (is_q ? used > room
                 : word_b_size((thrum_bytes){text.data, taken + size}) > room)
            break;
        taken += size;
    }
    return taken;
}

static void word_write_q(thrum__line *line, thrum_bytes text)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        char hex[3] = {'=', digits[byte >> 4], digits[byte & 15]};

        if (byte == ' ')
            thrum__line_write(line, "_", 1);
        else if (word_is_safe(text.data[i]))
            thrum__line_write(line, text.data + i, 1);
        else
            thrum__line_write(line, hex, 3);
    }
}

static void word_write_b(thrum__line *line, thrum_bytes text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *data = (const unsigned char *)text.data;

    for (size_t i = 0; i < text.size; i += 3) {
        size_t left = text.size - i;
        unsigned group = (unsigned)data[i] << 16 |
                         (left > 1 ? (unsigned)data[i + 1] << 8 : 0u) |
                         (left > 2 ? data[i + 2] : 0u);
        char four[4] = {digits[group >> 18], digits[group >> 12 & 63],
                        left > 1 ? digits[group >> 6 & 63] : '=',
                        left > 2 ? digits[group & 63] : '='};

        thrum__line_write(line, four, 4);
    }
}

void thrum__word_write(thrum__line *line, thrum_bytes text)
{
    bool is_q = word_q_size(text) <= word_b_size(text);

    while (text.size > 0) {
        size_t used = line->column + WORD_FRAME;
        size_t room = used < THRUM__LINE ? THRUM__LINE - used : 0;
        size_t size = word_take(text, room, is_q);

        if (size == 0) {
            thrum__line_fold(line);
            continue;
        }
        thrum__line_write(line, is_q ? "=?UTF-8?Q?" : "=?UTF-8?B?", 10);
        if (is_q)
            word_write_q(line, (thrum_bytes){text.data, size});
        else
            word_write_b(line, (thrum_bytes){text.data, size});
        thrum__line_write(line, "?=", 2);
        text.data += size;
        text.size -= size;
        if (text.size > 0)
            thrum__line_fold(line);
    }
}
