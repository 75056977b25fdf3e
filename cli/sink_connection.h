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
    sink_session session;
    sink_line line;
};

/* Serves a stream, and greets it. Without memory it is aborted.
 * Ownership: stream taken. */
void sink_connection_open(struct sink_server *server, thrum_stream *stream);

/* Sends what the session has to say, and does what its stage asks for. */
void sink_connection_send(sink_connection *self);

#endif
