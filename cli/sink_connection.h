/* SPDX-License-Identifier: MIT */
/*
 * One connection of the sink: a session on a stream. It ends with its stream,
 * and tells its server.
 */
#ifndef THRUM_CLI_SINK_CONNECTION_H
#define THRUM_CLI_SINK_CONNECTION_H

#include <thrum/stream.h>

#include "cli/sink_line.h"
#include "cli/sink_session.h"

struct sink_server;

typedef struct sink_connection sink_connection;

struct sink_connection {
    struct sink_server *server;
    sink_connection *next;
    sink_connection **link; /* what points to this one */
    thrum_stream *stream;
    thrum_deferred *handshake; /* after STARTTLS; NULL: none is going on */
    thrum_call *held;          /* when replies go on; NULL: none is held */
    thrum_call *slow;          /* when reading goes on; NULL: it does */
    thrum_buffer unread;       /* bytes for which it is too early */
    sink_session session;
    sink_line line;
    bool paused; /* the stream rests */
    bool over;   /* the client will say no more */
};

/* Serves a stream, and greets it. Without memory it is aborted.
 * Ownership: stream taken. */
void sink_connection_open(struct sink_server *server, thrum_stream *stream);

/* Sends what the session has to say, as far as it is due, and then does what
 * its stage asks for. */
void sink_connection_send(sink_connection *self);

#endif
