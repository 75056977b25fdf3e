/* SPDX-License-Identifier: MIT */
/*
 * A listener: where peers come to. Endpoints are written as in
 * <thrum/connect.h>; a host is an address in figures ("0.0.0.0", "[::]": any),
 * and port 0 takes any that is free.
 *
 * Without descriptors it answers the peers that wait by closing, one by one,
 * with a descriptor that it keeps for that; the log hears of it once.
 */
#ifndef THRUM_LISTENER_H
#define THRUM_LISTENER_H

#include <thrum/tls.h>

THRUM_BEGIN

typedef struct thrum_listener thrum_listener;

typedef struct thrum_listener_config {
    int backlog;     /* peers that the kernel lets wait; 0: SOMAXCONN */
    int reuse_port;  /* several processes listen, the kernel shares out */
    unsigned mode;   /* of a UNIX socket's file; 0: 0600 */
    size_t most;     /* streams open at a time, others wait; 0: no limit */
    thrum_tls *tls;  /* with a certificate; NULL: no TLS */
    thrum_ns within; /* for a handshake; 0: 10 s */
} thrum_listener_config;

/* A peer came, and its handshake, if there is one, is over. Ownership: stream
 * new; without a handler it reads nothing. */
typedef void thrum_accept_fn(thrum_listener *listener, thrum_stream *stream,
                             void *ctx);

/* Listens, and lets peers wait until thrum_listener_accept. `config` may be
 * NULL: all defaults. The file of a UNIX socket is replaced when nobody listens
 * there any more, and removed with the listener.
 * Ownership: new; *why new, only on error (`why` may be NULL).
 * Errors: NULL, *why says so: THRUM_E_INVALID, no endpoint, tls: without a
 * thrum_tls or tcp: with one; THRUM_REACTOR_E_LISTEN, errno beneath. */
THRUM_API thrum_listener *thrum_listen(thrum_reactor *reactor,
                                       const char *endpoint,
                                       const thrum_listener_config *config,
                                       thrum_failure **why);

/* The same for TCP. */
THRUM_API thrum_listener *thrum_listen_tcp(thrum_reactor *reactor,
                                           const char *host, uint16_t port,
                                           const thrum_listener_config *config,
                                           thrum_failure **why);

/* The same for a UNIX socket. */
THRUM_API thrum_listener *thrum_listen_unix(thrum_reactor *reactor,
                                            const char *path,
                                            const thrum_listener_config *config,
                                            thrum_failure **why);

/* Who gets the peers from now on. accept NULL: they wait,
 * but those in a handshake, which are closed at its end. Calls nest: for a NULL
 * listener ctx is released at once.
 * Ownership: ctx taken, and released when another is set or the listener is
 * freed. */
#define thrum_listener_accept(listener, accept, ctx, free)                     \
    thrum_listener_accept_at((listener), (accept), (ctx), (free),              \
                             #accept THRUM_HERE)

/* thrum_listener_accept with the function's name and the caller's place,
 * "on_peer (service.c:42)"; `place` must be static. */
THRUM_API void thrum_listener_accept_at(thrum_listener *listener,
                                        thrum_accept_fn *accept, void *ctx,
                                        thrum_free_fn *free, const char *place);

/* Where it listens, as thrum_stream_name writes it. Ownership: borrowed. */
THRUM_API const char *thrum_listener_name(const thrum_listener *listener);

/* The port it listens at; 0: a UNIX socket. */
THRUM_API uint16_t thrum_listener_port(const thrum_listener *listener);

/* Stops listening; streams that were accepted stay, handshakes under way are
 * aborted. Legal from within accept, and after the reactor's end. NULL is
 * nothing. */
THRUM_API void thrum_listener_free(thrum_listener *listener);

THRUM_END

#endif
