/* SPDX-License-Identifier: MIT */
/*
 * An attempt to connect: look the name up, then try its addresses in turn,
 * until one answers or the time is over. The time that is left is shared
 * evenly among the addresses that are left, so that one that swallows packets
 * leaves time for the next.
 *
 * All of it begins in the next turn of the loop; so nothing is told before
 * thrum_connect_tcp has returned.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <thrum/connect.h>

#include "reactor/resolve.h"
#include "reactor/stream.h"

enum { CONNECT_WHERE = 400 };

typedef struct attempt {
    thrum__link link; /* first: in reactor->connects */
    thrum_reactor *reactor;
    thrum_deferred *deferred;
    thrum_call *timer; /* the start, then the time of this stage */
    thrum_ns deadline;
    thrum__query *query;
    thrum__address own;        /* of a host in figures */
    thrum__address *addresses; /* &own, or what was found */
    size_t count, at;
    ev_io io;
    int fd;
    int error; /* of the last address */
    uint16_t port;
    char host[];
} attempt;

static void connect_next(attempt *self);

/* Gives up what the present address holds. */
static void connect_close(attempt *self)
{
    if (self->fd < 0)
        return;
    ev_io_stop(self->reactor->loop, &self->io);
    close(self->fd);
    self->fd = -1;
}

static void connect_free(attempt *self)
{
    thrum_context *context = self->reactor->context;

    connect_close(self);
    thrum__resolve_cancel(self->query);
    thrum_clock_cancel(self->reactor->time, self->timer);
    thrum__link_remove(&self->link);
    if (self->addresses != &self->own)
        thrum_context_release(context, self->addresses);
    thrum_context_release(context, self);
}

static void connect_fail(attempt *self, thrum_failure *why)
{
    thrum_deferred *deferred = self->deferred;

    connect_free(self);
    thrum_deferred_fail(deferred, why);
}

/* "mail.example:25", and " at 192.0.2.1:25" while an address is tried. */
static const char *connect_where(const attempt *self, char where[CONNECT_WHERE])
{
    char text[THRUM__ADDRESS_TEXT];
    bool figures = self->addresses == &self->own;

    if (self->at > 0)
        thrum__address_write(&self->addresses[self->at - 1], text);
    if (self->at == 0)
        snprintf(where, CONNECT_WHERE, "%.300s:%u", self->host,
                 (unsigned)self->port);
    else if (figures)
        snprintf(where, CONNECT_WHERE, "%s", text);
    else
        snprintf(where, CONNECT_WHERE, "%.300s:%u at %s", self->host,
                 (unsigned)self->port, text);
    return where;
}

static thrum_failure *connect_failure(const attempt *self, int code, int error,
                                      const char *stage)
{
    char where[CONNECT_WHERE];

    return thrum__reactor_failure(self->reactor->context, code, error, "%s %s",
                                  stage, connect_where(self, where));
}

static void connect_is_late(attempt *self)
{
    const char *stage = self->query != NULL ? "the time is over: looking up"
                                            : "the time is over: connecting to";

    connect_fail(self,
                 connect_failure(self, THRUM_REACTOR_E_TIMEOUT, 0, stage));
}

static void connect_on_time(void *ctx)
{
    attempt *self = ctx;

    self->timer = NULL;
    if (thrum_clock_read(self->reactor->time) >= self->deadline) {
        connect_is_late(self);
        return;
    }
    connect_close(self);
    self->error = ETIMEDOUT;
    connect_next(self);
}

/* The time for one of `shares` stages that are left. Errors: THRUM_E_NOMEM. */
static int connect_set_time(attempt *self, size_t shares)
{
    thrum_clock *clock = self->reactor->time;
    thrum_ns left = self->deadline - thrum_clock_read(clock);

    thrum_clock_cancel(clock, self->timer);
    self->timer = thrum_clock_call_later(clock, left / (thrum_ns)shares,
                                         connect_on_time, self, NULL);
    return self->timer == NULL ? THRUM_E_NOMEM : 0;
}

/* A socket may meet itself when it calls a port of this machine that was free
 * until it was given that very port: nobody listens there. */
static void connect_made(attempt *self)
{
    thrum_deferred *deferred = self->deferred;
    int fd = self->fd;
    thrum_stream *stream;

    ev_io_stop(self->reactor->loop, &self->io);
    self->fd = -1;
    stream =
        thrum__stream_new(self->reactor, fd, &self->addresses[self->at - 1]);
    if (stream == NULL) {
        connect_fail(self, thrum_failure_no_memory());
        return;
    }
    if (strcmp(thrum_stream_name(stream), thrum_stream_peer(stream)) == 0) {
        thrum_stream_unref(stream);
        self->error = ECONNREFUSED;
        connect_next(self);
        return;
    }
    connect_free(self);
    thrum_deferred_fire(deferred, stream, thrum_stream_unref);
}

static void connect_on_writable(struct ev_loop *loop, ev_io *io, int events)
{
    attempt *self = io->data;
    int error = 0;
    socklen_t size = sizeof error;

    (void)loop;
    (void)events;
    if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error == 0) {
        connect_made(self);
        return;
    }
    connect_close(self);
    self->error = error;
    connect_next(self);
}

/* Returns 0 when the address is being tried, or the errno. */
static int connect_try(attempt *self, const thrum__address *address)
{
    int fd = socket(address->any.sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    if (connect(fd, &address->any, thrum__address_size(address)) != 0 &&
        errno != EINPROGRESS) {
        int error = errno;

        close(fd);
        return error;
    }
    self->fd = fd;
    ev_io_init(&self->io, connect_on_writable, fd, EV_WRITE);
    self->io.data = self;
    ev_io_start(self->reactor->loop, &self->io);
    return 0;
}

static void connect_next(attempt *self)
{
    while (self->at < self->count) {
        size_t left = self->count - self->at;

        self->error = connect_try(self, &self->addresses[self->at++]);
        if (self->error != 0)
            continue;
        if (connect_set_time(self, left) != 0)
            connect_fail(self, thrum_failure_no_memory());
        return;
    }
    connect_fail(self, connect_failure(self, THRUM_REACTOR_E_CONNECT,
                                       self->error, "cannot connect to"));
}

static void connect_resolved(thrum__address *addresses, size_t count,
                             const char *error, void *ctx)
{
    attempt *self = ctx;
    char where[CONNECT_WHERE];

    self->query = NULL;
    if (error != NULL) {
        connect_fail(self, thrum__reactor_failure(
                               self->reactor->context, THRUM_REACTOR_E_RESOLVE,
                               0, "cannot look up %s: %s",
                               connect_where(self, where), error));
        return;
    }
    self->addresses = addresses;
    self->count = count;
    connect_next(self);
}

static void connect_start(void *ctx)
{
    attempt *self = ctx;

    self->timer = NULL;
    if (thrum__address_read(&self->own, self->host, self->port) == 0) {
        self->addresses = &self->own;
        self->count = 1;
        connect_next(self);
        return;
    }
    self->query = thrum__resolve(self->reactor, self->host, self->port,
                                 connect_resolved, self);
    if (self->query == NULL || connect_set_time(self, 1) != 0)
        connect_fail(self, thrum_failure_no_memory());
}

static thrum_cancelled connect_cancelled(thrum_deferred *deferred, void *ctx)
{
    (void)deferred;
    connect_free(ctx);
    return THRUM_CANCELLED_STOPPED;
}

static attempt *connect_new(thrum_reactor *reactor, const char *host,
                            uint16_t port, thrum_ns within)
{
    thrum_clock *clock = reactor->time;
    size_t size = strlen(host) + 1;
    thrum_ns now = thrum_clock_read(clock);
    attempt *self =
        thrum_context_allocate(reactor->context, sizeof *self + size);

    if (self == NULL)
        return NULL;
    memset(self, 0, sizeof *self);
    memcpy(self->host, host, size);
    self->reactor = reactor;
    self->deadline = within > INT64_MAX - now ? INT64_MAX : now + within;
    self->port = port;
    self->fd = -1;
    thrum__link_append(&reactor->connects, &self->link);
    self->timer = thrum_clock_call_later(clock, 0, connect_start, self, NULL);
    self->deferred = thrum_deferred_new(reactor->context, "connect");
    return self;
}

thrum_deferred *thrum_connect_tcp(thrum_reactor *reactor, const char *host,
                                  uint16_t port, thrum_ns within)
{
    attempt *self = connect_new(reactor, host, port, within);
    thrum_deferred *deferred;

    if (self == NULL)
        return NULL;
    deferred = self->deferred;
    if (deferred == NULL) {
        connect_free(self);
        return NULL;
    }
    if (self->timer == NULL ||
        thrum_deferred_on_cancel(deferred, connect_cancelled, self, NULL) != 0)
        connect_fail(self, thrum_failure_no_memory());
    else if (reactor->ending)
        thrum__connects_end(reactor);
    return deferred;
}

void thrum__connects_end(thrum_reactor *reactor)
{
    while (!thrum__link_alone(&reactor->connects)) {
        attempt *self = (attempt *)reactor->connects.next;

        connect_fail(self, connect_failure(self, THRUM_REACTOR_E_STOPPED, 0,
                                           "the reactor was stopped: "
                                           "connecting to"));
    }
}
