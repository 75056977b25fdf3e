/* SPDX-License-Identifier: MIT */
/*
 * A listener, as its own files and the streams that came by it see it.
 */
#ifndef THRUM_REACTOR_LISTENER_H
#define THRUM_REACTOR_LISTENER_H

#include <thrum/listener.h>

#include <sys/stat.h>
#include <sys/un.h>

#include "reactor/address.h"
#include "reactor/loop.h"

/* "unix:" and a path, which is longer than any address in figures. */
enum { THRUM__LISTENER_NAME = sizeof(struct sockaddr_un) + 8 };

struct thrum_listener {
    thrum__link link; /* first: in reactor->listeners until it is stopped */
    thrum_reactor *reactor;
    thrum_context *context;
    thrum_tls *tls;
    thrum_ns within;
    size_t most; /* 0: no limit */
    size_t open; /* streams that came by it, and still are */
    ev_io io;
    thrum_call *rest;
    thrum__link handshakes;
    thrum_accept_fn *accept;
    void *ctx;
    thrum_free_fn *free;
    const char *place;
    void *spent; /* a ctx that was replaced while its call was made */
    thrum_free_fn *spent_free;
    int fd;       /* -1 once it is stopped */
    int spare;    /* kept for when there are no more; -1: none */
    dev_t device; /* of a UNIX socket's file, to be removed; and its number */
    ino_t inode;
    unsigned holds; /* the owner, each open stream, and a call that is made */
    uint16_t port;
    bool calling;
    bool freed;
    bool starved; /* the last peer could not come in */
    char name[THRUM__LISTENER_NAME];
};

/* Begins to listen at `fd`: nobody is taken yet. */
void thrum__listener_start(thrum_listener *listener);

/* One stream less: called when its descriptor is closed. */
void thrum__listener_left(thrum_listener *listener);

/* Ends a hold; the last one frees the listener. */
void thrum__listener_unhold(thrum_listener *listener);

/* Begins TLS on a stream that came, and hands it over when that is done. */
void thrum__listener_begin_tls(thrum_listener *listener, thrum_stream *stream);

/* Aborts the handshakes under way. */
void thrum__listener_end_tls(thrum_listener *listener);

/* Hands a stream over. Ownership: stream taken. */
void thrum__listener_hand_over(thrum_listener *listener, thrum_stream *stream);

#endif
