/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thrum/connect.h>

#include "tests/reactor/names.h"
#include "tests/reactor/peer.h"

/* A loop with a name server, a reactor that asks it, and a listener. */
typedef struct world {
    struct ev_loop *loop;
    names names;
    thrum_context *context;
    thrum_reactor *reactor;
    thrum_listener *listener;
    uint16_t port;
    unsigned came;
    /* how the last attempt ended */
    unsigned connected, failed;
    char peer[80];
    thrum_failure *why;
} world;

static void came(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    (void)listener;
    ((world *)ctx)->came++;
    thrum_stream_unref(stream);
}

static bool world_make(world *self, const char *nameservers)
{
    thrum_reactor_config config = {.nameservers = nameservers};

    self->context = config.context = support_context();
    config.loop = self->loop;
    if (self->context != NULL)
        self->reactor = thrum_reactor_new(&config);
    return self->reactor != NULL;
}

static void world_listen(world *self, const char *host)
{
    self->listener =
        thrum_listen_tcp(self->reactor, host, self->port, NULL, NULL);
    thrum_listener_accept(self->listener, came, self, NULL);
    ck_assert_ptr_nonnull(self->listener);
    self->port = thrum_listener_port(self->listener);
}

static void world_open(world *self)
{
    memset(self, 0, sizeof *self);
    self->loop = ev_loop_new(EVFLAG_AUTO);
    names_start(&self->names, self->loop);
    ck_assert(world_make(self, self->names.address));
}

static void world_close(world *self)
{
    thrum_listener_free(self->listener);
    thrum_reactor_free(self->reactor);
    thrum_failure_unref(self->why);
    support_context_end(self->context);
    names_stop(&self->names);
    ck_assert_int_eq(ev_run(self->loop, EVRUN_NOWAIT), 0);
    ev_loop_destroy(self->loop);
}

static thrum_outcome connected(void *stream, void *ctx)
{
    world *self = ctx;

    self->connected++;
    snprintf(self->peer, sizeof self->peer, "%s", thrum_stream_peer(stream));
    thrum_reactor_stop(self->reactor);
    return thrum_keep();
}

static thrum_outcome failed(const thrum_failure *why, void *ctx)
{
    world *self = ctx;

    self->failed++;
    thrum_failure_unref(self->why);
    self->why = thrum_failure_ref(why);
    thrum_reactor_stop(self->reactor);
    return thrum_done();
}

static thrum_deferred *attempt(world *self, const char *host, thrum_ns within)
{
    thrum_deferred *connecting =
        thrum_connect_tcp(self->reactor, host, self->port, within);

    thrum_deferred_add(connecting, connected, failed, self, NULL);
    return connecting;
}

/* Connects to `host`, and waits until that has ended. */
static void reach(world *self, const char *host, thrum_ns within)
{
    unsigned before = self->connected + self->failed;

    thrum_deferred_finish(attempt(self, host, within));
    ck_assert_uint_eq(self->connected + self->failed, before);
    RUN_UNTIL(self->reactor, self->connected + self->failed > before);
}

static void expect_failure(const world *self, int code, const char *text)
{
    ck_assert_uint_eq(self->connected, 0);
    ck_assert_ptr_nonnull(self->why);
    ck_assert_msg(thrum_failure_is(self->why, &thrum_domain_reactor, code) &&
                      strstr(thrum_failure_text(self->why), text) != NULL,
                  "%d %s", thrum_failure_code(self->why),
                  thrum_failure_text(self->why));
}

/* ---- It connects ---- */

static const struct {
    const char *host, *listen;
    bool asks; /* the name server is asked */
} reached[] = {
    {"127.0.0.1", "127.0.0.1", false}, {"::1", "::1", false},
    {"localhost", "127.0.0.1", false}, {"one.test", "127.0.0.1", true},
    {"six.test", "::1", true},         {"two.test", "127.0.0.1", true},
    {"two.test", "127.0.0.2", true},
};

START_TEST(a_host_is_reached_by_name_or_by_address)
{
    world self;

    world_open(&self);
    world_listen(&self, reached[_i].listen);
    reach(&self, reached[_i].host, 60 * THRUM_S);
    ck_assert_uint_eq(self.connected, 1);
    ck_assert_str_eq(self.peer, thrum_listener_name(self.listener));
    ck_assert_int_eq(self.names.asked > 0, reached[_i].asks);
    world_close(&self);
}
END_TEST

enum { AT_ONCE = 20 };

START_TEST(many_names_are_looked_up_at_once)
{
    static const char *const hosts[] = {"one.test", "none.test", "two.test",
                                        "broken.test"};
    world self;

    world_open(&self);
    world_listen(&self, "127.0.0.1");
    for (int i = 0; i < AT_ONCE; i++)
        thrum_deferred_finish(attempt(&self, hosts[i % 4], 60 * THRUM_S));
    RUN_UNTIL(self.reactor, self.connected + self.failed == AT_ONCE);
    ck_assert_uint_eq(self.connected, AT_ONCE / 2);
    world_close(&self);
}
END_TEST

START_TEST(a_connection_that_nobody_takes_is_closed)
{
    world self;

    world_open(&self);
    world_listen(&self, "127.0.0.1");
    reach(&self, "127.0.0.1", 60 * THRUM_S);
    thrum_listener_free(self.listener);
    self.listener = NULL;
    thrum_reactor_run(self.reactor); /* until nothing keeps it alive */
    world_close(&self);
}
END_TEST

/* ---- It does not ---- */

static const struct {
    const char *host;
    const char *text;
} unresolved[] = {
    {"none.test", "cannot look up none.test:25: "},
    {"empty.test", "cannot look up empty.test:25: "},
    {"broken.test", "cannot look up broken.test:25: "},
    {"no-such-host.invalid", "cannot look up no-such-host.invalid:25: "},
    {"", "cannot look up :25: "},
    {"white space", "cannot look up white space:25: "},
    {"two..dots", "cannot look up two..dots:25: "},
    {"::1%nowhere", "cannot look up ::1%nowhere:25: "},
};

START_TEST(a_name_without_an_address_is_a_failure_to_resolve)
{
    world self;

    world_open(&self);
    self.port = 25;
    reach(&self, unresolved[_i].host, 60 * THRUM_S);
    expect_failure(&self, THRUM_REACTOR_E_RESOLVE, unresolved[_i].text);
    world_close(&self);
}
END_TEST

START_TEST(a_very_long_name_is_cut_in_the_failure)
{
    char host[2000];
    world self;

    memset(host, 'a', sizeof host);
    host[sizeof host - 1] = '\0';
    world_open(&self);
    reach(&self, host, 60 * THRUM_S);
    expect_failure(&self, THRUM_REACTOR_E_RESOLVE, "cannot look up aaaaa");
    world_close(&self);
}
END_TEST

START_TEST(a_name_server_that_is_no_address_is_a_failure_to_resolve)
{
    world self;

    memset(&self, 0, sizeof self);
    ck_assert(world_make(&self, "not an address"));
    reach(&self, "one.test", 60 * THRUM_S);
    expect_failure(&self, THRUM_REACTOR_E_RESOLVE, "cannot look up one.test");
    thrum_reactor_free(self.reactor);
    thrum_failure_unref(self.why);
    support_context_end(self.context);
}
END_TEST

START_TEST(a_refusal_is_a_failure_with_the_systems_words_beneath)
{
    char text[80];
    world self;

    world_open(&self);
    world_listen(&self, "127.0.0.1");
    thrum_listener_free(self.listener); /* now nobody is there */
    self.listener = NULL;
    reach(&self, "127.0.0.1", 60 * THRUM_S);
    snprintf(text, sizeof text, "cannot connect to 127.0.0.1:%u",
             (unsigned)self.port);
    expect_failure(&self, THRUM_REACTOR_E_CONNECT, text);
    ck_assert(thrum_failure_is(thrum_failure_cause(self.why),
                               &thrum_domain_system, ECONNREFUSED));
    reach(&self, "two.test", 60 * THRUM_S);
    snprintf(text, sizeof text, "cannot connect to two.test:%u at 127.0.0.",
             (unsigned)self.port);
    expect_failure(&self, THRUM_REACTOR_E_CONNECT, text);
    world_close(&self);
}
END_TEST

START_TEST(without_descriptors_it_fails_and_says_so)
{
    struct rlimit limit, none;
    world self;

    world_open(&self);
    self.port = 25;
    getrlimit(RLIMIT_NOFILE, &limit);
    none = limit;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    reach(&self, "127.0.0.1", 60 * THRUM_S);
    setrlimit(RLIMIT_NOFILE, &limit);
    expect_failure(&self, THRUM_REACTOR_E_CONNECT, "127.0.0.1:25");
    ck_assert(thrum_failure_is(thrum_failure_cause(self.why),
                               &thrum_domain_system, EMFILE));
    world_close(&self);
}
END_TEST

/* ---- Time ---- */

START_TEST(the_time_ends_a_look_up_that_is_not_answered)
{
    world self;

    world_open(&self);
    self.port = 25;
    reach(&self, "silent.test", 5 * THRUM_MS);
    expect_failure(&self, THRUM_REACTOR_E_TIMEOUT, "looking up silent.test:25");
    reach(&self, "silent.test", 0);
    expect_failure(&self, THRUM_REACTOR_E_TIMEOUT, "looking up silent.test:25");
    ck_assert_uint_eq(self.failed, 2);
    world_close(&self);
}
END_TEST

/* A listener whose queue is full, so that the kernel answers no more. */
typedef struct deaf {
    int listener;
    int callers[4];
} deaf;

static void deaf_open(deaf *self, const char *host, uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    int yes = 1;

    self->listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(self->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    inet_pton(AF_INET, host, &address.sin_addr);
    address.sin_port = htons(*port);
    ck_assert_int_eq(bind(self->listener, (struct sockaddr *)&address, size),
                     0);
    listen(self->listener, 0);
    getsockname(self->listener, (struct sockaddr *)&address, &size);
    *port = ntohs(address.sin_port);
    for (int i = 0; i < 4; i++) {
        self->callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(self->callers[i], (struct sockaddr *)&address, size);
    }
}

static void deaf_close(deaf *self)
{
    for (int i = 0; i < 4; i++)
        close(self->callers[i]);
    close(self->listener);
}

START_TEST(the_time_ends_an_attempt_that_is_not_answered)
{
    deaf host;
    world self;

    world_open(&self);
    deaf_open(&host, "127.0.0.1", &self.port);
    reach(&self, "127.0.0.1", 5 * THRUM_MS);
    expect_failure(&self, THRUM_REACTOR_E_TIMEOUT, "connecting to 127.0.0.1:");
    deaf_close(&host);
    world_close(&self);
}
END_TEST

START_TEST(an_address_that_does_not_answer_leaves_time_for_the_next)
{
    static const char *const hosts[][2] = {{"127.0.0.1", "127.0.0.2"},
                                           {"127.0.0.2", "127.0.0.1"}};
    deaf host;
    world self;

    world_open(&self);
    world_listen(&self, hosts[_i][0]);
    deaf_open(&host, hosts[_i][1], &self.port);
    reach(&self, "two.test", THRUM_S);
    ck_assert_uint_eq(self.connected, 1);
    ck_assert_str_eq(self.peer, thrum_listener_name(self.listener));
    deaf_close(&host);
    world_close(&self);
}
END_TEST

START_TEST(time_without_end_does_not_overflow)
{
    world self;

    world_open(&self);
    world_listen(&self, "127.0.0.1");
    reach(&self, "one.test", INT64_MAX);
    ck_assert_uint_eq(self.connected, 1);
    world_close(&self);
}
END_TEST

/* ---- Cancelled, or ended with the reactor, at each stage ---- */

static void stop_there(void *reactor)
{
    thrum_reactor_stop(reactor);
}

static const struct {
    const char *host;
    bool deaf;   /* it does not answer */
    bool begins; /* the loop runs before the end */
} stages[] = {
    {"127.0.0.1", false, false},  {"one.test", false, false},
    {"silent.test", false, true}, {"127.0.0.1", true, true},
    {"one.test", true, true},
};

typedef struct staged {
    world world;
    deaf deaf;
    thrum_deferred *connecting;
} staged;

static void staged_open(staged *self, int stage)
{
    world *here = &self->world;

    world_open(here);
    if (stages[stage].deaf)
        deaf_open(&self->deaf, "127.0.0.1", &here->port);
    else
        world_listen(here, "127.0.0.1");
    self->connecting = attempt(here, stages[stage].host, 60 * THRUM_S);
    if (!stages[stage].begins)
        return;
    here->names.on_asked = stop_there;
    here->names.ctx = here->reactor;
    thrum_clock_call_later(thrum_reactor_clock(here->reactor), 20 * THRUM_MS,
                           stop_there, here->reactor, NULL);
    thrum_reactor_run(here->reactor);
}

static void staged_close(staged *self, int stage)
{
    if (stages[stage].deaf)
        deaf_close(&self->deaf);
}

START_TEST(an_attempt_can_be_cancelled_at_each_stage)
{
    staged self;

    staged_open(&self, _i);
    thrum_deferred_cancel(self.connecting);
    ck_assert_uint_eq(self.world.failed, 1);
    ck_assert(thrum_failure_is(self.world.why, &thrum_domain_deferred,
                               THRUM_DEFERRED_E_CANCELLED));
    thrum_deferred_finish(self.connecting);
    thrum_listener_free(self.world.listener);
    self.world.listener = NULL;
    thrum_reactor_run(self.world.reactor); /* what is left ends by itself */
    ck_assert_uint_eq(self.world.connected, 0);
    staged_close(&self, _i);
    world_close(&self.world);
}
END_TEST

START_TEST(an_attempt_fails_when_the_reactor_ends_at_each_stage)
{
    staged self;
    world *here = &self.world;

    staged_open(&self, _i);
    thrum_deferred_finish(self.connecting);
    thrum_reactor_free(here->reactor);
    ck_assert_uint_eq(here->failed, 1);
    expect_failure(here, THRUM_REACTOR_E_STOPPED, stages[_i].host);
    here->reactor = NULL;
    staged_close(&self, _i);
    world_close(here);
}
END_TEST

static thrum_outcome try_again(const thrum_failure *why, void *ctx)
{
    world *self = ctx;
    thrum_deferred *again =
        thrum_connect_tcp(self->reactor, "one.test", 25, THRUM_S);

    (void)why;
    thrum_deferred_add(again, NULL, failed, self, NULL);
    return thrum_wait(again);
}

START_TEST(an_attempt_that_begins_while_the_reactor_ends_fails_too)
{
    world self;
    thrum_deferred *connecting;

    world_open(&self);
    connecting = thrum_connect_tcp(self.reactor, "one.test", 25, THRUM_S);
    thrum_deferred_add(connecting, NULL, try_again, &self, NULL);
    thrum_deferred_finish(connecting);
    thrum_reactor_free(self.reactor);
    self.reactor = NULL;
    ck_assert_uint_eq(self.failed, 1);
    expect_failure(&self, THRUM_REACTOR_E_STOPPED, "one.test:25");
    world_close(&self);
}
END_TEST

static thrum_outcome cancel_the_other(const thrum_failure *why, void *other)
{
    (void)why;
    thrum_deferred_cancel(other);
    return thrum_done();
}

START_TEST(the_end_of_one_look_up_may_cancel_the_only_other)
{
    world self;
    thrum_deferred *one, *other;

    world_open(&self);
    other = attempt(&self, "silent.test", 60 * THRUM_S);
    one = thrum_connect_tcp(self.reactor, "none.test", 25, 60 * THRUM_S);
    thrum_deferred_add(one, NULL, cancel_the_other, other, NULL);
    thrum_deferred_finish(one);
    thrum_reactor_run(self.reactor);
    ck_assert_uint_eq(self.failed, 1);
    thrum_deferred_finish(other);
    thrum_reactor_run(self.reactor);
    world_close(&self);
}
END_TEST

/* ---- Memory ---- */

static names scenario_names;
static struct ev_loop *scenario_loop;
static const char *scenario_host;

static void scenario(void)
{
    world self = {.loop = scenario_loop};

    if (world_make(&self, scenario_names.address)) {
        self.port = 1; /* nobody is there */
        thrum_deferred_finish(attempt(&self, scenario_host, THRUM_S));
        thrum_reactor_run(self.reactor);
        ck_assert_uint_eq(self.connected, 0);
    }
    thrum_reactor_free(self.reactor);
    thrum_failure_unref(self.why);
    support_context_end(self.context);
    support_unhandled();
}

START_TEST(an_attempt_survives_every_failing_allocation)
{
    static const char *const hosts[] = {"127.0.0.1", "two.test", "none.test"};

    scenario_loop = ev_loop_new(EVFLAG_AUTO);
    names_start(&scenario_names, scenario_loop);
    scenario_host = hosts[_i];
    support_every_allocation(scenario);
    names_stop(&scenario_names);
    ev_loop_destroy(scenario_loop);
}
END_TEST

static TCase *failing(void)
{
    TCase *fails = tcase_create("it does not connect");

    tcase_add_loop_test(fails,
                        a_name_without_an_address_is_a_failure_to_resolve, 0,
                        sizeof unresolved / sizeof *unresolved);
    tcase_add_test(fails, a_very_long_name_is_cut_in_the_failure);
    tcase_add_test(fails,
                   a_name_server_that_is_no_address_is_a_failure_to_resolve);
    tcase_add_test(fails,
                   a_refusal_is_a_failure_with_the_systems_words_beneath);
    tcase_add_test(fails, without_descriptors_it_fails_and_says_so);
    tcase_add_test(fails, the_time_ends_a_look_up_that_is_not_answered);
    tcase_add_test(fails, the_time_ends_an_attempt_that_is_not_answered);
    tcase_add_loop_test(
        fails, an_address_that_does_not_answer_leaves_time_for_the_next, 0, 2);
    tcase_add_loop_test(fails, an_attempt_survives_every_failing_allocation, 0,
                        3);
    return fails;
}

int main(void)
{
    TCase *connects = tcase_create("it connects");
    TCase *stops = tcase_create("it is stopped");
    TCase *const cases[] = {connects, failing(), stops};
    int count = sizeof stages / sizeof *stages;

    loop_watchdog();
    tcase_add_loop_test(connects, a_host_is_reached_by_name_or_by_address, 0,
                        sizeof reached / sizeof *reached);
    tcase_add_test(connects, many_names_are_looked_up_at_once);
    tcase_add_test(connects, a_connection_that_nobody_takes_is_closed);
    tcase_add_test(connects, time_without_end_does_not_overflow);
    tcase_add_loop_test(stops, an_attempt_can_be_cancelled_at_each_stage, 0,
                        count);
    tcase_add_loop_test(
        stops, an_attempt_fails_when_the_reactor_ends_at_each_stage, 0, count);
    tcase_add_test(stops,
                   an_attempt_that_begins_while_the_reactor_ends_fails_too);
    tcase_add_test(stops, the_end_of_one_look_up_may_cancel_the_only_other);
    return support_main("connect", cases, sizeof cases / sizeof *cases);
}
