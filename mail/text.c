/* SPDX-License-Identifier: MIT */
/*
 * Scanning goes by words of eight bytes. A byte is looked for in a word by a
 * subtraction that borrows into the byte's highest bit; a borrow may also be
 * seen in the byte above one that was found, never without one.
 */
#include "mail/text.h"

#define TEXT_EACH(byte) (UINT64_C(0x0101010101010101) * (byte))
#define TEXT_TOP TEXT_EACH(0x80)

static inline uint64_t text_word(const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof word);
    return word;
}

/* Less than eight bytes as a word, by reads that overlap: no loop, nothing
 * read past the end, and no byte in it that is not in the text. */
static inline uint64_t text_short(const char *data, size_t size)
{
    uint32_t head, tail;

    if (size >= 4) {
        memcpy(&head, data, 4);
        memcpy(&tail, data + size - 4, 4);
        return (uint64_t)head << 32 | tail;
    }
    if (size == 0)
        return TEXT_EACH(' ');
    return TEXT_EACH((unsigned char)data[0]) >> 32 << 32 |
           (uint64_t)(unsigned char)data[size / 2] << 16 |
           (uint64_t)(unsigned char)data[size / 2] << 24 |
           (uint64_t)(unsigned char)data[size - 1] << 8 |
           (unsigned char)data[size - 1];
}

static inline uint64_t text_below(uint64_t word, unsigned char byte)
{
    return (word - TEXT_EACH(byte)) & ~word & TEXT_TOP;
}

static inline unsigned text_look(uint64_t word)
{
    uint64_t control =
        text_below(word, 0x20) | text_below(word ^ TEXT_EACH(0x7f), 1);

    return ((word & TEXT_TOP) != 0 ? THRUM__TEXT_HIGH : 0u) |
           (control != 0 ? THRUM__TEXT_CONTROL : 0u) |
           (text_below(word ^ TEXT_EACH('='), 1) != 0 ? THRUM__TEXT_EQUALS
                                                      : 0u);
}

unsigned thrum__text_scan(thrum_bytes text)
{
    unsigned found = 0;
    size_t at = 0;

    if (text.size < 8)
        return text_look(text_short(text.data, text.size));
    for (; at + 8 < text.size; at += 8)
        found |= text_look(text_word(text.data + at));
    return found | text_look(text_word(text.data + text.size - 8));
}

/* How many bytes the character at `at` has, 0 when it is none (RFC 3629
 * section 4). Its first byte is past US-ASCII. */
static size_t text_character(const unsigned char *at, size_t left)
{
    unsigned char low = 0x80, high = 0xbf, first = at[0];
    size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

    if (first < 0xc2 || first > 0xf4 || left < size)
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

        if (at + 8 <= text.size && (text_word(text.data + at) & TEXT_TOP) == 0)
            size = 8;
        else if (data[at] >= 0x80)
            size = text_character(data + at, text.size - at);
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
