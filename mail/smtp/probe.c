/* SPDX-License-Identifier: MIT */
/*
 * A probe is a line that nothing is sent over. What it finds is noted as soon
 * as it is there, since the dialogue may end at any time. Where a mailer would
 * do without TLS that does not work, it begins once more, without.
 */
#include <string.h>

#include <thrum/probe.h>

#include "mail/smtp/line.h"
#include "mail/smtp/session_internal.h"

struct thrum_probe {
    thrum__smtp_line line; /* first */
    thrum_context *context;
    thrum_reactor *reactor;
    thrum__smtp_route route;
    thrum__smtp_counts counts;
    thrum_buffer out;
    thrum_deferred *deferred; /* NULL: nobody waits any more */
    thrum_probe_facts facts;
    thrum_tls_facts tls;
    thrum_failure *why;
    char *peer, *greeting, *texts; /* of the facts */
};

static thrum_probe *probe_of(thrum__smtp_line *line)
{
    return (thrum_probe *)line;
}

/* ---- What it finds ---- */

static size_t probe_room(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static const char *probe_copy(char **at, const char *text)
{
    size_t size = probe_room(text);
    char *copy = *at;

    if (text == NULL)
        return NULL;
    memcpy(copy, text, size);
    *at += size;
    return copy;
}

/* Version and cipher are constants; the rest is the stream's. */
static void probe_note_tls(thrum_probe *self)
{
    const thrum_tls_facts *facts = thrum_stream_tls_facts(self->line.stream);
    char *at;

    if (facts == NULL || self->facts.tls != NULL)
        return;
    at = thrum_context_allocate(
        self->context, probe_room(facts->alpn) + probe_room(facts->peer) +
                           probe_room(facts->issuer) +
                           probe_room(facts->unverified) + 1);
    if (at == NULL)
        return;
    self->texts = at;
    self->tls = *facts;
    self->tls.alpn = probe_copy(&at, facts->alpn);
    self->tls.peer = probe_copy(&at, facts->peer);
    self->tls.issuer = probe_copy(&at, facts->issuer);
    self->tls.unverified = probe_copy(&at, facts->unverified);
    self->facts.tls = &self->tls;
}

static void probe_note_greeting(thrum_probe *self)
{
    const thrum_smtp_session *session = self->line.session;
    const char *words = thrum_smtp_session_greeting(session);

    self->facts.greeting_code = session->greeting_code;
    if (self->greeting != NULL || words[0] == '\0')
        return;
    self->greeting = thrum_context_copy(self->context, words, strlen(words));
    if (self->greeting != NULL)
        self->facts.greeting = self->greeting;
}

/* A server that knows HELO alone has offered nothing, once that was answered.
 */
static void probe_note_offers(thrum_probe *self)
{
    const thrum_smtp_session *session = self->line.session;
    const thrum_smtp_offers *offers = thrum_smtp_session_offers(session);
    bool ready =
        thrum_smtp_session_get_state(session) == THRUM_SMTP_SESSION_READY;

    self->facts.secured = self->counts.secured > 0;
    if (!ready && !offers->hello)
        return;
    if (self->facts.secured) {
        self->facts.within = *offers;
    } else {
        self->facts.asked = 1;
        self->facts.plain = *offers;
    }
}

static void probe_note_ready(thrum_probe *self)
{
    const thrum_smtp_session *session = self->line.session;
    thrum_probe_facts *facts = &self->facts;

    facts->mode = thrum_smtp_session_mode(session);
    facts->window =
        facts->mode == THRUM_SMTP_MODE_CHUNKED ? session->window : 0;
    facts->logged_in = self->route.account != NULL;
}

static void probe_note(thrum_probe *self)
{
    const char *peer = thrum_stream_peer(self->line.stream);

    if (self->peer == NULL)
        self->peer = thrum_context_copy(self->context, peer, strlen(peer));
    if (self->peer != NULL)
        self->facts.peer = self->peer;
    probe_note_tls(self);
    if (self->line.session == NULL)
        return;
    probe_note_greeting(self);
    probe_note_offers(self);
    self->facts.mechanism = thrum_smtp_session_mechanism(self->line.session);
}

/* ---- Its end ---- */

void thrum_probe_free(void *probe)
{
    thrum_probe *self = probe;
    thrum_context *context;

    if (self == NULL)
        return;
    context = self->context;
    thrum__smtp_route_end(&self->route);
    thrum_buffer_fini(&self->out);
    thrum_failure_unref(self->why);
    thrum_context_release(context, self->peer);
    thrum_context_release(context, self->greeting);
    thrum_context_release(context, self->texts);
    thrum_context_release(context, self);
    thrum_context_unref(context);
}

static void probe_tell(void *ctx)
{
    thrum_probe *self = ctx;
    thrum_deferred *deferred = self->deferred;

    self->facts.why = self->why;
    if (deferred != NULL)
        thrum_deferred_fire(deferred, self, thrum_probe_free);
    else
        thrum_probe_free(self);
}

/* ---- What its line tells ---- */

static void probe_enter(thrum__smtp_line *line)
{
    (void)line;
}

static void probe_leave(thrum__smtp_line *line)
{
    (void)line;
}

static void probe_work(thrum__smtp_line *line)
{
    thrum_probe *self = probe_of(line);
    thrum_smtp_session *session = line->session;

    probe_note(self);
    if (session != NULL &&
        thrum_smtp_session_get_state(session) == THRUM_SMTP_SESSION_READY) {
        probe_note_ready(self);
        thrum_smtp_session_quit(session);
    }
    thrum__line_flush(line);
}

static void probe_due(thrum__smtp_line *line)
{
    (void)line;
}

static bool probe_tries_without_tls(const thrum_probe *self)
{
    return self->deferred != NULL && thrum__line_failed_in_tls(&self->line) &&
           self->line.tls == THRUM_SMTP_TLS_OPPORTUNISTIC;
}

static int probe_begin(thrum_probe *self, thrum_smtp_tls tls);

static void probe_gone(thrum__smtp_line *line, const thrum_failure *why)
{
    thrum_probe *self = probe_of(line);
    const thrum_failure *said = thrum__line_failure(line, why);
    bool again = probe_tries_without_tls(self);

    if (self->facts.mode == THRUM_SMTP_MODE_BEST && !again)
        self->why = thrum__smtp_route_unreachable(&self->route, said);
    thrum__line_end(line);
    if (again && probe_begin(self, THRUM_SMTP_TLS_NONE) == 0)
        return;
    if (again)
        self->why = thrum_failure_no_memory();
    probe_tell(self);
}

static const thrum__smtp_line_ops probe_ops = {
    .enter = probe_enter,
    .leave = probe_leave,
    .work = probe_work,
    .due = probe_due,
    .gone = probe_gone,
};

/* ---- Its beginning ---- */

/* Errors: THRUM_E_NOMEM; else the probe may be gone by now. */
static int probe_begin(thrum_probe *self, thrum_smtp_tls tls)
{
    int error;

    self->line = (thrum__smtp_line){
        .ops = &probe_ops,
        .reactor = self->reactor,
        .route = &self->route,
        .counts = &self->counts,
        .out = &self->out,
        .tls = tls,
        .mode = self->route.mode,
    };
    error = thrum__line_open(&self->line);
    if (error != 0)
        thrum__line_end(&self->line);
    return error;
}

static thrum_cancelled probe_cancelled(thrum_deferred *deferred, void *ctx)
{
    thrum_probe *self = ctx;

    (void)deferred;
    self->deferred = NULL;
    if (self->line.ops != NULL)
        thrum__line_give_up(&self->line);
    return THRUM_CANCELLED_STOPPED;
}

static thrum_probe *probe_new(thrum_reactor *reactor)
{
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_probe *self = thrum_context_allocate(context, sizeof *self);

    if (self == NULL)
        return NULL;
    memset(self, 0, sizeof *self);
    self->context = thrum_context_ref(context);
    self->reactor = reactor;
    self->facts.peer = self->facts.greeting = "";
    thrum_buffer_init(&self->out, context, SIZE_MAX);
    return self;
}

static void probe_nothing(void *ctx)
{
    (void)ctx;
}

/* What makes no sense is told in the next turn, as all else, or when the
 * reactor ends before it. */
static int probe_start(thrum_probe *self, thrum_deferred *deferred)
{
    int error = thrum_deferred_on_cancel(deferred, probe_cancelled, self, NULL);

    if (error != 0)
        return error;
    self->deferred = deferred;
    if (self->why == NULL)
        return probe_begin(self, self->route.tls);
    thrum_clock_call_later(thrum_reactor_clock(self->reactor), 0, probe_nothing,
                           self, probe_tell);
    return 0;
}

thrum_deferred *thrum_probe_start(thrum_reactor *reactor,
                                  const thrum_mailer_config *config)
{
    thrum_probe *self = probe_new(reactor);
    thrum_deferred *deferred;

    if (self == NULL)
        return NULL;
    self->why = thrum__smtp_route_read(&self->route, self->context, config);
    deferred = thrum_deferred_new(self->context, "smtp probe");
    if (probe_start(self, deferred) == 0)
        return deferred;
    thrum_probe_free(self);
    thrum_deferred_fail(deferred, thrum_failure_no_memory());
    return deferred;
}

const thrum_probe_facts *thrum_probe_get_facts(const thrum_probe *probe)
{
    return &probe->facts;
}
