/* SPDX-License-Identifier: MIT */
/*
 * Where mail goes, and how: what the config of a mailer comes to, once it was
 * found to make sense.
 */
#ifndef THRUM_MAIL_SMTP_ROUTE_H
#define THRUM_MAIL_SMTP_ROUTE_H

#include <thrum/mailer.h>
#include <thrum/smtp_account.h>

#include "mail/smtp/url.h"

enum { THRUM__ROUTE_NAME = THRUM__URL_HOST + 8 };

typedef struct thrum__smtp_route {
    thrum_context *context; /* borrowed */
    thrum__smtp_url url;
    char helo[THRUM__URL_HOST];
    thrum_smtp_tls tls;          /* never DEFAULT */
    thrum_tls *trust;            /* NULL: the reactor's own */
    thrum_smtp_account *account; /* NULL: nobody logs in */
    thrum_smtp_mode mode;
    unsigned window;
    thrum_smtp_limits limits; /* connect, tls and quit are never 0 */
} thrum__smtp_route;

/* Reads a config, which is judged: no account without TLS that is required, no
 * user without a secret, nor a secret without a user.
 * Ownership: the route is to be ended, also on error; the failure is new. */
thrum_failure *thrum__smtp_route_read(thrum__smtp_route *route,
                                      thrum_context *context,
                                      const thrum_mailer_config *config);

void thrum__smtp_route_end(thrum__smtp_route *route);

/* Whom the server has to be trusted by, for a handshake that begins now; *tls
 * NULL: the reactor's own. TLS that is opportunistic trusts anyone, by a
 * thrum_tls of its own, which is made when it is first needed: it reads the
 * system's store. Ownership: *tls borrowed; the failure is new, NULL: none. */
thrum_failure *thrum__smtp_route_trust(thrum__smtp_route *route,
                                       thrum_tls **tls);

/* "mail.example:25", "[::1]:25". */
void thrum__smtp_route_name(const thrum__smtp_route *route,
                            char name[THRUM__ROUTE_NAME]);

/* Why an attempt to connect came to nothing: in the server's words where it has
 * some, else "mail.example:25 was not reached", with `why` beneath, which is
 * borrowed and may be NULL. Ownership: new. */
thrum_failure *thrum__smtp_route_unreachable(const thrum__smtp_route *route,
                                             const thrum_failure *why);

#endif
