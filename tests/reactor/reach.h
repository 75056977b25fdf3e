/* SPDX-License-Identifier: MIT */
/*
 * A loop with a name server, a reactor that asks it, a listener, and attempts
 * to reach that.
 */
#ifndef THRUM_TESTS_REACTOR_REACH_H
#define THRUM_TESTS_REACTOR_REACH_H

#include <netinet/in.h>

#include <thrum/connect.h>
#include <thrum/listener.h>
#include <thrum/test_clock.h>

#include "tests/reactor/loop.h"
#include "tests/reactor/names.h"
#include "tests/reactor/peer.h"

typedef struct world {
    struct ev_loop *loop;
    names names;
    thrum_context *context;
    thrum_test_clock *clock; /* NULL: the reactor's own */
    thrum_reactor *reactor;
    thrum_listener *listener;
    uint16_t port;
    unsigned came;
    /* how the last attempt ended */
    unsigned connected, failed;
    char peer[80];
    thrum_failure *why;
} world;

/* Makes the context and the reactor alone; false: there was no memory. */
bool world_make(world *self, const char *nameservers);

/* Opens all but the listener. */
void world_open(world *self);

/* The same, on the clock of a test. */
void world_open_timed(world *self);

/* Listens at `self->port`, which 0 makes a new one. */
void world_listen(world *self, const char *host);

/* Turns the loop until there is nothing more to do without time. */
void world_settle(world *self);

/* Lets time pass, and settles. */
void world_pass(world *self, thrum_ns time);

void world_close(world *self);

/* Who is told of an attempt; the reactor stops then. */
thrum_outcome world_connected(void *stream, void *ctx);
thrum_outcome world_failed(const thrum_failure *why, void *ctx);

/* Begins to connect over TCP to `self->port`. */
thrum_deferred *world_attempt(world *self, const char *host, thrum_ns within);

/* Connects to `host`, and waits until that has ended. */
void world_reach(world *self, const char *host, thrum_ns within);

/* It failed with the reactor's `code`, and `text` in its words. */
void world_expect_failure(const world *self, int code, const char *text);

/* A listener whose queue is full, so that the kernel answers no more. */
typedef struct deaf {
    int listener;
    int callers[4];
} deaf;

/* At an address in figures, and a port; 0: any, and it is told. */
void deaf_open(deaf *self, const char *host, uint16_t *port);

void deaf_close(deaf *self);

#endif
