/* SPDX-License-Identifier: MIT */
/*
 * A stream, as its own files, the listener and the connector see it.
 */
#ifndef THRUM_REACTOR_STREAM_H
#define THRUM_REACTOR_STREAM_H

#include <thrum/listener.h>

#include "deferred/waiters.h"
#include "reactor/address.h"
#include "reactor/queue.h"
#include "reactor/transport.h"

/* "unix:", a path that fills all its room, and the NUL; an IP's is shorter. */
enum { THRUM__NAME = 5 + 108 + 1 };
_Static_assert((int)THRUM__NAME >= (int)THRUM__ADDRESS_TEXT, "holds both");

/* What few streams have: who waits to write more, and deadlines. */
typedef struct thrum__stream_rare {
    thrum__waiters waiters;
    thrum__ready ready;
    thrum_ns idle, write; /* 0: never */
    thrum_ns heard, took; /* when bytes came last, or were taken */
    thrum_ns due;         /* when the call is made */
    thrum_call *call;
    thrum__soon again; /* the second look, */
    int turns;         /* which comes after so many */
} thrum__stream_rare;

struct thrum_stream {
    thrum__link link; /* first: in reactor->streams until `closed` was told */
    thrum_reactor *reactor;
    thrum_context *context;
    thrum_stream *next;      /* in the list of those that were touched */
    thrum_listener *came_by; /* NULL: by none; or it has left already */
    const thrum_stream_handler *handler;
    void *ctx;
    thrum_free_fn *free;
    const char *place; /* of the handler */
    void *spent;       /* a ctx that was replaced while its call was made */
    thrum_free_fn *spent_free;
    thrum__transport *transport; /* the topmost; NULL once it is closed */
    thrum__transport *upper;     /* to be put on top of it when `lower` is 0 */
    size_t lower;                /* bytes that are queued for the one below */
    thrum__queue queue;
    size_t low, high, cap;
    thrum_failure *why;
    thrum__stream_rare *rare; /* mostly NULL */
    unsigned refs;            /* the users' */
    unsigned holds; /* ours: until `closed` was told, touched, calling */
    int watched;    /* what the transport was asked to tell */
    bool touched : 1;
    bool spoken : 1; /* bytes were told, or written */
    bool calling : 1;
    bool paused : 1;
    bool above : 1;        /* `drained` is due */
    bool waited : 1;       /* for `drained`, by a Deferred */
    bool stuck : 1;        /* waits until more can be sent */
    bool ending : 1;       /* losing, aborted or failed: takes no more */
    bool halving : 1;      /* the peer is to be told that no more will come */
    bool losing : 1;       /* to be closed when the queue is empty */
    bool aborted : 1;      /* to be reset */
    bool read_over : 1;    /* the peer sent its last byte */
    bool read_failed : 1;  /* `why` says why */
    bool write_failed : 1; /* likewise; what the peer sent is still read */
    bool shut : 1;         /* the peer knows that no more will come */
    bool closed : 1;       /* the transport is */
    const char *peer;      /* behind the name */
    char name[];
};

/* A stream over a transport; one reference, the caller's. The texts are copied.
 * Ownership: new; transport taken, also on error. Errors: NULL, no memory. */
thrum_stream *thrum__stream_over(thrum_reactor *reactor,
                                 thrum__transport *transport, const char *name,
                                 const char *peer);

/* Writes what a connected socket is called here, and what its peer is; `peer`
 * as in thrum__stream_new. */
void thrum__stream_names(int fd, const thrum__address *peer,
                         char names[2][THRUM__NAME]);

/* A stream over a connected socket, TCP or UNIX; one reference, the caller's.
 * `peer` may be NULL: the socket is asked. Ownership: new; fd taken, also on
 * error. Errors: NULL, no memory. */
thrum_stream *thrum__stream_new(thrum_reactor *reactor, int fd,
                                const thrum__address *peer);

/* Puts `upper` on top of the stream's present transport (its `stack` is called)
 * once all that is queued now has left through that one: at once when nothing
 * is, else in a later turn. From now on nothing is received through the old
 * one, and what is written waits for the new one. A stream that ends before
 * closes `upper` with what it ends with, and `stack` is never called.
 * Ownership: upper taken, unless on error. Errors: THRUM_E_CLOSED as write;
 * THRUM_E_INVALID, one waits already. */
int thrum__stream_set_transport(thrum_stream *stream, thrum__transport *upper);

/* Puts the stream on the list of those to be seen to at the turn's end. */
void thrum__stream_touch(thrum_stream *stream);

/* Writing, in stream_write.c: sends what the kernel takes. */
void thrum__stream_flush(thrum_stream *stream);

/* What few streams have; made when there is none. Errors: NULL, no memory. */
thrum__stream_rare *thrum__stream_rare_make(thrum_stream *stream);

/* Those who wait in stream_wait.c: the queue has drained, or never will. */
void thrum__stream_tell_waiters(thrum_stream *stream);

/* The deadlines, in stream_deadline.c: the transport is asked to tell of other
 * things than `before`; a turn has passed since one was over; the end. */
void thrum__stream_deadline_watch(thrum_stream *stream, int before);
void thrum__stream_deadline_look_again(void *stream);
void thrum__stream_deadline_end(thrum_stream *stream);

/* Tells `drained` when that is due. */
void thrum__stream_tell_drained(thrum_stream *stream);

/* The transport takes bytes again. */
void thrum__stream_writable(thrum_stream *stream);

/* Tells the peer, when nothing is queued, that no more will come. */
void thrum__stream_shut(thrum_stream *stream);

/* Asks the transport to tell what matters now. */
void thrum__stream_watch(thrum_stream *stream);

/* Nothing is queued any more for the transport below: the upper begins. */
void thrum__stream_exchange(thrum_stream *stream);

/* Bounds a call to the handler: what happens to the stream meanwhile leaves
 * both the stream and the ctx of that call alive. */
thrum__timed thrum__stream_enter(thrum_stream *stream);
void thrum__stream_leave(thrum_stream *stream, thrum__timed timed,
                         const char *of);

/* Ends a hold; the last of users and holds frees the stream. */
void thrum__stream_unhold(thrum_stream *stream);

/* Nobody hears of the stream from here on. */
void thrum__stream_drop_handler(thrum_stream *stream);

/* Notes why the stream fails: `beneath` itself when it is of the reactor's
 * domain, else `code` with that beneath. The first reason stays.
 * Ownership: beneath taken; NULL is none. */
void thrum__stream_fail(thrum_stream *stream, int code, thrum_failure *beneath);

#endif
