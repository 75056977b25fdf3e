/* SPDX-License-Identifier: MIT */
/*
 * The sink as a server: a listener, its connections, the signals that end it,
 * and the file that gets the messages.
 */
#ifndef THRUM_CLI_SINK_SERVER_H
#define THRUM_CLI_SINK_SERVER_H

#include <thrum/listener.h>

#include "cli/sink_connection.h"

typedef struct sink_server {
    thrum_reactor *reactor;
    thrum_listener *listener;
    thrum_signal *signals[2];
    thrum_call *grace; /* when those that are left are ended */
    thrum_call *flush; /* when the dump is to be written next */
    sink_connection *connections;
    sink_dump *dump; /* NULL: messages are counted only */
    uint64_t count;  /* end after so many messages; 0: never */
    thrum_tls *tls;  /* NULL: none; what sessions offer, or all begin with: */
    uint64_t rate;   /* octets a second that are read; 0: any */
    bool implicit;   /* TLS from the first word on */
    bool closing;    /* no more connections or messages are taken */
    bool ending;     /* all that are left were told 421 */
    sink_totals totals;
    sink_session_config session;
} sink_server;

/* Starts it: `reactor`, `dump`, `count`, `tls`, `rate` and `implicit` are set,
 * and what `session` offers; all else is 0. The loop ends when the server does.
 * Ownership: *why new, only on error. Errors: 0, or -1 and *why. */
int sink_server_start(sink_server *server, const char *host, uint16_t port,
                      thrum_failure **why);

/* A reply that was held goes on: its client has the whole grace from now on. */
void sink_server_went_on(sink_server *server);

/* A connection has ended, and is no longer among its server's. */
void sink_server_left(sink_server *server);

/* Frees what start made; the reactor's streams end with the reactor. */
void sink_server_fini(sink_server *server);

#endif
