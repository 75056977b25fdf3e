/* SPDX-License-Identifier: MIT */
/*
 * A server in the same process and loop as the mailer that is tested: it takes
 * mail, misbehaves as it is told to, and notes what it got.
 */
#ifndef THRUM_TESTS_SMTP_PEER_H
#define THRUM_TESTS_SMTP_PEER_H

#include <stdbool.h>

#include <thrum/listener.h>

enum { PEER_MESSAGES = 512, PEER_URL = 64, PEER_AUTH = 600 };

typedef struct peer_config {
    const char *greeting; /* NULL: "220 peer" */
    bool lockstep;        /* offers no PIPELINING */
    size_t connections;   /* greets more than so many with 421; 0: any number */
    int refuse_rcpt;      /* RCPT to every nth, by the number in r12@x */
    int refuse_dot;       /* the final dot of every nth, likewise */
    int drop_after;       /* closes behind the nth message of a connection */
    int drop_at_dot;      /* closes instead of answering the dot of the nth */
    int leave_after;      /* says 421 to MAIL behind the nth message */
    bool drop_at_mail;    /* closes instead of answering MAIL */
    bool garble_mail;     /* answers MAIL with what is no reply */
    bool brittle;         /* closes when more stands behind a message, which it
                             takes without a word */
    int resets;           /* closes at RSET when so many came that were not the
                             first since a message; 0: any number */
    bool mute;            /* answers nothing, not even at the beginning */
    int confused_after;   /* its first connection gets a reply too many then */
    bool pauses;          /* to read, once, in the middle of a long body */
    const char *stalls_at; /* says nothing more from this on: as on_line */
    bool chunking;         /* offers CHUNKING */

    /* TLS with this certificate of tests/tls; NULL: none. */
    const char *certificate;
    const char *const *alpn;  /* that it knows */
    bool implicit;            /* from the first byte on */
    const char *starttls;     /* the answer to STARTTLS; NULL: "220 go ahead" */
    bool hides_starttls;      /* does not offer it */
    bool breaks_tls;          /* closes instead of it */
    bool greets_in_the_clear; /* though TLS is implicit */
    bool no_ehlo;             /* knows HELO alone */
    const char *auth;         /* offers within TLS, "AUTH PLAIN" */
    const char *challenge;    /* the answer to AUTH; NULL: `verdict` at once */
    bool scram;               /* challenges as SCRAM does, without a password */
    const char *mail_answer;  /* to MAIL; NULL: "250 2.1.0 sender ok" */
    const char *verdict;      /* on who logs in; NULL: "235 2.7.0 welcome" */
} peer_config;

typedef struct peer {
    peer_config config;
    thrum_reactor *reactor;
    thrum_listener *listener;
    void (*on_ehlo)(void *ctx); /* instead of its answer; NULL: answers */
    /* A command has come, or "." with the end of a message, "(body)" with its
     * first line, "(hello)" with the first bytes of a handshake. NULL: nobody
     * listens. */
    void (*on_line)(const char *line, void *ctx);
    void *ctx;
    thrum_tls *tls;
    thrum_stream *paused; /* what it has not read on, borrowed */
    char auth[PEER_AUTH]; /* the last AUTH command */
    char ehlo[PEER_URL];  /* the last client's name */
    char url[PEER_URL];   /* "smtp://127.0.0.1:40123", or smtps: */
    size_t open;          /* connections now */
    size_t most;          /* at a time */
    size_t served;        /* in all */
    size_t quits;         /* QUIT commands */
    size_t fed_up;        /* closes for too many RSETs */
    /* Bytes that came before their time; of a connection after one that was
     * confused: all that came behind a command. */
    size_t early;
    size_t secured;           /* connections within TLS */
    size_t resumed;           /* of them, from one before */
    size_t exposed;           /* MAIL or AUTH outside of TLS */
    size_t logins;            /* AUTH commands */
    size_t thoughts;          /* answers to the challenge */
    size_t largest;           /* body, in bytes */
    int taken[PEER_MESSAGES]; /* how often message n was accepted */
} peer;

/* Ends the program with "SKIP: ..." when there are no certificates. */
void peer_need_certificates(void);

/* What trusts those who made the certificates of tests/tls. NULL without
 * memory. */
thrum_tls *peer_trust(thrum_context *context);

/* Listens; false without memory. */
bool peer_start(peer *self, thrum_reactor *reactor, const peer_config *config);

/* Stops listening; connections that are open stay. */
void peer_stop(peer *self);

/* How many messages were accepted in all. */
int peer_taken(const peer *self);

#endif
