/* SPDX-License-Identifier: MIT */
/*
 * The order of records, and of addresses; chance is passed in.
 */
#ifndef THRUM_REACTOR_ORDER_H
#define THRUM_REACTOR_ORDER_H

#include <stdbool.h>

#include <thrum/records.h>

#include "reactor/address.h"

/* Answers a number from 0 to `most`, all of them alike. */
typedef uint32_t thrum__chance_fn(uint32_t most, void *ctx);

/* The system's chance (getrandom). Where it has none yet: 0. */
uint32_t thrum__chance(uint32_t most, void *ctx);

/* Puts hosts in the order in which they are to be tried: by priority; those of
 * the same one by chance (RFC 5321, section 5.1), for SRV by chance and weight
 * (RFC 2782). */
void thrum__order_hosts(thrum_record *records, size_t count,
                        thrum_record_type type, thrum__chance_fn *chance,
                        void *ctx);

/* An address, and the one from which this machine would call it. */
typedef struct thrum__route {
    thrum__address address;
    thrum__address source;
    bool usable; /* there is a source */
} thrum__route;

/* Asks the system for the source; no packet leaves. Without descriptors all
 * addresses are as good. */
void thrum__route_find(thrum__route *route);

/* Sorts them as RFC 6724, section 6, wants: rules 1, 2, 5, 6, 8 and 9; of the
 * others a program learns nothing. What is alike keeps its order. */
void thrum__order_routes(thrum__route *routes, size_t count);

#endif
