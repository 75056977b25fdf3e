/* SPDX-License-Identifier: MIT */
/*
 * The client's side of an SMTP connection (RFC 5321), without the connection:
 * bytes and time go in, bytes and results come out.
 *
 * Commands stand in one queue with two cursors: what is sent next, and whose
 * reply comes next. How far the one may run ahead of the other is the mode
 * (thrum_smtp_mode): from waiting for each reply to whole messages in flight,
 * where the server offers it. A server that does not keep to the protocol is
 * never guessed at: the session ends.
 *
 * TLS is its owner's: in the state STARTTLS the owner secures the connection,
 * and tells it. Nothing that the server said before is remembered then
 * (RFC 3207, section 4.2).
 */
#ifndef THRUM_SMTP_SESSION_H
#define THRUM_SMTP_SESSION_H

#include <thrum/buffer.h>
#include <thrum/clock.h>
#include <thrum/message.h>
#include <thrum/receipt.h>
#include <thrum/smtp.h>
#include <thrum/smtp_account.h>

THRUM_BEGIN

typedef struct thrum_smtp_session thrum_smtp_session;

typedef struct thrum_smtp_session_config {
    const char *helo;     /* this host's name for EHLO; NULL: "localhost" */
    const char *peer;     /* the server's name in failures; NULL: "server" */
    const char *host;     /* its name as it was configured, for OAUTHBEARER;
                             NULL: none */
    uint16_t port;        /* the same; 0: none */
    thrum_smtp_mode mode; /* no further than this one */
    unsigned window;      /* messages in flight with MODE_CHUNKED; 0: 4; at
                             most 1,024 */
    thrum_smtp_tls tls;   /* IMPLICIT: it is within TLS from the start on */
    thrum_smtp_account *account; /* NULL: nobody logs in. Needs TLS */
    thrum_smtp_limits limits;
} thrum_smtp_session_config;

/* How a message ended: exactly one of receipt and why. The message comes back,
 * so that one that ended with THRUM_SMTP_E_UNSENT can go another way.
 * Ownership: all three new. */
typedef void thrum_smtp_sent_fn(thrum_message *message, thrum_receipt *receipt,
                                thrum_failure *why, void *ctx);

typedef enum thrum_smtp_session_state {
    THRUM_SMTP_SESSION_OPENING,  /* greeting, EHLO, AUTH */
    THRUM_SMTP_SESSION_STARTTLS, /* waits for thrum_smtp_session_secured */
    THRUM_SMTP_SESSION_READY,    /* takes messages */
    THRUM_SMTP_SESSION_CLOSING,  /* takes none; finishes what it has, QUIT: it
                                    was told to, or the server has refused as
                                    many transactions as some bear */
    THRUM_SMTP_SESSION_ENDED     /* the connection is to be closed */
} thrum_smtp_session_state;

/* Makes a session that waits for the server's greeting; `now` is when the
 * connection was made.
 * Ownership: new; the config is copied, a reference to the account taken.
 * Errors: NULL, no memory. An account without TLS (TLS_NONE, OPPORTUNISTIC) is
 * a session that has ended: thrum_smtp_session_failure says so. */
THRUM_API thrum_smtp_session *
thrum_smtp_session_new(thrum_context *context,
                       const thrum_smtp_session_config *config, thrum_ns now);

/* Frees it; what has not ended yet ends as by thrum_smtp_session_lost. NULL is
 * nothing. */
THRUM_API void thrum_smtp_session_free(thrum_smtp_session *session);

/* Where the session is. */
THRUM_API thrum_smtp_session_state
thrum_smtp_session_get_state(const thrum_smtp_session *session);

/* How many more messages it could use now: keep it at 0, and no round trip is
 * wasted. 0 unless READY. */
THRUM_API size_t thrum_smtp_session_wants(const thrum_smtp_session *session);

/* What the server offers: in its last answer to EHLO or HELO, so before TLS
 * until the session is secured. Nothing before there was one. Ownership:
 * borrowed. */
THRUM_API const thrum_smtp_offers *
thrum_smtp_session_offers(const thrum_smtp_session *session);

/* The server's greeting, printable, "" before it came. Ownership: borrowed. */
THRUM_API const char *
thrum_smtp_session_greeting(const thrum_smtp_session *session);

/* The mode in use; BEST before READY. */
THRUM_API thrum_smtp_mode
thrum_smtp_session_mode(const thrum_smtp_session *session);

/* The mechanism that it logs in or has logged in by; 0: none (yet). */
THRUM_API unsigned
thrum_smtp_session_mechanism(const thrum_smtp_session *session);

/* How many bytes it was given in the state STARTTLS that came in the clear
 * behind the server's consent: unless 0, somebody put them there, and the
 * handshake must not begin (RFC 3207, section 6). Give this to
 * thrum_stream_start_tls as `unread`. */
THRUM_API size_t thrum_smtp_session_unread(const thrum_smtp_session *session);

/* The connection is within TLS now: says EHLO again. Nothing unless in the
 * state STARTTLS. */
THRUM_API void thrum_smtp_session_secured(thrum_smtp_session *session,
                                          thrum_ns now);

/* Queues a message. `sent` is called once, from a later call of receive,
 * produce, expire, cancel, lost or free; it may send, but not free the session.
 * What the server's offers say it cannot take (too large, addresses in UTF-8)
 * ends with THRUM_SMTP_E_REFUSED before anything of it is sent.
 * Recipients that the server takes no more of in this transaction (452, RFC
 * 5321, section 4.5.3.1.10) get one of their own; the receipt speaks of all.
 * Ownership: message taken, and given back to `sent` (on error: stays with the
 * caller); ctx borrowed.
 * Errors: THRUM_E_NOMEM, THRUM_E_CLOSED when it has ended or is to quit,
 * THRUM_E_INVALID for a message that lacks something. */
THRUM_API int thrum_smtp_session_send(thrum_smtp_session *session,
                                      thrum_message *message,
                                      thrum_smtp_sent_fn *sent, void *ctx);

/* Gives a message up, which ends at once: with THRUM_SMTP_E_CANCELLED, with
 * THRUM_SMTP_E_DOUBT when it was produced to its end, or as it had to end by
 * what the server had said already. What the server has of it is dropped
 * (RSET), or, where SMTP has no word for that, the session ends as soon as
 * those before it have their replies. Returns 1; 0 when it has no such
 * message. */
THRUM_API int thrum_smtp_session_cancel(thrum_smtp_session *session,
                                        const thrum_message *message);

/* Takes what the server sent. May call `sent`; after that, look at the state
 * and send what thrum_smtp_session_produce has. */
THRUM_API void thrum_smtp_session_receive(thrum_smtp_session *session,
                                          const char *data, size_t size,
                                          thrum_ns now);

/* Appends to `out` what is to be sent now, until it holds `enough` bytes or
 * more: at most 64 KiB more. Returns 1 when there is more to send at once, else
 * 0; 1 without a byte in `out` means that a password is being made a key of
 * (SCRAM), in slices of a millisecond: call again in the next turn. Errors:
 * THRUM_E_NOMEM, THRUM_E_FULL, THRUM_E_INVALID for a name or address that
 * cannot stand in a command: the session has ended, and what is in `out` must
 * not be sent. */
THRUM_API int thrum_smtp_session_produce(thrum_smtp_session *session,
                                         thrum_buffer *out, size_t enough,
                                         thrum_ns now);

/* When the server must have answered, by the limits: absolute, on the clock of
 * `now`. INT64_MAX when nothing is awaited. */
THRUM_API thrum_ns
thrum_smtp_session_deadline(const thrum_smtp_session *session);

/* Ends the session when its deadline is over. */
THRUM_API void thrum_smtp_session_expire(thrum_smtp_session *session,
                                         thrum_ns now);

/* The connection is gone. Every message ends: by what the server has refused it
 * for already, with THRUM_SMTP_E_DOUBT when it was produced to its end, with
 * THRUM_SMTP_E_UNSENT when the connection had no byte of its body, else with
 * THRUM_SMTP_E_LATER. `why` is the cause of these three.
 * Ownership: why taken, may be NULL. */
THRUM_API void thrum_smtp_session_lost(thrum_smtp_session *session,
                                       thrum_failure *why);

/* Takes no more messages: finishes what it has, then says QUIT. */
THRUM_API void thrum_smtp_session_quit(thrum_smtp_session *session);

/* Why the session ended or is to end by the server's fault; NULL otherwise.
 * Ownership: borrowed. */
THRUM_API const thrum_failure *
thrum_smtp_session_failure(const thrum_smtp_session *session);

THRUM_END

#endif
