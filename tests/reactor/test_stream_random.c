/* SPDX-License-Identifier: MIT */
/*
 * Hundreds of conversations in which both ends do at any moment whatever a dice
 * says: write in each way, wait, rest, hand over, set deadlines, end one half,
 * lose, abort, leave; some from within their own callbacks, over TCP, UNIX
 * sockets and memory. Whatever happens, each ctx and each owner is released
 * once, each Deferred ends, nothing is told after `closed` or after the owner
 * left, bytes arrive in order, and the loop ends.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/reactor/peer.h"

enum { ENDS = 200, MOVES = 12 };

typedef struct end {
    thrum_stream *stream; /* NULL: left */
    unsigned sets;        /* handlers set */
    unsigned released;
    unsigned closed;
    unsigned owned, gone;     /* bytes that were handed over, and released */
    unsigned waited, settled; /* Deferreds */
    unsigned char sent, got;  /* the next byte: bytes count up */
    int moves;
} end;

static struct {
    thrum_reactor *reactor;
    end ends[ENDS];
    unsigned count;
    unsigned faults;
    uint32_t dice;
} world;

static unsigned roll(unsigned sides)
{
    world.dice = world.dice * 1664525 + 1013904223;
    return (world.dice >> 8) % sides;
}

static void end_released(void *ctx)
{
    ((end *)ctx)->released++;
}

static void end_hears(end *self);
static void end_move(end *self);

static void end_write(end *self)
{
    char bytes[9000];
    size_t size = roll(8) == 0 ? roll(sizeof bytes) : roll(20);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(self->sent + i);
    if (thrum_stream_write(self->stream, bytes, size) == 0)
        self->sent = (unsigned char)(self->sent + size);
}

static void owned_gone(void *bytes)
{
    end *self;

    memcpy(&self, bytes, sizeof self);
    self->gone++;
    free(bytes);
}

/* The block begins with whose it is, and the bytes follow. */
static void end_write_owned(end *self)
{
    size_t size = roll(8) == 0 ? roll(9000) : roll(20);
    char *block = malloc(sizeof self + size), *bytes = block + sizeof self;

    memcpy(block, &self, sizeof self);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(self->sent + i);
    self->owned++;
    if (thrum_stream_write_owned(self->stream, bytes, size, block,
                                 owned_gone) == 0)
        self->sent = (unsigned char)(self->sent + size);
}

static void end_take(end *self)
{
    size_t size = roll(4) == 0 ? roll(9000) : roll(20);
    thrum_buffer bytes;

    thrum_buffer_init(&bytes, thrum_reactor_context(world.reactor), 9000);
    thrum_buffer_reserve(&bytes, size);
    for (size_t i = 0; i < size; i++)
        bytes.data[i] = (char)(self->sent + i);
    thrum_buffer_commit(&bytes, size);
    if (thrum_stream_take(self->stream, &bytes) == 0)
        self->sent = (unsigned char)(self->sent + size);
    thrum_buffer_fini(&bytes);
}

static thrum_outcome end_drained(void *value, void *ctx)
{
    (void)value;
    ((end *)ctx)->settled++;
    end_move(ctx);
    return thrum_done();
}

static thrum_outcome end_not_drained(const thrum_failure *why, void *ctx)
{
    (void)why;
    ((end *)ctx)->settled++;
    end_move(ctx);
    return thrum_done();
}

static void end_wait(end *self)
{
    thrum_deferred *drained = thrum_stream_when_drained(self->stream);

    self->waited++;
    thrum_deferred_add(drained, end_drained, end_not_drained, self, NULL);
    thrum_deferred_finish(drained);
}

static void end_leave(end *self)
{
    thrum_stream *stream = self->stream;

    self->stream = NULL;
    thrum_stream_unref(stream);
}

static void on_received(thrum_stream *stream, const char *data, size_t size,
                        void *ctx)
{
    end *self = ctx;

    world.faults += stream != self->stream || self->closed > 0;
    for (size_t i = 0; i < size; i++)
        world.faults += (unsigned char)data[i] != self->got++;
    end_move(self);
}

static void on_ended(thrum_stream *stream, void *ctx)
{
    end *self = ctx;

    world.faults += stream != self->stream || self->closed > 0;
    if (roll(2) == 0)
        end_move(self);
    if (self->stream != NULL)
        thrum_stream_lose(self->stream);
}

static void on_drained(thrum_stream *stream, void *ctx)
{
    end *self = ctx;

    world.faults += stream != self->stream || self->closed > 0;
    end_move(self);
}

static void on_closed(thrum_stream *stream, const thrum_failure *why, void *ctx)
{
    end *self = ctx;

    (void)why;
    world.faults += stream != self->stream;
    self->closed++;
    if (roll(2) == 0)
        end_leave(self);
}

static void end_hears(end *self)
{
    static const thrum_stream_handler handlers[] = {
        {on_received, on_ended, on_drained, on_closed},
        {.received = on_received, .closed = on_closed},
    };

    self->sets++;
    thrum_stream_set_handler(self->stream, &handlers[roll(2)], self,
                             end_released);
}

static void end_move(end *self)
{
    if (self->stream == NULL)
        return;
    if (--self->moves <= 0) {
        thrum_stream_resume(self->stream);
        thrum_stream_lose(self->stream);
        return;
    }
    switch (roll(24)) {
    case 17:
        end_write_owned(self);
        break;
    case 18:
        end_take(self);
        break;
    case 19:
        end_wait(self);
        break;
    case 20:
        thrum_stream_set_deadlines(self->stream, roll(3) * THRUM_MS,
                                   roll(3) * THRUM_MS);
        break;
    case 16:
        thrum_stream_lose_write(self->stream);
        break;
    case 0:
        thrum_stream_lose(self->stream);
        break;
    case 1:
        thrum_stream_abort(self->stream);
        break;
    case 2:
        end_leave(self);
        break;
    case 3:
        thrum_stream_pause(self->stream);
        break;
    case 4:
        end_hears(self);
        break;
    case 5:
        thrum_stream_set_marks(self->stream, roll(3), 3 + roll(100),
                               103 + roll(20000));
        break;
    default:
        thrum_stream_resume(self->stream);
        end_write(self);
    }
}

/* A move of anybody, in a call of its own; the last ones lose what is left. */
static void move_somebody(void *ctx)
{
    end *self = &world.ends[roll(world.count)];

    (void)ctx;
    if (self->closed == 0)
        end_move(self);
}

/* What the dice left open ends here. */
static void end_all(void *ctx)
{
    (void)ctx;
    for (unsigned i = 0; i < world.count; i++)
        if (world.ends[i].stream != NULL) {
            thrum_stream_resume(world.ends[i].stream);
            thrum_stream_lose(world.ends[i].stream);
        }
}

static void end_begin(thrum_stream *stream)
{
    end *self = &world.ends[world.count++];

    *self = (end){.stream = stream, .moves = MOVES};
    end_hears(self);
    end_write(self);
    for (int i = 0; i < 4; i++)
        thrum_clock_call_later(thrum_reactor_clock(world.reactor),
                               roll(3000) * THRUM_US, move_somebody, NULL,
                               NULL);
    if (world.count == ENDS)
        thrum_clock_call_later(thrum_reactor_clock(world.reactor), 4 * THRUM_MS,
                               end_all, NULL, NULL);
}

static void world_run(uint32_t seed)
{
    memset(&world, 0, sizeof world);
    world.dice = seed;
    world.reactor = loop_start();
    for (int i = 0; i < ENDS / 2; i++) {
        thrum_stream *streams[2];

        peer_pair(world.reactor, streams);
        end_begin(streams[0]);
        end_begin(streams[1]);
    }
    thrum_reactor_run(world.reactor);
}

START_TEST(whatever_both_ends_do_each_is_told_once)
{
    world_run((uint32_t)_i + 1);
    ck_assert_uint_eq(world.faults, 0);
    ck_assert_uint_eq(world.count, ENDS);
    for (unsigned i = 0; i < world.count; i++) {
        end *self = &world.ends[i];

        ck_assert_uint_eq(self->released, self->sets);
        ck_assert_uint_eq(self->gone, self->owned);
        ck_assert_uint_eq(self->settled, self->waited);
        ck_assert_uint_le(self->closed, 1);
        ck_assert(self->closed == 1 || self->stream == NULL);
        thrum_stream_unref(self->stream);
    }
    loop_end(world.reactor);
}
END_TEST

int main(void)
{
    int status = EXIT_SUCCESS;

    loop_watchdog();
    for (peer_over = PEER_TCP; peer_over < PEER_KINDS; peer_over++) {
        TCase *random = tcase_create("dice");
        TCase *const cases[] = {random};

        tcase_add_loop_test(random, whatever_both_ends_do_each_is_told_once, 0,
                            20);
        status |= support_main(peer_over_name("stream_random"), cases, 1);
    }
    return status;
}
