/* SPDX-License-Identifier: MIT */
/*
 * TLS: what a program trusts and what it shows, read once and used for any
 * number of streams (GnuTLS underneath).
 *
 * The other side is verified unless the program says otherwise in so many
 * words: chain, dates and purpose of its certificate, and the name in a DNS or
 * IP entry of its subjectAltName (RFC 9525; a bare common name is not enough,
 * "*" stands for one whole left-most label). TLS 1.2 and later.
 *
 * A plain stream becomes a TLS one by thrum_stream_start_tls or
 * thrum_stream_serve_tls; thrum_connect_tls and a listener do it themselves.
 */
#ifndef THRUM_TLS_H
#define THRUM_TLS_H

#include <thrum/stream.h>

THRUM_BEGIN

/* The domain of what lies beneath THRUM_REACTOR_E_TLS and TRUNCATED: GnuTLS's
 * own errors and words. A code is GnuTLS's less 10,000. */
extern THRUM_API const thrum_domain thrum_domain_tls;

typedef struct thrum_tls_config {
    const char *trust_file;       /* PEM; NULL: the system's store */
    const char *certificate_file; /* PEM, the leaf first; NULL: none to show */
    const char *key_file;         /* PEM; NULL: in certificate_file */
    const char *priority;         /* GnuTLS's string; NULL: "NORMAL", 1.2 up */
    const char *const *alpn;      /* ended by NULL; best first; NULL: none */
    /* A server asks for a certificate, and takes none but a trusted one. */
    int verify_clients;
    /* A client goes on with whomever it meets. For tests, and for encryption
     * against listeners alone; thrum_tls_facts tells what was not verified. */
    int trust_anyone;
    int no_tickets; /* every handshake is a whole one */
} thrum_tls_config;

/* Reads the files. `config` may be NULL: a client's defaults. The system's
 * store takes some 20 ms and 4 MiB, so one serves many streams; where there is
 * a certificate to show it is read when a client first needs it.
 * Ownership: new; the config is copied; *why new, only on error (`why` may be
 * NULL). A key is wiped when the last holder goes.
 * Errors: NULL, *why says so: THRUM_REACTOR_E_TLS, names the file, with
 * GnuTLS's words or errno beneath. */
THRUM_API thrum_tls *thrum_tls_new(thrum_context *context,
                                   const thrum_tls_config *config,
                                   thrum_failure **why);

/* One more holder; streams hold it too. Ownership: returns `tls`. */
THRUM_API thrum_tls *thrum_tls_ref(thrum_tls *tls);

/* One holder less; the last one frees it. NULL is nothing. */
THRUM_API void thrum_tls_unref(thrum_tls *tls);

/* Makes a live stream the client's side of TLS. `host` is the name or address
 * in figures that is verified, and announced (SNI) if it is a name; names
 * outside ASCII are converted (IDNA2008). `tls` NULL: the reactor's own, that
 * trusts the system's store. `unread` is how many bytes that the stream told in
 * `received` the caller has not used: unless it is 0, and the kernel holds none
 * either, somebody put them there (RFC 3207, section 6), and it fails. What was
 * written before leaves in the clear, what is written from now on waits for
 * the end of the handshake. A session of the same host, port and thrum_tls is
 * resumed.
 * Fires without a value; then the stream's handler hears decrypted bytes. Fails
 * with THRUM_REACTOR_E_TLS or TIMEOUT, and the stream is aborted; cancelling
 * aborts it.
 * Ownership: new; a reference to tls is taken by the stream itself. Calls back:
 * never before this returns. Errors: NULL, no memory. */
THRUM_API thrum_deferred *
thrum_stream_start_tls(thrum_stream *stream, thrum_tls *tls, const char *host,
                       size_t unread, thrum_ns within);

/* The same on the server's side. `tls` must have a certificate. The kernel may
 * hold bytes if none were told and none written before: TLS from the first word
 * on. */
THRUM_API thrum_deferred *thrum_stream_serve_tls(thrum_stream *stream,
                                                 thrum_tls *tls, size_t unread,
                                                 thrum_ns within);

/* What a handshake came to. All of it is borrowed from the stream. */
typedef struct thrum_tls_facts {
    const char *version; /* "TLS1.3" */
    const char *cipher;  /* the suite, as GnuTLS writes it */
    const char *alpn;    /* what was agreed upon; NULL: nothing */
    const char *peer;    /* its certificate's subject; NULL: showed none */
    const char *issuer;
    thrum_ns not_before; /* wall time */
    thrum_ns not_after;
    uint8_t sha256[32];     /* of its certificate */
    int resumed;            /* a session before this one went on */
    int verified;           /* chain, dates, purpose and name */
    const char *unverified; /* why not, in words; NULL: verified */
} thrum_tls_facts;

/* The facts of a stream's TLS; those of a handshake that failed by the peer's
 * certificate can be had until the stream is closed, so from where
 * thrum_stream_start_tls fails. Ownership: borrowed, until the stream ends.
 * Returns NULL before the handshake's end, and for a plain stream. */
THRUM_API const thrum_tls_facts *
thrum_stream_tls_facts(const thrum_stream *stream);

THRUM_END

#endif
