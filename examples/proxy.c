/* SPDX-License-Identifier: MIT */
/*
 * A proxy: what comes to one endpoint goes to another, and back. Neither side
 * is read faster than the other takes it; an end passes on by halves.
 *
 *     ./proxy tcp:127.0.0.1:2525 tcp:mail.example:25
 */
#include <stdio.h>
#include <stdlib.h>

#include <thrum/thrum.h>

typedef struct side {
    thrum_stream *stream;
    struct side *other; /* NULL: it is closed */
    int ended;          /* its peer sends no more */
} side;

static void received(thrum_stream *stream, const char *data, size_t size,
                     void *ctx)
{
    side *other = ((side *)ctx)->other;

    if (other == NULL || thrum_stream_write(other->stream, data, size) != 0)
        thrum_stream_abort(stream);
    else if (thrum_stream_queued(other->stream) > 64 * 1024)
        thrum_stream_pause(stream); /* until that one has drained */
}

static void drained(thrum_stream *stream, void *ctx)
{
    (void)stream;
    if (((side *)ctx)->other != NULL)
        thrum_stream_resume(((side *)ctx)->other->stream);
}

static void ended(thrum_stream *stream, void *ctx)
{
    side *self = ctx, *other = self->other;

    self->ended = 1;
    if (other != NULL)
        thrum_stream_lose_write(other->stream);
    if (other == NULL || other->ended)
        thrum_stream_lose(stream);
}

static void closed(thrum_stream *stream, const thrum_failure *why, void *ctx)
{
    side *self = ctx, *other = self->other;

    (void)stream;
    if (other != NULL)
        other->other = NULL;
    if (other != NULL && why != NULL)
        thrum_stream_abort(other->stream);
    else if (other != NULL)
        thrum_stream_lose(other->stream);
    thrum_stream_unref(self->stream);
}

static thrum_outcome connected(void *far, void *near)
{
    static const thrum_stream_handler handler = {received, ended, drained,
                                                 closed};
    side *one = malloc(sizeof *one), *other = malloc(sizeof *other);

    if (one == NULL || other == NULL) {
        free(one);
        free(other);
        return thrum_fail(thrum_failure_no_memory());
    }
    *one = (side){thrum_stream_ref(near), other, 0};
    *other = (side){far, one, 0};
    thrum_stream_set_handler(one->stream, &handler, one, free);
    thrum_stream_set_handler(other->stream, &handler, other, free);
    return thrum_taken();
}

static thrum_outcome refused(const thrum_failure *why, void *near)
{
    (void)near; /* its last holder leaves */
    fprintf(stderr, "%s\n", thrum_failure_text(why));
    return thrum_done();
}

static void accepted(thrum_listener *listener, thrum_stream *near, void *target)
{
    thrum_reactor *reactor = thrum_stream_reactor(near);
    thrum_deferred *far = thrum_connect(reactor, target, NULL, 10 * THRUM_S);

    (void)listener;
    thrum_deferred_add(far, connected, refused, near, thrum_stream_unref);
    thrum_deferred_finish(far);
}

static thrum_outcome leave(void *listener)
{
    thrum_listener_free(listener);
    return thrum_done();
}

static thrum_deferred *serve(thrum_reactor *reactor, void *arg)
{
    char **endpoints = arg;
    thrum_failure *why = NULL;
    thrum_listener *listener = thrum_listen(reactor, endpoints[1], NULL, &why);

    if (listener == NULL)
        return thrum_deferred_failed(thrum_reactor_context(reactor), why);
    thrum_listener_accept(listener, accepted, endpoints[2], NULL);
    thrum_trigger_new(reactor, THRUM_TRIGGER_BEFORE_SHUTDOWN, leave, listener,
                      NULL);
    thrum_reactor_stop_on_signals(reactor);
    printf("listening at %s\n", thrum_listener_name(listener));
    fflush(stdout);
    return thrum_reactor_when_stopped(reactor);
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return thrum_react(serve, argv);
    fputs("usage: proxy ENDPOINT TARGET\n", stderr);
    return 2;
}
