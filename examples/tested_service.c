/* SPDX-License-Identifier: MIT */
#include "tested_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MOST = 80 };

typedef struct adder {
    thrum_stream *stream;
    thrum_clock *clock;
    thrum_call *patience;
    thrum_lines *lines;
    long total;
} adder;

static void adder_say(adder *self, const char *text)
{
    thrum_stream_write(self->stream, text, strlen(text));
}

static void adder_end(adder *self, const char *why)
{
    adder_say(self, why);
    thrum_stream_lose(self->stream);
}

static void adder_answer(adder *self, thrum_bytes line)
{
    char text[LINE_MOST + 1], answer[32];
    long number;

    snprintf(text, sizeof text, "%.*s", (int)line.size, line.data);
    if (strcmp(text, "quit") == 0) {
        adder_end(self, "bye\n");
    } else if (sscanf(text, "add %ld", &number) == 1) {
        self->total += number;
        snprintf(answer, sizeof answer, "%ld\n", self->total);
        adder_say(self, answer);
    } else {
        adder_say(self, "? add NUMBER, or quit\n");
    }
}

static void adder_received(thrum_stream *stream, const char *data, size_t size,
                           void *ctx)
{
    adder *self = ctx;
    thrum_bytes line;
    int got;

    (void)stream;
    while ((got = thrum_lines_next(self->lines, &data, &size, &line)) > 0) {
        thrum_clock_reset(self->clock, self->patience, ADDER_PATIENCE);
        adder_answer(self, line);
    }
    if (got < 0)
        adder_end(self, "too long\n");
}

static void adder_lost_patience(void *ctx)
{
    adder *self = ctx;

    self->patience = NULL;
    adder_end(self, "too slow\n");
}

static void adder_free(void *ctx)
{
    adder *self = ctx;

    thrum_clock_cancel(self->clock, self->patience);
    thrum_lines_free(self->lines);
    thrum_stream_unref(self->stream);
    free(self);
}

void adder_serve(thrum_stream *stream)
{
    static const thrum_stream_handler handler = {.received = adder_received};
    thrum_reactor *reactor = thrum_stream_reactor(stream);
    adder *self = calloc(1, sizeof *self);

    if (self == NULL) {
        thrum_stream_unref(stream);
        return;
    }
    self->stream = stream;
    self->clock = thrum_reactor_clock(reactor);
    self->lines = thrum_lines_new(thrum_reactor_context(reactor), LINE_MOST);
    self->patience = thrum_clock_call_later(self->clock, ADDER_PATIENCE,
                                            adder_lost_patience, self, NULL);
    if (self->lines == NULL || self->patience == NULL) {
        adder_free(self);
        return;
    }
    thrum_stream_set_handler(stream, &handler, self, adder_free);
    adder_say(self, "hello\n");
}
