/* SPDX-License-Identifier: MIT */
/*
 * The client's side of an SMTP connection (RFC 5321), without the connection:
 * bytes and time go in, bytes and results come out.
 *
 * Commands stand in one queue with two cursors: what is sent next, and whose
 * reply comes next. With a server that offers PIPELINING (RFC 2920) the body of
 * a message and the envelope of the next one go out together, so that a message
 * costs one round trip; without, each command waits for its reply. A server
 * that does not keep to the protocol is never guessed at: the session ends.
 */
#ifndef THRUM_SMTP_SESSION_H
#define THRUM_SMTP_SESSION_H

#include <thrum/buffer.h>
#include <thrum/clock.h>
#include <thrum/message.h>
#include <thrum/receipt.h>

THRUM_BEGIN

typedef struct thrum_smtp_session thrum_smtp_session;

typedef struct thrum_smtp_session_config {
    const char *helo; /* this host's name for EHLO; NULL: "localhost" */
    const char *peer; /* the server's name in failures; NULL: "server" */
    int lockstep;     /* 1: never pipeline, even if it is offered */
} thrum_smtp_session_config;

/* How a message ended: exactly one of receipt and why. The message comes back,
 * so that one that ended with THRUM_SMTP_E_UNSENT can go another way.
 * Ownership: all three new. */
typedef void thrum_smtp_sent_fn(thrum_message *message, thrum_receipt *receipt,
                                thrum_failure *why, void *ctx);

typedef enum thrum_smtp_session_state {
    THRUM_SMTP_SESSION_OPENING, /* greeting, EHLO */
    THRUM_SMTP_SESSION_READY,   /* takes messages */
    THRUM_SMTP_SESSION_CLOSING, /* takes none; finishes what it has, QUIT */
    THRUM_SMTP_SESSION_ENDED    /* the connection is to be closed */
} thrum_smtp_session_state;

/* Makes a session that waits for the server's greeting; `now` is when the
 * connection was made.
 * Ownership: new; the config is copied. Errors: NULL, no memory. */
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

/* Queues a message. `sent` is called once, from a later call of receive,
 * produce, expire, lost or free; it may send, but not free the session.
 * Ownership: message taken, and given back to `sent` (on error: stays with the
 * caller); ctx borrowed.
 * Errors: THRUM_E_NOMEM, THRUM_E_CLOSED unless OPENING or READY,
 * THRUM_E_INVALID for a message that lacks something. */
THRUM_API int thrum_smtp_session_send(thrum_smtp_session *session,
                                      thrum_message *message,
                                      thrum_smtp_sent_fn *sent, void *ctx);

/* Takes what the server sent. May call `sent`; after that, look at the state
 * and send what thrum_smtp_session_produce has. */
THRUM_API void thrum_smtp_session_receive(thrum_smtp_session *session,
                                          const char *data, size_t size,
                                          thrum_ns now);

/* Appends to `out` what is to be sent now, until it holds `enough` bytes or
 * more. Returns 1 when there is more to send at once, else 0.
 * Errors: THRUM_E_NOMEM, THRUM_E_FULL, THRUM_E_INVALID for a name or address
 * that cannot stand in a command: the session has ended, and what is in `out`
 * must not be sent. */
THRUM_API int thrum_smtp_session_produce(thrum_smtp_session *session,
                                         thrum_buffer *out, size_t enough,
                                         thrum_ns now);

/* When the server must have answered (RFC 5321 section 4.5.3.2): absolute, on
 * the clock of `now`. INT64_MAX when nothing is awaited. */
THRUM_API thrum_ns
thrum_smtp_session_deadline(const thrum_smtp_session *session);

/* Ends the session when its deadline is over. */
THRUM_API void thrum_smtp_session_expire(thrum_smtp_session *session,
                                         thrum_ns now);

/* The connection is gone. Every message ends: with THRUM_SMTP_E_DOUBT when it
 * was produced to its end, with THRUM_SMTP_E_UNSENT when the connection had no
 * byte of its body, else with THRUM_SMTP_E_LATER. `why` is their cause.
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
