/* SPDX-License-Identifier: MIT */
/*
 * A mailer sends messages by way of a server, over connections that it keeps.
 */
#ifndef THRUM_MAILER_H
#define THRUM_MAILER_H

#include <thrum/message.h>
#include <thrum/reactor.h>
#include <thrum/receipt.h>
#include <thrum/secret.h>
#include <thrum/smtp.h>
#include <thrum/tls.h>

THRUM_BEGIN

typedef struct thrum_mailer thrum_mailer;

/* All that is 0 or NULL is a default. */
typedef struct thrum_mailer_config {
    /* "smtp://[user[;AUTH=MECHANISM]@]host[:port]", with STARTTLS, port 25, or
     * 587 with a user; "smtps://..." is TLS at once, port 465. What is not
     * US-ASCII, or "@", ":", ";", "/" or "%", is percent-encoded in a user. */
    const char *via;
    const char *helo;     /* for EHLO; NULL: this host's name */
    thrum_secret *secret; /* the user's password, or token; a user needs one */
    thrum_smtp_tls tls;
    thrum_tls *trust; /* whom REQUIRED and IMPLICIT trust; NULL: the system's */
    thrum_smtp_mode mode;
    unsigned window; /* messages in flight with MODE_CHUNKED; 4 */
    thrum_smtp_limits limits;

    /* The pool. It begins with a few connections, and doubles them as messages
     * are accepted, up to `connections`. */
    size_t connections; /* at most so many at a time; 10 */
    size_t messages;    /* at most so many over one connection; 1,000 */
    thrum_ns idle;      /* closed after so long without a message; 4 s */
    thrum_ns life;      /* no new message after so long; 300 s */
    /* After `failures` attempts to connect in a row that failed (3) while none
     * was up no other is made for `rest` (60 s); what waits then fails, as what
     * is sent then. */
    unsigned failures;
    thrum_ns rest;
} thrum_mailer_config;

/* What a mailer did so far. */
typedef struct thrum_mailer_stats {
    uint64_t accepted;    /* messages that a server took */
    uint64_t failed;      /* messages that ended otherwise, or were given up */
    uint64_t connections; /* that were made */
    uint64_t secured;     /* of them, within TLS */
    uint64_t bytes;       /* that were sent */
    uint64_t replies;     /* that were read, to messages or not */
    uint64_t writes;      /* of bytes to connections: exchanges */
} thrum_mailer_stats;

/* Makes a mailer for a URL, with defaults. A URL that it does not understand,
 * or cannot serve (a password in it, port 465 with "smtp:", a user without a
 * secret, an account without TLS), is the failure of every send;
 * thrum_mailer_failure tells at once. A NULL URL is such a one. It is freed
 * before its reactor. Connections are shared by the messages of this mailer
 * alone, so never by two accounts or two ways of TLS.
 * Ownership: new; the URL is copied. Errors: NULL, no memory. */
THRUM_API thrum_mailer *thrum_mailer_open(thrum_reactor *reactor,
                                          const char *via);

/* thrum_mailer_open with all settings. Ownership: new; the config is copied,
 * references to the secret and to `trust` are taken. Errors: NULL, no memory.
 */
THRUM_API thrum_mailer *thrum_mailer_new(thrum_reactor *reactor,
                                         const thrum_mailer_config *config);

/* Why the mailer cannot send at all, or NULL. Ownership: borrowed. */
THRUM_API const thrum_failure *thrum_mailer_failure(const thrum_mailer *mailer);

/* The context of its reactor, for making the next message. Ownership: borrowed;
 * NULL of a NULL mailer. */
THRUM_API thrum_context *thrum_mailer_context(const thrum_mailer *mailer);

/* Sends a message. The Deferred fires with a thrum_receipt when the server took
 * it for at least one recipient; it fails when it did not: a failure of the
 * message or the mailer (domain mail), or of the dialogue (domain smtp, with
 * the server's words as its detail). Messages wait in the order in which they
 * came; there is no bound here, so send from thrum_each or count. One whose
 * connection ended before it had a byte of the body goes over another
 * connection, before the others; twice in vain, it fails with
 * THRUM_SMTP_E_UNSENT. When no connection is up and none can be made, all that
 * wait fail: THRUM_SMTP_E_UNREACHABLE, or in the server's words
 * THRUM_SMTP_E_SERVICE, ACCOUNT or SECURITY; the next send tries again, unless
 * the mailer rests. By an ACCOUNT that was refused all that wait fail at once,
 * and the mailer rests. Cancelling gives a message up wherever it is: one whose
 * end was sent fails with THRUM_SMTP_E_DOUBT, any other with
 * THRUM_DEFERRED_E_CANCELLED, and the server does not get it. Ownership: new;
 * message taken, also on error. Calls back: never before this returns.
 * Errors: NULL, no memory (also for a NULL mailer or message). */
THRUM_API thrum_deferred *thrum_mailer_send(thrum_mailer *mailer,
                                            thrum_message *message);

/* Takes no more messages, sends those it has, says QUIT and closes. The
 * Deferred fires without a value when the last connection is closed. Ownership:
 * new; the mailer stays the caller's. Calls back: never before this returns.
 * Errors: NULL, no memory. */
THRUM_API thrum_deferred *thrum_mailer_close(thrum_mailer *mailer);

/* Ends the mailer. Connections with nothing under way say QUIT and close, the
 * others are aborted; what was not sent fails (THRUM_MAIL_E_CLOSED, or
 * THRUM_SMTP_E_DOUBT) in the next turn. Takes a void pointer, to serve as a
 * context's release function. NULL is nothing. */
THRUM_API void thrum_mailer_free(void *mailer);

/* What it did so far. */
THRUM_API thrum_mailer_stats thrum_mailer_get_stats(const thrum_mailer *mailer);

THRUM_END

#endif
