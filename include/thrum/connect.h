/* SPDX-License-Identifier: MIT */
/*
 * Connecting: one Deferred for the name, the addresses, the connection and the
 * handshake, with one time limit for all of it.
 *
 * An endpoint is written as
 *     tcp:HOST:PORT     mail.example:25, 192.0.2.1:25, [2001:db8::1]:25
 *     tls:HOST:PORT     the same; TLS begins at once
 *     unix:/PATH        unix:@NAME for the abstract ones of Linux
 *
 * A host is a name or an address in figures. A name is looked up (hosts file,
 * then DNS), outside ASCII as its A-label (IDNA2008). Its addresses are tried
 * one after the other, IPv6 and IPv4 in turn; each has 250 ms, or until it
 * fails, before the next joins the race, and the first that answers wins; IPv4
 * does not wait longer than 50 ms for what the DNS says of IPv6 (RFC 8305).
 *
 * Each call fires with a thrum_stream. It fails with the reactor's RESOLVE
 * (NO_RECORDS beneath: there is no such name, or it has no address), CONNECT
 * (the errno of the address that failed last beneath), TLS (what the handshake
 * failed with beneath) or TIMEOUT; the text names the endpoint, the address and
 * the stage. What can be no name fails with THRUM_E_INVALID. Cancelling stops
 * it. `within` is at most thirty years. Ownership: new. Calls back: never
 * before the call returns. Errors: NULL, no memory.
 */
#ifndef THRUM_CONNECT_H
#define THRUM_CONNECT_H

#include <thrum/tls.h>

THRUM_BEGIN

/* Connects to an endpoint. `tls` is for those that ask for TLS (NULL: the
 * reactor's own, that trusts the system's store). What is no endpoint fails
 * with THRUM_E_INVALID and says where. */
THRUM_API thrum_deferred *thrum_connect(thrum_reactor *reactor,
                                        const char *endpoint, thrum_tls *tls,
                                        thrum_ns within);

/* Connects over TCP. */
THRUM_API thrum_deferred *thrum_connect_tcp(thrum_reactor *reactor,
                                            const char *host, uint16_t port,
                                            thrum_ns within);

/* Connects over TLS: fires when the peer is verified to be `host`. */
THRUM_API thrum_deferred *thrum_connect_tls(thrum_reactor *reactor,
                                            const char *host, uint16_t port,
                                            thrum_tls *tls, thrum_ns within);

/* Connects to a UNIX socket: "/PATH" or "@NAME". One whose queue is full is
 * tried again every 10 ms. */
THRUM_API thrum_deferred *thrum_connect_unix(thrum_reactor *reactor,
                                             const char *path, thrum_ns within);

THRUM_END

#endif
