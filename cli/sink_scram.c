/* SPDX-License-Identifier: MIT */
/*
 * SCRAM (RFC 5802) without channel binding. Who names another user is only told
 * so at the end, as for a wrong password. Names are compared as they are: no
 * SASLprep.
 */
#include <string.h>

#include "cli/sink_sasl.h"

static thrum_bytes scram_bytes(const void *data, size_t size)
{
    return (thrum_bytes){data, size};
}

static bool scram_is_printable(thrum_bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~' || text.data[i] == ',')
            return false;
    return text.size > 0;
}

/* "n,," or "y,a=user,": no binding, which "y" regrets. */
static bool scram_read_header(sink_sasl *sasl, thrum_bytes *rest)
{
    thrum_bytes flag, actor;
    const char *from = rest->data;

    if (!sink_word_take(rest, ',', &flag) || flag.size != 1 ||
        (flag.data[0] != 'n' && flag.data[0] != 'y') ||
        !sink_word_take(rest, ',', &actor))
        return false;
    sasl->header = (size_t)(rest->data - from);
    sasl->right = actor.size == 0;
    if (actor.size > 0 && !sink_prefix_take(&actor, "a="))
        return false;
    if (!sasl->right)
        sasl->right = sink_saslname_is_user(sasl, actor);
    return true;
}

/* The first answer: header "n=" user ",r=" nonce. What comes behind a comma
 * there is an extension, and may be ignored; "m=" before may not. */
static bool scram_read_first(sink_sasl *sasl, thrum_bytes said,
                             thrum_bytes *nonce)
{
    thrum_bytes name, rest = said, extension;

    if (!scram_read_header(sasl, &rest) || !sink_prefix_take(&rest, "n=") ||
        !sink_word_take(&rest, ',', &name) || name.size == 0 ||
        !sink_prefix_take(&rest, "r="))
        return false;
    sasl->right = sink_saslname_is_user(sasl, name) && sasl->right;
    *nonce = rest;
    if (sink_word_take(&rest, ',', &extension))
        *nonce = extension;
    return scram_is_printable(*nonce);
}

/* `said` then holds header, client-first-bare, comma, server-first. */
static sink_sasl_answer scram_challenge(sink_sasl *sasl, thrum_bytes said,
                                        thrum_bytes nonce)
{
    const sink_account *account = sasl->account;
    int error;

    thrum_buffer_clear(&sasl->challenge);
    error =
        thrum_buffer_format(&sasl->challenge, "r=%.*s%s,s=", (int)nonce.size,
                            nonce.data, sasl->nonce);
    if (error == 0)
        error = sink_base64_add(&sasl->challenge,
                                scram_bytes(account->salt, account->salt_size));
    if (error == 0)
        error = thrum_buffer_format(&sasl->challenge, ",i=%d", SINK_ITERATIONS);
    if (error == 0)
        error = thrum_buffer_append(&sasl->said, said.data, said.size);
    if (error == 0)
        error = thrum_buffer_append(&sasl->said, ",", 1);
    if (error == 0)
        error = thrum_buffer_append(&sasl->said, sasl->challenge.data,
                                    sasl->challenge.size);
    return error == 0 ? SINK_SASL_GO_ON : SINK_SASL_NOMEM;
}

/* Takes "c=" of the header, then "r=" of both nonces, off the front. */
static bool scram_read_binding(sink_sasl *sasl, thrum_bytes *rest)
{
    thrum_bytes both = {sasl->challenge.data, sasl->challenge.size};
    thrum_bytes header, binding, nonces;
    char decoded[SINK_SASL_MOST];
    long size;

    if (!sink_prefix_take(rest, "c=") || !sink_word_take(rest, ',', &binding) ||
        binding.size > sizeof decoded)
        return false;
    size = sink_base64_decode(binding, decoded);
    header = scram_bytes(sasl->said.data, sasl->header);
    if (size < 0 || !sink_is_same(header, scram_bytes(decoded, (size_t)size)))
        return false;
    return sink_prefix_take(rest, "r=") && sink_word_take(rest, ',', &nonces) &&
           sink_prefix_take(&both, "r=") &&
           sink_word_take(&both, ',', &binding) &&
           sink_is_same(nonces, binding);
}

/* The last "p=" in what is left, behind extensions that are ignored. */
static bool scram_read_proof(thrum_bytes rest, unsigned char *proof,
                             size_t wanted)
{
    char decoded[SINK_DIGEST_MAX * 2];
    thrum_bytes extension;
    long size;

    while (sink_word_take(&rest, ',', &extension))
        continue;
    if (!sink_prefix_take(&rest, "p=") || rest.size > sizeof decoded)
        return false;
    size = sink_base64_decode(rest, decoded);
    if (size != (long)wanted)
        return false;
    memcpy(proof, decoded, wanted);
    return true;
}

/* AuthMessage: all three, the last one up to ",p=". */
static int scram_sign(sink_sasl *sasl, thrum_bytes said, thrum_bytes *message)
{
    const char *proof = memrchr(said.data, ',', said.size);
    int error = thrum_buffer_append(&sasl->said, ",", 1);

    if (error == 0)
        error = thrum_buffer_append(&sasl->said, said.data,
                                    (size_t)(proof - said.data));
    *message = scram_bytes(sasl->said.data + sasl->header,
                           sasl->said.size - sasl->header);
    return error;
}

/* ClientProof is ClientKey ^ HMAC(StoredKey, AuthMessage), and StoredKey the
 * digest of ClientKey. */
static bool scram_is_proof(sink_sasl *sasl, thrum_bytes message,
                           unsigned char *proof)
{
    sink_hash hash = sasl->mechanism->hash;
    const sink_keys *keys =
        hash == SINK_SHA1 ? &sasl->account->sha1 : &sasl->account->sha256;
    size_t size = sink_digest_size(hash);
    unsigned char signature[SINK_DIGEST_MAX];

    sink_hmac(hash, scram_bytes(keys->stored, size), message, signature);
    for (size_t i = 0; i < size; i++)
        proof[i] ^= signature[i];
    sink_digest(hash, scram_bytes(proof, size), signature);
    return sink_is_same(scram_bytes(signature, size),
                        scram_bytes(keys->stored, size));
}

/* "v=" and the server's own proof, to which nothing is left to say. */
static sink_sasl_answer scram_end(sink_sasl *sasl, thrum_bytes message)
{
    sink_hash hash = sasl->mechanism->hash;
    const sink_keys *keys =
        hash == SINK_SHA1 ? &sasl->account->sha1 : &sasl->account->sha256;
    size_t size = sink_digest_size(hash);
    unsigned char signature[SINK_DIGEST_MAX];

    sink_hmac(hash, scram_bytes(keys->server, size), message, signature);
    if (sink_sasl_challenge(sasl, "v=", 2) != SINK_SASL_GO_ON ||
        sink_base64_add(&sasl->challenge, scram_bytes(signature, size)) != 0)
        return SINK_SASL_NOMEM;
    return SINK_SASL_GO_ON;
}

static sink_sasl_answer scram_last(sink_sasl *sasl, thrum_bytes said)
{
    size_t size = sink_digest_size(sasl->mechanism->hash);
    unsigned char proof[SINK_DIGEST_MAX];
    thrum_bytes message, rest = said;

    if (!scram_read_binding(sasl, &rest) ||
        !scram_read_proof(rest, proof, size))
        return SINK_SASL_WRONG;
    if (scram_sign(sasl, said, &message) != 0)
        return SINK_SASL_NOMEM;
    if (!scram_is_proof(sasl, message, proof) || !sasl->right)
        return SINK_SASL_BAD;
    return scram_end(sasl, message);
}

sink_sasl_answer sink_scram_take(sink_sasl *sasl, thrum_bytes said)
{
    thrum_bytes nonce;

    if (sasl->step == 0)
        return scram_read_first(sasl, said, &nonce)
                   ? scram_challenge(sasl, said, nonce)
                   : SINK_SASL_WRONG;
    if (sasl->step == 1)
        return scram_last(sasl, said);
    return said.size == 0 ? SINK_SASL_GOOD : SINK_SASL_WRONG;
}
