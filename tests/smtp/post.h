/* SPDX-License-Identifier: MIT */
/*
 * A mailer that sends numbered letters to a peer over a reactor's loop, and
 * what became of each.
 */
#ifndef THRUM_TESTS_SMTP_POST_H
#define THRUM_TESTS_SMTP_POST_H

#include <thrum/deferred.h>
#include <thrum/mailer.h>
#include <thrum/test_clock.h>

#include "tests/smtp/peer.h"

/* How a letter ended; one character each, so that a test shows them in a line:
 * accepted, refused, later, protocol, unsent, doubt, not reached, no service,
 * closed, cancelled, memory, no TLS, account, ours, anything else. "." is not
 * ended. */
#define POST_FATES "ARLPUDNSCXMTWO?"

typedef struct post {
    thrum_context *context;
    thrum_reactor *reactor;
    thrum_test_clock *clock; /* NULL: the reactor's own */
    peer peer;
    thrum_mailer *mailer;
    thrum_tls *trust; /* of those who signed the peer's certificate */
    int sent;         /* letters so far; their numbers are from 1 */
    int ended;        /* of them */
    int expected;     /* when so many ended, it is closed */
    char fates[PEER_MESSAGES + 1];               /* of letter n at n - 1 */
    thrum_deferred *deferred[PEER_MESSAGES + 1]; /* of letter n, not owned */
    bool sending;    /* thrum_mailer_send has not returned */
    int closed;      /* thrum_mailer_close was answered */
    char text[1000]; /* of the last failure */
    char cause[1000];
    void (*on_end)(struct post *self, int number); /* NULL: nothing */
} post;

/* A reactor, a peer, and a mailer to it, which trusts those who signed the
 * peer's certificate unless its config names others. False without memory. */
bool post_open(post *self, const peer_config *peer,
               const thrum_mailer_config *mailer);

/* The same on a reactor with this config; its context is the post's. */
bool post_open_among(post *self, const thrum_reactor_config *reactor,
                     const peer_config *peer,
                     const thrum_mailer_config *mailer);

/* The same on a clock that stands still: post_settle does what is to be done
 * now, and post_pass lets time pass first. */
bool post_open_still(post *self, const peer_config *peer,
                     const thrum_mailer_config *mailer);
void post_settle(post *self);
void post_pass(post *self, thrum_ns by);

/* Sends the next letters; when all of `expected` have ended, the mailer and the
 * peer are closed and the loop runs out. */
void post_send(post *self, int letters);

/* The same for one that the caller made. */
void post_send_letter(post *self, thrum_message *letter);

/* The peer takes no more connections. */
void post_stop_peer(post *self);

/* Runs the loop until nothing is left to do. */
void post_run(post *self);

/* The fates in `fates` and nothing else, and frees all. */
void post_expect(post *self, const char *fates);

/* Frees all. */
void post_free(post *self);

/* `count` times the same fate. Ownership: borrowed until the next call. */
const char *post_all(char fate, int count);

#endif
