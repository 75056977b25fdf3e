/* SPDX-License-Identifier: MIT */
/*
 * How long a stream may be silent, and its peer deaf. Bytes that move only note
 * the time; one call later a stream looks at that, and is made again for what
 * is left. So a busy stream costs no calls.
 *
 * A call that is due is made before the events of its turn. Bytes may have come
 * while the loop was held up, or room; so it looks again a turn later.
 */
#include "reactor/stream.h"

/* The events of one turn come between the beginnings of two; a test's clock is
 * moved outside of any. */
enum { DEADLINE_TURNS = 2 };

static void deadline_look(void *ctx);

static thrum_ns deadline_now(const thrum_stream *stream)
{
    return thrum_clock_now(stream->reactor->time);
}

static thrum_ns deadline_after(thrum_ns since, thrum_ns span)
{
    return span > INT64_MAX - since ? INT64_MAX : since + span;
}

static thrum_ns deadline_idle(const thrum_stream *stream)
{
    const thrum__stream_rare *rare = stream->rare;

    if (rare->idle <= 0 || (stream->watched & THRUM__TRANSPORT_RECEIVE) == 0)
        return INT64_MAX;
    return deadline_after(rare->heard, rare->idle);
}

static thrum_ns deadline_write(const thrum_stream *stream)
{
    const thrum__stream_rare *rare = stream->rare;

    if (rare->write <= 0 || (stream->watched & THRUM__TRANSPORT_SEND) == 0)
        return INT64_MAX;
    return deadline_after(rare->took, rare->write);
}

static thrum_ns deadline_next(const thrum_stream *stream)
{
    thrum_ns idle = deadline_idle(stream), write = deadline_write(stream);

    return idle < write ? idle : write;
}

/* A call that comes too early does no harm. */
static int deadline_arm(thrum_stream *stream)
{
    thrum__stream_rare *rare = stream->rare;
    thrum_clock *clock = stream->reactor->time;
    thrum_ns due = deadline_next(stream), after;

    if (due == INT64_MAX || (rare->call != NULL && rare->due <= due))
        return 0;
    after = due - thrum_clock_now(clock);
    rare->due = due;
    if (rare->call != NULL)
        thrum_clock_reset(clock, rare->call, after);
    else
        rare->call =
            thrum_clock_call_later(clock, after, deadline_look, stream, NULL);
    return rare->call != NULL ? 0 : THRUM_E_NOMEM;
}

/* Without memory for the call nobody would watch the stream any more. */
static void deadline_keep(thrum_stream *stream)
{
    if (deadline_arm(stream) == 0)
        return;
    thrum__stream_fail(stream, THRUM_REACTOR_E_TIMEOUT,
                       thrum_failure_no_memory());
    thrum_stream_abort(stream);
}

void thrum__stream_deadline_watch(thrum_stream *stream, int before)
{
    thrum__stream_rare *rare = stream->rare;
    int more = stream->watched & ~before;

    if ((more & THRUM__TRANSPORT_RECEIVE) != 0)
        rare->heard = deadline_now(stream);
    if ((more & THRUM__TRANSPORT_SEND) != 0)
        rare->took = deadline_now(stream);
    deadline_keep(stream);
}

static bool deadline_is_over(const thrum_stream *stream)
{
    return deadline_next(stream) <= deadline_now(stream);
}

static void deadline_look(void *ctx)
{
    thrum_stream *stream = ctx;

    stream->rare->call = NULL;
    if (deadline_is_over(stream)) {
        stream->rare->turns = DEADLINE_TURNS;
        thrum__soon_start(stream->reactor, &stream->rare->again);
    } else {
        deadline_keep(stream);
    }
}

void thrum__stream_deadline_look_again(void *ctx)
{
    thrum_stream *stream = ctx;

    if (--stream->rare->turns > 0) {
        thrum__soon_start(stream->reactor, &stream->rare->again);
    } else if (deadline_is_over(stream)) {
        thrum__stream_fail(stream, THRUM_REACTOR_E_TIMEOUT, NULL);
        thrum_stream_abort(stream);
    } else {
        deadline_keep(stream);
    }
}

void thrum__stream_deadline_end(thrum_stream *stream)
{
    thrum__stream_rare *rare = stream->rare;

    thrum_clock_cancel(stream->reactor->time, rare->call);
    thrum__soon_stop(stream->reactor, &rare->again);
    rare->call = NULL;
}

int thrum_stream_set_deadlines(thrum_stream *stream, thrum_ns idle,
                               thrum_ns write)
{
    thrum__stream_rare *rare = stream->rare, before;

    if (stream->closed || (rare == NULL && idle <= 0 && write <= 0))
        return 0;
    rare = thrum__stream_rare_make(stream);
    if (rare == NULL)
        return THRUM_E_NOMEM;
    before = *rare;
    rare->idle = idle;
    rare->write = write;
    rare->heard = rare->took = deadline_now(stream);
    if (deadline_arm(stream) == 0)
        return 0;
    *rare = before;
    return THRUM_E_NOMEM;
}
