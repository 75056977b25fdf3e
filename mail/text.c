/* SPDX-License-Identifier: MIT */
#include "mail/text.h"

unsigned thrum__text_scan(thrum_bytes text)
{
    unsigned found = 0;

    if (thrum__text_is_plain(text))
        return 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (byte < 0x20 || byte == 0x7f)
            found |= THRUM__TEXT_CONTROL;
        else if (byte >= 0x80)
            found |= THRUM__TEXT_HIGH;
        else if (byte == '=')
            found |= THRUM__TEXT_EQUALS;
    }
    return found;
}

/* RFC 3629 section 4. */
size_t thrum__text_character(thrum_bytes text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    unsigned char low = 0x80, high = 0xbf, first = at[0];
    size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first < 0xc2 || first > 0xf4 || text.size < size)
        return 0;
    if (first == 0xe0)
        low = 0xa0;
    else if (first == 0xed)
        high = 0x9f;
    else if (first == 0xf0)
        low = 0x90;
    else if (first == 0xf4)
        high = 0x8f;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

bool thrum__text_is_utf8(thrum_bytes text)
{
    const unsigned char *data = (const unsigned char *)text.data;
    size_t at = 0;

    while (at < text.size) {
        size_t size = 1;

        if (at + 8 <= text.size &&
            (thrum__text_word(text.data + at) & THRUM__EACH(0x80)) == 0)
            size = 8;
        else if (data[at] >= 0x80)
            size = thrum__text_character(
                (thrum_bytes){text.data + at, text.size - at});
        if (size == 0)
            return false;
        at += size;
    }
    return true;
}

static const char *text_control(thrum_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];

        if (byte == '\r' || byte == '\n')
            return "a line break";
        if (byte == '\0')
            return "a NUL";
        if (byte < 0x20 || byte == 0x7f)
            return "a control character";
    }
    return NULL;
}

const char *thrum__text_line(thrum_bytes text)
{
    unsigned found = thrum__text_scan(text);
    const char *wrong = NULL;

    if ((found & THRUM__TEXT_CONTROL) != 0)
        wrong = text_control(text);
    if (wrong == NULL && (found & THRUM__TEXT_HIGH) != 0 &&
        !thrum__text_is_utf8(text))
        wrong = "bytes that are not UTF-8";
    return wrong;
}

const char *thrum__text_lines(thrum_bytes text)
{
    if (text.size > 0 && memchr(text.data, '\0', text.size) != NULL)
        return "a NUL";
    return thrum__text_is_utf8(text) ? NULL : "bytes that are not UTF-8";
}
