/* SPDX-License-Identifier: MIT */
/*
 * What carries a stream's bytes: a socket, memory, or TLS over another one. One
 * table of functions each; a transport holds the one beneath it, and the stream
 * holds the topmost.
 *
 * A transport has an owner, the stream or the transport above it, and never
 * calls a stream's handler: it moves bytes when it is asked to, and tells its
 * owner when it can again.
 */
#ifndef THRUM_REACTOR_TRANSPORT_H
#define THRUM_REACTOR_TRANSPORT_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "reactor/loop.h"

typedef struct thrum__transport thrum__transport;

/* What receive, send and shutdown answer besides what they did. */
enum {
    THRUM__TRANSPORT_AGAIN = -1, /* not now; the owner will be told when */
    THRUM__TRANSPORT_FAILED = -2 /* `why` says why; nothing works any more */
};

/* What watch waits for, and what ready tells of. */
enum { THRUM__TRANSPORT_RECEIVE = 1, THRUM__TRANSPORT_SEND = 2 };

typedef struct thrum__transport_ops {
    /* Takes at most `size` bytes. 0: the peer will send no more. */
    ssize_t (*receive)(thrum__transport *transport, char *data, size_t size);
    /* Sends some of the bytes of `parts`, and answers how many it took. After
     * AGAIN the same bytes come first again. */
    ssize_t (*send)(thrum__transport *transport, const struct iovec *parts,
                    int count);
    /* From now on the owner wants to hear of these; 0: of none. */
    void (*watch)(thrum__transport *transport, int events);
    /* No more will be sent; what was, arrives. 0: done. */
    int (*shutdown)(thrum__transport *transport);
    /* Whether bytes are there that receive would answer, without taking any. */
    bool (*has_bytes)(thrum__transport *transport);
    /* Ends it, the one beneath, and the memory of both. Not a reset: what was
     * sent arrives. Legal from within ready. */
    void (*close)(thrum__transport *transport, bool reset);
    /* The descriptor at the bottom, for its options; -1: memory. */
    int (*descriptor)(const thrum__transport *transport);
} thrum__transport_ops;

/* Stands first in each. */
struct thrum__transport {
    const thrum__transport_ops *ops;
    thrum_failure *why;
    /* Some of the events that are watched for have come: receive, or send. */
    void (*ready)(void *owner, int events);
    void *owner;
};

#endif
