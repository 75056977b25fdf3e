/* SPDX-License-Identifier: MIT */
#include "tests/reactor/reach.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reactor/address.h"

static void came(thrum_listener *listener, thrum_stream *stream, void *ctx)
{
    (void)listener;
    ((world *)ctx)->came++;
    thrum_stream_unref(stream);
}

bool world_make(world *self, const char *nameservers)
{
    thrum_reactor_config config = {.nameservers = nameservers};

    if (self->context == NULL)
        self->context = support_context();
    config.context = self->context;
    config.loop = self->loop;
    if (self->clock != NULL)
        config.clock = thrum_test_clock_clock(self->clock);
    if (self->context != NULL)
        self->reactor = thrum_reactor_new(&config);
    return self->reactor != NULL;
}

void world_listen(world *self, const char *host)
{
    self->listener =
        thrum_listen_tcp(self->reactor, host, self->port, NULL, NULL);
    thrum_listener_accept(self->listener, came, self, NULL);
    ck_assert_ptr_nonnull(self->listener);
    self->port = thrum_listener_port(self->listener);
}

void world_open(world *self)
{
    memset(self, 0, sizeof *self);
    self->loop = ev_loop_new(EVFLAG_AUTO);
    names_start(&self->names, self->loop);
    ck_assert(world_make(self, self->names.address));
}

void world_open_timed(world *self)
{
    memset(self, 0, sizeof *self);
    self->loop = ev_loop_new(EVFLAG_AUTO);
    names_start(&self->names, self->loop);
    self->context = support_context();
    self->clock = thrum_test_clock_new(self->context);
    ck_assert(world_make(self, self->names.address));
}

void world_settle(world *self)
{
    while (thrum_reactor_turn(self->reactor) == 1)
        continue;
}

void world_pass(world *self, thrum_ns time)
{
    world_settle(self);
    thrum_test_clock_advance(self->clock, time);
    world_settle(self);
}

void world_close(world *self)
{
    thrum_listener_free(self->listener);
    thrum_reactor_free(self->reactor);
    thrum_failure_unref(self->why);
    thrum_test_clock_free(self->clock);
    support_context_end(self->context);
    names_stop(&self->names);
    ck_assert_int_eq(ev_run(self->loop, EVRUN_NOWAIT), 0);
    ev_loop_destroy(self->loop);
}

thrum_outcome world_connected(void *stream, void *ctx)
{
    world *self = ctx;

    self->connected++;
    snprintf(self->peer, sizeof self->peer, "%s", thrum_stream_peer(stream));
    thrum_reactor_stop(self->reactor);
    return thrum_keep();
}

thrum_outcome world_failed(const thrum_failure *why, void *ctx)
{
    world *self = ctx;

    self->failed++;
    thrum_failure_unref(self->why);
    self->why = thrum_failure_ref(why);
    thrum_reactor_stop(self->reactor);
    return thrum_done();
}

thrum_deferred *world_attempt(world *self, const char *host, thrum_ns within)
{
    thrum_deferred *connecting =
        thrum_connect_tcp(self->reactor, host, self->port, within);

    thrum_deferred_add(connecting, world_connected, world_failed, self, NULL);
    return connecting;
}

void world_reach(world *self, const char *host, thrum_ns within)
{
    unsigned before = self->connected + self->failed;

    thrum_deferred_finish(world_attempt(self, host, within));
    ck_assert_uint_eq(self->connected + self->failed, before);
    RUN_UNTIL(self->reactor, self->connected + self->failed > before);
}

void world_expect_failure(const world *self, int code, const char *text)
{
    ck_assert_uint_eq(self->connected, 0);
    ck_assert_ptr_nonnull(self->why);
    ck_assert_msg(thrum_failure_is(self->why, &thrum_domain_reactor, code) &&
                      strstr(thrum_failure_text(self->why), text) != NULL,
                  "%d %s", thrum_failure_code(self->why),
                  thrum_failure_text(self->why));
}

void deaf_open(deaf *self, const char *host, uint16_t *port)
{
    thrum__address address;
    socklen_t size = sizeof address;
    int yes = 1;

    ck_assert_int_eq(thrum__address_read(&address, host, *port), 0);
    self->listener = socket(address.any.sa_family, SOCK_STREAM, 0);
    setsockopt(self->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ck_assert_int_eq(
        bind(self->listener, &address.any, thrum__address_size(&address)), 0);
    listen(self->listener, 0);
    getsockname(self->listener, &address.any, &size);
    *port = thrum__address_port(&address);
    for (int i = 0; i < 4; i++) {
        self->callers[i] =
            socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(self->callers[i], &address.any, size);
    }
}

void deaf_close(deaf *self)
{
    for (int i = 0; i < 4; i++)
        close(self->callers[i]);
    close(self->listener);
}
