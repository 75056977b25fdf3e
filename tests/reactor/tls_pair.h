/* SPDX-License-Identifier: MIT */
/*
 * A client's and a server's TLS session with a wire of memory between them, and
 * the certificates that tests/tls/certificates.py made.
 */
#ifndef THRUM_TESTS_REACTOR_TLS_PAIR_H
#define THRUM_TESTS_REACTOR_TLS_PAIR_H

#include "reactor/tls_session.h"
#include "tests/reactor/loop.h"

enum { TLS_PATH = 512 };

typedef struct tls_pair {
    thrum_tls *trusting, *shown; /* the client's and the server's */
    thrum__tls_session *client, *server;
    size_t piece; /* bytes that move at a time; 0: all */
} tls_pair;

/* Where a certificate is. Ends the program with "SKIP: ..." when none was made.
 */
void tls_need_certificates(void);
const char *tls_path(const char *name, char path[TLS_PATH]);

/* What trusts ca.pem, and what shows NAME.pem. `more` (may be NULL) is what
 * else they are to be. NULL for want of memory alone. */
thrum_tls *tls_trusting(thrum_context *context, const thrum_tls_config *more);
thrum_tls *tls_showing(thrum_context *context, const char *name,
                       const thrum_tls_config *more);

/* Makes both sessions; of the pair only the two thrum_tls are read. Returns
 * false for want of memory. */
bool tls_pair_open(tls_pair *pair, const char *host);
void tls_pair_close(tls_pair *pair);

/* Frees the two thrum_tls as well. */
void tls_pair_end(tls_pair *pair);

/* Moves bytes from one's `out` to the other's `in`; returns how many. */
size_t tls_move(thrum__tls_session *from, thrum__tls_session *to, size_t most);

/* Goes on with both handshakes until neither moves. Returns whether both are
 * over. */
bool tls_pair_shake(tls_pair *pair);

/* `from` sends this text and `to` reads all of it. */
void tls_pair_say(tls_pair *pair, bool from_client, const char *text);

#endif
