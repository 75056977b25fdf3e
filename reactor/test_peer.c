/* SPDX-License-Identifier: MIT */
/*
 * A peer: its script, a list of steps (how they are played stands in
 * test_peer_play.c), and what its stream tells. What came and was not expected
 * yet is kept, up to a cap, and then left with the stream.
 */
#include "reactor/test_peer.h"

#include <string.h>

#include "base/base.h"
#include "deferred/deferred.h"

/* ---- The script ---- */

static thrum__step *peer_add(thrum_test_peer *self, thrum__step_kind kind,
                             const void *data, size_t size)
{
    thrum__step *added;

    if (self == NULL)
        return NULL;
    added = thrum_context_allocate(self->context, sizeof *added + size);
    if (added == NULL) {
        self->no_memory = true;
        return NULL;
    }
    *added = (thrum__step){.kind = kind, .size = size};
    if (size > 0)
        memcpy(added->data, data, size);
    *self->last = added;
    self->last = &added->next;
    return added;
}

void thrum_test_peer_send_bytes(thrum_test_peer *self, const void *data,
                                size_t size, size_t piece)
{
    thrum__step *added = peer_add(self, STEP_SEND, data, size);

    if (added != NULL)
        added->piece = piece > 0 ? piece : size;
}

void thrum_test_peer_send(thrum_test_peer *self, const char *text)
{
    thrum_test_peer_send_bytes(self, text, strlen(text), 0);
}

void thrum_test_peer_expect_bytes(thrum_test_peer *self, const void *data,
                                  size_t size)
{
    peer_add(self, STEP_EXPECT, data, size);
}

void thrum_test_peer_expect(thrum_test_peer *self, const char *text)
{
    thrum_test_peer_expect_bytes(self, text, strlen(text));
}

void thrum_test_peer_expect_until(thrum_test_peer *self, const char *text,
                                  thrum_buffer *got)
{
    thrum__step *added = peer_add(self, STEP_UNTIL, text, strlen(text));

    if (added != NULL)
        added->got = got;
}

void thrum_test_peer_expect_end(thrum_test_peer *self)
{
    peer_add(self, STEP_END, NULL, 0);
}

static void peer_add_span(thrum_test_peer *self, thrum__step_kind kind,
                          thrum_ns span)
{
    thrum__step *added = peer_add(self, kind, NULL, 0);

    if (added != NULL)
        added->span = span;
}

void thrum_test_peer_delay(thrum_test_peer *self, thrum_ns span)
{
    peer_add_span(self, STEP_DELAY, span);
}

void thrum_test_peer_stall(thrum_test_peer *self, thrum_ns span)
{
    peer_add_span(self, STEP_STALL, span);
}

void thrum_test_peer_close(thrum_test_peer *self)
{
    peer_add(self, STEP_CLOSE, NULL, 0);
}

void thrum_test_peer_abort(thrum_test_peer *self)
{
    peer_add(self, STEP_ABORT, NULL, 0);
}

/* ---- What the stream tells ---- */

static void peer_received(thrum_stream *stream, const char *data, size_t size,
                          void *it)
{
    thrum_test_peer *self = it;

    if (thrum_buffer_append(&self->kept, data, size) != 0) {
        self->no_memory = true;
        thrum_stream_abort(stream);
    }
    if (self->kept.size >= THRUM__TEST_PEER_KEPT)
        thrum_stream_pause(stream);
    thrum__test_peer_go_on(self);
}

static void peer_ended(thrum_stream *stream, void *it)
{
    thrum_test_peer *self = it;

    (void)stream;
    self->ended = true;
    thrum__test_peer_go_on(self);
}

static void peer_drained(thrum_stream *stream, void *it)
{
    (void)stream;
    thrum__test_peer_go_on(it);
}

static void peer_closed(thrum_stream *stream, const thrum_failure *why,
                        void *it)
{
    thrum_test_peer *self = it;

    (void)stream;
    self->ended = true;
    if (why != NULL)
        self->why = thrum_failure_ref(why);
    thrum__test_peer_go_on(self);
}

static const thrum_stream_handler peer_handler = {.received = peer_received,
                                                  .ended = peer_ended,
                                                  .drained = peer_drained,
                                                  .closed = peer_closed};

/* ---- The peer ---- */

thrum_test_peer *thrum_test_peer_new(thrum_stream *stream)
{
    thrum_reactor *reactor = thrum_stream_reactor(stream);
    thrum_test_peer *self =
        thrum_context_allocate(reactor->context, sizeof *self);

    if (self == NULL) {
        thrum_stream_unref(stream);
        return NULL;
    }
    *self = (thrum_test_peer){.reactor = reactor,
                              .context = thrum_context_ref(reactor->context),
                              .stream = stream,
                              .number = 1};
    self->last = self->at = &self->first;
    thrum_buffer_init(&self->kept, self->context, SIZE_MAX);
    thrum__soon_init(&self->soon, thrum__test_peer_go_on, self);
    thrum__link_init(&self->link);
    if (reactor->ending)
        self->reactor = NULL; /* as if it had been there before */
    else
        thrum__link_append(&reactor->peers, &self->link);
    thrum_stream_set_handler(stream, &peer_handler, self, NULL);
    return self;
}

static thrum_cancelled peer_cancelled(thrum_deferred *played, void *it)
{
    thrum_test_peer *self = it;

    (void)played;
    thrum__test_peer_rest(self);
    self->played = NULL;
    return THRUM_CANCELLED_STOPPED;
}

/* A play that cannot begin. */
static thrum_deferred *peer_refuse(thrum_test_peer *self)
{
    const thrum_domain *domain = &thrum_domain_base;
    int code = THRUM_E_INVALID;

    if (self->reactor == NULL) {
        domain = &thrum_domain_reactor;
        code = THRUM_REACTOR_E_STOPPED;
    }
    return thrum_deferred_failed(
        self->context, thrum_failure_new(self->context, domain, code, NULL));
}

thrum_deferred *thrum_test_peer_play(thrum_test_peer *self)
{
    thrum_deferred *played;

    if (self == NULL)
        return NULL;
    if (self->played != NULL || self->reactor == NULL)
        return peer_refuse(self);
    played = thrum_deferred_new(self->context, "test peer");
    if (thrum_deferred_on_cancel(played, peer_cancelled, self, NULL) != 0) {
        thrum__deferred_discard(played);
        return NULL;
    }
    self->played = played;
    thrum__soon_start(self->reactor, &self->soon);
    return played;
}

/* Legal from within what its own end is told to. */
void thrum_test_peer_free(thrum_test_peer *self)
{
    thrum_context *context;

    if (self == NULL || self->freed)
        return;
    self->freed = true;
    context = self->context;
    thrum__link_remove(&self->link);
    thrum_stream_set_handler(self->stream, NULL, NULL, NULL);
    if (self->played != NULL)
        thrum__test_peer_end(
            self, thrum__reactor_failure(context, THRUM_REACTOR_E_ABORTED, 0,
                                         "the test peer was freed"));
    thrum_stream_unref(self->stream);
    while (self->first != NULL) {
        thrum__step *gone = self->first;

        self->first = gone->next;
        thrum_context_release(context, gone);
    }
    thrum_buffer_fini(&self->kept);
    thrum_failure_unref(self->why);
    thrum_context_release(context, self);
    thrum_context_unref(context);
}

void thrum__test_peers_end(thrum_reactor *reactor)
{
    while (!thrum__link_alone(&reactor->peers)) {
        thrum_test_peer *self = (thrum_test_peer *)reactor->peers.next;

        thrum__link_remove(&self->link);
        thrum__test_peer_rest(self);
        self->reactor = NULL;
        if (self->played != NULL)
            thrum__test_peer_end(
                self,
                thrum__reactor_failure(self->context, THRUM_REACTOR_E_STOPPED,
                                       0, "the reactor was stopped"));
    }
}
