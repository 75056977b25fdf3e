/* SPDX-License-Identifier: MIT */
/*
 * A peer with a script, as its own files see it.
 */
#ifndef THRUM_REACTOR_TEST_PEER_H
#define THRUM_REACTOR_TEST_PEER_H

#include <thrum/test_peer.h>

#include "reactor/loop.h"

/* Kept of what nobody expected yet; then it is left with the stream. */
enum { THRUM__TEST_PEER_KEPT = 256 * 1024 };

typedef enum thrum__step_kind {
    STEP_SEND,
    STEP_EXPECT,
    STEP_UNTIL,
    STEP_END,
    STEP_DELAY,
    STEP_STALL,
    STEP_CLOSE,
    STEP_ABORT
} thrum__step_kind;

typedef struct thrum__step {
    struct thrum__step *next;
    thrum__step_kind kind;
    thrum_ns span;
    thrum_buffer *got;
    size_t piece, size;
    char data[];
} thrum__step;

struct thrum_test_peer {
    thrum__link link;       /* first: in reactor->peers */
    thrum_reactor *reactor; /* NULL once it has ended */
    thrum_context *context;
    thrum_stream *stream;
    thrum__step *first, **last;
    thrum__step **at; /* where the step to do next stands */
    unsigned number;  /* of that, from 1 */
    size_t used;      /* of its bytes: sent, or come */
    thrum_buffer kept;
    thrum_call *timer;
    thrum__soon soon;
    thrum_deferred *played;
    thrum_failure *why; /* what ended the stream */
    bool no_memory;     /* a step could not be added, or bytes not kept */
    bool begun;         /* the present step waits for time, or has */
    bool ended;         /* the other side sends no more */
    bool freed;
};

/* What a script's bytes were compared with. */
typedef struct thrum__came {
    thrum_bytes bytes;
    bool ended; /* and no more */
} thrum__came;

/* Goes on with the play, as far as that comes. Its Deferred is told last. */
void thrum__test_peer_go_on(void *peer);

/* Ends the play; why NULL: well. Ownership: why taken. */
void thrum__test_peer_end(thrum_test_peer *peer, thrum_failure *why);

/* Waits for nothing any more. */
void thrum__test_peer_rest(thrum_test_peer *peer);

/* THRUM_REACTOR_E_SCRIPT: step `number` expected these bytes, as its kind says,
 * and something else came. */
thrum_failure *thrum__test_peer_failure(thrum_context *context, unsigned number,
                                        thrum__step_kind kind,
                                        thrum_bytes expected, thrum__came came);

#endif
