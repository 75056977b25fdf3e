/* SPDX-License-Identifier: MIT */
/*
 * How it goes, while it goes: on a terminal one line that is rewritten, else a
 * plain line every few seconds. It looks at no clock; it is told the time.
 */
#ifndef THRUM_CLI_PROGRESS_H
#define THRUM_CLI_PROGRESS_H

#include <stdio.h>

#include <thrum/api.h>

enum { CLI_PROGRESS_SAMPLES = 16 };

typedef struct cli_progress_sample {
    thrum_ns at;
    uint64_t ended;
} cli_progress_sample;

typedef struct cli_progress {
    FILE *out; /* NULL: nothing is shown */
    int rewrites;
    size_t width; /* of the terminal, in columns */
    thrum_ns every;
    thrum_ns next;
    size_t shown; /* how long the line is that stands there now */
    /* The rate is that of the last samples, so that it follows what happens. */
    size_t samples;
    cli_progress_sample sample[CLI_PROGRESS_SAMPLES];
} cli_progress;

/* What there is to say. `ended` of `total` are done with, `failed` of them not
 * well. Without a total they are rows that were checked. */
typedef struct cli_progress_counts {
    uint64_t total, ended, failed;
} cli_progress_counts;

/* Shows progress on `out` as a terminal of `width` columns, or (0) as plain
 * lines. `out` NULL: not at all. */
void cli_progress_init(cli_progress *progress, FILE *out, size_t width,
                       thrum_ns now);

/* Whether a terminal is at the descriptor that can rewrite a line: its width,
 * else 0. */
size_t cli_progress_terminal(int fd);

/* Shows the counts, if it is time to. */
void cli_progress_show(cli_progress *progress, thrum_ns now,
                       const cli_progress_counts *counts);

/* What follows begins a line of its own. */
void cli_progress_clear(cli_progress *progress);

#endif
