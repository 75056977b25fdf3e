/* SPDX-License-Identifier: MIT */
/*
 * The server's side of one SMTP connection (RFC 5321), without I/O: bytes in,
 * replies and messages out. It is strict, since its use is to show what a
 * client does wrong: a line ends with CR LF only, commands come in their order,
 * and parameters that were not offered are refused.
 */
#ifndef THRUM_CLI_SINK_SESSION_H
#define THRUM_CLI_SINK_SESSION_H

#include <stdbool.h>

#include <thrum/buffer.h>
#include <thrum/failure.h>

#include "cli/sink_body.h"
#include "cli/sink_envelope.h"
#include "cli/sink_fault.h"
#include "cli/sink_sasl.h"

/* What came over all connections together. */
typedef struct sink_totals {
    uint64_t connections;
    uint64_t messages;   /* that were taken */
    uint64_t recipients; /* of those */
    uint64_t bytes;      /* of their texts, without the added dots */
    uint64_t commands;   /* also those that were refused */
} sink_totals;

typedef struct sink_session sink_session;

/* What a session tells. Each answers 0, or else the message is refused. */
typedef struct sink_session_events {
    /* The envelope is whole and the text begins. */
    int (*begin)(sink_session *session, void *ctx);
    /* A piece of the text, borrowed for the call. */
    int (*text)(sink_session *session, const char *data, size_t size,
                void *ctx);
    /* The text has come to its end: 0 takes the message. */
    int (*end)(sink_session *session, void *ctx);
} sink_session_events;

/* What all sessions of a sink share; borrowed by them. */
typedef struct sink_session_config {
    const sink_session_events *events;
    sink_totals *totals;
    uint64_t size;   /* offer SIZE, refuse what is larger; 0: neither */
    bool pipelining; /* offer it */
    bool chunking;   /* offer it */
    bool tls;        /* offer STARTTLS until there is TLS */
    /* Take mail of this one only, after AUTH; NULL: of anybody. */
    const sink_account *account;
    sink_faults *faults; /* what is to go wrong; NULL: nothing */
} sink_session_config;

/* Replies up to a place `after` bytes behind the last such one are to be sent,
 * then nothing for `wait` milliseconds. */
typedef struct sink_hold {
    size_t after;
    uint64_t wait;
} sink_hold;

typedef enum sink_stage {
    SINK_STAGE_FRESH, /* no EHLO or HELO yet */
    SINK_STAGE_READY,
    SINK_STAGE_MAIL, /* a sender, and no recipient yet */
    SINK_STAGE_RCPT,
    SINK_STAGE_CHUNKS,    /* between the BDATs of one message */
    SINK_STAGE_LOST,      /* after a BDAT that was refused, to the last one */
    SINK_STAGE_TEXT,      /* after 354 */
    SINK_STAGE_CHUNK,     /* within the octets of a BDAT */
    SINK_STAGE_AUTH,      /* the next line is an answer to a challenge */
    SINK_STAGE_HANDSHAKE, /* send the replies, begin TLS, tell `secured` */
    SINK_STAGE_ENDED      /* send the replies, then close */
} sink_stage;

struct sink_session {
    const sink_session_config *config;
    void *ctx;
    thrum_buffer replies; /* to be sent by the owner, see below */
    thrum_buffer holds;   /* where in them it is to wait, and how long */
    size_t held;          /* replies up to the last of those places */
    thrum_buffer line;    /* a command whose end has not come */
    sink_envelope envelope;
    uint64_t bytes;        /* of this message's text */
    uint64_t chunk;        /* octets of this BDAT that are still to come */
    sink_sasl *exchange;   /* while AUTH goes on; NULL: it does not */
    const char *mechanism; /* by which it authenticated; NULL: it did not */
    const char *verdict;   /* why the text is refused; NULL: it is not */
    sink_stage stage;
    sink_stage after; /* the stage behind this BDAT */
    sink_fault fault; /* what is to happen to this command, or BDAT */
    sink_body_state text;
    unsigned errors; /* commands refused so far */
    bool extended;   /* it was EHLO */
    bool secure;     /* there is TLS */
    bool last;       /* this BDAT is the last one */
    bool barred;     /* the greeting was a refusal: only QUIT is heard */
    bool closing;    /* no more messages are taken */
};

/* Starts a session; its greeting is the first of its replies.
 * Ownership: the struct is the caller's; config and ctx are borrowed.
 * Errors: THRUM_E_NOMEM; fini is due all the same. */
int sink_session_init(sink_session *session, thrum_context *context,
                      const sink_session_config *config, void *ctx);

/* Frees what it holds. */
void sink_session_fini(sink_session *session);

/* Takes what the client sent; the replies to it are in `replies` then, to be
 * sent as sink_session_due says, and the stage says what to do behind them. */
void sink_session_receive(sink_session *session, const char *data, size_t size);

/* How many bytes of `replies` are to be sent and consumed now; `*wait` is how
 * many milliseconds to wait before it is asked again, 0: those were all. */
size_t sink_session_due(sink_session *session, uint64_t *wait);

/* TLS has begun: whatever was said before is forgotten (RFC 3207 section 4.2),
 * also that there was a greeting. */
void sink_session_secured(sink_session *session);

/* Takes no more messages: the next one is answered with 421. */
void sink_session_close(sink_session *session);

/* Ends it with 421 now. */
void sink_session_end(sink_session *session);

#endif
