/* SPDX-License-Identifier: MIT */
/*
 * Conversations, with every allocation failing in turn.
 */
#include <thrum/connect.h>

#include "tests/reactor/peer.h"

static void pong(thrum_stream *stream, const char *data, size_t size, void *ctx)
{
    int *left = ctx;

    if (--*left > 0)
        thrum_stream_write(stream, data, size);
    else
        thrum_stream_lose(stream);
}

static void pong_closed(thrum_stream *stream, const thrum_failure *why,
                        void *ctx)
{
    (void)why;
    (void)ctx;
    thrum_stream_unref(stream);
}

static const thrum_stream_handler pong_handler = {.received = pong,
                                                  .closed = pong_closed};

static thrum_listener *scenario_listener;
static int scenario_left;

static void scenario_accept(thrum_listener *listener, thrum_stream *stream,
                            void *ctx)
{
    (void)ctx;
    thrum_stream_set_handler(stream, &pong_handler, &scenario_left, NULL);
    thrum_listener_free(listener);
    scenario_listener = NULL;
}

static thrum_outcome scenario_connected(void *stream, void *ctx)
{
    (void)ctx;
    thrum_stream_set_handler(stream, &pong_handler, &scenario_left, NULL);
    if (thrum_stream_write(stream, "ping", 4) != 0)
        thrum_stream_lose(stream);
    return thrum_taken();
}

static thrum_outcome scenario_failed(const thrum_failure *why, void *reactor)
{
    (void)why;
    thrum_listener_free(scenario_listener);
    scenario_listener = NULL;
    thrum_reactor_stop(reactor);
    return thrum_done();
}

static void scenario_give_up(void *reactor)
{
    thrum_reactor_stop(reactor);
}

/* What fails may leave the other end waiting, and whether a stream that could
 * not be made is accepted later is not the question: all of it ends soon. */
static void scenario_run(thrum_reactor *reactor)
{
    thrum_deferred *connected;

    scenario_left = 4;
    scenario_listener = thrum_listen_tcp(reactor, "127.0.0.1", 0, NULL, NULL);
    thrum_listener_accept(scenario_listener, scenario_accept, NULL, NULL);
    if (scenario_listener == NULL)
        return;
    connected =
        thrum_connect_tcp(reactor, "127.0.0.1",
                          thrum_listener_port(scenario_listener), 60 * THRUM_S);
    if (thrum_deferred_add(connected, scenario_connected, scenario_failed,
                           reactor, NULL) == 0 &&
        thrum_clock_call_later(thrum_reactor_clock(reactor), 20 * THRUM_MS,
                               scenario_give_up, reactor, NULL) != NULL)
        thrum_reactor_run(reactor);
    thrum_deferred_finish(connected);
}

static void scenario(void)
{
    thrum_context *context = support_context();
    thrum_reactor_config config = {.context = context};
    thrum_reactor *reactor =
        context != NULL ? thrum_reactor_new(&config) : NULL;

    if (reactor != NULL)
        scenario_run(reactor);
    thrum_reactor_free(reactor);
    thrum_listener_free(scenario_listener);
    scenario_listener = NULL;
    support_context_end(context);
    support_unhandled();
}

START_TEST(a_conversation_survives_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

static thrum_outcome pair_drained(void *value, void *ctx)
{
    (void)value;
    (void)ctx;
    return thrum_done();
}

static thrum_outcome pair_not_drained(const thrum_failure *why, void *ctx)
{
    (void)why;
    (void)ctx;
    return thrum_done();
}

/* In each way of writing; what is refused is told, and that is all. */
static int pair_write(thrum_stream *stream)
{
    static char owned[64];
    thrum_deferred *drained;
    thrum_buffer bytes;
    int error;

    thrum_buffer_init(
        &bytes, thrum_reactor_context(thrum_stream_reactor(stream)), SIZE_MAX);
    error = thrum_stream_set_deadlines(stream, THRUM_S, THRUM_S);
    if (error == 0)
        error = thrum_stream_write(stream, "ping", 4);
    if (error == 0)
        error =
            thrum_stream_write_owned(stream, owned, sizeof owned, NULL, NULL);
    if (thrum_buffer_reserve(&bytes, 5000) != NULL)
        thrum_buffer_commit(&bytes, 5000);
    if (error == 0)
        error = thrum_stream_take(stream, &bytes);
    thrum_stream_set_marks(stream, 0, 1 << 16, 1 << 20);
    drained = thrum_stream_when_drained(stream);
    thrum_deferred_add(drained, pair_drained, pair_not_drained, NULL, NULL);
    thrum_deferred_finish(drained);
    thrum_buffer_fini(&bytes);
    return error;
}

static void scenario_pair_run(thrum_reactor *reactor)
{
    thrum_stream *one, *other;

    scenario_left = 4;
    if (thrum_stream_pair(reactor, &one, &other) != 0)
        return;
    thrum_stream_set_handler(one, &pong_handler, &scenario_left, NULL);
    thrum_stream_set_handler(other, &pong_handler, &scenario_left, NULL);
    if (pair_write(one) != 0 ||
        thrum_clock_call_later(thrum_reactor_clock(reactor), 20 * THRUM_MS,
                               scenario_give_up, reactor, NULL) == NULL)
        thrum_stream_lose(one);
    thrum_reactor_run(reactor);
}

static void scenario_pair(void)
{
    thrum_context *context = support_context();
    thrum_reactor_config config = {.context = context};
    thrum_reactor *reactor =
        context != NULL ? thrum_reactor_new(&config) : NULL;

    if (reactor != NULL)
        scenario_pair_run(reactor);
    thrum_reactor_free(reactor);
    support_context_end(context);
    support_unhandled();
}

START_TEST(a_conversation_in_memory_survives_every_failing_allocation)
{
    support_every_allocation(scenario_pair);
}
END_TEST

int main(void)
{
    TCase *memory = tcase_create("no memory");
    TCase *const cases[] = {memory};

    loop_watchdog();
    tcase_add_test(memory, a_conversation_survives_every_failing_allocation);
    tcase_add_test(memory,
                   a_conversation_in_memory_survives_every_failing_allocation);
    return support_main("stream_nomem", cases, 1);
}
