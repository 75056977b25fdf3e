/* SPDX-License-Identifier: MIT */
/*
 * Both encoders copy the longest stretch that needs nothing, and then write
 * the one byte that ended it. What they have to know of what comes (a line
 * break after a blank) is always there: the text lies in memory whole, only
 * what is written of it is cut.
 */
#include "mail/encode.h"
#include "mail/text.h"

enum { ENCODE_QUOTED = 1, ENCODE_ESCAPED = 2, ENCODE_PLAIN = 4 };

/* A line has to leave room for the "=" of a soft break. */
enum { ENCODE_FULL = THRUM__LINE - 1 };

static const unsigned char encode_class[256] = {
    ['\t'] = ENCODE_QUOTED | ENCODE_ESCAPED | ENCODE_PLAIN,
    [' ' ... '!'] = ENCODE_QUOTED | ENCODE_ESCAPED | ENCODE_PLAIN,
    ['"'] = ENCODE_QUOTED | ENCODE_PLAIN,
    ['#' ... '%'] = ENCODE_QUOTED | ENCODE_ESCAPED | ENCODE_PLAIN,
    ['&' ... '\''] = ENCODE_QUOTED | ENCODE_PLAIN,
    ['(' ... ';'] = ENCODE_QUOTED | ENCODE_ESCAPED | ENCODE_PLAIN,
    ['<'] = ENCODE_QUOTED | ENCODE_PLAIN,
    ['='] = ENCODE_PLAIN,
    ['>'] = ENCODE_QUOTED | ENCODE_PLAIN,
    ['?' ... '~'] = ENCODE_QUOTED | ENCODE_ESCAPED | ENCODE_PLAIN,
};

static inline bool encode_is_break(char byte)
{
    return byte == '\n' || byte == '\r';
}

/* How many bytes of the text the line break at its start has. */
static inline size_t encode_break(thrum_bytes text)
{
    return text.size > 1 && text.data[0] == '\r' && text.data[1] == '\n' ? 2
                                                                         : 1;
}

/* The rest of the text; what it has past `most` may still be looked at. */
static inline thrum_bytes encode_rest(thrum_bytes text, size_t offset,
                                      size_t most)
{
    size_t left = text.size - offset;

    return (thrum_bytes){text.data + offset, left < most ? left : most};
}

/* What stands for one byte, or NULL for the byte in hexadecimal. */
static const char *quoted_reference(char byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

/* Writes one byte that cannot stay as it is, after a soft break when the line
 * has no room for it. */
static char *quoted_byte(char byte, bool escape, size_t *column, char *to)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *reference = escape ? quoted_reference(byte) : NULL;
    char hex[4] = {'=', digits[(unsigned char)byte >> 4],
                   digits[(unsigned char)byte & 15], '\0'};
    size_t size;

    if (reference == NULL)
        reference = hex;
    size = strlen(reference);
    if (*column + size > ENCODE_FULL) {
        memcpy(to, "=\r\n", 3);
        to += 3;
        *column = 0;
    }
    memcpy(to, reference, size);
    *column += size;
    return to + size;
}

/* How many bytes at the front of the rest may be copied: what fits, except for
 * a dot at the start of a line, and a blank at its end, where it could get
 * lost on the way (RFC 2045 section 6.7, rule 3). */
static size_t quoted_span(thrum_bytes text, const thrum__place *place,
                          size_t most, bool escape)
{
    thrum_bytes rest = encode_rest(text, place->offset, most);
    size_t size;

    if (place->column == 0 && rest.size > 0 && rest.data[0] == '.')
        return 0;
    size = thrum__text_span(encode_class,
                            escape ? ENCODE_ESCAPED : ENCODE_QUOTED, rest);
    if (size > 0 && place->offset + size < text.size &&
        encode_is_break(rest.data[size]) &&
        thrum__text_is_blank(rest.data[size - 1]))
        size--;
    return size;
}

size_t thrum__quoted_encode(thrum_bytes text, thrum__place *place,
                            thrum__room room, bool escape)
{
    char *to = room.at;

    while (place->offset < text.size) {
        size_t left = room.size - (size_t)(to - room.at);
        size_t line = ENCODE_FULL - place->column, size;
        const char *at;

        if (left < THRUM__ENCODE_LEAST)
            break;
        size = quoted_span(text, place, line < left ? line : left, escape);
        memcpy(to, text.data + place->offset, size);
        to += size;
        place->offset += size;
        place->column += size;
        left -= size;
        if (place->offset == text.size || left < THRUM__ENCODE_LEAST)
            break;
        at = text.data + place->offset;
        if (encode_is_break(*at)) {
            memcpy(to, "\r\n", 2);
            to += 2;
            place->offset +=
                encode_break((thrum_bytes){at, text.size - place->offset});
            place->column = 0;
        } else if (place->column == ENCODE_FULL) {
            memcpy(to, "=\r\n", 3);
            to += 3;
            place->column = 0;
        } else {
            to = quoted_byte(*at, escape, &place->column, to);
            place->offset++;
        }
    }
    return (size_t)(to - room.at);
}

/* No line is broken before it has 70 of its bytes. */
static size_t quoted_broken(size_t written)
{
    return written + written / 70 * 3 + 2 * THRUM__ENCODE_LEAST;
}

size_t thrum__quoted_bound(size_t size, bool escape)
{
    return quoted_broken(size * (escape ? 6 : 3));
}

/* Line ends and tabs count as three. */
size_t thrum__quoted_most(thrum_bytes text)
{
    size_t odd = 0, at = 0;

    for (; text.size - at >= 8; at += 8)
        odd += (size_t)__builtin_popcountll(
            thrum__text_unplain(thrum__text_word(text.data + at)) &
            THRUM__EACH(0x80));
    return quoted_broken(text.size + 2 * (odd + text.size - at));
}

bool thrum__plain_is(thrum_bytes text)
{
    size_t at = 0;

    while (at < text.size) {
        size_t size = thrum__text_span(encode_class, ENCODE_PLAIN,
                                       encode_rest(text, at, THRUM__LINE + 1));

        if (size > THRUM__LINE || at + size == text.size ||
            !encode_is_break(text.data[at + size]) ||
            (size > 0 && thrum__text_is_blank(text.data[at + size - 1])))
            return false;
        at += size;
        at += encode_break((thrum_bytes){text.data + at, text.size - at});
    }
    return true;
}

size_t thrum__plain_encode(thrum_bytes text, thrum__place *place,
                           thrum__room room, bool dotted)
{
    char *to = room.at;

    while (place->offset < text.size &&
           room.size - (size_t)(to - room.at) >= THRUM__ENCODE_LEAST) {
        const char *at = text.data + place->offset;
        size_t size;

        if (encode_is_break(*at)) {
            memcpy(to, "\r\n", 2);
            to += 2;
            place->offset +=
                encode_break((thrum_bytes){at, text.size - place->offset});
            place->column = 0;
            continue;
        }
        if (dotted && *at == '.' && place->column == 0)
            *to++ = '.';
        size =
            thrum__text_span(encode_class, ENCODE_PLAIN,
                             encode_rest(text, place->offset,
                                         room.size - (size_t)(to - room.at)));
        memcpy(to, at, size);
        to += size;
        place->offset += size;
        place->column += size;
    }
    return (size_t)(to - room.at);
}

size_t thrum__plain_dots(thrum_bytes text)
{
    size_t dots = 0;
    bool at_start = true;

    for (size_t i = 0; i < text.size; i++) {
        dots += at_start && text.data[i] == '.';
        at_start = encode_is_break(text.data[i]);
    }
    return dots;
}

size_t thrum__dots_unstuff(thrum_bytes dotted, thrum__place *place,
                           thrum__room room)
{
    size_t written = 0;

    while (place->offset < dotted.size && written < room.size) {
        thrum_bytes rest =
            encode_rest(dotted, place->offset, room.size - written);
        const char *end = memchr(rest.data, '\n', rest.size);

        if (place->column == 0 && rest.data[0] == '.') {
            place->offset++;
            place->column = 1; /* what follows it is no second one */
            continue;
        }
        if (end != NULL)
            rest.size = (size_t)(end - rest.data) + 1;
        memcpy(room.at + written, rest.data, rest.size);
        written += rest.size;
        place->offset += rest.size;
        place->column = end == NULL;
    }
    return written;
}
