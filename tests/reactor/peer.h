/* SPDX-License-Identifier: MIT */
/*
 * Two ends of a connection: a stream with a handler that notes all it is told,
 * and a raw end that a test moves by hand: a plain socket, or the other end of
 * a stream in memory.
 */
#ifndef THRUM_TESTS_REACTOR_PEER_H
#define THRUM_TESTS_REACTOR_PEER_H

#include <thrum/listener.h>

#include "reactor/transport.h"
#include "tests/reactor/loop.h"

/* What carries the bytes. */
typedef enum peer_kind {
    PEER_TCP,
    PEER_UNIX,
    PEER_MEMORY,
    PEER_KINDS
} peer_kind;

/* What peer_open and peer_pair make: the main program's choice. */
extern peer_kind peer_over;

/* The name of that, for the name of a suite. */
const char *peer_over_name(const char *suite);

/* Two streams that are each other's peers. */
void peer_pair(thrum_reactor *reactor, thrum_stream *streams[2]);

typedef struct peer {
    struct peer *next; /* who hears after this one */
    thrum_reactor *reactor;
    thrum_listener *listener;
    thrum_stream *stream;
    int raw;               /* the other end, a socket; -1: none */
    thrum__transport *end; /* the other end, in memory; NULL: none */
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

/* A stream still without a handler, and its raw end. Over TCP a listener made
 * it. */
void peer_open(peer *peer, thrum_reactor *reactor);

/* The same, with the handler. */
void peer_open_heard(peer *peer, thrum_reactor *reactor);

/* Ends what is left of it, and the loop with it. */
void peer_close(peer *peer);

/* Closes the raw end; `reset`: so that the stream gets a reset. A UNIX socket
 * has none of its own: it ends. */
void peer_hang_up(peer *peer, bool reset);

/* The raw end sends no more, and still receives. */
void peer_say_end(peer *peer);

/* Sends from the raw end; all of it fits. */
void peer_say(peer *peer, const char *text);

/* The same for any bytes; answers how many fitted. */
size_t peer_send(peer *peer, const void *data, size_t size);

/* What has come to the raw end: as recv, without waiting. */
ssize_t peer_take(peer *peer, void *data, size_t size);

/* What the raw end receives reads `text`; the loop turns until it is there. */
void peer_expect(peer *peer, const char *text);

/* The raw end receives its end, or (errno) what went wrong; over UNIX, an end
 * in place of a reset. */
void peer_expect_end(peer *peer, int error);

/* Runs the loop until the condition holds. */
#define RUN_UNTIL(reactor, condition)                                          \
    while (!(condition))                                                       \
    thrum_reactor_run(reactor)

#endif
