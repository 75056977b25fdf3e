/* SPDX-License-Identifier: MIT */
/*
 * Between a peer that came and the program that gets it: the handshake. One
 * that fails, or is too slow, concerns nobody but the log.
 */
#include <thrum/deferred.h>

#include "base/base.h"
#include "reactor/listener.h"
#include "reactor/stream.h"

typedef struct handshake {
    thrum__link link; /* first: in listener->handshakes */
    thrum_listener *listener;
    thrum_stream *stream;
    thrum_deferred *done;
} handshake;

static void handshake_free(void *it)
{
    handshake *self = it;
    thrum_listener *listener = self->listener;

    thrum__link_remove(&self->link);
    thrum_deferred_finish(self->done);
    thrum_stream_unref(self->stream);
    thrum_context_release(listener->context, self);
    thrum__listener_unhold(listener);
}

static thrum_outcome handshake_done(void *nothing, void *it)
{
    handshake *self = it;
    thrum_stream *stream = self->stream;

    (void)nothing;
    if (self->listener->accept == NULL)
        return thrum_done();
    self->stream = NULL;
    thrum__listener_hand_over(self->listener, stream);
    return thrum_done();
}

static thrum_outcome handshake_failed(const thrum_failure *why, void *it)
{
    const handshake *self = it;

    if (self->listener->fd >= 0)
        thrum_context_log(self->listener->context, THRUM_LOG_INFO, "%s: %s",
                          self->listener->name, thrum_failure_text(why));
    return thrum_done();
}

void thrum__listener_begin_tls(thrum_listener *listener, thrum_stream *stream)
{
    handshake *self = thrum_context_allocate(listener->context, sizeof *self);

    if (self == NULL) {
        thrum_stream_abort(stream);
        thrum_stream_unref(stream);
        return;
    }
    listener->holds++;
    self->listener = listener;
    self->stream = stream;
    thrum__link_append(&listener->handshakes, &self->link);
    self->done =
        thrum_stream_serve_tls(stream, listener->tls, 0, listener->within);
    if (self->done == NULL)
        thrum_stream_abort(stream);
    thrum_deferred_add(self->done, handshake_done, handshake_failed, self,
                       handshake_free);
}

/* A handshake that was cancelled has taken its link away. */
void thrum__listener_end_tls(thrum_listener *listener)
{
    while (!thrum__link_alone(&listener->handshakes)) {
        handshake *self = (handshake *)listener->handshakes.next;

        thrum__link_remove(&self->link);
        thrum_deferred_cancel(self->done);
    }
}
