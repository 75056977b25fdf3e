/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static void echo(thrum_stream *stream, const char *data,
                 size_t size, void *ctx)
{
    (void)ctx;
    thrum_stream_write(stream, data, size);
}

static void gone(thrum_stream *stream, const thrum_failure *why,
                 void *ctx)
{
    (void)ctx;
    (void)why;
    thrum_stream_unref(stream);
}

static const thrum_stream_handler server = {.received = echo,
                                            .closed = gone};

static void accepted(thrum_listener *listener, thrum_stream *stream,
                     void *ctx)
{
    (void)listener;
    (void)ctx;
    thrum_stream_set_handler(stream, &server, NULL, NULL);
}

static void print(thrum_stream *stream, const char *data,
                  size_t size, void *end)
{
    (void)end;
    printf("the client got: %.*s", (int)size, data);
    thrum_stream_lose(stream);
}

static void over(thrum_stream *stream, const thrum_failure *why,
                 void *end)
{
    if (why == NULL)
        thrum_deferred_fire(end, NULL, NULL);
    else
        thrum_deferred_fail(end, thrum_failure_ref(why));
    thrum_stream_unref(stream);
}

static const thrum_stream_handler client = {.received = print,
                                            .closed = over};

static thrum_outcome connected(void *stream, void *context)
{
    thrum_deferred *end = thrum_deferred_new(context, "hello");

    thrum_stream_ref(stream); /* the Deferred's ends here */
    thrum_stream_set_handler(stream, &client, end, NULL);
    thrum_stream_write(stream, "hello\n", 6);
    return thrum_wait(end);
}

static thrum_outcome stop(void *nothing, void *listener)
{
    (void)nothing;
    thrum_listener_free(listener);
    return thrum_done();
}

static thrum_deferred *run(thrum_reactor *reactor, void *arg)
{
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_listener *listener =
        thrum_listen_tcp(reactor, "127.0.0.1", 0, NULL, NULL);

    (void)arg;
    if (listener == NULL)
        return NULL;
    thrum_listener_accept(listener, accepted, NULL, NULL);
    thrum_deferred *stream = thrum_connect_tcp(
        reactor, "127.0.0.1", thrum_listener_port(listener),
        5 * THRUM_S);
    thrum_deferred_add(stream, connected, NULL, context, NULL);
    thrum_deferred_add(stream, stop, NULL, listener, NULL);
    return stream;
}

int main(void)
{
    return thrum_react(run, NULL);
}
