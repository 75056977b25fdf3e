/* SPDX-License-Identifier: MIT */
/*
 * Two reactors in two threads, each with all that a service has - peers of its
 * own and of the other, names, calls, tasks, threads - and calls from one to
 * the other all the while.
 */
#include <pthread.h>

#include <thrum/connect.h>
#include <thrum/deferred.h>
#include <thrum/listener.h>
#include <thrum/thread.h>

#include "tests/reactor/loop.h"

enum { TRIPS = 200, CALLS = 200, POSTS = 2000, JOBS = 100, STEPS = 5000 };

typedef struct side {
    struct side *other;
    thrum_reactor *reactor;
    thrum_listener *listener;
    pthread_t thread;
    unsigned trips, calls, posts, jobs, steps;
    bool is_done, other_is_done;
    unsigned ends; /* of connections that it made */
} side;

static void side_stop_if_all_is_done(side *self)
{
    if (self->is_done && self->other_is_done)
        thrum_reactor_stop(self->reactor);
}

static void other_is_done(void *ctx)
{
    side *self = ctx;

    self->other_is_done = true;
    side_stop_if_all_is_done(self);
}

static void side_check(side *self)
{
    if (self->is_done || self->ends < 2 || self->calls < CALLS ||
        self->posts < POSTS || self->jobs < JOBS || self->steps < STEPS)
        return;
    self->is_done = true;
    thrum_reactor_call_from_thread(self->other->reactor, other_is_done,
                                   self->other, NULL);
    side_stop_if_all_is_done(self);
}

/* ---- Echo ---- */

static void echo_received(thrum_stream *stream, const char *data, size_t size,
                          void *ctx)
{
    (void)ctx;
    thrum_stream_write(stream, data, size);
}

static void echo_closed(thrum_stream *stream, const thrum_failure *why,
                        void *ctx)
{
    (void)why;
    (void)ctx;
    thrum_stream_unref(stream);
}

static const thrum_stream_handler echo = {.received = echo_received,
                                          .closed = echo_closed};

static void on_peer(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    (void)listener;
    (void)ctx;
    thrum_stream_set_handler(stream, &echo, NULL, NULL);
}

static void asker_received(thrum_stream *stream, const char *data, size_t size,
                           void *ctx)
{
    side *self = ctx;

    (void)data;
    self->trips += (unsigned)size; /* a byte a trip */
    if (self->trips % TRIPS == 0)
        thrum_stream_lose(stream);
    else
        thrum_stream_write(stream, "x", 1);
}

static void asker_closed(thrum_stream *stream, const thrum_failure *why,
                         void *ctx)
{
    side *self = ctx;

    if (why == NULL)
        self->ends++;
    thrum_stream_unref(stream);
    side_check(self);
}

static const thrum_stream_handler asker = {.received = asker_received,
                                           .closed = asker_closed};

static thrum_outcome side_ask(void *stream, void *ctx);

static void side_connect(side *self, side *to)
{
    thrum_deferred *peer =
        thrum_connect_tcp(self->reactor, "localhost",
                          thrum_listener_port(to->listener), 60 * THRUM_S);

    thrum_deferred_add(peer, side_ask, NULL, self, NULL);
    thrum_deferred_finish(peer);
}

static thrum_outcome side_ask(void *stream, void *ctx)
{
    thrum_stream_set_handler(stream, &asker, ctx, NULL);
    thrum_stream_write(stream, "x", 1);
    return thrum_taken();
}

/* ---- The rest ---- */

static void side_called(void *ctx)
{
    side *self = ctx;

    self->calls++;
    side_check(self);
}

/* In the other's thread. */
static void side_posted(void *ctx)
{
    side *self = ctx;

    self->posts++;
    side_check(self);
}

static thrum_outcome side_step(void *ctx)
{
    side *self = ctx;

    if (self->steps < POSTS)
        thrum_reactor_call_from_thread(self->other->reactor, side_posted,
                                       self->other, NULL);
    if (++self->steps < STEPS)
        return thrum_keep();
    side_check(self);
    return thrum_done();
}

static thrum_outcome work(void *ctx)
{
    side *self = ctx;

    return thrum_fail(thrum_failure_new(thrum_reactor_context(self->reactor),
                                        &thrum_domain_base, THRUM_E_FULL,
                                        "as expected"));
}

static thrum_outcome worked(const thrum_failure *why, void *ctx)
{
    side *self = ctx;

    (void)why;
    self->jobs++;
    side_check(self);
    return thrum_done();
}

/* In the thread that runs the reactor, to which it belongs meanwhile. */
static thrum_outcome side_start(void *ctx)
{
    side *self = ctx;
    thrum_clock *clock = thrum_reactor_clock(self->reactor);

    side_connect(self, self);
    side_connect(self, self->other);
    for (int i = 0; i < CALLS; i++)
        thrum_clock_call_later(clock, i * 10 * THRUM_US, side_called, self,
                               NULL);
    for (int i = 0; i < JOBS; i++) {
        thrum_deferred *job =
            thrum_defer_to_thread(self->reactor, work, self, NULL);

        thrum_deferred_add(job, NULL, worked, self, NULL);
        thrum_deferred_finish(job);
    }
    thrum_deferred_finish(thrum_coiterate(
        thrum_reactor_cooperator(self->reactor), side_step, self, NULL));
    return thrum_done();
}

static void *side_run(void *ctx)
{
    side *self = ctx;

    thrum_reactor_run(self->reactor);
    return NULL;
}

START_TEST(two_reactors_work_side_by_side_and_for_each_other)
{
    static side sides[2];
    thrum_context *contexts[2];

    for (int i = 0; i < 2; i++) {
        thrum_reactor *reactor = loop_start();

        contexts[i] = thrum_reactor_context(reactor);
        sides[i] = (side){.other = &sides[1 - i], .reactor = reactor};
        sides[i].listener =
            thrum_listen_tcp(reactor, "127.0.0.1", 0, NULL, NULL);
        thrum_listener_accept(sides[i].listener, on_peer, NULL, NULL);
        thrum_trigger_new(reactor, THRUM_TRIGGER_STARTUP, side_start, &sides[i],
                          NULL);
    }
    for (int i = 0; i < 2; i++)
        pthread_create(&sides[i].thread, NULL, side_run, &sides[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(sides[i].thread, NULL);
    for (int i = 0; i < 2; i++) {
        thrum_listener_free(sides[i].listener);
        thrum_reactor_free(sides[i].reactor);
        support_context_end(contexts[i]);
        ck_assert_uint_eq(sides[i].ends, 2);
        ck_assert_uint_eq(sides[i].posts, POSTS);
    }
}
END_TEST

int main(void)
{
    TCase *two = tcase_create("two");
    TCase *const cases[] = {two};

    loop_watchdog();
    tcase_add_test(two, two_reactors_work_side_by_side_and_for_each_other);
    return support_main("two", cases, sizeof cases / sizeof *cases);
}
