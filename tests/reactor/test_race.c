/* SPDX-License-Identifier: MIT */
/*
 * Addresses that race, on the clock of a test; what the system says to a
 * connect is scripted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "reactor/address.h"
#include "tests/reactor/reach.h"

/* What a call of connect meets. */
enum { AS_IT_IS, MUTE, ITSELF, UNREACHABLE };
enum { CALLS = 8, SCRIPT_END = 99 };

static struct {
    const int *script;      /* ends with SCRIPT_END; then: as it is */
    thrum__address mute[2]; /* IPv4, IPv6: nobody accepts there */
    int calls;
    char called[CALLS][THRUM__ADDRESS_TEXT];
} network;

static int connect_really(int fd, const struct sockaddr *address,
                          socklen_t size)
{
    return (int)syscall(SYS_connect, fd, address, size);
}

static bool is_raced(int fd, const struct sockaddr *address)
{
    int type = 0;
    socklen_t size = sizeof type;

    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
    return network.script != NULL && network.calls < CALLS &&
           type == SOCK_STREAM &&
           (address->sa_family == AF_INET || address->sa_family == AF_INET6);
}

/* In place of the C library's: the reactor's calls come here. */
int connect(int fd, const struct sockaddr *address, socklen_t size);
int connect(int fd, const struct sockaddr *address, socklen_t size)
{
    const thrum__address *mute = &network.mute[address->sa_family == AF_INET6];

    if (!is_raced(fd, address))
        return connect_really(fd, address, size);
    thrum__address_write((const thrum__address *)(const void *)address,
                         network.called[network.calls++]);
    switch (*network.script == SCRIPT_END ? AS_IT_IS : *network.script++) {
    case MUTE:
        return connect_really(fd, &mute->any, thrum__address_size(mute));
    case UNREACHABLE:
        errno = ENETUNREACH;
        return -1;
    case ITSELF:
        ck_assert_int_eq(bind(fd, address, size), 0);
        return connect_really(fd, address, size);
    default:
        return connect_really(fd, address, size);
    }
}

/* A world on a clock, with somebody who is deaf in each family. */
typedef struct track {
    world world;
    deaf nobody[2];
    thrum_deferred *connecting;
    int descriptors; /* before it was begun */
} track;

static void network_open(deaf nobody[2], const int *script)
{
    static const char *const hosts[2] = {"127.0.0.1", "::1"};

    memset(&network, 0, sizeof network);
    for (int i = 0; i < 2; i++) {
        uint16_t port = 0;

        deaf_open(&nobody[i], hosts[i], &port);
        thrum__address_read(&network.mute[i], hosts[i], port);
    }
    network.script = script;
}

static void network_close(deaf nobody[2])
{
    network.script = NULL;
    deaf_close(&nobody[0]);
    deaf_close(&nobody[1]);
}

/* Listens at `listen` (NULL: nobody does), and begins to connect to `host`. */
static void track_open(track *self, const char *listen, const char *host,
                       const int *script)
{
    world *here = &self->world;

    world_open_timed(here);
    network_open(self->nobody, NULL);
    world_listen(here, listen != NULL ? listen : "127.0.0.9");
    if (listen == NULL) {
        thrum_listener_free(here->listener);
        here->listener = NULL;
    }
    world_settle(here);
    network.script = script;
    self->descriptors = support_descriptors();
    self->connecting = world_attempt(here, host, 10 * THRUM_S);
    world_settle(here);
}

static void track_close(track *self)
{
    thrum_deferred_finish(self->connecting);
    world_settle(&self->world);
    network_close(self->nobody);
    world_close(&self->world);
}

/* So many calls were made, the last one to `host`. */
static void track_expect_calls(const track *self, int calls, const char *host)
{
    char text[THRUM__ADDRESS_TEXT];

    snprintf(text, sizeof text, "%s:%u", host, (unsigned)self->world.port);
    ck_assert_int_eq(network.calls, calls);
    ck_assert_str_eq(network.called[calls - 1], text);
}

START_TEST(the_next_address_joins_in_after_250_ms)
{
    static const int script[] = {MUTE, SCRIPT_END};
    track self;

    track_open(&self, "127.0.0.2", "three.test", script);
    track_expect_calls(&self, 1, "127.0.0.1");
    world_pass(&self.world, 250 * THRUM_MS - 1);
    ck_assert_int_eq(network.calls, 1);
    world_pass(&self.world, 1);
    track_expect_calls(&self, 2, "127.0.0.2");
    ck_assert_uint_eq(self.world.connected, 1);
    ck_assert_str_eq(self.world.peer, thrum_listener_name(self.world.listener));
    track_close(&self);
}
END_TEST

START_TEST(after_a_failure_the_next_one_begins_at_once)
{
    static const int script[] = {UNREACHABLE, AS_IT_IS, SCRIPT_END};
    track self;

    track_open(&self, "127.0.0.3", "three.test", script);
    track_expect_calls(&self, 3, "127.0.0.3");
    ck_assert_uint_eq(self.world.connected, 1);
    track_close(&self);
}
END_TEST

START_TEST(each_start_begins_the_delay_anew)
{
    static const int script[] = {MUTE, MUTE, SCRIPT_END};
    track self;

    track_open(&self, "127.0.0.3", "three.test", script);
    world_pass(&self.world, 250 * THRUM_MS);
    track_expect_calls(&self, 2, "127.0.0.2");
    world_pass(&self.world, 250 * THRUM_MS - 1);
    ck_assert_int_eq(network.calls, 2);
    world_pass(&self.world, 1);
    track_expect_calls(&self, 3, "127.0.0.3");
    ck_assert_uint_eq(self.world.connected, 1);
    track_close(&self);
}
END_TEST

START_TEST(the_others_are_closed_when_one_has_won)
{
    static const int script[] = {MUTE, MUTE, SCRIPT_END};
    track self;

    track_open(&self, "127.0.0.3", "three.test", script);
    for (int i = 0; i < 2; i++)
        world_pass(&self.world, 250 * THRUM_MS);
    ck_assert_uint_eq(self.world.connected, 1);
    thrum_deferred_finish(self.connecting); /* and with it the stream */
    self.connecting = NULL;
    world_settle(&self.world);
    ck_assert_int_eq(support_descriptors(), self.descriptors);
    self.connecting = thrum_deferred_succeed(self.world.context, NULL, NULL);
    track_close(&self);
}
END_TEST

START_TEST(the_families_take_turns)
{
    static const char *const order[] = {"[::1]", "127.0.0.1", "[2001:db8::2]",
                                        "127.0.0.2", "127.0.0.3"};
    static const int script[] = {MUTE,        UNREACHABLE, UNREACHABLE,
                                 UNREACHABLE, UNREACHABLE, SCRIPT_END};
    char text[THRUM__ADDRESS_TEXT + 20];
    track self;

    track_open(&self, NULL, "families.test", script);
    world_pass(&self.world, 250 * THRUM_MS);
    ck_assert_int_eq(network.calls, 5);
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof text, "%s:%u", order[i],
                 (unsigned)self.world.port);
        ck_assert_str_eq(network.called[i], text);
    }
    ck_assert_uint_eq(self.world.failed, 0);
    thrum_deferred_cancel(self.connecting);
    track_close(&self);
}
END_TEST

START_TEST(when_all_have_failed_the_last_one_is_told)
{
    static const int script[] = {AS_IT_IS, AS_IT_IS, UNREACHABLE, SCRIPT_END};
    track self;

    track_open(&self, NULL, "three.test", script);
    ck_assert_int_eq(network.calls, 3);
    world_expect_failure(&self.world, THRUM_REACTOR_E_CONNECT,
                         "cannot connect to three.test:");
    world_expect_failure(&self.world, THRUM_REACTOR_E_CONNECT,
                         " at 127.0.0.3:");
    ck_assert(thrum_failure_is(thrum_failure_cause(self.world.why),
                               &thrum_domain_system, ENETUNREACH));
    track_close(&self);
}
END_TEST

START_TEST(ipv4_waits_50_ms_for_ipv6)
{
    static const int script[] = {SCRIPT_END};
    track self;

    track_open(&self, "127.0.0.1", "six-lost.test", script);
    world_pass(&self.world, 50 * THRUM_MS - 1);
    ck_assert_int_eq(network.calls, 0);
    world_pass(&self.world, 1);
    track_expect_calls(&self, 1, "127.0.0.1");
    ck_assert_uint_eq(self.world.connected, 1);
    track_close(&self);
}
END_TEST

START_TEST(ipv6_waits_for_nobody)
{
    static const int script[] = {SCRIPT_END};
    track self;

    track_open(&self, "::1", "four-lost.test", script);
    track_expect_calls(&self, 1, "[::1]");
    ck_assert_uint_eq(self.world.connected, 1);
    track_close(&self);
}
END_TEST

START_TEST(a_late_family_joins_in_next)
{
    static const int script[] = {MUTE, SCRIPT_END};
    track self;

    track_open(&self, "::1", "late-six.test", script);
    world_pass(&self.world, 50 * THRUM_MS);
    track_expect_calls(&self, 1, "127.0.0.1");
    world_pass(&self.world, 100 * THRUM_MS);
    names_release(&self.world.names);
    world_pass(&self.world, 150 * THRUM_MS - 1);
    ck_assert_int_eq(network.calls, 1);
    world_pass(&self.world, 1);
    track_expect_calls(&self, 2, "[::1]");
    ck_assert_uint_eq(self.world.connected, 1);
    track_close(&self);
}
END_TEST

START_TEST(a_late_family_begins_at_once_when_the_delay_is_over)
{
    static const int script[] = {MUTE, SCRIPT_END};
    track self;

    track_open(&self, "127.0.0.1", "late-four.test", script);
    track_expect_calls(&self, 1, "[::1]");
    world_pass(&self.world, 400 * THRUM_MS);
    ck_assert_int_eq(network.calls, 1);
    names_release(&self.world.names);
    world_settle(&self.world);
    track_expect_calls(&self, 2, "127.0.0.1");
    ck_assert_uint_eq(self.world.connected, 1);
    track_close(&self);
}
END_TEST

START_TEST(a_late_family_is_waited_for_when_all_others_failed)
{
    static const int script[] = {UNREACHABLE, SCRIPT_END};
    track self;

    track_open(&self, "127.0.0.1", "late-four.test", script);
    track_expect_calls(&self, 1, "[::1]");
    ck_assert_uint_eq(self.world.failed, 0);
    names_release(&self.world.names);
    world_settle(&self.world);
    ck_assert_uint_eq(self.world.connected, 1);
    track_close(&self);
}
END_TEST

START_TEST(a_late_family_without_addresses_ends_a_race_that_is_lost)
{
    static const int script[] = {UNREACHABLE, SCRIPT_END};
    track self;

    track_open(&self, NULL, "late-none.test", script);
    world_pass(&self.world, 50 * THRUM_MS);
    track_expect_calls(&self, 1, "127.0.0.1");
    ck_assert_uint_eq(self.world.failed, 0);
    names_release(&self.world.names);
    world_settle(&self.world);
    world_expect_failure(&self.world, THRUM_REACTOR_E_CONNECT,
                         "late-none.test");
    track_close(&self);
}
END_TEST

START_TEST(a_socket_that_meets_itself_was_refused)
{
    static const int script[] = {ITSELF, SCRIPT_END};
    track self;

    /* An address at which no other program's port may be the same. */
    track_open(&self, NULL, "127.0.0.78", script);
    world_expect_failure(&self.world, THRUM_REACTOR_E_CONNECT, "127.0.0.78:");
    ck_assert(thrum_failure_is(thrum_failure_cause(self.world.why),
                               &thrum_domain_system, ECONNREFUSED));
    track_close(&self);
}
END_TEST

START_TEST(the_time_ends_a_race)
{
    static const int script[] = {MUTE, MUTE, MUTE, SCRIPT_END};
    track self;

    track_open(&self, NULL, "three.test", script);
    world_pass(&self.world, 10 * THRUM_S - 1);
    ck_assert_int_eq(network.calls, 3);
    ck_assert_uint_eq(self.world.failed, 0);
    world_pass(&self.world, 1);
    world_expect_failure(&self.world, THRUM_REACTOR_E_TIMEOUT,
                         "the time is over: connecting to three.test:");
    world_expect_failure(&self.world, THRUM_REACTOR_E_TIMEOUT,
                         " at 127.0.0.3:");
    ck_assert_int_eq(support_descriptors(), self.descriptors);
    track_close(&self);
}
END_TEST

START_TEST(a_race_can_be_cancelled)
{
    static const int script[] = {MUTE, MUTE, SCRIPT_END};
    track self;

    track_open(&self, NULL, "three.test", script);
    world_pass(&self.world, 250 * THRUM_MS);
    ck_assert_int_eq(network.calls, 2);
    thrum_deferred_cancel(self.connecting);
    ck_assert_uint_eq(self.world.failed, 1);
    ck_assert_int_eq(support_descriptors(), self.descriptors);
    ck_assert_uint_eq(thrum_test_clock_pending(self.world.clock), 0);
    track_close(&self);
}
END_TEST

START_TEST(a_race_ends_with_the_reactor)
{
    static const int script[] = {MUTE, MUTE, SCRIPT_END};
    track self;

    track_open(&self, NULL, "three.test", script);
    world_pass(&self.world, 250 * THRUM_MS);
    thrum_reactor_free(self.world.reactor);
    self.world.reactor = NULL;
    world_expect_failure(&self.world, THRUM_REACTOR_E_STOPPED, "three.test");
    thrum_deferred_finish(self.connecting);
    network_close(self.nobody);
    world_close(&self.world);
}
END_TEST

/* ---- Memory ---- */

static world base;

static void scenario(void)
{
    static const int script[] = {MUTE, UNREACHABLE, SCRIPT_END};
    world self = {.loop = base.loop, .port = base.port};

    self.context = support_context();
    if (self.context != NULL)
        self.clock = thrum_test_clock_new(self.context);
    if (self.clock != NULL && world_make(&self, base.names.address)) {
        network.calls = 0;
        network.script = script;
        thrum_deferred_finish(world_attempt(&self, "late-six.test", THRUM_S));
        world_pass(&self, 50 * THRUM_MS);
        if (base.names.held_size > 0)
            names_release(&base.names);
        for (int i = 0; i < 4; i++)
            world_pass(&self, 250 * THRUM_MS);
        ck_assert_uint_eq(self.connected, 0);
    }
    thrum_reactor_free(self.reactor);
    thrum_failure_unref(self.why);
    thrum_test_clock_free(self.clock);
    support_context_end(self.context);
    support_unhandled();
}

START_TEST(a_race_survives_every_failing_allocation)
{
    deaf nobody[2];

    base.loop = ev_loop_new(EVFLAG_AUTO);
    base.port = 1; /* nobody is there */
    names_start(&base.names, base.loop);
    network_open(nobody, NULL);
    support_every_allocation(scenario);
    network_close(nobody);
    names_stop(&base.names);
    ev_loop_destroy(base.loop);
}
END_TEST

int main(void)
{
    TCase *races = tcase_create("races");
    TCase *ends = tcase_create("their ends");
    TCase *const cases[] = {races, ends};

    loop_watchdog();
    tcase_add_test(races, the_next_address_joins_in_after_250_ms);
    tcase_add_test(races, after_a_failure_the_next_one_begins_at_once);
    tcase_add_test(races, each_start_begins_the_delay_anew);
    tcase_add_test(races, the_others_are_closed_when_one_has_won);
    tcase_add_test(races, the_families_take_turns);
    tcase_add_test(races, when_all_have_failed_the_last_one_is_told);
    tcase_add_test(races, ipv4_waits_50_ms_for_ipv6);
    tcase_add_test(races, ipv6_waits_for_nobody);
    tcase_add_test(races, a_late_family_joins_in_next);
    tcase_add_test(races, a_late_family_begins_at_once_when_the_delay_is_over);
    tcase_add_test(races, a_late_family_is_waited_for_when_all_others_failed);
    tcase_add_test(races,
                   a_late_family_without_addresses_ends_a_race_that_is_lost);
    tcase_add_test(races, a_socket_that_meets_itself_was_refused);
    tcase_add_test(ends, the_time_ends_a_race);
    tcase_add_test(ends, a_race_can_be_cancelled);
    tcase_add_test(ends, a_race_ends_with_the_reactor);
    tcase_add_test(ends, a_race_survives_every_failing_allocation);
    return support_main("race", cases, sizeof cases / sizeof *cases);
}
