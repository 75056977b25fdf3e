/* SPDX-License-Identifier: MIT */
/*
 * Somebody who talks to a session of the sink. A dialogue is run whole, byte by
 * byte, and split at every offset; replies and messages have to be the same
 * each time.
 */
#ifndef THRUM_TESTS_SINK_DIALOGUE_H
#define THRUM_TESTS_SINK_DIALOGUE_H

#include "cli/sink_session.h"
#include "tests/support/support.h"

#define GREETING "220 localhost ESMTP thrum sink\r\n"
#define LAST_OFFERS                                                            \
    "250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n"
#define HELLO "250-localhost\r\n250-PIPELINING\r\n" LAST_OFFERS
#define GO "354 End with a dot alone on its line\r\n"
#define ENVELOPE "MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n"
#define TAKEN "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n" GO

/* What a session told, as one text: "a@x b@y c@z [Hello\r\n]". */
typedef struct peer {
    sink_session session;
    thrum_buffer replies;
    thrum_buffer told;
    sink_totals totals;
    sink_session_config config;
    sink_faults faults;
    int refuse; /* the event that fails: 'b', 't' or 'e' */
} peer;

typedef struct dialogue {
    const char *name;
    const char *says;    /* the client, after the greeting */
    const char *replies; /* after the greeting */
    const char *told;    /* NULL: nothing */
    sink_totals totals;
    bool ends;
    bool secure; /* it begins within TLS */
    sink_session_config offers;
    struct {
        sink_rule_kind kind;
        const char *text;
    } rules[4]; /* of faults, ended by NULL; but those of CONNECT */
} dialogue;

/* Begins a session, and keeps its greeting. The config may be changed. */
void peer_init(peer *self, thrum_context *context);

void peer_fini(peer *self);

/* Says something, and keeps the replies. */
void peer_say(peer *self, const char *data, size_t size);

/* The same of a text. */
void peer_tell(peer *self, const char *text);

/* Keeps the replies that the session has; "(20)" is a wait of 20 ms. */
void peer_collect(peer *self);

extern const sink_session_events peer_events;

void assert_text(const thrum_buffer *got, const char *wanted, const char *name);

/* Runs it in all the ways. */
void dialogue_run(const dialogue *one);

#endif
