/* SPDX-License-Identifier: MIT */
/*
 * What came of a question to the DNS, read from the bytes of the answer without
 * any I/O (RFC 1035, 2181, 2782, 3596, 7505). It does not change once it was
 * made, and several hold it.
 */
#ifndef THRUM_REACTOR_ANSWER_H
#define THRUM_REACTOR_ANSWER_H

#include <thrum/records.h>

/* The types that are asked for, as the DNS numbers them. */
enum {
    THRUM__DNS_A = 1,
    THRUM__DNS_CNAME = 5,
    THRUM__DNS_MX = 15,
    THRUM__DNS_TXT = 16,
    THRUM__DNS_AAAA = 28,
    THRUM__DNS_SRV = 33
};

typedef enum thrum__answer_kind {
    THRUM__ANSWER_FOUND,
    THRUM__ANSWER_NO_NAME,     /* NXDOMAIN */
    THRUM__ANSWER_NO_RECORDS,  /* the name has none of the type */
    THRUM__ANSWER_NOT_OFFERED, /* a null MX (RFC 7505), an SRV to "." */
    THRUM__ANSWER_FAILED       /* `words` say why; asking again may help */
} thrum__answer_kind;

typedef struct thrum__answer {
    thrum_context *context;
    unsigned refs;
    thrum__answer_kind kind;
    const char *words; /* static; why there are no records */
    uint32_t ttl;      /* seconds */
    size_t size;       /* of its memory */
    size_t count;
    thrum_record records[];
} thrum__answer;

/* An answer without records. Ownership: new. Errors: NULL, no memory. */
thrum__answer *thrum__answer_none(thrum_context *context,
                                  thrum__answer_kind kind, const char *words);

/* Reads the answer to the question for records of `type` (not CNAME) of `name`,
 * in lower case and without a dot at its end. Aliases (CNAME) are followed
 * within the answer. Hosts that no name could have, and what is past the
 * first 512 records, are left out. The order is the answer's.
 * Ownership: new. Errors: NULL, no memory. */
thrum__answer *thrum__answer_parse(thrum_context *context,
                                   const unsigned char *message, size_t size,
                                   const char *name, int type);

/* One more holder. */
thrum__answer *thrum__answer_ref(thrum__answer *answer);

/* One holder less. NULL is nothing. */
void thrum__answer_unref(thrum__answer *answer);

#endif
