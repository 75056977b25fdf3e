/* SPDX-License-Identifier: MIT */
/*
 * A handshake that takes too long, or is given up: by its owner, by the stream,
 * by the reactor, for want of memory.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/reactor/tls_link.h"

/* ---- It takes too long, or is given up ---- */

START_TEST(a_silent_peer_is_given_up_when_the_time_is_over)
{
    tls_link link;
    int raw;

    ck_assert(link_start(&link));
    ck_assert(
        link_open_raw(&link, _i == 0 ? &link.client : &link.server, &raw));
    if (_i == 0)
        link_start_client(&link, "mail.test");
    else
        link_start_server(&link);
    thrum_test_clock_advance(link.clock, 10 * THRUM_S - 1);
    link_run(&link);
    ck_assert_uint_eq(link.client.refused + link.server.refused, 0);
    thrum_test_clock_advance(link.clock, 1);
    link_run(&link);
    end_expect_refused(_i == 0 ? &link.client : &link.server,
                       THRUM_REACTOR_E_TIMEOUT,
                       "no TLS: the time is over in the handshake");
    end_expect_same(_i == 0 ? &link.client : &link.server);
    close(raw);
    link_end(&link);
}
END_TEST

START_TEST(the_time_is_not_over_once_the_handshake_is)
{
    tls_link link;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, TLS_OVER_UNIX));
    link_secure(&link);
    link_run(&link);
    ck_assert_uint_eq(thrum_test_clock_pending(link.clock), 0);
    thrum_test_clock_advance(link.clock, 60 * THRUM_S);
    link_run(&link);
    ck_assert_uint_eq(link.client.closed + link.server.closed, 0);
    link_end(&link);
}
END_TEST

static void cancel_it(tls_end *self)
{
    thrum_deferred_cancel(self->starting);
}

static void abort_it(tls_end *self)
{
    thrum_stream_abort(self->stream);
}

static void leave_it(tls_end *self)
{
    thrum_stream_unref(self->stream);
    self->stream = NULL;
}

static void lose_it(tls_end *self)
{
    thrum_stream_lose(self->stream);
}

static void (*const givings_up[])(tls_end *) = {cancel_it, abort_it, leave_it,
                                                lose_it};
enum { GIVINGS_UP = 4 };

/* Gives the client or the server up after `turns` turns. Returns false when the
 * handshake was over before. */
static bool give_up_after(int how, bool of_client, int turns)
{
    tls_link link;
    tls_end *end = of_client ? &link.client : &link.server;
    bool early;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, TLS_OVER_UNIX));
    link_secure(&link);
    while (turns-- > 0)
        thrum_reactor_turn(link.reactor);
    early = end->starting != NULL;
    if (early)
        givings_up[how](end);
    link_run(&link);
    if (early && how < 2) {
        ck_assert_uint_eq(end->refused, 1);
        ck_assert_uint_eq(end->closed, 1);
        ck_assert_int_eq(end->closed_code, THRUM_REACTOR_E_ABORTED);
        ck_assert_int_eq(end->code, how == 0 ? THRUM_DEFERRED_E_CANCELLED
                                             : THRUM_REACTOR_E_ABORTED);
    } else if (early) {
        ck_assert_uint_eq(end->refused + end->secured, 1);
        ck_assert_uint_eq(end->closed, how == 3);
    }
    link_end(&link);
    return early;
}

START_TEST(it_can_be_given_up_at_each_stage)
{
    int stages = 0;

    for (int client = 0; client < 2; client++)
        for (int turns = 0; give_up_after(_i, client == 1, turns); turns++)
            stages++;
    ck_assert_int_ge(stages, 4);
    ck_assert_uint_eq(support_unhandled(), 0);
}
END_TEST

/* While what was queued in the clear cannot leave, it has not even begun. */
START_TEST(it_can_be_given_up_before_it_begins)
{
    static char bytes[1024 * 1024];
    tls_link link;
    int raw;

    ck_assert(link_start(&link));
    ck_assert(link_open_raw(&link, &link.client, &raw));
    while (thrum_stream_write(link.client.stream, bytes, sizeof bytes) == 0)
        link_run(&link);
    link_start_client(&link, "mail.test");
    link_run(&link);
    ck_assert_ptr_nonnull(link.client.starting);
    if (_i < GIVINGS_UP - 1)
        givings_up[_i](&link.client);
    else
        thrum_test_clock_advance(link.clock, 10 * THRUM_S);
    close(raw);
    LINK_UNTIL(&link, link.client.refused == 1);
    link_run(&link);
    ck_assert_uint_eq(link.client.closed, _i != 2);
    if (_i == GIVINGS_UP - 1)
        ck_assert_int_eq(link.client.code, THRUM_REACTOR_E_TIMEOUT);
    link_end(&link);
}
END_TEST

/* A forked child that frees what it has sends nothing: not even the word of the
 * end. */
START_TEST(a_child_leaves_the_parents_tls_alone)
{
    tls_link link;
    int status;
    pid_t child;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, TLS_OVER_UNIX));
    link_secure(&link);
    for (int i = 0; i < 2 * _i; i++)
        thrum_reactor_turn(link.reactor);
    child = fork();
    if (child == 0) {
        link_end(&link);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    link_run(&link);
    ck_assert_uint_eq(link.client.secured + link.server.secured, 2);
    end_say(&link.client, "still here");
    link_run(&link);
    end_expect_heard(&link.server, "still here");
    link_end(&link);
}
END_TEST

START_TEST(a_reactor_that_ends_ends_it)
{
    tls_link link;
    thrum_context *context;

    ck_assert(link_start(&link));
    ck_assert(link_open(&link, TLS_OVER_UNIX));
    link_secure(&link);
    for (int i = 0; i < _i; i++)
        thrum_reactor_turn(link.reactor);
    context = thrum_context_ref(link.context);
    link_end(&link);
    ck_assert_uint_eq(link.client.refused + link.server.refused, 2);
    ck_assert_int_eq(link.client.code, THRUM_REACTOR_E_ABORTED);
    thrum_context_unref(context);
}
END_TEST

/* ---- No memory ---- */

static void scenario(void)
{
    tls_link link;

    if (link_start(&link) && link_open(&link, TLS_OVER_UNIX)) {
        link_secure(&link);
        link_run(&link);
        if (link.client.secured == 1 &&
            thrum_stream_write(link.client.stream, "hello", 5) == 0)
            thrum_stream_lose(link.client.stream);
        link_run(&link);
        thrum_test_clock_advance(link.clock, 60 * THRUM_S);
        link_run(&link);
        if (link.server.secured == 1 && link.server.size > 0)
            end_expect_heard(&link.server, "hello");
        ck_assert_uint_le(link.client.secured + link.client.refused, 1);
    }
    link_end(&link);
    support_unhandled();
}

START_TEST(it_survives_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *over = tcase_create("it is given up");
    TCase *const cases[] = {over};

    loop_watchdog();
    tls_need_certificates();
    tcase_add_loop_test(over, a_silent_peer_is_given_up_when_the_time_is_over,
                        0, 2);
    tcase_add_test(over, the_time_is_not_over_once_the_handshake_is);
    tcase_add_loop_test(over, it_can_be_given_up_at_each_stage, 0, GIVINGS_UP);
    tcase_add_loop_test(over, it_can_be_given_up_before_it_begins, 0,
                        GIVINGS_UP);
    tcase_add_loop_test(over, a_child_leaves_the_parents_tls_alone, 0, 4);
    tcase_add_loop_test(over, a_reactor_that_ends_ends_it, 0, 3);
    tcase_add_test(over, it_survives_every_failing_allocation);
    return support_main("TLS given up", cases, sizeof cases / sizeof *cases);
}
