/* SPDX-License-Identifier: MIT */
/*
 * A mailer sends messages by way of a server, over connections that it keeps.
 */
#ifndef THRUM_MAILER_H
#define THRUM_MAILER_H

#include <thrum/message.h>
#include <thrum/reactor.h>
#include <thrum/receipt.h>

THRUM_BEGIN

typedef struct thrum_mailer thrum_mailer;

typedef struct thrum_mailer_config {
    const char *via;    /* "smtp://host[:port]"; the port is 25 */
    const char *helo;   /* for EHLO; NULL: this host's name */
    size_t connections; /* at most so many at a time; 0: 10 */
    int lockstep;       /* 1: never pipeline */
} thrum_mailer_config;

/* What a mailer did so far. */
typedef struct thrum_mailer_stats {
    uint64_t accepted;    /* messages that a server took */
    uint64_t failed;      /* messages that ended otherwise */
    uint64_t connections; /* that were made */
    uint64_t bytes;       /* that were sent */
} thrum_mailer_stats;

/* Makes a mailer for a URL, with defaults. A URL that it does not understand,
 * or cannot serve (a user name, "smtps:", port 465), is the failure of every
 * send; thrum_mailer_failure tells at once. A NULL URL is such a one. It is
 * freed before its reactor.
 * Ownership: new; the URL is copied. Errors: NULL, no memory. */
THRUM_API thrum_mailer *thrum_mailer_open(thrum_reactor *reactor,
                                          const char *via);

/* thrum_mailer_open with all settings. Ownership: new; the config is copied.
 * Errors: NULL, no memory. */
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
 * wait fail (THRUM_SMTP_E_UNREACHABLE, or THRUM_SMTP_E_SERVICE in the server's
 * words), and the next send tries again. Cancelling takes a message back that
 * has not begun; one that has goes on, and its result is dropped. Ownership:
 * new; message taken, also on error. Calls back: never before this returns.
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
