/* SPDX-License-Identifier: MIT */
/*
 * The parameters of MAIL and RCPT (RFC 5321 section 4.1.2, "esmtp-param"), each
 * as its own document writes it: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8
 * (RFC 6531), AUTH (RFC 4954), RET, ENVID, NOTIFY and ORCPT (RFC 3461). All of
 * it is strict: what a client writes is right, or it is refused.
 */
#ifndef THRUM_CLI_SINK_PARAMETER_H
#define THRUM_CLI_SINK_PARAMETER_H

#include <stdbool.h>
#include <stdint.h>

#include <thrum/api.h>

enum {
    SINK_ENVID_MAX = 100, /* RFC 3461 section 4.4 */
    SINK_ORCPT_MAX = 500, /* section 4.2 */
    SINK_NOTIFY_MAX = 21  /* section 4.1: "SUCCESS,FAILURE,DELAY" */
};

/* What EHLO offered, and so what may be asked for. */
typedef struct sink_offers {
    bool extended; /* it was EHLO; without it nothing may */
    bool size;
    bool auth;
} sink_offers;

/* What MAIL asked for. The bytes are borrowed from its line. */
typedef struct sink_mail_wishes {
    uint64_t size;       /* UINT64_MAX: that or more */
    thrum_bytes id;      /* ENVID, as xtext; empty: none */
    const char *returns; /* RET: "FULL" or "HDRS"; NULL: none */
    bool sized;
    bool eight_bit;
    bool utf8;
} sink_mail_wishes;

/* What RCPT asked for. The bytes are borrowed from its line. */
typedef struct sink_rcpt_wishes {
    thrum_bytes notify; /* empty: none */
    thrum_bytes type;   /* of ORCPT, before its ";"; empty: no ORCPT */
    thrum_bytes origin; /* what follows it, as xtext */
} sink_rcpt_wishes;

typedef enum sink_parameters {
    SINK_PARAMETERS_GOOD,
    SINK_PARAMETERS_UNKNOWN, /* one was not offered */
    SINK_PARAMETERS_WRONG    /* one is malformed, or there twice */
} sink_parameters;

/* Reads what follows the path of MAIL; `rest` may be empty. */
sink_parameters sink_parameters_mail(thrum_bytes rest,
                                     const sink_offers *offers,
                                     sink_mail_wishes *wishes);

/* The same of RCPT. `utf8`: MAIL asked for SMTPUTF8, so that an ORCPT of the
 * type utf-8 may hold such characters (RFC 6533 section 3). */
sink_parameters sink_parameters_rcpt(thrum_bytes rest,
                                     const sink_offers *offers, bool utf8,
                                     sink_rcpt_wishes *wishes);

/* Decodes xtext that was found good, to at most as many bytes. Returns how
 * many they are. */
size_t sink_xtext_decode(thrum_bytes text, char *to);

#endif
