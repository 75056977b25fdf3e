/* SPDX-License-Identifier: MIT */
/*
 * Lines out of bytes as they come, whatever their pieces: for the `received` of
 * a stream's handler. It pulls, so a protocol that changes to plain bytes after
 * a line stops asking for lines and takes what is left.
 *
 *     while ((got = thrum_lines_next(lines, &data, &size, &line)) > 0)
 *         answer(line.data, line.size);
 */
#ifndef THRUM_LINES_H
#define THRUM_LINES_H

#include <thrum/failure.h>

THRUM_BEGIN

typedef struct thrum_lines thrum_lines;

/* Makes a splitter for lines of at most `cap` bytes, the end not counted.
 * Ownership: new. Errors: NULL, no memory. */
THRUM_API thrum_lines *thrum_lines_new(thrum_context *context, size_t cap);

/* Takes the next line from the bytes at *data and moves *data and *size behind
 * it. A line ends with LF; one CR before it belongs to the end. A line that
 * stands whole in *data is not copied.
 * Returns 1, and *line is borrowed until the next call; or 0: all bytes were
 * used, and the beginning of a line is kept for the next ones.
 * Errors: THRUM_E_FULL, longer than the cap, now and from now on;
 * THRUM_E_NOMEM, and nothing was taken. */
THRUM_API int thrum_lines_next(thrum_lines *lines, const char **data,
                               size_t *size, thrum_bytes *line);

/* How many bytes of a line that has not ended are kept. */
THRUM_API size_t thrum_lines_kept(const thrum_lines *lines);

/* Frees it. Takes a void pointer, to serve as a release function. NULL is
 * nothing. */
THRUM_API void thrum_lines_free(void *lines);

THRUM_END

#endif
