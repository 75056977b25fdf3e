/* SPDX-License-Identifier: MIT */
/*
 * What a handshake came to. Written down once, at its end: what GnuTLS says of
 * a session later is not worth asking for again.
 */
#include <string.h>

#include <gnutls/crypto.h>

#include "base/base.h"
#include "reactor/tls_session.h"

/* What is to be kept of a peer's certificate. */
typedef struct facts_names {
    gnutls_datum_t subject, issuer, alpn;
} facts_names;

/* The digest is of the bytes that the peer showed: to ask for that of the
 * certificate would encode it anew. */
static void facts_read_leaf(thrum__tls_session *self, facts_names *names)
{
    unsigned count = 0;
    const gnutls_datum_t *chain =
        gnutls_certificate_get_peers(self->gnutls, &count);

    gnutls_x509_crt_get_dn3(self->leaf, &names->subject, 0);
    gnutls_x509_crt_get_issuer_dn3(self->leaf, &names->issuer, 0);
    if (count > 0)
        gnutls_hash_fast(GNUTLS_DIG_SHA256, chain[0].data, chain[0].size,
                         self->facts.sha256);
    self->facts.not_before = thrum__tls_begin(self->leaf);
    self->facts.not_after = thrum__tls_expiry(self->leaf);
}

static char *facts_copy(char **at, const void *text, size_t size)
{
    char *copy = *at;

    if (text == NULL)
        return NULL;
    memcpy(copy, text, size);
    copy[size] = '\0';
    *at += size + 1;
    return copy;
}

/* Texts that are not GnuTLS's constants live in one block. */
static int facts_keep(thrum__tls_session *self, const facts_names *names)
{
    thrum_tls_facts *facts = &self->facts;
    const char *wrong = self->unverified;
    size_t length = wrong != NULL ? strlen(wrong) : 0;
    char *at = thrum_context_allocate(self->context,
                                      names->subject.size + names->issuer.size +
                                          names->alpn.size + length + 4);

    if (at == NULL)
        return THRUM_E_NOMEM;
    self->texts = at;
    facts->peer = facts_copy(&at, names->subject.data, names->subject.size);
    facts->issuer = facts_copy(&at, names->issuer.data, names->issuer.size);
    facts->alpn = facts_copy(&at, names->alpn.data, names->alpn.size);
    facts->unverified = facts_copy(&at, wrong, length);
    return 0;
}

int thrum__tls_facts_fill(thrum__tls_session *self)
{
    facts_names names = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    thrum_tls_facts *facts = &self->facts;
    int error;

    if (!self->checked)
        self->unverified = "nobody was asked for a certificate";
    facts->version =
        gnutls_protocol_get_name(gnutls_protocol_get_version(self->gnutls));
    facts->cipher = gnutls_ciphersuite_get(self->gnutls);
    facts->resumed = gnutls_session_is_resumed(self->gnutls) != 0;
    facts->verified = self->unverified == NULL;
    gnutls_alpn_get_selected_protocol(self->gnutls, &names.alpn);
    if (self->leaf != NULL)
        facts_read_leaf(self, &names);
    error = facts_keep(self, &names);
    gnutls_free(names.subject.data);
    gnutls_free(names.issuer.data);
    if (self->leaf != NULL)
        gnutls_x509_crt_deinit(self->leaf);
    self->leaf = NULL;
    return error;
}
