/* SPDX-License-Identifier: MIT */
/*
 * A line's life: connecting, perhaps a handshake, the session, the end. It ends
 * in one place: when the attempt to connect has failed, or when its stream is
 * closed, which is never told from within a call made here; the handshake's end
 * is told before.
 */
#include <stdio.h>
#include <string.h>

#include <thrum/connect.h>

#include "mail/receipt_internal.h"
#include "mail/smtp/line.h"
#include "mail/smtp/session_internal.h"

enum {
    LINE_SLICE = 32 * 1024, /* of messages, at a time */
    LINE_LOW = 16 * 1024,
    LINE_HIGH = 64 * 1024,
    LINE_CAP = 1024 * 1024,
    LINE_LITTLE = 4 * 1024, /* a stream keeps such a block by itself */
    LINE_SPARE = 2 * 1024,  /* more than a message is thought to take */
    LINE_TEXT = 200
};

/* ---- Its time ---- */

static void line_on_time(void *ctx)
{
    thrum__smtp_line *self = ctx;
    thrum_ns now = thrum_clock_now(self->clock);

    self->timer = NULL;
    self->ops->enter(self);
    thrum_smtp_session_expire(self->session, now);
    if (now >= self->own)
        self->ops->due(self);
    self->ops->work(self);
    self->ops->leave(self);
}

/* The timer is left where it is when the deadline moves away, and looks again
 * when it runs: so it costs nothing per message. */
static void line_mind_time(thrum__smtp_line *self)
{
    thrum_ns due = thrum_smtp_session_deadline(self->session), left;

    if (self->own < due)
        due = self->own;
    if (due == INT64_MAX || (self->timer != NULL && due >= self->due))
        return;
    left = due - thrum_clock_now(self->clock);
    if (self->timer != NULL)
        thrum_clock_reset(self->clock, self->timer, left);
    else
        self->timer =
            thrum_clock_call_later(self->clock, left, line_on_time, self, NULL);
    if (self->timer == NULL)
        thrum_smtp_session_lost(self->session, thrum_failure_no_memory());
    self->due = due;
}

static void line_on_turn(void *ctx)
{
    thrum__smtp_line *self = ctx;

    self->turn = NULL;
    self->ops->enter(self);
    self->ops->work(self);
    self->ops->leave(self);
}

/* The session has to think, and nothing to say: it goes on in the next turn. */
static void line_think(thrum__smtp_line *self)
{
    if (self->turn == NULL)
        self->turn =
            thrum_clock_call_later(self->clock, 0, line_on_turn, self, NULL);
    if (self->turn == NULL)
        thrum_smtp_session_lost(self->session, thrum_failure_no_memory());
}

/* ---- Its end ---- */

/* The stream is closed once what was said is sent, if it is a farewell, and at
 * once otherwise. */
static void line_close(thrum__smtp_line *self)
{
    if (self->over)
        return;
    self->over = true;
    if (thrum_stream_queued(self->stream) == 0)
        thrum_stream_lose(self->stream);
    else
        thrum_stream_abort(self->stream);
}

/* The first reason stands. */
static void line_note(thrum__smtp_line *self, thrum_failure *why)
{
    if (self->why == NULL)
        self->why = why;
    else
        thrum_failure_unref(why);
}

void thrum__line_lose(thrum__smtp_line *self, thrum_failure *why)
{
    if (self->session != NULL)
        thrum_smtp_session_lost(self->session, why);
    else
        line_note(self, why);
    line_close(self);
}

/* What is cancelled is told at once: of a connection that is being made that is
 * its end, of a handshake it is none of anybody's concern. */
void thrum__line_give_up(thrum__smtp_line *self)
{
    if (self->over)
        return;
    if (self->stage == THRUM__LINE_CONNECTING) {
        thrum_deferred_cancel(self->pending);
        return;
    }
    if (self->pending != NULL) {
        self->over = true;
        thrum_deferred_cancel(self->pending);
    }
    thrum__line_lose(self, NULL);
}

const thrum_failure *thrum__line_failure(const thrum__smtp_line *self,
                                         const thrum_failure *why)
{
    const thrum_failure *said = NULL;

    if (self->why != NULL)
        return self->why;
    if (self->session != NULL)
        said = thrum_smtp_session_failure(self->session);
    return said != NULL ? said : why;
}

bool thrum__line_failed_in_tls(const thrum__smtp_line *self)
{
    return self->stage == THRUM__LINE_TLS && self->why != NULL &&
           thrum_failure_is(self->why, &thrum_domain_smtp,
                            THRUM_SMTP_E_SECURITY);
}

uint64_t thrum__line_replies(const thrum__smtp_line *self)
{
    return self->session != NULL ? self->session->replies : 0;
}

void thrum__line_end(thrum__smtp_line *self)
{
    self->counts->replies += thrum__line_replies(self);
    thrum_clock_cancel(self->clock, self->timer);
    thrum_clock_cancel(self->clock, self->turn);
    thrum_smtp_session_free(self->session);
    thrum_stream_unref(self->stream);
    thrum_failure_unref(self->why);
}

/* ---- TLS ---- */

/* What the session has waited for. */
static int line_start_session(thrum__smtp_line *self)
{
    const thrum__smtp_route *route = self->route;
    thrum_smtp_session_config config = {
        .helo = route->helo,
        .peer = thrum_stream_peer(self->stream),
        .host = route->url.host,
        .port = route->url.port,
        .mode = self->mode,
        .window = route->window,
        .tls = self->tls,
        .account = route->account,
        .limits = route->limits,
    };

    self->stage = THRUM__LINE_UP;
    self->session = thrum_smtp_session_new(self->context, &config,
                                           thrum_clock_now(self->clock));
    if (self->session == NULL)
        return THRUM_E_NOMEM;
    thrum__session_hold(self->session, self->held);
    return 0;
}

void thrum__line_let_go(thrum__smtp_line *self)
{
    self->held = false;
    if (self->session != NULL)
        thrum__session_hold(self->session, false);
}

static thrum_outcome line_secured(void *nothing, void *ctx)
{
    thrum__smtp_line *self = ctx;

    (void)nothing;
    self->pending = NULL;
    self->counts->secured++;
    self->ops->enter(self);
    self->stage = THRUM__LINE_UP;
    if (self->session != NULL)
        thrum_smtp_session_secured(self->session, thrum_clock_now(self->clock));
    else if (line_start_session(self) != 0)
        thrum__line_lose(self, thrum_failure_no_memory());
    self->ops->work(self);
    self->ops->leave(self);
    return thrum_done();
}

/* TLS's own words lie beneath. Ownership: new. */
static thrum_failure *line_insecure(const thrum__smtp_line *self,
                                    const thrum_failure *why)
{
    const char *peer = thrum_stream_peer(self->stream);
    thrum_smtp_detail detail = {.stage = THRUM_SMTP_STAGE_TLS,
                                .enhanced = "",
                                .text = "",
                                .peer = peer,
                                .verdict = THRUM_SMTP_VERDICT_LATER};
    char text[LINE_TEXT];

    if (thrum_failure_is(why, &thrum_domain_base, THRUM_E_NOMEM))
        return thrum_failure_no_memory();
    snprintf(text, sizeof text, "%s could not be spoken to within TLS", peer);
    return thrum_failure_because(thrum__smtp_failure(self->context,
                                                     THRUM_SMTP_E_SECURITY,
                                                     &detail, text),
                                 thrum_failure_ref(why));
}

/* The stream was aborted, and tells of its end later. */
static thrum_outcome line_not_secured(const thrum_failure *why, void *ctx)
{
    thrum__smtp_line *self = ctx;

    self->pending = NULL;
    if (self->over)
        return thrum_done();
    self->over = true;
    self->ops->enter(self);
    line_note(self, line_insecure(self, why));
    if (self->session != NULL)
        thrum_smtp_session_lost(self->session, thrum_failure_ref(self->why));
    self->ops->work(self);
    self->ops->leave(self);
    return thrum_done();
}

static void line_shake(thrum__smtp_line *self, size_t unread)
{
    const thrum__smtp_route *route = self->route;
    thrum_deferred *shaken;
    thrum_tls *tls;
    thrum_failure *why = thrum__smtp_route_trust(self->route, &tls);

    self->stage = THRUM__LINE_TLS;
    if (why != NULL) {
        line_note(self, line_insecure(self, why));
        thrum_failure_unref(why);
        thrum__line_lose(self, thrum_failure_ref(self->why));
        return;
    }
    shaken = thrum_stream_start_tls(self->stream, tls, route->url.host, unread,
                                    route->limits.tls);
    self->pending = shaken;
    if (thrum_deferred_add(shaken, line_secured, line_not_secured, self,
                           NULL) != 0) {
        self->pending = NULL;
        thrum_deferred_cancel(shaken);
        thrum__line_lose(self, thrum_failure_no_memory());
    }
    thrum_deferred_finish(shaken);
}

/* ---- Its work ---- */

/* What it says to log in: not left behind in memory that was freed. */
typedef struct line_secret {
    thrum_context *context;
    size_t size;
    char bytes[];
} line_secret;

static void line_wipe(void *ctx)
{
    line_secret *secret = ctx;

    explicit_bzero(secret->bytes, secret->size);
    thrum_context_release(secret->context, secret);
}

static int line_write_secret(thrum__smtp_line *self)
{
    thrum_buffer *out = self->out;
    line_secret *secret =
        thrum_context_allocate(self->context, sizeof *secret + out->size);

    if (secret != NULL) {
        secret->context = self->context;
        secret->size = out->size;
        memcpy(secret->bytes, out->data, out->size);
    }
    explicit_bzero(out->data, out->size);
    if (secret == NULL)
        return THRUM_E_NOMEM;
    return thrum_stream_write_owned(self->stream, secret->bytes, secret->size,
                                    secret, line_wipe);
}

static void line_write(thrum__smtp_line *self)
{
    size_t size = self->out->size;
    bool secret =
        self->session->mechanism != 0 &&
        self->session->mode == THRUM_SMTP_MODE_BEST; /* it is not ready */
    int error = secret ? line_write_secret(self)
                       : thrum_stream_take(self->stream, self->out);

    if (error == 0)
        self->counts->bytes += size;
    else
        thrum_smtp_session_lost(
            self->session,
            thrum_failure_new(self->context, &thrum_domain_base, error, NULL));
}

/* A window of messages leaves at once, and its block with it: the next one has
 * its size from the start, and does not grow with each message. What cannot be
 * had now is missed when it is needed. */
static void line_reserve(thrum__smtp_line *self)
{
    size_t size = self->usual + LINE_SPARE;

    if (self->usual > LINE_LITTLE && self->out->room < size)
        thrum_buffer_reserve(self->out, size);
}

/* Until the stream has enough; `drained` goes on then. */
static void line_produce(thrum__smtp_line *self)
{
    thrum_buffer *out = self->out;
    bool wrote = false;
    int more = 1;

    while (more == 1 && thrum_stream_queued(self->stream) <= LINE_HIGH) {
        line_reserve(self);
        more = thrum_smtp_session_produce(self->session, out, LINE_SLICE,
                                          thrum_clock_now(self->clock));
        if (more == 1 && out->size == 0) {
            line_think(self);
            break;
        }
        if (more >= 0 && out->size > 0) {
            self->usual = out->size;
            line_write(self);
            wrote = true;
        }
        thrum_buffer_clear(out);
    }
    self->counts->writes += wrote;
}

void thrum__line_flush(thrum__smtp_line *self)
{
    thrum_smtp_session_state state;

    if (self->session == NULL || self->over)
        return;
    line_produce(self);
    line_mind_time(self);
    state = self->session->state;
    if (state == THRUM_SMTP_SESSION_STARTTLS && self->stage == THRUM__LINE_UP)
        line_shake(self, thrum_smtp_session_unread(self->session));
    else if (state == THRUM_SMTP_SESSION_ENDED)
        line_close(self);
}

/* ---- What its stream tells ---- */

static void line_received(thrum_stream *stream, const char *data, size_t size,
                          void *ctx)
{
    thrum__smtp_line *self = ctx;

    (void)stream;
    if (self->over)
        return;
    self->ops->enter(self);
    thrum_smtp_session_receive(self->session, data, size,
                               thrum_clock_now(self->clock));
    self->ops->work(self);
    self->ops->leave(self);
}

static void line_drained(thrum_stream *stream, void *ctx)
{
    thrum__smtp_line *self = ctx;

    (void)stream;
    self->ops->enter(self);
    self->ops->work(self);
    self->ops->leave(self);
}

static void line_ended(thrum_stream *stream, void *ctx)
{
    thrum__smtp_line *self = ctx;

    if (self->over)
        return;
    self->ops->enter(self);
    thrum__line_lose(
        self, thrum_failure_new(
                  self->context, &thrum_domain_reactor, THRUM_REACTOR_E_ENDED,
                  "%s closed the connection", thrum_stream_peer(stream)));
    self->ops->work(self);
    self->ops->leave(self);
}

static void line_closed(thrum_stream *stream, const thrum_failure *why,
                        void *ctx)
{
    thrum__smtp_line *self = ctx;
    const thrum__smtp_line_ops *ops = self->ops;

    (void)stream;
    ops->enter(self);
    self->over = true;
    if (self->session != NULL)
        thrum_smtp_session_lost(self->session,
                                why != NULL ? thrum_failure_ref(why) : NULL);
    ops->gone(self, why);
}

static const thrum_stream_handler line_handler = {
    .received = line_received,
    .ended = line_ended,
    .drained = line_drained,
    .closed = line_closed,
};

/* ---- Its beginning ---- */

static thrum_outcome line_connected(void *stream, void *ctx)
{
    thrum__smtp_line *self = ctx;

    self->ops->enter(self);
    self->pending = NULL;
    self->stream = stream;
    self->counts->connections++;
    thrum_stream_set_marks(stream, LINE_LOW, LINE_HIGH, LINE_CAP);
    thrum_stream_set_handler(stream, &line_handler, self, NULL);
    if (self->tls == THRUM_SMTP_TLS_IMPLICIT)
        line_shake(self, 0);
    else if (line_start_session(self) != 0)
        thrum__line_lose(self, thrum_failure_no_memory());
    self->ops->work(self);
    self->ops->leave(self);
    return thrum_taken();
}

static thrum_outcome line_not_connected(const thrum_failure *why, void *ctx)
{
    thrum__smtp_line *self = ctx;
    const thrum__smtp_line_ops *ops = self->ops;

    ops->enter(self);
    self->pending = NULL;
    self->over = true;
    ops->gone(self, why);
    return thrum_done();
}

/* A reactor that ends answers at once; so the attempt may be over, and `self`
 * gone, when the callbacks are added. */
int thrum__line_open(thrum__smtp_line *self)
{
    const thrum__smtp_route *route = self->route;
    thrum_deferred *connecting = thrum_connect_tcp(
        self->reactor, route->url.host, route->url.port, route->limits.connect);

    self->context = thrum_reactor_context(self->reactor);
    self->clock = thrum_reactor_clock(self->reactor);
    self->own = INT64_MAX;
    self->pending = connecting;
    if (thrum_deferred_add(connecting, line_connected, line_not_connected, self,
                           NULL) != 0) {
        self->pending = NULL;
        self->over = true;
        thrum_deferred_cancel(connecting);
        thrum_deferred_finish(connecting);
        return THRUM_E_NOMEM;
    }
    thrum_deferred_finish(connecting);
    return 0;
}
