/* SPDX-License-Identifier: MIT */
/*
 * One TLS session, without any I/O: what the peer sent is put into `in`, what
 * it is to be sent stands in `out`, and the functions below make one of the
 * other.
 *
 * GnuTLS pushes into `out` whole, so it never has to be called again with the
 * same bytes; who fills `out` keeps it small by sending it first.
 */
#ifndef THRUM_REACTOR_TLS_SESSION_H
#define THRUM_REACTOR_TLS_SESSION_H

#include <sys/types.h>

#include <thrum/buffer.h>

#include "reactor/tls.h"

/* What receive answers besides a number of bytes; those of a transport. */
enum { THRUM__TLS_AGAIN = -1, THRUM__TLS_FAILED = -2 };

typedef struct thrum__tls_session {
    thrum_context *context;
    thrum_tls *tls;
    gnutls_session_t gnutls;
    gnutls_x509_crt_t leaf; /* the peer's, while it is verified; may be NULL */
    thrum_buffer in, out;
    bool in_over; /* nothing will be added to `in` any more */
    bool server;
    bool open;      /* the handshake is over */
    bool told;      /* the facts are known */
    bool checked;   /* the peer's certificate was looked at */
    bool ended;     /* the peer ended TLS */
    bool no_memory; /* for `out` */
    bool has_more;  /* receive has more to say, without new bytes */
    bool wants_ticket;
    thrum_ns began;     /* wall time; 0: not known */
    thrum_ns until;     /* the peer was verified, and is believed to then; 0 */
    unsigned warnings;  /* that the peer sent; some are borne */
    thrum_failure *why; /* nothing works any more */
    const char *where;  /* the peer's address; borrowed */
    const char *unverified;
    gnutls_alert_description_t alert;
    thrum_tls_facts facts;
    char *texts; /* of the facts */
    thrum__tls_name name;
    char words[THRUM__TLS_WORDS];
    char key[]; /* of its tickets: host and port */
} thrum__tls_session;

/* Makes a session. host NULL: the server's side, or, of a thrum_tls that trusts
 * anyone, a client that does not care. `where` is borrowed, to the end.
 * Ownership: new; *why new, only on error. */
thrum__tls_session *thrum__tls_session_new(thrum_tls *tls, bool server,
                                           const char *host, const char *where,
                                           thrum_failure **why);

void thrum__tls_session_free(thrum__tls_session *session);

/* Room for `size` bytes in `in` or `out`, as thrum_buffer_reserve gives it; but
 * the block is that of the last session that had done with its own, if there is
 * one: a record would otherwise take a large block from malloc, and another way
 * to give it back. Errors: NULL, as there. */
char *thrum__tls_session_room(thrum__tls_session *session, thrum_buffer *buffer,
                              size_t size);

/* `in` or `out` is empty: an idle session holds no block. */
void thrum__tls_session_rest(thrum__tls_session *session, thrum_buffer *buffer);

/* Goes on with the handshake. Returns 1 when it is over, 0: it needs bytes, or
 * THRUM__TLS_FAILED; `out` may then hold an alert for the peer. */
int thrum__tls_session_handshake(thrum__tls_session *session);

/* Decrypts. Returns how many bytes it wrote to `data`; 0: the peer ended TLS;
 * THRUM__TLS_AGAIN, or THRUM__TLS_FAILED. */
ssize_t thrum__tls_session_receive(thrum__tls_session *session, char *data,
                                   size_t size);

/* Encrypts all of it. Errors: THRUM__TLS_FAILED. */
int thrum__tls_session_send(thrum__tls_session *session, const void *data,
                            size_t size);

/* Tells the peer that no more will come (close_notify). */
void thrum__tls_session_end(thrum__tls_session *session);

/* What the handshake came to, in tls_facts.c. Errors: THRUM_E_NOMEM. */
int thrum__tls_facts_fill(thrum__tls_session *session);

/* The session is not to be trusted: bytes came that are not of it. */
#define THRUM__TLS_BEFORE "bytes came before it began"
#define THRUM__TLS_AFTER "bytes came after its end"
void thrum__tls_session_refuse(thrum__tls_session *session, const char *words);

/* Notes why the session ends; the first reason stands. Ownership: taken. */
void thrum__tls_session_fail(thrum__tls_session *session, thrum_failure *why);

#endif
