/* SPDX-License-Identifier: MIT */
/*
 * Two streams that are each other's peers, over a UNIX socket, TCP or memory,
 * and what becomes of TLS between them. The clock is a test's.
 */
#ifndef THRUM_TESTS_REACTOR_TLS_LINK_H
#define THRUM_TESTS_REACTOR_TLS_LINK_H

#include <thrum/deferred.h>
#include <thrum/test_clock.h>

#include "reactor/stream.h"
#include "reactor/transport_tls.h"
#include "tests/reactor/tls_pair.h"

typedef enum tls_kind {
    TLS_OVER_UNIX,
    TLS_OVER_TCP,
    TLS_OVER_MEMORY,
    TLS_KINDS
} tls_kind;

/* One end, and what it was told. */
typedef struct tls_end {
    thrum_stream *stream;
    thrum_deferred *starting; /* borrowed, until it ended */
    char *data;
    size_t size;
    unsigned ended, drained, closed;
    int closed_code;
    char closed_text[256];
    unsigned secured, refused; /* how often the Deferred fired, or failed */
    int code;                  /* of that failure */
    char text[256];
    char beneath[256]; /* what lies beneath it */
    char shown[128];   /* "CN=name: why not", of a certificate refused */
} tls_end;

typedef struct tls_link {
    thrum_context *context;
    thrum_test_clock *clock;
    thrum_reactor *reactor;
    thrum_tls *trusting, *shown;
    tls_end client, server;
} tls_link;

/* A reactor, and what both sides trust and show ("good", unless other
 * settings were made before link_open). Returns false for want of memory. */
bool link_start(tls_link *link);
bool link_open(tls_link *link, tls_kind kind);

/* A stream of one side alone; *raw gets the other end, which does not block. */
bool link_open_raw(tls_link *link, tls_end *end, int *raw);

/* Both ends begin TLS, for "mail.test" within ten seconds. */
void link_secure(tls_link *link);
void link_start_client(tls_link *link, const char *host);
void link_start_server(tls_link *link);

/* Writes a text, which must be taken; what was told reads exactly `text`. */
void end_say(tls_end *end, const char *text);
void end_expect_heard(const tls_end *end, const char *text);

/* TLS was refused once, with this code and words, and the stream has closed;
 * it closed with the same failure. */
void end_expect_refused(const tls_end *end, int code, const char *words);
void end_expect_same(const tls_end *end);

/* Turns the loop until there is nothing to do. */
void link_run(tls_link *link);

/* Lets go of both streams, and of what they noted. */
void link_drop(tls_link *link);

/* The same, and ends the reactor and all else. */
void link_end(tls_link *link);

/* Turns the loop until the condition holds. */
#define LINK_UNTIL(link, condition)                                            \
    while (!(condition))                                                       \
    thrum_reactor_turn((link)->reactor)

#endif
