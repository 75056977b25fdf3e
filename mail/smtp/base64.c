/* SPDX-License-Identifier: MIT */
#include "mail/smtp/base64.h"

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t base64_byte(thrum_bytes bytes, size_t at)
{
    return at < bytes.size ? (unsigned char)bytes.data[at] : 0;
}

void thrum__base64_encode(char *to, thrum_bytes bytes)
{
    for (size_t at = 0; at < bytes.size; at += 3) {
        uint32_t three = base64_byte(bytes, at) << 16 |
                         base64_byte(bytes, at + 1) << 8 |
                         base64_byte(bytes, at + 2);

        *to++ = base64_digits[three >> 18];
        *to++ = base64_digits[three >> 12 & 63];
        *to++ = at + 1 < bytes.size ? base64_digits[three >> 6 & 63] : '=';
        *to++ = at + 2 < bytes.size ? base64_digits[three & 63] : '=';
    }
}

/* What a digit stands for; 64 when it is none. */
static uint32_t base64_value(char digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return (uint32_t)(digit - 'A');
    if (digit >= 'a' && digit <= 'z')
        return (uint32_t)(digit - 'a' + 26);
    if (digit >= '0' && digit <= '9')
        return (uint32_t)(digit - '0' + 52);
    return digit == '+' ? 62 : digit == '/' ? 63 : 64;
}

/* Four digits, of which the last `padding` are "=". Bits that no byte gets are
 * 0: each text has one form. */
static bool base64_four(const char *text, unsigned padding, uint32_t *three)
{
    *three = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t value = i < 4 - padding ? base64_value(text[i]) : 0;

        if (value == 64)
            return false;
        *three = *three << 6 | value;
    }
    return (*three & ((UINT32_C(1) << 8 * padding) - 1)) == 0;
}

bool thrum__base64_decode(char *to, size_t *size, thrum_bytes text)
{
    unsigned padding = 0;
    uint32_t three;

    *size = 0;
    if (text.size % 4 != 0)
        return false;
    for (size_t at = 0; at < text.size; at += 4) {
        const char *four = text.data + at;

        if (at + 4 == text.size)
            padding = four[3] != '=' ? 0 : four[2] != '=' ? 1 : 2;
        if (!base64_four(four, padding, &three))
            return false;
        to[(*size)++] = (char)(three >> 16);
        if (padding < 2)
            to[(*size)++] = (char)(three >> 8 & 0xff);
        if (padding < 1)
            to[(*size)++] = (char)(three & 0xff);
    }
    return true;
}
