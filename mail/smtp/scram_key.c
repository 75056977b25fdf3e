/* SPDX-License-Identifier: MIT */
#include <string.h>

#include <gnutls/crypto.h>

#include "mail/secret_internal.h"
#include "mail/smtp/scram_key.h"

/* So many iterations take half a millisecond, or two on machines that do SHA
 * without help. */
enum { SCRAM_SLICE = 1024 };

/* What lies in pages of a secret's. */
typedef struct scram_material {
    unsigned char last[THRUM__SCRAM_HASH]; /* Ui of RFC 5802, section 2.2 */
    unsigned char sum[THRUM__SCRAM_HASH];  /* Hi; the salted password */
    unsigned char client[THRUM__SCRAM_HASH];
    unsigned char server[THRUM__SCRAM_HASH];
} scram_material;

struct thrum__scram_key {
    thrum_context *context;
    size_t holders;
    thrum_secret *password;
    thrum_secret *pages;
    gnutls_hmac_hd_t hmac; /* keyed with the password, until it is done */
    unsigned done;         /* iterations */
    int made;              /* as thrum__scram_key_work */
    thrum__scram_salting salting;
};

static scram_material *scram_material_of(const thrum__scram_key *key)
{
    return (scram_material *)(void *)thrum__secret_fill(key->pages);
}

/* ---- What SCRAM is made of ---- */

size_t thrum__scram_hash_size(unsigned mechanism)
{
    return mechanism == THRUM_SMTP_SCRAM_SHA_1 ? 20 : 32;
}

static gnutls_mac_algorithm_t scram_mac(unsigned mechanism)
{
    return mechanism == THRUM_SMTP_SCRAM_SHA_1 ? GNUTLS_MAC_SHA1
                                               : GNUTLS_MAC_SHA256;
}

bool thrum__scram_hmac(unsigned mechanism, const unsigned char *key,
                       thrum_bytes data, unsigned char *to)
{
    return gnutls_hmac_fast(scram_mac(mechanism), key,
                            thrum__scram_hash_size(mechanism), data.data,
                            data.size, to) == 0;
}

bool thrum__scram_hash(unsigned mechanism, const unsigned char *data,
                       unsigned char *to)
{
    return gnutls_hash_fast((gnutls_digest_algorithm_t)scram_mac(mechanism),
                            data, thrum__scram_hash_size(mechanism), to) == 0;
}

/* ---- The keys ---- */

/* The first iteration is of the salt and the number 1: there is one block,
 * since as many bytes are wanted as the hash has. */
static bool scram_key_begin(thrum__scram_key *key)
{
    static const unsigned char one[] = {0, 0, 0, 1};
    scram_material *material = scram_material_of(key);

    if (gnutls_hmac(key->hmac, key->salting.salt, key->salting.salt_size) !=
            0 ||
        gnutls_hmac(key->hmac, one, sizeof one) != 0)
        return false;
    gnutls_hmac_output(key->hmac, material->last);
    memcpy(material->sum, material->last, sizeof material->sum);
    key->done = 1;
    return true;
}

thrum__scram_key *thrum__scram_key_new(thrum_context *context,
                                       thrum_secret *password,
                                       const thrum__scram_salting *salting)
{
    thrum__scram_key *key = thrum_context_allocate(context, sizeof *key);
    thrum_bytes bytes = thrum_secret_bytes(password);

    if (key == NULL)
        return NULL;
    key->pages = thrum__secret_room(context, sizeof(scram_material));
    if (key->pages == NULL ||
        gnutls_hmac_init(&key->hmac, scram_mac(salting->mechanism), bytes.data,
                         bytes.size) != 0) {
        thrum_secret_unref(key->pages);
        thrum_context_release(context, key);
        return NULL;
    }
    key->context = thrum_context_ref(context);
    key->holders = 1;
    key->made = 0;
    key->password = thrum_secret_ref(password);
    key->salting = *salting;
    if (scram_key_begin(key))
        return key;
    thrum__scram_key_unref(key);
    return NULL;
}

thrum__scram_key *thrum__scram_key_ref(thrum__scram_key *key)
{
    key->holders++;
    return key;
}

void thrum__scram_key_unref(thrum__scram_key *key)
{
    thrum_context *context;

    if (key == NULL || --key->holders > 0)
        return;
    if (key->hmac != NULL)
        gnutls_hmac_deinit(key->hmac, NULL);
    thrum_secret_unref(key->pages);
    thrum_secret_unref(key->password);
    context = key->context;
    thrum_context_release(context, key);
    thrum_context_unref(context);
}

bool thrum__scram_key_is(const thrum__scram_key *key,
                         const thrum_secret *password,
                         const thrum__scram_salting *salting)
{
    return key->password == password &&
           key->salting.mechanism == salting->mechanism &&
           key->salting.iterations == salting->iterations &&
           key->salting.salt_size == salting->salt_size &&
           memcmp(key->salting.salt, salting->salt, salting->salt_size) == 0;
}

/* The password and the sum are not needed once the keys are there. */
static int scram_key_finish(thrum__scram_key *key)
{
    static const char client[] = "Client Key", server[] = "Server Key";
    unsigned mechanism = key->salting.mechanism;
    scram_material *material = scram_material_of(key);
    bool made = thrum__scram_hmac(mechanism, material->sum,
                                  (thrum_bytes){client, sizeof client - 1},
                                  material->client) &&
                thrum__scram_hmac(mechanism, material->sum,
                                  (thrum_bytes){server, sizeof server - 1},
                                  material->server);

    explicit_bzero(material->last, sizeof material->last);
    explicit_bzero(material->sum, sizeof material->sum);
    gnutls_hmac_deinit(key->hmac, NULL);
    key->hmac = NULL;
    key->made = made ? 1 : -1;
    return key->made;
}

int thrum__scram_key_work(thrum__scram_key *key)
{
    size_t size = thrum__scram_hash_size(key->salting.mechanism);
    scram_material *material = scram_material_of(key);

    for (int i = 0; key->made == 0 && i < SCRAM_SLICE &&
                    key->done < key->salting.iterations;
         i++) {
        if (gnutls_hmac(key->hmac, material->last, size) != 0)
            key->made = -1;
        gnutls_hmac_output(key->hmac, material->last);
        for (size_t at = 0; at < size; at++)
            material->sum[at] ^= material->last[at];
        key->done++;
    }
    if (key->made != 0 || key->done < key->salting.iterations)
        return key->made;
    return scram_key_finish(key);
}

const unsigned char *thrum__scram_key_client(const thrum__scram_key *key)
{
    return scram_material_of(key)->client;
}

const unsigned char *thrum__scram_key_server(const thrum__scram_key *key)
{
    return scram_material_of(key)->server;
}
