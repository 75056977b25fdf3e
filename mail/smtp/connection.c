/* SPDX-License-Identifier: MIT */
/*
 * A connection is a line that messages of its client go over, so many and so
 * long as the client has it.
 */
#include <string.h>

#include "mail/smtp/client_internal.h"
#include "mail/smtp/session_internal.h"

static client_connection *connection_of(thrum__smtp_line *line)
{
    return (client_connection *)line;
}

/* ---- Whether it has use for messages ---- */

static void connection_set_hungry(client_connection *self, bool hungry)
{
    client_connection **first = &self->client->hungry;

    if (hungry == self->hungry)
        return;
    self->hungry = hungry;
    if (!hungry) {
        *self->hungry_at = self->hungry_next;
        if (self->hungry_next != NULL)
            self->hungry_next->hungry_at = self->hungry_at;
        return;
    }
    self->hungry_at = first;
    self->hungry_next = *first;
    if (*first != NULL)
        (*first)->hungry_at = &self->hungry_next;
    *first = self;
}

/* ---- Messages ---- */

/* Servers that take so many messages a connection, or wait so long for the
 * next, say 421 to that one before its body: that is the connection's end, and
 * not the message's, unless it is all that the server ever says. */
static bool connection_was_enough(const client_connection *self,
                                  const thrum_smtp_detail *said)
{
    return self->worked && said->code == 421 &&
           said->stage < THRUM_SMTP_STAGE_BODY;
}

static bool connection_is_unsent(const client_connection *self,
                                 const thrum_failure *why)
{
    const thrum_smtp_detail *said = thrum_failure_smtp(why);

    return said != NULL &&
           (thrum_failure_is(why, &thrum_domain_smtp, THRUM_SMTP_E_UNSENT) ||
            connection_was_enough(self, said));
}

/* What a client that is freed did not send has one name, however far it came,
 * unless it is in doubt. Ownership: why taken; new. */
static thrum_failure *connection_why(client_connection *self,
                                     thrum_failure *why, bool unsent)
{
    const thrum_smtp_detail *said = thrum_failure_smtp(why);
    thrum__smtp_client *client = self->client;
    bool cut = said != NULL && said->code == 0 &&
               thrum_failure_is(why, &thrum_domain_smtp, THRUM_SMTP_E_LATER);

    if (client->freed && (unsent || cut))
        return thrum__client_closed(client, why);
    if (thrum_failure_is(why, &thrum_domain_smtp, THRUM_SMTP_E_ACCOUNT))
        thrum__client_account_refused(client, why);
    if (said != NULL && said->code == 421 && !self->slowed) {
        self->slowed = true;
        thrum__smtp_pool_halve(&client->pool);
    }
    return why;
}

/* One that its owner gave up: what there is to say of it, unless that it was
 * given up. */
static void connection_forget(thrum__smtp_job *job, thrum_receipt *receipt,
                              thrum_failure *why)
{
    thrum_message_free(job->message);
    job->message = NULL;
    job->receipt = receipt;
    if (thrum_failure_is(why, &thrum_domain_smtp, THRUM_SMTP_E_CANCELLED))
        thrum_failure_unref(why);
    else
        job->why = why;
}

/* Whether more was on its way behind the message that has just ended. */
static bool connection_runs_ahead(const client_connection *self)
{
    return self->jobs > 0 &&
           self->line.session->mode > THRUM_SMTP_MODE_PIPELINED;
}

/* The server has proven that it can be sent more than it has answered. */
static void connection_let_go(client_connection *self)
{
    thrum__line_let_go(&self->line);
}

static bool connection_breaks(const client_connection *self,
                              const thrum_failure *why)
{
    return thrum_failure_is(why, &thrum_domain_smtp, THRUM_SMTP_E_DOUBT) &&
           connection_runs_ahead(self);
}

/* A message came back from the session. */
static void connection_sent(thrum_message *message, thrum_receipt *receipt,
                            thrum_failure *why, void *ctx)
{
    thrum__smtp_job *job = ctx;
    client_connection *self = job->connection;
    thrum__smtp_client *client = self->client;
    bool unsent = why != NULL && connection_is_unsent(self, why);

    self->jobs--;
    job->connection = NULL;
    job->message = message;
    if (job == client->given_up) {
        connection_forget(job, receipt, why);
        return;
    }
    if (unsent && !client->freed) {
        thrum__client_returned(client, job, why, self->worked);
        return;
    }
    if (why != NULL) {
        self->broke |= connection_breaks(self, why);
        why = connection_why(self, why, unsent);
    } else {
        thrum__smtp_pool_accepted(&client->pool);
        if (connection_runs_ahead(self) &&
            thrum__smtp_pace_answered(&client->pace))
            thrum__connections_visit(client, connection_let_go);
    }
    self->worked = true;
    job->receipt = receipt;
    job->why = why;
    thrum__client_ended(client, job);
}

static int connection_send(client_connection *self, thrum__smtp_job *job)
{
    int error = thrum_smtp_session_send(self->line.session, job->message,
                                        connection_sent, job);

    if (error != 0)
        return error;
    job->connection = self;
    self->jobs++;
    if (++self->given == self->client->config.messages)
        thrum_smtp_session_quit(self->line.session);
    return 0;
}

static void connection_fill(client_connection *self)
{
    thrum__smtp_client *client = self->client;
    thrum__smtp_job *job;

    while (session_wants(self->line.session) > 0 &&
           (job = thrum__client_next(client)) != NULL) {
        int error = connection_send(self, job);

        if (error == 0)
            continue;
        job->why =
            thrum_failure_new(client->context, &thrum_domain_base, error, NULL);
        thrum__client_ended(client, job);
    }
}

/* ---- What its line tells ---- */

static void connection_enter(thrum__smtp_line *line)
{
    thrum__client_enter(connection_of(line)->client);
}

static void connection_leave(thrum__smtp_line *line)
{
    thrum__client_leave(connection_of(line)->client);
}

static void connection_opened(client_connection *self)
{
    thrum__smtp_client *client = self->client;
    thrum_ns life = client->config.life;

    self->opened = true;
    self->old = thrum_clock_now(client->clock) + life;
    client->opening--;
    client->each = session_wants(self->line.session);
    thrum__smtp_pool_opened(&client->pool);
}

/* Without a message it is left for as long as its client has it; and when it
 * was told to leave, but has yet to hear what became of messages that were
 * given up, for as long as a farewell may take. */
static void connection_mind_age(client_connection *self, bool ready)
{
    thrum__smtp_client *client = self->client;
    thrum_ns last = ready ? self->old : INT64_MAX;
    thrum_ns rest = ready ? client->config.idle : client->route.limits.quit;
    thrum_ns now;

    if (self->jobs > 0) {
        self->line.own = last;
        self->rests = CONNECTION_WORKS;
        return;
    }
    if (self->rests == (ready ? CONNECTION_IDLE : CONNECTION_LEAVES))
        return;
    self->rests = ready ? CONNECTION_IDLE : CONNECTION_LEAVES;
    now = thrum_clock_now(client->clock);
    self->line.own = rest < last - now ? now + rest : last;
}

static void connection_work(thrum__smtp_line *line)
{
    client_connection *self = connection_of(line);

    thrum__client_settle(self->client);
    thrum__connection_work(self);
}

void thrum__connection_work(client_connection *self)
{
    thrum__smtp_line *line = &self->line;

    if (line->session != NULL && !line->over) {
        if (!self->opened && session_is_ready(line->session))
            connection_opened(self);
        connection_fill(self);
        if (self->opened)
            connection_mind_age(self, session_is_ready(line->session));
        thrum__line_flush(line);
    }
    connection_set_hungry(self, line->session != NULL && !line->over &&
                                    session_wants(line->session) > 0);
}

static void connection_due(thrum__smtp_line *line)
{
    client_connection *self = connection_of(line);

    if (self->rests == CONNECTION_LEAVES)
        thrum__line_lose(line, NULL);
    else
        thrum_smtp_session_quit(line->session);
}

static void connection_unlink(client_connection *self)
{
    if (self->next != NULL)
        self->next->previous = self->previous;
    if (self->previous != NULL)
        self->previous->next = self->next;
    else
        self->client->connections = self->next;
}

/* A server whose replies were out of step is asked one thing at a time from now
 * on. */
static bool connection_was_confused(const client_connection *self,
                                    const thrum_failure *why)
{
    return why != NULL && self->opened &&
           thrum_failure_is(why, &thrum_domain_smtp, THRUM_SMTP_E_PROTOCOL);
}

/* The last of it. */
static void connection_gone(thrum__smtp_line *line, const thrum_failure *why)
{
    client_connection *self = connection_of(line);
    thrum__smtp_client *client = self->client;
    const thrum_failure *said = thrum__line_failure(line, why);

    connection_set_hungry(self, false);
    connection_unlink(self);
    if (connection_was_confused(self, said))
        thrum__smtp_pace_confused(&client->pace);
    if (self->broke)
        thrum__smtp_pace_broke(&client->pace);
    if (self->tries)
        thrum__smtp_pace_tried(&client->pace);
    thrum__client_lost(client, self, said);
    thrum__line_end(line);
    thrum_context_release(client->context, self);
    thrum__client_leave(client);
}

static const thrum__smtp_line_ops connection_ops = {
    .enter = connection_enter,
    .leave = connection_leave,
    .work = connection_work,
    .due = connection_due,
    .gone = connection_gone,
};

/* ---- What its client asks for ---- */

static client_connection *connection_new(thrum__smtp_client *client)
{
    client_connection *self =
        thrum_context_allocate(client->context, sizeof *self);
    thrum__smtp_role role;

    if (self == NULL)
        return NULL;
    role = thrum__smtp_pace_begin(&client->pace);
    memset(self, 0, sizeof *self);
    self->client = client;
    self->tries = role == THRUM__PACE_TRIES;
    self->line = (thrum__smtp_line){
        .ops = &connection_ops,
        .reactor = client->reactor,
        .route = &client->route,
        .counts = &client->counts,
        .out = &client->out,
        .tls = client->tls,
        .mode = client->pace.most,
        .held = role == THRUM__PACE_HELD,
    };
    self->next = client->connections;
    if (self->next != NULL)
        self->next->previous = self;
    client->connections = self;
    client->count++;
    client->opening++;
    client->refs++;
    return self;
}

int thrum__connection_open(thrum__smtp_client *client)
{
    client_connection *self = connection_new(client);

    if (self == NULL)
        return THRUM_E_NOMEM;
    if (thrum__line_open(&self->line) == 0)
        return 0;
    thrum__client_enter(client);
    connection_gone(&self->line, thrum_failure_no_memory());
    return THRUM_E_NOMEM;
}

void thrum__connections_visit(thrum__smtp_client *client,
                              void (*visit)(client_connection *connection))
{
    client_connection *next;

    for (client_connection *self = client->connections; self != NULL;
         self = next) {
        next = self->next;
        visit(self);
    }
}

void thrum__connection_give_up(client_connection *self)
{
    if (self->opened || self->given_up)
        return;
    self->given_up = true;
    thrum__line_give_up(&self->line);
}

/* One that is ready is told to leave, and whatever it says before that is
 * sent. */
void thrum__connection_retire(client_connection *self)
{
    if (!self->opened) {
        thrum__connection_give_up(self);
    } else if (!self->line.over && session_is_ready(self->line.session)) {
        thrum_smtp_session_quit(self->line.session);
        thrum__connection_work(self);
    }
}

void thrum__connection_drop(client_connection *self)
{
    if (self->jobs == 0)
        thrum__connection_retire(self);
    else if (!self->line.over)
        thrum__line_lose(&self->line, NULL);
}

/* The job has its end when the session has given it back. */
void thrum__connection_cancel(client_connection *self, thrum__smtp_job *job)
{
    thrum_smtp_session_cancel(self->line.session, job->message);
    thrum__connection_work(self);
}
