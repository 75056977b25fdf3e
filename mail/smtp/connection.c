/* SPDX-License-Identifier: MIT */
/*
 * A connection is a session on a stream. It is freed in one place: when the
 * attempt to connect has failed, or when its stream is closed, which is never
 * told from within a call made here.
 */
#include <string.h>

#include "mail/smtp/client_internal.h"

enum {
    CONNECTION_SLICE = 16 * 1024, /* of a message, at a time */
    CONNECTION_LOW = 16 * 1024,
    CONNECTION_HIGH = 64 * 1024,
    CONNECTION_CAP = 1024 * 1024
};

#define CONNECTION_WITHIN (30 * THRUM_S)

struct client_connection {
    client_connection *next, *previous;
    thrum__smtp_client *client;
    thrum_deferred *connecting; /* until the stream is there */
    thrum_stream *stream;
    thrum_smtp_session *session;
    thrum_call *timer;
    thrum_ns due;       /* of the timer: never after the session's deadline */
    size_t jobs;        /* that the session has */
    bool opened;        /* it was ready for messages */
    bool worked;        /* a message ended on it */
    bool hungry;        /* it has use for messages and there were none */
    bool over;          /* its stream was told to close */
    thrum_failure *why; /* it ended by something of ours */
};

/* ---- Its time ---- */

static void connection_on_time(void *ctx);

/* The timer is left where it is when the deadline moves away, and looks again
 * when it runs: so it costs nothing per message. */
static void connection_mind_time(client_connection *self)
{
    thrum_clock *clock = self->client->clock;
    thrum_ns due = thrum_smtp_session_deadline(self->session);
    thrum_ns left;

    if (due == INT64_MAX || (self->timer != NULL && due >= self->due))
        return;
    left = due - thrum_clock_now(clock);
    if (self->timer != NULL)
        thrum_clock_reset(clock, self->timer, left);
    else
        self->timer =
            thrum_clock_call_later(clock, left, connection_on_time, self, NULL);
    if (self->timer == NULL)
        thrum_smtp_session_lost(self->session, thrum_failure_no_memory());
    self->due = due;
}

static void connection_on_time(void *ctx)
{
    client_connection *self = ctx;
    thrum__smtp_client *client = self->client;

    self->timer = NULL;
    thrum__client_enter(client);
    thrum_smtp_session_expire(self->session, thrum_clock_now(client->clock));
    thrum__connection_work(self);
    thrum__client_leave(client);
}

/* ---- Its end ---- */

static void connection_unlink(client_connection *self)
{
    if (self->next != NULL)
        self->next->previous = self->previous;
    if (self->previous != NULL)
        self->previous->next = self->next;
    else
        self->client->connections = self->next;
}

static void connection_set_hungry(client_connection *self, bool hungry)
{
    self->client->hungry += (size_t)hungry - (size_t)self->hungry;
    self->hungry = hungry;
}

/* The last of it. Only within an event. */
static void connection_gone(client_connection *self, const thrum_failure *why)
{
    thrum__smtp_client *client = self->client;
    const thrum_failure *said = NULL;

    if (self->session != NULL)
        said = thrum_smtp_session_failure(self->session);
    if (self->why != NULL)
        said = self->why;
    connection_set_hungry(self, false);
    connection_unlink(self);
    thrum_clock_cancel(client->clock, self->timer);
    thrum__client_lost(client, self->opened, said != NULL ? said : why);
    thrum_smtp_session_free(self->session);
    thrum_stream_unref(self->stream);
    thrum_failure_unref(self->why);
    thrum_context_release(client->context, self);
}

/* The session has ended: the stream is closed once what it said is sent, if it
 * is a farewell, and at once otherwise. */
static void connection_over(client_connection *self)
{
    if (self->over)
        return;
    self->over = true;
    connection_set_hungry(self, false);
    if (thrum_stream_queued(self->stream) == 0)
        thrum_stream_lose(self->stream);
    else
        thrum_stream_abort(self->stream);
}

static void connection_lost(client_connection *self, thrum_failure *why)
{
    thrum_smtp_session_lost(self->session, why);
    connection_over(self);
}

/* ---- Its work ---- */

/* Servers that take so many messages a connection, or wait so long for the
 * next, say 421 to that one before its body: that is the connection's end, and
 * not the message's, unless it is all that the server ever says. */
static bool connection_was_enough(const client_connection *self,
                                  const thrum_smtp_detail *said)
{
    return self->worked && said->code == 421 &&
           said->stage < THRUM_SMTP_STAGE_BODY;
}

/* A message came back from the session. What a client that is freed did not
 * send has one name, however far it came, unless it is in doubt. */
static void connection_sent(thrum_message *message, thrum_receipt *receipt,
                            thrum_failure *why, void *ctx)
{
    thrum__smtp_job *job = ctx;
    client_connection *self = job->connection;
    thrum__smtp_client *client = self->client;
    const thrum_smtp_detail *said =
        why != NULL ? thrum_failure_smtp(why) : NULL;
    bool unsent = said != NULL && (thrum_failure_is(why, &thrum_domain_smtp,
                                                    THRUM_SMTP_E_UNSENT) ||
                                   connection_was_enough(self, said));
    bool cut = said != NULL && said->code == 0 &&
               thrum_failure_is(why, &thrum_domain_smtp, THRUM_SMTP_E_LATER);

    self->jobs--;
    job->connection = NULL;
    job->message = message;
    if (unsent && !client->freed) {
        thrum__client_returned(client, job, why, self->worked);
        return;
    }
    if (client->freed && (unsent || cut))
        why = thrum__client_closed(client, why);
    self->worked = true;
    job->receipt = receipt;
    job->why = why;
    thrum__client_ended(client, job);
}

static void connection_fill(client_connection *self)
{
    thrum__smtp_client *client = self->client;
    thrum__smtp_job *job;

    while (thrum_smtp_session_wants(self->session) > 0 &&
           (job = thrum__client_next(client)) != NULL) {
        int error = thrum_smtp_session_send(self->session, job->message,
                                            connection_sent, job);

        if (error != 0) {
            job->why = thrum_failure_new(client->context, &thrum_domain_base,
                                         error, NULL);
            thrum__client_ended(client, job);
            continue;
        }
        job->connection = self;
        self->jobs++;
    }
}

/* Until the stream has enough; `drained` goes on then. */
static void connection_flush(client_connection *self)
{
    thrum__smtp_client *client = self->client;
    thrum_buffer *out = &client->out;
    int more = 1;

    while (more == 1 && thrum_stream_queued(self->stream) <= CONNECTION_HIGH) {
        more = thrum_smtp_session_produce(self->session, out, CONNECTION_SLICE,
                                          thrum_clock_now(client->clock));
        if (more >= 0 && out->size > 0) {
            size_t size = out->size;
            int error = thrum_stream_take(self->stream, out);

            if (error == 0)
                client->stats.bytes += size;
            else
                thrum_smtp_session_lost(self->session,
                                        thrum_failure_new(client->context,
                                                          &thrum_domain_base,
                                                          error, NULL));
        }
        thrum_buffer_clear(out);
    }
}

void thrum__connection_work(client_connection *self)
{
    thrum_smtp_session_state state;

    if (self->session == NULL || self->over)
        return;
    state = thrum_smtp_session_get_state(self->session);
    if (state == THRUM_SMTP_SESSION_READY && !self->opened) {
        self->opened = true;
        self->client->opening--;
    }
    connection_fill(self);
    connection_flush(self);
    connection_mind_time(self);
    connection_set_hungry(self, thrum_smtp_session_wants(self->session) > 0);
    if (thrum_smtp_session_get_state(self->session) == THRUM_SMTP_SESSION_ENDED)
        connection_over(self);
}

/* ---- What its stream tells ---- */

static void connection_received(thrum_stream *stream, const char *data,
                                size_t size, void *ctx)
{
    client_connection *self = ctx;
    thrum__smtp_client *client = self->client;

    (void)stream;
    if (self->over)
        return;
    thrum__client_enter(client);
    thrum_smtp_session_receive(self->session, data, size,
                               thrum_clock_now(client->clock));
    thrum__client_settle(client);
    thrum__connection_work(self);
    thrum__client_leave(client);
}

static void connection_drained(thrum_stream *stream, void *ctx)
{
    client_connection *self = ctx;
    thrum__smtp_client *client = self->client;

    (void)stream;
    thrum__client_enter(client);
    thrum__connection_work(self);
    thrum__client_leave(client);
}

static void connection_ended(thrum_stream *stream, void *ctx)
{
    client_connection *self = ctx;
    thrum__smtp_client *client = self->client;

    thrum__client_enter(client);
    if (!self->over)
        connection_lost(self, thrum_failure_new(client->context,
                                                &thrum_domain_reactor,
                                                THRUM_REACTOR_E_ENDED,
                                                "%s closed the connection",
                                                thrum_stream_peer(stream)));
    thrum__client_leave(client);
}

static void connection_closed(thrum_stream *stream, const thrum_failure *why,
                              void *ctx)
{
    client_connection *self = ctx;
    thrum__smtp_client *client = self->client;

    (void)stream;
    thrum__client_enter(client);
    if (self->session != NULL)
        thrum_smtp_session_lost(self->session,
                                why != NULL ? thrum_failure_ref(why) : NULL);
    connection_gone(self, why);
    thrum__client_leave(client);
}

static const thrum_stream_handler connection_handler = {
    .received = connection_received,
    .ended = connection_ended,
    .drained = connection_drained,
    .closed = connection_closed,
};

/* ---- Its beginning ---- */

static thrum_outcome connection_made(void *stream, void *ctx)
{
    client_connection *self = ctx;
    thrum__smtp_client *client = self->client;
    thrum_smtp_session_config config = {
        .helo = client->config.helo,
        .peer = thrum_stream_peer(stream),
        .mode = client->config.mode,
    };

    thrum__client_enter(client);
    self->connecting = NULL;
    self->stream = stream;
    client->stats.connections++;
    thrum_stream_set_marks(stream, CONNECTION_LOW, CONNECTION_HIGH,
                           CONNECTION_CAP);
    thrum_stream_set_handler(stream, &connection_handler, self, NULL);
    self->session = thrum_smtp_session_new(client->context, &config,
                                           thrum_clock_now(client->clock));
    if (self->session != NULL) {
        thrum__connection_work(self);
    } else {
        self->why = thrum_failure_no_memory();
        connection_over(self);
    }
    thrum__client_leave(client);
    return thrum_taken();
}

static thrum_outcome connection_failed(const thrum_failure *why, void *ctx)
{
    client_connection *self = ctx;
    thrum__smtp_client *client = self->client;

    thrum__client_enter(client);
    connection_gone(self, why);
    thrum__client_leave(client);
    return thrum_done();
}

static client_connection *connection_new(thrum__smtp_client *client)
{
    client_connection *self =
        thrum_context_allocate(client->context, sizeof *self);

    if (self == NULL)
        return NULL;
    memset(self, 0, sizeof *self);
    self->client = client;
    self->next = client->connections;
    if (self->next != NULL)
        self->next->previous = self;
    client->connections = self;
    client->count++;
    client->opening++;
    client->refs++;
    return self;
}

/* A reactor that ends answers at once; so the attempt may be over, and `self`
 * gone, when the callbacks are added. */
int thrum__connection_open(thrum__smtp_client *client)
{
    const thrum__smtp_url *url = &client->config.url;
    client_connection *self = connection_new(client);
    thrum_deferred *connecting;

    if (self == NULL)
        return THRUM_E_NOMEM;
    connecting = thrum_connect_tcp(client->reactor, url->host, url->port,
                                   CONNECTION_WITHIN);
    self->connecting = connecting;
    if (thrum_deferred_add(connecting, connection_made, connection_failed, self,
                           NULL) != 0) {
        thrum_deferred_cancel(connecting);
        thrum_deferred_finish(connecting);
        connection_gone(self, thrum_failure_no_memory());
        return THRUM_E_NOMEM;
    }
    thrum_deferred_finish(connecting);
    return 0;
}

/* ---- What its client asks for ---- */

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

/* It is told to leave, and whatever it says before that is sent. */
static void connection_leave(client_connection *self)
{
    thrum_smtp_session_quit(self->session);
    thrum__connection_work(self);
}

void thrum__connection_retire(client_connection *self)
{
    if (self->connecting != NULL)
        thrum_deferred_cancel(self->connecting);
    else if (!self->opened && !self->over)
        connection_lost(self, NULL);
    else if (!self->over && thrum_smtp_session_get_state(self->session) ==
                                THRUM_SMTP_SESSION_READY)
        connection_leave(self);
}

void thrum__connection_drop(client_connection *self)
{
    if (self->jobs == 0)
        thrum__connection_retire(self);
    else if (!self->over)
        connection_lost(self, NULL);
}
