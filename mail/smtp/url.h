/* SPDX-License-Identifier: MIT */
/*
 * The URL of a server: "smtp://[user[;AUTH=MECHANISM]@]host[:port]", or
 * "smtps:" for TLS from the first byte on.
 */
#ifndef THRUM_MAIL_SMTP_URL_H
#define THRUM_MAIL_SMTP_URL_H

#include <stdbool.h>

#include <thrum/failure.h>
#include <thrum/smtp.h>

enum { THRUM__URL_HOST = 256, THRUM__URL_USER = 320 };

typedef struct thrum__smtp_url {
    char host[THRUM__URL_HOST]; /* a name, or an address without brackets */
    uint16_t port;
    bool tls;                   /* from the first byte on */
    char user[THRUM__URL_USER]; /* percent-decoded; "": nobody logs in */
    unsigned mechanism;         /* of thrum_smtp_mechanism; 0: any */
} thrum__smtp_url;

/* Reads a URL. What it has and cannot be served (a password, a path) is refused
 * with words that say so, never passed over; the user is not repeated in them.
 * Returns NULL, or why not: THRUM_MAIL_E_URL. Ownership: new. */
thrum_failure *thrum__smtp_url_read(thrum_context *context, const char *text,
                                    thrum__smtp_url *url);

/* Whether `name` may follow EHLO: a domain, or an address literal like
 * "[127.0.0.1]" (RFC 5321 section 4.1.1.1). */
bool thrum__smtp_is_helo(const char *name);

#endif
