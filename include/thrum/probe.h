/* SPDX-License-Identifier: MIT */
/*
 * A probe finds out what a mailer would meet, and sends nothing: it connects,
 * listens to the greeting, asks what is offered, turns TLS on, asks once more,
 * logs in if there is an account, and says goodbye.
 */
#ifndef THRUM_PROBE_H
#define THRUM_PROBE_H

#include <thrum/mailer.h>
#include <thrum/tls.h>

THRUM_BEGIN

/* What it found; all of it is borrowed from the probe. */
typedef struct thrum_probe_facts {
    const char *peer;        /* "192.0.2.1:587"; "" when nobody was reached */
    const char *greeting;    /* the server's words, printable; "" without */
    int greeting_code;       /* 0: there was none */
    int asked;               /* EHLO or HELO was answered: `plain` is known */
    thrum_smtp_offers plain; /* before TLS; nothing with TLS_IMPLICIT */
    int secured;             /* `tls` and, when it was asked, `within` */
    thrum_smtp_offers within;
    /* Also of a certificate that was not trusted; NULL without TLS. */
    const thrum_tls_facts *tls;
    int logged_in;
    thrum_smtp_mode mode;     /* that a mailer would use */
    unsigned window;          /* messages in flight, with MODE_CHUNKED */
    unsigned mechanism;       /* of thrum_smtp_mechanism; 0: no account */
    const thrum_failure *why; /* a mailer would not send; NULL: it would */
} thrum_probe_facts;

typedef struct thrum_probe thrum_probe;

/* Probes the server that a mailer with this config would use. Fires with a
 * thrum_probe, also when nobody was reached, or the server would not be sent
 * mail: its facts say so. Cancelling gives it up.
 * Ownership: new; the config is copied. Calls back: never before this returns.
 * Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_probe_start(thrum_reactor *reactor,
                                            const thrum_mailer_config *config);

/* What it found. Ownership: borrowed. */
THRUM_API const thrum_probe_facts *
thrum_probe_get_facts(const thrum_probe *probe);

/* Frees it. Takes a void pointer, to serve as a value's release function. NULL
 * is nothing. */
THRUM_API void thrum_probe_free(void *probe);

THRUM_END

#endif
