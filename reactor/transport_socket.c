/* SPDX-License-Identifier: MIT */
/*
 * The bottom of a stream: a socket. An interrupted call is one that has to be
 * made again: the loop tells once more of what is still so.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reactor/transport.h"

/* Times 64 KiB: more than a peer's window that nobody read. */
enum { SOCKET_READ_OFF = 16 };

typedef struct transport_socket {
    thrum__transport transport; /* first */
    thrum_reactor *reactor;
    ev_io io;
    bool read_over;
} transport_socket;

/* libev's events are ours. */
_Static_assert((int)EV_READ == THRUM__TRANSPORT_RECEIVE &&
                   (int)EV_WRITE == THRUM__TRANSPORT_SEND,
               "one bit each");

static void socket_on_event(struct ev_loop *loop, ev_io *io, int events)
{
    thrum__transport *transport = io->data;

    (void)loop;
    transport->ready(transport->owner, events);
}

static bool socket_later(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static int socket_failed(transport_socket *self, int error)
{
    thrum_failure_unref(self->transport.why);
    self->transport.why = thrum_failure_new(self->reactor->context,
                                            &thrum_domain_system, error, NULL);
    return THRUM__TRANSPORT_FAILED;
}

static ssize_t socket_receive(thrum__transport *transport, char *data,
                              size_t size)
{
    transport_socket *self = (transport_socket *)transport;
    ssize_t got = recv(self->io.fd, data, size, 0);

    if (got > 0)
        return got;
    if (got < 0)
        return socket_later(errno) ? THRUM__TRANSPORT_AGAIN
                                   : socket_failed(self, errno);
    self->read_over = true;
    return 0;
}

/* What the peer sent before is still there; the shutdown puts an end behind it.
 */
static ssize_t socket_send_failed(transport_socket *self, int error)
{
    if (socket_later(error))
        return THRUM__TRANSPORT_AGAIN;
    shutdown(self->io.fd, SHUT_RD);
    return socket_failed(self, error);
}

/* One part, the ordinary case, needs no header for the kernel to read. */
static ssize_t socket_send(thrum__transport *transport,
                           const struct iovec *parts, int count)
{
    transport_socket *self = (transport_socket *)transport;
    int fd = self->io.fd;
    ssize_t sent;

    if (count == 1) {
        sent = send(fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL);
    } else {
        struct msghdr message = {.msg_iov = (struct iovec *)parts,
                                 .msg_iovlen = (size_t)count};

        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    }
    return sent >= 0 ? sent : socket_send_failed(self, errno);
}

static void socket_watch(thrum__transport *transport, int events)
{
    transport_socket *self = (transport_socket *)transport;

    thrum__watch_stop(self->reactor, &self->io);
    if (events == 0)
        return;
    ev_io_modify(&self->io, events);
    thrum__watch_start(self->reactor, &self->io);
}

/* A peer that has gone says so when it is read from. */
static int socket_shutdown(thrum__transport *transport)
{
    transport_socket *self = (transport_socket *)transport;

    if (shutdown(self->io.fd, SHUT_WR) == 0 || errno == ENOTCONN)
        return 0;
    return (int)socket_send_failed(self, errno);
}

static bool socket_has_bytes(thrum__transport *transport)
{
    char byte;

    return recv(((transport_socket *)transport)->io.fd, &byte, 1,
                MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* To close with bytes unread is to reset: the kernel would call back what it
 * has not delivered yet. So what came meanwhile is read, and dropped. */
static void socket_read_off(const transport_socket *self)
{
    char *scratch = self->reactor->scratch;
    ssize_t got = THRUM__SCRATCH;

    for (int i = 0; i < SOCKET_READ_OFF && got == THRUM__SCRATCH; i++)
        got = recv(self->io.fd, scratch, THRUM__SCRATCH, 0);
}

static void socket_close(thrum__transport *transport, bool reset,
                         const thrum_failure *why)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    transport_socket *self = (transport_socket *)transport;
    int fd = self->io.fd;

    (void)why;
    thrum__watch_stop(self->reactor, &self->io);
    if (self->reactor->forked)
        ; /* the parent goes on with it */
    else if (reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    else if (!self->read_over)
        socket_read_off(self);
    close(fd);
    thrum_failure_unref(transport->why);
    thrum_context_release(self->reactor->context, self);
}

static int socket_descriptor(const thrum__transport *transport)
{
    return ((const transport_socket *)transport)->io.fd;
}

thrum__transport *thrum__transport_socket_new(thrum_reactor *reactor, int fd)
{
    static const thrum__transport_ops ops = {
        .receive = socket_receive,
        .send = socket_send,
        .watch = socket_watch,
        .shutdown = socket_shutdown,
        .has_bytes = socket_has_bytes,
        .close = socket_close,
        .descriptor = socket_descriptor,
    };
    transport_socket *self =
        thrum_context_allocate(reactor->context, sizeof *self);
    int yes = 1;

    if (self == NULL) {
        close(fd);
        return NULL;
    }
    *self = (transport_socket){.transport = {.ops = &ops}, .reactor = reactor};
    ev_io_init(&self->io, socket_on_event, fd, EV_READ);
    self->io.data = self;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return &self->transport;
}
