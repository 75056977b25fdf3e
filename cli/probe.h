/* SPDX-License-Identifier: MIT */
/* What the files of `thrum probe` share. */
#ifndef THRUM_CLI_PROBE_H
#define THRUM_CLI_PROBE_H

#include <stdio.h>

#include <thrum/probe.h>

#include "cli/via.h"

typedef struct probe_options {
    const char *url;
    cli_via_options how;
    int json;
} probe_options;

/* The table behind them. */
extern const cli_command probe_command;

/* Reads the command line. Answers as cli_options_read. */
int probe_options_read(probe_options *options, int argc, char **argv);

/* Writes what was found for a person (probe_text.c). */
void probe_text(const thrum_probe_facts *facts, FILE *out);

/* Writes it as one JSON object on one line (probe_json.c). Returns 0, or -1: no
 * memory, or it could not be written. */
int probe_json(const thrum_probe_facts *facts, FILE *out);

/* ---- Words for both ---- */

typedef struct probe_word {
    unsigned bit;
    const char *word;
} probe_word;

/* Extensions and mechanisms by their names; each ends with a bit of 0. */
extern const probe_word probe_extensions[];
extern const probe_word probe_mechanisms[];

enum { PROBE_DATE = 24, PROBE_DIGEST = 65 };

/* "2026-11-20T12:00:00Z". */
void probe_date(thrum_ns wall, char out[PROBE_DATE]);

/* Sixty-four hexadecimal digits. */
void probe_digest(const uint8_t sha256[32], char out[PROBE_DIGEST]);

#endif
