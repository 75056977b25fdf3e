/* SPDX-License-Identifier: MIT */
#include "tests/reactor/stage.h"

#include <stdlib.h>
#include <string.h>

static void on_received(thrum_stream *stream, const char *data, size_t size,
                        void *ctx)
{
    stage *self = ctx;

    (void)stream;
    self->events++;
    thrum_buffer_append(&self->data, data, size);
}

static void on_ended(thrum_stream *stream, void *ctx)
{
    (void)stream;
    ((stage *)ctx)->ended = true;
}

static void on_closed(thrum_stream *stream, const thrum_failure *why, void *ctx)
{
    stage *self = ctx;

    (void)stream;
    self->closed = true;
    self->why = why != NULL ? thrum_failure_code(why) : 0;
}

static const thrum_stream_handler handler = {
    .received = on_received, .ended = on_ended, .closed = on_closed};

void stage_start(stage *self)
{
    thrum_stream *streams[2] = {NULL, NULL};
    thrum_reactor_config config = {.context = support_context()};

    *self = (stage){.context = config.context};
    if (self->context != NULL)
        self->clock = thrum_test_clock_new(self->context);
    if (self->clock == NULL)
        return;
    config.clock = thrum_test_clock_clock(self->clock);
    thrum_buffer_init(&self->data, self->context, SIZE_MAX);
    self->reactor = thrum_reactor_new(&config);
    if (self->reactor == NULL)
        return;
    if (peer_over != PEER_MEMORY)
        peer_pair(self->reactor, streams);
    else if (thrum_stream_pair(self->reactor, &streams[0], &streams[1]) != 0)
        return;
    self->stream = streams[1];
    thrum_stream_set_handler(self->stream, &handler, self, NULL);
    self->own = streams[0];
    self->peer = thrum_test_peer_new(streams[0]);
}

void stage_end(stage *self)
{
    thrum_test_peer_free(self->peer);
    thrum_stream_unref(self->stream);
    thrum_reactor_free(self->reactor);
    thrum_test_clock_free(self->clock);
    if (self->data.context != NULL)
        thrum_buffer_fini(&self->data);
    free(self->text);
    support_context_end(self->context);
}

static void stage_is_over(stage *self)
{
    ck_assert(!self->over);
    self->over = true;
    if (self->frees) {
        thrum_test_peer_free(self->peer);
        self->peer = NULL;
    }
}

static thrum_outcome on_played(void *value, void *ctx)
{
    stage *self = ctx;

    ck_assert_ptr_null(value);
    self->well = true;
    stage_is_over(self);
    return thrum_done();
}

static thrum_outcome on_failed(const thrum_failure *why, void *ctx)
{
    stage *self = ctx;

    self->code = thrum_failure_code(why);
    free(self->text);
    self->text = strdup(thrum_failure_text(why));
    stage_is_over(self);
    return thrum_done();
}

thrum_deferred *stage_play(stage *self)
{
    thrum_deferred *played = thrum_test_peer_play(self->peer);

    self->over = self->well = false;
    self->code = 0;
    thrum_deferred_add(played, on_played, on_failed, self, NULL);
    thrum_deferred_finish(played);
    return played;
}

void stage_rest(stage *self)
{
    int more;

    do
        ck_assert_int_ge(more = thrum_reactor_turn(self->reactor), 0);
    while (more == 1);
}

void stage_set_marks(stage *self, size_t low, size_t high, size_t cap)
{
    ck_assert_int_eq(thrum_stream_set_marks(self->own, low, high, cap), 0);
}

void stage_say_bytes(stage *self, const void *data, size_t size)
{
    ck_assert_int_eq(thrum_stream_write(self->stream, data, size), 0);
}

void stage_say(stage *self, const char *text)
{
    stage_say_bytes(self, text, strlen(text));
}

void stage_expect_well(stage *self)
{
    stage_play(self);
    STAGE_UNTIL(self, self->over);
    if (!self->well)
        ck_abort_msg("%s", self->text);
}

void stage_expect_failure(stage *self, int code, const char *text)
{
    stage_play(self);
    STAGE_UNTIL(self, self->over);
    ck_assert_int_eq(self->code, code);
    ck_assert_str_eq(self->text, text);
}

void stage_expect_data(stage *self, const char *text)
{
    STAGE_UNTIL(self, self->data.size >= strlen(text));
    ck_assert_uint_eq(self->data.size, strlen(text));
    ck_assert_mem_eq(self->data.data, text, strlen(text));
}
