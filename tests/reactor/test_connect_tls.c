/* SPDX-License-Identifier: MIT */
/* Connecting over TLS, and by endpoint. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/reactor/reach.h"
#include "tests/reactor/tls_pair.h"

/* A world on a clock, with a listener that shows a certificate. */
typedef struct hall {
    world world;
    thrum_tls *trusting, *shown;
} hall;

static void let_go(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    (void)listener;
    ((world *)ctx)->came++;
    thrum_stream_unref(stream);
}

static void hall_listen(hall *self)
{
    thrum_listener_config config = {.tls = self->shown};
    world *here = &self->world;

    here->listener =
        thrum_listen_tcp(here->reactor, "127.0.0.1", 0, &config, NULL);
    ck_assert_ptr_nonnull(here->listener);
    thrum_listener_accept(here->listener, let_go, here, NULL);
    here->port = thrum_listener_port(here->listener);
}

static void hall_open(hall *self, const char *certificate)
{
    memset(self, 0, sizeof *self);
    world_open_timed(&self->world);
    self->trusting = tls_trusting(self->world.context, NULL);
    self->shown = tls_showing(self->world.context, certificate, NULL);
    hall_listen(self);
}

static void hall_close(hall *self)
{
    thrum_listener_free(self->world.listener);
    self->world.listener = NULL;
    thrum_tls_unref(self->trusting);
    thrum_tls_unref(self->shown);
    world_settle(&self->world);
    world_close(&self->world);
}

static thrum_deferred *begin(hall *self, const char *host)
{
    world *here = &self->world;
    thrum_deferred *connecting = thrum_connect_tls(
        here->reactor, host, here->port, self->trusting, 10 * THRUM_S);

    thrum_deferred_add(connecting, world_connected, world_failed, here, NULL);
    return connecting;
}

static void reach(hall *self, const char *host)
{
    thrum_deferred *connecting = begin(self, host);

    ck_assert_uint_eq(self->world.connected + self->world.failed, 0);
    world_settle(&self->world);
    thrum_deferred_finish(connecting);
    world_settle(&self->world);
}

static thrum_outcome is_verified(void *stream, void *ctx)
{
    const thrum_tls_facts *facts = thrum_stream_tls_facts(stream);

    (void)ctx;
    ck_assert_ptr_nonnull(facts);
    ck_assert_int_eq(facts->verified, 1);
    return thrum_keep();
}

START_TEST(it_fires_when_the_peer_is_verified)
{
    thrum_deferred *connecting;
    hall self;

    hall_open(&self, "good");
    connecting = begin(&self, "mail.test");
    thrum_deferred_add(connecting, is_verified, NULL, NULL, NULL);
    world_settle(&self.world);
    ck_assert_msg(self.world.connected == 1, "%s",
                  thrum_failure_text(self.world.why));
    thrum_deferred_finish(connecting);
    hall_close(&self);
}
END_TEST

static const struct {
    const char *certificate;
    const char *host;
} strangers[] = {
    {"good", "other.test"},
    {"expired", "mail.test"},
    {"good", "127.0.0.1"},
};

START_TEST(who_is_not_the_host_is_refused_and_named)
{
    char text[100];
    hall self;

    hall_open(&self, strangers[_i].certificate);
    reach(&self, strangers[_i].host);
    snprintf(text, sizeof text, "TLS handshake with %s:%u", strangers[_i].host,
             (unsigned)self.world.port);
    world_expect_failure(&self.world, THRUM_REACTOR_E_TLS, text);
    ck_assert_ptr_nonnull(
        strstr(thrum_failure_text(self.world.why), "127.0.0.1:"));
    ck_assert_ptr_nonnull(thrum_failure_cause(self.world.why));
    ck_assert_uint_eq(self.world.came, 0);
    hall_close(&self);
}
END_TEST

START_TEST(each_stage_before_tls_fails_as_it_does_without)
{
    static const struct {
        const char *host;
        int code;
    } rows[] = {{"none.test", THRUM_REACTOR_E_RESOLVE},
                {"127.0.0.1", THRUM_REACTOR_E_CONNECT},
                {"mail.test", THRUM_REACTOR_E_CONNECT}};
    hall self;

    hall_open(&self, "good");
    thrum_listener_free(self.world.listener);
    self.world.listener = NULL;
    reach(&self, rows[_i].host);
    world_expect_failure(&self.world, rows[_i].code, rows[_i].host);
    hall_close(&self);
}
END_TEST

/* Nobody takes the connection from the kernel's queue, so nothing is said. */
static thrum_deferred *begin_with_the_silent(hall *self, int *listener)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    thrum_deferred *connecting;

    *listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bind(*listener, (struct sockaddr *)&address, size);
    listen(*listener, 4);
    getsockname(*listener, (struct sockaddr *)&address, &size);
    self->world.port = ntohs(address.sin_port);
    connecting = begin(self, "mail.test");
    world_settle(&self->world);
    ck_assert_uint_eq(self->world.connected + self->world.failed, 0);
    return connecting;
}

START_TEST(the_time_is_for_the_handshake_too)
{
    int listener;
    thrum_deferred *connecting;
    hall self;

    hall_open(&self, "good");
    connecting = begin_with_the_silent(&self, &listener);
    world_pass(&self.world, 10 * THRUM_S);
    world_expect_failure(&self.world, THRUM_REACTOR_E_TIMEOUT,
                         "the time is over: TLS handshake with mail.test:");
    thrum_deferred_finish(connecting);
    close(listener);
    hall_close(&self);
}
END_TEST

START_TEST(a_handshake_can_be_cancelled)
{
    int listener, descriptors;
    thrum_deferred *connecting;
    hall self;

    hall_open(&self, "good");
    descriptors = support_descriptors();
    connecting = begin_with_the_silent(&self, &listener);
    thrum_deferred_cancel(connecting);
    ck_assert_uint_eq(self.world.failed, 1);
    ck_assert(thrum_failure_is(self.world.why, &thrum_domain_deferred,
                               THRUM_DEFERRED_E_CANCELLED));
    close(listener);
    world_settle(&self.world);
    ck_assert_int_eq(support_descriptors(), descriptors);
    thrum_deferred_finish(connecting);
    hall_close(&self);
}
END_TEST

START_TEST(a_handshake_ends_with_the_reactor)
{
    int listener;
    thrum_deferred *connecting;
    hall self;

    hall_open(&self, "good");
    connecting = begin_with_the_silent(&self, &listener);
    thrum_reactor_free(self.world.reactor);
    self.world.reactor = NULL;
    world_expect_failure(&self.world, THRUM_REACTOR_E_STOPPED, "mail.test");
    thrum_deferred_finish(connecting);
    close(listener);
    thrum_listener_free(self.world.listener);
    self.world.listener = NULL;
    thrum_tls_unref(self.trusting);
    thrum_tls_unref(self.shown);
    world_close(&self.world);
}
END_TEST

START_TEST(a_peer_that_goes_away_in_the_handshake_is_a_failure_of_tls)
{
    int listener;
    thrum_deferred *connecting;
    hall self;

    hall_open(&self, "good");
    connecting = begin_with_the_silent(&self, &listener);
    close(accept(listener, NULL, NULL));
    world_settle(&self.world);
    world_expect_failure(&self.world, THRUM_REACTOR_E_TLS,
                         "TLS handshake with mail.test:");
    thrum_deferred_finish(connecting);
    close(listener);
    hall_close(&self);
}
END_TEST

/* ---- By endpoint ---- */

static thrum_deferred *begin_endpoint(hall *self, const char *text)
{
    world *here = &self->world;
    thrum_deferred *connecting =
        thrum_connect(here->reactor, text, self->trusting, 10 * THRUM_S);

    thrum_deferred_add(connecting, world_connected, world_failed, here, NULL);
    return connecting;
}

START_TEST(an_endpoint_is_connected_to)
{
    static const char *const kinds[] = {"tls:mail.test:%u", "tcp:mail.test:%u",
                                        "tcp:127.0.0.1:%u"};
    char text[60];
    thrum_deferred *connecting;
    hall self;

    hall_open(&self, "good");
    snprintf(text, sizeof text, kinds[_i], (unsigned)self.world.port);
    connecting = begin_endpoint(&self, text);
    world_settle(&self.world);
    ck_assert_uint_eq(self.world.connected, 1);
    ck_assert_str_eq(self.world.peer, thrum_listener_name(self.world.listener));
    thrum_deferred_finish(connecting);
    hall_close(&self);
}
END_TEST

static const struct {
    const char *text;
    int code;
    const char *told;
} endpoints[] = {
    {"unix:/no/such/socket", THRUM_REACTOR_E_CONNECT,
     "cannot connect to unix:/no/such/socket"},
    {"mail.test:25", THRUM_E_INVALID,
     "the endpoint mail.test:25, column 1: \"tcp:\", \"tls:\" or"},
    {"tcp:mail.test:0", THRUM_E_INVALID,
     "the endpoint tcp:mail.test:0, column 15: port 0 is for listeners"},
    {"tls:[::1]:0", THRUM_E_INVALID, "column 11: port 0 is for listeners"},
    {"tcp:a..b:25", THRUM_E_INVALID, "cannot look up a..b:25: a label is"},
};

START_TEST(what_is_wrong_with_an_endpoint_is_told)
{
    thrum_deferred *connecting;
    hall self;

    hall_open(&self, "good");
    connecting = begin_endpoint(&self, endpoints[_i].text);
    world_settle(&self.world);
    ck_assert_uint_eq(self.world.failed, 1);
    ck_assert_int_eq(thrum_failure_code(self.world.why), endpoints[_i].code);
    ck_assert_msg(
        strstr(thrum_failure_text(self.world.why), endpoints[_i].told) != NULL,
        "%s", thrum_failure_text(self.world.why));
    thrum_deferred_finish(connecting);
    hall_close(&self);
}
END_TEST

/* ---- Memory ---- */

static world base;

static bool scenario_start(hall *self)
{
    world *here = &self->world;

    here->loop = base.loop;
    here->context = support_context();
    if (here->context != NULL)
        here->clock = thrum_test_clock_new(here->context);
    return here->clock != NULL && world_make(here, base.names.address);
}

static void scenario(void)
{
    hall self = {.trusting = NULL};
    world *here = &self.world;
    thrum_listener_config config = {.backlog = 0};

    if (scenario_start(&self)) {
        self.trusting = tls_trusting(here->context, NULL);
        config.tls = self.shown = tls_showing(here->context, "good", NULL);
        if (self.trusting != NULL && self.shown != NULL)
            here->listener = thrum_listen_tcp(here->reactor, "127.0.0.1",
                                              base.port, &config, NULL);
        thrum_listener_accept(here->listener, let_go, here, NULL);
        here->port = base.port;
        if (self.trusting != NULL)
            thrum_deferred_finish(begin(&self, "mail.test"));
        world_settle(here);
        world_pass(here, 20 * THRUM_S);
    }
    thrum_listener_free(here->listener);
    thrum_tls_unref(self.trusting);
    thrum_tls_unref(self.shown);
    thrum_reactor_free(here->reactor);
    thrum_failure_unref(here->why);
    thrum_test_clock_free(here->clock);
    support_context_end(here->context);
    support_unhandled();
}

START_TEST(it_survives_every_failing_allocation)
{
    hall self;

    hall_open(&self, "good"); /* what GnuTLS keeps for good, it has now */
    base.port = self.world.port;
    hall_close(&self);
    base.loop = ev_loop_new(EVFLAG_AUTO);
    names_start(&base.names, base.loop);
    support_every_allocation(scenario);
    names_stop(&base.names);
    ev_loop_destroy(base.loop);
}
END_TEST

int main(void)
{
    TCase *tls = tcase_create("over TLS");
    TCase *ends = tcase_create("the handshake's end");
    TCase *by_text = tcase_create("by endpoint");
    TCase *const cases[] = {tls, ends, by_text};

    tls_need_certificates();
    loop_watchdog();
    tcase_add_test(tls, it_fires_when_the_peer_is_verified);
    tcase_add_loop_test(tls, who_is_not_the_host_is_refused_and_named, 0,
                        sizeof strangers / sizeof *strangers);
    tcase_add_loop_test(tls, each_stage_before_tls_fails_as_it_does_without, 0,
                        3);
    tcase_add_test(ends, the_time_is_for_the_handshake_too);
    tcase_add_test(ends, a_handshake_can_be_cancelled);
    tcase_add_test(ends, a_handshake_ends_with_the_reactor);
    tcase_add_test(ends,
                   a_peer_that_goes_away_in_the_handshake_is_a_failure_of_tls);
    tcase_add_test(ends, it_survives_every_failing_allocation);
    tcase_add_loop_test(by_text, an_endpoint_is_connected_to, 0, 3);
    tcase_add_loop_test(by_text, what_is_wrong_with_an_endpoint_is_told, 0,
                        sizeof endpoints / sizeof *endpoints);
    return support_main("connect_tls", cases, sizeof cases / sizeof *cases);
}
