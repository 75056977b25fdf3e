/* SPDX-License-Identifier: MIT */
/*
 * Base64 (RFC 4648 section 4), as AUTH has it (RFC 4954 section 4): in one
 * line, with its padding. The decoder takes what the encoder writes, and
 * nothing else.
 */
#ifndef THRUM_MAIL_SMTP_BASE64_H
#define THRUM_MAIL_SMTP_BASE64_H

#include <stdbool.h>

#include <thrum/api.h>

/* How long so many bytes become. */
static inline size_t thrum__base64_size(size_t size)
{
    return (size + 2) / 3 * 4;
}

/* Writes thrum__base64_size(bytes.size) bytes. */
void thrum__base64_encode(char *to, thrum_bytes bytes);

/* Writes at most 3 bytes for each 4 of `text`, and their number to *size.
 * False: it is not base64; then what stands in `to` is nothing. */
bool thrum__base64_decode(char *to, size_t *size, thrum_bytes text);

#endif
