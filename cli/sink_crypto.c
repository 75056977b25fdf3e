/* SPDX-License-Identifier: MIT */
/*
 * With keys and algorithms that are known, GnuTLS's functions fail without
 * memory only, or where the system allows no such hash. The digest is random
 * then: it fits nothing.
 */
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <thrum/failure.h>

#include "cli/sink_crypto.h"

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static const struct {
    gnutls_digest_algorithm_t digest;
    gnutls_mac_algorithm_t mac;
    size_t size;
} hashes[] = {
    [SINK_MD5] = {GNUTLS_DIG_MD5, GNUTLS_MAC_MD5, 16},
    [SINK_SHA1] = {GNUTLS_DIG_SHA1, GNUTLS_MAC_SHA1, 20},
    [SINK_SHA256] = {GNUTLS_DIG_SHA256, GNUTLS_MAC_SHA256, 32},
};

size_t sink_digest_size(sink_hash hash)
{
    return hashes[hash].size;
}

static void digest_check(sink_hash hash, int error, unsigned char *out)
{
    if (error < 0)
        sink_random(out, hashes[hash].size);
}

void sink_digest(sink_hash hash, thrum_bytes data, unsigned char *out)
{
    int error =
        gnutls_hash_fast(hashes[hash].digest, data.data, data.size, out);

    digest_check(hash, error, out);
}

void sink_hmac(sink_hash hash, thrum_bytes key, thrum_bytes data,
               unsigned char *out)
{
    int error = gnutls_hmac_fast(hashes[hash].mac, key.data, key.size,
                                 data.data, data.size, out);

    digest_check(hash, error, out);
}

void sink_hi(sink_hash hash, thrum_bytes password, thrum_bytes salt,
             unsigned iterations, unsigned char *out)
{
    gnutls_datum_t key = {(unsigned char *)password.data,
                          (unsigned)password.size};
    gnutls_datum_t grain = {(unsigned char *)salt.data, (unsigned)salt.size};
    int error = gnutls_pbkdf2(hashes[hash].mac, &key, &grain, iterations, out,
                              hashes[hash].size);

    digest_check(hash, error, out);
}

bool sink_is_same(thrum_bytes one, thrum_bytes other)
{
    return one.size == other.size &&
           (one.size == 0 ||
            gnutls_memcmp(one.data, other.data, one.size) == 0);
}

/* GnuTLS has its generator from when the program started: it cannot fail. */
void sink_random(void *out, size_t size)
{
    gnutls_rnd(GNUTLS_RND_NONCE, out, size);
}

int sink_base64_add(thrum_buffer *to, thrum_bytes data)
{
    const unsigned char *at = (const unsigned char *)data.data;
    size_t size = (data.size + 2) / 3 * 4, left = data.size;
    char *out = thrum_buffer_reserve(to, size);

    if (out == NULL)
        return THRUM_E_NOMEM;
    for (; left > 0; at += 3, out += 4) {
        unsigned bits = (unsigned)at[0] << 16;

        bits |= left > 1 ? (unsigned)at[1] << 8 : 0;
        bits |= left > 2 ? at[2] : 0;
        out[0] = base64_digits[bits >> 18];
        out[1] = base64_digits[bits >> 12 & 63];
        out[2] = left > 1 ? base64_digits[bits >> 6 & 63] : '=';
        out[3] = left > 2 ? base64_digits[bits & 63] : '=';
        left -= left < 3 ? left : 3;
    }
    thrum_buffer_commit(to, size);
    return 0;
}

static int base64_value(char digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

/* Four digits to `out`. Returns how many bytes they are, or -1. */
static int base64_group(const char *at, bool last, char *out)
{
    int bytes = 3 - (at[3] == '=') - (at[3] == '=' && at[2] == '=');
    unsigned bits = 0;

    if (bytes < 3 && !last)
        return -1;
    for (int i = 0; i <= bytes; i++) {
        int value = base64_value(at[i]);

        if (value < 0)
            return -1;
        bits |= (unsigned)value << (18 - 6 * i);
    }
    if ((bits & (0xffffffU >> (8 * bytes))) != 0)
        return -1;
    for (int i = 0; i < bytes; i++)
        out[i] = (char)(bits >> (16 - 8 * i));
    return bytes;
}

long sink_base64_decode(thrum_bytes text, char *out)
{
    long size = 0;

    if (text.size % 4 != 0)
        return -1;
    for (size_t at = 0; at < text.size; at += 4) {
        int bytes =
            base64_group(text.data + at, at + 4 == text.size, out + size);

        if (bytes < 0)
            return -1;
        size += bytes;
    }
    return size;
}
