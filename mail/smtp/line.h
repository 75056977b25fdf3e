/* SPDX-License-Identifier: MIT */
/*
 * A line is a session on a stream: it connects, turns TLS on, carries bytes
 * both ways, minds the session's time, and closes. What is said over it is its
 * owner's: a connection of a client, or a probe.
 */
#ifndef THRUM_MAIL_SMTP_LINE_H
#define THRUM_MAIL_SMTP_LINE_H

#include <stdbool.h>

#include <thrum/deferred.h>
#include <thrum/smtp_session.h>
#include <thrum/stream.h>

#include "mail/smtp/route.h"

typedef struct thrum__smtp_line thrum__smtp_line;

/* What a line tells its owner; none of it is NULL. */
typedef struct thrum__smtp_line_ops {
    /* Around an event; the owner lives at least until `leave`. */
    void (*enter)(thrum__smtp_line *line);
    void (*leave)(thrum__smtp_line *line);
    /* Something came, or has ended, or there is room: the owner looks at the
     * session, if there is one yet, and calls thrum__line_flush. */
    void (*work)(thrum__smtp_line *line);
    /* `own` has come; `work` follows. */
    void (*due)(thrum__smtp_line *line);
    /* There is no connection any more; in place of the event's `leave`, and the
     * last that is told. The owner calls thrum__line_end, and may go away.
     * `why` is borrowed; NULL: as it was meant to be. */
    void (*gone)(thrum__smtp_line *line, const thrum_failure *why);
} thrum__smtp_line_ops;

/* What lines did, for who counts. */
typedef struct thrum__smtp_counts {
    uint64_t connections;
    uint64_t secured;
    uint64_t bytes;
    uint64_t writes;
    uint64_t replies; /* of lines that have ended */
} thrum__smtp_counts;

typedef enum thrum__smtp_line_stage {
    THRUM__LINE_CONNECTING,
    THRUM__LINE_TLS, /* the handshake */
    THRUM__LINE_UP
} thrum__smtp_line_stage;

struct thrum__smtp_line {
    /* The owner's to fill; what is pointed to is borrowed. */
    const thrum__smtp_line_ops *ops;
    thrum_reactor *reactor;
    thrum__smtp_route *route;
    thrum__smtp_counts *counts;
    thrum_buffer *out;    /* empty between calls */
    size_t usual;         /* bytes that were sent last */
    thrum_smtp_tls tls;   /* the route's, or less */
    thrum_smtp_mode mode; /* the same */
    bool held;            /* nothing follows on a message, until it is let go */

    thrum_context *context;
    thrum_clock *clock;
    thrum__smtp_line_stage stage;
    bool over;               /* its stream was told to close */
    thrum_deferred *pending; /* of the connection, or the handshake */
    thrum_stream *stream;
    thrum_smtp_session *session; /* NULL before it is connected */
    thrum_call *timer;
    thrum_ns due;       /* of the timer: never after the session's deadline */
    thrum_ns own;       /* the owner's: `due` is told then; INT64_MAX: never */
    thrum_call *turn;   /* for the session's next slice of thinking */
    thrum_failure *why; /* it ended by something of ours */
};

/* Begins to connect. Calls back: perhaps before this returns, all of it, so
 * that the owner is gone; but not on error. Errors: THRUM_E_NOMEM, and the
 * owner calls thrum__line_end. */
int thrum__line_open(thrum__smtp_line *line);

/* Sends what the session has, until the stream has enough, and sees to the
 * session's state and time. Within an event. */
void thrum__line_flush(thrum__smtp_line *line);

/* The session is lost by `why`, and the stream is closed. Within an event.
 * Ownership: why taken. */
void thrum__line_lose(thrum__smtp_line *line, thrum_failure *why);

/* Gives up whatever it was at, without a word. Calls back: `gone`, perhaps
 * before this returns. */
void thrum__line_give_up(thrum__smtp_line *line);

/* It may go as far as its mode from now on. */
void thrum__line_let_go(thrum__smtp_line *line);

/* What ended it, on top of what the stream says: the session's failure, or
 * ours. Ownership: borrowed. */
const thrum_failure *thrum__line_failure(const thrum__smtp_line *line,
                                         const thrum_failure *why);

/* Whether it ended since there was no TLS to be had, and not for want of
 * memory. */
bool thrum__line_failed_in_tls(const thrum__smtp_line *line);

/* How many replies its session has read. */
uint64_t thrum__line_replies(const thrum__smtp_line *line);

/* Frees what it has; its session's messages end. */
void thrum__line_end(thrum__smtp_line *line);

#endif
