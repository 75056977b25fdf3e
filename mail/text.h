/* SPDX-License-Identifier: MIT */
/*
 * What bytes are made of: UTF-8 or not, control characters or not.
 */
#ifndef THRUM_MAIL_TEXT_H
#define THRUM_MAIL_TEXT_H

#include <stdbool.h>
#include <string.h>

#include <thrum/api.h>

/* The same byte eight times. */
#define THRUM__EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* What thrum__text_scan found. */
enum {
    THRUM__TEXT_HIGH = 1,    /* a byte past US-ASCII */
    THRUM__TEXT_CONTROL = 2, /* below 0x20, or 0x7f */
    THRUM__TEXT_EQUALS = 4   /* "=", with which encoded words begin */
};

/* What is in the bytes: 0 for printable US-ASCII without "=". */
unsigned thrum__text_scan(thrum_bytes text);

/* Whether they are UTF-8 (RFC 3629: no surrogates, nothing overlong). */
bool thrum__text_is_utf8(thrum_bytes text);

/* How many bytes the character at the text's start has, which is past US-ASCII;
 * 0 when it is no UTF-8. */
size_t thrum__text_character(thrum_bytes text);

/* Whether they could stand in a header or in the envelope: UTF-8 without
 * control characters. NULL when they are, else what is wrong, in words.
 * Ownership: borrowed, static. */
const char *thrum__text_line(thrum_bytes text);

/* The same for a text of many lines: UTF-8 without NUL. */
const char *thrum__text_lines(thrum_bytes text);

/* How many bytes at the front are of the class. Four at a time, so that most
 * cost a load, a test and a branch. */
static inline size_t thrum__text_span(const unsigned char classes[256],
                                      unsigned class, thrum_bytes text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    const unsigned char *end = at + text.size;

    for (; end - at >= 4; at += 4) {
        if ((classes[at[0]] & class) == 0)
            break;
        if ((classes[at[1]] & class) == 0)
            return text.size - (size_t)(end - at) + 1;
        if ((classes[at[2]] & class) == 0)
            return text.size - (size_t)(end - at) + 2;
        if ((classes[at[3]] & class) == 0)
            return text.size - (size_t)(end - at) + 3;
    }
    while (at < end && (classes[*at] & class) != 0)
        at++;
    return text.size - (size_t)(end - at);
}

static inline uint64_t thrum__text_word(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

/* Up to seven bytes as a word that holds no others: read twice where they
 * overlap, so that there is no loop. */
static inline uint64_t thrum__text_short(thrum_bytes text)
{
    uint32_t head, tail;
    uint64_t bytes = THRUM__EACH(' ') << 24;

    if (text.size >= 4) {
        memcpy(&head, text.data, 4);
        memcpy(&tail, text.data + text.size - 4, 4);
        return (uint64_t)head << 32 | tail;
    }
    if (text.size == 0)
        return THRUM__EACH(' ');
    bytes |= (unsigned char)text.data[0];
    bytes |= (uint64_t)(unsigned char)text.data[text.size / 2] << 8;
    return bytes | (uint64_t)(unsigned char)text.data[text.size - 1] << 16;
}

/* A bit of each highest one is set when a byte of the word is not printable
 * US-ASCII, or is "=". A carry or borrow only comes from a byte that is not. */
static inline uint64_t thrum__text_unplain(uint64_t word)
{
    return word | (word - THRUM__EACH(0x20)) | (word + THRUM__EACH(1)) |
           ((word ^ THRUM__EACH('=')) - THRUM__EACH(1));
}

/* Whether all of it is printable US-ASCII without "=": nothing has to be done
 * to it. The last word overlaps the one before. */
static inline bool thrum__text_is_plain(thrum_bytes text)
{
    uint64_t found = 0;

    if (text.size < 8) {
        found = thrum__text_unplain(thrum__text_short(text));
    } else {
        const char *last = text.data + text.size - 8;

        for (const char *at = text.data; at < last; at += 8)
            found |= thrum__text_unplain(thrum__text_word(at));
        found |= thrum__text_unplain(thrum__text_word(last));
    }
    return (found & THRUM__EACH(0x80)) == 0;
}

/* Copies, and answers where the copy ends. Values and addresses are short, and
 * most of a call of memcpy would be the call. */
static inline char *thrum__text_copy(char *to, const char *from, size_t size)
{
    if (size > 32) {
        memcpy(to, from, size);
    } else if (size >= 16) {
        char first[16], last[16];

        memcpy(first, from, 16);
        memcpy(last, from + size - 16, 16);
        memcpy(to, first, 16);
        memcpy(to + size - 16, last, 16);
    } else if (size >= 8) {
        uint64_t first = thrum__text_word(from);
        uint64_t last = thrum__text_word(from + size - 8);

        memcpy(to, &first, 8);
        memcpy(to + size - 8, &last, 8);
    } else if (size >= 4) {
        uint32_t first, last;

        memcpy(&first, from, 4);
        memcpy(&last, from + size - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + size - 4, &last, 4);
    } else if (size > 0) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
    return to + size;
}

/* A C string as bytes; NULL, as of an environment variable that is not set, is
 * an empty one. */
static inline thrum_bytes thrum__text_of(const char *string)
{
    return string != NULL ? (thrum_bytes){string, strlen(string)}
                          : (thrum_bytes){"", 0};
}

/* Whether the text is this word, which is of small letters, in whatever case
 * and locale. */
static inline bool thrum__text_is_word(thrum_bytes text, const char *word)
{
    size_t i = 0;

    while (i < text.size && word[i] != '\0' &&
           (text.data[i] == word[i] ||
            (word[i] >= 'a' && text.data[i] == word[i] - 'a' + 'A')))
        i++;
    return i == text.size && word[i] == '\0';
}

/* Whether a slot may begin in it. */
static inline bool thrum__text_has_slot(thrum_bytes text)
{
    return text.size > 1 && memmem(text.data, text.size, "{{", 2) != NULL;
}

/* A blank, but no other white space. */
static inline bool thrum__text_is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

#endif
