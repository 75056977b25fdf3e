/* SPDX-License-Identifier: MIT */
/*
 * SCRAM (RFC 5802, RFC 7677) without channel binding: the header is "n,,", so
 * no server is told that we could have bound it. The client proves that it
 * knows the password without showing it, and the server has to do the same.
 *
 * What is signed is the AuthMessage: the bare first message, the server's
 * first, and the final one without its proof, with commas between.
 */
#include <string.h>

#include <gnutls/gnutls.h>

#include "mail/smtp/base64.h"
#include "mail/smtp/sasl_internal.h"

static const char scram_header[] = "n,,";
static const char scram_final[] = "c=biws,r="; /* biws: "n,," in base64 */

/* One "x=value" of a message. */
typedef struct scram_part {
    char name;
    thrum_bytes value;
} scram_part;

/* What the server's first message says. */
typedef struct scram_first {
    thrum_bytes nonce;
    thrum__scram_salting salting;
} scram_first;

void thrum__scram_set_nonce(thrum__sasl *sasl, const char *nonce)
{
    size_t size = strlen(nonce);

    if (size > THRUM__SCRAM_NONCE)
        size = THRUM__SCRAM_NONCE;
    memcpy(sasl->scram.nonce, nonce, size);
    sasl->scram.nonce[size] = '\0';
}

void thrum__scram_fini(thrum__sasl *sasl)
{
    thrum__scram_key_unref(sasl->scram.key);
    thrum_context_release(sasl->context, sasl->scram.messages);
}

/* ---- The AuthMessage ---- */

static void scram_note(thrum__sasl *sasl, const char *data, size_t size)
{
    memcpy(sasl->scram.messages + sasl->scram.said, data, size);
    sasl->scram.said += size;
}

/* Room for the three messages, of which the server's has a cap. */
static bool scram_make_room(thrum__sasl *sasl)
{
    size_t user = strlen(thrum_smtp_account_user(sasl->account));

    sasl->scram.messages = thrum_context_allocate(
        sasl->context, 3 * user + 2 * THRUM__SASL_CHALLENGE + 128);
    return sasl->scram.messages != NULL;
}

/* ---- Reading ---- */

/* The next part; false: there is none, or something that is none. */
static bool scram_next(thrum_bytes *message, scram_part *part)
{
    const char *comma;
    size_t size;

    if (message->size < 2 || message->data[1] != '=')
        return false;
    comma = memchr(message->data, ',', message->size);
    size = comma != NULL ? (size_t)(comma - message->data) : message->size;
    part->name = message->data[0];
    part->value = (thrum_bytes){message->data + 2, size - 2};
    size += comma != NULL;
    message->data += size;
    message->size -= size;
    return true;
}

/* A number without sign or blanks; past what is allowed it does not matter how
 * far. */
static unsigned scram_number(thrum_bytes text)
{
    unsigned number = 0;

    if (text.size == 0 || text.data[0] == '0')
        return 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned char)text.data[i] - (unsigned)'0';

        if (digit > 9)
            return 0;
        if (number <= THRUM__SCRAM_MOST)
            number = 10 * number + digit;
    }
    return number;
}

static bool scram_begins(thrum_bytes text, const char *with)
{
    size_t size = strlen(with);

    return text.size >= size && memcmp(text.data, with, size) == 0;
}

/* RFC 5802, section 5.1: nonces are printable, and have no comma. */
static bool scram_is_printable(thrum_bytes text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '!' || text.data[i] > '~')
            return false;
    return true;
}

static const char *scram_read_salt(scram_first *first, thrum_bytes text)
{
    char salt[THRUM__SASL_CHALLENGE];
    size_t size;

    if (text.size > sizeof salt || !thrum__base64_decode(salt, &size, text))
        return "the salt is not base64";
    if (size == 0)
        return "there is no salt";
    if (size > THRUM__SCRAM_SALT)
        return "the salt is too long";
    memcpy(first->salting.salt, salt, size);
    first->salting.salt_size = size;
    return NULL;
}

/* Returns what is wrong; NULL: nothing. Extensions behind the three parts may
 * be ignored, unless they are mandatory ("m="), which none is that we know. */
static const char *scram_read_first(const thrum__sasl *sasl,
                                    thrum_bytes message, scram_first *first)
{
    const char *wrong;
    scram_part part;

    if (scram_begins(message, "m="))
        return "it wants an extension that is not known";
    if (!scram_next(&message, &part) || part.name != 'r')
        return "the challenge has no nonce";
    first->nonce = part.value;
    if (!scram_begins(part.value, sasl->scram.nonce) ||
        part.value.size == strlen(sasl->scram.nonce) ||
        !scram_is_printable(part.value))
        return "the nonce is not ours and more";
    if (!scram_next(&message, &part) || part.name != 's')
        return "there is no salt";
    wrong = scram_read_salt(first, part.value);
    if (wrong != NULL)
        return wrong;
    if (!scram_next(&message, &part) || part.name != 'i')
        return "the challenge has no iterations";
    first->salting.iterations = scram_number(part.value);
    if (first->salting.iterations < THRUM__SCRAM_LEAST)
        return "it asks for too few iterations";
    if (first->salting.iterations > THRUM__SCRAM_MOST)
        return "it asks for too many iterations";
    while (message.size > 0)
        if (!scram_next(&message, &part) || part.name == 'm')
            return "it wants an extension that is not known";
    return NULL;
}

/* ---- The dialogue ---- */

static thrum__sasl_step scram_begin(thrum__sasl *sasl)
{
    const char *bare;

    if (!scram_make_room(sasl))
        return THRUM__SASL_NOMEM;
    thrum__sasl_say_text(sasl, scram_header);
    thrum__sasl_say_text(sasl, "n=");
    thrum__sasl_say_name(sasl, thrum_smtp_account_user(sasl->account));
    thrum__sasl_say_text(sasl, ",r=");
    thrum__sasl_say_text(sasl, sasl->scram.nonce);
    bare = thrum__sasl_said(sasl).data + sizeof scram_header - 1;
    scram_note(sasl, bare, sasl->size - (sizeof scram_header - 1));
    return THRUM__SASL_RESPOND;
}

/* ClientProof := ClientKey XOR HMAC(H(ClientKey), AuthMessage) */
static bool scram_prove(thrum__sasl *sasl)
{
    unsigned char stored[THRUM__SCRAM_HASH] = {0};
    unsigned char proof[THRUM__SCRAM_HASH] = {0};
    const unsigned char *client = thrum__scram_key_client(sasl->scram.key);
    size_t size = thrum__scram_hash_size(sasl->mechanism);
    thrum_bytes all = {sasl->scram.messages, sasl->scram.said};
    char text[(THRUM__SCRAM_HASH + 2) / 3 * 4];

    bool made = thrum__scram_hash(sasl->mechanism, client, stored) &&
                thrum__scram_hmac(sasl->mechanism, stored, all, proof) &&
                thrum__scram_hmac(sasl->mechanism,
                                  thrum__scram_key_server(sasl->scram.key), all,
                                  sasl->scram.expected);

    for (size_t i = 0; i < size; i++)
        proof[i] ^= client[i];
    thrum__base64_encode(text, (thrum_bytes){(const char *)proof, size});
    thrum__sasl_say(sasl, text, thrum__base64_size(size));
    explicit_bzero(stored, sizeof stored);
    explicit_bzero(proof, sizeof proof);
    return made;
}

static thrum__sasl_step scram_answer_first(thrum__sasl *sasl,
                                           thrum_bytes challenge)
{
    scram_first first = {.salting = {.mechanism = sasl->mechanism}};
    const char *wrong = scram_read_first(sasl, challenge, &first);
    int made;

    if (wrong != NULL)
        return thrum__sasl_cancel(sasl, wrong);
    if (sasl->scram.key == NULL)
        sasl->scram.key =
            thrum__account_key(sasl->account, sasl->secret, &first.salting);
    if (sasl->scram.key == NULL)
        return THRUM__SASL_NOMEM;
    made = thrum__scram_key_work(sasl->scram.key);
    if (made == 0)
        return THRUM__SASL_THINK;
    thrum__sasl_say_text(sasl, scram_final);
    thrum__sasl_say(sasl, first.nonce.data, first.nonce.size);
    scram_note(sasl, ",", 1);
    scram_note(sasl, challenge.data, challenge.size);
    scram_note(sasl, ",", 1);
    scram_note(sasl, thrum__sasl_said(sasl).data, sasl->size);
    thrum__sasl_say_text(sasl, ",p=");
    return made == 1 && scram_prove(sasl)
               ? THRUM__SASL_RESPOND
               : thrum__sasl_cancel(sasl, "the hash is not to be had here");
}

/* "e=" is a refusal: an empty answer makes the server say so in a reply. */
static thrum__sasl_step scram_answer_final(thrum__sasl *sasl,
                                           thrum_bytes challenge)
{
    char signature[THRUM__SASL_CHALLENGE];
    scram_part part;
    size_t size;

    if (!scram_next(&challenge, &part) ||
        (part.name != 'v' && part.name != 'e'))
        return thrum__sasl_cancel(sasl, "there is no signature");
    if (part.name == 'e')
        return THRUM__SASL_RESPOND;
    if (part.value.size > sizeof signature ||
        !thrum__base64_decode(signature, &size, part.value) ||
        size != thrum__scram_hash_size(sasl->mechanism) ||
        gnutls_memcmp(signature, sasl->scram.expected, size) != 0)
        return thrum__sasl_cancel(sasl, "its signature is not that of one that "
                                        "knows the password");
    sasl->believes = true;
    return THRUM__SASL_RESPOND;
}

thrum__sasl_step thrum__scram_step(thrum__sasl *sasl, thrum_bytes challenge)
{
    switch (sasl->said) {
    case 0:
        return scram_begin(sasl);
    case 1:
        return scram_answer_first(sasl, challenge);
    case 2:
        return scram_answer_final(sasl, challenge);
    default:
        return thrum__sasl_cancel(sasl, "it asks for more than there is to "
                                        "say");
    }
}
