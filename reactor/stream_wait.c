/* SPDX-License-Identifier: MIT */
/*
 * Those who wait until a stream takes more, by a Deferred. Mostly nobody does.
 */
#include "reactor/stream.h"

/* Waiting is rare, so what it needs is made when it is needed. */
static bool wait_add(thrum_stream *stream, thrum_deferred *deferred)
{
    thrum__stream_rare *rare = thrum__stream_rare_make(stream);

    if (rare == NULL)
        return false;
    stream->waited = true;
    return thrum__waiters_add(&rare->waiters, deferred, NULL, NULL);
}

thrum_deferred *thrum_stream_when_drained(thrum_stream *stream)
{
    thrum_deferred *deferred =
        thrum_deferred_new(stream->context, "stream when_drained");

    if (deferred == NULL)
        return NULL;
    if (stream->why != NULL) {
        thrum_deferred_fail(deferred, thrum_failure_ref(stream->why));
    } else if (stream->queue.size <= stream->low) {
        thrum_deferred_fire(deferred, NULL, NULL);
    } else if (!wait_add(stream, deferred)) {
        thrum__deferred_discard(deferred);
        return NULL;
    }
    return deferred;
}

/* A stream that was aborted has its reason only when it is closed. */
void thrum__stream_tell_waiters(thrum_stream *stream)
{
    thrum__stream_rare *rare = stream->rare;
    thrum__slow *slow = &stream->reactor->slow;
    thrum__timed timed;

    if (stream->aborted && !stream->closed)
        return;
    stream->waited = false;
    thrum__waiters_end(&rare->waiters, &rare->ready, stream->why);
    timed = thrum__slow_begin(slow, "stream when_drained");
    thrum__ready_run_now(&rare->ready);
    thrum__slow_end(slow, timed, "callbacks");
}
