/* SPDX-License-Identifier: MIT */
/*
 * A name server on loopback that answers to order, in the loop of the test,
 * over UDP and, what is too long for that, over TCP.
 */
#ifndef THRUM_TESTS_REACTOR_NAMES_H
#define THRUM_TESTS_REACTOR_NAMES_H

#include <ev.h>
#include <netinet/in.h>

typedef struct names {
    struct ev_loop *loop;
    ev_io io, tcp_io;
    int fd, tcp;
    char address[32]; /* for the reactor's config */
    unsigned asked, asked_tcp;
    unsigned char held[512]; /* an answer that waits */
    size_t held_size;
    struct sockaddr_in held_for;
    void (*on_asked)(void *ctx);
    void *ctx;
} names;

/* Starts it. What it knows stands in names_zone.c; of every other name, that
 * there is none (NXDOMAIN). */
void names_start(names *self, struct ev_loop *loop);

/* Stops it. */
void names_stop(names *self);

/* Sends the answer that waits. */
void names_release(names *self);

/* What a name's answer has besides its records, or instead of them. */
enum {
    NAMES_SILENT_V4 = 1,    /* no answer for A */
    NAMES_SILENT_V6 = 2,    /* none for AAAA */
    NAMES_SILENT = 4,       /* none at all */
    NAMES_NOISE = 8,        /* others' answers, and rubbish, before it */
    NAMES_RUBBISH = 16,     /* only rubbish */
    NAMES_BROKEN_DATA = 32, /* a record's data is too short */
    NAMES_CUT = 64,         /* ends in the midst of a record */
    NAMES_MANY = 128,       /* 40 MX */
    NAMES_HELD_V6 = 256,    /* the answer for AAAA waits for names_release */
    NAMES_HELD_V4 = 512     /* that for A */
};

enum {
    NAMES_A = 1,
    NAMES_CNAME = 5,
    NAMES_MX = 15,
    NAMES_TXT = 16,
    NAMES_AAAA = 28,
    NAMES_SRV = 33
};

typedef struct names_record {
    const char *name;
    int type;
    const char *text; /* TXT: strings are parted by "|" */
    unsigned priority, weight, port;
    unsigned ttl; /* 0: 60; NAMES_TTL_0: none */
} names_record;

#define NAMES_TTL_0 0xffffffffu

typedef struct names_special {
    const char *name;
    int code; /* of the answer */
    int what;
} names_special;

/* Both end with a row without a name. */
extern const names_record names_records[];
extern const names_special names_specials[];

#endif
