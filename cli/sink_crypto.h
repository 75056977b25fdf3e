/* SPDX-License-Identifier: MIT */
/*
 * Base64 (RFC 4648 section 4), and what the mechanisms of AUTH need of GnuTLS.
 */
#ifndef THRUM_CLI_SINK_CRYPTO_H
#define THRUM_CLI_SINK_CRYPTO_H

#include <stdbool.h>

#include <thrum/buffer.h>

typedef enum sink_hash { SINK_MD5, SINK_SHA1, SINK_SHA256 } sink_hash;

enum { SINK_DIGEST_MAX = 32 };

/* How many bytes a digest has. */
size_t sink_digest_size(sink_hash hash);

/* The digest of some bytes. */
void sink_digest(sink_hash hash, thrum_bytes data, unsigned char *out);

/* Their HMAC (RFC 2104). */
void sink_hmac(sink_hash hash, thrum_bytes key, thrum_bytes data,
               unsigned char *out);

/* Hi() of RFC 5802: one block of PBKDF2 (RFC 8018). */
void sink_hi(sink_hash hash, thrum_bytes password, thrum_bytes salt,
             unsigned iterations, unsigned char *out);

/* Whether they are the same; how long that takes tells their sizes only. */
bool sink_is_same(thrum_bytes one, thrum_bytes other);

/* `size` random bytes. */
void sink_random(void *out, size_t size);

/* Adds the bytes in base64. Errors: THRUM_E_NOMEM, THRUM_E_FULL. */
int sink_base64_add(thrum_buffer *to, thrum_bytes data);

/* Decodes to `out`, with room for three quarters of the text. Returns how many
 * bytes, or -1: it is no base64, or not padded, or ends with stray bits. */
long sink_base64_decode(thrum_bytes text, char *out);

#endif
