/* SPDX-License-Identifier: MIT */
/*
 * A service that answers each line with its length. On SIGTERM it takes no more
 * peers, lets those who are in the middle of a line end it, and leaves.
 *
 *     ./line_service 7008 &
 *     echo hello | nc localhost 7008
 */
#include <stdio.h>
#include <stdlib.h>

#include <thrum/thrum.h>

typedef struct service {
    thrum_context *context;
    thrum_listener *listener;
    struct peer *peers;
    thrum_deferred *emptied; /* while it stops: until the last has left */
} service;

typedef struct peer {
    struct peer *next, **at;
    service *service;
    thrum_stream *stream;
    thrum_lines *lines;
} peer;

static void received(thrum_stream *stream, const char *data, size_t size,
                     void *ctx)
{
    peer *self = ctx;
    thrum_bytes line;
    char answer[64];
    int got;

    while ((got = thrum_lines_next(self->lines, &data, &size, &line)) > 0)
        thrum_stream_write(
            stream, answer,
            (size_t)snprintf(answer, sizeof answer, "%zu octets\n", line.size));
    if (got < 0 || (self->service->emptied && !thrum_lines_kept(self->lines)))
        thrum_stream_lose(stream);
}

static void peer_free(void *ctx)
{
    peer *self = ctx;
    service *home = self->service;

    if ((*self->at = self->next) != NULL)
        self->next->at = self->at;
    thrum_lines_free(self->lines);
    thrum_stream_unref(self->stream);
    free(self);
    if (home->emptied != NULL && home->peers == NULL)
        thrum_deferred_fire(home->emptied, NULL, NULL);
}

static void accepted(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    static const thrum_stream_handler handler = {.received = received};
    service *home = ctx;
    peer *self = malloc(sizeof *self);

    (void)listener;
    if (self == NULL) {
        thrum_stream_unref(stream);
        return;
    }
    *self = (peer){home->peers, &home->peers, home, stream,
                   thrum_lines_new(home->context, 1024)};
    if (self->next != NULL)
        self->next->at = &self->next;
    home->peers = self;
    thrum_stream_set_handler(stream, &handler, self, peer_free);
}

static thrum_outcome leave(void *ctx)
{
    service *self = ctx;

    thrum_listener_free(self->listener);
    if (self->peers == NULL)
        return thrum_done();
    self->emptied = thrum_deferred_new(self->context, "last peer");
    for (peer *each = self->peers; each != NULL; each = each->next)
        if (thrum_lines_kept(each->lines) == 0)
            thrum_stream_lose(each->stream);
    return thrum_wait(self->emptied);
}

static thrum_deferred *serve(thrum_reactor *reactor, void *port)
{
    static service self;
    thrum_failure *why = NULL;

    self.context = thrum_reactor_context(reactor);
    self.listener = thrum_listen_tcp(
        reactor, "127.0.0.1", (uint16_t)strtoul(port, NULL, 10), NULL, &why);
    if (self.listener == NULL)
        return thrum_deferred_failed(self.context, why);
    thrum_listener_accept(self.listener, accepted, &self, NULL);
    thrum_trigger_new(reactor, THRUM_TRIGGER_BEFORE_SHUTDOWN, leave, &self,
                      NULL);
    thrum_reactor_stop_on_signals(reactor);
    printf("port %u\n", (unsigned)thrum_listener_port(self.listener));
    fflush(stdout);
    return thrum_reactor_when_stopped(reactor);
}

int main(int argc, char **argv)
{
    char any[] = "0";

    return thrum_react(serve, argc > 1 ? argv[1] : any);
}
