/* SPDX-License-Identifier: MIT */
/*
 * Whether a peer is who it should be. Chain, dates and purpose are GnuTLS's;
 * the name is compared here, since GnuTLS falls back to a bare common name, and
 * does so beside a subjectAltName that has only a URI (RFC 9525 forbids it).
 */
#include <stdio.h>
#include <string.h>

#include "reactor/tls.h"

/* In the order of what a person has to know first. */
static const struct {
    unsigned status;
    gnutls_alert_description_t alert;
    const char *words;
} verify_words[] = {
    {GNUTLS_CERT_REVOKED, GNUTLS_A_CERTIFICATE_REVOKED,
     "its certificate was revoked"},
    {GNUTLS_CERT_EXPIRED, GNUTLS_A_CERTIFICATE_EXPIRED,
     "its certificate, or an issuer's, has expired"},
    {GNUTLS_CERT_NOT_ACTIVATED, GNUTLS_A_CERTIFICATE_EXPIRED,
     "its certificate, or an issuer's, is not valid yet"},
    {GNUTLS_CERT_PURPOSE_MISMATCH, GNUTLS_A_UNSUPPORTED_CERTIFICATE,
     "its certificate was issued for another purpose"},
    {GNUTLS_CERT_INSECURE_ALGORITHM, GNUTLS_A_BAD_CERTIFICATE,
     "a key or signature of its certificate is too weak"},
    {GNUTLS_CERT_SIGNER_NOT_CA, GNUTLS_A_UNKNOWN_CA,
     "who issued its certificate may not do so"},
    {GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, GNUTLS_A_BAD_CERTIFICATE,
     "its issuer may not issue such a certificate"},
    {GNUTLS_CERT_SIGNER_NOT_FOUND, GNUTLS_A_UNKNOWN_CA,
     "nobody trusted issued its certificate"},
};

static const char *verify_status(gnutls_session_t session, unsigned status,
                                 char words[THRUM__TLS_WORDS],
                                 gnutls_alert_description_t *alert)
{
    gnutls_datum_t text = {NULL, 0};

    for (size_t i = 0; i < sizeof verify_words / sizeof verify_words[0]; i++)
        if ((status & verify_words[i].status) != 0) {
            *alert = verify_words[i].alert;
            return verify_words[i].words;
        }
    if (gnutls_certificate_verification_status_print(
            status, gnutls_certificate_type_get(session), &text, 0) != 0)
        return "its certificate does not verify";
    snprintf(words, THRUM__TLS_WORDS, "%s", (const char *)text.data);
    gnutls_free(text.data);
    return words;
}

/* One entry of a subjectAltName. The certificate is the peer's: a name of it
 * is shown with nothing in it that a terminal obeys. */
static void verify_note_name(char shown[THRUM__TLS_WORDS], const char *dns,
                             size_t size)
{
    size_t i;

    if (shown[0] != '\0')
        return;
    for (i = 0; i < size && i < 80; i++)
        shown[i] = dns[i] > ' ' && dns[i] < 0x7F ? dns[i] : '?';
    shown[i] = '\0';
}

/* Returns 1: it names the peer; 0: another; or GnuTLS's error. `shown` gets
 * the first name it has instead. */
static int verify_names(gnutls_x509_crt_t leaf, const thrum__tls_name *name,
                        char shown[THRUM__TLS_WORDS])
{
    char entry[1024];

    for (unsigned i = 0;; i++) {
        size_t size = sizeof entry;
        unsigned type = 0;
        int got = gnutls_x509_crt_get_subject_alt_name2(leaf, i, entry, &size,
                                                        &type, NULL);

        if (got == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return 0;
        if (got == GNUTLS_E_SHORT_MEMORY_BUFFER)
            continue; /* longer than any name */
        if (got < 0)
            return got;
        if (type == GNUTLS_SAN_DNSNAME) {
            if (thrum__tls_name_matches(name, entry, size))
                return 1;
            verify_note_name(shown, entry, size);
        } else if (type == GNUTLS_SAN_IPADDRESS && name->address_size > 0 &&
                   size == name->address_size &&
                   memcmp(entry, name->address, size) == 0) {
            return 1;
        }
    }
}

static const char *verify_name(gnutls_x509_crt_t leaf,
                               const thrum__tls_name *name,
                               char words[THRUM__TLS_WORDS])
{
    char shown[THRUM__TLS_WORDS] = "";
    int found = verify_names(leaf, name, shown);

    if (found == 1)
        return NULL;
    if (found < 0)
        return "the names in its certificate cannot be read";
    if (shown[0] == '\0')
        return name->address_size > 0
                   ? "its certificate does not have this address"
                   : "its certificate has no DNS name (subjectAltName)";
    snprintf(words, THRUM__TLS_WORDS, "its certificate is for \"%.80s\"",
             shown);
    return words;
}

static int verify_chain(gnutls_session_t session, const char *purpose,
                        unsigned *status)
{
    gnutls_typed_vdata_st wanted = {GNUTLS_DT_KEY_PURPOSE_OID,
                                    (unsigned char *)purpose, 0};

    return gnutls_certificate_verify_peers(session, &wanted, 1, status);
}

gnutls_x509_crt_t thrum__tls_leaf(gnutls_session_t session)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    gnutls_x509_crt_t leaf = NULL;

    if (chain == NULL || count == 0 || gnutls_x509_crt_init(&leaf) != 0)
        return NULL;
    if (gnutls_x509_crt_import(leaf, &chain[0], GNUTLS_X509_FMT_DER) == 0)
        return leaf;
    gnutls_x509_crt_deinit(leaf);
    return NULL;
}

/* RFC 5280, 4.1.2.5: the year 9999 is no date; int64_t ends in 2262. */
static thrum_ns tls_wall(time_t seconds)
{
    if (seconds > INT64_MAX / THRUM_S)
        return INT64_MAX;
    return seconds < 0 ? 0 : seconds * THRUM_S;
}

thrum_ns thrum__tls_begin(gnutls_x509_crt_t certificate)
{
    return tls_wall(gnutls_x509_crt_get_activation_time(certificate));
}

thrum_ns thrum__tls_expiry(gnutls_x509_crt_t certificate)
{
    return tls_wall(gnutls_x509_crt_get_expiration_time(certificate));
}

thrum_ns thrum__tls_until(gnutls_session_t session, gnutls_x509_crt_t leaf)
{
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    thrum_ns until = thrum__tls_expiry(leaf);

    for (unsigned i = 1; i < count && until > 0; i++) {
        gnutls_x509_crt_t next;
        thrum_ns its = 0;

        if (gnutls_x509_crt_init(&next) != 0)
            return 0;
        if (gnutls_x509_crt_import(next, &chain[i], GNUTLS_X509_FMT_DER) == 0)
            its = thrum__tls_expiry(next);
        gnutls_x509_crt_deinit(next);
        until = its < until ? its : until;
    }
    return until > 0 ? until : 0;
}

const char *thrum__tls_verify(gnutls_session_t session, gnutls_x509_crt_t leaf,
                              const thrum__tls_name *name,
                              char words[THRUM__TLS_WORDS],
                              gnutls_alert_description_t *alert)
{
    const char *purpose =
        name != NULL ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT;
    unsigned status = 0;
    const char *wrong = NULL;

    *alert = GNUTLS_A_BAD_CERTIFICATE;
    if (leaf == NULL) {
        *alert = GNUTLS_A_CERTIFICATE_REQUIRED;
        return "it showed no certificate";
    }
    if (verify_chain(session, purpose, &status) < 0)
        wrong = "its certificate cannot be read";
    else if (status != 0 && gnutls_x509_crt_check_issuer(leaf, leaf) != 0 &&
             (status & ~(unsigned)GNUTLS_CERT_INVALID) ==
                 GNUTLS_CERT_SIGNER_NOT_FOUND) {
        *alert = GNUTLS_A_UNKNOWN_CA;
        wrong = "its certificate is signed by nobody but itself";
    } else if (status != 0)
        wrong = verify_status(session, status, words, alert);
    else if (name != NULL)
        wrong = verify_name(leaf, name, words);
    return wrong;
}
