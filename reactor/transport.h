/* SPDX-License-Identifier: MIT */
/*
 * What carries a stream's bytes: a socket, memory, or TLS over another one. One
 * table of functions each; a transport holds the one beneath it, and the stream
 * holds the topmost.
 *
 * A transport has an owner, the stream or the transport above it, and never
 * calls a stream's handler: it moves bytes when it is asked to, and tells its
 * owner when it can again. While it has bytes of its own to exchange, as in a
 * handshake, it watches the one beneath whatever its owner watches.
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
    THRUM__TRANSPORT_FAILED =
        -2 /* `why` says why, and is the owner's to take */
};

/* What watch waits for, and what ready tells of. BROKEN is told, watched or
 * not, when a transport fails outside of a call of its owner; `why` says why.
 */
enum {
    THRUM__TRANSPORT_RECEIVE = 1,
    THRUM__TRANSPORT_SEND = 2,
    THRUM__TRANSPORT_BROKEN = 4
};

typedef struct thrum__transport_ops {
    /* Takes at most `size` bytes. 0: the peer will send no more. FAILED:
     * nothing works any more. */
    ssize_t (*receive)(thrum__transport *transport, char *data, size_t size);
    /* Sends some of the bytes of `parts`, at least one, and answers how many it
     * took. After AGAIN the same bytes come first again, perhaps in parts that
     * are cut elsewhere. FAILED: no more can be sent; what had come before is
     * still received, and has an end. */
    ssize_t (*send)(thrum__transport *transport, const struct iovec *parts,
                    int count);
    /* From now on the owner wants to hear of these, again and again while they
     * are so; 0: of none. Never calls ready itself. */
    void (*watch)(thrum__transport *transport, int events);
    /* No more will be sent; what was, arrives. 0: done, also when it was
     * before. After AGAIN it is called again when SEND is ready. */
    int (*shutdown)(thrum__transport *transport);
    /* Whether bytes are there that receive would answer, without taking any. */
    bool (*has_bytes)(thrum__transport *transport);
    /* Ends it, the one beneath, and the memory of both. Unless it is a reset,
     * what was sent arrives. In a forked child (reactor->forked) nothing is
     * sent, read or reset: the parent goes on. `why` is what the stream ends
     * with (borrowed; NULL: well). Legal from within ready. */
    void (*close)(thrum__transport *transport, bool reset,
                  const thrum_failure *why);
    /* The descriptor at the bottom, for its options; -1: memory. */
    int (*descriptor)(const thrum__transport *transport);
    /* Begins its work on top of `beneath`, which it owns from now on; called
     * once, before any of the above but close. NULL: it is the bottom. Never
     * calls ready itself: what fails here is told later. */
    void (*stack)(thrum__transport *transport, thrum__transport *beneath);
    /* Its end is made of bytes (a close_notify): shutdown comes before close,
     * too, when the stream ends well. */
    bool says_end;
} thrum__transport_ops;

/* Stands first in each. */
struct thrum__transport {
    const thrum__transport_ops *ops;
    /* One of the reactor's domain is told as it is; another is told as what
     * lies beneath a failure to read or to write. */
    thrum_failure *why;
    /* Some of the events that are watched for have come. */
    void (*ready)(void *owner, int events);
    void *owner;
};

/* Who hears of it from now on. */
static inline void
thrum__transport_set_owner(thrum__transport *transport,
                           void (*ready)(void *owner, int events), void *owner)
{
    transport->ready = ready;
    transport->owner = owner;
}

/* Takes `why` away from it. Ownership: new. */
static inline thrum_failure *
thrum__transport_take_why(thrum__transport *transport)
{
    thrum_failure *why = transport->why;

    transport->why = NULL;
    return why;
}

/* The bottom: a connected socket that does not block, and belongs to nobody
 * yet. Ownership: new; fd taken, also on error. Errors: NULL, no memory. */
thrum__transport *thrum__transport_socket_new(thrum_reactor *reactor, int fd);

/* Two bottoms in memory, each the other's peer. Ownership: both new. Errors:
 * THRUM_E_NOMEM, and neither is there. */
int thrum__transport_memory_pair(thrum_reactor *reactor,
                                 thrum__transport *ends[2]);

#endif
