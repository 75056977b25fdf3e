/* SPDX-License-Identifier: MIT */
#include "tests/reactor/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

void peer_open(peer *self, thrum_reactor *reactor)
{
    struct sockaddr_in address = {.sin_family = AF_INET};

    memset(self, 0, sizeof *self);
    self->reactor = reactor;
    self->listener = thrum_listen_tcp(reactor, "127.0.0.1", 0, NULL, NULL);
    thrum_listener_accept(self->listener, on_accept, self, NULL);
    ck_assert_ptr_nonnull(self->listener);
    address.sin_port = htons(thrum_listener_port(self->listener));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    self->raw = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(
        connect(self->raw, (struct sockaddr *)&address, sizeof address), 0);
    RUN_UNTIL(reactor, self->stream != NULL);
    thrum_listener_free(self->listener);
}

void peer_open_heard(peer *self, thrum_reactor *reactor)
{
    peer_open(self, reactor);
    thrum_stream_set_handler(self->stream, &peer_handler, self, peer_release);
}

void peer_hang_up(peer *self, bool reset)
{
    struct linger at_once = {1, 0};

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

void peer_say(peer *self, const char *text)
{
    ck_assert_int_eq(send(self->raw, text, strlen(text), MSG_NOSIGNAL),
                     (ssize_t)strlen(text));
}

void peer_expect(peer *self, const char *text)
{
    char got[256];
    size_t size = strlen(text);

    ck_assert_uint_le(size, sizeof got);
    ck_assert_int_eq(recv(self->raw, got, size, MSG_WAITALL), (ssize_t)size);
    ck_assert_mem_eq(got, text, size);
}

void peer_expect_end(peer *self, int error)
{
    char byte;
    ssize_t got = recv(self->raw, &byte, 1, 0);

    ck_assert_int_eq(got, error == 0 ? 0 : -1);
    if (error != 0)
        ck_assert_int_eq(errno, error);
}
