/* SPDX-License-Identifier: MIT */
/*
 * One message's line in the dump. Messages arrive at the same time over many
 * connections, so each has a line of its own in the making.
 */
#ifndef THRUM_CLI_SINK_LINE_H
#define THRUM_CLI_SINK_LINE_H

#include <stdio.h>

#include "cli/sink_dump.h"
#include "cli/sink_envelope.h"

typedef struct sink_line {
    thrum_buffer text;
    FILE *spilled; /* where a long line begins; unnamed */
} sink_line;

/* What is said of the client beside its message. All of it is borrowed. */
typedef struct sink_peer {
    const char *version;   /* of TLS; NULL: none */
    const char *cipher;    /* with it */
    const char *mechanism; /* by which it authenticated; NULL: it did not */
    thrum_bytes user;      /* as whom */
} sink_peer;

/* Makes an empty line. */
void sink_line_init(sink_line *line, thrum_context *context);

/* Frees what it holds. */
void sink_line_fini(sink_line *line);

/* Begins a line anew. Returns 0 or an errno. */
int sink_line_begin(sink_line *line, const sink_envelope *envelope);

/* Adds a piece of the text. Returns 0 or an errno. */
int sink_line_add(sink_line *line, const char *data, size_t size);

/* Ends the line and gives it to the dump. Returns 0 or an errno. */
int sink_line_end(sink_line *line, const sink_envelope *envelope,
                  const sink_peer *peer, sink_dump *dump);

#endif
