/* SPDX-License-Identifier: MIT */
/*
 * The play: steps are gone through one after the other. Each is done, or waits
 * for bytes, the end, time, or room to send, and is tried again when something
 * of the kind has come.
 *
 * Whoever hears of the play's end may free the peer, so a step that ends it
 * touches nothing afterwards.
 */
#include <string.h>

#include "base/base.h"
#include "reactor/stream.h"
#include "reactor/test_peer.h"

typedef enum play_answer { STEP_DONE, STEP_WAITS, STEP_FAILED } play_answer;

void thrum__test_peer_rest(thrum_test_peer *self)
{
    if (self->reactor != NULL) {
        thrum_clock_cancel(self->reactor->time, self->timer);
        thrum__soon_stop(self->reactor, &self->soon);
    }
    self->timer = NULL;
    self->begun = false;
    thrum_stream_resume(self->stream);
}

void thrum__test_peer_end(thrum_test_peer *self, thrum_failure *why)
{
    thrum_deferred *played = self->played;

    thrum__test_peer_rest(self);
    self->played = NULL;
    if (why != NULL)
        thrum_deferred_fail(played, why);
    else
        thrum_deferred_fire(played, NULL, NULL);
}

/* ---- What goes wrong ---- */

static play_answer play_fail(thrum_test_peer *self, thrum_failure *why)
{
    thrum__test_peer_end(self, why);
    return STEP_FAILED;
}

/* What came is not what the step expects; `ended`: or not enough. */
static play_answer play_came(thrum_test_peer *self, const thrum__step *now,
                             bool ended)
{
    thrum_bytes expected = {now->data + self->used, now->size - self->used};
    thrum__came came = {{self->kept.data, self->kept.size}, ended};

    return play_fail(self, thrum__test_peer_failure(self->context, self->number,
                                                    now->kind, expected, came));
}

static play_answer play_ended(thrum_test_peer *self, const thrum__step *now)
{
    if (self->why != NULL)
        return play_fail(self, thrum_failure_ref(self->why));
    return play_came(self, now, true);
}

static play_answer play_error(thrum_test_peer *self, int error)
{
    if (error == THRUM_E_NOMEM)
        return play_fail(self, thrum_failure_no_memory());
    if (error == THRUM_E_CLOSED && self->why != NULL)
        return play_fail(self, thrum_failure_ref(self->why));
    return play_fail(
        self, thrum_failure_new(self->context, &thrum_domain_base, error,
                                "step %u: %s", self->number,
                                thrum__describe(&thrum_domain_base, error)));
}

/* ---- The steps ---- */

/* One piece a turn, no more than the queue takes. Without room the stream is
 * asked for `drained`, whatever its marks. */
static play_answer play_send(thrum_test_peer *self, const thrum__step *now)
{
    thrum_stream *stream = self->stream;
    size_t queued = thrum_stream_queued(stream);
    size_t room = stream->cap > queued ? stream->cap - queued : 0;
    size_t size = now->size - self->used;
    int error;

    if (size > 0 && room == 0 && !stream->ending) {
        stream->above = true;
        return STEP_WAITS;
    }
    if (size > now->piece)
        size = now->piece;
    if (size > room)
        size = room;
    error = thrum_stream_write(stream, now->data + self->used, size);
    if (error != 0)
        return play_error(self, error);
    self->used += size;
    if (self->used == now->size)
        return STEP_DONE;
    thrum__soon_start(self->reactor, &self->soon);
    return STEP_WAITS;
}

/* What is right so far stays, to be told of when the rest is wrong, unless too
 * much would. */
static play_answer play_expect(thrum_test_peer *self, const thrum__step *now)
{
    size_t left = now->size - self->used;
    size_t there = self->kept.size < left ? self->kept.size : left;

    if (there > 0 &&
        memcmp(self->kept.data, now->data + self->used, there) != 0)
        return play_came(self, now, false);
    if (there == left || self->kept.size >= THRUM__TEST_PEER_KEPT) {
        thrum_buffer_consume(&self->kept, there);
        self->used += there;
    }
    if (there == left)
        return STEP_DONE;
    return self->ended ? play_ended(self, now) : STEP_WAITS;
}

/* How many of the kept bytes come up to the text and with it; 0: it is not
 * there. */
static size_t play_find(const thrum_buffer *kept, const thrum__step *now)
{
    const char *found =
        kept->size > 0 ? memmem(kept->data, kept->size, now->data, now->size)
                       : NULL;

    return found != NULL ? (size_t)(found - kept->data) + now->size : 0;
}

/* Of what does not have the text, only so much stays as may be its beginning,
 * once it is much. */
static play_answer play_until(thrum_test_peer *self, const thrum__step *now)
{
    thrum_buffer *kept = &self->kept;
    size_t found = now->size > 0 ? play_find(kept, now) : 0;
    bool done = found > 0 || now->size == 0;
    int error = 0;

    if (!done && kept->size >= THRUM__TEST_PEER_KEPT && kept->size >= now->size)
        found = kept->size - (now->size - 1);
    if (now->got != NULL && found > 0)
        error = thrum_buffer_append(now->got, kept->data, found);
    if (error != 0)
        return play_error(self, error);
    thrum_buffer_consume(kept, found);
    if (done)
        return STEP_DONE;
    return self->ended ? play_ended(self, now) : STEP_WAITS;
}

static play_answer play_expect_end(thrum_test_peer *self,
                                   const thrum__step *now)
{
    if (self->kept.size > 0)
        return play_came(self, now, false);
    if (self->why != NULL)
        return play_ended(self, now);
    return self->ended ? STEP_DONE : STEP_WAITS;
}

static void play_on_time(void *it)
{
    thrum_test_peer *self = it;

    self->timer = NULL;
    thrum__test_peer_go_on(self);
}

static play_answer play_wait(thrum_test_peer *self, const thrum__step *now)
{
    if (!self->begun) {
        self->begun = true;
        self->timer = thrum_clock_call_later(self->reactor->time, now->span,
                                             play_on_time, self, NULL);
        if (self->timer == NULL)
            return play_error(self, THRUM_E_NOMEM);
        if (now->kind == STEP_STALL)
            thrum_stream_pause(self->stream);
    }
    return self->timer != NULL ? STEP_WAITS : STEP_DONE;
}

/* What was sent before has its turn to leave. */
static play_answer play_abort(thrum_test_peer *self)
{
    if (thrum_stream_queued(self->stream) > 0 && !self->begun) {
        self->begun = true;
        thrum__soon_start(self->reactor, &self->soon);
        return STEP_WAITS;
    }
    thrum_stream_abort(self->stream);
    return STEP_DONE;
}

static play_answer play_step(thrum_test_peer *self, const thrum__step *now)
{
    switch (now->kind) {
    case STEP_SEND:
        return play_send(self, now);
    case STEP_EXPECT:
        return play_expect(self, now);
    case STEP_UNTIL:
        return play_until(self, now);
    case STEP_END:
        return play_expect_end(self, now);
    case STEP_DELAY:
    case STEP_STALL:
        return play_wait(self, now);
    case STEP_CLOSE:
        thrum_stream_lose(self->stream);
        return STEP_DONE;
    default:
        return play_abort(self);
    }
}

void thrum__test_peer_go_on(void *it)
{
    thrum_test_peer *self = it;

    if (self->played != NULL && self->no_memory) {
        thrum__test_peer_end(self, thrum_failure_no_memory());
        return;
    }
    while (self->played != NULL && *self->at != NULL) {
        play_answer answer = play_step(self, *self->at);

        if (answer == STEP_FAILED)
            return;
        if (answer == STEP_WAITS)
            break;
        self->at = &(*self->at)->next;
        self->number++;
        self->used = 0;
        self->begun = false;
    }
    if (self->kept.size < THRUM__TEST_PEER_KEPT && self->timer == NULL)
        thrum_stream_resume(self->stream);
    if (self->played != NULL && *self->at == NULL)
        thrum__test_peer_end(self, NULL);
}
