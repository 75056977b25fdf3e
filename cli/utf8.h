/* SPDX-License-Identifier: MIT */
/* One character of UTF-8 (RFC 3629). */
#ifndef THRUM_CLI_UTF8_H
#define THRUM_CLI_UTF8_H

#include <stddef.h>

/* How many bytes the character at `data` has: 1 to 4. 0: the `size` bytes are
 * the beginning of one and end too early. -1: it is not UTF-8 (overlong forms,
 * surrogates and what is past U+10FFFF are not). `size` is at least 1. */
static inline int cli_utf8_length(const char *data, size_t size)
{
    const unsigned char *at = (const unsigned char *)data;
    unsigned least = 0x80, most = 0xbf;
    int length;

    if (at[0] < 0x80)
        return 1;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return -1;
    length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (at[0] == 0xe0)
        least = 0xa0;
    else if (at[0] == 0xed)
        most = 0x9f;
    else if (at[0] == 0xf0)
        least = 0x90;
    else if (at[0] == 0xf4)
        most = 0x8f;
    for (int i = 1; i < length; i++) {
        if ((size_t)i >= size)
            return 0;
        if (at[i] < least || at[i] > most)
            return -1;
        least = 0x80;
        most = 0xbf;
    }
    return length;
}

#endif
