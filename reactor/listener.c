/* SPDX-License-Identifier: MIT */
/*
 * A listening socket. At most 64 peers come in one turn. Without descriptors or
 * memory a peer stays in the kernel's queue, where epoll would tell of it again
 * and again; so accepting rests for 100 ms, and the log hears of it once until
 * a peer comes in again.
 */
#include <errno.h>
#include <unistd.h>

#include <thrum/listener.h>

#include "base/base.h"
#include "reactor/stream.h"

enum { LISTENER_BATCH = 64 };
#define LISTENER_REST 0.1

struct thrum_listener {
    thrum__link link; /* first: in reactor->listeners until it is stopped */
    thrum_reactor *reactor;
    thrum_context *context;
    ev_io io;
    ev_timer rest;
    thrum_accept_fn *accept;
    void *ctx;
    thrum_free_fn *free;
    int fd; /* -1 once it is stopped */
    uint16_t port;
    bool calling;
    bool freed;
    bool starved;
    char name[THRUM__ADDRESS_TEXT];
};

static void listener_release(thrum_listener *listener)
{
    thrum_context *context = listener->context;

    thrum__free(listener->ctx, listener->free);
    thrum_context_release(context, listener);
    thrum_context_unref(context);
}

static void listener_stop(thrum_listener *listener)
{
    if (listener->fd < 0)
        return;
    ev_io_stop(listener->reactor->loop, &listener->io);
    ev_timer_stop(listener->reactor->loop, &listener->rest);
    close(listener->fd);
    listener->fd = -1;
    listener->accept = NULL;
    thrum__link_remove(&listener->link);
}

/* Peers come in while somebody takes them, and accepting does not rest. */
static void listener_watch(thrum_listener *listener)
{
    if (listener->fd < 0)
        return;
    if (listener->accept != NULL && !ev_is_active(&listener->rest))
        ev_io_start(listener->reactor->loop, &listener->io);
    else
        ev_io_stop(listener->reactor->loop, &listener->io);
}

static void listener_rest(thrum_listener *listener, const char *why)
{
    struct ev_loop *loop = listener->reactor->loop;

    ev_timer_set(&listener->rest, LISTENER_REST, 0.);
    ev_timer_start(loop, &listener->rest);
    listener_watch(listener);
    if (!listener->starved)
        thrum_context_log(listener->context, THRUM_LOG_WARNING,
                          "%s: cannot accept: %s; trying every 100 ms",
                          listener->name, why);
    listener->starved = true;
}

static void listener_on_rested(struct ev_loop *loop, ev_timer *rest, int events)
{
    (void)loop;
    (void)events;
    listener_watch(rest->data);
}

static bool listener_is_starving(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS ||
           error == ENOMEM;
}

/* Whether to go on: a peer that went away before it was accepted is none. */
static bool listener_refused(thrum_listener *listener, int error)
{
    if (error == EAGAIN)
        return false;
    if (!listener_is_starving(error))
        return true;
    listener_rest(listener, thrum__describe(&thrum_domain_system, error));
    return false;
}

/* Takes one peer. Returns false when no more are waiting. */
static bool listener_accept_one(thrum_listener *listener)
{
    thrum__address peer;
    socklen_t size = sizeof peer;
    thrum_stream *stream;
    int fd =
        accept4(listener->fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return listener_refused(listener, errno);
    stream = thrum__stream_new(listener->reactor, fd, &peer);
    if (stream == NULL)
        return listener_refused(listener, ENOMEM);
    listener->starved = false;
    listener->accept(listener, stream, listener->ctx);
    return true;
}

static void listener_on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    thrum_listener *listener = io->data;

    (void)loop;
    (void)events;
    listener->calling = true;
    for (int i = 0; i < LISTENER_BATCH && listener->accept != NULL; i++)
        if (!listener_accept_one(listener))
            break;
    listener->calling = false;
    if (listener->freed)
        listener_release(listener);
}

/* Returns 0, or the errno. */
static int listener_open(thrum_listener *listener,
                         const thrum__address *address)
{
    thrum__address bound;
    socklen_t size = sizeof bound;
    int yes = 1;
    int fd = socket(address->any.sa_family,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    listener->fd = fd;
    if (fd < 0)
        return errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, &address->any, thrum__address_size(address)) != 0 ||
        listen(fd, SOMAXCONN) != 0 || getsockname(fd, &bound.any, &size) != 0) {
        int error = errno;

        close(fd);
        return error;
    }
    thrum__address_write(&bound, listener->name);
    listener->port = thrum__address_port(&bound);
    return 0;
}

static void listener_start(thrum_listener *listener)
{
    ev_io_init(&listener->io, listener_on_readable, listener->fd, EV_READ);
    ev_timer_init(&listener->rest, listener_on_rested, LISTENER_REST, 0.);
    listener->io.data = listener->rest.data = listener;
    thrum__link_append(&listener->reactor->listeners, &listener->link);
}

static thrum_listener *listener_make(thrum_reactor *reactor, const char *host,
                                     uint16_t port, thrum_failure **why)
{
    thrum_context *context = reactor->context;
    thrum__address address;
    thrum_listener *listener;
    int error = 0;

    listener = thrum_context_allocate(context, sizeof *listener);
    if (listener == NULL) {
        *why = thrum_failure_no_memory();
        return NULL;
    }
    *listener = (thrum_listener){.reactor = reactor, .context = context};
    if (reactor->ending)
        *why = thrum__reactor_failure(context, THRUM_REACTOR_E_STOPPED, 0,
                                      "the reactor was stopped");
    else if (thrum__address_read(&address, host, port) != 0)
        error = EADDRNOTAVAIL;
    else
        error = listener_open(listener, &address);
    if (error != 0)
        *why = thrum__reactor_failure(context, THRUM_REACTOR_E_LISTEN, error,
                                      "cannot listen at %s, port %u", host,
                                      (unsigned)port);
    if (*why == NULL)
        return listener;
    thrum_context_release(context, listener);
    return NULL;
}

thrum_listener *thrum_listen_tcp(thrum_reactor *reactor, const char *host,
                                 uint16_t port,
                                 const thrum_listener_config *config,
                                 thrum_failure **why)
{
    thrum_failure *error = NULL;
    thrum_listener *listener = listener_make(reactor, host, port, &error);

    (void)config;
    if (listener == NULL) {
        if (why != NULL)
            *why = error;
        else
            thrum_failure_unref(error);
        return NULL;
    }
    thrum_context_ref(listener->context);
    listener_start(listener);
    return listener;
}

void thrum_listener_accept(thrum_listener *listener, thrum_accept_fn *accept,
                           void *ctx, thrum_free_fn *free)
{
    void *before;
    thrum_free_fn *before_free;

    if (listener == NULL) {
        thrum__free(ctx, free);
        return;
    }
    before = listener->ctx;
    before_free = listener->free;
    listener->accept = listener->fd < 0 ? NULL : accept;
    listener->ctx = ctx;
    listener->free = free;
    listener_watch(listener);
    thrum__free(before, before_free);
}

const char *thrum_listener_name(const thrum_listener *listener)
{
    return listener->name;
}

uint16_t thrum_listener_port(const thrum_listener *listener)
{
    return listener->port;
}

void thrum_listener_free(thrum_listener *listener)
{
    if (listener == NULL || listener->freed)
        return;
    listener_stop(listener);
    listener->freed = true;
    if (!listener->calling)
        listener_release(listener);
}

void thrum__listeners_end(thrum_reactor *reactor)
{
    while (!thrum__link_alone(&reactor->listeners))
        listener_stop((thrum_listener *)reactor->listeners.next);
}
