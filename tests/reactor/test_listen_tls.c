/* SPDX-License-Identifier: MIT */
/*
 * Peers that come over TLS: handed over when their handshake is done, and
 * nobody's concern before. The clock is a test's.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thrum/connect.h>
#include <thrum/deferred.h>
#include <thrum/health.h>
#include <thrum/listener.h>
#include <thrum/test_clock.h>

#include "tests/reactor/tls_pair.h"

enum { GUESTS = 4 };
#define WITHIN (7 * THRUM_S)

typedef struct gate {
    thrum_context *context;
    thrum_test_clock *clock;
    thrum_reactor *reactor;
    thrum_tls *trusting, *shown;
    thrum_listener *listener;
    thrum_stream *guests[GUESTS];
    int came;
    bool closes; /* frees the listener when somebody comes */
    thrum_stream *caller;
    unsigned reached, secured, refused; /* of the caller's */
    char log[1000];
} gate;

static void on_log(thrum_log_level level, const char *line, void *ctx)
{
    gate *self = ctx;
    size_t size = strlen(self->log);

    ck_assert(level == THRUM_LOG_INFO || support_failed());
    snprintf(self->log + size, sizeof self->log - size, "%s\n", line);
}

static void guest_came(thrum_listener *listener, thrum_stream *stream,
                       void *ctx)
{
    gate *self = ctx;

    ck_assert_int_lt(self->came, GUESTS);
    ck_assert_ptr_nonnull(thrum_stream_tls_facts(stream));
    self->guests[self->came++] = stream;
    if (self->closes) {
        thrum_listener_free(listener);
        self->listener = NULL;
    }
}

/* Errors: without memory some of it is NULL. */
static void gate_open(gate *self, size_t most)
{
    thrum_context_config hooks = {
        .allocator = support_allocator(), .log = on_log, .ctx = self};
    thrum_reactor_config config = {.loop = NULL};
    thrum_listener_config how = {.most = most, .within = WITHIN};

    *self = (gate){.context = thrum_context_new(&hooks)};
    if (self->context != NULL)
        self->clock = thrum_test_clock_new(self->context);
    if (self->clock == NULL)
        return;
    config.context = self->context;
    config.clock = thrum_test_clock_clock(self->clock);
    self->reactor = thrum_reactor_new(&config);
    self->trusting = tls_trusting(self->context, NULL);
    self->shown = how.tls = tls_showing(self->context, "good", NULL);
    if (self->reactor == NULL || self->shown == NULL)
        return;
    self->listener = thrum_listen(self->reactor, "tls:127.0.0.1:0", &how, NULL);
    thrum_listener_accept(self->listener, guest_came, self, NULL);
}

static void gate_close(gate *self)
{
    thrum_stream_unref(self->caller);
    for (int i = 0; i < GUESTS; i++)
        thrum_stream_unref(self->guests[i]);
    thrum_listener_free(self->listener);
    thrum_tls_unref(self->trusting);
    thrum_tls_unref(self->shown);
    thrum_reactor_free(self->reactor);
    thrum_test_clock_free(self->clock);
    support_context_end(self->context);
}

static void settle(const gate *self)
{
    int more;

    do
        ck_assert_int_ge(more = thrum_reactor_turn(self->reactor), 0);
    while (more == 1);
}

#define UNTIL(gate, condition)                                                 \
    while (!(condition))                                                       \
    ck_assert_int_ge(thrum_reactor_turn((gate)->reactor), 0)

static thrum_health health_of(const gate *self)
{
    thrum_health health;

    thrum_reactor_get_health(self->reactor, &health);
    return health;
}

/* ---- Who comes ---- */

/* A plain socket that says nothing by itself. */
static int mute(const gate *self)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_port = htons(thrum_listener_port(self->listener));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* The socket was closed by the other side, whatever that said before. */
static void expect_closed(int fd)
{
    char bytes[4096];
    ssize_t got;

    do
        got = recv(fd, bytes, sizeof bytes, 0);
    while (got > 0);
    ck_assert(got == 0 || errno == ECONNRESET);
    close(fd);
}

static thrum_outcome on_secured(void *nothing, void *ctx)
{
    (void)nothing;
    ((gate *)ctx)->secured++;
    return thrum_done();
}

static thrum_outcome on_refused(const thrum_failure *why, void *ctx)
{
    (void)why;
    ((gate *)ctx)->refused++;
    return thrum_done();
}

static thrum_outcome on_reached(void *stream, void *ctx)
{
    gate *self = ctx;

    self->caller = thrum_stream_ref(stream);
    self->reached++;
    return thrum_done();
}

/* A stream to the listener, still in the clear. */
static void call(gate *self)
{
    thrum_deferred *calling =
        thrum_connect_tcp(self->reactor, "127.0.0.1",
                          thrum_listener_port(self->listener), THRUM_S);

    if (thrum_deferred_add(calling, on_reached, on_refused, self, NULL) != 0)
        self->refused++; /* and that it was is nobody's to tell */
    thrum_deferred_finish(calling);
    UNTIL(self, self->reached + self->refused > 0);
}

/* It begins TLS. */
static void secure(gate *self)
{
    thrum_deferred *starting = thrum_stream_start_tls(
        self->caller, self->trusting, "mail.test", 0, 100 * THRUM_S);

    thrum_deferred_add(starting, on_secured, on_refused, self, NULL);
    thrum_deferred_finish(starting);
}

/* ---- Handshakes ---- */

START_TEST(a_peer_is_handed_over_when_its_handshake_is_done)
{
    gate here;

    gate_open(&here, 0);
    call(&here);
    settle(&here);
    ck_assert_int_eq(here.came, 0);
    ck_assert_uint_eq(health_of(&here).streams, 2);
    secure(&here);
    UNTIL(&here, here.came == 1 && here.secured == 1);
    ck_assert_str_eq(here.log, "");
    gate_close(&here);
}
END_TEST

START_TEST(what_is_no_tls_concerns_the_log_alone)
{
    gate here;
    int fd;

    gate_open(&here, 0);
    fd = mute(&here);
    ck_assert_int_eq(send(fd, "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
    UNTIL(&here, here.log[0] != '\0');
    settle(&here);
    ck_assert_int_eq(here.came, 0);
    ck_assert_uint_eq(health_of(&here).streams, 0);
    ck_assert_ptr_nonnull(strstr(here.log, "TLS"));
    ck_assert_ptr_eq(strstr(here.log, thrum_listener_name(here.listener)),
                     here.log);
    expect_closed(fd);
    gate_close(&here);
}
END_TEST

START_TEST(a_peer_that_leaves_before_its_handshake_never_came)
{
    gate here;
    int fd;

    gate_open(&here, 0);
    fd = mute(&here);
    UNTIL(&here, health_of(&here).streams == 1);
    close(fd);
    UNTIL(&here, health_of(&here).streams == 0);
    ck_assert_int_eq(here.came, 0);
    gate_close(&here);
}
END_TEST

START_TEST(a_handshake_has_its_time)
{
    gate here;
    int fd;

    gate_open(&here, 0);
    fd = mute(&here);
    UNTIL(&here, health_of(&here).streams == 1);
    settle(&here);
    thrum_test_clock_advance(here.clock, WITHIN - 1);
    settle(&here);
    ck_assert_uint_eq(health_of(&here).streams, 1);
    ck_assert_str_eq(here.log, "");
    thrum_test_clock_advance(here.clock, 1);
    settle(&here);
    ck_assert_uint_eq(health_of(&here).streams, 0);
    ck_assert_ptr_nonnull(strstr(here.log, "time"));
    ck_assert_int_eq(here.came, 0);
    expect_closed(fd);
    gate_close(&here);
}
END_TEST

START_TEST(a_handshake_is_aborted_with_its_listener)
{
    gate here;
    int fd;

    gate_open(&here, 0);
    fd = mute(&here);
    UNTIL(&here, health_of(&here).streams == 1);
    thrum_listener_free(here.listener);
    here.listener = NULL;
    settle(&here);
    ck_assert_uint_eq(health_of(&here).streams, 0);
    ck_assert_str_eq(here.log, "");
    expect_closed(fd);
    ck_assert_uint_eq(thrum_test_clock_pending(here.clock), 0);
    gate_close(&here);
}
END_TEST

START_TEST(a_handshake_ends_with_the_reactor_and_the_listener_is_still_freed)
{
    gate here;
    int fd;

    gate_open(&here, 0);
    fd = mute(&here);
    UNTIL(&here, health_of(&here).streams == 1);
    thrum_reactor_free(here.reactor);
    here.reactor = NULL;
    ck_assert_int_eq(here.came, 0);
    expect_closed(fd);
    gate_close(&here);
}
END_TEST

START_TEST(whoever_gets_a_peer_may_free_the_listener)
{
    gate here;
    int fd;

    gate_open(&here, 0);
    here.closes = true;
    fd = mute(&here); /* in a handshake as well */
    call(&here);
    secure(&here);
    UNTIL(&here, here.came == 1 && here.secured == 1);
    settle(&here);
    ck_assert_uint_eq(health_of(&here).streams, 2); /* the two that met */
    ck_assert_uint_eq(health_of(&here).listeners, 0);
    expect_closed(fd);
    gate_close(&here);
}
END_TEST

/* ---- Limits, and nobody to take them ---- */

START_TEST(a_peer_in_its_handshake_counts_as_one_of_the_most)
{
    gate here;
    int fd;

    gate_open(&here, 1);
    fd = mute(&here);
    UNTIL(&here, health_of(&here).streams == 1);
    call(&here);
    secure(&here);
    settle(&here);
    ck_assert_uint_eq(health_of(&here).streams, 2); /* and the caller's own */
    ck_assert_uint_eq(here.secured, 0);
    thrum_test_clock_advance(here.clock, WITHIN);
    UNTIL(&here, here.came == 1 && here.secured == 1);
    expect_closed(fd);
    gate_close(&here);
}
END_TEST

START_TEST(without_somebody_to_take_it_a_peer_is_closed_after_its_handshake)
{
    gate here;

    gate_open(&here, 0);
    call(&here);
    UNTIL(&here, health_of(&here).streams == 2);
    thrum_listener_accept(here.listener, NULL, NULL, NULL);
    secure(&here);
    UNTIL(&here, health_of(&here).streams == 1);
    ck_assert_int_eq(here.came, 0);
    ck_assert_uint_eq(here.secured + here.refused, 1);
    gate_close(&here);
}
END_TEST

/* ---- Without memory ---- */

static void scenario(void)
{
    gate here;

    gate_open(&here, 0);
    if (here.listener != NULL && here.trusting != NULL)
        call(&here);
    if (here.caller != NULL) {
        thrum_deferred *starting = thrum_stream_start_tls(
            here.caller, here.trusting, "mail.test", 0, THRUM_S);

        thrum_deferred_add(starting, on_secured, on_refused, &here, NULL);
        thrum_deferred_finish(starting);
        settle(&here);
        thrum_test_clock_advance(here.clock, WITHIN);
        settle(&here);
        ck_assert((here.came == 1 && here.secured == 1) || support_failed());
    }
    gate_close(&here);
    support_unhandled();
}

START_TEST(a_listener_with_tls_survives_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *shake = tcase_create("handshakes"), *most = tcase_create("most");
    TCase *memory = tcase_create("memory");
    TCase *const cases[] = {shake, most, memory};

    tls_need_certificates();
    loop_watchdog();
    tcase_set_timeout(memory, 100);
    tcase_add_test(shake, a_peer_is_handed_over_when_its_handshake_is_done);
    tcase_add_test(shake, what_is_no_tls_concerns_the_log_alone);
    tcase_add_test(shake, a_peer_that_leaves_before_its_handshake_never_came);
    tcase_add_test(shake, a_handshake_has_its_time);
    tcase_add_test(shake, a_handshake_is_aborted_with_its_listener);
    tcase_add_test(
        shake,
        a_handshake_ends_with_the_reactor_and_the_listener_is_still_freed);
    tcase_add_test(shake, whoever_gets_a_peer_may_free_the_listener);
    tcase_add_test(most, a_peer_in_its_handshake_counts_as_one_of_the_most);
    tcase_add_test(
        most, without_somebody_to_take_it_a_peer_is_closed_after_its_handshake);
    tcase_add_test(memory,
                   a_listener_with_tls_survives_every_failing_allocation);
    return support_main("listen_tls", cases, sizeof cases / sizeof *cases);
}
