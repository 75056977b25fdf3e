/* SPDX-License-Identifier: MIT */
/*
 * What TLS costs in a reactor, both ends in one, TLS 1.3 over loopback.
 *
 *     tls bulk FOLDER COUNT       nanoseconds a MiB from the client to the
 *                                 server, in writes of 64 KiB
 *     tls full FOLDER COUNT       nanoseconds a connection: a whole handshake,
 *                                 one byte from the server, its end
 *     tls resumed FOLDER COUNT    the same with sessions that go on
 *
 * FOLDER holds ip.pem and ca.pem (tests/tls/certificates.py).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/thrum.h>

enum { PIECE = 64 * 1024, MIB = 1024 * 1024, PATH = 4096 };

typedef struct bench {
    thrum_reactor *reactor;
    thrum_listener *listener;
    thrum_tls *trusting, *shown;
    int bulk;
    unsigned long left, resumed;
    size_t queued, heard; /* bytes, of bulk */
    thrum_ns began, took;
} bench;

static thrum_ns now(const bench *self)
{
    return thrum_clock_read(thrum_reactor_clock(self->reactor));
}

static void bench_over(bench *self)
{
    self->took = now(self) - self->began;
    thrum_listener_free(self->listener);
}

/* ---- Much ---- */

/* Above the high mark `drained` goes on with it. */
static void bulk_send(thrum_stream *stream, void *ctx)
{
    static const char bytes[PIECE];
    bench *self = ctx;

    while (self->queued > 0 && thrum_stream_queued(stream) <= PIECE) {
        self->queued -= PIECE;
        if (thrum_stream_write_owned(stream, bytes, PIECE, NULL, NULL) != 0)
            thrum_stream_abort(stream);
    }
}

static void bulk_received(thrum_stream *stream, const char *data, size_t size,
                          void *ctx)
{
    bench *self = ctx;

    (void)data;
    self->heard -= size;
    if (self->heard > 0)
        return;
    self->left = 0;
    thrum_stream_lose(stream);
    bench_over(self);
}

/* ---- Many ---- */

static void many_next(bench *self);

static void many_closed(thrum_stream *stream, const thrum_failure *why,
                        void *ctx)
{
    (void)why;
    thrum_stream_unref(stream);
    many_next(ctx);
}

/* ---- Both ---- */

static void unref_closed(thrum_stream *stream, const thrum_failure *why,
                         void *ctx)
{
    (void)why;
    (void)ctx;
    thrum_stream_unref(stream);
}

static void server_accept(thrum_listener *listener, thrum_stream *stream,
                          void *ctx)
{
    static const thrum_stream_handler handlers[] = {
        {.closed = unref_closed},
        {.received = bulk_received, .closed = unref_closed}};
    const bench *self = ctx;

    (void)listener;
    thrum_stream_set_handler(stream, &handlers[self->bulk], ctx, NULL);
    if (self->bulk)
        return;
    thrum_stream_write(stream, ".", 1);
    thrum_stream_lose(stream);
}

static thrum_outcome client_begin(void *stream, void *ctx)
{
    static const thrum_stream_handler handlers[] = {
        {.closed = many_closed},
        {.drained = bulk_send, .closed = unref_closed}};
    bench *self = ctx;

    self->resumed += thrum_stream_tls_facts(stream)->resumed != 0;
    thrum_stream_set_handler(stream, &handlers[self->bulk], ctx, NULL);
    if (self->bulk) {
        self->began = now(self);
        bulk_send(stream, self);
    }
    return thrum_taken();
}

static void client_start(bench *self)
{
    thrum_deferred *connected = thrum_connect_tls(
        self->reactor, "127.0.0.1", thrum_listener_port(self->listener),
        self->trusting, 60 * THRUM_S);

    thrum_deferred_add(connected, client_begin, NULL, self, NULL);
    thrum_deferred_finish(connected);
}

static void many_next(bench *self)
{
    if (--self->left > 0)
        client_start(self);
    else
        bench_over(self);
}

static int bench_prepare(bench *self, const char *folder, int tickets)
{
    const char *priority = "NORMAL:-VERS-ALL:+VERS-TLS1.3";
    char ca[PATH], own[PATH];
    thrum_tls_config trusting = {.trust_file = ca, .priority = priority};
    thrum_tls_config shown = {.certificate_file = own, .priority = priority};
    thrum_listener_config config = {.backlog = 0};
    thrum_context *context;

    self->reactor = thrum_reactor_new(NULL);
    if (self->reactor == NULL)
        return -1;
    context = thrum_reactor_context(self->reactor);
    snprintf(ca, sizeof ca, "%s/ca.pem", folder);
    snprintf(own, sizeof own, "%s/ip.pem", folder);
    trusting.no_tickets = shown.no_tickets = !tickets;
    self->trusting = thrum_tls_new(context, &trusting, NULL);
    config.tls = self->shown = thrum_tls_new(context, &shown, NULL);
    if (self->trusting == NULL || self->shown == NULL)
        return -1;
    self->listener =
        thrum_listen_tcp(self->reactor, "127.0.0.1", 0, &config, NULL);
    thrum_listener_accept(self->listener, server_accept, self, NULL);
    return self->listener == NULL ? -1 : 0;
}

int main(int argc, char **argv)
{
    unsigned long count = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    bench self = {.left = count};
    int tickets;

    if (count == 0)
        return EXIT_FAILURE;
    self.bulk = strcmp(argv[1], "bulk") == 0;
    tickets = strcmp(argv[1], "resumed") == 0;
    self.queued = self.heard = self.bulk ? count * MIB : 0;
    if (bench_prepare(&self, argv[2], tickets) != 0)
        return EXIT_FAILURE;
    self.began = now(&self);
    client_start(&self);
    thrum_reactor_run(self.reactor);
    printf("%.1f\n", (double)self.took / (double)count);
    thrum_reactor_free(self.reactor);
    thrum_tls_unref(self.trusting);
    thrum_tls_unref(self.shown);
    return self.left == 0 && self.resumed == (tickets ? count - 1 : 0)
               ? EXIT_SUCCESS
               : EXIT_FAILURE;
}
