/* SPDX-License-Identifier: MIT */
/*
 * A stream, as its own files, the listener and the connector see it.
 */
#ifndef THRUM_REACTOR_STREAM_H
#define THRUM_REACTOR_STREAM_H

#include <thrum/buffer.h>

#include "reactor/address.h"
#include "reactor/loop.h"

struct thrum_stream {
    thrum__link link; /* first: in reactor->streams until `closed` was told */
    thrum_reactor *reactor;
    thrum_context *context;
    thrum_stream *next; /* in the list of those that were touched */
    const thrum_stream_handler *handler;
    void *ctx;
    thrum_free_fn *free;
    void *spent; /* a ctx that was replaced while its call was made */
    thrum_free_fn *spent_free;
    ev_io reader, writer;
    thrum_buffer queue;
    size_t low, high, cap;
    thrum_failure *why;
    unsigned refs;  /* the users' */
    unsigned holds; /* ours: until `closed` was told, touched, calling */
    int fd;
    bool touched : 1;
    bool calling : 1;
    bool paused : 1;
    bool above : 1;        /* `drained` is due */
    bool ending : 1;       /* losing, aborted or failed: takes no more */
    bool losing : 1;       /* to be closed when the queue is empty */
    bool aborted : 1;      /* to be reset */
    bool read_over : 1;    /* the peer sent its last byte */
    bool read_failed : 1;  /* `why` says why */
    bool write_failed : 1; /* likewise; what the peer sent is still read */
    bool closed : 1;       /* the descriptor is */
    char peer[THRUM__ADDRESS_TEXT];
    char name[THRUM__ADDRESS_TEXT];
};

/* A stream over a connected socket; one reference, the caller's. `peer` may be
 * NULL: the socket is asked. Ownership: new; fd taken, also on error.
 * Errors: NULL, no memory. */
thrum_stream *thrum__stream_new(thrum_reactor *reactor, int fd,
                                const thrum__address *peer);

/* Puts the stream on the list of those to be seen to at the turn's end. */
void thrum__stream_touch(thrum_stream *stream);

/* Writing, in stream_write.c: sends what the kernel takes. */
void thrum__stream_flush(thrum_stream *stream);

/* Tells `drained` when that is due. */
void thrum__stream_tell_drained(thrum_stream *stream);

/* The kernel takes bytes again. */
void thrum__stream_on_writable(struct ev_loop *loop, ev_io *writer, int events);

/* Bounds a call to the handler: what happens to the stream meanwhile leaves
 * both the stream and the ctx of that call alive. */
void thrum__stream_enter(thrum_stream *stream);
void thrum__stream_leave(thrum_stream *stream);

/* Ends a hold; the last of users and holds frees the stream. */
void thrum__stream_unhold(thrum_stream *stream);

/* Nobody hears of the stream from here on. */
void thrum__stream_drop_handler(thrum_stream *stream);

/* Notes why the stream fails, with `error` beneath. */
void thrum__stream_fail(thrum_stream *stream, int code, int error);

#endif
