/* SPDX-License-Identifier: MIT */
#include "tests/reactor/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reactor/stream.h"

static void peer_told(peer *self, void (*then)(peer *))
{
    thrum_reactor_stop(self->reactor);
    if (then != NULL)
        then(self);
}

static void on_received(thrum_stream *stream, const char *data, size_t size,
                        void *ctx)
{
    peer *self = ctx;

    ck_assert_ptr_eq(stream, self->stream);
    self->data = realloc(self->data, self->size + size + 1);
    memcpy(self->data + self->size, data, size);
    self->size += size;
    self->data[self->size] = '\0';
    if (size > self->largest)
        self->largest = size;
    self->events++;
    peer_told(self, self->on_received);
}

static void on_ended(thrum_stream *stream, void *ctx)
{
    peer *self = ctx;

    ck_assert_ptr_eq(stream, self->stream);
    self->ended++;
    peer_told(self, self->on_ended);
}

static void on_drained(thrum_stream *stream, void *ctx)
{
    peer *self = ctx;

    ck_assert_ptr_eq(stream, self->stream);
    self->drained++;
    peer_told(self, self->on_drained);
}

static void on_closed(thrum_stream *stream, const thrum_failure *why, void *ctx)
{
    peer *self = ctx;
    const thrum_failure *beneath =
        why != NULL ? thrum_failure_cause(why) : NULL;

    ck_assert_ptr_eq(stream, self->stream);
    self->closed++;
    self->code = why != NULL ? thrum_failure_code(why) : 0;
    self->error = beneath != NULL ? thrum_failure_code(beneath) : 0;
    ck_assert_uint_eq(self->released, 0);
    peer_told(self, self->on_closed);
}

const thrum_stream_handler peer_handler = {on_received, on_ended, on_drained,
                                           on_closed};

void peer_release(void *ctx)
{
    ((peer *)ctx)->released++;
}

static void on_accept(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    peer *self = ctx;

    ck_assert_ptr_eq(listener, self->listener);
    self->stream = stream;
    thrum_reactor_stop(self->reactor);
}

static int raw_listen(struct sockaddr_in *address)
{
    socklen_t size = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, size), 0);
    ck_assert_int_eq(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)address, &size);
    return fd;
}

static int raw_connect(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(
        connect(fd, (const struct sockaddr *)address, sizeof *address), 0);
    return fd;
}

static void raw_pair(int fds[2])
{
    struct sockaddr_in address;
    int listening;

    if (peer_over == PEER_UNIX) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        return;
    }
    listening = raw_listen(&address);
    fds[0] = raw_connect(&address);
    fds[1] = accept(listening, NULL, NULL);
    close(listening);
}

static thrum_stream *stream_on(thrum_reactor *reactor, int fd)
{
    thrum_stream *stream;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    stream = thrum__stream_new(reactor, fd, NULL);
    ck_assert_ptr_nonnull(stream);
    return stream;
}

peer_kind peer_over = PEER_TCP;

const char *peer_over_name(const char *suite)
{
    static const char *const names[] = {"TCP", "UNIX", "memory"};
    static char name[64];

    snprintf(name, sizeof name, "%s over %s", suite, names[peer_over]);
    return name;
}

void peer_pair(thrum_reactor *reactor, thrum_stream *streams[2])
{
    int fds[2];

    if (peer_over == PEER_MEMORY) {
        ck_assert_int_eq(thrum_stream_pair(reactor, &streams[0], &streams[1]),
                         0);
        return;
    }
    raw_pair(fds);
    streams[0] = stream_on(reactor, fds[0]);
    streams[1] = stream_on(reactor, fds[1]);
}

static void peer_open_tcp(peer *self)
{
    struct sockaddr_in address = {.sin_family = AF_INET};

    self->listener =
        thrum_listen_tcp(self->reactor, "127.0.0.1", 0, NULL, NULL);
    ck_assert_ptr_nonnull(self->listener);
    thrum_listener_accept(self->listener, on_accept, self, NULL);
    address.sin_port = htons(thrum_listener_port(self->listener));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    self->raw = raw_connect(&address);
    RUN_UNTIL(self->reactor, self->stream != NULL);
    thrum_listener_free(self->listener);
}

static void end_ready(void *owner, int events)
{
    (void)owner;
    (void)events;
}

static void peer_open_memory(peer *self)
{
    thrum__transport *ends[2];

    ck_assert_int_eq(thrum__transport_memory_pair(self->reactor, ends), 0);
    self->stream =
        thrum__stream_over(self->reactor, ends[0], "memory", "memory");
    ck_assert_ptr_nonnull(self->stream);
    self->end = ends[1];
    thrum__transport_set_owner(self->end, end_ready, NULL);
}

void peer_open(peer *self, thrum_reactor *reactor)
{
    int fds[2];

    memset(self, 0, sizeof *self);
    self->reactor = reactor;
    self->raw = -1;
    if (peer_over == PEER_MEMORY) {
        peer_open_memory(self);
    } else if (peer_over == PEER_TCP) {
        peer_open_tcp(self);
    } else {
        raw_pair(fds);
        self->stream = stream_on(reactor, fds[0]);
        self->raw = fds[1];
    }
}

void peer_open_heard(peer *self, thrum_reactor *reactor)
{
    peer_open(self, reactor);
    thrum_stream_set_handler(self->stream, &peer_handler, self, peer_release);
}

void peer_hang_up(peer *self, bool reset)
{
    struct linger at_once = {1, 0};

    if (self->end != NULL)
        self->end->ops->close(self->end, reset, NULL);
    self->end = NULL;
    if (self->raw < 0)
        return;
    if (reset)
        setsockopt(self->raw, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(self->raw);
    self->raw = -1;
}

void peer_close(peer *self)
{
    peer_hang_up(self, false);
    thrum_stream_unref(self->stream);
    thrum_reactor_run(self->reactor);
    loop_end(self->reactor);
    free(self->data);
}

void peer_say_end(peer *self)
{
    if (self->end != NULL)
        ck_assert_int_eq(self->end->ops->shutdown(self->end), 0);
    else
        ck_assert_int_eq(shutdown(self->raw, SHUT_WR), 0);
}

size_t peer_send(peer *self, const void *data, size_t size)
{
    struct iovec part = {(void *)data, size};
    ssize_t sent = self->end != NULL ? self->end->ops->send(self->end, &part, 1)
                                     : send(self->raw, data, size,
                                            MSG_NOSIGNAL | MSG_DONTWAIT);

    return sent > 0 ? (size_t)sent : 0;
}

void peer_say(peer *self, const char *text)
{
    ck_assert_uint_eq(peer_send(self, text, strlen(text)), strlen(text));
}

static ssize_t end_take(thrum__transport *end, void *data, size_t size)
{
    ssize_t got = end->ops->receive(end, data, size);

    if (got >= 0)
        return got;
    errno = EAGAIN;
    if (got == THRUM__TRANSPORT_FAILED)
        errno = thrum_failure_code(end->why);
    return -1;
}

ssize_t peer_take(peer *self, void *data, size_t size)
{
    if (self->end != NULL)
        return end_take(self->end, data, size);
    return recv(self->raw, data, size, MSG_DONTWAIT);
}

void peer_expect(peer *self, const char *text)
{
    char got[256];
    size_t size = strlen(text), at = 0;

    ck_assert_uint_le(size, sizeof got);
    while (at < size) {
        ssize_t part = peer_take(self, got + at, size - at);

        ck_assert_msg(part > 0 || (part < 0 && errno == EAGAIN),
                      "%zd after %zu of \"%s\"", part, at, text);
        if (part > 0)
            at += (size_t)part;
        else
            thrum_reactor_turn(self->reactor);
    }
    ck_assert_mem_eq(got, text, size);
}

void peer_expect_end(peer *self, int error)
{
    char byte;
    ssize_t got;

    while ((got = peer_take(self, &byte, 1)) < 0 && errno == EAGAIN)
        thrum_reactor_turn(self->reactor);
    if (peer_over == PEER_UNIX)
        error = 0;
    ck_assert_int_eq(got, error == 0 ? 0 : -1);
    if (error != 0)
        ck_assert_int_eq(errno, error);
}
