/* SPDX-License-Identifier: MIT */
/*
 * Faults that are asked for on the command line: commands that are refused,
 * connections that are dropped, answers that come late. A rule counts what all
 * connections together send.
 */
#ifndef THRUM_CLI_SINK_FAULT_H
#define THRUM_CLI_SINK_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a rule is about; the names are in sink_fault.c. */
typedef enum sink_event {
    SINK_AT_CONNECT,
    SINK_AT_EHLO,
    SINK_AT_HELO,
    SINK_AT_STARTTLS,
    SINK_AT_AUTH,
    SINK_AT_MAIL,
    SINK_AT_RCPT,
    SINK_AT_DATA,
    SINK_AT_BDAT, /* and its octets */
    SINK_AT_DOT,  /* the end of a text, also by BDAT */
    SINK_AT_RSET,
    SINK_AT_NOOP,
    SINK_AT_QUIT,
    SINK_AT_NOTHING
} sink_event;

enum { SINK_RULES_MOST = 192, SINK_DELAY_MOST = 24 * 60 * 60 * 1000 };

typedef enum sink_rule_kind {
    SINK_RULE_REPLY,
    SINK_RULE_DROP,
    SINK_RULE_DELAY
} sink_rule_kind;

typedef struct sink_rule {
    sink_rule_kind kind;
    sink_event event;
    uint64_t number; /* the code, or milliseconds */
    uint64_t every;  /* 1/N: it holds for every Nth */
    uint64_t seen;
} sink_rule;

typedef struct sink_faults {
    sink_rule rules[SINK_RULES_MOST];
    size_t count;
} sink_faults;

/* What is to happen to one command. */
typedef struct sink_fault {
    unsigned code;  /* answer by this; 0: as always */
    bool drop;      /* close, without an answer */
    uint64_t delay; /* milliseconds before the answer, or the close */
} sink_fault;

/* Reads and adds a rule: "CMD:CODE[:1/N]", "CMD[:1/N]" or "CMD:MS"; CODE is
 * from 400 to 599. false: it is none, or one too many. */
bool sink_faults_add(sink_faults *faults, sink_rule_kind kind,
                     const char *text);

/* Counts that the event has come, and tells what is to happen; of several
 * replies the first rule's. `faults` may be NULL: nothing. */
sink_fault sink_faults_next(sink_faults *faults, sink_event event);

#endif
