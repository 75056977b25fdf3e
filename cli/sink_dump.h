/* SPDX-License-Identifier: MIT */
/*
 * The file of `thrum sink --dump`: one line of JSON for each message, and whole
 * lines only. sink_line.h makes them.
 */
#ifndef THRUM_CLI_SINK_DUMP_H
#define THRUM_CLI_SINK_DUMP_H

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

/* Adds a whole line, which is written with others. Returns 0 or an errno. */
int sink_dump_add(sink_dump *dump, thrum_bytes line);

/* Writes the whole line that begins in the file `from` and ends with `rest`.
 * Returns 0 or an errno. */
int sink_dump_add_file(sink_dump *dump, int from, thrum_bytes rest);

/* Writes all of it. `*written` counts what the file got, also on error.
 * Returns 0 or an errno. */
int sink_write_all(int fd, const char *data, size_t size, size_t *written);

#endif
