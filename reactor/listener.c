/* SPDX-License-Identifier: MIT */
/*
 * A listening socket. At most 64 peers come in one turn.
 *
 * Without descriptors or memory a peer stays in the kernel's queue, where epoll
 * would tell of it again and again; so accepting rests for 100 ms, and the log
 * hears of it once until a peer comes in again. A want of descriptors that is
 * over by then was only a delay. If it is not, peers that wait are told: a
 * descriptor that was kept for it is given up, serves to take each of them and
 * to close it, and is kept again.
 */
#include "reactor/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/base.h"
#include "reactor/stream.h"

enum { LISTENER_BATCH = 64 };
#define LISTENER_REST (100 * THRUM_MS)

void thrum__listener_unhold(thrum_listener *listener)
{
    thrum_context *context = listener->context;

    if (--listener->holds > 0)
        return;
    thrum_tls_unref(listener->tls);
    thrum_context_release(context, listener);
    thrum_context_unref(context);
}

/* The file of a UNIX socket goes with its listener, unless it is another's by
 * now, or still the parent's. */
static void listener_remove_file(const thrum_listener *listener)
{
    const char *path = listener->name + 5;
    struct stat file;

    if (listener->inode != 0 && !thrum__reactor_is_forked(listener->reactor) &&
        lstat(path, &file) == 0 && file.st_dev == listener->device &&
        file.st_ino == listener->inode)
        unlink(path);
}

static void listener_stop(thrum_listener *listener)
{
    if (listener->fd < 0)
        return;
    thrum__watch_stop(listener->reactor, &listener->io);
    thrum_clock_cancel(listener->reactor->time, listener->rest);
    listener_remove_file(listener);
    close(listener->fd);
    if (listener->spare >= 0)
        close(listener->spare);
    listener->fd = listener->spare = -1;
    listener->accept = NULL;
    thrum__link_remove(&listener->link);
    listener->reactor->counts.listeners--;
    thrum__listener_end_tls(listener);
}

/* Peers come in while somebody takes them, they are not too many, and accepting
 * does not rest. */
static void listener_watch(thrum_listener *listener)
{
    if (listener->fd < 0)
        return;
    if (listener->accept != NULL && listener->rest == NULL &&
        (listener->most == 0 || listener->open < listener->most))
        thrum__watch_start(listener->reactor, &listener->io);
    else
        thrum__watch_stop(listener->reactor, &listener->io);
}

void thrum__listener_left(thrum_listener *listener)
{
    listener->open--;
    listener_watch(listener);
    thrum__listener_unhold(listener);
}

/* ---- Without descriptors ---- */

static void listener_on_rested(void *ctx)
{
    thrum_listener *listener = ctx;

    listener->rest = NULL;
    listener_watch(listener);
}

/* Without memory for a call there is no rest either: epoll tells again. */
static void listener_rest(thrum_listener *listener, const char *why)
{
    listener->rest =
        thrum_clock_call_later(listener->reactor->time, LISTENER_REST,
                               listener_on_rested, listener, NULL);
    listener_watch(listener);
    if (!listener->starved)
        thrum_context_log(listener->context, THRUM_LOG_WARNING,
                          "%s: cannot accept: %s; trying every 100 ms",
                          listener->name, why);
    listener->starved = true;
}

static int listener_keep_spare(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Whether a peer was taken and closed. */
static bool listener_turn_away(thrum_listener *listener)
{
    int fd;

    if (listener->spare < 0)
        return false;
    close(listener->spare);
    fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    listener->spare = listener_keep_spare();
    return fd >= 0;
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
    if (error == EMFILE && listener->starved && listener_turn_away(listener))
        return true;
    listener_rest(listener, thrum__describe(&thrum_domain_system, error));
    return false;
}

/* ---- Peers ---- */

/* Who got the peers gets no more of them. The ctx of a call that is being made
 * stays until that has returned; of two replaced within one call, the second
 * was not in use. */
static void listener_drop_taker(thrum_listener *listener)
{
    thrum_free_fn *free = listener->free;
    void *ctx = listener->ctx;

    listener->accept = NULL;
    listener->free = NULL;
    if (listener->calling && listener->spent_free == NULL) {
        listener->spent = ctx;
        listener->spent_free = free;
        return;
    }
    thrum__free(ctx, free);
}

void thrum__listener_hand_over(thrum_listener *listener, thrum_stream *stream)
{
    thrum__slow *slow = &listener->reactor->slow;
    thrum_free_fn *free;
    thrum__timed timed;

    listener->holds++;
    listener->calling = true;
    timed = thrum__slow_begin(slow, listener->place);
    listener->accept(listener, stream, listener->ctx);
    thrum__slow_end(slow, timed, NULL);
    listener->calling = false;
    free = listener->spent_free;
    listener->spent_free = NULL;
    thrum__free(listener->spent, free);
    thrum__listener_unhold(listener);
}

/* Takes one peer. Returns false when no more are to be taken now. */
static bool listener_accept_one(thrum_listener *listener)
{
    thrum__address peer = {.any = {.sa_family = AF_UNSPEC}};
    socklen_t size = sizeof peer;
    thrum_stream *stream;
    int fd =
        accept4(listener->fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return listener_refused(listener, errno);
    stream = thrum__stream_new(listener->reactor, fd, &peer);
    if (stream == NULL)
        return listener_refused(listener, ENOMEM);
    if (listener->spare < 0)
        listener->spare = listener_keep_spare();
    listener->starved = false;
    stream->came_by = listener;
    listener->open++;
    listener->holds++;
    listener_watch(listener);
    if (listener->tls != NULL)
        thrum__listener_begin_tls(listener, stream);
    else
        thrum__listener_hand_over(listener, stream);
    return ev_is_active(&listener->io);
}

static void listener_on_readable(struct ev_loop *loop, ev_io *io, int events)
{
    thrum_listener *listener = io->data;

    (void)loop;
    (void)events;
    listener->holds++;
    for (int i = 0; i < LISTENER_BATCH; i++)
        if (!listener_accept_one(listener))
            break;
    thrum__listener_unhold(listener);
}

void thrum__listener_start(thrum_listener *listener)
{
    thrum_context_ref(listener->context);
    listener->holds = 1;
    listener->spare = listener_keep_spare();
    thrum__link_init(&listener->handshakes);
    ev_io_init(&listener->io, listener_on_readable, listener->fd, EV_READ);
    listener->io.data = listener;
    thrum__link_append(&listener->reactor->listeners, &listener->link);
    listener->reactor->counts.listeners++;
}

/* ---- The owner ---- */

void thrum_listener_accept_at(thrum_listener *listener, thrum_accept_fn *accept,
                              void *ctx, thrum_free_fn *free, const char *place)
{
    if (listener == NULL) {
        thrum__free(ctx, free);
        return;
    }
    listener_drop_taker(listener);
    listener->accept = listener->fd < 0 ? NULL : accept;
    listener->ctx = ctx;
    listener->free = free;
    listener->place = place;
    listener_watch(listener);
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
    listener_drop_taker(listener);
    thrum__listener_unhold(listener);
}

void thrum__listeners_end(thrum_reactor *reactor)
{
    while (!thrum__link_alone(&reactor->listeners))
        listener_stop((thrum_listener *)reactor->listeners.next);
}
