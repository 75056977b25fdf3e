/* SPDX-License-Identifier: MIT */
/*
 * TLS over any transport. What is sent counts as taken when its records have
 * left, so nothing waits here that the stream believes to be gone, and no more
 * than one batch is ever encrypted ahead.
 *
 * A read beneath takes less than the owner reads at once: so what came is
 * always decrypted whole, and no plain text is forgotten here while the
 * descriptor is silent. Should an owner ask for less, it is told in the next
 * turn that there is more.
 */
#include <string.h>

#include "reactor/soon.h"
#include "reactor/transport_tls.h"

enum {
    TLS_READ = 46 * 1024, /* 64 KiB less a record that had come in part */
    TLS_BATCH = 64 * 1024,
    /* Of each 16 KiB of a batch, and of an alert beside it. */
    TLS_OVERHEAD = 1024
};

typedef struct transport_tls {
    thrum__transport transport; /* first */
    thrum_reactor *reactor;
    thrum__transport *beneath; /* NULL until stacked */
    thrum__tls_session *session;
    thrum__transport_tls_fn *done; /* NULL once it was called */
    void *ctx;
    thrum__soon soon;
    size_t taken; /* plain bytes whose records wait in session->out */
    int wanted, watched;
    bool shut; /* the peer was told that no more will come */
} transport_tls;

static void tls_watch_beneath(transport_tls *self);

/* ---- Beneath ---- */

/* One read. What fails is the session's failure. */
static void tls_fill(transport_tls *self)
{
    thrum__tls_session *session = self->session;
    thrum__transport *beneath = self->beneath;
    char *room = thrum__tls_session_room(session, &session->in, TLS_READ);
    ssize_t got;

    if (room == NULL) {
        thrum__tls_session_fail(session, thrum_failure_no_memory());
        return;
    }
    got = beneath->ops->receive(beneath, room, TLS_READ);
    if (got > 0)
        thrum_buffer_commit(&session->in, (size_t)got);
    else if (got == 0)
        session->in_over = true;
    else if (got == THRUM__TRANSPORT_FAILED)
        thrum__tls_session_fail(session, thrum__transport_take_why(beneath));
}

/* Sends what it can of the records. 0, or FAILED: `why` is beneath's. */
static int tls_flush(transport_tls *self)
{
    thrum_buffer *out = &self->session->out;
    thrum__transport *beneath = self->beneath;
    struct iovec part = {out->data, out->size};
    ssize_t sent;

    if (out->size == 0)
        return 0;
    sent = beneath->ops->send(beneath, &part, 1);
    if (sent == THRUM__TRANSPORT_FAILED) {
        thrum_failure_unref(self->transport.why);
        self->transport.why = thrum__transport_take_why(beneath);
        return THRUM__TRANSPORT_FAILED;
    }
    if (sent > 0)
        thrum_buffer_consume(out, (size_t)sent);
    if (out->size == 0)
        thrum__tls_session_rest(self->session, out);
    return 0;
}

/* The session failed: so does the transport. */
static int tls_failed(transport_tls *self)
{
    thrum_failure_unref(self->transport.why);
    self->transport.why = thrum_failure_ref(self->session->why);
    return THRUM__TRANSPORT_FAILED;
}

/* ---- The handshake ---- */

/* Whoever made it hears of it once; what it does then comes last. */
static void tls_tell_done(transport_tls *self, const thrum_failure *why)
{
    thrum__transport_tls_fn *done = self->done;

    self->done = NULL;
    if (done != NULL)
        done(why, self->ctx);
}

/* "no TLS" is what the caller asked about; why the connection broke lies
 * beneath. */
static void tls_shake_failed(transport_tls *self)
{
    thrum__tls_session *session = self->session;
    thrum_failure *why = thrum_failure_ref(session->why);

    if (!thrum_failure_is(why, &thrum_domain_reactor, THRUM_REACTOR_E_TLS) &&
        !thrum_failure_is(why, &thrum_domain_base, THRUM_E_NOMEM))
        why = thrum_failure_because(
            thrum__tls_failure(session->context, THRUM_REACTOR_E_TLS, 0,
                               "%s: no TLS: the connection broke",
                               session->where),
            why);
    self->beneath->ops->watch(self->beneath, self->watched = 0);
    tls_tell_done(self, why);
    thrum_failure_unref(why);
}

static void tls_shake(transport_tls *self)
{
    thrum__tls_session *session = self->session;
    int got = THRUM__TLS_FAILED;

    if (session->why == NULL)
        got = thrum__tls_session_handshake(session);
    if (tls_flush(self) != 0)
        thrum__tls_session_fail(session,
                                thrum__transport_take_why(&self->transport));
    if (session->why != NULL) {
        tls_shake_failed(self);
        return;
    }
    session->has_more = got == 1 && session->in.size > 0;
    if (session->in.size == 0)
        thrum__tls_session_rest(session, &session->in);
    tls_watch_beneath(self);
    if (got == 1)
        tls_tell_done(self, NULL);
}

static void tls_on_soon(void *ctx)
{
    transport_tls *self = ctx;

    if (!self->session->open)
        tls_shake(self);
    else if ((self->wanted & THRUM__TRANSPORT_RECEIVE) != 0)
        self->transport.ready(self->transport.owner, THRUM__TRANSPORT_RECEIVE);
}

/* ---- What is watched ---- */

/* After the peer's last word something may still come: its end, or bytes that
 * are not TLS. */
static bool tls_awaits_end(const thrum__tls_session *session)
{
    return session->ended && !session->in_over && session->why == NULL;
}

static void tls_watch_beneath(transport_tls *self)
{
    const thrum__tls_session *session = self->session;
    int events = self->wanted;

    if (!session->open || tls_awaits_end(session))
        events |= THRUM__TRANSPORT_RECEIVE;
    if (!session->open)
        events &= ~THRUM__TRANSPORT_SEND;
    if (session->out.size > 0)
        events |= THRUM__TRANSPORT_SEND;
    if (session->has_more && (self->wanted & THRUM__TRANSPORT_RECEIVE) != 0)
        thrum__soon_start(self->reactor, &self->soon);
    if (events == self->watched)
        return;
    self->watched = events;
    self->beneath->ops->watch(self->beneath, events);
}

static void tls_broken(transport_tls *self)
{
    tls_failed(self);
    self->transport.ready(self->transport.owner, THRUM__TRANSPORT_BROKEN);
}

/* What the peer sends after its end goes the way of what cannot be sent to it:
 * nowhere. But plain bytes are somebody else's. */
static void tls_after_end(transport_tls *self)
{
    thrum__transport *beneath = self->beneath;
    thrum__tls_session *session = self->session;
    char byte;
    ssize_t got = beneath->ops->receive(beneath, &byte, 1);

    if (got > 0) {
        thrum__tls_session_refuse(session, THRUM__TLS_AFTER);
    } else if (got != THRUM__TRANSPORT_AGAIN) {
        session->in_over = true;
        thrum_failure_unref(thrum__transport_take_why(beneath));
    }
    tls_watch_beneath(self);
    if (session->why != NULL)
        tls_broken(self);
}

/* Who wants to send flushes first; else what waits is ours: an alert, an answer
 * to new keys. That it cannot be sent is told by the next one who sends. */
static void tls_on_open(transport_tls *self, int events)
{
    int told = events & self->wanted;

    if ((events & THRUM__TRANSPORT_RECEIVE) != 0 &&
        tls_awaits_end(self->session)) {
        tls_after_end(self);
        return;
    }
    if ((events & ~self->wanted & THRUM__TRANSPORT_SEND) != 0) {
        if (tls_flush(self) != 0) {
            thrum_failure_unref(thrum__transport_take_why(&self->transport));
            thrum__tls_session_rest(self->session, &self->session->out);
        }
        tls_watch_beneath(self);
    }
    if (told != 0)
        self->transport.ready(self->transport.owner, told);
}

static void tls_on_ready(void *owner, int events)
{
    transport_tls *self = owner;

    if ((events & THRUM__TRANSPORT_BROKEN) != 0) {
        thrum__tls_session_fail(self->session,
                                thrum__transport_take_why(self->beneath));
        if (self->session->open)
            tls_broken(self);
        else
            tls_shake_failed(self);
    } else if (self->session->open) {
        tls_on_open(self, events);
    } else {
        if ((events & THRUM__TRANSPORT_RECEIVE) != 0)
            tls_fill(self);
        tls_shake(self);
    }
}

/* ---- The table ---- */

/* A client has said nothing yet: what has come is not the answer to its first
 * words, but was put there by somebody (RFC 3207, section 6). */
static void tls_stack(thrum__transport *transport, thrum__transport *beneath)
{
    transport_tls *self = (transport_tls *)transport;

    self->beneath = beneath;
    thrum__transport_set_owner(beneath, tls_on_ready, self);
    if (self->session == NULL)
        return;
    if (!self->session->server && beneath->ops->has_bytes(beneath))
        thrum__tls_session_refuse(self->session, THRUM__TLS_BEFORE);
    thrum__soon_start(self->reactor, &self->soon);
}

static void tls_watch(thrum__transport *transport, int events)
{
    transport_tls *self = (transport_tls *)transport;

    self->wanted = events;
    if (self->session != NULL)
        tls_watch_beneath(self);
}

static ssize_t tls_receive(thrum__transport *transport, char *data, size_t size)
{
    transport_tls *self = (transport_tls *)transport;
    thrum__tls_session *session = self->session;
    ssize_t got;

    if (!session->open)
        return THRUM__TRANSPORT_AGAIN;
    if (!session->has_more && session->why == NULL && !session->ended)
        tls_fill(self);
    got = thrum__tls_session_receive(session, data, size);
    if (session->out.size > 0 && tls_flush(self) != 0)
        thrum_failure_unref(thrum__transport_take_why(transport));
    tls_watch_beneath(self);
    return got == THRUM__TLS_FAILED ? tls_failed(self) : got;
}

/* As much as a batch holds becomes records. */
static int tls_encrypt(transport_tls *self, const struct iovec *parts,
                       int count)
{
    thrum__tls_session *session = self->session;
    size_t left = TLS_BATCH, sum = 0;

    for (int i = 0; i < count; i++)
        sum += parts[i].iov_len;
    sum = sum < left ? sum : left;
    if (thrum__tls_session_room(session, &session->out, sum + TLS_OVERHEAD) ==
        NULL)
        thrum__tls_session_fail(session, thrum_failure_no_memory());
    for (int i = 0; i < count && left > 0; i++) {
        size_t size = parts[i].iov_len < left ? parts[i].iov_len : left;

        if (thrum__tls_session_send(session, parts[i].iov_base, size) != 0)
            return tls_failed(self);
        left -= size;
    }
    self->taken = TLS_BATCH - left;
    return 0;
}

/* What still waits as records is no more than as many plain bytes: the rest has
 * left for sure, and a slow peer is seen to take some. */
static ssize_t tls_gone(transport_tls *self)
{
    size_t left = self->session->out.size;
    size_t gone = self->taken > left ? self->taken - left : 0;

    self->taken -= gone;
    return gone > 0 ? (ssize_t)gone : THRUM__TRANSPORT_AGAIN;
}

static ssize_t tls_send(thrum__transport *transport, const struct iovec *parts,
                        int count)
{
    transport_tls *self = (transport_tls *)transport;
    thrum__tls_session *session = self->session;

    if (!session->open)
        return THRUM__TRANSPORT_AGAIN;
    if (session->why != NULL)
        return tls_failed(self);
    if (self->taken == 0 && tls_encrypt(self, parts, count) != 0)
        return THRUM__TRANSPORT_FAILED;
    if (tls_flush(self) != 0)
        return THRUM__TRANSPORT_FAILED;
    return tls_gone(self);
}

/* A peer that has gone needs no last word; it says so when it is read from. */
static int tls_shutdown(thrum__transport *transport)
{
    transport_tls *self = (transport_tls *)transport;
    thrum__tls_session *session = self->session;

    if (!session->open)
        return THRUM__TRANSPORT_AGAIN;
    if (session->why != NULL)
        return 0;
    if (!self->shut)
        thrum__tls_session_end(session);
    self->shut = true;
    if (tls_flush(self) != 0) {
        thrum_failure_unref(thrum__transport_take_why(transport));
        return 0;
    }
    if (session->out.size > 0)
        return THRUM__TRANSPORT_AGAIN;
    return self->beneath->ops->shutdown(self->beneath);
}

static bool tls_has_bytes(thrum__transport *transport)
{
    transport_tls *self = (transport_tls *)transport;

    return self->session->has_more ||
           self->beneath->ops->has_bytes(self->beneath);
}

static void tls_close(thrum__transport *transport, bool reset,
                      const thrum_failure *why)
{
    transport_tls *self = (transport_tls *)transport;
    thrum_context *context = self->reactor->context;
    thrum__transport_tls_fn *done = self->done;
    thrum_failure *ended = NULL;
    void *ctx = self->ctx;

    thrum__soon_stop(self->reactor, &self->soon);
    thrum__tls_session_free(self->session);
    thrum_failure_unref(transport->why);
    if (self->beneath != NULL)
        self->beneath->ops->close(self->beneath, reset, why);
    thrum_context_release(context, self);
    if (done == NULL)
        return;
    if (why == NULL)
        ended = thrum_failure_new(context, &thrum_domain_reactor,
                                  THRUM_REACTOR_E_ABORTED, NULL);
    done(why != NULL ? why : ended, ctx);
    thrum_failure_unref(ended);
}

static int tls_descriptor(const thrum__transport *transport)
{
    const transport_tls *self = (const transport_tls *)transport;

    return self->beneath->ops->descriptor(self->beneath);
}

static const thrum__transport_ops tls_ops = {
    .receive = tls_receive,
    .send = tls_send,
    .watch = tls_watch,
    .shutdown = tls_shutdown,
    .has_bytes = tls_has_bytes,
    .close = tls_close,
    .descriptor = tls_descriptor,
    .stack = tls_stack,
    .says_end = true,
};

thrum__transport *thrum__transport_tls_new(thrum_reactor *reactor,
                                           thrum__tls_session *session,
                                           thrum__transport_tls_fn *done,
                                           void *ctx)
{
    transport_tls *self =
        thrum_context_allocate(reactor->context, sizeof *self);

    if (self == NULL) {
        thrum__tls_session_free(session);
        return NULL;
    }
    *self = (transport_tls){.transport = {.ops = &tls_ops},
                            .reactor = reactor,
                            .session = session,
                            .done = done,
                            .ctx = ctx};
    thrum__soon_init(&self->soon, tls_on_soon, self);
    return &self->transport;
}

void thrum__transport_tls_forget(thrum__transport *transport)
{
    ((transport_tls *)transport)->done = NULL;
}

const thrum__tls_session *
thrum__transport_tls_session(const thrum__transport *transport)
{
    const transport_tls *self = (const transport_tls *)transport;

    if (transport == NULL || transport->ops != &tls_ops ||
        self->session == NULL || !self->session->told)
        return NULL;
    return self->session;
}
