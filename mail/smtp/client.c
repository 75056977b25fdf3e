/* SPDX-License-Identifier: MIT */
/*
 * Between messages and connections.
 *
 * While messages wait, no connection has use for one: whoever adds a message or
 * frees a connection sees to that at once (client_pump). So the usual send,
 * with every connection busy, only appends to a queue. The connection that had
 * use for one last gets it first: so the others come to rest, and close.
 */
#include <string.h>

#include <thrum/address.h>

#include "mail/message_internal.h"
#include "mail/smtp/client_internal.h"

enum {
    CLIENT_TRIES = 2, /* over connections that did nothing else */
    CLIENT_EACH = 2   /* use of a connection, before one is known */
};

static void client_pump(thrum__smtp_client *client);

thrum__smtp_client *
thrum__smtp_client_new(thrum_reactor *reactor, thrum__smtp_route *route,
                       const thrum__smtp_client_config *config,
                       const thrum__smtp_client_handler *handler, void *ctx)
{
    thrum_context *context = thrum_reactor_context(reactor);
    thrum__smtp_client *client =
        thrum_context_allocate(context, sizeof *client);

    if (client == NULL) {
        thrum__smtp_route_end(route);
        return NULL;
    }
    memset(client, 0, sizeof *client);
    client->reactor = reactor;
    client->context = thrum_context_ref(context);
    client->clock = thrum_reactor_clock(reactor);
    client->handler = handler;
    client->ctx = ctx;
    client->config = *config;
    client->route = *route;
    client->tls = route->tls;
    thrum__smtp_pace_init(&client->pace, route->mode);
    client->each = CLIENT_EACH;
    client->pool = (thrum__smtp_pool){.most = config->connections,
                                      .failures = config->failures,
                                      .rest = config->rest};
    thrum__smtp_pool_init(&client->pool);
    client->refs = 1;
    thrum_buffer_init(&client->out, context, SIZE_MAX);
    return client;
}

/* Not inline: an event should not pay for its registers. */
static __attribute__((__noinline__)) void
client_let_go(thrum__smtp_client *client)
{
    thrum_context *context = client->context;
    thrum__smtp_job *job;

    client->depth++; /* whoever is told may give another one up */
    while ((job = thrum__smtp_queue_take(&client->ended)) != NULL)
        client->handler->ended(job, client->ctx);
    client->handler->freed(client->ctx);
    thrum_buffer_fini(&client->out);
    thrum__smtp_pool_fini(&client->pool);
    thrum__smtp_route_end(&client->route);
    thrum_context_release(context, client);
    thrum_context_unref(context);
}

static void client_unref(void *what)
{
    thrum__smtp_client *client = what;

    if (client->refs > 1)
        client->refs--;
    else
        client_let_go(client);
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
    thrum__smtp_job *job;

    for (size_t left = client->ended.count;
         left > 0 && (job = thrum__smtp_queue_take(&client->ended)) != NULL;
         left--)
        client->handler->ended(job, client->ctx);
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

/* There is no connection, and none is to be made before the rest is over. */
static void client_mind_rest(thrum__smtp_client *client)
{
    const thrum_failure *why;

    if (client->count > 0 || client_waiting(client) == 0)
        return;
    why = thrum__smtp_pool_rests(&client->pool, thrum_clock_now(client->clock));
    if (why != NULL)
        client_fail_waiting(client, why);
}

/* One more connection is worth its while when those that are being opened will
 * not take all that waits. */
static bool client_wants_connection(thrum__smtp_client *client)
{
    return client->count < thrum__smtp_pool_limit(&client->pool) &&
           client_waiting(client) > client->opening * client->each &&
           thrum__smtp_pool_rests(&client->pool,
                                  thrum_clock_now(client->clock)) == NULL;
}

static void client_pump(thrum__smtp_client *client)
{
    if (client->refused) {
        client->refused = false;
        thrum__connections_visit(client, thrum__connection_retire);
    }
    client_mind_rest(client);
    while (client->hungry != NULL && client_waiting(client) > 0)
        thrum__connection_work(client->hungry);
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
        (client->hungry != NULL ||
         client->count < thrum__smtp_pool_limit(&client->pool)))
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

/* What has its end goes back as it ended, not told by the client any more. */
static void client_take_back(thrum__smtp_client *client, thrum__smtp_job *job)
{
    bool over = job->queue == &client->ended;

    thrum__smtp_queue_remove(job);
    if (over)
        return;
    thrum_message_free(job->message);
    job->message = NULL;
    if (client_waiting(client) == 0)
        thrum__connections_visit(client, thrum__connection_give_up);
}

void thrum__smtp_client_cancel(thrum__smtp_client *client, thrum__smtp_job *job)
{
    client->refs++;
    client->depth++;
    client->given_up = job;
    if (job->queue != NULL)
        client_take_back(client, job);
    else
        thrum__connection_cancel(job->connection, job);
    client->given_up = NULL;
    client->depth--;
    client_tell_later(client);
    client_unref(client);
}

/* Nothing more is sent by an account that was refused, nor is it tried again
 * and again: that is how it gets locked. Connections are ended when no session
 * is being spoken to. */
void thrum__client_account_refused(thrum__smtp_client *client,
                                   const thrum_failure *why)
{
    thrum__smtp_pool_rest(&client->pool, why, thrum_clock_now(client->clock));
    client_fail_waiting(client, why);
    client->refused = true;
}

/* TLS that was only taken since it was offered, and does not work: the next
 * connections go without. */
static bool client_goes_without_tls(thrum__smtp_client *client,
                                    const client_connection *connection)
{
    if (connection->line.tls != THRUM_SMTP_TLS_OPPORTUNISTIC ||
        !thrum__line_failed_in_tls(&connection->line))
        return false;
    client->tls = THRUM_SMTP_TLS_NONE;
    return true;
}

static void client_attempt_failed(thrum__smtp_client *client,
                                  const thrum_failure *why)
{
    size_t up = client->count - client->opening;
    thrum_ns now = thrum_clock_now(client->clock);
    thrum_failure *unreachable =
        thrum__smtp_route_unreachable(&client->route, why);

    thrum__smtp_pool_failed(&client->pool, client->count, up, unreachable, now);
    if (thrum_failure_is(unreachable, &thrum_domain_smtp, THRUM_SMTP_E_ACCOUNT))
        thrum__client_account_refused(client, unreachable);
    if (client->count == 0)
        client_fail_waiting(client, unreachable);
    thrum_failure_unref(unreachable);
}

/* When none is left, nothing that waits can be sent. */
void thrum__client_lost(thrum__smtp_client *client,
                        const client_connection *connection,
                        const thrum_failure *why)
{
    client->count--;
    client->refs--; /* never the last one: an event is under way */
    if (connection->opened) {
        thrum__smtp_pool_ended(&client->pool, client->count);
        return;
    }
    client->opening--;
    if (!connection->given_up && !client_goes_without_tls(client, connection))
        client_attempt_failed(client, why);
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

thrum__smtp_counts thrum__smtp_client_counts(const thrum__smtp_client *client)
{
    thrum__smtp_counts counts = client->counts;

    for (const client_connection *at = client->connections; at != NULL;
         at = at->next)
        counts.replies += thrum__line_replies(&at->line);
    return counts;
}
