/* SPDX-License-Identifier: MIT */
/*
 * What bytes are made of: UTF-8 or not, control characters or not.
 */
#ifndef THRUM_MAIL_TEXT_H
#define THRUM_MAIL_TEXT_H

#include <stdbool.h>
#include <string.h>

#include <thrum/api.h>

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
