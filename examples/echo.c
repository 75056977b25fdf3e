/* SPDX-License-Identifier: MIT */
/*
 * An echo server and its client, over TCP, TLS or a UNIX socket, as the
 * endpoint says.
 *
 *     ./echo serve tcp:127.0.0.1:7007
 *     echo hello | ./echo call tcp:localhost:7007
 *
 *     ./echo serve tls:127.0.0.1:7443 server.pem
 *     echo hello | ./echo call tls:localhost:7443 ca.pem
 */
#include <stdio.h>
#include <string.h>

#include <thrum/thrum.h>

typedef struct echo {
    const char *endpoint;
    const char *pem; /* its certificate and key, or whom it trusts */
    thrum_listener *listener;
    thrum_deferred *answered;
    char text[4096];
} echo;

/* ---- The server ---- */

static void server_received(thrum_stream *stream, const char *data, size_t size,
                            void *ctx)
{
    (void)ctx;
    if (thrum_stream_write(stream, data, size) != 0)
        thrum_stream_abort(stream);
    else if (thrum_stream_queued(stream) > 64 * 1024)
        thrum_stream_pause(stream); /* it does not read its own echo */
}

static void server_drained(thrum_stream *stream, void *ctx)
{
    (void)ctx;
    thrum_stream_resume(stream);
}

static const thrum_stream_handler server = {.received = server_received,
                                            .drained = server_drained};

static void server_accept(thrum_listener *listener, thrum_stream *stream,
                          void *ctx)
{
    (void)listener;
    (void)ctx;
    thrum_stream_set_deadlines(stream, 300 * THRUM_S, 60 * THRUM_S);
    thrum_stream_set_handler(stream, &server, stream, thrum_stream_unref);
}

static thrum_outcome server_close(void *it)
{
    thrum_listener_free(((echo *)it)->listener);
    return thrum_done();
}

static thrum_deferred *serve(thrum_reactor *reactor, void *it)
{
    echo *self = it;
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_tls_config files = {.certificate_file = self->pem};
    thrum_listener_config config = {.tls = NULL};
    thrum_failure *why = NULL;

    if (self->pem != NULL)
        config.tls = thrum_tls_new(context, &files, &why);
    if (why == NULL)
        self->listener = thrum_listen(reactor, self->endpoint, &config, &why);
    thrum_tls_unref(config.tls);
    if (why != NULL)
        return thrum_deferred_failed(context, why);
    thrum_listener_accept(self->listener, server_accept, NULL, NULL);
    thrum_trigger_new(reactor, THRUM_TRIGGER_BEFORE_SHUTDOWN, server_close,
                      self, NULL);
    thrum_reactor_stop_on_signals(reactor);
    printf("listening at %s\n", thrum_listener_name(self->listener));
    fflush(stdout);
    return thrum_reactor_when_stopped(reactor);
}

/* ---- The client ---- */

static void client_received(thrum_stream *stream, const char *data, size_t size,
                            void *it)
{
    (void)stream;
    (void)it;
    fwrite(data, 1, size, stdout);
}

static void client_closed(thrum_stream *stream, const thrum_failure *why,
                          void *it)
{
    thrum_deferred *answered = ((echo *)it)->answered;

    if (why != NULL)
        thrum_deferred_fail(answered, thrum_failure_ref(why));
    else
        thrum_deferred_fire(answered, NULL, NULL);
    thrum_stream_unref(stream);
}

static const thrum_stream_handler client = {.received = client_received,
                                            .closed = client_closed};

static thrum_outcome client_connected(void *stream, void *it)
{
    echo *self = it;
    thrum_reactor *reactor = thrum_stream_reactor(stream);

    self->answered =
        thrum_deferred_new(thrum_reactor_context(reactor), "answer");
    thrum_stream_set_handler(thrum_stream_ref(stream), &client, self, NULL);
    thrum_stream_write(stream, self->text, strlen(self->text));
    thrum_stream_lose_write(stream); /* the echo ends when we do */
    return thrum_wait(self->answered);
}

static thrum_deferred *call(thrum_reactor *reactor, void *it)
{
    echo *self = it;
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_tls_config files = {.trust_file = self->pem};
    thrum_failure *why = NULL;
    thrum_tls *tls = NULL;
    thrum_deferred *connected;

    if (self->pem != NULL)
        tls = thrum_tls_new(context, &files, &why);
    if (why != NULL)
        return thrum_deferred_failed(context, why);
    connected = thrum_connect(reactor, self->endpoint, tls, 10 * THRUM_S);
    thrum_tls_unref(tls);
    thrum_deferred_add(connected, client_connected, NULL, self, NULL);
    return connected;
}

int main(int argc, char **argv)
{
    echo self = {.endpoint = argc > 2 ? argv[2] : NULL,
                 .pem = argc > 3 ? argv[3] : NULL};

    if (argc > 2 && strcmp(argv[1], "serve") == 0)
        return thrum_react(serve, &self);
    if (argc > 2 && strcmp(argv[1], "call") == 0 &&
        fgets(self.text, sizeof self.text, stdin) != NULL)
        return thrum_react(call, &self);
    fputs("usage: echo serve|call ENDPOINT [PEM]\n", stderr);
    return 2;
}
