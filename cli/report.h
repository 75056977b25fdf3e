/* SPDX-License-Identifier: MIT */
/*
 * The totals of a campaign. Every recipient is in exactly one of seven states,
 * and the states sum to the total: `waiting` is what none of the others is.
 */
#ifndef THRUM_CLI_REPORT_H
#define THRUM_CLI_REPORT_H

#include <stdio.h>

#include <thrum/failure.h>

/* Servers put queue names and addresses into their words: more kinds than these
 * are counted together. */
enum { CLI_REPORT_KINDS = 100, CLI_REPORT_TEXT = 200 };

/* One kind of failure: what servers said, and how often. */
typedef struct cli_report_kind {
    int code;          /* the reply's, 0 without a reply */
    char enhanced[12]; /* "5.1.1", or "" */
    const char *means; /* the verdict in a word; NULL without a reply */
    char text[CLI_REPORT_TEXT];
    uint64_t count;
} cli_report_kind;

typedef struct cli_report {
    uint64_t total;
    uint64_t accepted;
    uint64_t failed;
    uint64_t invalid;
    uint64_t suppressed;
    uint64_t in_doubt;
    thrum_ns sending; /* how long it was sending */
    uint64_t rss_anon_max_kib;
    double lag_p999_ms;
    uint64_t turn_max_steps;
    uint64_t other; /* failures of no kind below */
    size_t kinds_count;
    cli_report_kind kinds[CLI_REPORT_KINDS];
} cli_report;

/* What was not tried, or not begun. */
uint64_t cli_report_waiting(const cli_report *report);

/* `count` recipients failed so. */
void cli_report_failed(cli_report *report, const thrum_failure *why,
                       uint64_t count);

/* Accepted recipients a second of sending. */
double cli_report_rate(const cli_report *report);

/* Writes the totals for a person, to standard error. */
void cli_report_say(const cli_report *report);

/* Writes them as one JSON object on one line. Returns 0, or -1: no memory, or
 * it could not be written. */
int cli_report_json(const cli_report *report, FILE *out);

#endif
