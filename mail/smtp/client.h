/* SPDX-License-Identifier: MIT */
/*
 * The client keeps the connections to one server, and gives them the messages
 * that wait, first come, first served. It opens a connection only while
 * messages wait that no open one has use for, and keeps it for as long as its
 * config has it.
 *
 * A message that came back unsent goes once more, before the others, over
 * another connection. What ends is told from the loop, never from within the
 * calls below, and when no session is being spoken to: whoever is told may
 * send, close, or end the client.
 */
#ifndef THRUM_MAIL_SMTP_CLIENT_H
#define THRUM_MAIL_SMTP_CLIENT_H

#include <stdbool.h>

#include <thrum/receipt.h>

#include "mail/smtp/job.h"
#include "mail/smtp/line.h"

typedef struct thrum__smtp_client thrum__smtp_client;

/* As thrum_mailer_config has them, and none of them 0. */
typedef struct thrum__smtp_client_config {
    size_t connections;
    size_t messages;
    thrum_ns idle;
    thrum_ns life;
    unsigned failures;
    thrum_ns rest;
} thrum__smtp_client_config;

/* Whom the client tells. */
typedef struct thrum__smtp_client_handler {
    /* A message ended: job->receipt or job->why is there, and the job is the
     * handler's again. */
    void (*ended)(thrum__smtp_job *job, void *ctx);
    /* After thrum__smtp_client_close: the last connection is closed. */
    void (*closed)(void *ctx);
    /* The client has gone, and will tell nothing more. */
    void (*freed)(void *ctx);
} thrum__smtp_client_handler;

/* Ownership: new; the route is taken, also on error; the handler must be
 * static, ctx is borrowed until `freed`. Errors: NULL, no memory. */
thrum__smtp_client *
thrum__smtp_client_new(thrum_reactor *reactor, thrum__smtp_route *route,
                       const thrum__smtp_client_config *config,
                       const thrum__smtp_client_handler *handler, void *ctx);

/* The job waits for a connection. Ownership: the job is the client's until
 * `ended`. */
void thrum__smtp_client_send(thrum__smtp_client *client, thrum__smtp_job *job);

/* The job ends by job->why, which its owner has set: in the next turn. */
void thrum__smtp_client_end(thrum__smtp_client *client, thrum__smtp_job *job);

/* Gives a message up, wherever it is. The job is the caller's again, and has no
 * message; job->receipt or job->why is there when it had ended already, or is
 * in doubt. */
void thrum__smtp_client_cancel(thrum__smtp_client *client,
                               thrum__smtp_job *job);

/* Sends what waits, says QUIT, closes, and tells `closed`. */
void thrum__smtp_client_close(thrum__smtp_client *client);

/* Ends it all: what was not sent fails with THRUM_MAIL_E_CLOSED in the next
 * turn; idle connections say QUIT, others are aborted. `freed` comes when the
 * last of it is over. */
void thrum__smtp_client_free(thrum__smtp_client *client);

/* What it did so far. */
thrum__smtp_counts thrum__smtp_client_counts(const thrum__smtp_client *client);

#endif
