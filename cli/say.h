/* SPDX-License-Identifier: MIT */
/*
 * Lines for the person at the terminal. Words that came from elsewhere (a
 * server, a file) may hold control bytes, and those would be commands to the
 * terminal: none of them passes here raw.
 */
#ifndef THRUM_CLI_SAY_H
#define THRUM_CLI_SAY_H

#include <stddef.h>

#include <thrum/failure.h>

/* Writes one line to standard error, in one call. Longer than 4 KiB: cut. */
void cli_say(const char *format, ...) THRUM_PRINTF(1, 2);

/* Copies `size` bytes of `text` to `out`, of `room` bytes, as they may be
 * shown: control characters (C0, DEL, C1) and bytes that are not UTF-8 become
 * \xNN. Ends with a NUL; cut at a character where the room ends. Returns the
 * length. */
size_t cli_say_clean(const char *text, size_t size, char *out, size_t room);

/* The words of a failure and of what lies beneath it, "no connection: no
 * route", as they may be shown. Ends with a NUL; cut where the room ends. */
void cli_say_causes(const thrum_failure *why, char *out, size_t room);

#endif
