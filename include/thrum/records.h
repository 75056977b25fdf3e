/* SPDX-License-Identifier: MIT */
/*
 * Records of the DNS (and of the hosts file), looked up without a thread, by
 * c-ares on the loop. Answers are kept for as long as they say (TTL), at most
 * 1,024 of them and none longer than an hour; that there are none is kept for
 * a minute.
 */
#ifndef THRUM_RECORDS_H
#define THRUM_RECORDS_H

#include <thrum/reactor.h>

THRUM_BEGIN

typedef struct thrum_records thrum_records;

typedef enum thrum_record_type {
    THRUM_RECORD_ADDRESS, /* A and AAAA together, and the hosts file */
    THRUM_RECORD_MX,
    THRUM_RECORD_TXT,
    THRUM_RECORD_SRV
} thrum_record_type;

/* One record. `text` is an address in figures, a host's name, or the bytes of
 * a TXT record, its strings joined; a NUL stands behind it. */
typedef struct thrum_record {
    const char *text;
    size_t size;
    uint16_t priority; /* MX, SRV: lowest first */
    uint16_t weight;   /* SRV */
    uint16_t port;     /* SRV */
} thrum_record;

/* Looks up the records of a type. A name outside ASCII is looked up as its
 * A-label (IDNA2008). Fires with a thrum_records, of at least one record: those
 * with a priority in its order, equal ones by chance, those with a weight by
 * chance and weight (RFC 2782); addresses as RFC 6724 sorts them. An address in
 * figures is its own record; a short name is searched in the domains of
 * resolv.conf, but only for its addresses. Who asks for the same at the same
 * time shares one query.
 * Fails with THRUM_REACTOR_E_NO_RECORDS (there is no such name, or it has none
 * of the type; with NOT_OFFERED beneath the domain says itself that it has no
 * such service: RFC 7505's null MX, an SRV to "."), RESOLVE (the answer could
 * not be had; trying again may help) or TIMEOUT. THRUM_E_INVALID: it can be no
 * name. When the time is over and the addresses of one family are there, it
 * fires with those. Cancelling stops it.
 * Ownership: new. Calls back: never before this returns. Errors: NULL, no
 * memory. */
THRUM_API thrum_deferred *thrum_records_lookup(thrum_reactor *reactor,
                                               thrum_record_type type,
                                               const char *name,
                                               thrum_ns within);

/* How many there are. */
THRUM_API size_t thrum_records_count(const thrum_records *records);

/* The record at `index`, from 0. Ownership: borrowed. NULL: there are fewer. */
THRUM_API const thrum_record *thrum_records_at(const thrum_records *records,
                                               size_t index);

/* How long they hold, counted from when they were told. */
THRUM_API thrum_ns thrum_records_ttl(const thrum_records *records);

/* Frees them. Takes a void pointer, to serve as a value's release function.
 * NULL is nothing. */
THRUM_API void thrum_records_free(void *records);

THRUM_END

#endif
