/* SPDX-License-Identifier: MIT */
/*
 * The service of tested_service.c at a port, until SIGTERM.
 *
 *     ./tested_service 7009 &
 *     nc localhost 7009
 */
#include "tested_service.h"

#include <stdio.h>

static void on_peer(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    (void)listener;
    (void)ctx;
    adder_serve(stream);
}

static thrum_outcome leave(void *listener)
{
    thrum_listener_free(listener);
    return thrum_done();
}

static thrum_deferred *serve(thrum_reactor *reactor, void *port)
{
    char endpoint[64];
    thrum_failure *why = NULL;
    thrum_listener *listener;

    snprintf(endpoint, sizeof endpoint, "tcp:127.0.0.1:%s", (char *)port);
    listener = thrum_listen(reactor, endpoint, NULL, &why);
    if (listener == NULL)
        return thrum_deferred_failed(thrum_reactor_context(reactor), why);
    thrum_listener_accept(listener, on_peer, NULL, NULL);
    thrum_trigger_new(reactor, THRUM_TRIGGER_BEFORE_SHUTDOWN, leave, listener,
                      NULL);
    thrum_reactor_stop_on_signals(reactor);
    printf("serving at %s\n", thrum_listener_name(listener));
    fflush(stdout);
    return thrum_reactor_when_stopped(reactor);
}

int main(int argc, char **argv)
{
    char any[] = "0";

    return thrum_react(serve, argc > 1 ? argv[1] : any);
}
