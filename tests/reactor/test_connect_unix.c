/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reactor/endpoint.h"
#include "tests/reactor/reach.h"

/* A world on a clock, and a plain socket that listens in a folder. */
typedef struct place {
    world world;
    char folder[40];
    char path[80];
    int listener;
} place;

static void place_open(place *self, bool abstract)
{
    struct sockaddr_un address;
    socklen_t size;

    world_open_timed(&self->world);
    snprintf(self->folder, sizeof self->folder, "/tmp/thrum-unix-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(self->folder));
    snprintf(self->path, sizeof self->path, "%s%s/it", abstract ? "@" : "",
             self->folder);
    self->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    size = thrum__endpoint_unix(&address, self->path);
    ck_assert_int_eq(bind(self->listener, (struct sockaddr *)&address, size),
                     0);
    listen(self->listener, 0);
}

static void place_close(place *self)
{
    close(self->listener);
    unlink(self->path);
    rmdir(self->folder);
    world_close(&self->world);
}

static thrum_deferred *begin(place *self, const char *path)
{
    thrum_deferred *connecting =
        thrum_connect_unix(self->world.reactor, path, THRUM_S);

    thrum_deferred_add(connecting, world_connected, world_failed, &self->world,
                       NULL);
    return connecting;
}

static void reach(place *self, const char *path)
{
    thrum_deferred *connecting = begin(self, path);

    ck_assert_uint_eq(self->world.connected + self->world.failed, 0);
    world_settle(&self->world);
    thrum_deferred_finish(connecting);
    world_settle(&self->world);
}

START_TEST(a_socket_is_reached_by_its_path)
{
    char name[100];
    place self = {.listener = -1};

    place_open(&self, _i == 1);
    reach(&self, self.path);
    ck_assert_uint_eq(self.world.connected, 1);
    snprintf(name, sizeof name, "unix:%s", self.path);
    ck_assert_str_eq(self.world.peer, name);
    place_close(&self);
}
END_TEST

START_TEST(a_failure_names_the_path)
{
    char text[120], missing[120];
    place self = {.listener = -1};

    place_open(&self, false);
    close(self.listener);
    self.listener = -1;
    reach(&self, self.path);
    snprintf(text, sizeof text, "cannot connect to unix:%s", self.path);
    world_expect_failure(&self.world, THRUM_REACTOR_E_CONNECT, text);
    ck_assert(thrum_failure_is(thrum_failure_cause(self.world.why),
                               &thrum_domain_system, ECONNREFUSED));
    snprintf(missing, sizeof missing, "%s.not", self.path);
    self.world.failed = 0;
    reach(&self, missing);
    world_expect_failure(&self.world, THRUM_REACTOR_E_CONNECT, missing);
    ck_assert(thrum_failure_is(thrum_failure_cause(self.world.why),
                               &thrum_domain_system, ENOENT));
    place_close(&self);
}
END_TEST

START_TEST(what_is_no_path_is_refused)
{
    static const char *const paths[] = {
        "",
        "/",
        "@",
        "relative",
        "./relative",
        "/0123456789012345678901234567890123456789012345678901234567890123456"
        "789012345678901234567890123456789012345678"};
    place self = {.listener = -1};

    place_open(&self, false);
    reach(&self, paths[_i]);
    ck_assert_uint_eq(self.world.failed, 1);
    ck_assert(
        thrum_failure_is(self.world.why, &thrum_domain_base, THRUM_E_INVALID));
    ck_assert_ptr_nonnull(
        strstr(thrum_failure_text(self.world.why), "cannot connect to unix:"));
    place_close(&self);
}
END_TEST

/* Fills the queue of who listens; returns how many callers that took. */
enum { CALLERS = 300 };

static int fill(place *self, int callers[CALLERS])
{
    struct sockaddr_un address;
    socklen_t size = thrum__endpoint_unix(&address, self->path);
    int count = 0, status;

    do {
        ck_assert_int_lt(count, CALLERS);
        callers[count] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        status = connect(callers[count++], (struct sockaddr *)&address, size);
    } while (status == 0);
    ck_assert_int_eq(errno, EAGAIN);
    return count;
}

static void leave(const int *callers, int count)
{
    while (count > 0)
        close(callers[--count]);
}

START_TEST(a_queue_that_is_full_is_tried_again)
{
    int callers[CALLERS], count, taken = 0;
    thrum_deferred *connecting;
    place self = {.listener = -1};

    place_open(&self, false);
    count = fill(&self, callers);
    connecting = begin(&self, self.path);
    world_pass(&self.world, 500 * THRUM_MS);
    ck_assert_uint_eq(self.world.connected + self.world.failed, 0);
    while (self.world.connected == 0 && taken++ < count) {
        close(accept(self.listener, NULL, NULL));
        world_pass(&self.world, 10 * THRUM_MS);
        ck_assert_uint_eq(self.world.failed, 0);
    }
    ck_assert_uint_eq(self.world.connected, 1);
    thrum_deferred_finish(connecting);
    leave(callers, count);
    place_close(&self);
}
END_TEST

START_TEST(the_time_ends_the_wait_for_a_full_queue)
{
    int callers[CALLERS], count;
    thrum_deferred *connecting;
    place self = {.listener = -1};

    place_open(&self, false);
    count = fill(&self, callers);
    connecting = begin(&self, self.path);
    world_pass(&self.world, THRUM_S);
    world_expect_failure(&self.world, THRUM_REACTOR_E_TIMEOUT,
                         "the time is over: connecting to unix:/tmp/");
    thrum_deferred_finish(connecting);
    leave(callers, count);
    place_close(&self);
}
END_TEST

START_TEST(it_can_be_cancelled_and_ends_with_the_reactor)
{
    int callers[CALLERS], count;
    thrum_deferred *connecting;
    place self = {.listener = -1};

    place_open(&self, false);
    count = fill(&self, callers);
    connecting = begin(&self, self.path);
    world_pass(&self.world, 20 * THRUM_MS);
    if (_i == 0) {
        thrum_deferred_cancel(connecting);
        ck_assert_uint_eq(self.world.failed, 1);
        ck_assert_uint_eq(thrum_test_clock_pending(self.world.clock), 0);
    } else {
        thrum_reactor_free(self.world.reactor);
        self.world.reactor = NULL;
        world_expect_failure(&self.world, THRUM_REACTOR_E_STOPPED, self.path);
    }
    thrum_deferred_finish(connecting);
    leave(callers, count);
    place_close(&self);
}
END_TEST

static place base;

static void scenario(void)
{
    place self = {.listener = -1};
    world *here = &self.world;

    here->loop = base.world.loop;
    here->context = support_context();
    if (here->context != NULL)
        here->clock = thrum_test_clock_new(here->context);
    if (here->clock != NULL && world_make(here, NULL)) {
        thrum_deferred_finish(begin(&self, base.path));
        world_settle(here);
        thrum_deferred_finish(begin(&self, "relative"));
        world_settle(here);
    }
    thrum_reactor_free(here->reactor);
    thrum_failure_unref(here->why);
    thrum_test_clock_free(here->clock);
    support_context_end(here->context);
    support_unhandled();
    for (int fd; (fd = accept4(base.listener, NULL, NULL, 0)) >= 0;)
        close(fd);
}

START_TEST(it_survives_every_failing_allocation)
{
    place_open(&base, false);
    listen(base.listener, 5);
    fcntl(base.listener, F_SETFL, O_NONBLOCK);
    thrum_reactor_free(base.world.reactor); /* the loop is the scenario's */
    base.world.reactor = NULL;
    support_every_allocation(scenario);
    place_close(&base);
}
END_TEST

int main(void)
{
    TCase *connects = tcase_create("UNIX sockets");
    TCase *const cases[] = {connects};

    loop_watchdog();
    tcase_add_loop_test(connects, a_socket_is_reached_by_its_path, 0, 2);
    tcase_add_test(connects, a_failure_names_the_path);
    tcase_add_loop_test(connects, what_is_no_path_is_refused, 0, 6);
    tcase_add_test(connects, a_queue_that_is_full_is_tried_again);
    tcase_add_test(connects, the_time_ends_the_wait_for_a_full_queue);
    tcase_add_loop_test(connects, it_can_be_cancelled_and_ends_with_the_reactor,
                        0, 2);
    tcase_add_test(connects, it_survives_every_failing_allocation);
    return support_main("connect_unix", cases, sizeof cases / sizeof *cases);
}
