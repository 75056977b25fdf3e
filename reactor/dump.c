/* SPDX-License-Identifier: MIT */
/*
 * What keeps the loop alive, told to the log.
 */
#include <thrum/health.h>

#include "reactor/listener.h"
#include "reactor/loop.h"
#include "reactor/stream.h"

static const char *dump_place(const char *place)
{
    return place != NULL ? place : "(no name)";
}

static size_t dump_calls(thrum_reactor *reactor)
{
    const thrum__calls *calls = &reactor->clock.calls;
    thrum_ns now = thrum_clock_read(&reactor->clock.clock);

    for (size_t i = 0; i < calls->count; i++)
        thrum__dump(reactor, "call later: %s, in %.3f s",
                    dump_place(calls->heap[i].call->place),
                    (double)(calls->heap[i].at - now) / (double)THRUM_S);
    return calls->count;
}

static size_t dump_streams(thrum_reactor *reactor)
{
    size_t lines = 0;

    for (const thrum__link *at = reactor->streams.next; at != &reactor->streams;
         at = at->next) {
        const thrum_stream *stream = (const thrum_stream *)at;

        if (stream->closed)
            continue;
        thrum__dump(reactor, "stream: %s to %s, %zu bytes queued, told to %s",
                    stream->name, stream->peer, thrum_stream_queued(stream),
                    stream->handler != NULL ? dump_place(stream->place)
                                            : "nobody");
        lines++;
    }
    return lines;
}

/* A listener that takes nobody holds nothing. */
static size_t dump_listeners(thrum_reactor *reactor)
{
    size_t lines = 0;

    for (const thrum__link *at = reactor->listeners.next;
         at != &reactor->listeners; at = at->next) {
        const thrum_listener *listener = (const thrum_listener *)at;

        if (!ev_is_active(&listener->io))
            continue;
        thrum__dump(reactor, "listener: %s, told to %s", listener->name,
                    dump_place(listener->place));
        lines++;
    }
    return lines;
}

static size_t dump_tasks(thrum_reactor *reactor)
{
    size_t tasks = thrum_cooperator_get_stats(reactor->cooperator).tasks;

    if (tasks == 0)
        return 0;
    thrum__dump(reactor, "tasks: %zu, %s", tasks,
                reactor->tick_wanted ? "some have steps to make"
                                     : "all of them wait");
    return 1;
}

static size_t dump_stop(thrum_reactor *reactor)
{
    if (!reactor->stop.asked)
        return 0;
    thrum__dump(reactor, "stop: its triggers have not ended");
    return 1;
}

size_t thrum_reactor_dump(thrum_reactor *reactor)
{
    return dump_calls(reactor) + dump_streams(reactor) +
           dump_listeners(reactor) + thrum__connects_dump(reactor) +
           thrum__searches_dump(reactor) + dump_tasks(reactor) +
           thrum__works_dump(reactor) + dump_stop(reactor);
}
