/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thrum/connect.h>

#include "tests/reactor/peer.h"

typedef struct guests {
    thrum_reactor *reactor;
    thrum_listener *listener;
    int expected, came;
    bool leave; /* the listener is freed in its own call */
    unsigned released;
} guests;

static void guest_came(thrum_listener *listener, thrum_stream *stream,
                       void *ctx)
{
    guests *self = ctx;

    ck_assert_ptr_eq(listener, self->listener);
    thrum_stream_unref(stream);
    if (++self->came == self->expected)
        thrum_reactor_stop(self->reactor);
    if (self->leave) {
        thrum_listener_free(listener);
        thrum_listener_free(listener);
        ck_assert_uint_eq(self->released, 0);
    }
}

static void guests_release(void *ctx)
{
    ((guests *)ctx)->released++;
}

static void guests_open(guests *self, const char *host, int expected)
{
    *self = (guests){.reactor = loop_start(), .expected = expected};
    self->listener = thrum_listen_tcp(self->reactor, host, 0, NULL, NULL);
    thrum_listener_accept(self->listener, guest_came, self, guests_release);
    ck_assert_ptr_nonnull(self->listener);
}

/* A plain socket, connected to the listener. */
static int guest(const guests *self)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_port = htons(thrum_listener_port(self->listener));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address),
                     0);
    return fd;
}

START_TEST(any_free_port_is_taken_and_told)
{
    char name[32];
    guests self;

    guests_open(&self, "127.0.0.1", 0);
    ck_assert_uint_gt(thrum_listener_port(self.listener), 0);
    snprintf(name, sizeof name, "127.0.0.1:%u",
             (unsigned)thrum_listener_port(self.listener));
    ck_assert_str_eq(thrum_listener_name(self.listener), name);
    thrum_listener_free(self.listener);
    ck_assert_uint_eq(self.released, 1);
    loop_end(self.reactor);
}
END_TEST

START_TEST(a_hundred_peers_at_once_all_come)
{
    int fds[100];
    guests self;

    guests_open(&self, "127.0.0.1", 100);
    for (int i = 0; i < 100; i++)
        fds[i] = guest(&self);
    thrum_reactor_run(self.reactor);
    ck_assert_int_eq(self.came, 100);
    for (int i = 0; i < 100; i++)
        close(fds[i]);
    thrum_listener_free(self.listener);
    loop_end(self.reactor);
}
END_TEST

START_TEST(a_listener_may_be_freed_in_its_own_call)
{
    int fds[3];
    guests self;

    guests_open(&self, "127.0.0.1", 0);
    self.leave = true;
    for (int i = 0; i < 3; i++)
        fds[i] = guest(&self);
    thrum_reactor_run(self.reactor); /* it kept the loop alive */
    ck_assert_int_eq(self.came, 1);
    ck_assert_uint_eq(self.released, 1);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    thrum_listener_free(NULL);
    loop_end(self.reactor);
}
END_TEST

START_TEST(a_listener_outlives_its_reactor_closed)
{
    thrum_context *context;
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    guests self;

    guests_open(&self, "127.0.0.1", 0);
    context = thrum_reactor_context(self.reactor);
    thrum_reactor_free(self.reactor);
    address.sin_port = htons(thrum_listener_port(self.listener));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address),
                     -1);
    close(fd);
    ck_assert_uint_eq(self.released, 0);
    thrum_listener_free(self.listener);
    ck_assert_uint_eq(self.released, 1);
    support_context_end(context);
}
END_TEST

static const char *const bad_hosts[] = {
    "",
    "localhost",
    "127.0.0.1.",
    "127.1",
    "::1%",
    "::1%nowhere",
    "[::1]",
    "0123456789012345678901234567890123456789012345678901234567890123",
};

START_TEST(a_host_that_is_not_in_figures_is_refused)
{
    thrum_reactor *reactor = loop_start();
    thrum_failure *why = NULL;

    ck_assert_ptr_null(
        thrum_listen_tcp(reactor, bad_hosts[_i], 25, NULL, &why));
    ck_assert(
        thrum_failure_is(why, &thrum_domain_reactor, THRUM_REACTOR_E_LISTEN));
    ck_assert_ptr_nonnull(
        strstr(thrum_failure_text(why), "this is no address in figures"));
    thrum_failure_unref(why);
    loop_end(reactor);
}
END_TEST

START_TEST(a_port_that_is_taken_is_a_failure_with_its_errno_beneath)
{
    thrum_failure *why = NULL;
    guests self;

    guests_open(&self, "127.0.0.1", 0);
    ck_assert_ptr_null(thrum_listen_tcp(self.reactor, "127.0.0.1",
                                        thrum_listener_port(self.listener),
                                        NULL, &why));
    ck_assert(thrum_failure_is(thrum_failure_cause(why), &thrum_domain_system,
                               EADDRINUSE));
    thrum_failure_unref(why);
    ck_assert_ptr_null(thrum_listen_tcp(self.reactor, "127.0.0.1",
                                        thrum_listener_port(self.listener),
                                        NULL, NULL));
    thrum_listener_free(self.listener);
    loop_end(self.reactor);
}
END_TEST

START_TEST(an_accepted_stream_serves_while_its_neighbours_number_is_reused)
{
    guests self;

    guests_open(&self, "127.0.0.1", 0);
    for (int i = 0; i < 50; i++) {
        int one = guest(&self), other = guest(&self);
        char byte;

        self.expected = self.came + 2;
        thrum_reactor_run(self.reactor);
        ck_assert_int_eq(recv(one, &byte, 1, 0), 0);
        ck_assert_int_eq(recv(other, &byte, 1, 0), 0);
        close(one);
        close(other);
    }
    ck_assert_int_eq(self.came, 100);
    thrum_listener_free(self.listener);
    loop_end(self.reactor);
}
END_TEST

/* ---- Without descriptors ---- */

static unsigned logged;

static void log_line(thrum_log_level level, const char *line, void *ctx)
{
    (void)ctx;
    ck_assert_int_eq(level, THRUM_LOG_WARNING);
    ck_assert_ptr_nonnull(strstr(line, "Too many open files"));
    logged++;
}

static struct rlimit limit_before;

static void let_descriptors_go(void *reactor)
{
    (void)reactor;
    setrlimit(RLIMIT_NOFILE, &limit_before);
}

/* The peer waits in the kernel's queue; accepting fails, rests, fails, rests,
 * and after the limit was lifted the peer comes. */
START_TEST(without_descriptors_accepting_rests_and_the_log_hears_of_it_once)
{
    thrum_context_config config = {.allocator = support_allocator(),
                                   .log = log_line};
    thrum_reactor_config with = {.context = thrum_context_new(&config)};
    guests self = {.reactor = thrum_reactor_new(&with), .expected = 1};
    struct rlimit none;
    int fd;

    self.listener = thrum_listen_tcp(self.reactor, "127.0.0.1", 0, NULL, NULL);
    thrum_listener_accept(self.listener, guest_came, &self, guests_release);
    fd = guest(&self);
    getrlimit(RLIMIT_NOFILE, &limit_before);
    none = limit_before;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
    thrum_clock_call_later(thrum_reactor_clock(self.reactor), 150 * THRUM_MS,
                           let_descriptors_go, self.reactor, NULL);
    thrum_reactor_run(self.reactor);
    ck_assert_int_eq(self.came, 1);
    ck_assert_uint_eq(logged, 1);
    close(fd);
    thrum_listener_free(self.listener);
    thrum_reactor_free(self.reactor);
    support_context_end(with.context);
}
END_TEST

/* ---- IPv6 ---- */

static thrum_outcome connected(void *stream, void *name)
{
    snprintf(name, 64, "%s", thrum_stream_peer(stream));
    return thrum_keep();
}

START_TEST(ipv6_is_written_in_brackets)
{
    char name[64] = "";
    guests self;
    thrum_deferred *connecting;

    guests_open(&self, "::1", 1);
    connecting = thrum_connect_tcp(
        self.reactor, "::1", thrum_listener_port(self.listener), 60 * THRUM_S);
    thrum_deferred_add(connecting, connected, NULL, name, NULL);
    thrum_deferred_finish(connecting);
    RUN_UNTIL(self.reactor, name[0] != '\0' && self.came == 1);
    ck_assert_str_eq(name, thrum_listener_name(self.listener));
    ck_assert_int_eq(strncmp(name, "[::1]:", 6), 0);
    thrum_listener_free(self.listener);
    loop_end(self.reactor);
}
END_TEST

/* ---- Memory ---- */

static void scenario(void)
{
    thrum_context *context = support_context();
    thrum_reactor_config config = {.context = context};
    thrum_reactor *reactor =
        context != NULL ? thrum_reactor_new(&config) : NULL;
    guests self = {0};
    thrum_failure *why = NULL;

    if (reactor != NULL) {
        thrum_listener *listener =
            thrum_listen_tcp(reactor, "127.0.0.1", 0, NULL, &why);

        thrum_listener_accept(listener, guest_came, &self, guests_release);
        ck_assert((listener == NULL) == (why != NULL));
        ck_assert_uint_eq(self.released, listener == NULL);
        thrum_failure_unref(why);
        why = NULL;
        ck_assert_ptr_null(thrum_listen_tcp(reactor, "nowhere", 0, NULL, &why));
        ck_assert_ptr_nonnull(why);
        thrum_failure_unref(why);
        thrum_listener_free(listener);
    }
    thrum_reactor_free(reactor);
    support_context_end(context);
}

START_TEST(a_listener_survives_every_failing_allocation)
{
    support_every_allocation(scenario);
}
END_TEST

int main(void)
{
    TCase *listening = tcase_create("listening");
    TCase *const cases[] = {listening};

    loop_watchdog();
    tcase_add_test(listening, any_free_port_is_taken_and_told);
    tcase_add_test(listening, a_hundred_peers_at_once_all_come);
    tcase_add_test(listening, a_listener_may_be_freed_in_its_own_call);
    tcase_add_test(listening, a_listener_outlives_its_reactor_closed);
    tcase_add_loop_test(listening, a_host_that_is_not_in_figures_is_refused, 0,
                        sizeof bad_hosts / sizeof *bad_hosts);
    tcase_add_test(listening,
                   a_port_that_is_taken_is_a_failure_with_its_errno_beneath);
    tcase_add_test(
        listening,
        an_accepted_stream_serves_while_its_neighbours_number_is_reused);
    tcase_add_test(
        listening,
        without_descriptors_accepting_rests_and_the_log_hears_of_it_once);
    tcase_add_test(listening, ipv6_is_written_in_brackets);
    tcase_add_test(listening, a_listener_survives_every_failing_allocation);
    return support_main("listener", cases, sizeof cases / sizeof *cases);
}
