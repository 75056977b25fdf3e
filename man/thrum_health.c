/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include <thrum/thrum.h>

static void compute(thrum_stream *stream, const char *data,
                    size_t size, void *clock)
{
    (void)stream;
    (void)data;
    (void)size;
    thrum_test_clock_advance(clock, 500 * THRUM_MS);
}

static const thrum_stream_handler reader = {.received = compute};

static void print_slow(const char *what, thrum_ns took, void *ctx)
{
    (void)ctx; /* " (file.c:34)" comes after the name */
    printf("%.*s held the loop for %d ms\n",
           (int)(strstr(what, " (") - what), what,
           (int)(took / THRUM_MS));
}

int main(void)
{
    thrum_context *context = thrum_context_new(NULL);
    thrum_test_clock *clock = thrum_test_clock_new(context);
    thrum_reactor_config config = {.context = context};
    thrum_stream *one, *other;
    thrum_health health;

    config.clock = thrum_test_clock_clock(clock);
    thrum_reactor *reactor = thrum_reactor_new(&config);
    if (thrum_stream_pair(reactor, &one, &other) != 0)
        return 1;
    thrum_reactor_on_slow(reactor, 10 * THRUM_MS, print_slow, NULL,
                          NULL);
    thrum_stream_set_handler(other, &reader, clock, NULL);
    thrum_stream_write(one, "x", 1);
    while (thrum_reactor_turn(reactor) == 1)
        continue;

    thrum_reactor_get_health(reactor, &health);
    printf("no turn was longer than %d ms, %zu streams\n",
           (int)(thrum_health_lag(&health, 1000000) / THRUM_MS),
           health.streams);
    thrum_stream_unref(one);
    thrum_stream_unref(other);
    thrum_reactor_free(reactor);
    thrum_test_clock_free(clock);
    thrum_context_unref(context);
    return 0;
}
