/* SPDX-License-Identifier: MIT */
/*
 * Two ends of a connection: a stream with a handler that notes all it is told,
 * and a plain socket that a test moves by hand.
 */
#ifndef THRUM_TESTS_REACTOR_PEER_H
#define THRUM_TESTS_REACTOR_PEER_H

#include <thrum/listener.h>

#include "tests/reactor/loop.h"

typedef struct peer {
    struct peer *next; /* who hears after this one */
    thrum_reactor *reactor;
    thrum_listener *listener;
    thrum_stream *stream;
    int raw; /* the other end, a socket that blocks */
    char *data;
    size_t size;     /* received */
    size_t largest;  /* at once */
    unsigned events; /* calls of received */
    unsigned ended, drained, closed, released;
    int code;  /* of why it closed; 0: no failure */
    int error; /* the errno beneath */
    void (*on_received)(struct peer *peer);
    void (*on_ended)(struct peer *peer);
    void (*on_drained)(struct peer *peer);
    void (*on_closed)(struct peer *peer);
} peer;

/* The handler; its ctx is the peer. Every call ends the present turn's run. */
extern const thrum_stream_handler peer_handler;

/* Its release function. */
void peer_release(void *ctx);

/* A listener, a raw socket connected to it, and the stream that came of it,
 * still without a handler. */
void peer_open(peer *peer, thrum_reactor *reactor);

/* The same, with the handler. */
void peer_open_heard(peer *peer, thrum_reactor *reactor);

/* Ends what is left of it, and the loop with it. */
void peer_close(peer *peer);

/* Closes the raw end; `reset`: so that the stream gets a reset. */
void peer_hang_up(peer *peer, bool reset);

/* Sends from the raw end. */
void peer_say(peer *peer, const char *text);

/* What the raw end received reads `text`. */
void peer_expect(peer *peer, const char *text);

/* The raw end reads its end, or (errno) what went wrong. */
void peer_expect_end(peer *peer, int error);

/* Runs the loop until the condition holds. */
#define RUN_UNTIL(reactor, condition)                                          \
    while (!(condition))                                                       \
    thrum_reactor_run(reactor)

#endif
