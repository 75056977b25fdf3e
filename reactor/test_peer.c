/* SPDX-License-Identifier: MIT */
/*
 * A script is a list of steps, gone through one after the other: a step either
 * is done, or waits for bytes, the end, time, or room to send. What came and
 * was not expected yet is kept, up to a cap, and then left with the stream.
 */
#include <string.h>

#include <thrum/clock.h>
#include <thrum/deferred.h>

#include "base/base.h"
#include "reactor/loop.h"
#include "reactor/soon.h"
#include "reactor/test_peer.h"

/* Kept of what nobody expected yet. */
enum { PEER_KEPT = 256 * 1024 };

typedef enum step_kind {
    STEP_SEND,
    STEP_EXPECT,
    STEP_UNTIL,
    STEP_END,
    STEP_DELAY,
    STEP_STALL,
    STEP_CLOSE,
    STEP_ABORT
} step_kind;

typedef struct step {
    struct step *next;
    step_kind kind;
    thrum_ns span;
    thrum_buffer *got;
    size_t piece, size;
    char data[];
} step;

typedef enum step_answer { STEP_DONE, STEP_WAITS, STEP_FAILED } step_answer;

struct thrum_test_peer {
    thrum_reactor *reactor;
    thrum_context *context;
    thrum_stream *stream;
    step *first, **last;
    step *at;        /* while it is played: the step to do next */
    unsigned number; /* of that, from 1 */
    size_t used;     /* of its bytes: sent, or come */
    thrum_buffer kept;
    thrum_call *timer;
    thrum__soon soon;
    thrum_deferred *played;
    thrum_failure *why; /* what ended the stream */
    bool no_memory;     /* a step could not be added */
    bool timed;         /* the present step's time is running, or over */
    bool ended, closed;
};

static void peer_go_on(void *it);

/* ---- The script ---- */

static step *peer_add(thrum_test_peer *self, step_kind kind, const void *data,
                      size_t size)
{
    step *added = thrum_context_allocate(self->context, sizeof *added + size);

    if (added == NULL) {
        self->no_memory = true;
        return NULL;
    }
    *added = (step){.kind = kind, .size = size};
    if (size > 0)
        memcpy(added->data, data, size);
    *self->last = added;
    self->last = &added->next;
    return added;
}

void thrum_test_peer_send_bytes(thrum_test_peer *self, const void *data,
                                size_t size, size_t piece)
{
    step *added = peer_add(self, STEP_SEND, data, size);

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
    step *added = peer_add(self, STEP_UNTIL, text, strlen(text));

    if (added != NULL)
        added->got = got;
}

void thrum_test_peer_expect_end(thrum_test_peer *self)
{
    peer_add(self, STEP_END, NULL, 0);
}

static void peer_add_span(thrum_test_peer *self, step_kind kind, thrum_ns span)
{
    step *added = peer_add(self, kind, NULL, 0);

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

/* ---- The end of the play ---- */

static void peer_rest(thrum_test_peer *self)
{
    thrum_clock_cancel(self->reactor->time, self->timer);
    self->timer = NULL;
    thrum__soon_stop(self->reactor, &self->soon);
}

static void peer_end(thrum_test_peer *self, thrum_failure *why)
{
    thrum_deferred *played = self->played;

    peer_rest(self);
    self->played = NULL;
    if (why != NULL)
        thrum_deferred_fail(played, why);
    else
        thrum_deferred_fire(played, NULL, NULL);
}

/* Something else came than these bytes (NULL: than the end). */
static step_answer peer_unexpected(thrum_test_peer *self, const step *now)
{
    thrum_bytes expected = {now->data + self->used, now->size - self->used};
    thrum_bytes came = {self->kept.data, self->kept.size};

    if (now->kind == STEP_END)
        expected.data = NULL;
    if (came.size == 0 && self->why != NULL)
        peer_end(self, thrum_failure_ref(self->why));
    else
        peer_end(self, thrum__test_peer_failure(self->context, self->number,
                                                expected, came, "the end"));
    return STEP_FAILED;
}

/* ---- The steps ---- */

static step_answer peer_fail(thrum_test_peer *self, int error)
{
    thrum_failure *why = self->why;

    if (error == THRUM_E_NOMEM)
        why = thrum_failure_no_memory();
    else if (error == THRUM_E_CLOSED && why != NULL)
        why = thrum_failure_ref(why);
    else
        why = thrum_failure_new(self->context, &thrum_domain_base, error,
                                "step %u: %s", self->number,
                                thrum__describe(&thrum_domain_base, error));
    peer_end(self, why);
    return STEP_FAILED;
}

/* One piece a turn. */
static step_answer peer_send(thrum_test_peer *self, const step *now)
{
    size_t left = now->size - self->used;
    size_t size = left < now->piece ? left : now->piece;
    int error = size == 0 ? 0
                          : thrum_stream_write(self->stream,
                                               now->data + self->used, size);

    if (error == THRUM_E_FULL && thrum_stream_queued(self->stream) > 0)
        return STEP_WAITS;
    if (error != 0)
        return peer_fail(self, error);
    self->used += size;
    if (self->used == now->size)
        return STEP_DONE;
    thrum__soon_start(self->reactor, &self->soon);
    return STEP_WAITS;
}

/* What is right so far stays, to be told of when the rest is wrong, unless too
 * much would. */
static step_answer peer_expect(thrum_test_peer *self, const step *now)
{
    size_t left = now->size - self->used;
    size_t there = self->kept.size < left ? self->kept.size : left;

    if (there > 0 &&
        memcmp(self->kept.data, now->data + self->used, there) != 0)
        return peer_unexpected(self, now);
    if (there == left || self->kept.size >= PEER_KEPT) {
        thrum_buffer_consume(&self->kept, there);
        self->used += there;
    }
    if (there == left)
        return STEP_DONE;
    return self->ended ? peer_unexpected(self, now) : STEP_WAITS;
}

/* Gives the first bytes away. */
static int peer_give(thrum_test_peer *self, const step *now, size_t size)
{
    int error = 0;

    if (now->got != NULL && size > 0)
        error = thrum_buffer_append(now->got, self->kept.data, size);
    if (error == 0)
        thrum_buffer_consume(&self->kept, size);
    return error;
}

/* Of what does not have the text, only so much stays as may be its beginning,
 * once it is much. */
static step_answer peer_until(thrum_test_peer *self, const step *now)
{
    thrum_buffer *kept = &self->kept;
    const char *found = now->data;
    size_t size = 0;
    int error;

    if (now->size > 0 && kept->size > 0)
        found = memmem(kept->data, kept->size, now->data, now->size);
    else if (now->size > 0)
        found = NULL;
    if (found != NULL && now->size > 0)
        size = (size_t)(found - kept->data) + now->size;
    else if (found == NULL && kept->size >= PEER_KEPT)
        size = kept->size - (now->size - 1);
    error = peer_give(self, now, size);
    if (error != 0)
        return peer_fail(self, error);
    if (found != NULL)
        return STEP_DONE;
    return self->ended ? peer_unexpected(self, now) : STEP_WAITS;
}

static step_answer peer_expect_end(thrum_test_peer *self, const step *now)
{
    if (self->kept.size > 0 || self->why != NULL)
        return peer_unexpected(self, now);
    return self->ended ? STEP_DONE : STEP_WAITS;
}

static void peer_on_time(void *it)
{
    thrum_test_peer *self = it;

    self->timer = NULL;
    peer_go_on(self);
}

static step_answer peer_wait(thrum_test_peer *self, const step *now)
{
    if (!self->timed) {
        self->timed = true;
        self->timer = thrum_clock_call_later(self->reactor->time, now->span,
                                             peer_on_time, self, NULL);
        if (self->timer == NULL)
            return peer_fail(self, THRUM_E_NOMEM);
        if (now->kind == STEP_STALL)
            thrum_stream_pause(self->stream);
    }
    if (self->timer != NULL)
        return STEP_WAITS;
    if (now->kind == STEP_STALL)
        thrum_stream_resume(self->stream);
    return STEP_DONE;
}

static step_answer peer_do(thrum_test_peer *self, const step *now)
{
    switch (now->kind) {
    case STEP_SEND:
        return peer_send(self, now);
    case STEP_EXPECT:
        return peer_expect(self, now);
    case STEP_UNTIL:
        return peer_until(self, now);
    case STEP_END:
        return peer_expect_end(self, now);
    case STEP_DELAY:
    case STEP_STALL:
        return peer_wait(self, now);
    case STEP_CLOSE:
        thrum_stream_lose(self->stream);
        return STEP_DONE;
    default:
        thrum_stream_abort(self->stream);
        return STEP_DONE;
    }
}

/* Whoever hears of the end may free the peer, so that comes last. */
static void peer_go_on(void *it)
{
    thrum_test_peer *self = it;

    while (self->played != NULL && self->at != NULL) {
        step_answer answer = peer_do(self, self->at);

        if (answer == STEP_FAILED)
            return;
        if (answer == STEP_WAITS)
            break;
        self->at = self->at->next;
        self->number++;
        self->used = 0;
        self->timed = false;
    }
    if (self->kept.size < PEER_KEPT && self->timer == NULL)
        thrum_stream_resume(self->stream);
    if (self->played != NULL && self->at == NULL)
        peer_end(self, NULL);
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
    if (self->kept.size >= PEER_KEPT)
        thrum_stream_pause(stream);
    peer_go_on(self);
}

static void peer_ended(thrum_stream *stream, void *it)
{
    thrum_test_peer *self = it;

    (void)stream;
    self->ended = true;
    peer_go_on(self);
}

static void peer_drained(thrum_stream *stream, void *it)
{
    (void)stream;
    peer_go_on(it);
}

static void peer_closed(thrum_stream *stream, const thrum_failure *why,
                        void *it)
{
    thrum_test_peer *self = it;

    (void)stream;
    self->ended = self->closed = true;
    if (self->no_memory)
        self->why = thrum_failure_no_memory();
    else if (why != NULL)
        self->why = thrum_failure_ref(why);
    peer_go_on(self);
}

static const thrum_stream_handler peer_handler = {.received = peer_received,
                                                  .ended = peer_ended,
                                                  .drained = peer_drained,
                                                  .closed = peer_closed};

/* ---- The peer ---- */

thrum_test_peer *thrum_test_peer_new(thrum_stream *stream)
{
    thrum_reactor *reactor = thrum_stream_reactor(stream);
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_test_peer *self = thrum_context_allocate(context, sizeof *self);

    if (self == NULL) {
        thrum_stream_unref(stream);
        return NULL;
    }
    *self = (thrum_test_peer){.reactor = reactor,
                              .context = thrum_context_ref(context),
                              .stream = stream,
                              .number = 1};
    self->last = &self->first;
    thrum_buffer_init(&self->kept, context, SIZE_MAX);
    thrum__soon_init(&self->soon, peer_go_on, self);
    thrum_stream_set_handler(stream, &peer_handler, self, NULL);
    return self;
}

static thrum_cancelled peer_cancelled(thrum_deferred *played, void *it)
{
    thrum_test_peer *self = it;

    (void)played;
    peer_rest(self);
    self->played = NULL;
    return THRUM_CANCELLED_STOPPED;
}

thrum_deferred *thrum_test_peer_play(thrum_test_peer *self)
{
    thrum_deferred *played = thrum_deferred_new(self->context, "test peer");

    if (played == NULL)
        return NULL;
    self->played = played;
    self->at = self->first;
    if (self->no_memory ||
        thrum_deferred_on_cancel(played, peer_cancelled, self, NULL) != 0)
        peer_end(self, thrum_failure_no_memory());
    else
        thrum__soon_start(self->reactor, &self->soon);
    return played;
}

void thrum_test_peer_free(thrum_test_peer *self)
{
    thrum_context *context;

    if (self == NULL)
        return;
    context = self->context;
    thrum_stream_set_handler(self->stream, NULL, NULL, NULL);
    thrum_stream_unref(self->stream);
    if (self->played != NULL)
        peer_end(self, thrum__reactor_failure(context, THRUM_REACTOR_E_ABORTED,
                                              0, "the test peer was freed"));
    while (self->first != NULL) {
        step *gone = self->first;

        self->first = gone->next;
        thrum_context_release(context, gone);
    }
    thrum_buffer_fini(&self->kept);
    thrum_failure_unref(self->why);
    thrum_context_release(context, self);
    thrum_context_unref(context);
}
