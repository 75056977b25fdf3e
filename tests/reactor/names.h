/* SPDX-License-Identifier: MIT */
/*
 * A name server on loopback that answers to order, in the loop of the test.
 */
#ifndef THRUM_TESTS_REACTOR_NAMES_H
#define THRUM_TESTS_REACTOR_NAMES_H

#include <ev.h>

typedef struct names {
    struct ev_loop *loop;
    ev_io io;
    int fd;
    char address[32]; /* for the reactor's config */
    unsigned asked;
    void (*on_asked)(void *ctx);
    void *ctx;
} names;

/* Starts it. It knows:
 *     one.test      127.0.0.1
 *     two.test      127.0.0.2 and 127.0.0.1
 *     six.test      ::1
 *     empty.test    no address at all
 *     broken.test   it fails (SERVFAIL)
 *     silent.test   it does not answer
 * and of every other name, that there is none (NXDOMAIN). */
void names_start(names *self, struct ev_loop *loop);

/* Stops it. */
void names_stop(names *self);

#endif
