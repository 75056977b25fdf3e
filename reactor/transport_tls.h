/* SPDX-License-Identifier: MIT */
/*
 * TLS as a transport over any other. It makes its handshake by itself, whatever
 * its owner watches, and tells who made it how that ended, once.
 */
#ifndef THRUM_REACTOR_TRANSPORT_TLS_H
#define THRUM_REACTOR_TRANSPORT_TLS_H

#include "reactor/tls_session.h"
#include "reactor/transport.h"

/* why NULL: the handshake is over. Else it failed, or the stream ended before;
 * why is borrowed. */
typedef void thrum__transport_tls_fn(const thrum_failure *why, void *ctx);

/* Makes one, still on top of nothing. session NULL: it does nothing but wait
 * for its end, since the stream is about to be aborted.
 * Ownership: new; session taken, also on error; ctx borrowed. Errors: NULL, no
 * memory. */
thrum__transport *thrum__transport_tls_new(thrum_reactor *reactor,
                                           thrum__tls_session *session,
                                           thrum__transport_tls_fn *done,
                                           void *ctx);

/* Nobody is told of the handshake any more. */
void thrum__transport_tls_forget(thrum__transport *transport);

/* The session, when `transport` is TLS and its facts are known; else NULL.
 * Ownership: borrowed. */
const thrum__tls_session *
thrum__transport_tls_session(const thrum__transport *transport);

#endif
