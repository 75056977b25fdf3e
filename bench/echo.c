/* SPDX-License-Identifier: MIT */
/*
 * What a round trip over TCP costs in a reactor: a server that echoes and its
 * client, 64 bytes there and back, one after the other.
 *
 *     echo COUNT      prints nanoseconds a round trip
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/thrum.h>

enum { SIZE = 64 };

typedef struct echo {
    thrum_reactor *reactor;
    thrum_listener *listener;
    unsigned long left;
    size_t heard;
    thrum_ns began, took;
} echo;

static void server_received(thrum_stream *stream, const char *data, size_t size,
                            void *ctx)
{
    (void)ctx;
    if (thrum_stream_write(stream, data, size) != 0)
        thrum_stream_abort(stream);
}

static void client_received(thrum_stream *stream, const char *data, size_t size,
                            void *ctx)
{
    static const char bytes[SIZE];
    echo *self = ctx;

    (void)data;
    self->heard += size;
    if (self->heard < SIZE)
        return;
    self->heard = 0;
    if (--self->left > 0 && thrum_stream_write(stream, bytes, SIZE) == 0)
        return;
    self->took =
        thrum_clock_read(thrum_reactor_clock(self->reactor)) - self->began;
    thrum_stream_lose(stream);
}

static void client_closed(thrum_stream *stream, const thrum_failure *why,
                          void *ctx)
{
    (void)why;
    (void)ctx;
    thrum_stream_unref(stream);
}

static void server_accept(thrum_listener *listener, thrum_stream *stream,
                          void *ctx)
{
    static const thrum_stream_handler server = {.received = server_received};

    (void)ctx;
    thrum_stream_set_handler(stream, &server, stream, thrum_stream_unref);
    thrum_listener_free(listener);
}

static thrum_outcome client_begin(void *stream, void *ctx)
{
    static const thrum_stream_handler client = {.received = client_received,
                                                .closed = client_closed};
    static const char bytes[SIZE];
    echo *self = ctx;

    thrum_stream_set_handler(stream, &client, self, NULL);
    self->began = thrum_clock_read(thrum_reactor_clock(self->reactor));
    thrum_stream_write(stream, bytes, SIZE);
    return thrum_taken();
}

int main(int argc, char **argv)
{
    echo self = {.left = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000};
    unsigned long count = self.left;
    thrum_deferred *connected;

    self.reactor = thrum_reactor_new(NULL);
    self.listener = thrum_listen_tcp(self.reactor, "127.0.0.1", 0, NULL, NULL);
    if (self.listener == NULL || count == 0)
        return EXIT_FAILURE;
    thrum_listener_accept(self.listener, server_accept, NULL, NULL);
    connected =
        thrum_connect_tcp(self.reactor, "127.0.0.1",
                          thrum_listener_port(self.listener), 60 * THRUM_S);
    thrum_deferred_add(connected, client_begin, NULL, &self, NULL);
    thrum_deferred_finish(connected);
    thrum_reactor_run(self.reactor);
    thrum_reactor_free(self.reactor);
    printf("%.1f\n", (double)self.took / (double)count);
    return self.left == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
