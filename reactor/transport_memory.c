/* SPDX-License-Identifier: MIT */
/*
 * The bottom of a stream that has no socket: two ends, each with an inbox that
 * the other one fills. It behaves as a socket does: an inbox has a cap, what
 * was sent before a close or a reset is still received, and whoever is told of
 * bytes is told in the next turn, never within the call that sent them.
 */
#include <errno.h>
#include <string.h>

#include "reactor/stream.h"

enum {
    MEMORY_ROOM = 64 * 1024, /* an inbox, as a socket's buffer */
    MEMORY_KEPT = 4 * 1024   /* of an empty one */
};

typedef struct memory_end {
    thrum__transport transport; /* first */
    thrum_reactor *reactor;
    thrum_context *context;
    thrum__soon soon;
    struct memory_end *other; /* NULL: it is closed */
    thrum_buffer inbox;
    int watched;
    bool ended;   /* nothing comes after what is in the inbox */
    bool reset;   /* but a reset */
    bool calling; /* the owner */
    bool closed;
} memory_end;

static void memory_release(memory_end *self)
{
    thrum_context *context = self->context;

    thrum_context_release(context, self);
    thrum_context_unref(context);
}

static int memory_events(const memory_end *self)
{
    const memory_end *other = self->other;
    int events = 0;

    if (self->inbox.size > 0 || self->ended)
        events |= THRUM__TRANSPORT_RECEIVE;
    if (other == NULL || other->inbox.size < MEMORY_ROOM)
        events |= THRUM__TRANSPORT_SEND;
    return events & self->watched;
}

static void memory_arm(memory_end *self)
{
    if (self != NULL && memory_events(self) != 0)
        thrum__soon_start(self->reactor, &self->soon);
}

static void memory_tell(void *ctx)
{
    memory_end *self = ctx;
    int events = memory_events(self);

    self->calling = true;
    if (events != 0)
        self->transport.ready(self->transport.owner, events);
    self->calling = false;
    if (self->closed)
        memory_release(self);
    else
        memory_arm(self);
}

static int memory_failed(memory_end *self, thrum_failure *why)
{
    thrum_failure_unref(self->transport.why);
    self->transport.why = why;
    return THRUM__TRANSPORT_FAILED;
}

static int memory_failed_with(memory_end *self, int error)
{
    return memory_failed(
        self,
        thrum_failure_new(self->context, &thrum_domain_system, error, NULL));
}

static void memory_shrink(thrum_buffer *inbox)
{
    thrum_context *context = inbox->context;

    if (inbox->size > 0 || inbox->room <= MEMORY_KEPT)
        return;
    thrum_context_ref(context);
    thrum_buffer_fini(inbox);
    thrum_buffer_init(inbox, context, MEMORY_ROOM);
    thrum_context_unref(context);
}

static ssize_t memory_receive(thrum__transport *transport, char *data,
                              size_t size)
{
    memory_end *self = (memory_end *)transport;
    thrum_buffer *inbox = &self->inbox;

    if (inbox->size == 0 && self->reset)
        return memory_failed_with(self, ECONNRESET);
    if (inbox->size == 0)
        return self->ended ? 0 : THRUM__TRANSPORT_AGAIN;
    if (size > inbox->size)
        size = inbox->size;
    memcpy(data, inbox->data, size);
    thrum_buffer_consume(inbox, size);
    memory_shrink(inbox);
    memory_arm(self->other);
    return (ssize_t)size;
}

/* A reset is told once: here, or by receive. */
static ssize_t memory_send_gone(memory_end *self)
{
    int error = self->reset ? ECONNRESET : EPIPE;

    self->reset = false;
    return memory_failed_with(self, error);
}

static ssize_t memory_send(thrum__transport *transport,
                           const struct iovec *parts, int count)
{
    memory_end *self = (memory_end *)transport, *other = self->other;
    size_t sent = 0;

    if (other == NULL)
        return memory_send_gone(self);
    for (int i = 0; i < count; i++) {
        size_t size = parts[i].iov_len;
        size_t room = MEMORY_ROOM - other->inbox.size;

        if (size > room)
            size = room;
        if (thrum_buffer_append(&other->inbox, parts[i].iov_base, size) != 0)
            return memory_failed(self, thrum_failure_no_memory());
        sent += size;
    }
    memory_arm(other);
    return sent > 0 ? (ssize_t)sent : THRUM__TRANSPORT_AGAIN;
}

static void memory_watch(thrum__transport *transport, int events)
{
    memory_end *self = (memory_end *)transport;

    self->watched = events;
    memory_arm(self);
}

static int memory_shutdown(thrum__transport *transport)
{
    memory_end *other = ((memory_end *)transport)->other;

    if (other != NULL) {
        other->ended = true;
        memory_arm(other);
    }
    return 0;
}

static bool memory_has_bytes(thrum__transport *transport)
{
    return ((memory_end *)transport)->inbox.size > 0;
}

static void memory_close(thrum__transport *transport, bool reset,
                         const thrum_failure *why)
{
    memory_end *self = (memory_end *)transport, *other = self->other;

    (void)why;
    thrum__soon_stop(self->reactor, &self->soon);
    if (other != NULL) {
        other->other = NULL;
        other->ended = true;
        other->reset = reset;
        memory_arm(other);
    }
    thrum_failure_unref(transport->why);
    thrum_buffer_fini(&self->inbox);
    self->closed = true;
    if (!self->calling)
        memory_release(self);
}

static int memory_descriptor(const thrum__transport *transport)
{
    (void)transport;
    return -1;
}

static memory_end *memory_new(thrum_reactor *reactor)
{
    static const thrum__transport_ops ops = {
        .receive = memory_receive,
        .send = memory_send,
        .watch = memory_watch,
        .shutdown = memory_shutdown,
        .has_bytes = memory_has_bytes,
        .close = memory_close,
        .descriptor = memory_descriptor,
    };
    memory_end *self = thrum_context_allocate(reactor->context, sizeof *self);

    if (self == NULL)
        return NULL;
    *self = (memory_end){.transport = {.ops = &ops},
                         .reactor = reactor,
                         .context = thrum_context_ref(reactor->context)};
    thrum__soon_init(&self->soon, memory_tell, self);
    thrum_buffer_init(&self->inbox, reactor->context, MEMORY_ROOM);
    return self;
}

static void memory_close_if_made(memory_end *self)
{
    if (self != NULL)
        memory_close(&self->transport, false, NULL);
}

int thrum__transport_memory_pair(thrum_reactor *reactor,
                                 thrum__transport *ends[2])
{
    memory_end *one = memory_new(reactor), *other = memory_new(reactor);

    if (one == NULL || other == NULL) {
        memory_close_if_made(one);
        memory_close_if_made(other);
        return THRUM_E_NOMEM;
    }
    one->other = other;
    other->other = one;
    ends[0] = &one->transport;
    ends[1] = &other->transport;
    return 0;
}

int thrum_stream_pair(thrum_reactor *reactor, thrum_stream **one,
                      thrum_stream **other)
{
    thrum__transport *ends[2];
    int error = THRUM_REACTOR_E_STOPPED;

    *one = *other = NULL;
    if (!reactor->ending)
        error = thrum__transport_memory_pair(reactor, ends);
    if (error != 0)
        return error;
    *one = thrum__stream_over(reactor, ends[0], "memory", "memory");
    *other = thrum__stream_over(reactor, ends[1], "memory", "memory");
    if (*one != NULL && *other != NULL)
        return 0;
    thrum_stream_unref(*one);
    thrum_stream_unref(*other);
    *one = *other = NULL;
    return THRUM_E_NOMEM;
}
