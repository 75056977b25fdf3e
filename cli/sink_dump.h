/* SPDX-License-Identifier: MIT */
/*
 * The file of `thrum sink --dump`: one line of JSON for each message. Messages
 * arrive at the same time over many connections, so each has a line of its own
 * in the making, and the file gets whole lines only.
 */
#ifndef THRUM_CLI_SINK_DUMP_H
#define THRUM_CLI_SINK_DUMP_H

#include <stdbool.h>
#include <stdio.h>

#include <thrum/buffer.h>

typedef struct sink_dump {
    thrum_buffer pending; /* whole lines that are not written yet */
    uint64_t whole;       /* size of the file up to its last whole line */
    int fd;
    int error; /* the errno of the first write that failed; 0: none did */
} sink_dump;

/* Makes or empties the file; only its owner may read it.
 * Returns 0 or an errno; then there is nothing to close. */
int sink_dump_open(sink_dump *dump, thrum_context *context, const char *path);

/* Writes what is pending. Returns 0 or an errno, for good: a dump that could
 * not be written once takes no more. */
int sink_dump_flush(sink_dump *dump);

/* Flushes and closes it. Returns 0 or an errno. */
int sink_dump_close(sink_dump *dump);

/* One message's line. */
typedef struct sink_line {
    thrum_buffer text;
    FILE *spilled; /* where a long line begins; unnamed */
} sink_line;

/* Makes an empty line. */
void sink_line_init(sink_line *line, thrum_context *context);

/* Frees what it holds. */
void sink_line_fini(sink_line *line);

/* Begins a line anew. `recipients` are `size` bytes, each address ended by a
 * NUL. Returns 0 or an errno. */
int sink_line_begin(sink_line *line, thrum_bytes sender,
                    thrum_bytes recipients);

/* Adds a piece of the text. Returns 0 or an errno. */
int sink_line_add(sink_line *line, const char *data, size_t size);

/* Ends the line and gives it to the dump. Returns 0 or an errno. */
int sink_line_end(sink_line *line, sink_dump *dump);

#endif
