/* SPDX-License-Identifier: MIT */
/*
 * What keeps the loop alive is told to the log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thrum/connect.h>
#include <thrum/health.h>
#include <thrum/listener.h>
#include <thrum/records.h>
#include <thrum/thread.h>

#include "tests/reactor/loop.h"

typedef struct world {
    thrum_context *context;
    thrum_reactor *reactor;
    thrum_stream *streams[2];
    char log[2000];
} world;

static void on_log(thrum_log_level level, const char *line, void *ctx)
{
    world *here = ctx;
    size_t size = strlen(here->log);

    if (level == THRUM_LOG_INFO)
        snprintf(here->log + size, sizeof here->log - size, "%s\n", line);
}

static void world_start(world *here)
{
    thrum_context_config hooks = {
        .allocator = support_allocator(), .log = on_log, .ctx = here};
    thrum_reactor_config config;

    *here = (world){.context = thrum_context_new(&hooks)};
    config = (thrum_reactor_config){.context = here->context};
    here->reactor = thrum_reactor_new(&config);
    ck_assert_ptr_nonnull(here->reactor);
}

static void world_end(world *here)
{
    thrum_stream_unref(here->streams[0]);
    thrum_stream_unref(here->streams[1]);
    thrum_reactor_free(here->reactor);
    support_context_end(here->context);
}

static thrum_outcome no_work(void *ctx)
{
    (void)ctx;
    return thrum_done();
}

static void on_peer(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    (void)listener;
    (void)ctx;
    thrum_stream_unref(stream);
}

static const thrum_stream_handler reader = {.closed = NULL};

static void no_call(void *ctx)
{
    (void)ctx;
}

START_TEST(nothing_keeps_a_new_reactor_alive)
{
    world here;

    world_start(&here);
    ck_assert_uint_eq(thrum_reactor_dump(here.reactor), 0);
    ck_assert_str_eq(here.log, "");
    world_end(&here);
}
END_TEST

/* The log has a line that begins so. */
static void expect_line(world *here, const char *line)
{
    const char *at = strstr(here->log, line);

    ck_assert_msg(at != NULL, "no \"%s\" in:\n%s", line, here->log);
    ck_assert(at == here->log || at[-1] == '\n');
}

START_TEST(calls_later_stand_in_the_dump_with_their_time)
{
    world here;
    thrum_clock *clock;

    world_start(&here);
    clock = thrum_reactor_clock(here.reactor);
    thrum_clock_call_later(clock, 3600 * THRUM_S, no_call, NULL, NULL);
    thrum_clock_call_later_at(clock, THRUM_S, no_call, NULL, NULL, NULL);
    ck_assert_uint_eq(thrum_reactor_dump(here.reactor), 2);
    expect_line(&here, "call later: (no name), in ");
    expect_line(&here, "call later: no_call (");
    ck_assert_ptr_nonnull(strstr(here.log, "test_dump.c:"));
    world_end(&here);
}
END_TEST

START_TEST(streams_stand_in_the_dump_with_what_they_have_queued)
{
    world here;

    world_start(&here);
    ck_assert_int_eq(
        thrum_stream_pair(here.reactor, &here.streams[0], &here.streams[1]), 0);
    thrum_stream_set_handler(here.streams[0], &reader, &here, NULL);
    thrum_stream_write(here.streams[0], "text", 4);
    ck_assert_uint_eq(thrum_reactor_dump(here.reactor), 2);
    expect_line(&here, "stream: memory to memory, 4 bytes queued, told to "
                       "&reader (");
    expect_line(&here, "stream: memory to memory, 0 bytes queued, told to "
                       "nobody\n");
    thrum_stream_abort(here.streams[0]);
    thrum_stream_abort(here.streams[1]);
    while (thrum_reactor_turn(here.reactor) == 1)
        continue;
    ck_assert_uint_eq(thrum_reactor_dump(here.reactor), 0);
    world_end(&here);
}
END_TEST

static thrum_outcome one_more(void *ctx)
{
    (void)ctx;
    return thrum_keep();
}

START_TEST(all_else_stands_in_the_dump)
{
    world here;
    thrum_listener *listener, *idle;
    thrum_deferred *all[3];
    char line[200];

    world_start(&here);
    listener = thrum_listen_tcp(here.reactor, "127.0.0.1", 0, NULL, NULL);
    idle = thrum_listen_tcp(here.reactor, "127.0.0.1", 0, NULL, NULL);
    thrum_listener_accept(listener, on_peer, &here, NULL);
    all[0] = thrum_connect_tcp(here.reactor, "mail.example", 25, THRUM_S);
    all[1] = thrum_records_lookup(here.reactor, THRUM_RECORD_MX, "mail.example",
                                  THRUM_S);
    all[2] = thrum_defer_to_thread(here.reactor, no_work, NULL, NULL);
    for (int i = 0; i < 3; i++)
        thrum_deferred_mark_handled(all[i]);
    thrum_deferred_finish(thrum_coiterate(
        thrum_reactor_cooperator(here.reactor), one_more, NULL, NULL));
    ck_assert_uint_eq(thrum_reactor_dump(here.reactor), 7); /* two deadlines */
    snprintf(line, sizeof line, "listener: %s, told to on_peer (",
             thrum_listener_name(listener));
    expect_line(&here, line);
    expect_line(&here, "connecting to mail.example:25\n");
    expect_line(&here, "looking up the MX records of mail.example\n");
    expect_line(&here, "work on a thread: no_work (");
    expect_line(&here, "tasks: 1, some have steps to make\n");
    thrum_listener_free(listener);
    thrum_listener_free(idle);
    for (int i = 0; i < 3; i++)
        thrum_deferred_finish(all[i]);
    world_end(&here);
    support_unhandled();
}
END_TEST

static thrum_outcome wait_for(void *on)
{
    return thrum_wait(on);
}

START_TEST(a_stop_that_goes_on_stands_in_the_dump)
{
    world here;
    thrum_deferred *on;

    world_start(&here);
    on = thrum_deferred_new(here.context, "end");
    thrum_trigger_new(here.reactor, THRUM_TRIGGER_DURING_SHUTDOWN, wait_for, on,
                      NULL);
    thrum_reactor_turn(here.reactor);
    thrum_reactor_stop(here.reactor);
    thrum_reactor_turn(here.reactor);
    ck_assert_uint_eq(thrum_reactor_dump(here.reactor), 2);
    expect_line(&here, "call later: stop_is_late ("); /* its deadline */
    expect_line(&here, "stop: its triggers have not ended\n");
    thrum_deferred_fire(on, NULL, NULL);
    thrum_reactor_turn(here.reactor);
    ck_assert_uint_eq(thrum_reactor_dump(here.reactor), 0);
    world_end(&here);
}
END_TEST

int main(void)
{
    TCase *dump = tcase_create("dump");
    TCase *const cases[] = {dump};

    loop_watchdog();
    tcase_add_test(dump, nothing_keeps_a_new_reactor_alive);
    tcase_add_test(dump, calls_later_stand_in_the_dump_with_their_time);
    tcase_add_test(dump, streams_stand_in_the_dump_with_what_they_have_queued);
    tcase_add_test(dump, all_else_stands_in_the_dump);
    tcase_add_test(dump, a_stop_that_goes_on_stands_in_the_dump);
    return support_main("dump", cases, sizeof cases / sizeof *cases);
}
