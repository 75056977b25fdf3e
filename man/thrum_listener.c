/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include <thrum/thrum.h>

static void welcome(thrum_listener *listener, thrum_stream *stream,
                    void *end)
{
    printf("a peer came\n");
    thrum_stream_unref(stream);
    thrum_listener_free(listener);
    thrum_deferred_fire(end, NULL, NULL);
}

static thrum_outcome connected(void *stream, void *ctx)
{
    (void)stream; /* let go of when the Deferred ends */
    (void)ctx;
    return thrum_done();
}

static thrum_deferred *run(thrum_reactor *reactor, void *endpoint)
{
    thrum_context *context = thrum_reactor_context(reactor);
    thrum_failure *why = NULL;
    thrum_listener *listener =
        thrum_listen(reactor, endpoint, NULL, &why);

    if (listener == NULL)
        return thrum_deferred_failed(context, why);
    thrum_deferred *end = thrum_deferred_new(context, "serve");
    thrum_listener_accept(listener, welcome, end, NULL);
    thrum_deferred *call =
        thrum_connect(reactor, endpoint, NULL, 5 * THRUM_S);
    thrum_deferred_add(call, connected, NULL, NULL, NULL);
    thrum_deferred_finish(call);
    return end;
}

int main(void)
{
    char endpoint[64];

    snprintf(endpoint, sizeof endpoint, "unix:@thrum-%ld",
             (long)getpid());
    return thrum_react(run, endpoint);
}
