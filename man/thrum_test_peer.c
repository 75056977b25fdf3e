/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <thrum/thrum.h>

static void greet(thrum_stream *stream, const char *data,
                  size_t size, void *ctx)
{
    (void)data;
    (void)size;
    (void)ctx;
    thrum_stream_write(stream, "WELL MET\r\n", 10);
}

static const thrum_stream_handler service = {.received = greet};

static thrum_outcome print(const thrum_failure *why, void *ctx)
{
    (void)ctx;
    printf("%s\n", thrum_failure_text(why));
    return thrum_done();
}

int main(void)
{
    thrum_reactor *reactor = thrum_reactor_new(NULL);
    thrum_stream *ours, *theirs;

    if (thrum_stream_pair(reactor, &ours, &theirs) != 0)
        return 1;
    thrum_stream_set_handler(theirs, &service, NULL, NULL);
    thrum_stream_write(theirs, "READY\r\n", 7);

    thrum_test_peer *peer = thrum_test_peer_new(ours);
    thrum_test_peer_expect(peer, "READY\r\n");
    thrum_test_peer_send(peer, "HELLO\r\n");
    thrum_test_peer_expect(peer, "WELCOME\r\n");
    thrum_deferred *played = thrum_test_peer_play(peer);
    thrum_deferred_add(played, NULL, print, NULL, NULL);
    thrum_deferred_finish(played);
    while (thrum_reactor_turn(reactor) == 1)
        continue;

    thrum_test_peer_free(peer);
    thrum_stream_unref(theirs);
    thrum_reactor_free(reactor);
    return 0;
}
