/* SPDX-License-Identifier: MIT */
/*
 * The client keeps the connections to one server, and gives them the messages
 * that wait, first come, first served. It opens a connection only while
 * messages wait that no open one has use for, and keeps it.
 *
 * A message that came back unsent goes once more, before the others, over
 * another connection. What ends is told from the loop, never from within the
 * calls below, and when no session is being spoken to: whoever is told may
 * send, close, or end the client.
 */
#ifndef THRUM_MAIL_SMTP_CLIENT_H
#define THRUM_MAIL_SMTP_CLIENT_H

#include <stdbool.h>

#include <thrum/reactor.h>
#include <thrum/receipt.h>

#include "mail/smtp/job.h"
#include "mail/smtp/url.h"

typedef struct thrum__smtp_client thrum__smtp_client;

typedef struct thrum__smtp_client_config {
    thrum__smtp_url url;
    const char *helo; /* borrowed */
    size_t connections;
    thrum_smtp_mode mode;
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

typedef struct thrum__smtp_client_stats {
    uint64_t connections;
    uint64_t bytes;
} thrum__smtp_client_stats;

/* Ownership: new; the handler must be static, ctx is borrowed until `freed`.
 * Errors: NULL, no memory. */
thrum__smtp_client *
thrum__smtp_client_new(thrum_reactor *reactor,
                       const thrum__smtp_client_config *config,
                       const thrum__smtp_client_handler *handler, void *ctx);

/* The job waits for a connection. Ownership: the job is the client's until
 * `ended`. */
void thrum__smtp_client_send(thrum__smtp_client *client, thrum__smtp_job *job);

/* The job ends by job->why, which its owner has set: in the next turn. */
void thrum__smtp_client_end(thrum__smtp_client *client, thrum__smtp_job *job);

/* Takes a job back. False when it has begun or ended. */
bool thrum__smtp_client_take_back(thrum__smtp_client *client,
                                  thrum__smtp_job *job);

/* Sends what waits, says QUIT, closes, and tells `closed`. */
void thrum__smtp_client_close(thrum__smtp_client *client);

/* Ends it all: what was not sent fails with THRUM_MAIL_E_CLOSED in the next
 * turn; idle connections say QUIT, others are aborted. `freed` comes when the
 * last of it is over. */
void thrum__smtp_client_free(thrum__smtp_client *client);

thrum__smtp_client_stats
thrum__smtp_client_get_stats(const thrum__smtp_client *client);

#endif
