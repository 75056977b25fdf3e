/* SPDX-License-Identifier: MIT */
/*
 * What the client and its connections know of each other.
 */
#ifndef THRUM_MAIL_SMTP_CLIENT_INTERNAL_H
#define THRUM_MAIL_SMTP_CLIENT_INTERNAL_H

#include "mail/smtp/client.h"
#include "mail/smtp/pace.h"
#include "mail/smtp/pool.h"

typedef struct client_connection client_connection;

/* What line.own is for. */
typedef enum client_rest {
    CONNECTION_WORKS, /* its age */
    CONNECTION_IDLE,  /* it has no message */
    CONNECTION_LEAVES /* the same, and says goodbye */
} client_rest;

struct client_connection {
    thrum__smtp_line line; /* first */
    client_connection *next, *previous;
    client_connection *hungry_next, **hungry_at; /* while hungry */
    thrum__smtp_client *client;
    size_t jobs;  /* that the session has */
    size_t given; /* jobs that it ever had */
    thrum_ns old; /* takes no more messages then */
    bool opened;  /* it was ready for messages */
    bool worked;  /* a message ended on it */
    bool tries;   /* it finds out how far sessions may go */
    bool broke;   /* a message is in doubt behind which more was sent */
    bool hungry;  /* it has use for messages and there were none */
    client_rest rests;
    bool given_up; /* the attempt, since nobody needs it */
    bool slowed;   /* the server said that it has too much to do */
};

struct thrum__smtp_client {
    thrum_reactor *reactor;
    thrum_context *context;
    thrum_clock *clock;
    const thrum__smtp_client_handler *handler;
    void *ctx;
    thrum__smtp_client_config config;
    thrum__smtp_route route;
    thrum__smtp_counts counts;
    thrum__smtp_pool pool;
    thrum__smtp_pace pace;
    thrum_smtp_tls tls; /* of the next connection: the route's, or less */

    thrum__smtp_queue again;   /* came back unsent: before the others */
    thrum__smtp_queue waiting; /* in the order in which they came */
    thrum__smtp_queue ended;   /* to be told */
    thrum__smtp_job *given_up; /* its owner cancels it, and is told nothing */

    client_connection *connections; /* all that are not closed */
    client_connection *hungry;      /* of them, the last one first */
    size_t count;                   /* of all */
    size_t opening;                 /* of them: not yet ready for messages */
    size_t each;      /* messages that a connection has use for at once */
    thrum_buffer out; /* from a session to its stream: empty in between */

    thrum_call *call; /* to tell what ended outside an event */
    unsigned refs;    /* the owner's, each connection's, the events' */
    unsigned depth;   /* events under way */
    bool refused;     /* the account was: connections are to end */
    bool closing;     /* tells `closed` when all is over */
    bool freed;       /* by its owner */
};

/* ---- client.c ---- */

/* Bounds an event: what ended in it is told at its end, and messages that wait
 * find a connection. The client lives at least as long. */
void thrum__client_enter(thrum__smtp_client *client);
void thrum__client_leave(thrum__smtp_client *client);

/* Tells what has ended so far. No session may be on the stack. */
void thrum__client_settle(thrum__smtp_client *client);

/* The message that is due, for a connection, or NULL. */
thrum__smtp_job *thrum__client_next(thrum__smtp_client *client);

/* A job has its end. */
void thrum__client_ended(thrum__smtp_client *client, thrum__smtp_job *job);

/* A job came back unsent from a connection that had done some work or not.
 * Ownership: why taken. */
void thrum__client_returned(thrum__smtp_client *client, thrum__smtp_job *job,
                            thrum_failure *why, bool worked);

/* A connection has gone. `why` is borrowed. */
void thrum__client_lost(thrum__smtp_client *client,
                        const client_connection *connection,
                        const thrum_failure *why);

/* The server wants no mail from this account: all that wait fail. `why` is
 * borrowed. */
void thrum__client_account_refused(thrum__smtp_client *client,
                                   const thrum_failure *why);

/* "the mailer is closed": of what a client that was freed had not sent.
 * Ownership: cause taken, may be NULL. */
thrum_failure *thrum__client_closed(const thrum__smtp_client *client,
                                    thrum_failure *cause);

/* ---- connection.c ---- */

/* Begins to connect. Errors: THRUM_E_NOMEM. */
int thrum__connection_open(thrum__smtp_client *client);

/* Gives it what it wants of what waits, and sends. */
void thrum__connection_work(client_connection *connection);

/* Says QUIT when it is done with what it has; gives an attempt up. */
void thrum__connection_retire(client_connection *connection);

/* Gives an attempt up; nothing to one that was ready for messages. */
void thrum__connection_give_up(client_connection *connection);

/* Ends it at once; says QUIT when it has nothing under way. */
void thrum__connection_drop(client_connection *connection);

/* Gives up a message that it has. */
void thrum__connection_cancel(client_connection *connection,
                              thrum__smtp_job *job);

/* Calls `visit` for each connection; each may go away in its visit. */
void thrum__connections_visit(thrum__smtp_client *client,
                              void (*visit)(client_connection *connection));

#endif
