/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static thrum_outcome use(void *stream, void *ctx)
{
    (void)ctx;
    printf("connected to %s\n", thrum_stream_peer(stream));
    return thrum_done();
}

static thrum_outcome complain(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    printf("%s\n", thrum_failure_text(why));
    return thrum_done();
}

static thrum_deferred *visit(thrum_reactor *reactor,
                             const char *endpoint)
{
    thrum_deferred *stream =
        thrum_connect(reactor, endpoint, NULL, 5 * THRUM_S);

    thrum_deferred_add(stream, use, complain, NULL, NULL);
    return stream;
}

static thrum_deferred *run(thrum_reactor *reactor, void *arg)
{
    (void)arg;
    thrum_deferred_finish(visit(reactor, "tcp:host"));
    return visit(reactor, "tcp:127.0.0.1:1");
}

int main(void)
{
    return thrum_react(run, NULL);
}
