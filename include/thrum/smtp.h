/* SPDX-License-Identifier: MIT */
/*
 * The words of SMTP that a session, a mailer and a probe have in common: what a
 * server may offer, and what a client is told to make of it.
 */
#ifndef THRUM_SMTP_H
#define THRUM_SMTP_H

#include <thrum/clock.h>

THRUM_BEGIN

/* The extensions that are made use of. */
typedef enum thrum_smtp_extension {
    THRUM_SMTP_PIPELINING = 1 << 0,          /* RFC 2920 */
    THRUM_SMTP_CHUNKING = 1 << 1,            /* RFC 3030 */
    THRUM_SMTP_SIZE = 1 << 2,                /* RFC 1870 */
    THRUM_SMTP_8BITMIME = 1 << 3,            /* RFC 6152 */
    THRUM_SMTP_SMTPUTF8 = 1 << 4,            /* RFC 6531 */
    THRUM_SMTP_DSN = 1 << 5,                 /* RFC 3461 */
    THRUM_SMTP_ENHANCEDSTATUSCODES = 1 << 6, /* RFC 2034 */
    THRUM_SMTP_STARTTLS = 1 << 7,            /* RFC 3207 */
    THRUM_SMTP_AUTH = 1 << 8                 /* RFC 4954 */
} thrum_smtp_extension;

/* The ways to log in. */
typedef enum thrum_smtp_mechanism {
    THRUM_SMTP_PLAIN = 1 << 0,         /* RFC 4616 */
    THRUM_SMTP_LOGIN = 1 << 1,         /* never standardised */
    THRUM_SMTP_CRAM_MD5 = 1 << 2,      /* RFC 2195; only when it is asked for */
    THRUM_SMTP_SCRAM_SHA_1 = 1 << 3,   /* RFC 5802 */
    THRUM_SMTP_SCRAM_SHA_256 = 1 << 4, /* RFC 7677 */
    THRUM_SMTP_XOAUTH2 = 1 << 5,       /* Google's and Microsoft's */
    THRUM_SMTP_OAUTHBEARER = 1 << 6    /* RFC 7628 */
} thrum_smtp_mechanism;

/* What a server said in its answer to EHLO. */
typedef struct thrum_smtp_offers {
    unsigned extensions; /* of thrum_smtp_extension */
    unsigned mechanisms; /* of thrum_smtp_mechanism; 0 without AUTH */
    uint64_t size;       /* of the largest message, in octets; 0: not said */
    int hello;           /* it knows EHLO; 0: HELO alone */
} thrum_smtp_offers;

/* How commands and replies follow each other. One mode is never chosen without
 * the extensions that it needs. On a mailer's connections more is sent behind
 * a message without its answer when one of them has found that the server bears
 * it: there are servers that deliver the message and die. After one that did,
 * or three connections in a row that were lost so, no other goes past
 * PIPELINED, and after a server has got its replies out of step all are
 * LOCKSTEP. */
typedef enum thrum_smtp_mode {
    THRUM_SMTP_MODE_BEST,      /* the last of these that the server offers */
    THRUM_SMTP_MODE_LOCKSTEP,  /* each command waits for its reply */
    THRUM_SMTP_MODE_PIPELINED, /* an envelope is one write (RFC 2920) */
    THRUM_SMTP_MODE_ACROSS,    /* the next envelope follows on a body */
    THRUM_SMTP_MODE_CHUNKED    /* whole messages, a window of them (RFC 3030) */
} thrum_smtp_mode;

/* The mode's name: "lockstep", "pipelined", "across messages", "chunked".
 * Ownership: borrowed, static; "" for BEST, and for what is none. */
THRUM_API const char *thrum_smtp_mode_name(thrum_smtp_mode mode);

/* The mechanism's name, "SCRAM-SHA-256". Ownership: borrowed, static; "" for
 * what is none. */
THRUM_API const char *thrum_smtp_mechanism_name(thrum_smtp_mechanism mechanism);

/* Whether the dialogue is within TLS. With an account, or a server that is
 * known by its name, REQUIRED is what protects (RFC 8314, section 5):
 * OPPORTUNISTIC encrypts against listeners, and verifies nobody. A mailer whose
 * handshake failed goes on in the clear for as long as it lives then: whoever
 * can break one connection can have that. */
typedef enum thrum_smtp_tls {
    THRUM_SMTP_TLS_DEFAULT, /* REQUIRED with an account, or OPPORTUNISTIC */
    THRUM_SMTP_TLS_NONE,
    THRUM_SMTP_TLS_OPPORTUNISTIC, /* when STARTTLS is offered */
    THRUM_SMTP_TLS_REQUIRED,      /* no STARTTLS, no mail */
    THRUM_SMTP_TLS_IMPLICIT       /* from the first byte on (port 465) */
} thrum_smtp_tls;

/* How long the server may take, in nanoseconds; 0: the default, which is that
 * of RFC 5321, section 4.5.3.2, where it names one. Each is for a whole reply,
 * however slowly it drips. */
typedef struct thrum_smtp_limits {
    thrum_ns connect;  /* name and connection; 30 s */
    thrum_ns tls;      /* STARTTLS, and the handshake; 60 s each */
    thrum_ns greeting; /* 5 min */
    thrum_ns hello;    /* EHLO, HELO; 5 min */
    thrum_ns auth;     /* each step; 60 s */
    thrum_ns mail;     /* 5 min */
    thrum_ns rcpt;     /* 5 min */
    thrum_ns data;     /* 2 min */
    thrum_ns block;    /* to take the next bytes of a message; 3 min */
    thrum_ns end;      /* the message; shorter makes duplicates; 10 min */
    thrum_ns rset;     /* 20 s */
    thrum_ns quit;     /* 5 s */
} thrum_smtp_limits;

THRUM_END

#endif
