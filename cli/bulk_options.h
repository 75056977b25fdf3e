/* SPDX-License-Identifier: MIT */
/* What `thrum bulk` was asked to do. */
#ifndef THRUM_CLI_BULK_OPTIONS_H
#define THRUM_CLI_BULK_OPTIONS_H

#include "cli/options.h"
#include "cli/via.h"

typedef enum bulk_progress {
    BULK_PROGRESS_AUTO,
    BULK_PROGRESS_ALWAYS,
    BULK_PROGRESS_NEVER
} bulk_progress;

typedef struct bulk_options {
    const char *from;
    const char *to;
    const char *subject;
    const char *text;
    const char *html;
    const char *letter;
    cli_texts headers;
    const char *reply_to;
    const char *envelope_from;
    const char *via;
    cli_via_options how;
    uint64_t connections;
    int strict;
    uint64_t max_recipients;
    int dry_run;
    uint64_t preview; /* a row, from 1; 0: none */
    const char *test;
    int progress; /* bulk_progress */
    int json;
} bulk_options;

/* The table behind them. */
extern const cli_command bulk_command;

/* Reads the command line. Answers as cli_options_read. */
int bulk_options_read(bulk_options *options, int argc, char **argv);

#endif
