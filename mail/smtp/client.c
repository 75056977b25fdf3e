/* SPDX-License-Identifier: MIT */
/*
 * Between messages and connections.
 *
 * While messages wait, no connection has use for one: whoever adds a message or
 * frees a connection sees to that at once (client_pump). So the usual send,
 * with every connection busy, only appends to a queue.
 */
#include <stdio.h>
#include <string.h>

#include <thrum/address.h>

#include "mail/message_internal.h"
#include "mail/receipt_internal.h"
#include "mail/smtp/client_internal.h"

enum {
    CLIENT_TRIES = 2, /* over connections that did nothing else */
    CLIENT_PEER = THRUM__URL_HOST + 8,
    CLIENT_TEXT = CLIENT_PEER + 32
};

static void client_pump(thrum__smtp_client *client);

thrum__smtp_client *
thrum__smtp_client_new(thrum_reactor *reactor,
                       const thrum__smtp_client_config *config,
                       const thrum__smtp_client_handler *handler, void *ctx)
{
    thrum_context *context = thrum_reactor_context(reactor);
    thrum__smtp_client *client =
        thrum_context_allocate(context, sizeof *client);

    if (client == NULL)
        return NULL;
    memset(client, 0, sizeof *client);
    client->reactor = reactor;
    client->context = thrum_context_ref(context);
    client->clock = thrum_reactor_clock(reactor);
    client->handler = handler;
    client->ctx = ctx;
    client->config = *config;
    client->allowed = config->connections;
    client->refs = 1;
    thrum_buffer_init(&client->out, context, SIZE_MAX);
    return client;
}

static void client_unref(void *what)
{
    thrum__smtp_client *client = what;
    thrum_context *context = client->context;
    thrum__smtp_job *job;

    if (--client->refs > 0)
        return;
    while ((job = thrum__smtp_queue_take(&client->ended)) != NULL)
        client->handler->ended(job, client->ctx);
    client->handler->freed(client->ctx);
    thrum_buffer_fini(&client->out);
    thrum_context_release(context, client);
    thrum_context_unref(context);
}

static size_t client_waiting(const thrum__smtp_client *client)
{
    return client->again.count + client->waiting.count;
}

static bool client_is_over(const thrum__smtp_client *client)
{
    return client->closing && client->count == 0 &&
           client_waiting(client) == 0 && client->ended.count == 0;
}

/* ---- Telling ---- */

static void client_on_call(void *ctx)
{
    thrum__smtp_client *client = ctx;

    client->call = NULL;
    thrum__client_enter(client);
    thrum__client_leave(client);
}

/* What ended outside an event, or is over, is told in the next turn. Without
 * memory for that, the next event tells it. */
static void client_tell_later(thrum__smtp_client *client)
{
    if (client->call != NULL || client->depth > 0 ||
        (client->ended.count == 0 && !client_is_over(client)))
        return;
    client->refs++;
    client->call = thrum_clock_call_later(client->clock, 0, client_on_call,
                                          client, client_unref);
}

/* Those that end while others are told wait for the next turn, so that a turn
 * has an end. */
void thrum__client_settle(thrum__smtp_client *client)
{
    for (size_t left = client->ended.count; left > 0; left--)
        client->handler->ended(thrum__smtp_queue_take(&client->ended),
                               client->ctx);
}

void thrum__client_enter(thrum__smtp_client *client)
{
    client->refs++;
    client->depth++;
}

void thrum__client_leave(thrum__smtp_client *client)
{
    if (client->depth == 1) {
        thrum__client_settle(client);
        client_pump(client);
    }
    client->depth--;
    if (client->depth == 0 && client_is_over(client)) {
        client->closing = false;
        client->handler->closed(client->ctx);
    }
    client_tell_later(client);
    client_unref(client);
}

void thrum__client_ended(thrum__smtp_client *client, thrum__smtp_job *job)
{
    thrum_message_free(job->message);
    job->message = NULL;
    thrum__smtp_queue_append(&client->ended, job);
}

void thrum__smtp_client_end(thrum__smtp_client *client, thrum__smtp_job *job)
{
    thrum__client_ended(client, job);
    client_tell_later(client);
}

static void client_fail(thrum__smtp_client *client, thrum__smtp_job *job,
                        const thrum_failure *why)
{
    job->why = thrum_failure_ref(why);
    thrum__client_ended(client, job);
}

/* ---- Messages and connections ---- */

thrum__smtp_job *thrum__client_next(thrum__smtp_client *client)
{
    thrum__smtp_job *job = thrum__smtp_queue_take(&client->again);

    return job != NULL ? job : thrum__smtp_queue_take(&client->waiting);
}

static void client_fail_waiting(thrum__smtp_client *client,
                                const thrum_failure *why)
{
    thrum__smtp_job *job;

    while ((job = thrum__client_next(client)) != NULL)
        client_fail(client, job, why);
}

static void client_work(client_connection *connection)
{
    thrum__connection_work(connection);
}

/* One more connection is worth its while when those that are being opened will
 * not take all that waits: two messages each, and in lockstep one. */
static bool client_wants_connection(const thrum__smtp_client *client)
{
    size_t each = client->config.mode == THRUM_SMTP_MODE_LOCKSTEP ? 1 : 2;

    return client->count < client->allowed &&
           client_waiting(client) > client->opening * each;
}

static void client_pump(thrum__smtp_client *client)
{
    if (client->hungry > 0 && client_waiting(client) > 0)
        thrum__connections_visit(client, client_work);
    while (client_wants_connection(client))
        if (thrum__connection_open(client) != 0) {
            if (client->count == 0)
                client_fail_waiting(client, thrum_failure_no_memory());
            break;
        }
    if (client->closing && client_waiting(client) == 0)
        thrum__connections_visit(client, thrum__connection_retire);
}

/* The same from outside an event, where nothing may be told before the caller
 * has returned. */
static void client_pump_quietly(thrum__smtp_client *client)
{
    client->depth++;
    client_pump(client);
    client->depth--;
    client_tell_later(client);
}

void thrum__smtp_client_send(thrum__smtp_client *client, thrum__smtp_job *job)
{
    thrum__smtp_queue_append(&client->waiting, job);
    if (client->depth == 0 &&
        (client->hungry > 0 || client->count < client->allowed))
        client_pump_quietly(client);
}

/* Each answer that a connection got pays for those that it gave back, so that
 * a server that closes connections now and then stops nothing. */
void thrum__client_returned(thrum__smtp_client *client, thrum__smtp_job *job,
                            thrum_failure *why, bool worked)
{
    job->tries += !worked;
    if (job->tries >= CLIENT_TRIES) {
        job->why = why;
        thrum__client_ended(client, job);
        return;
    }
    thrum_failure_unref(why);
    thrum__smtp_queue_append(&client->again, job);
}

bool thrum__smtp_client_take_back(thrum__smtp_client *client,
                                  thrum__smtp_job *job)
{
    if (job->queue != &client->again && job->queue != &client->waiting)
        return false;
    thrum__smtp_queue_remove(job);
    return true;
}

/* A server that refuses its service says so itself. */
static thrum_failure *client_unreachable(const thrum__smtp_client *client,
                                         const thrum_failure *why)
{
    const thrum__smtp_url *url = &client->config.url;
    bool figures = strchr(url->host, ':') != NULL;
    thrum_smtp_detail detail = {
        .stage = THRUM_SMTP_STAGE_CONNECT, .enhanced = "", .text = ""};
    char peer[CLIENT_PEER], text[CLIENT_TEXT];
    thrum_failure *failure;

    if (why != NULL &&
        thrum_failure_is(why, &thrum_domain_smtp, THRUM_SMTP_E_SERVICE))
        return thrum_failure_ref(why);
    snprintf(peer, sizeof peer, figures ? "[%s]:%u" : "%s:%u", url->host,
             (unsigned)url->port);
    snprintf(text, sizeof text, "%s was not reached", peer);
    detail.peer = peer;
    failure = thrum__smtp_failure(client->context, THRUM_SMTP_E_UNREACHABLE,
                                  &detail, text);
    if (why != NULL)
        thrum_failure_because(failure, thrum_failure_ref(why));
    return failure;
}

/* An attempt that failed is not made again while others are up, or still under
 * way: each would be replaced before the last has failed, without end. Each
 * connection that ends otherwise allows for one attempt more. When none is
 * left, nothing that waits can be sent. */
void thrum__client_lost(thrum__smtp_client *client, bool opened,
                        const thrum_failure *why)
{
    thrum_failure *unreachable;

    client->count--;
    client->refs--; /* never the last one: an event is under way */
    if (!opened)
        client->opening--;
    if (client->count == 0)
        client->allowed = client->config.connections;
    else if (!opened)
        client->allowed = client->count;
    else if (client->allowed < client->config.connections)
        client->allowed++;
    if (opened || client->count > 0 || client_waiting(client) == 0)
        return;
    unreachable = client_unreachable(client, why);
    client_fail_waiting(client, unreachable);
    thrum_failure_unref(unreachable);
}

/* ---- The end ---- */

void thrum__smtp_client_close(thrum__smtp_client *client)
{
    client->closing = true;
    if (client->depth == 0)
        client_pump_quietly(client);
}

thrum_failure *thrum__client_closed(const thrum__smtp_client *client,
                                    thrum_failure *cause)
{
    thrum_failure *why = thrum_failure_new(
        client->context, &thrum_domain_mail, THRUM_MAIL_E_CLOSED,
        "the mailer was closed before the message was sent");

    return cause != NULL ? thrum_failure_because(why, cause) : why;
}

void thrum__smtp_client_free(thrum__smtp_client *client)
{
    thrum_failure *why = thrum__client_closed(client, NULL);

    client->freed = true;
    client->depth++;
    client_fail_waiting(client, why);
    thrum__connections_visit(client, thrum__connection_drop);
    client->depth--;
    thrum_failure_unref(why);
    client_tell_later(client);
    client_unref(client);
}

thrum__smtp_client_stats
thrum__smtp_client_get_stats(const thrum__smtp_client *client)
{
    return client->stats;
}
