/* SPDX-License-Identifier: MIT */
/*
 * What the files of TLS share: what a program trusts and shows, names as a
 * certificate has them, and the sessions that may go on.
 */
#ifndef THRUM_REACTOR_TLS_H
#define THRUM_REACTOR_TLS_H

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdbool.h>

#include <thrum/buffer.h>
#include <thrum/tls.h>

#include "reactor/link.h"

enum {
    THRUM__TLS_NAME = 256,  /* DNS allows 253 */
    THRUM__TLS_WORDS = 200, /* why a certificate was refused */
    /* Sessions that are kept: a client of more peers than that makes whole
     * handshakes with those it met longest ago. */
    THRUM__TLS_TICKETS = 256
};

struct thrum_tls {
    thrum_context *context;
    unsigned refs;
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priority;
    gnutls_datum_t *alpn; /* and their bytes, in one block */
    unsigned alpn_count;
    gnutls_datum_t ticket_key; /* of a server's tickets */
    thrum__link tickets;       /* the youngest last */
    unsigned ticket_count;
    thrum_buffer spare; /* a block between the uses that sessions have for it */
    bool has_certificate;
    bool has_trust; /* the trust file, or the system's store, was read */
    bool verify_clients;
    bool trust_anyone;
    bool no_tickets;
};

/* Reads the system's store unless whom it trusts was read before.
 * Ownership: new. Returns NULL when that is done. */
thrum_failure *thrum__tls_trust_system(thrum_tls *tls);

/* GnuTLS's own words for `error`, as the failure `code` of the reactor with
 * them beneath it. Ownership: new. */
thrum_failure *thrum__tls_failure(thrum_context *context, int code, int error,
                                  const char *format, ...) THRUM_PRINTF(4, 5);

/* ---- Names: tls_name.c ---- */

/* Whom a client wants to meet. */
typedef struct thrum__tls_name {
    char text[THRUM__TLS_NAME]; /* A-labels, lower case, no final dot */
    uint8_t address[16];
    unsigned char address_size; /* 0: a name; 4, 16: an address */
} thrum__tls_name;

/* Errors: THRUM_E_NOMEM; THRUM_E_INVALID, neither a name nor an address, and
 * *wrong says why, in static words. */
int thrum__tls_name_read(thrum__tls_name *name, const char *host,
                         const char **wrong);

/* Whether a DNS name of a certificate, which may have a whole "*" for its first
 * label, is this one. */
bool thrum__tls_name_matches(const thrum__tls_name *name, const char *dns,
                             size_t size);

/* ---- Verification: tls_verify.c ---- */

/* The leaf of what the peer showed. Ownership: new. Returns NULL: it showed
 * none, or nothing that can be read. */
gnutls_x509_crt_t thrum__tls_leaf(gnutls_session_t session);

/* What is wrong with the certificate of a session's peer, in words; NULL:
 * nothing. `leaf` is its leaf, NULL: none. `name` is whom a client wants to
 * meet; NULL: the peer is a client. *alert is what the peer is to be told then.
 */
const char *thrum__tls_verify(gnutls_session_t session, gnutls_x509_crt_t leaf,
                              const thrum__tls_name *name,
                              char words[THRUM__TLS_WORDS],
                              gnutls_alert_description_t *alert);

/* When a certificate begins to be valid, in wall time. */
thrum_ns thrum__tls_begin(gnutls_x509_crt_t certificate);

/* When it expires. */
thrum_ns thrum__tls_expiry(gnutls_x509_crt_t certificate);

/* When the first of the certificates that the peer showed expires, in wall
 * time; 0: one of them cannot be read. */
thrum_ns thrum__tls_until(gnutls_session_t session, gnutls_x509_crt_t leaf);

/* ---- Sessions that may go on: tls_tickets.c ---- */

/* Keeps a session whose peer was verified, and may be believed until then
 * (wall time; 0: it was not verified). Ownership: ticket taken, also without
 * memory. */
void thrum__tls_tickets_put(thrum_tls *tls, const char *key,
                            gnutls_datum_t ticket, thrum_ns until);

/* Takes it out again: each is used once (RFC 8446, C.4). Returns false when
 * there is none. */
bool thrum__tls_tickets_take(thrum_tls *tls, const char *key,
                             gnutls_datum_t *ticket, thrum_ns *until);

void thrum__tls_tickets_clear(thrum_tls *tls);

/* Overwrites what GnuTLS allocated, then gives it back. */
void thrum__tls_wipe(gnutls_datum_t *secret);

#endif
